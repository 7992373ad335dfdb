//! Network cores: the order of the marks, and what no list shows.

use smpfota::simulator::{BootMode, NetworkCore, Scenario};
use smpfota::{Finding, Status, UpdateMode, UpdateOptions};

use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

const SKIPPED: NetworkCore = NetworkCore::Image { number: 1, skipped_behind_application: true };

/// Both servers, behind a bootloader that overwrites.
fn two_cores_behind(network_core: Option<NetworkCore>) -> [Scenario; 2] {
    both(|device| {
        device.images = 2;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core = network_core;
    })
}

#[test]
fn item_01_the_network_core_is_marked_before_the_application() {
    for scenario in two_cores_behind(Some(SKIPPED)) {
        for mode in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            let mut drive = start(&scenario, two_cores(), kit::mode(mode));
            drive.run(kit::BOUND_MS);
            assert_eq!(marks(&drive, &[application(), radio()]), ["1", "0"]);
            assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
            assert_eq!(drive.link.device().network_core(), radio());
        }
    }
}

/// The order does not depend on what the list shows, nor on what the bootloader does about it.
#[test]
fn item_01_images_are_marked_from_the_highest_number_down() {
    for images in 2..=3 {
        let files = [application(), radio(), third()];
        let named: Vec<(&str, String, Vec<u8>)> = [("app.bin", 0), ("net.bin", 1), ("x.bin", 2)]
            .into_iter()
            .take(images)
            .map(|(name, number)| (name, with_slots(number), files[number as usize].clone()))
            .collect();
        let entries: Vec<_> = named.iter().map(|(n, k, b)| (*n, k.as_str(), b.clone())).collect();
        for scenario in both(|device| device.images = images as u32) {
            let mut drive = start(&scenario, zip(&entries), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            let expected: Vec<String> = (0..images).rev().map(|number| number.to_string()).collect();
            assert_eq!(marks(&drive, &files), expected);
            assert_eq!((boots(&drive), count(&drive, 2, 0, 5)), (1, 1));
        }
    }
}

/// An interrupted update has marked the application already: the core would be skipped, so nothing is reset into it.
#[test]
fn item_01_an_application_marked_before_is_not_started_alone() {
    for scenario in two_cores_behind(Some(SKIPPED)) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        drive.link.device_mut().preload(0, &application());
        drive.link.device_mut().mark(0, true);
        drive.run(kit::BOUND_MS);
        let radio_runs = drive.link.device().network_core() == radio();
        let application_runs = runs(&mut drive) == "1.1.0";
        assert!(radio_runs || !application_runs, "a new application beside an old network core");
    }
}

#[test]
fn item_02_a_network_core_that_is_in_no_list_is_unverified() {
    for scenario in two_cores_behind(Some(SKIPPED)) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        let result = unverified(&mut drive, 1);
        assert_eq!(result["images"][0]["to"], "1.1.0");
        assert_eq!(result["images"][0]["confirmed"], true, "what can be told is told");
        assert!(result["images"][0]["remark"].is_null());
        assert_eq!(drive.link.device().network_core(), radio());
    }
}

#[test]
fn item_02_so_is_a_network_core_alone() {
    let file = || zip(&[("net.bin", &with_slots(1), radio())]);
    for scenario in two_cores_behind(Some(SKIPPED)) {
        let mut drive = start(&scenario, file(), UpdateOptions::default());
        unverified(&mut drive, 0);
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.0.0".into(), 1));
        assert_eq!(drive.link.device().network_core(), radio());
        assert_eq!(uploads(&drive), 1);
    }
}

/// A network core that the bootloader left in its slot is no "cannot be told".
#[test]
fn item_02_a_core_that_still_lies_in_its_slot_was_not_installed() {
    for scenario in both(|device| {
        device.images = 2;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core = Some(SKIPPED);
        device.quirks.never_swaps = true;
    }) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        fails_as(&mut drive, &[Status::NotSwapped]);
    }
}

#[test]
fn item_14_a_network_core_through_slot_1_of_the_application_is_unverified() {
    for mode in [BootMode::OverwriteOnly, BootMode::SwapMove] {
        for scenario in both(|device| {
            device.boot_mode = mode;
            device.quirks.network_core = Some(NetworkCore::ThroughSlot1);
        }) {
            let mut drive = start(&scenario, radio(), UpdateOptions::default());
            unverified(&mut drive, 0);
            assert_eq!(drive.link.device().network_core(), radio());
            assert_eq!((runs(&mut drive), uploads(&drive)), ("1.0.0".into(), 1));
        }
    }
}

/// Some builds pack it as dfu_mcuboot.zip (sdk-nrf `cmake/sysbuild/b0_mcuboot_signing.cmake` at c0899afb), and it is no bootloader.
#[test]
fn item_14_so_is_one_that_its_package_calls_the_bootloader() {
    let keys = r#""type":"mcuboot","load_address":"","version_MCUBOOT":"1.1.0","version_B0":"""#;
    for scenario in both(|device| {
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core = Some(NetworkCore::ThroughSlot1);
    }) {
        let file = zip(&[("signed_by_mcuboot_and_b0_ipc_radio.bin", keys, radio())]);
        let mut drive = start(&scenario, file, UpdateOptions::default());
        let result = unverified(&mut drive, 0);
        let remark = result["images"][0]["remark"].as_str().unwrap_or_default();
        assert!(remark.contains("network core") && !remark.contains("active_b0_slot"), "{remark}");
        assert_eq!(drive.link.device().network_core(), radio());
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.0.0".into(), 1));
    }
}

#[test]
fn item_14_a_bootloader_that_leaves_it_pending_has_not_installed_it() {
    for scenario in both(|device| {
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.never_swaps = true;
    }) {
        let mut drive = start(&scenario, radio(), UpdateOptions::default());
        let failure = fails_as(&mut drive, &[Status::NotSwapped]);
        assert_ne!(failure.finding, Finding::BootloaderRefused);
    }
}
