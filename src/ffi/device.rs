//! The virtual device behind a virtual link, for the tests of whoever uses the library.
//!
//! A build without the feature `simulator` exports the same functions, so that one binding fits both; each then says
//! [`Status::Unavailable`].

use std::ffi::c_char;

use super::guard::{guard, guard_explained};
use super::handles::{Kind, Table};
use super::pointers::{BufferOut, Named, Out, init_struct, input, input_struct, input_text, size_t};
#[cfg(feature = "simulator")]
use super::simulated::{self, Device};
use super::structs::{smpfota_device_options, smpfota_error};
use super::types::smpfota_device;
#[cfg(not(feature = "simulator"))]
use super::unsimulated::{self as simulated, Device};
use crate::status::Status;

static DEVICES: Table<Device> = Table::new(Kind::Device);

const DEFAULTS: smpfota_device_options = smpfota_device_options {
    struct_size: size_of::<smpfota_device_options>() as u32,
    profile: 0,
    link: 0,
    fault: 0,
    seed: 1,
    slot_size: 0,
    buf_size: 0,
    buf_count: 0,
    flags: 0,
    max_write: 0,
    reserved: 0,
};

/// Fills the options of a virtual device with their defaults: a Zephyr 4.4 server, no link in front, no fault, seed 1.
///
/// `struct_size` is `sizeof(smpfota_device_options)` of the caller. Works in every build.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_STRUCT_SIZE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_options_init(
    options: *mut smpfota_device_options,
    struct_size: u32,
) -> i32 {
    // SAFETY: the module's contract.
    guard(|| unsafe { init_struct(options, struct_size, &DEFAULTS) })
}

/// Opens a virtual device behind a virtual link. It runs version 1.0.0 of an image of its own.
///
/// `options` may be NULL for the defaults. `*device` receives the handle, which belongs to the caller until
/// `smpfota_device_close`. The device knows no clock: the first `now_ms` that it is told is its beginning, and a time
/// that goes back counts as standing still.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`, `SMPFOTA_TOO_MANY_HANDLES`,
/// `SMPFOTA_INVALID_ARGUMENT` with the name of the option in `error`, or `SMPFOTA_UNAVAILABLE` in a build without the
/// simulator. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_open(
    options: *const smpfota_device_options,
    device: *mut smpfota_device,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let handle = Out::new(device).named("device")?;
            let options = input_struct(options, DEFAULTS).named("options")?;
            handle.set(DEVICES.open(Device::open(&options)?)?);
            Ok(Status::Ok)
        })
    }
}

/// Puts an image into the running slot, confirmed, and boots it.
///
/// `bytes` has `bytes_length` bytes, an image; they are copied.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`, `SMPFOTA_BUSY`,
/// `SMPFOTA_SLOT_TOO_SMALL`, or a status of the image range (-100 to -199).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_install(
    device: smpfota_device,
    bytes: *const u8,
    bytes_length: size_t,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let image = input(bytes, bytes_length).named("bytes")?;
            DEVICES.with_mut(device, |device| device.install(image)).named("device")??;
            Ok(Status::Ok)
        })
    }
}

/// One write of the client enters the link. What is too large for the device is lost, as it would be.
///
/// `bytes` has `bytes_length` bytes; they are copied.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`, or
/// `SMPFOTA_INVALID_ARGUMENT` for a write of more than 65,543 bytes or a time more than ten years after the first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_write(
    device: smpfota_device,
    now_ms: u64,
    bytes: *const u8,
    bytes_length: size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let bytes = unsafe { input(bytes, bytes_length) }?;
        DEVICES.with_mut(device, |device| device.write(now_ms, bytes))??;
        Ok(Status::Ok)
    })
}

