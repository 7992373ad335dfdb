//! How far an update goes, and what the caller can ask of its parts.

use smpfota::simulator::image;
use smpfota::{Status, UpdateMode, UpdateOptions};

use crate::drive::Passage;
use crate::kit::*;

#[test]
fn test_and_confirm_ends_with_the_new_image_confirmed() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let log = logged(&mut drive);
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "updated");
        assert_eq!(result["images"][0]["from"], "1.0.0");
        assert_eq!(result["images"][0]["to"], "1.1.0");
        assert_eq!(result["images"][0]["confirmed"], true);
        assert_eq!(result["uploaded_bytes"], 6_000);
        assert_eq!(result["boot_mode"], if is_old(&scenario) { "unknown" } else { "swap" });
        assert_eq!(runs(&mut drive), "1.1.0");
        assert_eq!((boots(&drive), count(&log, Kind::Reset), count(&log, Kind::Erase)), (1, 1, 0));
        // Confirmed for good: another reset changes nothing.
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.1.0");
    });
}

#[test]
fn upload_only_leaves_the_image_unmarked_in_the_other_slot() {
    each(|scenario| {
        let mut drive = start(&scenario, mode(UpdateMode::UploadOnly));
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "uploaded");
        assert_eq!(result["images"][0]["confirmed"], false);
        assert_eq!(slots(&mut drive), ["0/0 1.0.0 AC", "0/1 1.1.0 "]);
        assert_eq!(boots(&drive), 0);
        // Once more: it is there already, and that is what is said.
        again(&mut drive, scenario.image(), mode(UpdateMode::UploadOnly));
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "uploaded");
        assert_eq!(result["uploaded_bytes"], 0);
        // And a full update goes on from it without another upload.
        let before = drive.upload_frames;
        again(&mut drive, scenario.image(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(drive.upload_frames, before);
    });
}

#[test]
fn test_only_leaves_the_image_on_trial() {
    each(|scenario| {
        let mut drive = start(&scenario, mode(UpdateMode::TestOnly));
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "on_trial");
        assert_eq!(result["images"][0]["confirmed"], false);
        assert_eq!(slots(&mut drive), ["0/0 1.1.0 A", "0/1 1.0.0 C"]);
        // Asked again it is still on trial, not installed.
        again(&mut drive, scenario.image(), mode(UpdateMode::TestOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
        assert_eq!(boots(&drive), 1);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.0.0");
    });
}

#[test]
fn confirm_at_once_marks_for_good_and_never_confirms() {
    each(|scenario| {
        let mut drive = start(&scenario, mode(UpdateMode::ConfirmAtOnce));
        let log = logged(&mut drive);
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "updated");
        assert_eq!(result["images"][0]["confirmed"], true);
        assert_eq!(count(&log, Kind::SetState), 1);
        let log = log.borrow();
        let (_, _, frame) = log.iter().find(|(_, kind, _)| *kind == Kind::SetState).unwrap();
        assert_eq!(entry(&body(frame), "confirm").unwrap().as_bool(), Some(true));
    });
}

#[test]
fn confirm_at_once_goes_by_a_trial_where_the_device_wants_one() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.allow_confirm_secondary = false);
        if is_old(&scenario) {
            return;
        }
        let mut drive = start(&scenario, mode(UpdateMode::ConfirmAtOnce));
        assert_eq!(succeeds(&mut drive)["images"][0]["confirmed"], true);
        assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 AC");
    });
}

#[test]
fn erase_first_erases_once_and_then_uploads() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions { erase_first: true, ..UpdateOptions::default() });
        let log = logged(&mut drive);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        let order: Vec<Kind> = log.borrow().iter().map(|(_, kind, _)| *kind).collect();
        let erase = order.iter().position(|kind| *kind == Kind::Erase).expect("an erase");
        let upload = order.iter().position(|kind| *kind == Kind::Upload).expect("an upload");
        assert!(erase < upload);
        assert_eq!(count(&log, Kind::Erase), 1);
    });
}

/// Zephyr issue 51798: the erase leaves the offset of the upload before it, and a resume from there leaves a hole.
#[test]
fn an_erase_does_not_leave_a_hole_where_the_old_offset_stays() {
    each(|scenario| {
        // A server that compares digests needs one, also of the upload that made it forget the old offset.
        let scenario = scenario.device(|device| device.image_check = true);
        let mut drive = start(&scenario, UpdateOptions::default());
        while drive.session.progress(drive.now_ms()).bytes_acknowledged < 2_000 {
            assert_eq!(drive.step(), None);
        }
        drive.session.cancel(drive.now_ms());
        assert!(drive.link.device().upload().is_some(), "an upload is open");
        again(&mut drive, scenario.image(), UpdateOptions { erase_first: true, ..UpdateOptions::default() });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(runs(&mut drive), "1.1.0");
        assert_eq!(drive.link.device().slot_bytes(0, 0), scenario.image());
    });
}

