//! Every other way in which an update ends: what the bootloader refused, what the device never did, and devices that
//! contradict themselves.

use ciborium::Value;
use smpfota::simulator::{Fault, image};
use smpfota::{Finding, Phase, Status, UpdateMode, UpdateOptions};

use crate::drive::Passage;
use crate::kit::*;

/// A bit flips on the way; the hash in the TLVs is intact, so the device lists and marks the image.
#[test]
fn a_corrupted_upload_is_what_the_bootloader_refused() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut done = false;
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::Upload
                && number(&body(frame), "off").is_some_and(|off| off > 1_000)
                && !done
            {
                done = true;
                let mut frame = frame.to_vec();
                *frame.last_mut().unwrap() ^= 1;
                return Passage::Changed(frame);
            }
            Passage::Through
        }));
        fails_with(&mut drive, Status::NotSwapped, Finding::BootloaderRefused, &["1.1.0", "1.0.0"]);
        assert_eq!(drive.link.device().counters().refused, 1);
    });
}

#[test]
fn a_device_that_checks_the_digest_says_so_itself() {
    each(|scenario| {
        if is_old(&scenario) {
            return;
        }
        let scenario = scenario.device(|device| device.image_check = true);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(move |_, frame| {
            let off = number(&body(frame), "off");
            if kind(frame) == Kind::Upload && off.is_some_and(|off| (1_000..1_300).contains(&off)) {
                let mut frame = frame.to_vec();
                *frame.last_mut().unwrap() ^= 1;
                return Passage::Changed(frame);
            }
            Passage::Through
        }));
        fails(&mut drive, Status::DigestMismatch, &["SHA-256"]);
    });
}

/// With the image check the first chunk already tells that the slot holds it.
#[test]
fn a_device_that_knows_the_image_by_its_digest_is_sent_one_chunk() {
    each(|scenario| {
        if is_old(&scenario) {
            return;
        }
        let scenario = scenario.device(|device| device.image_check = true);
        let mut drive = start(&scenario, UpdateOptions { force_upload: true, ..UpdateOptions::default() });
        drive.link.device_mut().preload(0, &scenario.image());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], drive.upload_frames), (&"updated".into(), 1));
    });
}

/// A copy of the first frame that arrives after the end erases what was uploaded.
#[test]
fn a_late_first_frame_costs_an_upload_and_nothing_else() {
    each(|scenario| {
        let scenario = scenario.fault(Fault::LateFirstFrame);
        for seed in 1..=5 {
            let mut drive = start(&scenario.clone().seed(seed), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!(drive.link.counters().fault_acts, 1);
            assert_eq!(runs(&mut drive), "1.1.0");
        }
    });
}

/// The slot does not list what was uploaded: the end is bounded and named.
#[test]
fn an_upload_that_is_never_listed_ends_as_such() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = lists(|_, images| {
            images.retain(|image| entry(image, "version").and_then(|v| v.as_text()) != Some("1.1.0"));
        });
        // No first frame was sent twice in an upload, so nothing points to one that came late.
        fails_with(&mut drive, Status::NotListed, Finding::None, &["1.1.0", "3 times"]);
        assert_eq!(boots(&drive), 0);
    });
}

#[test]
fn an_upload_that_vanishes_after_it_was_marked_is_lost() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        // Listed after each upload, gone in the list before each reset.
        let mut marked = false;
        drive.on_answer = Some(Box::new(move |_, frame| {
            match kind(frame) {
                Kind::Upload => marked = false,
                Kind::SetState => marked = true,
                Kind::List if marked => {
                    let mut list = body(frame);
                    let images = list.as_map_mut().unwrap()[0].1.as_array_mut().unwrap();
                    images.retain(|image| entry(image, "version").and_then(|v| v.as_text()) != Some("1.1.0"));
                    return Passage::Changed(rewritten(frame, &list));
                }
                _ => {}
            }
            Passage::Through
        }));
        let end = drive.run(BOUND_MS);
        // What is pending may not be uploaded to on an old server, which ends it earlier.
        let status = if is_old(&scenario) { Status::NoFreeSlot } else { Status::UploadLost };
        failed(&drive, end, status, &["1.1.0"]);
        assert_eq!(boots(&drive), 0);
    });
}

