//! The C ABI: handles, guards, pointers and structs around the Rust API, and nothing else.
//!
//! This is the only place of the crate with `unsafe`. Every exported function is one expression: the guard that stops
//! panics, the checks of what the caller passed, one call into the safe layers, one write of the result. The header
//! `include/smpfota.h` and the C# signatures are generated from these files; their doc comments speak to C readers.
//!
//! # Safety
//!
//! What holds for every exported function: a pointer is NULL or points to as much memory as its length, capacity,
//! type or `struct_size` says, and nobody else writes there during the call. Anything else about the arguments is
//! checked: NULL, handles, lengths, numbers, order of calls, threads. `docs/ABI.md` has the whole contract.

#![allow(unsafe_code)]
// One statement above instead of the same paragraph in front of every function.
#![allow(clippy::missing_safety_doc)]
// The structs carry their C names, so that both generators give the same names without a table.
#![allow(non_camel_case_types)]

mod calls;
mod constants;
mod device;
mod explain;
mod file;
mod guard;
mod handles;
mod image;
mod library;
mod options;
mod pointers;
mod recording;
mod serial;
mod session;
mod sessions;
#[cfg(feature = "simulator")]
mod simulated;
mod snapshot;
mod structs;
mod trace;
mod types;
#[cfg(not(feature = "simulator"))]
mod unsimulated;

pub use calls::*;
pub use constants::*;
pub use device::*;
pub use explain::*;
pub use file::*;
pub use image::*;
pub use library::*;
pub use recording::*;
pub use serial::*;
pub use session::*;
pub use snapshot::*;
pub use structs::{
    smpfota_device_options, smpfota_error, smpfota_image_info, smpfota_progress, smpfota_session_options,
    smpfota_update_options,
};
pub use trace::*;
pub use types::*;
