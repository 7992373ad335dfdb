//! H: a copy of the first chunk that arrives behind the upload's end blanks a part of it, and the list looks right.

use smpfota::simulator::{EraseMode, Scenario, image};
use smpfota::{Phase, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End};
use crate::kit::{self, runs};
use crate::world::*;

fn scenario(profile: Scenario) -> Scenario {
    profile.device(|device| {
        device.erase = EraseMode::Progressive;
        device.buf_size = 2_475;
        device.reassembly = true;
        device.max_write = 495;
    })
}

fn file() -> Vec<u8> {
    image::make((1, 1, 0), 20_000, 11)
}

/// Runs an update on which a copy of the first chunk arrives `late_us` after the last byte was acknowledged.
fn with_late_copy(scenario: &Scenario, options: UpdateOptions, late_us: u64) -> Drive {
    let mut drive = start(scenario, file(), options);
    // The first chunk as a client would send it: 2,300 bytes of data, and the SHA-256 of the file.
    let sha: [u8; 32] =
        sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(file())).into();
    let body = kit::map(&[
        ("image", 0.into()),
        ("len", (file().len() as u64).into()),
        ("off", 0.into()),
        ("sha", ciborium::Value::Bytes(sha.to_vec())),
        ("data", ciborium::Value::Bytes(file()[..2_300].to_vec())),
    ]);
    let frame = kit::rewritten(&[2, 0, 0, 0, 0, 1, 250, 1], &body);
    assert_eq!(drive.run_to(Phase::VerifyUpload), None, "the upload ends");
    let at = drive.now_us + late_us;
    while drive.now_us < at {
        if drive.step().is_some() {
            break;
        }
    }
    for (now, piece) in (drive.now_us..).zip(frame.chunks(495)) {
        drive.link.device_mut().write(now, piece);
    }
    drive
}

#[test]
fn item_h_a_list_is_no_proof_of_content() {
    for profile in both(|_| {}) {
        let scenario = scenario(profile);
        for late_us in [0, 5_000, 20_000, 50_000, 120_000, 400_000] {
            let mut drive = with_late_copy(&scenario, UpdateOptions::default(), late_us);
            let end = drive.run(kit::BOUND_MS);
            assert_eq!(end, End::Done, "{late_us}");
            assert_eq!(runs(&mut drive), "1.1.0");
            assert!(drive.link.device().slot_bytes(0, 0).starts_with(&file()));
        }
    }
}

#[test]
fn item_h_what_is_called_uploaded_is_whole() {
    for profile in both(|_| {}) {
        let scenario = scenario(profile);
        for late_us in [0, 5_000, 20_000] {
            let mut drive = with_late_copy(&scenario, kit::mode(UpdateMode::UploadOnly), late_us);
            if drive.run(kit::BOUND_MS) == End::Done && late_us < 5_000 {
                assert!(drive.link.device().slot_bytes(0, 1).starts_with(&file()), "{late_us}");
            }
        }
    }
}

/// The copy came while an earlier session's upload lay there: the next update finds a slot that is listed and spoilt.
#[test]
fn item_h_a_spoilt_slot_that_is_listed_is_made_good() {
    for profile in both(|_| {}) {
        let scenario = scenario(profile);
        let mut drive = start(&scenario, file(), UpdateOptions::default());
        let mut spoilt = file();
        spoilt[2_048..4_096].fill(0xff);
        drive.link.device_mut().preload(0, &spoilt);
        assert_eq!(drive.run(kit::BOUND_MS), End::Done);
        assert_eq!(runs(&mut drive), "1.1.0");
        assert!(drive.link.device().slot_bytes(0, 0).starts_with(&file()));
    }
}