#[test]
fn an_image_that_is_not_marked_is_not_reset_into() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        // Success without an effect.
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::SetState => rc(frame, 0),
            _ => Passage::Through,
        }));
        fails(&mut drive, Status::NotMarked, &["1.1.0"]);
        assert_eq!(boots(&drive), 0);
    });
}

#[test]
fn a_mark_that_is_refused_arrives_with_the_devices_error() {
    each(|scenario| {
        let old = is_old(&scenario);
        for (code, rc_code, status) in [
            (28, 6, Status::SlotInUse),
            (12, 1, if old { Status::NotMarked } else { Status::FlashFailed }),
            (7, 1, Status::NotMarked),
        ] {
            let mut drive = start(&scenario, UpdateOptions::default());
            drive.on_request = Some(Box::new(move |_, frame| match kind(frame) {
                Kind::SetState => refusal(frame, old, code, rc_code),
                _ => Passage::Through,
            }));
            let failure = fails(&mut drive, status, &["1.1.0"]);
            let device = failure.device.expect("the device's error");
            assert_eq!(u64::from(device.code), if old { rc_code } else { code });
            assert!(failure.sentence.contains(&device.to_string()), "{}", failure.sentence);
        }
    });
}

/// The server does not find the hash: the image is gone, and is uploaded again.
#[test]
fn a_hash_that_the_server_does_not_find_is_uploaded_again() {
    each(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        let (mut refused, mut hidden) = (false, false);
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::SetState && !refused {
                refused = true;
                return refusal(frame, old, 8, 3);
            }
            Passage::Through
        }));
        drive.on_answer = Some(Box::new(move |_, frame| {
            // The first list after the refusal (the third at all) shows the slot empty.
            if kind(frame) == Kind::List && !hidden {
                let mut list = body(frame);
                let images = list.as_map_mut().unwrap()[0].1.as_array_mut().unwrap();
                let uploaded = images.len() == 2;
                if uploaded && REFUSED.with(|seen| seen.replace(seen.get() + 1)) == 1 {
                    hidden = true;
                    images.truncate(1);
                    return Passage::Changed(rewritten(frame, &list));
                }
            }
            Passage::Through
        }));
        REFUSED.with(|seen| seen.set(0));
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &12_000.into()));
    });
}

thread_local! {
    /// Lists with the uploaded image in them.
    static REFUSED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// NCS 2.1 answers success and does not confirm (Zephyr issue 56617); the flag decides, on every server.
#[test]
fn a_confirmation_that_did_nothing_is_not_believed() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| {
            let confirm = kind(frame) == Kind::SetState
                && entry(&body(frame), "confirm").and_then(Value::as_bool) == Some(true);
            if confirm { rc(frame, 0) } else { Passage::Through }
        }));
        fails(&mut drive, Status::NotConfirmed, &["1.1.0", "next reset"]);
        assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 A");
    });
}

#[test]
fn a_confirmation_that_is_refused_arrives_with_the_devices_error() {
    each(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(move |_, frame| {
            let confirm = kind(frame) == Kind::SetState
                && entry(&body(frame), "confirm").and_then(Value::as_bool) == Some(true);
            if confirm { refusal(frame, old, 12, 1) } else { Passage::Through }
        }));
        let failure = fails(&mut drive, Status::NotConfirmed, &["1.1.0", "next reset"]);
        assert_eq!(failure.device.map(|device| device.code), Some(if is_old(&scenario) { 1 } else { 12 }));
    });
}

#[test]
fn access_denied_is_its_own_status_everywhere() {
    for denied in [Kind::List, Kind::Upload, Kind::Erase, Kind::SetState, Kind::Reset] {
        each(|scenario| {
            let mut drive = start(&scenario, UpdateOptions { erase_first: true, ..UpdateOptions::default() });
            drive.on_request =
                Some(Box::new(
                    move |_, frame| {
                        if kind(frame) == denied { rc(frame, 11) } else { Passage::Through }
                    },
                ));
            let failure = fails(&mut drive, Status::AccessDenied, &["ACCESS_DENIED"]);
            assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((None, 11)));
        });
    }
}

