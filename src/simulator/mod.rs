//! A virtual device and a virtual link in front of it, for tests and demonstrations without hardware.
//!
//! Everything runs in virtual microseconds that the caller hands in; every random number comes from a seed.

pub mod device;
pub mod image;
pub mod link;
pub mod rng;

pub use device::{
    AfterUpload, BootMode, ComingBack, DeviceCounters, DeviceOptions, DeviceProfile, EraseMode, FieldDevice,
    FlashTiming, ImmutableBootloader, InstallError, Listing, LoaderSetup, LoggedRequest, NetworkCore, Quirks,
    RecoveryList, RecoveryRelease, RecoveryServer, SlotState, SwitchedOff, Transport, VersionText,
    VirtualDevice,
};
pub use link::{
    CallProfile, CallReturn, CallWrite, Fault, LinkCounters, LinkKind, LinkProfile, RoundTrip, Scenario,
    VirtualCalls, VirtualLink, fewest_frames, ideal_course, ideal_time_for, ideal_time_us, physical_limit_us,
};
