//! Updates of every shape by workers that live for one message: saved and restored after each.

use std::sync::Arc;

use smpfota::simulator::{BootMode, DeviceProfile, LinkKind, Scenario, image};
use smpfota::{Firmware, Session, Status, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::*;
use crate::packages;

/// When a worker dies: after each message that it took, or after each write, with nothing waited for.
const DEATHS: [fn(&mut Drive) -> Option<End>; 2] = [
    |drive| {
        drive.receive();
        drive.send_and_sleep()
    },
    |drive| drive.one_write(BOUND_MS),
];

/// Runs a drive to its end in lives, each in a fresh state.
#[track_caller]
fn live(drive: &mut Drive, file: &[u8], life: fn(&mut Drive) -> Option<End>) -> End {
    let firmware = Arc::new(Firmware::parse(file.to_vec()).expect("a file that can be installed"));
    let mut lives = 0;
    loop {
        let snapshot = drive.session.snapshot().expect("it fits");
        drive.session = Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
        lives += 1;
        assert!(lives < 5_000 && drive.now_ms() < BOUND_MS, "no end in {:?}", drive.session.phase());
        if let Some(end) = life(drive) {
            assert!(lives > 8, "only {lives} lives");
            return end;
        }
    }
}

/// Runs the update in lives of either kind, to a good end, and hands both over.
#[track_caller]
fn in_many_lives(
    scenario: &Scenario,
    file: Vec<u8>,
    options: UpdateOptions,
    check: impl Fn(serde_json::Value, &mut Drive),
) {
    for life in DEATHS {
        let mut drive = start_with(scenario, file.clone(), options);
        let end = live(&mut drive, &file, life);
        assert_eq!(end, End::Done, "{:#}", drive.link.describe());
        check(drive.session.result().expect("a result"), &mut drive);
    }
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
                in_many_lives(&scenario, scenario.image(), options, |result, _| {
                    assert_eq!(result["outcome"], outcome);
                });
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
            in_many_lives(&scenario, scenario.image(), UpdateOptions::default(), |result, drive| {
                assert_eq!(
                    (&result["outcome"], runs(drive)),
                    (&"updated".into(), "1.1.0".into()),
                    "{boot:?}"
                );
            });
        }
    });
}

#[test]
fn a_package_of_two_images_survives() {
    packages::two_images(|scenario| {
        in_many_lives(&scenario, packages::two_cores(), UpdateOptions::default(), |result, drive| {
            assert_eq!(result["outcome"], "updated");
            let running: Vec<String> = slots(drive).into_iter().filter(|slot| slot.contains("/0 ")).collect();
            assert!(
                running[0].starts_with("0/0 1.1.0") && running[1].starts_with("1/0 2.1.0"),
                "{running:?}"
            );
            assert_eq!(boots(drive), 1);
        });
    });
}

#[test]
fn serial_recovery_survives() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.recovery = true);
        in_many_lives(&scenario, scenario.image(), UpdateOptions::default(), |result, drive| {
            assert_eq!(result["boot_mode"], "recovery");
            assert_eq!((&result["outcome"], runs(drive)), (&"updated".into(), "1.1.0".into()));
        });
    });
}

#[test]
fn a_device_that_wants_a_trial_first_survives() {
    let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.allow_confirm_secondary = false);
    in_many_lives(&scenario, scenario.image(), mode(UpdateMode::ConfirmAtOnce), |result, drive| {
        assert_eq!(
            (&result["outcome"], &result["images"][0]["confirmed"]),
            (&"updated".into(), &true.into())
        );
        assert_eq!(slots(drive)[0], "0/0 1.1.0 AC");
    });
}

/// The question and the answer may fall into different lives; what was found unhealthy stays so.
#[test]
fn a_health_check_survives() {
    each(|scenario| {
        let ask = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        in_many_lives(&scenario, scenario.image(), ask, |result, drive| {
            assert_eq!((&result["outcome"], runs(drive)), (&"updated".into(), "1.1.0".into()));
        });
        for life in DEATHS {
            let mut drive = start(&scenario, ask);
            drive.healthy = false;
            let end = live(&mut drive, &scenario.image(), life);
            failed(&drive, end, Status::HealthCheckFailed, &["1.1.0", "1.0.0 again"]);
            assert_eq!(runs(&mut drive), "1.0.0");
        }
    });
}

/// As many images as a package may have, versions as long as they can be, and a full window in flight.
#[test]
fn the_largest_package_fits_into_a_snapshot() {
    let names: Vec<String> = (0..32).map(|number| format!("{number}.bin")).collect();
    let files: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let size = if number == 0 { 60_000 } else { 1_000 };
            (name.as_str(), number as u32, None, image::make((1, 1, number as u16), size, number as u64))
        })
        .collect();
    let scenario = Scenario::new(LinkKind::CellularBad).device(|device| {
        device.buf_count = 64;
        device.buf_size = 2_475;
    });
    let mut drive = start_with(&scenario, packages::zip(&files), mode(UpdateMode::UploadOnly));
    drive.on_answer = Some(Box::new(|_, frame| {
        let images = (0..32u32).map(|number| match kind(frame) {
            Kind::List => map(&[
                ("image", number.into()),
                ("slot", 0.into()),
                ("version", "255.255.65535.4294967295".into()),
                ("hash", vec![number as u8; 32].into()),
                ("active", true.into()),
                ("confirmed", true.into()),
            ]),
            _ => {
                let slot = |number: u32| map(&[("slot", number.into()), ("size", 0x7_7000.into())]);
                let slots = ciborium::Value::Array(vec![slot(0), slot(1)]);
                map(&[("image", number.into()), ("slots", slots)])
            }
        });
        match kind(frame) {
            Kind::List | Kind::SlotInfo => {
                let images = ciborium::Value::Array(images.collect());
                Passage::Changed(rewritten(frame, &map(&[("images", images)])))
            }
            _ => Passage::Through,
        }
    }));
    assert_eq!(drive.run_to(smpfota::Phase::Upload), None);
    let mut longest = 0;
    for _ in 0..200 {
        assert_eq!(drive.step(), None);
        longest = longest.max(drive.session.snapshot().expect("it fits").len());
    }
    assert_eq!(drive.session.progress(drive.now_ms()).image_index, 0, "the large one is still in hand");
    println!("longest snapshot: {longest} bytes");
    assert!((450..=512).contains(&longest), "{longest}");
}
