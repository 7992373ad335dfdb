//! Devices that do it themselves: groups switched off, marks and resets of their own, another address or no bonds afterwards.

use smpfota::simulator::{AfterUpload, BootMode, ComingBack, DeviceProfile, Scenario, SwitchedOff, image};
use smpfota::{Finding, LeftWith, LinkEvent, Phase, Status, UpdateMode, UpdateOptions};

use crate::drive::Drive;
use crate::kit::{self, boots, runs, succeeds};
use crate::world::*;

fn waiting(ms: u32) -> UpdateOptions {
    UpdateOptions { self_reset_ms: ms, ..UpdateOptions::default() }
}

fn without(off: SwitchedOff, after: AfterUpload) -> [Scenario; 2] {
    both(move |device| {
        device.quirks.switched_off = off;
        device.quirks.after_upload = after;
        device.bootloader_info &= !off.os_group;
    })
}

const NO_OS: SwitchedOff = SwitchedOff { os_group: true, set_state: false };
const NO_STATE: SwitchedOff = SwitchedOff { os_group: false, set_state: true };

/// Nothing can reset it over SMP: the image is marked, and that is said.
#[test]
fn without_the_os_group_the_image_waits_for_somebodys_reset() {
    for scenario in without(NO_OS, AfterUpload::Nothing) {
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        let failure = fails_as(&mut drive, &[Status::NotSupported]);
        assert!(failure.sentence.contains("the next reset starts it"), "{failure}");
        assert_eq!(drive.session.left_with(), LeftWith::NewImagePending);
        assert_eq!((runs(&mut drive), uploads(&drive)), ("1.0.0".into(), 1));
    }
}

/// Somebody switches it off and on within the time that the caller said.
#[test]
fn without_the_os_group_somebody_may_reset_it() {
    for scenario in without(NO_OS, AfterUpload::Nothing) {
        let mut drive = start(&scenario, application(), waiting(30_000));
        while count(&drive, 2, 0, 5) == 0 {
            assert_eq!(drive.step(), None);
        }
        assert_eq!(drive.idle(10_000), None);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 1));
    }
    // Nobody does.
    for scenario in without(NO_OS, AfterUpload::Nothing) {
        let mut drive = start(&scenario, application(), waiting(30_000));
        fails_as(&mut drive, &[Status::NotSupported]);
        assert!((60_000..200_000).contains(&drive.now_ms()), "{} ms", drive.now_ms());
        assert_eq!(drive.session.left_with(), LeftWith::NewImagePending);
    }
}

/// The application marks and resets by itself, and there is no other way to start anything.
#[test]
fn without_set_state_and_reset_the_device_does_both() {
    for off in [NO_OS, NO_STATE, SwitchedOff { os_group: true, set_state: true }] {
        for after_us in [1_000, 2_000_000, 20_000_000] {
            for permanent in [true, false] {
                for scenario in without(off, AfterUpload::MarksAndResets { permanent, after_us }) {
                    let options = UpdateOptions { mode: UpdateMode::TestOnly, ..waiting(30_000) };
                    let mut drive = start(&scenario, application(), options);
                    let outcome = succeeds(&mut drive)["outcome"].clone();
                    assert_eq!(outcome, if permanent { "updated" } else { "on_trial" }, "{off:?} {after_us}");
                    assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 1));
                    assert_eq!(count(&drive, 2, 0, 5), 0, "nothing is asked to reset");
                }
            }
        }
    }
}

/// The missing command looks like a bootloader that chooses by version, which has no trial; but such a bootloader moves nothing from slot to
/// slot. What was moved runs on trial where the list says so, and nobody may be told that it stays.
#[test]
fn without_set_state_a_trial_that_the_device_began_is_no_update() {
    for scenario in without(NO_STATE, AfterUpload::Marks { permanent: false }) {
        for told in [true, false] {
            let scenario = scenario.clone().device(|device| device.bootloader_info &= told);
            let mut drive = start(&scenario, application(), kit::mode(UpdateMode::TestOnly));
            assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
            drive.link.device_mut().reboot(drive.now_us);
            assert_eq!(runs(&mut drive), "1.0.0", "not confirmed");
            // Nothing can confirm it over SMP.
            let mut drive = start(&scenario, application(), UpdateOptions::default());
            fails_as(&mut drive, &[Status::NotConfirmed]);
            assert_eq!(drive.session.left_with(), LeftWith::OnTrial);
            // It goes back where it is found unhealthy.
            let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
            let mut drive = start(&scenario, application(), options);
            drive.healthy = false;
            fails_as(&mut drive, &[Status::HealthCheckFailed]);
            assert_eq!((runs(&mut drive), boots(&drive)), ("1.0.0".into(), 2));
        }
    }
    for scenario in without(NO_STATE, AfterUpload::Marks { permanent: true }) {
        let scenario = scenario.device(|device| device.bootloader_info = false);
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!(
            (&result["outcome"], &result["images"][0]["confirmed"]),
            (&"updated".into(), &true.into())
        );
    }
}