#[test]
fn unknown_codes_keep_their_number() {
    each(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(move |_, frame| match kind(frame) {
            Kind::Upload => refusal(frame, old, 777, 199),
            _ => Passage::Through,
        }));
        let (group, code) = if is_old(&scenario) { (None, 199) } else { (Some(1), 777) };
        let failure = fails(&mut drive, Status::DeviceError, &[&code.to_string()]);
        assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((group, code)));
    });
}

#[test]
fn a_lost_reset_answer_is_no_second_reset() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => Passage::Lost,
            _ => Passage::Through,
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(boots(&drive), 1);
    });
}

#[test]
fn a_lost_reset_request_is_repeated() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut lost = 0;
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::Reset && lost < 2 {
                lost += 1;
                return Passage::Lost;
            }
            Passage::Through
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(boots(&drive), 1);
    });
}

#[test]
fn a_reset_that_arrives_twice_at_once_is_one_reset() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => Passage::Twice,
            _ => Passage::Through,
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(boots(&drive), 1);
    });
}

/// The copy arrives when the new image runs on trial: whatever the update says then is what the device does.
#[test]
fn a_reset_that_arrives_again_during_the_trial_is_a_revert_and_said_to_be_one() {
    each(|scenario| {
        let mut drive = start(&scenario, mode(UpdateMode::TestAndConfirm));
        assert_eq!(drive.run_to(Phase::Confirm), None);
        drive.link.device_mut().reboot(drive.now_us);
        fails_with(&mut drive, Status::Reverted, Finding::NoConfirmation, &["1.1.0", "1.0.0"]);
    });
}

#[test]
fn a_reset_that_is_never_done_leaves_the_image_marked() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => rc(frame, 0),
            _ => Passage::Through,
        }));
        fails(&mut drive, Status::NotSwapped, &["1.1.0", "3 times", "marked"]);
        assert_eq!(slots(&mut drive), ["0/0 1.0.0 AC", "0/1 1.1.0 P"]);
    });
}

#[test]
fn a_refused_reset_says_what_is_left() {
    each(|scenario| {
        for (code, status) in [(6, Status::DeviceError), (8, Status::NotSupported), (10, Status::DeviceBusy)]
        {
            let mut drive = start(&scenario, UpdateOptions::default());
            drive.on_request = Some(Box::new(move |_, frame| match kind(frame) {
                Kind::Reset => rc(frame, code),
                _ => Passage::Through,
            }));
            let failure = fails(&mut drive, status, &["1.1.0", "reset", "marked"]);
            assert_eq!(failure.device.map(|device| u64::from(device.code)), Some(code));
        }
    });
}

#[test]
fn a_device_that_never_comes_back_did_not_return() {
    each(|scenario| {
        let options = UpdateOptions { swap_timeout_ms: 120_000, ..UpdateOptions::default() };
        let mut drive = start(&scenario, options);
        assert_eq!(drive.run_to(Phase::Swap), None);
        let reset = drive.now_ms();
        drive.on_request = Some(Box::new(|_, _| Passage::Lost));
        fails(&mut drive, Status::DidNotReturn, &["1.1.0", "120 s"]);
        let waited = drive.now_ms() - reset;
        assert!((119_000..150_000).contains(&waited), "{waited} ms");
    });
}

#[test]
fn a_third_image_that_runs_after_the_reset_is_named() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Swap), None);
        assert_eq!(drive.idle(10), None);
        drive.link.device_mut().reboot(drive.now_us);
        drive.link.device_mut().install(&file((7, 7, 7), 7)).unwrap();
        fails(&mut drive, Status::WrongImageRunning, &["7.7.7", "1.1.0", "1.0.0"]);
    });
}

/// The same version over other bytes is another image: hashes are compared, not versions.
#[test]
fn an_image_of_the_same_version_with_another_hash_is_not_the_new_one() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Swap), None);
        assert_eq!(drive.idle(10), None);
        drive.link.device_mut().reboot(drive.now_us);
        drive.link.device_mut().install(&image::make((1, 1, 0), 6_000, 77)).unwrap();
        fails(&mut drive, Status::WrongImageRunning, &["1.1.0"]);
    });
}

#[test]
fn an_active_image_that_changes_without_a_reset_is_a_contradiction() {
    for phase in [Phase::VerifyUpload, Phase::Mark] {
        each(|scenario| {
            let mut drive = start(&scenario, UpdateOptions::default());
            assert_eq!(drive.run_to(phase), None);
            drive.link.device_mut().install(&file((7, 7, 7), 7)).unwrap();
            fails(&mut drive, Status::Contradiction, &["1.0.0", "7.7.7", "reset"]);
            assert_eq!(boots(&drive), 0);
        });
    }
}

