//! Serial recovery by its releases: numbers that count slots, versions without hashes, what it forgets.

use smpfota::simulator::image::{self, Recipe};
use smpfota::simulator::{BootMode, NetworkCore, RecoveryRelease, RecoveryServer, Scenario, VersionText};
use smpfota::{Finding, Status, UpdateOptions};

use crate::drive::{Drive, Passage};
use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

fn in_recovery(images: u32, recovery: RecoveryServer) -> [Scenario; 2] {
    both(|device| {
        device.images = images;
        device.recovery = true;
        // Younger than every release.
        device.params = false;
        device.quirks.recovery = recovery;
    })
}

fn direct(release: RecoveryRelease) -> RecoveryServer {
    RecoveryServer { direct_upload: true, ..RecoveryServer::of(release) }
}

fn without_slot_info(recovery: RecoveryServer) -> RecoveryServer {
    RecoveryServer { slot_info: false, ..recovery }
}

/// Every image lies in its own slot 0, whole.
#[track_caller]
fn each_in_its_place(drive: &Drive, files: &[Vec<u8>]) {
    for (number, file) in files.iter().enumerate() {
        let slot = drive.link.device().slot_bytes(number, 0);
        assert!(slot.starts_with(file), "image {number} is not in its slot");
    }
    for request in upload_requests(drive).iter().filter(|request| request.recovery) {
        assert!(request.wrote.is_none_or(|(_, slot, _)| slot == 0), "{request:?}");
    }
}

/// Refused before the first byte, or done right; and the application is never written over.
#[track_caller]
fn right_or_refused(mut drive: Drive, files: &[Vec<u8>]) {
    match drive.run(kit::BOUND_MS) {
        crate::drive::End::Done => each_in_its_place(&drive, files),
        crate::drive::End::Failed(failure) => {
            assert_eq!(failure.status, Status::ImageUnsupported, "{}", failure.sentence);
            untouched(&drive);
        }
        crate::drive::End::Hung => panic!("hung"),
    }
}

#[test]
fn item_03_network_core_in_recovery_goes_where_slot_information_says() {
    let files = [application(), radio()];
    for recovery in [direct(RecoveryRelease::V2_2), RecoveryServer::of(RecoveryRelease::V2_2)] {
        for scenario in in_recovery(2, recovery) {
            let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            each_in_its_place(&drive, &files);
            assert_eq!(uploads(&drive), 2);
        }
    }
}

#[test]
fn item_03_three_images_have_three_numbers() {
    let files = [application(), radio(), third()];
    let zip = || {
        zip(&[
            ("app.bin", &with_slots(0), application()),
            ("net.bin", &with_slots(1), radio()),
            ("x.bin", &with_slots(2), third()),
        ])
    };
    for scenario in in_recovery(3, direct(RecoveryRelease::V2_2)) {
        let mut drive = start(&scenario, zip(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        each_in_its_place(&drive, &files);
    }
}

#[test]
fn item_03_network_core_in_recovery_goes_where_the_manifest_says() {
    let recovery = without_slot_info(direct(RecoveryRelease::V2_0));
    for scenario in in_recovery(2, recovery) {
        right_or_refused(start(&scenario, two_cores(), UpdateOptions::default()), &[application(), radio()]);
    }
}

#[test]
fn item_03_without_either_nothing_is_sent() {
    let zip =
        || zip(&[("app.bin", &without_slots(0), application()), ("net.bin", &without_slots(1), radio())]);
    for release in [RecoveryRelease::V1_9, RecoveryRelease::V1_10, RecoveryRelease::V2_0] {
        for recovery in [direct(release), RecoveryServer::of(release)] {
            for scenario in in_recovery(2, recovery) {
                let mut drive = start(&scenario, zip(), UpdateOptions::default());
                fails_as(&mut drive, &[Status::ImageUnsupported]);
                untouched(&drive);
            }
        }
    }
}

/// A network core alone, whatever its number, is not the application.
#[test]
fn item_03_a_network_core_alone_never_lands_on_the_application() {
    for keys in [with_slots(1), without_slots(1)] {
        for recovery in [
            direct(RecoveryRelease::V1_9),
            direct(RecoveryRelease::V2_0),
            direct(RecoveryRelease::V2_2),
            RecoveryServer::of(RecoveryRelease::V2_2),
        ] {
            for scenario in in_recovery(2, recovery) {
                let before = {
                    let link = scenario.build();
                    link.device().slot_bytes(0, 0).to_vec()
                };
                let mut drive =
                    start(&scenario, zip(&[("net.bin", &keys, radio())]), UpdateOptions::default());
                drive.run(kit::BOUND_MS);
                assert_eq!(drive.link.device().slot_bytes(0, 0), before, "the application stays as it was");
            }
        }
    }
}

/// An nRF5340 lists a made-up network core of 0.0.0 in recovery, and none afterwards; while the core copies, a reset is
/// refused as busy.
#[test]
fn item_03_the_network_core_of_an_nrf5340_is_unverified_after_recovery() {
    for scenario in both(|device| {
        device.images = 2;
        device.recovery = true;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.recovery = direct(RecoveryRelease::V2_2);
        device.quirks.network_core = Some(NetworkCore::Image { number: 1, skipped_behind_application: true });
    }) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        unverified(&mut drive, 1);
        assert_eq!(drive.link.device().network_core(), radio());
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 2));
    }
}

