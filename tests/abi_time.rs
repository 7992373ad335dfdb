//! Whatever a caller's clock says, no call panics: in this profile a sum that overflows would.

#![cfg(feature = "simulator")]
#![allow(unsafe_code)]

use std::ptr::{null, null_mut};

use smpfota::ffi::*;
use smpfota::{Status, simulator};

const OK: i32 = Status::Ok.number();

#[test]
fn a_clock_may_say_anything() {
    let times = [0, 1, 1 << 40, 1 << 62, u64::MAX / 2, u64::MAX - 1, u64::MAX, 5];
    let file = simulator::image::make((1, 1, 0), 4_000, 1);
    let mut image = 0;
    // SAFETY: every pointer is to a live value of its type, with its length.
    unsafe {
        assert_eq!(smpfota_image_open_bytes(file.as_ptr(), file.len(), &mut image, null_mut()), OK);
        for start in 0..times.len() {
            let mut session = 0;
            assert_eq!(smpfota_session_open(null(), &mut session, null_mut()), OK);
            let begun = smpfota_session_start_update(session, image, null(), null_mut());
            assert_eq!(begun, OK);
            for (step, &now) in times[start..].iter().enumerate() {
                let (mut frame, mut length, mut deadline) = ([0u8; 300], 0, 0);
                let mut progress = smpfota_progress { struct_size: 64, ..Default::default() };
                for status in [
                    smpfota_session_next_frame(session, now, frame.as_mut_ptr(), frame.len(), &mut length),
                    // `{}` to whatever was asked.
                    smpfota_session_feed(
                        session,
                        now,
                        [frame[0] | 1, 0, 0, 1, 0, frame[5], frame[6], frame[7], 0xa0].as_ptr(),
                        9,
                    ),
                    smpfota_session_deadline(session, &mut deadline),
                    smpfota_session_progress_get(session, now, &mut progress),
                    smpfota_session_link(session, now, step as u32 & 1, 0),
                    smpfota_session_pause(session, now),
                    smpfota_session_resume(session, now),
                ] {
                    assert_ne!(status, Status::Panic.number(), "at {now}");
                }
            }
            assert_eq!(smpfota_session_close(session), OK);
        }
        assert_eq!(smpfota_image_close(image), OK);
    }
}
