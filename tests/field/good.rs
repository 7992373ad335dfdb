//! Good devices that merely look odd: what the guards must let pass.

use smpfota::simulator::{BootMode, image};
use smpfota::{UpdateMode, UpdateOptions};

use crate::kit::{self, runs, succeeds};
use crate::world::*;

#[track_caller]
fn updates(scenario: &smpfota::simulator::Scenario, prepare: impl FnOnce(&mut crate::drive::Drive)) {
    let mut drive = start(scenario, application(), UpdateOptions::default());
    prepare(&mut drive);
    let result = succeeds(&mut drive);
    assert_eq!(result["outcome"], "updated", "{result}");
    assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
}

const MODES: [BootMode; 8] = [
    BootMode::SwapMove,
    BootMode::SwapScratch,
    BootMode::SwapOffset,
    BootMode::OverwriteOnly,
    BootMode::DirectXip,
    BootMode::DirectXipRevert,
    BootMode::RamLoad,
    BootMode::FirmwareLoader,
];

#[test]
fn good_an_empty_slot_1() {
    for mode in MODES {
        updates(&new(|device| (device.boot_mode, device.used_secondary) = (mode, false)), |_| {});
    }
    for scenario in both(|device| device.used_secondary = false) {
        updates(&scenario, |_| {});
    }
}

/// What lies in slot 1 is no image, so the list is silent about it.
#[test]
fn good_a_list_without_slot_1() {
    for scenario in both(|device| device.used_secondary = true) {
        updates(&scenario, |drive| drive.link.device_mut().preload(0, &[0x55; 5_000]));
    }
}

#[test]
fn good_a_list_of_what_is_not_default() {
    for mode in MODES {
        updates(&new(|device| (device.boot_mode, device.frugal_list) = (mode, true)), |_| {});
    }
    for scenario in both(|device| device.frugal_list = true) {
        updates(&scenario, |_| {});
    }
}

/// A server that counts its images from 1, and a package made for it. With one image the number of an upload is ignored.
#[test]
fn good_images_numbered_from_1() {
    for scenario in both(|device| device.slot_info = false) {
        let file = zip(&[("app.bin", &without_slots(1), application())]);
        let mut drive = start(&scenario, file, UpdateOptions::default());
        drive.on_answer = kit::lists(|_, images| {
            images.iter_mut().for_each(|slot| kit::set(slot, "image", 1.into()));
        });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
    }
}

/// A new build under the old number, on devices that swap or overwrite.
#[test]
fn good_equal_versions_with_other_hashes() {
    for mode in [BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset, BootMode::OverwriteOnly] {
        for scenario in both(|device| device.boot_mode = mode) {
            let file = image::make((1, 0, 0), LENGTH, 99);
            let mut drive = start(&scenario, file.clone(), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert!(drive.link.device().slot_bytes(0, 0).starts_with(&file));
        }
    }
}

/// A downgrade is the caller's right where it was not forbidden.
#[test]
fn good_an_older_version_on_a_device_that_swaps() {
    for scenario in both(|_| {}) {
        let mut drive = start(&scenario, image::make((0, 9, 0), LENGTH, 99), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(runs(&mut drive), "0.9.0");
    }
}

/// A direct-XIP device that runs from slot 1, told and untold.
#[test]
fn good_an_active_slot_1_where_the_bootloader_picks() {
    for mode in [BootMode::DirectXip, BootMode::DirectXipRevert, BootMode::RamLoad] {
        let mut drive =
            start(&new(|device| device.boot_mode = mode), application(), UpdateOptions::default());
        succeeds(&mut drive);
        kit::again(&mut drive, image::make((1, 2, 0), LENGTH, 12), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(runs(&mut drive), "1.2.0");
    }
}

/// The old image in slot 1, as after any update of a device that swaps.
#[test]
fn good_the_image_before_in_slot_1() {
    for scenario in both(|_| {}) {
        let old = scenario.build().device().slot_bytes(0, 0).to_vec();
        updates(&scenario, |drive| drive.link.device_mut().preload(0, &old));
    }
}

/// Zephyr 3.4.99 as it is.
#[test]
fn good_zephyr_3_4() {
    for erase_first in [false, true] {
        let scenario = new(|device| {
            let (buf_size, max_write) = (device.buf_size, device.max_write);
            *device = smpfota::simulator::DeviceOptions {
                buf_size,
                max_write,
                ..smpfota::simulator::DeviceOptions::zephyr_3_4()
            };
            device.used_secondary = false;
        });
        for update in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce, UpdateMode::UploadOnly] {
            let mut drive =
                start(&scenario, application(), UpdateOptions { erase_first, ..kit::mode(update) });
            succeeds(&mut drive);
        }
    }
}

/// Two and three images, all of them ordinary.
#[test]
fn good_several_images() {
    for images in [2, 3] {
        for mode in [BootMode::SwapMove, BootMode::OverwriteOnly] {
            for scenario in both(|device| (device.images, device.boot_mode) = (images, mode)) {
                let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
                assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            }
        }
    }
}
