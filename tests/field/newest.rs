//! Bootloaders that start the newest image: with and without revert under one number, leftover marks, equal versions.

use smpfota::simulator::{BootMode, Scenario, image};
use smpfota::{LeftWith, Status, UpdateMode, UpdateOptions};

use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

/// RAM load or direct XIP with revert, told under the number of the mode without.
fn with_revert(number: i64) -> Scenario {
    new(|device| {
        device.boot_mode = BootMode::DirectXipRevert;
        device.quirks.told_mode = Some(number);
    })
}

#[test]
fn item_10_a_mark_is_tried_where_the_mode_does_not_tell_of_a_revert() {
    for number in [6, 4] {
        for update in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            let mut drive = start(&with_revert(number), application(), kit::mode(update));
            let result = succeeds(&mut drive);
            assert_eq!(result["outcome"], "updated");
            assert_eq!(result["images"][0]["confirmed"], true);
            assert_eq!(drive.link.device().counters().reverts, 0);
            // It stays.
            drive.link.device_mut().reboot(drive.now_us);
            drive.link.device_mut().next_event();
            assert_eq!(runs(&mut drive), "1.1.0");
        }
    }
}

#[test]
fn item_10_the_trial_is_a_trial() {
    for number in [6, 4] {
        let mut drive = start(&with_revert(number), application(), kit::mode(UpdateMode::TestOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
        assert_eq!(runs(&mut drive), "1.1.0");
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.0.0", "not confirmed");
    }
}

#[test]
fn item_10_an_unhealthy_image_goes_back() {
    for number in [6, 4] {
        let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        let mut drive = start(&with_revert(number), application(), options);
        drive.healthy = false;
        fails_as(&mut drive, &[Status::HealthCheckFailed]);
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.0.0".into(), 2));
    }
}

/// Zephyr 4.3 and 4.4 list a trial of RAM load as confirmed, with the old image pending, and take no confirmation: what
/// looks confirmed goes back at the next reset, and nobody may be told that it stays.
#[test]
fn item_10_a_trial_that_only_looks_confirmed_is_not_called_confirmed() {
    let scenario = with_revert(6).device(|device| device.quirks.flags_by_marks = true);
    let mut drive = start(&scenario, application(), UpdateOptions::default());
    match drive.run(kit::BOUND_MS) {
        crate::drive::End::Done => {
            let result = drive.session.result().unwrap();
            assert_ne!(result["images"][0]["confirmed"], true, "{result}");
            assert_ne!(result["outcome"], "updated", "{result}");
        }
        crate::drive::End::Failed(failure) => {
            println!("{}: {}", failure.status.name(), failure.sentence);
            let statuses = [Status::NotConfirmed, Status::Contradiction];
            assert!(statuses.contains(&failure.status), "{}", failure.sentence);
        }
        crate::drive::End::Hung => panic!("hung"),
    }
    assert_eq!(uploads(&drive), 1);
}

/// Marked for good it stays, and the list shows it running.
#[test]
fn item_10_what_is_marked_for_good_stays_whatever_the_old_image_shows() {
    let scenario = with_revert(6).device(|device| device.quirks.flags_by_marks = true);
    let mut drive = start(&scenario, application(), kit::mode(UpdateMode::ConfirmAtOnce));
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    drive.link.device_mut().reboot(drive.now_us);
    assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
}

/// Where marks are unknown the device answers rc 8, and nothing of it is an error.
#[test]
fn item_10_the_modes_without_revert_update_as_before() {
    for mode in [BootMode::RamLoad, BootMode::DirectXip] {
        let mut drive =
            start(&new(|device| device.boot_mode = mode), application(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
    }
}

#[test]
fn item_21_a_leftover_mark_of_another_image_waits_for_nothing() {
    for update in [UpdateMode::TestAndConfirm, UpdateMode::UploadOnly] {
        for permanent in [false, true] {
            let scenario = new(|device| {
                device.boot_mode = BootMode::RamLoad;
                device.quirks.flags_by_marks = true;
            });
            let mut drive = start(&scenario, application(), kit::mode(update));
            drive.link.device_mut().preload(0, &image::make((0, 9, 0), 3_000, 5));
            drive.link.device_mut().mark(0, permanent);
            succeeds(&mut drive);
            let version = if update == UpdateMode::UploadOnly { "1.0.0" } else { "1.1.0" };
            assert_eq!((runs(&mut drive), uploads(&drive)), (version.into(), 1));
        }
    }
}

/// Direct XIP lists a newer image as pending by its version alone.
#[test]
fn item_21_so_does_the_flag_of_a_newer_image_in_direct_xip() {
    let scenario = new(|device| device.boot_mode = BootMode::DirectXip);
    let mut drive = start(&scenario, application(), UpdateOptions::default());
    drive.link.device_mut().preload(0, &image::make((1, 0, 5), 3_000, 5));
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    assert_eq!(runs(&mut drive), "1.1.0");
}

/// Where a mark means something it is respected as before.
#[test]
fn item_21_a_pending_image_of_a_bootloader_that_swaps_still_holds_its_slot() {
    for scenario in both(|_| {}) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        drive.link.device_mut().preload(0, &image::make((1, 0, 5), 3_000, 5));
        drive.link.device_mut().mark(0, false);
        fails_as(&mut drive, &[Status::SlotInUse]);
        untouched(&drive);
        // The image that runs does not stay by itself, and what replaces it is not the new one.
        assert_eq!(drive.session.left_with(), LeftWith::Unknown);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.0.5");
    }
}

#[test]
fn item_25_an_equal_version_beside_a_running_slot_0_is_refused() {
    for mode in [BootMode::DirectXip, BootMode::RamLoad, BootMode::DirectXipRevert] {
        for build in [0, 5] {
            let file = image::make((1, 0, 0, build), LENGTH, 11);
            let mut drive = start(&new(|device| device.boot_mode = mode), file, UpdateOptions::default());
            let failure = fails_as(&mut drive, &[Status::DowngradeRefused]);
            assert!(failure.sentence.contains("1.0.0"), "{}", failure.sentence);
            untouched(&drive);
        }
    }
}

/// Slot 0 wins a tie, so there it starts.
#[test]
fn item_25_an_equal_version_beside_a_running_slot_1_is_installed() {
    for mode in [BootMode::DirectXip, BootMode::RamLoad] {
        let mut drive =
            start(&new(|device| device.boot_mode = mode), application(), UpdateOptions::default());
        succeeds(&mut drive);
        assert!(drive.link.device().slot_bytes(0, 1).starts_with(&application()), "it runs from slot 1");
        kit::again(&mut drive, image::make((1, 1, 0), LENGTH, 77), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert!(drive.link.device().slot_bytes(0, 0).starts_with(&image::make((1, 1, 0), LENGTH, 77)));
    }
}