/// Zephyr 3.4 answers the erase of a blank slot with an error of its own.
#[test]
fn a_blank_slot_that_cannot_be_erased_is_no_failure() {
    each(|scenario| {
        let scenario = scenario.device(|device| {
            device.erase_blank_fails = true;
            device.used_secondary = false;
        });
        let mut drive = start(&scenario, UpdateOptions { erase_first: true, ..UpdateOptions::default() });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn an_erase_that_the_device_refuses_is_told_as_it_is() {
    each(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start(&scenario, UpdateOptions { erase_first: true, ..UpdateOptions::default() });
        drive.on_request = Some(Box::new(move |_, frame| match kind(frame) {
            Kind::Erase => refusal(frame, old, 9, 6),
            _ => Passage::Through,
        }));
        let failure = fails(&mut drive, Status::SlotInUse, &["1.1.0", "erase"]);
        let device = failure.device.expect("the device's error");
        assert_eq!((device.group, device.code), if is_old(&scenario) { (None, 6) } else { (Some(1), 9) });
        assert_eq!(drive.upload_frames, 0);

        let mut drive = start(&scenario, UpdateOptions { erase_first: true, ..UpdateOptions::default() });
        drive.on_request = Some(Box::new(move |_, frame| match kind(frame) {
            Kind::Erase => refusal(frame, old, 13, 1),
            _ => Passage::Through,
        }));
        let status = if is_old(&scenario) { Status::DeviceError } else { Status::FlashFailed };
        // A slot that lists an image was not blank, so error 1 means what it says.
        drive.link.device_mut().preload(0, &file((0, 5, 0), 9));
        fails(&mut drive, status, &["erase"]);
    });
}

#[test]
fn upgrade_only_refuses_what_is_not_newer_before_anything_is_sent() {
    let upgrade = UpdateOptions { upgrade_only: true, ..UpdateOptions::default() };
    each(|scenario| {
        for version in [(0, 9, 9), (1, 0, 0)] {
            let mut drive = start_with(&scenario, file(version, 3), upgrade);
            fails(&mut drive, Status::DowngradeRefused, &["1.0.0", "upgrade"]);
            assert_eq!((drive.upload_frames, boots(&drive)), (0, 0));
            // Also when an earlier try already left it in the slot.
            let mut drive = start_with(&scenario, file(version, 3), upgrade);
            drive.link.device_mut().preload(0, &file(version, 3));
            fails(&mut drive, Status::DowngradeRefused, &["1.0.0", "upgrade"]);
        }
        // The build number does not make it newer (Zephyr `img_mgmt_vercmp`).
        let mut drive = start_with(&scenario, image::make((1, 0, 0, 7), 6_000, 3), upgrade);
        fails(&mut drive, Status::DowngradeRefused, &["1.0.0+7"]);
        // What is newer passes, here and on the device.
        let mut drive = start(&scenario, upgrade);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn upgrade_only_is_asked_of_the_device_too() {
    each(|scenario| {
        let upgrade = UpdateOptions { upgrade_only: true, ..UpdateOptions::default() };
        let mut drive = start_with(&scenario, file((0, 9, 9), 3), upgrade);
        // A version that cannot be read leaves the comparison to the device.
        drive.on_answer =
            lists(|_, images| images.iter_mut().for_each(|image| set(image, "version", "<???>".into())));
        let failure = fails(&mut drive, Status::DowngradeRefused, &["0.9.9"]);
        let device = failure.device.expect("the device's error");
        assert_eq!((device.group, device.code), if is_old(&scenario) { (None, 6) } else { (Some(1), 27) });
    });
}

#[test]
fn a_downgrade_passes_where_it_was_not_forbidden() {
    each(|scenario| {
        let mut drive = start_with(&scenario, file((0, 9, 9), 3), UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["images"][0]["to"]), (&"updated".into(), &"0.9.9".into()));
        assert_eq!(runs(&mut drive), "0.9.9");
    });
}

#[test]
fn force_upload_uploads_what_the_slot_has_already() {
    let force = UpdateOptions { force_upload: true, ..UpdateOptions::default() };
    each(|scenario| {
        let mut drive = start(&scenario, force);
        drive.link.device_mut().preload(0, &scenario.image());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &6_000.into()));
        assert!(drive.upload_frames > 20);
    });
}

/// A device finds an image by its hash and finds the running slot first, so what runs cannot be marked again.
#[test]
fn force_upload_of_the_running_image_fills_the_other_slot() {
    for options in [UpdateMode::UploadOnly, UpdateMode::TestAndConfirm] {
        each(|scenario| {
            let mut drive = start(&scenario, UpdateOptions { force_upload: true, ..mode(options) });
            drive.link.device_mut().install(&scenario.image()).unwrap();
            let result = succeeds(&mut drive);
            assert_eq!(result["uploaded_bytes"], 6_000);
            assert_eq!(result["images"][0]["confirmed"], true);
            assert_eq!(slots(&mut drive), ["0/0 1.1.0 AC", "0/1 1.1.0 "]);
            assert_eq!(boots(&drive), 0);
        });
    }
}

#[test]
fn the_swap_is_waited_for_as_estimated_and_measured() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.swap_us = Some(9_000_000));
        let estimate = UpdateOptions { swap_estimate_ms: 7_000, ..UpdateOptions::default() };
        let mut drive = start(&scenario, estimate);
        let log = logged(&mut drive);
        let result = succeeds(&mut drive);
        let swap = result["swap_ms"].as_u64().unwrap();
        assert!((9_500..14_000).contains(&swap), "{swap} ms");
        let log = log.borrow();
        let at = log.iter().position(|(_, kind, _)| *kind == Kind::Reset).expect("a reset");
        let (reset, next) = (log[at].0, log[at + 1].0);
        assert!(next >= reset + 7_000, "asked {} ms after the reset", next - reset);
    });
}