#[test]
fn no_active_image_where_there_was_one_is_a_contradiction() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::VerifyUpload), None);
        drive.on_answer =
            lists(|_, images| images.iter_mut().for_each(|image| set(image, "active", false.into())));
        fails(&mut drive, Status::Contradiction, &["active"]);
    });
}

/// The device resets by itself once the image is marked: it is not reset again, which would revert it.
#[test]
fn a_reset_that_nobody_asked_for_is_taken_as_it_comes() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Mark), None);
        while !slots(&mut drive).contains(&"0/1 1.1.0 P".to_owned()) {
            assert_eq!(drive.step(), None);
        }
        drive.link.device_mut().reboot(drive.now_us);
        let log = logged(&mut drive);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((boots(&drive), count(&log, Kind::Reset)), (1, 0));
    });
}

#[test]
fn two_active_images_are_a_contradiction() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.link.device_mut().preload(0, &file((0, 5, 0), 9));
        drive.on_answer =
            lists(|_, images| images.iter_mut().for_each(|image| set(image, "active", true.into())));
        fails(&mut drive, Status::Contradiction, &["two active", "image 0"]);
        assert_eq!(drive.upload_frames, 0);
    });
}

#[test]
fn a_slot_that_is_listed_twice_is_a_contradiction() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = lists(|_, images| {
            let again = images[0].clone();
            images.push(again);
        });
        fails(&mut drive, Status::Contradiction, &["slot 0", "twice"]);
    });
}

#[test]
fn a_hash_of_no_known_length_is_a_contradiction() {
    for length in [1, 20, 31, 33, 63, 65, 200] {
        each(|scenario| {
            let mut drive = start(&scenario, UpdateOptions::default());
            drive.on_answer =
                lists(move |_, images| set(&mut images[0], "hash", Value::Bytes(vec![7; length])));
            fails(&mut drive, Status::Contradiction, &["hash", &length.to_string()]);
        });
    }
}

#[test]
fn a_list_that_is_none_is_named() {
    each(|scenario| {
        for (answer, status) in [
            (map(&[]), Status::UnexpectedResponse),
            (map(&[("images", Value::Text("none".into()))]), Status::UnexpectedResponse),
        ] {
            let mut drive = start(&scenario, UpdateOptions::default());
            drive.on_answer = Some(Box::new(move |_, frame| match kind(frame) {
                Kind::List => Passage::Changed(rewritten(frame, &answer)),
                _ => Passage::Through,
            }));
            fails(&mut drive, status, &["image list"]);
        }
    });
}

#[test]
fn a_device_that_never_answers_ends_in_bounded_time() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, _| Passage::Lost));
        fails_with(&mut drive, Status::Timeout, Finding::NeverAnswered, &["answer"]);
        assert!(drive.now_ms() < 300_000, "{} ms", drive.now_ms());
    });
}

#[test]
fn a_flash_that_fails_for_good_is_named() {
    each(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::Upload && number(&body(frame), "off").is_some_and(|off| off > 2_000) {
                return refusal(frame, old, 12, 1);
            }
            Passage::Through
        }));
        fails(&mut drive, Status::FlashFailed, &["flash"]);
    });
}

#[test]
fn one_failed_flash_write_is_got_over() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.fail_write_at = Some(3_000));
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

/// The trial failed before the first look: the device is back, and that is what is said.
#[test]
fn a_trial_that_failed_at_once_is_a_revert() {
    each(|scenario| {
        let mut drive =
            start(&scenario, UpdateOptions { swap_estimate_ms: 60_000, ..UpdateOptions::default() });
        assert_eq!(drive.run_to(Phase::Swap), None);
        assert_eq!(drive.idle(30_000), None);
        assert_eq!(boots(&drive), 1);
        drive.link.device_mut().reboot(drive.now_us);
        fails_with(&mut drive, Status::Reverted, Finding::NoConfirmation, &["1.1.0", "1.0.0"]);
        // And once more: it may be tried again.
        again(&mut drive, scenario.image(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}
