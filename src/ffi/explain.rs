//! Frames explained to a human.

use std::ffi::c_char;

use super::guard::guard;
use super::pointers::{BufferOut, input, size_t};
use crate::diagnose;
use crate::status::Status;

/// How many bytes are explained at most.
const LONGEST: usize = 1 << 20;

/// Explains bytes that went to a device or came from one, as a JSON object: `frames` with header, meaning and body, and
/// `findings`, what is wrong with them.
///
/// `bytes` has `bytes_length` bytes, at most 1 MiB: one frame or several, raw or in console lines, also written as
/// hexadecimal, base64 or a JSON list of numbers. Any bytes are explained. `text`, `capacity` and `length` as with
/// `smpfota_version`; the text is never longer than 128 KiB.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_INVALID_ARGUMENT` for more than
/// 1 MiB. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_explain_frame(
    bytes: *const u8,
    bytes_length: size_t,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (bytes, out) = unsafe { (input(bytes, bytes_length)?, BufferOut::text(text, capacity, length)?) };
        if bytes.len() > LONGEST {
            return Err(Status::InvalidArgument);
        }
        out.put(diagnose::explain(bytes).to_string().as_bytes())
    })
}