#[test]
fn a_deadline_ends_the_update_in_every_phase() {
    let full = UpdateOptions { erase_first: true, ..UpdateOptions::default() };
    each(|scenario| {
        let mut drive = start(&scenario, full);
        let takes = succeeds(&mut drive)["duration_ms"].as_u64().unwrap();
        let mut ended = 0;
        for share in 1..20 {
            let deadline_ms = (takes * share / 20).max(1) as u32;
            let mut drive = start(&scenario, UpdateOptions { deadline_ms, ..full });
            fails(&mut drive, Status::Timeout, &["1.1.0", "deadline", &deadline_ms.to_string()]);
            assert!(drive.now_ms() <= u64::from(deadline_ms) + 1, "ended at {} ms", drive.now_ms());
            ended += 1;
        }
        assert_eq!(ended, 19);
        let mut drive = start(&scenario, UpdateOptions { deadline_ms: takes as u32 + 1, ..full });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn options_that_contradict_each_other_are_refused_before_anything_is_sent() {
    let mut drive = crate::drive::Drive::new(
        smpfota::SessionOptions::default(),
        scenario(smpfota::simulator::DeviceProfile::Zephyr44).build(),
    );
    let firmware = std::sync::Arc::new(smpfota::Firmware::parse(file((1, 1, 0), 1)).unwrap());
    for (options, word) in [
        (UpdateOptions { swap_timeout_ms: 0, ..UpdateOptions::default() }, "swap_timeout_ms"),
        (UpdateOptions { swap_estimate_ms: 300_001, ..UpdateOptions::default() }, "swap_estimate_ms"),
        (UpdateOptions { health_timeout_ms: 0, ..UpdateOptions::default() }, "health_timeout_ms"),
        (UpdateOptions { health_check: true, ..mode(UpdateMode::ConfirmAtOnce) }, "health_check"),
        (UpdateOptions { health_check: true, ..mode(UpdateMode::TestOnly) }, "health_check"),
        (UpdateOptions { health_check: true, ..mode(UpdateMode::UploadOnly) }, "health_check"),
    ] {
        let failure = drive.session.start_update(firmware.clone(), options).unwrap_err();
        assert_eq!(failure.status, Status::InvalidArgument);
        assert!(failure.sentence.contains(word), "{}", failure.sentence);
    }
    assert_eq!(drive.session.phase(), smpfota::Phase::Idle);
}

#[test]
fn the_result_tells_everything_that_was_done() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let result = succeeds(&mut drive);
        for key in ["upload_ms", "swap_ms", "duration_ms"] {
            assert!(result[key].as_u64().is_some_and(|ms| ms > 0), "{key}: {}", result[key]);
        }
        assert_eq!(result["operation"], "update");
        assert_eq!(result["before"][0]["version"], "1.0.0");
        assert_eq!(result["after"][0]["version"], "1.1.0");
        assert_eq!(
            (&result["after"][0]["active"], &result["after"][0]["confirmed"]),
            (&true.into(), &true.into())
        );
        let hash: String =
            drive.link.device_mut().slots()[0].hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(result["after"][0]["hash"], hash);
    });
}

