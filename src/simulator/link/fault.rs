//! The fault scripts by name. Each is one thing that went wrong in the field, told again on demand.

/// A named fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing but what the link's profile does anyway.
    None,
    /// The second upload frame is dropped; the answer to the first is replayed after four more frames.
    SeedThread,
    /// The gateway cuts one byte off every write of 244 bytes or more (meant for devices that reassemble).
    TruncateOne,
    /// The gateway delivers its cached notification again with every fifth frame.
    CachedNotify,
    /// A copy of the first upload frame reaches the device after the upload has completed.
    LateFirstFrame,
    /// The gateway lets a burst of copies go, more than the device has buffers.
    BufBurst,
    /// The device resets when half of the image is there.
    RebootMidway,
    /// The device falls silent when a third of the image is there, until the link goes down.
    SyswqFreeze,
    /// Frames are delivered a second time 60 s later (cloud-to-device messages whose lock ran out).
    C2dRedelivery,
    /// The gateway drops writes longer than 200 bytes without a word.
    FrameCeiling,
    /// Now and then one write inside a frame is lost.
    FragmentLoss,
}

impl Fault {
    /// Every fault; the place in this list is its number in C.
    pub const ALL: &'static [Fault] = &[
        Fault::None,
        Fault::SeedThread,
        Fault::TruncateOne,
        Fault::CachedNotify,
        Fault::LateFirstFrame,
        Fault::BufBurst,
        Fault::RebootMidway,
        Fault::SyswqFreeze,
        Fault::C2dRedelivery,
        Fault::FrameCeiling,
        Fault::FragmentLoss,
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::None => "none",
            Fault::SeedThread => "seed-thread",
            Fault::TruncateOne => "truncate-1",
            Fault::CachedNotify => "cached-notify",
            Fault::LateFirstFrame => "late-first-frame",
            Fault::BufBurst => "buf-burst",
            Fault::RebootMidway => "reboot-midway",
            Fault::SyswqFreeze => "syswq-freeze",
            Fault::C2dRedelivery => "c2d-60s-redelivery",
            Fault::FrameCeiling => "frame-ceiling",
            Fault::FragmentLoss => "fragment-loss",
        }
    }

    /// The fault of this name.
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|f| f.name() == name)
    }
}

/// Writes longer than this never pass with [`Fault::FrameCeiling`].
pub const FRAME_CEILING: usize = 200;
/// Writes of at least this length lose a byte with [`Fault::TruncateOne`].
pub const TRUNCATE_FROM: usize = 244;
