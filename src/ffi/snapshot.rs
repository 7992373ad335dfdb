//! Sessions as bytes: saved by one process, restored by another.
//!
//! The session layer has no snapshots yet, so both functions check their arguments and say `SMPFOTA_UNAVAILABLE`.

use super::guard::{guard, guard_explained};
use super::pointers::{BufferOut, Out, input, input_struct, size_t};
use super::session::SESSIONS;
use super::structs::{smpfota_error, smpfota_session_options};
use crate::status::Status;

/// Saves a session as a few hundred bytes.
///
/// Returns `SMPFOTA_UNAVAILABLE` in this version, or `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_save(
    session: usize,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        unsafe { BufferOut::new(buffer, capacity, length) }?;
        SESSIONS.with_mut(session, |_| Err(Status::Unavailable))?
    })
}

/// Opens a session that goes on where a saved one stood.
///
/// Returns `SMPFOTA_UNAVAILABLE` in this version, or `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`,
/// `SMPFOTA_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_restore(
    snapshot: *const u8,
    length: size_t,
    image: usize,
    options: *const smpfota_session_options,
    session: *mut usize,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let _ = image;
            Out::new(session)?;
            input(snapshot, length)?;
            input_struct(options, smpfota_session_options::defaults())?.parse()?;
            Err(Status::Unavailable.into())
        })
    }
}