/// What the device has already took no time now, so it is no part of the rate.
#[test]
fn a_resumed_upload_tells_its_own_rate() {
    each(|scenario| {
        let scenario = scenario.image_size(200_000);
        let mut drive = start(&scenario, UpdateOptions::default());
        while drive.session.progress(drive.now_ms()).bytes_acknowledged < 150_000 {
            assert_eq!(drive.step(), None);
        }
        let rate = drive.session.progress(drive.now_ms()).bytes_per_second;
        drive.session.cancel(drive.now_ms());
        again(&mut drive, scenario.image(), UpdateOptions::default());
        while drive.session.progress(drive.now_ms()).bytes_acknowledged < 160_000 {
            assert_eq!(drive.step(), None);
        }
        let progress = drive.session.progress(drive.now_ms());
        assert!(progress.bytes_per_second < rate * 2, "{rate} before, {progress:?}");
        assert!(progress.eta_ms > 500, "{progress:?}");
    });
}

/// A pause right after the reset was sent: it is not sent again on resume, where it could arrive during the trial.
#[test]
fn a_pause_does_not_repeat_the_reset() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let log = logged(&mut drive);
        assert_eq!(drive.run_to(smpfota::Phase::Reset), None);
        while count(&log, Kind::Reset) == 0 {
            assert_eq!(drive.step(), None);
        }
        drive.session.pause(drive.now_ms()).unwrap();
        assert_eq!(drive.idle(60_000), None);
        drive.session.resume(drive.now_ms()).unwrap();
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((count(&log, Kind::Reset), boots(&drive)), (1, 1));
    });
}

/// The phases that an update enters from now on, by its events, until it ends.
fn phases(drive: &mut crate::drive::Drive) -> Vec<u32> {
    let mut phases = Vec::new();
    loop {
        let end = drive.step();
        while let Some(event) = drive.session.next_event() {
            if let smpfota::EventKind::Phase(number) = event.kind {
                phases.push(number);
            }
        }
        if end.is_some() {
            return phases;
        }
    }
}

/// By number, from DISCOVER, which the update begins in, to DONE.
#[test]
fn every_phase_is_told_in_its_order() {
    each(|scenario| {
        let options = UpdateOptions { erase_first: true, health_check: true, ..UpdateOptions::default() };
        let mut drive = start(&scenario, options);
        assert_eq!(drive.session.phase(), smpfota::Phase::Discover);
        assert_eq!(phases(&mut drive), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        // With nothing to check and nothing to erase.
        let mut drive = start(&scenario, mode(UpdateMode::TestOnly));
        assert_eq!(phases(&mut drive), [3, 4, 5, 6, 7, 8, 11]);
        // Nothing is reset, so nothing is looked for.
        let mut drive = start(&scenario, mode(UpdateMode::UploadOnly));
        assert_eq!(phases(&mut drive), [3, 4, 11]);
    });
}

/// The bootloader is at work until something shows that it is not: the link, an answer, or the caller's own estimate.
#[test]
fn the_check_of_what_runs_begins_when_the_device_may_be_back() {
    use smpfota::Phase::{Swap, VerifyBoot};
    each(|scenario| {
        let scenario = scenario.device(|device| device.swap_us = Some(20_000_000));
        // Nobody tells: it is the swap until the first answer.
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Swap), None);
        assert_eq!(drive.idle(18_000), None);
        assert_eq!(drive.session.phase(), Swap);
        // The link drops with the reset, and comes up when the device is back.
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Swap), None);
        drive.set_link(false);
        assert_eq!(drive.idle(30_000), None);
        assert_eq!(drive.session.phase(), Swap);
        drive.set_link(true);
        assert_eq!(drive.session.phase(), VerifyBoot);
        // It drops once more before the answer.
        drive.set_link(false);
        assert_eq!(drive.session.phase(), Swap);
        drive.set_link(true);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        // The estimate is over.
        let mut drive =
            start(&scenario, UpdateOptions { swap_estimate_ms: 10_000, ..UpdateOptions::default() });
        assert_eq!(drive.run_to(Swap), None);
        assert_eq!(drive.idle(9_000), None);
        assert_eq!(drive.session.phase(), Swap);
        assert_eq!(drive.idle(2_000), None);
        assert_eq!(drive.session.phase(), VerifyBoot);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        // The device is there and has not reset yet.
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => rc(frame, 0),
            _ => crate::drive::Passage::Through,
        }));
        assert_eq!(drive.run_to(Swap), None);
        assert_eq!(drive.idle(2_000), None);
        assert_eq!(drive.session.phase(), VerifyBoot);
    });
}
