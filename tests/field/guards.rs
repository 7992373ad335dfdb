//! Nothing is written, and nothing is reset, where the device's word forbids it.

use smpfota::simulator::{AfterUpload, BootMode, Scenario, image};
use smpfota::{Status, UpdateMode, UpdateOptions};

use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

const EXCHANGING: [BootMode; 4] =
    [BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset, BootMode::OverwriteOnly];

fn misjudging(mode: BootMode) -> Scenario {
    new(|device| {
        device.boot_mode = mode;
        device.quirks.misjudges_slots = true;
    })
}

#[test]
fn item_04_a_list_without_an_active_slot_stops_the_upload() {
    for mode in EXCHANGING {
        for update in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce, UpdateMode::UploadOnly] {
            for erase_first in [false, true] {
                let options = UpdateOptions { erase_first, ..kit::mode(update) };
                let mut drive = start(&misjudging(mode), application(), options);
                fails_as(&mut drive, &[Status::Contradiction]);
                untouched(&drive);
                assert_eq!(drive.link.device().counters().written_running, 0);
                assert_eq!((runs(&mut drive), boots(&drive)), ("1.0.0".into(), 0));
            }
        }
    }
}

#[test]
fn item_04_an_active_slot_1_of_a_bootloader_that_exchanges_stops_the_upload() {
    for mode in EXCHANGING {
        for update in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::UploadOnly] {
            let mut drive = start(&misjudging(mode), application(), kit::mode(update));
            drive.link.device_mut().preload(0, &image::make((0, 9, 0), 3_000, 5));
            let failure = fails_as(&mut drive, &[Status::Contradiction]);
            assert!(failure.sentence.contains("slot"), "{}", failure.sentence);
            untouched(&drive);
            assert_eq!(drive.link.device().counters().written_running, 0);
        }
    }
}

/// NCS 2.1 tells nothing of its bootloader; its rule holds and the update goes on.
#[test]
fn item_04_a_server_that_tells_no_mode_is_not_held_up() {
    for scenario in both(|device| {
        device.bootloader_info = false;
        device.slot_info = false;
    }) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    }
}

fn resetting(after: AfterUpload) -> [Scenario; 2] {
    both(|device| {
        device.bootloader_info = false;
        device.slot_info = false;
        device.boot_us = 4_000_000;
        device.quirks.after_upload = after;
    })
}

const RESETS: AfterUpload = AfterUpload::MarksAndResets { permanent: false, after_us: 300_000 };

#[test]
fn item_05_a_trial_that_began_by_itself_is_confirmed_and_not_reset() {
    for params in [true, false] {
        for after_us in [1_000, 300_000, 5_000_000] {
            let resets = AfterUpload::MarksAndResets { permanent: false, after_us };
            for scenario in resetting(resets) {
                let scenario = scenario.device(|device| device.params = params);
                let mut drive = start(&scenario, application(), UpdateOptions::default());
                let result = succeeds(&mut drive);
                assert_eq!(result["outcome"], "updated");
                assert_eq!(result["images"][0]["confirmed"], true);
                let counters = drive.link.device().counters();
                assert_eq!((runs(&mut drive), counters.reverts, counters.boots), ("1.1.0".into(), 0, 1));
                assert_eq!(uploads(&drive), 1);
            }
        }
    }
}

#[test]
fn item_05_the_same_where_the_mode_is_told() {
    for mode in [BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset] {
        let scenario = new(|device| {
            device.boot_mode = mode;
            device.boot_us = 4_000_000;
            device.quirks.after_upload = RESETS;
        });
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
    }
}

#[test]
fn item_05_other_modes_leave_the_trial_alone_too() {
    for scenario in resetting(RESETS) {
        let mut drive = start(&scenario, application(), kit::mode(UpdateMode::TestOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
        let mut drive = start(&scenario, application(), kit::mode(UpdateMode::ConfirmAtOnce));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
    }
}

/// The health check decides as ever: it alone takes a running trial back.
#[test]
fn item_05_only_an_unhealthy_image_is_reset() {
    for healthy in [true, false] {
        for scenario in resetting(RESETS) {
            let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
            let mut drive = start(&scenario, application(), options);
            drive.healthy = healthy;
            if healthy {
                assert_eq!(succeeds(&mut drive)["outcome"], "updated");
                assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
            } else {
                fails_as(&mut drive, &[Status::HealthCheckFailed]);
                assert_eq!((runs(&mut drive), boots(&drive)), ("1.0.0".into(), 2));
            }
        }
    }
}

#[test]
fn item_05_a_mark_for_good_needs_no_reset_either() {
    for scenario in resetting(AfterUpload::MarksAndResets { permanent: true, after_us: 300_000 }) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
    }
}

/// An application that only marks leaves the reset to the client.
#[test]
fn item_05_a_device_that_marks_by_itself_is_reset_once() {
    for permanent in [false, true] {
        for scenario in resetting(AfterUpload::Marks { permanent }) {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 1));
        }
    }
}
