//! Files of the device as bytes: neither way do they pass through JSON.

use std::ffi::c_char;

use super::guard::{guard, guard_explained};
use super::pointers::{BufferOut, Named, input, size_t};
use super::session::read_arguments;
use super::sessions::SESSIONS;
use super::structs::smpfota_error;
use super::types::smpfota_session;
use crate::command::Command;
use crate::status::Status;

/// Starts the command `file_upload` with the content as bytes: as `smpfota_session_start_command`, without `content` among the
/// arguments.
///
/// `arguments` has `arguments_length` bytes: a JSON object in UTF-8 with `name` and, where wanted, `verify`. `content` has
/// `content_length` bytes, 1 to 16 MiB; they are copied.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_JSON`, `SMPFOTA_INVALID_ARGUMENT`, `SMPFOTA_OPERATION_RUNNING`,
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE` or `SMPFOTA_BUSY`; `error` says what is wrong
/// with which argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_start_upload(
    session: smpfota_session,
    arguments: *const c_char,
    arguments_length: size_t,
    content: *const u8,
    content_length: size_t,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let arguments = read_arguments(input(arguments.cast(), arguments_length).named("arguments")?)?;
            let command = Command::upload(&arguments, input(content, content_length).named("content")?)?;
            SESSIONS.start(session, |session| session.start_command(command)).named("session")??;
            Ok(Status::Ok)
        })
    }
}

/// Reads the file that the command `file_download` brought with the argument `"encoding": "raw"`, piece by piece. The result of
/// the command (`smpfota_session_result`) says its `length` and how it was verified. The file stays until the next start.
///
/// `offset` counts bytes from the start of the file. `buffer` has room for `capacity` bytes and takes as many as there are from
/// there on; `*length` receives how many.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` at the end of the file and beyond, `SMPFOTA_BUFFER_TOO_SMALL` for a capacity of 0 before
/// it (`*length` says how many bytes are left), `SMPFOTA_NO_OPERATION` while there is no such file, `SMPFOTA_INVALID_HANDLE`,
/// `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_session_file_read(
    session: smpfota_session,
    offset: u64,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        SESSIONS.inspect(session, |session| {
            let file = session.file().ok_or(Status::NoOperation)?;
            let left = usize::try_from(offset).ok().and_then(|offset| file.get(offset..)).unwrap_or_default();
            if left.is_empty() {
                out.wrote(0);
                return Ok(Status::Empty);
            }
            if out.capacity() == 0 {
                return Err(out.too_small(left.len()));
            }
            out.put(&left[..left.len().min(out.capacity())])
        })?
    })
}
