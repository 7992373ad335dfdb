//! Bootloaders that do not swap, and bootloaders that are updated themselves.

use smpfota::simulator::image::{self, Recipe};
use smpfota::simulator::{BootMode, ImmutableBootloader, Scenario};
use smpfota::{Finding, Status, UpdateMode, UpdateOptions};

use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

fn that_never_swap() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for mode in [BootMode::SwapMove, BootMode::SwapOffset, BootMode::OverwriteOnly] {
        scenarios.extend(both(|device| {
            device.boot_mode = mode;
            device.allow_erase_pending = false;
            device.quirks.never_swaps = true;
        }));
    }
    scenarios
}

#[test]
fn item_07_a_bootloader_that_never_swaps_is_named() {
    for scenario in that_never_swap() {
        for update in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            let mut drive = start(&scenario, application(), kit::mode(update));
            let failure = fails_as(&mut drive, &[Status::NotSwapped]);
            let sentence = &failure.sentence;
            assert!(!sentence.contains("next reset starts it"), "{sentence}");
            assert!(sentence.contains("bootloader"), "{sentence}");
            assert!(![Finding::None, Finding::BootloaderRefused].contains(&failure.finding), "{sentence}");
            assert!(sentence.contains("ALLOW_ERASE_PENDING") || sentence.contains("recovery"), "{sentence}");
            assert_eq!(runs(&mut drive), "1.0.0");
        }
    }
}

/// A second update on the same session does not send its user in a circle.
#[test]
fn item_07_no_reset_clears_the_slot_and_the_sentence_says_so() {
    for scenario in that_never_swap() {
        for erase_first in [false, true] {
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            fails_as(&mut drive, &[Status::NotSwapped]);
            let options = UpdateOptions { erase_first, ..UpdateOptions::default() };
            kit::again(&mut drive, image::make((1, 2, 0), LENGTH, 12), options);
            let failure = fails_as(&mut drive, &[Status::SlotInUse]);
            let sentence = &failure.sentence;
            assert!(!sentence.contains("reset the device"), "{sentence}");
            assert!(sentence.contains("ALLOW_ERASE_PENDING") || sentence.contains("recovery"), "{sentence}");
        }
    }
}

/// Where the slot may be erased there is a way out, and it is taken with `erase_first`.
#[test]
fn item_07_a_slot_that_may_be_erased_is_no_dead_end() {
    let scenario = new(|device| device.quirks.never_swaps = true);
    let mut drive = start(&scenario, application(), UpdateOptions::default());
    fails_as(&mut drive, &[Status::NotSwapped]);
    let options = UpdateOptions { erase_first: true, ..kit::mode(UpdateMode::UploadOnly) };
    kit::again(&mut drive, image::make((1, 2, 0), LENGTH, 12), options);
    assert_eq!(succeeds(&mut drive)["outcome"], "uploaded");
}

fn behind_b0(active: usize, answers_query: bool) -> [Scenario; 2] {
    let first = ImmutableBootloader { active, answers_query, ..ImmutableBootloader::default() };
    both(|device| device.quirks.immutable_bootloader = Some(first))
}

/// MCUboot linked for S0 or S1.
fn stage(slot: u32) -> Vec<u8> {
    let at = 0x8000 + slot * 0xc000;
    Recipe {
        vectors: Some((0x2000_4000, at + 0x201)),
        ..Recipe::new((2, 0, 0), LENGTH, 80 + u64::from(slot))
    }
    .make()
}

fn keys(slot: u32, told: bool) -> String {
    let at = 0x8000 + slot * 0xc000;
    let told = if told { format!(r#","slot":"{slot}""#) } else { String::new() };
    format!(r#""type":"mcuboot","load_address":{at},"version_MCUBOOT":"2.0.0+0","version_B0":"2"{told}"#)
}

/// `dfu_mcuboot.zip`: since nRF Connect SDK 3.0 with `slot`, before that with the load addresses alone.
fn both_variants(told: bool) -> Vec<u8> {
    zip(&[("s0.bin", &keys(0, told), stage(0)), ("s1.bin", &keys(1, told), stage(1))])
}

#[test]
fn item_08_the_variant_for_the_slot_that_does_not_run_is_installed() {
    for told in [true, false] {
        for active in [0, 1] {
            let scenario = behind_b0(active, true)[0].clone();
            let mut drive = start(&scenario, both_variants(told), UpdateOptions::default());
            let result = succeeds(&mut drive);
            assert_eq!(result["outcome"], "updated", "{result}");
            let right = stage(1 - active as u32);
            assert_eq!(drive.link.device().bootloader_bytes(1 - active), right);
            assert_eq!(drive.link.device().bootloader_slot(), Some(1 - active));
            // For good: there is no trial of a bootloader.
            let story = story(&drive, &[stage(0), stage(1)]);
            assert_eq!(story, ["upload 0".into(), format!("confirm {}", 1 - active), "reset".into()]);
            assert_eq!((runs(&mut drive), uploads(&drive)), ("1.0.0".into(), 1));
        }
    }
}

#[test]
fn item_08_a_server_that_does_not_tell_the_slot_leaves_it_unverified() {
    for scenario in behind_b0(0, false) {
        let file = zip(&[("s1.bin", &keys(1, true), stage(1))]);
        let mut drive = start(&scenario, file, UpdateOptions::default());
        unverified(&mut drive, 0);
        assert_eq!(drive.link.device().bootloader_bytes(1), stage(1));
        assert_eq!(uploads(&drive), 1);
    }
}

/// With two variants and no word about which one fits, nothing bad can happen, and nothing is claimed.
#[test]
fn item_08_nothing_is_claimed_of_two_variants_without_the_query() {
    for told in [true, false] {
        for scenario in behind_b0(0, false) {
            // An old package is refused when it is opened, today and rightly.
            let Ok(_) = smpfota::Firmware::parse(both_variants(told)) else { continue };
            let mut drive = start(&scenario, both_variants(told), UpdateOptions::default());
            match drive.run(kit::BOUND_MS) {
                crate::drive::End::Done => {
                    assert_eq!(drive.session.result().unwrap()["outcome"], "unverified");
                }
                crate::drive::End::Failed(failure) => {
                    assert_eq!(failure.status, Status::ImageUnsupported, "{}", failure.sentence);
                    untouched(&drive);
                }
                crate::drive::End::Hung => panic!("hung"),
            }
            assert_eq!(runs(&mut drive), "1.0.0");
        }
    }
}

/// A package with the variant of the slot that runs alone: MCUboot would erase it.
#[test]
fn item_08_the_variant_of_the_slot_that_runs_is_not_sent() {
    let scenario = behind_b0(0, true)[0].clone();
    let mut drive = start(&scenario, zip(&[("s0.bin", &keys(0, true), stage(0))]), UpdateOptions::default());
    fails_as(&mut drive, &[Status::ImageUnsupported]);
    untouched(&drive);
    assert_eq!(boots(&drive), 0);
}

/// A bootloader that was not taken is not called updated.
#[test]
fn item_08_a_bootloader_that_stays_is_no_success() {
    let scenario = behind_b0(0, true)[0].clone().device(|device| device.quirks.never_swaps = true);
    let mut drive = start(&scenario, both_variants(true), UpdateOptions::default());
    fails_as(&mut drive, &[Status::NotSwapped]);
}
