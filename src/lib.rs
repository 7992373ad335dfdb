//! The SMP (MCUmgr) logic of firmware updates, without any I/O: bytes in, bytes out, time as an argument.

#![warn(missing_docs)]

pub mod failure;
pub mod firmware;
pub mod smp;
pub mod status;

pub use failure::{Failure, Finding};
pub use firmware::{Firmware, FirmwareError};
pub use status::Status;
