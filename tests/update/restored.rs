//! Updates of every shape by workers that live for one message: saved and restored after each.

use std::sync::Arc;

use smpfota::simulator::{BootMode, DeviceProfile, Scenario};
use smpfota::{Firmware, Session, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End};
use crate::kit::*;
use crate::packages;

/// Runs the update in lives of one message each. Gives the result of the last one.
#[track_caller]
fn in_many_lives(scenario: &Scenario, file: Vec<u8>, options: UpdateOptions) -> (serde_json::Value, Drive) {
    let firmware = Arc::new(Firmware::parse(file.clone()).expect("a file that can be installed"));
    let mut drive = start_with(scenario, file, options);
    let mut lives = 0;
    let end = loop {
        let mut snapshot = [0; smpfota::snapshot::MAX_LEN];
        let length = drive.session.save(&mut snapshot).expect("it fits");
        drive.session =
            Session::restore(&snapshot[..length], Some(firmware.clone()), None).expect("a good snapshot");
        lives += 1;
        assert!(lives < 5_000 && drive.now_ms() < BOUND_MS, "no end in {:?}", drive.session.phase());
        drive.receive();
        if let Some(end) = drive.send_and_sleep() {
            break end;
        }
    };
    assert_eq!(end, End::Done, "{:#}", drive.link.describe());
    assert!(lives > 8, "only {lives} lives");
    (drive.session.result().expect("a result"), drive)
}

#[test]
fn every_mode_survives() {
    for (options, outcome) in [
        (UpdateMode::TestAndConfirm, "updated"),
        (UpdateMode::ConfirmAtOnce, "updated"),
        (UpdateMode::TestOnly, "on_trial"),
        (UpdateMode::UploadOnly, "uploaded"),
    ] {
        each(|scenario| {
            for erase_first in [false, true] {
                let options = UpdateOptions { erase_first, ..mode(options) };
                let (result, _) = in_many_lives(&scenario, scenario.image(), options);
                assert_eq!(result["outcome"], outcome);
            }
        });
    }
}

#[test]
fn every_bootloader_survives() {
    use BootMode::{OverwriteOnly, Single, SwapMove, SwapOffset, SwapScratch};
    each(|scenario| {
        for boot in BootMode::ALL {
            // The others NCS 2.1 does not know, see the tests of boot modes.
            let known = [OverwriteOnly, SwapMove, SwapOffset, SwapScratch].contains(boot);
            if *boot == Single || (is_old(&scenario) && !known) {
                continue;
            }
            let scenario = scenario.clone().device(|device| device.boot_mode = *boot);
            let (result, mut drive) = in_many_lives(&scenario, scenario.image(), UpdateOptions::default());
            assert_eq!(
                (&result["outcome"], runs(&mut drive)),
                (&"updated".into(), "1.1.0".into()),
                "{boot:?}"
            );
        }
    });
}

#[test]
fn a_package_of_two_images_survives() {
    packages::two_images(|scenario| {
        let (result, mut drive) = in_many_lives(&scenario, packages::two_cores(), UpdateOptions::default());
        assert_eq!(result["outcome"], "updated");
        let running: Vec<String> =
            slots(&mut drive).into_iter().filter(|slot| slot.contains("/0 ")).collect();
        assert!(running[0].starts_with("0/0 1.1.0") && running[1].starts_with("1/0 2.1.0"), "{running:?}");
        assert_eq!(boots(&drive), 1);
    });
}

#[test]
fn serial_recovery_survives() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.recovery = true);
        let (result, mut drive) = in_many_lives(&scenario, scenario.image(), UpdateOptions::default());
        assert_eq!(result["boot_mode"], "recovery");
        assert_eq!((&result["outcome"], runs(&mut drive)), (&"updated".into(), "1.1.0".into()));
    });
}

#[test]
fn a_device_that_wants_a_trial_first_survives() {
    let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.allow_confirm_secondary = false);
    let (result, mut drive) = in_many_lives(&scenario, scenario.image(), mode(UpdateMode::ConfirmAtOnce));
    assert_eq!((&result["outcome"], &result["images"][0]["confirmed"]), (&"updated".into(), &true.into()));
    assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 AC");
}
