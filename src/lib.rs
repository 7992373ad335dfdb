//! The SMP (MCUmgr) logic of firmware updates, without any I/O: bytes in, bytes out, time as an argument.

#![warn(missing_docs)]

pub mod command;
pub mod conversation;
pub mod diagnose;
pub mod failure;
pub mod ffi;
pub mod firmware;
pub mod recording;
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod smp;
pub mod snapshot;
pub mod status;
pub mod trace;
pub mod update;

pub(crate) mod json;
pub(crate) mod transfer;
pub(crate) mod upload;

pub use command::Command;
pub use conversation::{Counters, Event, EventKind, Framing, Reassembly, SessionOptions, SmpVersion};
pub use failure::{Failure, Finding};
pub use firmware::{Firmware, FirmwareError};
pub use session::{Counts, Expected, LeftWith, LinkEvent, Next, Progress, Session};
pub use status::{Retry, Status};
pub use trace::Trace;
pub use update::{BootMode, Phase, UpdateMode, UpdateOptions};
