//! Servers of every age and spelling.

use ciborium::Value;
use smpfota::simulator::Scenario;
use smpfota::{Reassembly, SessionOptions, SmpVersion, Status, UpdateOptions};

use crate::drive::{Drive, Passage};
use crate::kit::*;

fn start_as(scenario: &Scenario, smp_version: SmpVersion) -> Drive {
    let session = SessionOptions { smp_version, ..SessionOptions::default() };
    Drive::update(scenario, session, UpdateOptions::default())
}

#[test]
fn both_protocol_versions_update_both_servers() {
    each(|scenario| {
        for version in [SmpVersion::Auto, SmpVersion::V1, SmpVersion::V2] {
            let mut drive = start_as(&scenario, version);
            let log = logged(&mut drive);
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            let bits = u8::from(version != SmpVersion::V1) << 3;
            assert!(log.borrow().iter().all(|(_, _, frame)| frame[0] & 0x18 == bits));
        }
    });
}

/// Zephyr without support of version 1 answers rc 12 to it.
#[test]
fn a_server_without_version_1_is_spoken_to_in_version_2() {
    each(|scenario| {
        if is_old(&scenario) {
            return;
        }
        let scenario = scenario.device(|device| device.smp_v1 = false);
        let mut drive = start_as(&scenario, SmpVersion::Auto);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        // Who insists is told why it cannot work.
        let failure = fails(&mut start_as(&scenario, SmpVersion::V1), Status::DeviceError, &["TOO_OLD"]);
        assert_eq!(failure.device.map(|device| device.code), Some(12));
    });
}

/// A server that knows only version 1 and answers rc 13, or nothing at all, to version 2.
#[test]
fn a_server_that_refuses_version_2_is_spoken_to_in_version_1() {
    for silent in [false, true] {
        each(|scenario| {
            // Nothing goes out in two writes, which would pass unseen.
            let session = SessionOptions { reassembly: Reassembly::No, ..SessionOptions::default() };
            let mut drive = Drive::update(&scenario, session, UpdateOptions::default());
            drive.on_request = Some(Box::new(move |_, frame| match (frame[0] & 0x18, silent) {
                (0, _) => Passage::Through,
                (_, true) => Passage::Lost,
                (_, false) => rc(frame, 13),
            }));
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        });
    }
}

/// The older protocol loses the detail of an error, not the error.
#[test]
fn errors_of_a_new_server_in_version_1_are_its_translations() {
    each(|scenario| {
        let scenario = scenario.device(|device| {
            device.slot_size = 0x1000;
            device.slot_info = false;
            device.image_size = 2_000;
        });
        if is_old(&scenario) {
            return;
        }
        let failure = fails(&mut start_as(&scenario, SmpVersion::V1), Status::DeviceError, &["rc 1"]);
        assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((None, 1)));
    });
}

#[test]
fn success_with_rc_0_and_frugal_lists_and_reasons_are_read() {
    each(|scenario| {
        let scenario = scenario.device(|device| {
            device.legacy_rc = true;
            device.frugal_list = true;
            device.verbose_errors = true;
        });
        let result = succeeds(&mut start(&scenario, UpdateOptions::default()));
        assert_eq!(
            (&result["outcome"], &result["images"][0]["confirmed"]),
            (&"updated".into(), &true.into())
        );
    });
}

/// Zephyr 3.4 and NCS 2.4 spell the error map `ret` (Zephyr pull request 60984).
#[test]
fn the_error_map_may_be_spelt_ret() {
    each(|scenario| {
        if is_old(&scenario) {
            return;
        }
        let scenario = scenario.device(|device| device.slot_size = 0x1000).device(|device| {
            device.slot_info = false;
            device.image_size = 2_000;
        });
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(|_, frame| {
            let mut renamed = body(frame);
            for (key, _) in renamed.as_map_mut().unwrap() {
                if key.as_text() == Some("err") {
                    *key = Value::Text("ret".into());
                }
            }
            Passage::Changed(rewritten(frame, &renamed))
        }));
        let failure = fails(&mut drive, Status::SlotTooSmall, &["1.1.0"]);
        assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((Some(1), 30)));
    });
}

/// zcbor writes containers of indefinite length, other servers definite ones.
#[test]
fn definite_and_indefinite_containers_are_the_same() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(move |_, frame| {
            assert_eq!(frame[8], 0xbf, "the virtual device writes as zcbor does");
            let frame = rewritten(frame, &body(frame));
            assert_ne!(frame[8], 0xbf);
            Passage::Changed(frame)
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn hashes_of_384_and_512_bits_are_compared_whole() {
    use sha2::{Digest, Sha384, Sha512};
    for kind in [0x11u16, 0x12] {
        each(|scenario| {
            let length = if kind == 0x11 { 48 } else { 64 };
            let scenario = scenario.device(|device| device.hash_len = length);
            let file = |version, seed| {
                let mut image = file(version, seed);
                image.truncate(6_000 - 40);
                let hash = if kind == 0x11 {
                    Sha384::digest(&image).to_vec()
                } else {
                    Sha512::digest(&image).to_vec()
                };
                image.extend(0x6907u16.to_le_bytes());
                image.extend((8 + length as u16).to_le_bytes());
                image.extend(kind.to_le_bytes());
                image.extend((length as u16).to_le_bytes());
                image.extend(hash);
                image
            };
            let mut drive = start_with(&scenario, file((1, 1, 0), 3), UpdateOptions::default());
            drive.link.device_mut().install(&file((1, 0, 0), 2)).unwrap();
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!(runs(&mut drive), "1.1.0");
        });
    }
}

/// The first chunk erases the slot, the erase command too: minutes, on a slow flash.
#[test]
fn a_slow_erase_is_waited_for() {
    use smpfota::simulator::EraseMode;
    for seconds in [20, 45, 70] {
        each(|scenario| {
            let pages = u64::from(scenario.device.slot_size / 4_096);
            let scenario = scenario.device(|device| {
                device.erase = EraseMode::FirstChunkSlot;
                device.flash.erase_page_us = seconds * 1_000_000 / pages;
                // The swap erases as well, and is no matter of this test.
                device.swap_us = Some(5_000_000);
            });
            for erase_first in [false, true] {
                let mut drive = start(&scenario, UpdateOptions { erase_first, ..UpdateOptions::default() });
                let log = logged(&mut drive);
                let result = succeeds(&mut drive);
                assert_eq!(result["outcome"], "updated", "{seconds} s");
                assert!(result["duration_ms"].as_u64().unwrap() > seconds * 1_000, "{result}");
                assert!(count(&log, Kind::Erase) <= 1, "{seconds} s");
            }
        });
    }
}

/// The chunk arrived, its answer did not. Sent again it is answered with the size (NCS 2.1) or with 0 (newer ones, which have
/// closed the upload): in neither case is it an upload that starts over.
#[test]
fn a_lost_answer_to_the_last_chunk_is_no_new_upload() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let log = logged(&mut drive);
        let mut lost = 0;
        drive.on_answer = Some(Box::new(move |_, frame| {
            let last = kind(frame) == Kind::Upload && number(&body(frame), "off") == Some(6_000);
            if last && lost < 1 {
                lost += 1;
                return Passage::Lost;
            }
            Passage::Through
        }));
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &6_000.into()));
        let firsts = log
            .borrow()
            .iter()
            .filter(|(_, kind, frame)| *kind == Kind::Upload && number(&body(frame), "off") == Some(0))
            .count();
        assert_eq!(firsts, 1);
    });
}