/// Takes one notification of the device that has arrived by now.
///
/// `buffer` receives it, at most `capacity` bytes; `*length` its length. One that does not fit stays where it is.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` when none has arrived, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need),
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_BUSY`, or `SMPFOTA_INVALID_ARGUMENT` for a time more than
/// ten years after the first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_read(
    device: smpfota_device,
    now_ms: u64,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::new(buffer, capacity, length) }?;
        DEVICES.with_mut(device, |device| match device.arrived(now_ms)? {
            None => Ok(Status::Empty),
            Some(bytes) => {
                out.put(bytes)?;
                device.taken();
                Ok(Status::Ok)
            }
        })?
    })
}

/// When something happens next in the link or in the device, in the caller's time.
///
/// Call `smpfota_device_read` then; there may still be nothing to read.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_EMPTY` while nothing is on its way (`*deadline_ms` is then `UINT64_MAX`),
/// `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_deadline(device: smpfota_device, deadline_ms: *mut u64) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { Out::new(deadline_ms) }?;
        Ok(out.time(DEVICES.with_mut(device, |device| device.deadline())?))
    })
}

/// Drops the link to the device (`SMPFOTA_LINK_EVENT_DOWN`) or brings it up (`SMPFOTA_LINK_EVENT_UP`).
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_BUSY`, or `SMPFOTA_INVALID_ARGUMENT` for another event or
/// a time more than ten years after the first.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_device_link(device: smpfota_device, now_ms: u64, event: u32) -> i32 {
    guard(|| {
        let up = match event {
            super::constants::SMPFOTA_LINK_EVENT_DOWN => false,
            super::constants::SMPFOTA_LINK_EVENT_UP => true,
            _ => return Err(Status::InvalidArgument),
        };
        DEVICES.with_mut(device, |device| device.link(now_ms, up))??;
        Ok(Status::Ok)
    })
}

/// The device as a JSON object: `profile`, `running` (the version), `slots`, and what device and link counted.
///
/// `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER` or `SMPFOTA_BUSY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_device_describe(
    device: smpfota_device,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        let text = DEVICES.with_mut(device, |device| device.describe())?;
        out.put(text.as_bytes())
    })
}

/// Removes a virtual device. A call that is inside on another thread finishes first.
///
/// Returns `SMPFOTA_OK` or `SMPFOTA_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_device_close(device: smpfota_device) -> i32 {
    guard(|| DEVICES.close(device).map(|()| Status::Ok))
}

/// Makes an image that a virtual device takes: valid and hashed, without a signature.
///
/// `version` has `version_length` bytes, such as `1.2.3` or `1.2.3+4`. The file has `size` bytes, at least 76 and at most
/// 16 MiB; its content comes from `seed`. `buffer` receives it, `*length` its length.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL` (`*length` says the need), `SMPFOTA_NULL_POINTER`,
/// `SMPFOTA_INVALID_ARGUMENT` for a version or size that is none, or `SMPFOTA_UNAVAILABLE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_simulator_make_image(
    version: *const c_char,
    version_length: size_t,
    size: u32,
    seed: u64,
    buffer: *mut u8,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let (version, out) =
            unsafe { (input_text(version, version_length)?, BufferOut::new(buffer, capacity, length)?) };
        let version = simulated::check_image(version, size)?;
        if out.capacity() < size as usize {
            return Err(out.too_small(size as usize));
        }
        out.put(&simulated::make_image(version, size, seed))
    })
}

/// The name of a fault: `fault` is the number that `smpfota_device_options.fault` takes, from 0 (`none`).
///
/// `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_INVALID_ARGUMENT` behind the last
/// one, or `SMPFOTA_UNAVAILABLE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_simulator_fault_name(
    fault: u32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    // SAFETY: the module's contract.
    guard(|| {
        unsafe { BufferOut::text(text, capacity, length) }?.put(simulated::fault_name(fault)?.as_bytes())
    })
}

/// The name of a link: `link` is the number that `smpfota_device_options.link` takes, from 0 (`none`).
///
/// `text`, `capacity` and `length` as with `smpfota_version`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_INVALID_ARGUMENT` behind the last
/// one, or `SMPFOTA_UNAVAILABLE`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_simulator_link_name(
    link: u32,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    // SAFETY: the module's contract.
    guard(|| unsafe { BufferOut::text(text, capacity, length) }?.put(simulated::link_name(link)?.as_bytes()))
}
