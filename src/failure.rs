//! How an operation fails: a status for the program, a finding for the engineer, a sentence for the reader.

use crate::smp::DeviceError;
use crate::status::Status;

/// Declares [`Finding`] once: number, name and the advice that goes with it.
macro_rules! findings {
    ($($variant:ident = $number:literal, $name:literal, $advice:literal;)*) => {
        /// What the library saw that points to the cause of a failure. The numbers never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[repr(u32)]
        #[non_exhaustive]
        pub enum Finding {
            $(#[doc = $advice] $variant = $number,)*
            /// Nothing beyond the status itself.
            #[default]
            None = 0,
        }

        impl Finding {
            /// Every finding there is.
            pub const ALL: &'static [Finding] = &[Finding::None, $(Finding::$variant),*];

            /// The name in capitals, as C and C# spell it without their prefix.
            pub const fn name(self) -> &'static str {
                match self { Finding::None => "NONE", $(Finding::$variant => $name,)* }
            }

            /// Likely cause and next step in one sentence; empty for [`Finding::None`].
            pub const fn advice(self) -> &'static str {
                match self { Finding::None => "", $(Finding::$variant => $advice,)* }
            }
        }
    };
}

findings! {
    NeverAnswered = 1, "NEVER_ANSWERED", "Not one frame was answered: check that notifications are enabled, that the link is encrypted if the device asks for it, and that SMP is in this firmware.";
    LargeFramesLost = 2, "LARGE_FRAMES_LOST", "Small frames pass and large ones vanish: a gateway or the ATT MTU cuts the writes; lower max_write, or max_frame if the device does not reassemble.";
    FirstFrameOnly = 3, "FIRST_FRAME_ONLY", "The first chunk was answered and nothing after it: the carrier loses, holds back or cuts the following writes.";
    ResponsesReplayed = 4, "RESPONSES_REPLAYED", "Old responses came again under old sequence numbers: the gateway repeats or caches notifications.";
    DeviceRestarted = 5, "DEVICE_RESTARTED", "The device lost its upload state midway: it rebooted or another client started an upload.";
    ServerStuck = 6, "SERVER_STUCK", "The device answered before and now not even an echo: drop the link and connect again, or reset the device.";
    OffsetRepeats = 7, "OFFSET_REPEATS", "The device takes the frame and asks for the same offset again: its flash write fails or the chunk is changed on the way.";
    BuffersExhausted = 8, "BUFFERS_EXHAUSTED", "The device reports that it has no buffer: use a smaller window.";
    NoReassembly = 9, "NO_REASSEMBLY", "The device does not put GATT writes together: keep max_frame at max_write.";
    LinkDrops = 10, "LINK_DROPS", "The device link went down and did not come up again in time.";
    LateFirstFrame = 11, "LATE_FIRST_FRAME", "A delayed copy of the first frame started the upload anew after its end: let queued messages expire on the carrier.";
    BootloaderRefused = 12, "BOOTLOADER_REFUSED", "The bootloader did not start the new image: signature or key, version rule, hash or slot layout do not fit.";
    NoConfirmation = 13, "NO_CONFIRMATION", "The new image ran, was not confirmed and the bootloader went back: confirm it in time, or find out why it reset.";
    OldServer = 14, "OLD_SERVER", "The server lacks this command or speaks an older protocol: give the missing figure as an option.";
    ForeignResponses = 15, "FOREIGN_RESPONSES", "Responses to requests of somebody else arrived: only one client may talk to a device at a time.";
}

impl Finding {
    /// The frozen number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The finding with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Finding> {
        Finding::ALL.iter().copied().find(|finding| finding.number() == number)
    }
}

/// Why a call or an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// The number for the caller's program.
    pub status: Status,
    /// What points to the cause.
    pub finding: Finding,
    /// The device's own error, where it answered one.
    pub device: Option<DeviceError>,
    /// What is wrong and what to do, for a human reader; at most a few hundred bytes.
    pub sentence: String,
}

impl Failure {
    /// A failure with a sentence of its own.
    // Cold: so what leads to a failure is made small and stands apart from what runs all the time.
    #[cold]
    pub fn new(status: Status, sentence: impl Into<String>) -> Failure {
        Failure { status, finding: Finding::None, device: None, sentence: sentence.into() }
    }

    /// Adds the finding, and its advice to the sentence.
    #[cold]
    #[must_use]
    pub fn with_finding(mut self, finding: Finding) -> Failure {
        self.finding = finding;
        if !finding.advice().is_empty() {
            self.sentence.push(' ');
            self.sentence.push_str(finding.advice());
        }
        self
    }

    /// Adds the device's error.
    #[cold]
    #[must_use]
    pub fn with_device(mut self, device: DeviceError) -> Failure {
        self.device = Some(device);
        self
    }
}

impl From<Status> for Failure {
    #[cold]
    fn from(status: Status) -> Failure {
        Failure::new(status, status.text())
    }
}
