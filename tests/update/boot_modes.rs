//! MCUboot in each of its modes: what the update may promise, and what it must not.

use smpfota::simulator::{BootMode, DeviceProfile, Scenario};
use smpfota::{Finding, Status, UpdateMode, UpdateOptions};

use crate::drive::Passage;
use crate::kit::*;

fn with(scenario: Scenario, boot: BootMode) -> Scenario {
    scenario.device(|device| device.boot_mode = boot)
}

/// Servers that know the mode; for NCS 2.1, which has no such command, see `ncs_2_1_*` below.
fn new_servers(boot: BootMode, test: impl Fn(Scenario)) {
    test(with(scenario(DeviceProfile::Zephyr44), boot));
}

#[test]
fn every_bootloader_that_swaps_tests_and_confirms() {
    for boot in [BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset] {
        each(|scenario| {
            let scenario = with(scenario, boot);
            assert_eq!(succeeds(&mut start(&scenario, UpdateOptions::default()))["outcome"], "updated");
            assert_eq!(succeeds(&mut start(&scenario, mode(UpdateMode::TestOnly)))["outcome"], "on_trial");
            assert_eq!(
                succeeds(&mut start(&scenario, mode(UpdateMode::ConfirmAtOnce)))["outcome"],
                "updated"
            );
        });
    }
}

/// There is no trial: what was to be tested runs for good, and that is what the result says.
#[test]
fn overwrite_only_installs_for_good_whatever_was_asked() {
    for options in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce] {
        each(|scenario| {
            let scenario = with(scenario, BootMode::OverwriteOnly);
            let mut drive = start(&scenario, mode(options));
            let log = logged(&mut drive);
            let result = succeeds(&mut drive);
            assert_eq!(result["outcome"], "updated");
            assert_eq!(result["images"][0]["confirmed"], true);
            assert_eq!(count(&log, Kind::SetState), 1, "marked once, nothing to confirm");
            if !is_old(&scenario) {
                assert_eq!(result["boot_mode"], "overwrite");
            }
        });
    }
}

#[test]
fn overwrite_only_that_prevents_downgrades_is_a_bootloader_that_refused() {
    each(|scenario| {
        let scenario =
            with(scenario, BootMode::OverwriteOnly).device(|device| device.downgrade_prevention = true);
        let mut drive = start_with(&scenario, file((0, 9, 0), 4), UpdateOptions::default());
        fails_with(&mut drive, Status::NotSwapped, Finding::BootloaderRefused, &["0.9.0", "1.0.0"]);
    });
}

#[test]
fn direct_xip_starts_the_newest_without_a_mark() {
    new_servers(BootMode::DirectXip, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let log = logged(&mut drive);
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["boot_mode"]), (&"updated".into(), &"direct_xip".into()));
        // The mark is tried, since the mode does not tell a build that reverts, and there is no command for it.
        assert_eq!((count(&log, Kind::SetState), runs(&mut drive)), (1, "1.1.0".into()));
        // From slot 1 the next one goes to slot 0.
        again(&mut drive, file((1, 2, 0), 7), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(runs(&mut drive), "1.2.0");
    });
}

/// Without the mode the missing command tells it.
#[test]
fn direct_xip_without_bootloader_information_is_found_out() {
    for boot in [BootMode::DirectXip, BootMode::RamLoad] {
        new_servers(boot, |scenario| {
            let scenario = scenario.device(|device| device.bootloader_info = false);
            let mut drive = start(&scenario, UpdateOptions::default());
            let result = succeeds(&mut drive);
            assert_eq!((&result["outcome"], runs(&mut drive)), (&"updated".into(), "1.1.0".into()));
        });
    }
}

#[test]
fn an_older_image_is_refused_where_only_the_newest_is_started() {
    for boot in [BootMode::DirectXip, BootMode::DirectXipRevert, BootMode::RamLoad] {
        new_servers(boot, |scenario| {
            for preloaded in [false, true] {
                let mut drive = start_with(&scenario, file((0, 9, 0), 4), UpdateOptions::default());
                if preloaded {
                    drive.link.device_mut().preload(0, &file((0, 9, 0), 4));
                }
                fails(&mut drive, Status::DowngradeRefused, &["0.9.0", "1.0.0", "newest"]);
                assert_eq!((drive.upload_frames, boots(&drive)), (0, 0));
            }
            // To lie there it need not be newer.
            let mut drive = start_with(&scenario, file((0, 9, 0), 4), mode(UpdateMode::UploadOnly));
            assert_eq!(succeeds(&mut drive)["outcome"], "uploaded");
        });
    }
}

#[test]
fn direct_xip_that_stays_where_it_is_did_not_revert() {
    new_servers(BootMode::DirectXip, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        // Every reset is answered and none is done.
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => rc(frame, 0),
            _ => Passage::Through,
        }));
        fails(&mut drive, Status::NotSwapped, &["1.1.0", "1.0.0"]);
    });
}

#[test]
fn direct_xip_with_revert_tests_and_confirms_from_either_slot() {
    new_servers(BootMode::DirectXipRevert, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!(
            (&result["outcome"], &result["boot_mode"]),
            (&"updated".into(), &"direct_xip_revert".into())
        );
        assert_eq!(result["images"][0]["confirmed"], true);
        again(&mut drive, file((1, 2, 0), 7), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(runs(&mut drive), "1.2.0");
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(runs(&mut drive), "1.2.0");
    });
}