/// The image lies there from before and is older than what runs: no bootloader starts it by its version, so that a reset would be in vain, and
/// what the device does behind an upload it does behind the next one.
#[test]
fn without_set_state_an_older_image_that_lies_there_is_sent_again_before_any_reset() {
    let older = || image::make((0, 9, 0), LENGTH, 11);
    for permanent in [true, false] {
        for after in
            [AfterUpload::Marks { permanent }, AfterUpload::MarksAndResets { permanent, after_us: 1_000 }]
        {
            for scenario in without(NO_STATE, after) {
                let scenario = scenario.device(|device| device.bootloader_info = false);
                let mut drive = start(&scenario, older(), kit::mode(UpdateMode::TestOnly));
                drive.link.device_mut().preload(0, &older());
                let outcome = succeeds(&mut drive)["outcome"].clone();
                assert_eq!(outcome, if permanent { "updated" } else { "on_trial" }, "{after:?}");
                assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("0.9.0".into(), 1, 1));
            }
        }
    }
}

/// A bootloader that chooses by version starts a newer one: it is not sent again.
#[test]
fn without_set_state_a_newer_image_that_lies_there_is_started() {
    for boot_mode in [BootMode::DirectXip, BootMode::RamLoad] {
        let scenario = new(|device| (device.boot_mode, device.bootloader_info) = (boot_mode, false));
        let mut drive = start(&scenario, application(), UpdateOptions::default());
        drive.link.device_mut().preload(0, &application());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 0));
    }
}

/// And one that chooses by version and is given an older image: nothing but the reset tells it from those above.
#[test]
fn an_older_image_that_no_reset_starts_is_sent_and_reset_into_once_over() {
    for boot_mode in [BootMode::DirectXip, BootMode::RamLoad] {
        for (version, lies_there) in [((0, 9, 0), true), ((0, 9, 0), false), ((1, 0, 0), true)] {
            let file = || image::make(version, LENGTH, 11);
            let scenario = new(|device| (device.boot_mode, device.bootloader_info) = (boot_mode, false));
            let mut drive = start(&scenario, file(), UpdateOptions::default());
            if lies_there {
                drive.link.device_mut().preload(0, &file());
            }
            fails_as(&mut drive, &[Status::NotSwapped]);
            assert_eq!((uploads(&drive), count(&drive, 2, 0, 5)), (1, 3), "{boot_mode:?} {version:?}");
            assert_eq!(drive.session.left_with(), LeftWith::OldImageRuns);
        }
    }
}

/// Whether it is waited for or not: a trial that began by itself is not reset.
#[test]
fn a_device_that_resets_later_is_waited_for_as_long_as_was_said() {
    for mode in [BootMode::SwapMove, BootMode::SwapOffset, BootMode::OverwriteOnly] {
        for (after_us, wait, resets) in [
            (300_000, 0, false),
            (8_000_000, 20_000, false),
            (19_000_000, 20_000, false),
            (60_000_000, 5_000, true),
        ] {
            let after = AfterUpload::MarksAndResets { permanent: false, after_us };
            for scenario in both(|device| {
                device.boot_mode = mode;
                device.boot_us = 4_000_000;
                device.quirks.after_upload = after;
            }) {
                let mut drive = start(&scenario, application(), waiting(wait));
                assert_eq!(succeeds(&mut drive)["outcome"], "updated");
                let counters = drive.link.device().counters();
                assert_eq!((runs(&mut drive), counters.reverts, counters.boots), ("1.1.0".into(), 0, 1));
                assert!(wait == 0 || resets == (count(&drive, 2, 0, 5) > 0), "{mode:?} {after_us} {wait}");
            }
        }
    }
}

