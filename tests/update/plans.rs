//! What is done, and what is not, from what the device says before anything is sent.

use smpfota::simulator::image;
use smpfota::{Finding, Status, UpdateMode, UpdateOptions};

use crate::drive::Passage;
use crate::kit::*;

const MODES: [UpdateMode; 4] =
    [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce, UpdateMode::UploadOnly];

#[test]
fn what_runs_confirmed_is_already_installed() {
    for options in MODES {
        each(|scenario| {
            let mut drive = start(&scenario, mode(options));
            drive.link.device_mut().install(&scenario.image()).unwrap();
            let result = succeeds(&mut drive);
            assert_eq!(result["outcome"], "already_installed");
            assert_eq!(result["images"][0]["confirmed"], true);
            assert_eq!((drive.upload_frames, boots(&drive)), (0, 0));
        });
    }
}

#[test]
fn what_runs_on_trial_is_confirmed_and_nothing_else() {
    for options in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
        each(|scenario| {
            let mut drive = start(&scenario, mode(UpdateMode::TestOnly));
            succeeds(&mut drive);
            let frames = drive.upload_frames;
            again(&mut drive, scenario.image(), mode(options));
            let result = succeeds(&mut drive);
            assert_eq!(
                (&result["outcome"], &result["images"][0]["from"]),
                (&"updated".into(), &"1.0.0".into())
            );
            assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 AC");
            assert_eq!((drive.upload_frames, boots(&drive)), (frames, 1));
        });
    }
}

#[test]
fn what_lies_in_the_other_slot_is_not_uploaded_again() {
    for options in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce] {
        each(|scenario| {
            let mut drive = start(&scenario, mode(options));
            drive.link.device_mut().preload(0, &scenario.image());
            let result = succeeds(&mut drive);
            assert_eq!(result["uploaded_bytes"], 0);
            assert_eq!((drive.upload_frames, boots(&drive)), (0, 1));
            assert_eq!(runs(&mut drive), "1.1.0");
        });
    }
}

/// The slot lists the right hash over damaged bytes: the bootloader refuses it once, and the upload mends it.
#[test]
fn what_an_earlier_try_left_damaged_is_uploaded_anew() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.link.device_mut().preload(0, &damaged(scenario.image()));
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &6_000.into()));
        assert_eq!(boots(&drive), 2);
    });
}

/// Stops an update at its reset: the image waits, marked for a trial or for good.
fn left_pending(scenario: &smpfota::simulator::Scenario, options: UpdateMode) -> crate::drive::Drive {
    let mut drive = start(scenario, mode(options));
    assert_eq!(drive.run_to(smpfota::Phase::Reset), None);
    drive.session.cancel(drive.now_ms());
    drive
}

#[test]
fn what_is_pending_from_an_earlier_try_is_booted() {
    for first in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
        for second in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            each(|scenario| {
                let mut drive = left_pending(&scenario, first);
                let frames = drive.upload_frames;
                again(&mut drive, scenario.image(), mode(second));
                let log = logged(&mut drive);
                let result = succeeds(&mut drive);
                assert_eq!(result["images"][0]["confirmed"], true, "{first:?} then {second:?}");
                assert_eq!((drive.upload_frames, boots(&drive)), (frames, 1));
                let confirms = usize::from(first == UpdateMode::TestAndConfirm);
                assert_eq!(count(&log, Kind::SetState), confirms);
            });
        }
    }
}

/// What was marked for good cannot run on trial any more, so a trial is not promised.
#[test]
fn what_is_pending_for_good_is_not_taken_for_a_trial() {
    each(|scenario| {
        for options in
            [mode(UpdateMode::TestOnly), UpdateOptions { health_check: true, ..UpdateOptions::default() }]
        {
            let mut drive = left_pending(&scenario, UpdateMode::ConfirmAtOnce);
            again(&mut drive, scenario.image(), options);
            fails(&mut drive, Status::SlotInUse, &["1.1.0", "for good", "reset"]);
            assert_eq!(boots(&drive), 0);
        }
    });
}

#[test]
fn another_pending_image_holds_the_slot() {
    for options in MODES {
        each(|scenario| {
            let mut drive = left_pending(&scenario, UpdateMode::TestAndConfirm);
            again(&mut drive, file((1, 2, 0), 5), mode(options));
            let frames = drive.upload_frames;
            fails(&mut drive, Status::SlotInUse, &["1.1.0", "reset", "erase"]);
            assert_eq!(
                (drive.upload_frames, slots(&mut drive)),
                (frames, vec!["0/0 1.0.0 AC".into(), "0/1 1.1.0 P".into()])
            );
            // Even what runs already is no success while another image is about to take its place.
            again(&mut drive, image::make((1, 0, 0), 4_096, 1), mode(options));
            fails(&mut drive, Status::SlotInUse, &["1.1.0", "reset", "erase"]);
        });
    }
}