#[test]
fn direct_xip_with_revert_goes_back_when_it_is_unhealthy() {
    new_servers(BootMode::DirectXipRevert, |scenario| {
        let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        let mut drive = start(&scenario, options);
        drive.healthy = false;
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "1.0.0 again"]);
    });
}

#[test]
fn ram_load_starts_the_newest_without_a_mark() {
    new_servers(BootMode::RamLoad, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["boot_mode"]), (&"updated".into(), &"ram_load".into()));
    });
}

#[test]
fn a_device_with_a_single_slot_is_refused_before_anything_is_sent() {
    new_servers(BootMode::Single, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        fails(&mut drive, Status::ImageUnsupported, &["1.1.0", "one slot", "recovery"]);
        assert_eq!(drive.upload_frames, 0);
        // What runs already is no matter of slots.
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.link.device_mut().install(&scenario.image()).unwrap();
        assert_eq!(succeeds(&mut drive)["outcome"], "already_installed");
    });
}

/// The loader in slot 1 answers; the application in slot 0 is what is replaced, and a reset starts it.
#[test]
fn a_firmware_loader_installs_the_application() {
    new_servers(BootMode::FirmwareLoader, |scenario| {
        for old in [None, Some(file((1, 0, 5), 8))] {
            let mut drive = start(&scenario, UpdateOptions::default());
            if let Some(old) = &old {
                drive.link.device_mut().preload(0, old);
            }
            let log = logged(&mut drive);
            let result = succeeds(&mut drive);
            assert_eq!(
                (&result["outcome"], &result["boot_mode"]),
                (&"updated".into(), &"firmware_loader".into())
            );
            assert_eq!(count(&log, Kind::SetState), 0);
            assert_eq!(runs(&mut drive), "1.1.0");
        }
    });
}

/// An application need not speak SMP itself; then the loader's device does not return.
#[test]
fn an_application_without_smp_does_not_return_from_the_firmware_loader() {
    new_servers(BootMode::FirmwareLoader, |scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(smpfota::Phase::Swap), None);
        drive.on_request = Some(Box::new(|_, _| Passage::Lost));
        fails(&mut drive, Status::DidNotReturn, &["1.1.0", "loader", "SMP"]);
    });
}

/// In this mode the loader's own version says nothing of the application's.
#[test]
fn upgrade_only_compares_applications_not_the_loader() {
    new_servers(BootMode::FirmwareLoader, |scenario| {
        let upgrade = UpdateOptions { upgrade_only: true, ..UpdateOptions::default() };
        let mut drive = start(&scenario, upgrade);
        drive.link.device_mut().preload(0, &file((1, 5, 0), 8));
        fails(&mut drive, Status::DowngradeRefused, &["1.1.0", "1.5.0"]);
    });
}

/// The server of NCS 2.1 behind bootloaders that it does not know (a firmware loader did not exist yet).
const UNKNOWN_TO_NCS_2_1: [BootMode; 3] = [BootMode::DirectXip, BootMode::DirectXipRevert, BootMode::RamLoad];

/// It lists slot 0 as the one that runs, whatever the bootloader started ("Slot 0 is always active", `img_mgmt_state.c` of
/// Zephyr 3.1). What the device does not show is no success, and the resets are bounded.
#[test]
fn ncs_2_1_does_not_show_what_a_bootloader_started_that_picks_slots() {
    for boot in UNKNOWN_TO_NCS_2_1 {
        for options in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce] {
            let mut drive = start(&with(scenario(DeviceProfile::Ncs21), boot), mode(options));
            let log = logged(&mut drive);
            let failure = fails(&mut drive, Status::NotSwapped, &["1.1.0", "1.0.0"]);
            assert_eq!(failure.device, None);
            assert!((1..=3).contains(&count(&log, Kind::Reset)), "{boot:?} {options:?}");
        }
    }
}

#[test]
fn ncs_2_1_takes_and_knows_images_behind_any_bootloader() {
    for boot in UNKNOWN_TO_NCS_2_1 {
        let scenario = with(scenario(DeviceProfile::Ncs21), boot);
        let mut drive = start(&scenario, mode(UpdateMode::UploadOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "uploaded", "{boot:?}");
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.link.device_mut().install(&scenario.image()).unwrap();
        let result = succeeds(&mut drive);
        assert_eq!(
            (&result["outcome"], &result["boot_mode"]),
            (&"already_installed".into(), &"unknown".into())
        );
    }
}

/// Nothing tells the single slot beforehand; the server has no place for the first chunk.
#[test]
fn ncs_2_1_with_a_single_slot_refuses_the_first_chunk() {
    let mut drive = start(&with(scenario(DeviceProfile::Ncs21), BootMode::Single), UpdateOptions::default());
    let failure = fails(&mut drive, Status::NoFreeSlot, &["1.1.0"]);
    assert_eq!(failure.device.map(|device| (device.group, device.code)), Some((None, 5)));
    assert_eq!((drive.upload_frames, boots(&drive)), (1, 0));
}