/// A device that does nothing by itself is marked and reset once the time is over.
#[test]
fn waiting_in_vain_costs_the_time_and_nothing_else() {
    for scenario in both(|_| {}) {
        let mut drive = start(&scenario, application(), waiting(10_000));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 1));
        assert!((10_000..60_000).contains(&drive.now_ms()), "{} ms", drive.now_ms());
    }
}

/// A worker that is woken for each notification: the wait is not begun anew.
#[test]
fn the_wait_survives_a_snapshot() {
    for scenario in both(|device| {
        device.quirks.after_upload = AfterUpload::MarksAndResets { permanent: false, after_us: 5_000_000 };
    }) {
        let mut drive = start(&scenario, application(), waiting(60_000));
        assert_eq!(drive.run_to(Phase::Swap), None);
        let saved = drive.session.snapshot().expect("a snapshot");
        let firmware = smpfota::Firmware::parse(application()).expect("an image");
        drive.session =
            smpfota::Session::restore(&saved, Some(std::sync::Arc::new(firmware)), None).expect("it fits");
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive), uploads(&drive)), ("1.1.0".into(), 1, 1));
    }
}

fn coming_back(how: ComingBack) -> Drive {
    let scenario = kit::scenario(DeviceProfile::Zephyr44).device(|device| device.quirks.coming_back = how);
    let mut drive = start(&scenario, application(), UpdateOptions::default());
    assert_eq!(drive.run_to(Phase::Swap), None);
    assert_eq!(drive.idle(3_000), None);
    drive.link.set_link(drive.now_us, false);
    drive.session.link(drive.now_ms(), LinkEvent::Down);
    assert_eq!(drive.idle(2_000), None);
    drive
}

#[test]
fn a_device_under_another_address_is_gone_on_with() {
    let mut drive = coming_back(ComingBack::AnotherAddress);
    drive.link.set_link(drive.now_us, true);
    drive.session.link(drive.now_ms(), LinkEvent::NewAddress);
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
}

/// Within a minute of the caller's word, whatever the swap may take.
#[test]
fn lost_bonds_are_told_within_a_minute_of_their_evidence() {
    for up in [true, false] {
        let mut drive = coming_back(ComingBack::WithoutBonds);
        drive.link.set_link(drive.now_us, true);
        if up {
            drive.session.link(drive.now_ms(), LinkEvent::Up);
        }
        let told = drive.now_ms();
        drive.session.link(told, LinkEvent::BondsLost);
        // Said again at each new try; the first word counts.
        assert_eq!(drive.idle(20_000), None);
        drive.session.link(drive.now_ms(), LinkEvent::BondsLost);
        let failure =
            kit::fails_with(&mut drive, Status::DidNotReturn, Finding::BondsLost, &["1.1.0", "bonds"]);
        assert!(
            (40_000..60_000).contains(&(drive.now_ms() - told)),
            "{} ms: {failure}",
            drive.now_ms() - told
        );
    }
}

/// As near as can be: somebody pairs anew in time.
#[test]
fn bonds_that_are_made_anew_are_no_failure() {
    let mut drive = coming_back(ComingBack::WithoutBonds);
    drive.link.set_link(drive.now_us, true);
    drive.session.link(drive.now_ms(), LinkEvent::Up);
    drive.session.link(drive.now_ms(), LinkEvent::BondsLost);
    assert_eq!(drive.idle(30_000), None);
    drive.link.device_mut().pair(drive.now_us);
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
}

/// Before anything was reset it is pairing that is needed.
#[test]
fn bonds_lost_at_the_first_question_ask_for_pairing() {
    let scenario = kit::scenario(DeviceProfile::Zephyr44);
    let mut drive = start(&scenario, application(), UpdateOptions::default());
    drive.on_request = Some(Box::new(|_, _| crate::drive::Passage::Lost));
    drive.session.link(0, LinkEvent::BondsLost);
    kit::fails_with(&mut drive, Status::Timeout, Finding::PairingNeeded, &["bonds"]);
    assert!(drive.now_ms() < 60_000, "{} ms", drive.now_ms());
}
