//! The steady state of an upload allocates nothing: neither `next_frame` nor `feed`.

#![cfg(feature = "simulator")]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use smpfota::ffi::*;
use smpfota::{Status, simulator};

/// Counts while it is told to. There is one test in this program, so no other thread allocates meanwhile.
struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

fn note() {
    if ON.load(Ordering::Relaxed) {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `call` gives, and how often it went to the allocator.
fn counted<T>(call: impl FnOnce() -> T) -> (T, u64) {
    COUNT.store(0, Ordering::Relaxed);
    ON.store(true, Ordering::Relaxed);
    let result = call();
    ON.store(false, Ordering::Relaxed);
    (result, COUNT.load(Ordering::Relaxed))
}

const OK: i32 = Status::Ok.number();

/// Runs an upload over a link; how many calls were looked at, and the allocations in them.
///
/// The steady state lies between a tenth and nine tenths of the image.
fn upload(link: u32, device_flags: u32) -> (u64, u64) {
    let file = simulator::image::make((1, 1, 0), 200_000, 1);
    let (mut image, mut session, mut device) = (0, 0, 0);
    let (mut calls, mut allocations) = (0, 0);
    // SAFETY: every pointer is NULL or to a live value of its type, with its length.
    unsafe {
        assert_eq!(smpfota_image_open_bytes(file.as_ptr(), file.len(), &mut image, null_mut()), OK);
        let mut session_options = std::mem::zeroed();
        assert_eq!(smpfota_session_options_init(&mut session_options, 64), OK);
        session_options.framing = u32::from(device_flags & SMPFOTA_DEVICE_FLAG_SERIAL != 0);
        assert_eq!(smpfota_session_open(&session_options, &mut session, null_mut()), OK);
        let mut options = std::mem::zeroed();
        assert_eq!(smpfota_device_options_init(&mut options, 48), OK);
        (options.link, options.flags) = (link, device_flags);
        assert_eq!(smpfota_device_open(&options, &mut device, null_mut()), OK);
        assert_eq!(smpfota_session_start_update(session, image, null(), null_mut()), OK);
        let mut now = 0;
        loop {
            let mut progress = smpfota_progress { struct_size: 64, ..Default::default() };
            assert_eq!(smpfota_session_progress_get(session, now, &mut progress), OK);
            let part = progress.bytes_acknowledged as f64 / progress.bytes_total.max(1) as f64;
            let steady = (0.1..0.9).contains(&part);
            let (mut frame, mut length) = ([0u8; 512], 0);
            let (status, count) = counted(|| {
                smpfota_session_next_frame(session, now, frame.as_mut_ptr(), frame.len(), &mut length)
            });
            if steady {
                (calls, allocations) = (calls + 1, allocations + count);
            }
            if status == Status::Done.number() {
                break;
            }
            assert!(status >= 0, "it failed with {status}");
            if status == OK {
                assert_eq!(smpfota_device_write(device, now, frame.as_ptr(), length), OK);
                continue;
            }
            let mut any = false;
            while smpfota_device_read(device, now, frame.as_mut_ptr(), frame.len(), &mut length) == OK {
                let (status, count) = counted(|| smpfota_session_feed(session, now, frame.as_ptr(), length));
                assert_eq!(status, OK);
                if steady {
                    (calls, allocations) = (calls + 1, allocations + count);
                }
                any = true;
            }
            if !any {
                let (mut next, mut deadline) = (u64::MAX, 0);
                if smpfota_session_deadline(session, &mut deadline) == OK {
                    next = next.min(deadline);
                }
                if smpfota_device_deadline(device, &mut deadline) == OK {
                    next = next.min(deadline);
                }
                now = next.max(now + 1);
            }
        }
        for status in
            [smpfota_session_close(session), smpfota_image_close(image), smpfota_device_close(device)]
        {
            assert_eq!(status, OK);
        }
    }
    (calls, allocations)
}

#[test]
fn the_steady_state_allocates_nothing() {
    for (link, flags, name) in [
        (0, 0, "no link in front"),
        (1, 0, "beside the device"),
        (1, SMPFOTA_DEVICE_FLAG_REASSEMBLY, "large frames"),
        (0, SMPFOTA_DEVICE_FLAG_SERIAL, "console"),
    ] {
        let (calls, allocations) = upload(link, flags);
        assert!(calls > 100, "{name}: {calls} calls were looked at");
        assert_eq!(allocations, 0, "{name}: allocations in {calls} calls");
    }
}