#[test]
fn item_06_versions_are_compared_and_not_their_text() {
    for (release, version) in [
        (RecoveryRelease::V1_9, (1, 1, 0, 0)),
        (RecoveryRelease::V1_9, (1, 1, 0, 4)),
        (RecoveryRelease::V1_10, (1, 1, 0, 0)),
        (RecoveryRelease::Between, (1, 1, 0, 4)),
        (RecoveryRelease::Between, (1, 1, 0, 0)),
        (RecoveryRelease::V2_0, (1, 1, 0, 4)),
    ] {
        for hashes in [false, true] {
            let recovery = RecoveryServer { hashes, ..RecoveryServer::of(release) };
            for scenario in in_recovery(1, recovery) {
                let mut drive = start(&scenario, image::make(version, LENGTH, 11), UpdateOptions::default());
                assert_eq!(succeeds(&mut drive)["outcome"], "updated", "{release:?}");
                assert_eq!((uploads(&drive), count(&drive, 2, 0, 5), boots(&drive)), (1, 1, 1));
            }
        }
    }
}

/// Up to v1.8 an unknown command of the OS group gets no answer at all.
#[test]
fn item_06_a_recovery_that_is_silent_about_unknown_commands_is_updated() {
    for scenario in in_recovery(1, RecoveryServer::of(RecoveryRelease::V1_8)) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((uploads(&drive), boots(&drive)), (1, 1));
    }
}

/// A text that is no version says nothing, in particular not that another image lies there.
#[test]
fn item_06_a_version_that_cannot_be_read_is_unknown() {
    let recovery = RecoveryServer { hashes: false, ..RecoveryServer::default() };
    for text in ["<???>", "", "1.1.0.0.0", "v1.1.0-rc1"] {
        for scenario in in_recovery(1, recovery) {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            drive.on_answer = kit::lists(move |_, images| {
                for image in images.iter_mut().filter(|image| kit::entry(image, "active").is_none()) {
                    kit::set(image, "version", text.into());
                }
            });
            assert_eq!(succeeds(&mut drive)["outcome"], "updated", "{text:?}");
            assert_eq!(uploads(&drive), 1, "{text:?}");
        }
    }
}

