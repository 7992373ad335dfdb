//! Firmware loaders beside an application that cannot update itself.

use smpfota::simulator::{BootMode, LoaderSetup, Scenario};
use smpfota::{Status, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::{self, runs};
use crate::world::*;

fn with_loader(setup: LoaderSetup) -> Scenario {
    new(|device| {
        device.boot_mode = BootMode::FirmwareLoader;
        device.quirks.loader = Some(setup);
    })
}

const SETUP: LoaderSetup =
    LoaderSetup { application_lists: false, boot_mode: true, in_loader: false, bare_metal: false };

/// What the client may do: say how the loader is reached, or go there by itself.
#[test]
fn item_19_an_application_without_an_image_group_points_to_its_loader() {
    let mut drive = start(&with_loader(SETUP), application(), UpdateOptions::default());
    match drive.run(kit::BOUND_MS) {
        End::Failed(failure) => {
            println!("{}: {}", failure.status.name(), failure.sentence);
            assert_eq!(failure.status, Status::NotSupported, "{}", failure.sentence);
            let sentence = failure.sentence.to_lowercase();
            assert!(sentence.contains("boot_mode") && sentence.contains("loader"), "{sentence}");
            untouched(&drive);
            assert_eq!(runs(&mut drive), "1.0.0");
        }
        End::Done => assert_eq!(runs(&mut drive), "1.1.0"),
        End::Hung => panic!("hung"),
    }
}

/// With the caller's leave the update goes there by itself.
#[test]
fn item_19_the_update_enters_the_loader_where_it_may() {
    for application_lists in [false, true] {
        for bare_metal in [false, true] {
            let setup = LoaderSetup { application_lists, bare_metal, ..SETUP };
            let options = UpdateOptions { enter_loader: true, ..UpdateOptions::default() };
            let mut drive = start(&with_loader(setup), application(), options);
            let loader = drive.link.device().slot_bytes(0, 1).to_vec();
            let result = kit::succeeds(&mut drive);
            let outcome = if application_lists { "updated" } else { "unverified" };
            assert_eq!(result["outcome"], outcome, "{application_lists} {bare_metal}");
            assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
            assert_eq!(drive.link.device().slot_bytes(0, 1), loader, "the loader stays as it was");
        }
    }
}

/// The reset into the loader is lost on its way: the application that still answers is asked again.
#[test]
fn item_19_a_lost_reset_into_the_loader_is_sent_again() {
    for application_lists in [false, true] {
        let options = UpdateOptions { enter_loader: true, ..UpdateOptions::default() };
        let setup = LoaderSetup { application_lists, ..SETUP };
        let mut drive = start(&with_loader(setup), application(), options);
        let mut lost = 0;
        drive.on_request = Some(Box::new(move |_, frame| {
            lost += u32::from(kit::kind(frame) == kit::Kind::Reset);
            if lost == 1 && kit::kind(frame) == kit::Kind::Reset { Passage::Lost } else { Passage::Through }
        }));
        kit::succeeds(&mut drive);
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
    }
}

/// A health check is asked for there as anywhere; no list has to show the image again first.
#[test]
fn item_19_a_health_check_needs_no_list() {
    for bare_metal in [false, true] {
        let scenario = with_loader(LoaderSetup { in_loader: true, bare_metal, ..SETUP });
        let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        let mut drive = start(&scenario, application(), options);
        unverified(&mut drive, 0);
        assert_eq!(runs(&mut drive), "1.1.0");
    }
}

/// A loader that only a pin starts: the hint must not promise what does not work, and nothing is reset in vain for ever.
#[test]
fn item_19_a_loader_behind_a_pin_ends_as_not_supported() {
    let setup = LoaderSetup { boot_mode: false, ..SETUP };
    let mut drive = start(&with_loader(setup), application(), UpdateOptions::default());
    let failure = fails_as(&mut drive, &[Status::NotSupported, Status::NotSwapped]);
    assert!(failure.sentence.to_lowercase().contains("loader"), "{}", failure.sentence);
    untouched(&drive);
}

/// The caller has reset with `boot_mode` 1 and connected to the loader.
fn in_the_loader(setup: LoaderSetup) -> Drive {
    let setup = LoaderSetup { in_loader: true, ..setup };
    start(&with_loader(setup), application(), UpdateOptions::default())
}

#[test]
fn item_19_the_loader_fills_slot_0_and_the_application_cannot_show_it() {
    let mut drive = in_the_loader(SETUP);
    unverified(&mut drive, 0);
    assert!(drive.link.device().slot_bytes(0, 0).starts_with(&application()));
    assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
}

/// An application with an image group shows it.
#[test]
fn item_19_an_application_that_lists_shows_it() {
    let mut drive = in_the_loader(LoaderSetup { application_lists: true, ..SETUP });
    assert_eq!(kit::succeeds(&mut drive)["outcome"], "updated");
    assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
}

/// A loader that looks like a trial: it is none, nothing waits and nothing is to be confirmed.
#[test]
fn item_19_a_bare_metal_loader_is_not_taken_for_a_trial() {
    for application_lists in [false, true] {
        let mut drive = in_the_loader(LoaderSetup { application_lists, bare_metal: true, ..SETUP });
        if application_lists {
            assert_eq!(kit::succeeds(&mut drive)["outcome"], "updated");
        } else {
            unverified(&mut drive, 0);
        }
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.1.0".into(), 1));
        assert_eq!(count(&drive, 2, 0, 5), 1, "one reset");
    }
}

/// The application of such a device lists itself alone and takes no upload: it points to its loader.
#[test]
fn item_19_an_application_that_only_lists_itself_points_to_its_loader() {
    let setup = LoaderSetup { application_lists: true, bare_metal: true, ..SETUP };
    let mut drive = start(&with_loader(setup), application(), UpdateOptions::default());
    let loader = drive.link.device().slot_bytes(0, 1).to_vec();
    match drive.run(kit::BOUND_MS) {
        End::Failed(failure) => {
            println!("{}: {}", failure.status.name(), failure.sentence);
            let sentence = failure.sentence.to_lowercase();
            assert!(sentence.contains("boot_mode") && sentence.contains("loader"), "{sentence}");
        }
        End::Done => assert_eq!(runs(&mut drive), "1.1.0"),
        End::Hung => panic!("hung"),
    }
    assert_eq!(drive.link.device().slot_bytes(0, 1), loader, "the loader stays as it was");
}