#[test]
fn another_pending_image_is_erased_where_asked_for_and_allowed() {
    each(|scenario| {
        let mut drive = left_pending(&scenario, UpdateMode::TestAndConfirm);
        again(
            &mut drive,
            file((1, 2, 0), 5),
            UpdateOptions { erase_first: true, ..UpdateOptions::default() },
        );
        if is_old(&scenario) {
            // NCS 2.1 keeps what is pending.
            let failure = fails(&mut drive, Status::SlotInUse, &["1.2.0", "erase"]);
            assert_eq!(failure.device.map(|device| device.code), Some(6));
            assert_eq!(slots(&mut drive)[1], "0/1 1.1.0 P");
        } else {
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!(runs(&mut drive), "1.2.0");
        }
    });
}

#[test]
fn another_image_on_trial_holds_the_slot() {
    for options in MODES {
        each(|scenario| {
            let mut drive = start(&scenario, mode(UpdateMode::TestOnly));
            succeeds(&mut drive);
            for file in [file((1, 2, 0), 5), image::make((1, 0, 0), 4_096, 1)] {
                again(&mut drive, file, mode(options));
                fails(&mut drive, Status::SlotInUse, &["1.1.0", "trial", "confirm", "reset"]);
                assert_eq!(slots(&mut drive), ["0/0 1.1.0 A", "0/1 1.0.0 C"]);
            }
        });
    }
}

#[test]
fn an_image_larger_than_the_slot_is_refused_before_it_is_sent() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.slot_size = 0x2000).image_size(0x2001);
        // By the caller's figure.
        let figure = UpdateOptions { slot_size: 0x2000, ..UpdateOptions::default() };
        let mut drive = start(&scenario, figure);
        fails(&mut drive, Status::SlotTooSmall, &["1.1.0", "8193", "8192"]);
        assert_eq!(drive.upload_frames, 0);
        // By the device's, where it tells.
        let mut drive = start(&scenario, UpdateOptions::default());
        if is_old(&scenario) {
            // NCS 2.1 says yes and then stops answering (Zephyr issue 60899): an end in bounded time is all there is.
            let failure = fails(&mut drive, Status::Timeout, &["slot_size"]);
            assert_eq!(failure.finding, Finding::ServerStuck);
        } else {
            fails(&mut drive, Status::SlotTooSmall, &["1.1.0", "8193", "8192"]);
            assert_eq!(drive.upload_frames, 0);
            // The smaller of both counts.
            let mut drive = start(
                &scenario.clone().image_size(6_000),
                UpdateOptions { slot_size: 5_999, ..UpdateOptions::default() },
            );
            fails(&mut drive, Status::SlotTooSmall, &["6000", "5999"]);
            // And a server that tells nothing says so itself.
            let silent = scenario.device(|device| device.slot_info = false);
            let failure =
                fails(&mut start(&silent, UpdateOptions::default()), Status::SlotTooSmall, &["1.1.0"]);
            assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((Some(1), 30)));
        }
    });
}

#[test]
fn the_greatest_image_that_the_device_tells_counts_more_than_its_slots() {
    each(|scenario| {
        if is_old(&scenario) {
            return;
        }
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(|_, frame| {
            if kind(frame) != Kind::SlotInfo {
                return Passage::Through;
            }
            let mut info = body(frame);
            let images = info.as_map_mut().unwrap()[0].1.as_array_mut().unwrap();
            set(&mut images[0], "max_image_size", 5_000.into());
            Passage::Changed(rewritten(frame, &info))
        }));
        fails(&mut drive, Status::SlotTooSmall, &["6000", "5000"]);
    });
}

#[test]
fn a_server_that_tells_nothing_but_its_list_is_updated_all_the_same() {
    each(|scenario| {
        let scenario = scenario.device(|device| {
            device.params = false;
            device.bootloader_info = false;
            device.slot_info = false;
        });
        let mut drive = start(&scenario, UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["boot_mode"]), (&"updated".into(), &"unknown".into()));
        assert_eq!(drive.session.progress(drive.now_ms()).window, 1);
    });
}

#[test]
fn the_same_image_in_both_slots_is_installed_and_not_marked() {
    for options in MODES {
        each(|scenario| {
            let mut drive = start(&scenario, mode(options));
            drive.link.device_mut().install(&scenario.image()).unwrap();
            drive.link.device_mut().preload(0, &scenario.image());
            let log = logged(&mut drive);
            assert_eq!(succeeds(&mut drive)["outcome"], "already_installed");
            assert_eq!((count(&log, Kind::SetState), boots(&drive)), (0, 0));
        });
    }
}

#[test]
fn an_image_for_a_number_that_the_device_does_not_have_is_refused_before_it_is_sent() {
    // A device with one image ignores the number and would take the network core's image for its own.
    each(|scenario| {
        let mut drive = start_with(&scenario, crate::packages::two_cores(), UpdateOptions::default());
        fails(&mut drive, Status::ImageUnsupported, &["image 1", "one image"]);
        assert_eq!(drive.upload_frames, 0);
    });
}
