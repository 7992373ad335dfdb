//! What a session recorded of itself, as text or as a capture file.

use super::constants::{SMPFOTA_RECORD_HEADERS_ONLY, SMPFOTA_RECORDING_PCAPNG, SMPFOTA_RECORDING_TEXT};
use super::guard::{guard, guard_explained};
use super::pointers::{BufferOut, Named, size_t};
use super::sessions::SESSIONS;
use super::structs::smpfota_error;
use super::types::smpfota_session;
use crate::failure::Failure;
use crate::recording::Form;
use crate::status::Status;

/// Records from now on what goes out, what comes in and what the session decides: the last of it that `capacity` bytes hold, where an
/// entry takes 8 more than its bytes, or 21 where data is left out. When they are full the oldest eighth gives way at once. Off until
/// this is called; 0 ends the recording and forgets it, any other number begins anew.
///
/// `capacity` is 0 or 1,024 to 67,108,864, and allocated at once; `flags` is 0 or `SMPFOTA_RECORD_HEADERS_ONLY`. A recording holds
/// what went over the link (docs/SECURITY.md). A snapshot holds none: call this again for a restored session.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_STRUCT_SIZE` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_record(
    session: smpfota_session,
    capacity: size_t,
    flags: u32,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            if flags & !SMPFOTA_RECORD_HEADERS_ONLY != 0 {
                let sentence = format!("flags is {flags}; it must be 0 or 1 (headers only).");
                return Err(Failure::new(Status::InvalidArgument, sentence));
            }
            SESSIONS.inspect(session, |session| session.record(capacity, flags != 0)).named("session")??;
            Ok(Status::Ok)
        })
    }
}

/// The whole recording as a file; it stays as it is.
///
/// `form` is `SMPFOTA_RECORDING_TEXT` or `SMPFOTA_RECORDING_PCAPNG`. `buffer`, `capacity` and `length` as with `smpfota_version`,
/// for bytes. It grows with each frame: ask for the length with a capacity of 0 while the session rests.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_WRONG_STATE` when nothing is recorded, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need),
/// `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_recording(
    session: smpfota_session,
    form: u32,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        let form = of_number(form)?;
        let file = SESSIONS.inspect(session, |session| session.recording(form))?;
        out.put(&file.ok_or(Status::WrongState)?)
    })
}

/// Takes the oldest entries out of the recording, as many whole ones as fit: for a caller that writes a file or a log as it goes. What
/// is taken one after the other, in one form, is the file.
///
/// `form`, `buffer`, `capacity` and `length` as with `smpfota_session_recording`. What does not fit stays.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when there is nothing to take, `SMPFOTA_WRONG_STATE` when nothing is recorded,
/// `SMPFOTA_BUFFER_TOO_SMALL` when not even one fits (`*length` says the need), `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_INVALID_HANDLE`,
/// `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_drain_recording(
    session: smpfota_session,
    form: u32,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        let form = of_number(form)?;
        SESSIONS.inspect(session, |session| {
            let part =
                session.drain_recording(form, out.capacity()).map_err(|failure| match failure.status {
                    Status::BufferTooSmall => out.too_small(session.recording_need(form)),
                    status => status,
                })?;
            if part.is_empty() { Ok(Status::Empty) } else { out.put(&part) }
        })?
    })
}

fn of_number(form: u32) -> Result<Form, Status> {
    match form {
        SMPFOTA_RECORDING_TEXT => Ok(Form::Text),
        SMPFOTA_RECORDING_PCAPNG => Ok(Form::Pcapng),
        _ => Err(Status::InvalidArgument),
    }
}
