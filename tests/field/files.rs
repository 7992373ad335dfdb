//! Files that do more than an image does: a trailer that marks itself, a patch that becomes another image.

use smpfota::simulator::image::padded;
use smpfota::{Status, UpdateMode, UpdateOptions};

use crate::drive::End;
use crate::kit::{self, runs, succeeds};
use crate::world::*;

const SLOT: usize = 0x8000;

/// What `imgtool sign --pad --confirm` writes has no trial: refused before the first byte, or cut to the image.
#[test]
fn item_11_a_trial_is_a_trial_even_of_a_file_with_a_confirmed_trailer() {
    let health = UpdateOptions { health_check: true, ..UpdateOptions::default() };
    for options in [kit::mode(UpdateMode::TestOnly), health, UpdateOptions::default()] {
        for scenario in both(|device| device.slot_size = SLOT as u32) {
            let mut drive = start(&scenario, padded(&application(), SLOT, true), options);
            drive.healthy = false;
            match drive.run(kit::BOUND_MS) {
                End::Failed(failure) if failure.status != Status::HealthCheckFailed => {
                    println!("{}", failure.sentence);
                    assert_eq!(failure.status, Status::ImageUnsupported, "{}", failure.sentence);
                    untouched(&drive);
                }
                // Cut: then it can go back.
                End::Failed(_) => assert_eq!(runs(&mut drive), "1.0.0"),
                End::Done if options.mode == UpdateMode::TestOnly => {
                    assert_eq!(drive.session.result().unwrap()["outcome"], "on_trial");
                    drive.link.device_mut().reboot(drive.now_us);
                    assert_eq!(runs(&mut drive), "1.0.0", "it was only to be tested");
                }
                End::Done => assert_eq!(drive.session.result().unwrap()["outcome"], "updated"),
                End::Hung => panic!("hung"),
            }
        }
    }
}

/// Where the caller wants it for good, the file is as good as any.
#[test]
fn item_11_a_confirmed_trailer_is_fine_where_it_is_for_good() {
    for confirmed in [false, true] {
        for scenario in both(|device| device.slot_size = SLOT as u32) {
            let file = padded(&application(), SLOT, confirmed);
            let mut drive = start(&scenario, file, kit::mode(UpdateMode::ConfirmAtOnce));
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            assert_eq!(runs(&mut drive), "1.1.0");
        }
    }
}

/// `--pad` alone marks for a trial, which is what was asked for.
#[test]
fn item_11_a_trailer_that_is_not_confirmed_is_a_trial() {
    for scenario in both(|device| device.slot_size = SLOT as u32) {
        let file = padded(&application(), SLOT, false);
        let mut drive = start(&scenario, file, kit::mode(UpdateMode::TestOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.0.0");
    }
}

#[test]
fn item_24_a_patch_is_named_beside_the_other_client() {
    for scenario in both(|device| device.quirks.installs_other_bytes = true) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        let failure = fails_as(&mut drive, &[Status::WrongImageRunning]);
        let sentence = failure.sentence.to_lowercase();
        assert!(sentence.contains("delta") || sentence.contains("patch"), "{sentence}");
        assert!(sentence.contains("who else") || sentence.contains("another client"), "{sentence}");
    }
}
