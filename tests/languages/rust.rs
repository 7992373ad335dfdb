// A whole update in Rust over what bindgen makes of the header, as a program would do it that cannot link the crate itself.
// Before: `bindgen --size_t-is-usize smpfota.h -o abi.rs` (newer versions do so by themselves), and ABI=abi.rs for rustc.
#![allow(non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]

mod abi {
    include!(env!("ABI"));
}
use abi::*;
use std::ptr::{null, null_mut};

/// The numbers of the enum are u32 or i32, as bindgen finds them; a status is an i32.
const OK: i32 = smpfota_status_SMPFOTA_OK as i32;
const DONE: i32 = smpfota_status_SMPFOTA_DONE as i32;
const TOO_SMALL: i32 = smpfota_status_SMPFOTA_BUFFER_TOO_SMALL as i32;

fn error() -> smpfota_error {
    let mut error: smpfota_error = unsafe { std::mem::zeroed() };
    error.struct_size = size_of::<smpfota_error>() as u32;
    error
}

/// A status below 0 is an error with its name, and with the library's sentence where the call has one.
fn check(status: i32, error: Option<&smpfota_error>) -> Result<i32, String> {
    if status >= 0 {
        return Ok(status);
    }
    let name = output(|buffer, capacity, length| unsafe { smpfota_status_name(status, buffer.cast(), capacity, length) }).1;
    let mut says = String::from_utf8_lossy(&name).into_owned();
    if let Some(error) = error {
        says = format!("{says}: {}", String::from_utf8_lossy(&error.text[..error.text_length as usize]));
    }
    Err(says)
}

/// A call that fills a buffer, with one as large as it asks for where the first is too small.
fn output(call: impl Fn(*mut u8, usize, *mut usize) -> i32) -> (i32, Vec<u8>) {
    let mut buffer = vec![0u8; 256];
    loop {
        let mut length = 0usize;
        match call(buffer.as_mut_ptr(), buffer.len(), &mut length) {
            TOO_SMALL => buffer.resize(length, 0),
            OK => {
                buffer.truncate(length);
                return (OK, buffer);
            }
            status => return (status, Vec::new()),
        }
    }
}

fn open_session(max_write: u32) -> Result<smpfota_session, String> {
    unsafe {
        let (mut options, mut session, mut error) = (std::mem::zeroed::<smpfota_session_options>(), 0, error());
        check(smpfota_session_options_init(&mut options, size_of::<smpfota_session_options>() as u32), None)?;
        options.max_write = max_write;
        check(smpfota_session_open(&options, &mut session, &mut error), Some(&error))?;
        Ok(session)
    }
}

fn main() -> Result<(), String> {
    unsafe {
        assert_eq!(smpfota_abi_version(), 1, "SMPFOTA_ABI_VERSION of the header");
        println!("refused: {}", open_session(3).unwrap_err());
        let (mut device, mut image) = (0, 0);
        let mut options = std::mem::zeroed::<smpfota_device_options>();
        check(smpfota_device_options_init(&mut options, size_of::<smpfota_device_options>() as u32), None)?;
        options.link = 2; // gateway-lan
        check(smpfota_device_open(&options, &mut device, null_mut()), None)?;
        let (status, file) =
            output(|buffer, capacity, length| smpfota_simulator_make_image(c"1.1.0".as_ptr(), 5, 40_000, 5, buffer, capacity, length));
        check(status, None)?;
        check(smpfota_image_open_bytes(file.as_ptr(), file.len(), &mut image, null_mut()), None)?;
        let mut session = open_session(244)?;
        check(smpfota_session_start_update(session, image, null(), null_mut()), None)?;
        let (mut now, mut saved) = (0, Vec::new()); // the device is virtual, and so is the time
        loop {
            let (status, frame) = output(|buffer, capacity, length| smpfota_session_next_frame(session, now, buffer, capacity, length));
            if status == DONE {
                break;
            } else if status == OK {
                check(smpfota_device_write(device, now, frame.as_ptr(), frame.len()), None)?;
                continue;
            } else if status < 0 {
                let mut error = error(); // it has no error of its own: the session keeps it
                check(smpfota_session_error(session, &mut error), None)?;
                check(status, Some(&error))?;
            }
            let mut progress = std::mem::zeroed::<smpfota_progress>();
            progress.struct_size = size_of::<smpfota_progress>() as u32;
            check(smpfota_session_progress_get(session, now, &mut progress), None)?;
            if saved.is_empty() && progress.bytes_acknowledged * 2 > progress.bytes_total {
                saved = output(|buffer, capacity, length| smpfota_session_save(session, buffer, capacity, length)).1;
                check(smpfota_session_close(session), None)?;
                check(smpfota_session_restore(saved.as_ptr(), saved.len(), image, null(), &mut session, null_mut()), None)?;
                println!("saved: {} bytes", saved.len());
                continue;
            }
            let mut came = false;
            while let (OK, message) = output(|buffer, capacity, length| smpfota_device_read(device, now, buffer, capacity, length)) {
                check(smpfota_session_feed(session, now, message.as_ptr(), message.len()), None)?;
                came = true;
            }
            if !came {
                let (mut ours, mut its) = (0, 0); // with EMPTY the latest there is
                check(smpfota_session_deadline(session, &mut ours), None)?;
                check(smpfota_device_deadline(device, &mut its), None)?;
                now = ours.min(its).max(now + 1);
            }
        }
        let text = output(|buffer, capacity, length| smpfota_device_describe(device, buffer.cast(), capacity, length)).1;
        let runs = String::from_utf8_lossy(&text).contains("\"running\":\"1.1.0\"");
        println!("updated: {}", if runs { "1.1.0" } else { "no" });
        [smpfota_session_close(session), smpfota_image_close(image), smpfota_device_close(device)].iter().try_for_each(|&s| check(s, None).map(drop))
    }
}
