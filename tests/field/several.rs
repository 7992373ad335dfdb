//! The same kinds with several images at once.

use smpfota::simulator::image::padded;
use smpfota::simulator::{AfterUpload, BootMode, Listing, NetworkCore, RecoveryRelease, RecoveryServer};
use smpfota::{Finding, Status, UpdateMode, UpdateOptions};

use crate::drive::End;
use crate::kit::{self, succeeds};
use crate::world::*;

fn three() -> Vec<u8> {
    zip(&[
        ("app.bin", &with_slots(0), application()),
        ("net.bin", &with_slots(1), radio()),
        ("x.bin", &with_slots(2), third()),
    ])
}

/// An application that marks and resets behind the first of two uploads: its trial is not reset into the old image.
#[test]
fn item_05_a_reset_behind_the_first_of_two_images_costs_no_trial() {
    for scenario in both(|device| {
        device.images = 2;
        device.boot_us = 4_000_000;
        device.quirks.after_upload = AfterUpload::MarksAndResets { permanent: false, after_us: 300_000 };
    }) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        let end = drive.run(kit::BOUND_MS);
        println!("{end:?}");
        assert_ne!(end, End::Hung);
        assert_eq!(drive.link.device().counters().reverts, 0);
    }
}

#[test]
fn item_02_two_images_beside_a_network_core() {
    for scenario in both(|device| {
        device.images = 3;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core = Some(NetworkCore::Image { number: 1, skipped_behind_application: true });
    }) {
        for mode in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            let mut drive = start(&scenario, three(), kit::mode(mode));
            let result = unverified(&mut drive, 1);
            for index in [0, 2] {
                assert_eq!(result["images"][index]["confirmed"], true, "{result}");
                assert!(result["images"][index]["remark"].is_null(), "{result}");
            }
            assert_eq!(marks(&drive, &[application(), radio(), third()]), ["2", "1", "0"]);
            assert_eq!(drive.link.device().network_core(), radio());
        }
    }
}

/// The network core need not be image 1.
#[test]
fn item_02_a_network_core_with_another_number() {
    let files = || {
        zip(&[
            ("app.bin", &with_slots(0), application()),
            ("x.bin", &with_slots(1), third()),
            ("net.bin", &with_slots(2), radio()),
        ])
    };
    for scenario in both(|device| {
        device.images = 3;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core = Some(NetworkCore::Image { number: 2, skipped_behind_application: true });
    }) {
        let mut drive = start(&scenario, files(), UpdateOptions::default());
        unverified(&mut drive, 2);
        assert_eq!(drive.link.device().network_core(), radio());
    }
}

#[test]
fn item_04_every_image_is_guarded() {
    for images in [2, 3] {
        let scenario = new(|device| {
            device.images = images;
            device.quirks.misjudges_slots = true;
        });
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        fails_as(&mut drive, &[Status::Contradiction]);
        untouched(&drive);
    }
}

#[test]
fn item_07_several_images_that_never_swap() {
    for scenario in both(|device| {
        device.images = 2;
        device.allow_erase_pending = false;
        device.quirks.never_swaps = true;
    }) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        let failure = fails_as(&mut drive, &[Status::NotSwapped]);
        assert!(
            ![Finding::None, Finding::BootloaderRefused].contains(&failure.finding),
            "{}",
            failure.sentence
        );
        assert!(!failure.sentence.contains("next reset starts it"), "{}", failure.sentence);
    }
}

/// One file of two with a confirmed trailer is enough.
#[test]
fn item_11_a_confirmed_trailer_in_a_package() {
    for scenario in both(|device| {
        device.images = 2;
        device.slot_size = 0x8000;
    }) {
        let app = padded(&application(), 0x8000, true);
        let file = zip(&[("app.bin", &with_slots(0), app), ("net.bin", &with_slots(1), radio())]);
        let mut drive = start(&scenario, file, kit::mode(UpdateMode::TestOnly));
        match drive.run(kit::BOUND_MS) {
            End::Failed(failure) => {
                assert_eq!(failure.status, Status::ImageUnsupported, "{}", failure.sentence);
                untouched(&drive);
            }
            End::Done => {
                assert_eq!(drive.session.result().unwrap()["outcome"], "on_trial");
                drive.link.device_mut().reboot(drive.now_us);
                assert_eq!(kit::runs(&mut drive), "1.0.0");
            }
            End::Hung => panic!("hung"),
        }
    }
}

#[test]
fn item_16_three_images_stay_apart_where_the_number_is_not_kept() {
    let recovery = RecoveryServer {
        direct_upload: true,
        keeps_image: false,
        ..RecoveryServer::of(RecoveryRelease::V2_2)
    };
    for scenario in both(|device| {
        device.images = 3;
        device.recovery = true;
        device.params = false;
        device.quirks.recovery = recovery;
    }) {
        let mut drive = start(&scenario, three(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        for (number, file) in [application(), radio(), third()].iter().enumerate() {
            assert!(drive.link.device().slot_bytes(number, 0).starts_with(file), "{number}");
        }
    }
}

#[test]
fn item_22_several_images_without_hashes() {
    let scenario = new(|device| {
        device.images = 2;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.listing = Listing::WithoutHashes;
    });
    let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
    unverified(&mut drive, 0);
    assert_eq!((kit::runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 2));
    assert!(drive.link.device().slot_bytes(1, 0).starts_with(&radio()));
}
