//! The phases of an operation, as progress reports them.

/// Where an operation stands. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
#[non_exhaustive]
pub enum Phase {
    /// No operation was started.
    #[default]
    Idle = 0,
    /// Asking the device what it is and what it holds.
    Discover = 1,
    /// Erasing the slot.
    Erase = 2,
    /// Uploading.
    Upload = 3,
    /// Checking that the device lists the image.
    VerifyUpload = 4,
    /// Marking the image for the next boot.
    Mark = 5,
    /// Resetting.
    Reset = 6,
    /// Waiting for the bootloader and for the device to come back, until its link comes up, it answers, or the caller's estimate
    /// of the swap is over.
    Swap = 7,
    /// Checking that the new image runs.
    VerifyBoot = 8,
    /// Waiting for the caller's word.
    HealthCheck = 9,
    /// Confirming the image.
    Confirm = 10,
    /// Ended well.
    Done = 11,
    /// Ended with a failure.
    Failed = 12,
    /// A single command is under way.
    Command = 13,
}

impl Phase {
    /// Every phase there is, by its number.
    pub const ALL: [Phase; 14] = [
        Phase::Idle,
        Phase::Discover,
        Phase::Erase,
        Phase::Upload,
        Phase::VerifyUpload,
        Phase::Mark,
        Phase::Reset,
        Phase::Swap,
        Phase::VerifyBoot,
        Phase::HealthCheck,
        Phase::Confirm,
        Phase::Done,
        Phase::Failed,
        Phase::Command,
    ];

    /// The phase with this number, if there is one.
    pub fn from_number(number: u32) -> Option<Phase> {
        Phase::ALL.get(number as usize).copied()
    }

    /// The name in capitals, as C and C# spell it without their prefix.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Idle => "IDLE",
            Phase::Discover => "DISCOVER",
            Phase::Erase => "ERASE",
            Phase::Upload => "UPLOAD",
            Phase::VerifyUpload => "VERIFY_UPLOAD",
            Phase::Mark => "MARK",
            Phase::Reset => "RESET",
            Phase::Swap => "SWAP",
            Phase::VerifyBoot => "VERIFY_BOOT",
            Phase::HealthCheck => "HEALTH_CHECK",
            Phase::Confirm => "CONFIRM",
            Phase::Done => "DONE",
            Phase::Failed => "FAILED",
            Phase::Command => "COMMAND",
        }
    }
}