/// But another version is another image.
#[test]
fn item_06_another_version_is_not_taken_for_the_image() {
    let recovery = RecoveryServer { hashes: false, ..RecoveryServer::default() };
    for text in ["1.1.0.4", "1.1.1", "1.1.1.0"] {
        for scenario in in_recovery(1, recovery) {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            drive.on_answer = kit::lists(move |_, images| {
                for image in images.iter_mut().filter(|image| kit::entry(image, "active").is_none()) {
                    kit::set(image, "version", text.into());
                }
            });
            fails_as(&mut drive, &[Status::NotListed]);
        }
    }
}

#[test]
fn item_09_an_image_in_slot_1_is_not_installed_in_recovery() {
    for recovery in [
        RecoveryServer::default(),
        RecoveryServer::of(RecoveryRelease::V1_9),
        RecoveryServer { flags: true, ..RecoveryServer::default() },
    ] {
        for scenario in in_recovery(1, recovery) {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            drive.link.device_mut().preload(0, &application());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert!(drive.link.device().slot_bytes(0, 0).starts_with(&application()));
            assert_eq!((runs(&mut drive), uploads(&drive), boots(&drive)), ("1.1.0".into(), 1, 1));
        }
    }
}

#[test]
fn item_15_an_encrypted_image_that_recovery_does_not_list_is_verified_in_the_application() {
    let file = || Recipe { encrypted: true, ..Recipe::new((1, 1, 0), LENGTH, 11) }.make();
    for recovery in [RecoveryRelease::V2_0, RecoveryRelease::V2_2].map(RecoveryServer::of) {
        for scenario in in_recovery(1, recovery) {
            let mut drive = start(&scenario, file(), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!((uploads(&drive), boots(&drive)), (1, 1));
        }
    }
}

/// A plain image that is not listed is another matter: it is uploaded again, and not started.
#[test]
fn item_15_a_plain_image_that_is_not_listed_is_not_started() {
    for scenario in in_recovery(1, RecoveryServer::default()) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        drive.on_answer = kit::lists(|_, images| images.clear());
        let failure = fails_as(&mut drive, &[Status::NotListed]);
        assert_ne!(failure.finding, Finding::LateFirstFrame, "nothing was late");
        assert_eq!(boots(&drive), 0);
    }
}

#[test]
fn item_16_every_chunk_names_its_image_in_recovery() {
    for (release, images) in [
        (RecoveryRelease::V1_9, 1),
        (RecoveryRelease::V1_10, 1),
        (RecoveryRelease::Between, 1),
        (RecoveryRelease::V2_0, 1),
    ] {
        for scenario in in_recovery(images, RecoveryServer::of(release)) {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            let requests = upload_requests(&drive);
            let named = requests.iter().filter(|request| request.recovery).all(|request| {
                kit::number(&ciborium::from_reader(&request.body[..]).unwrap(), "image") == Some(0)
            });
            assert!(named, "{release:?}: each of {} chunks", requests.len());
        }
    }
}

#[test]
fn item_16_two_images_stay_apart_where_the_number_is_not_kept() {
    let files = [application(), radio()];
    // Slot information is younger than the fault; a build may have both.
    let forgets = RecoveryServer { keeps_image: false, ..direct(RecoveryRelease::V2_2) };
    for scenario in in_recovery(2, forgets) {
        let mut drive = start(&scenario, two_cores(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        each_in_its_place(&drive, &files);
        assert_eq!(uploads(&drive), 2);
    }
    let between = RecoveryServer { version_text: VersionText::Short, ..direct(RecoveryRelease::Between) };
    for scenario in in_recovery(2, between) {
        right_or_refused(start(&scenario, two_cores(), UpdateOptions::default()), &files);
    }
}

/// Nothing of this changes what an application is sent: `image` costs bytes in every chunk.
#[test]
fn item_16_an_application_is_told_once() {
    for scenario in both(|_| {}) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| {
            if kit::kind(frame) == kit::Kind::Upload {
                let body = kit::body(frame);
                let first = kit::number(&body, "off") == Some(0);
                assert!(first || kit::entry(&body, "image").is_none());
            }
            Passage::Through
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    }
}
