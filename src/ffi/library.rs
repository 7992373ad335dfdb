//! What the library says about itself: versions, statuses, findings.

use std::ffi::c_char;

use super::constants::SMPFOTA_ABI_VERSION;
use super::guard::guard;
use super::pointers::{BufferOut, Out, size_t};
use crate::failure::Finding;
use crate::status::Status;
use crate::update::Phase;

/// The version of the ABI that this library has. It must equal `SMPFOTA_ABI_VERSION` of the header.
///
/// May be called from any thread at any time. Never fails.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_abi_version() -> u32 {
    SMPFOTA_ABI_VERSION
}

/// The version of this library, such as `0.1.0`.
///
/// `text` receives ASCII, at most `capacity` bytes, and a NUL behind it where the capacity is larger than the text; `*length` the number of
/// bytes, which never counts the NUL. With `capacity` 0 the text is not looked at and `*length` says how many bytes it needs.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` or `SMPFOTA_NULL_POINTER`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_version(text: *mut c_char, capacity: size_t, length: *mut size_t) -> i32 {
    // SAFETY: the module's contract.
    guard(|| unsafe { BufferOut::text(text, capacity, length) }?.put(env!("CARGO_PKG_VERSION").as_bytes()))
}

/// The name of a status, such as `BUFFER_TOO_SMALL`.
///
/// `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER`, or `SMPFOTA_INVALID_ARGUMENT` for a number
/// that this library does not know. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_status_name(
    status: i32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    // SAFETY: the module's contract.
    unsafe { put_name(Status::from_number(status).map(Status::name), text, capacity, length) }
}

/// One English sentence that says what a status means; of a number that this library does not know, what its range says.
///
/// `text`, `capacity` and `length` as with `smpfota_version`; the sentence is ASCII.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` or `SMPFOTA_NULL_POINTER`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_status_text(
    status: i32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        out.put(Status::text_of(status).as_bytes())
    })
}

/// What a program that runs on its own may do about a status: `*retry` receives an `SMPFOTA_RETRY_...` number.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER`, or `SMPFOTA_INVALID_ARGUMENT` for a number that this library does not
/// know. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_status_retry(status: i32, retry: *mut u32) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { Out::new(retry) }?;
        out.set(Status::from_number(status).ok_or(Status::InvalidArgument)?.retry().number());
        Ok(Status::Ok)
    })
}

/// The name of a finding, such as `LARGE_FRAMES_LOST`; `NONE` for 0.
///
/// `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER`, or `SMPFOTA_INVALID_ARGUMENT` for a number
/// that this library does not know. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_finding_name(
    finding: u32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    // SAFETY: the module's contract.
    unsafe { put_name(Finding::from_number(finding).map(Finding::name), text, capacity, length) }
}

/// The name of a phase of an operation, such as `UPLOAD`.
///
/// `phase` is an `SMPFOTA_PHASE_...` number. `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER`, or `SMPFOTA_INVALID_ARGUMENT` for a number
/// that this library does not know. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_phase_name(
    phase: u32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    // SAFETY: the module's contract.
    unsafe { put_name(Phase::from_number(phase).map(Phase::name), text, capacity, length) }
}

/// Writes the name of a number, if that is known.
unsafe fn put_name(
    name: Option<&'static str>,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        out.put(name.ok_or(Status::InvalidArgument)?.as_bytes())
    })
}
