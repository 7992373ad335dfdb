//! The caller's word on the new image before it is confirmed.

use smpfota::simulator::BootMode;
use smpfota::{Phase, Status, UpdateOptions};

use crate::drive::Passage;
use crate::kit::*;

const ASK: UpdateOptions = UpdateOptions { health_check: true, ..UpdateOptions::new() };

#[test]
fn a_healthy_image_is_confirmed_after_the_word_and_not_before() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        drive.answers_health = false;
        assert_eq!(drive.run_to(Phase::HealthCheck), None);
        assert_eq!(drive.idle(60_000), None);
        assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 A");
        drive.session.health(drive.now_ms(), true).expect("asked for");
        assert_eq!(succeeds(&mut drive)["images"][0]["confirmed"], true);
    });
}

#[test]
fn an_unhealthy_image_is_taken_back_by_a_reset() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        drive.healthy = false;
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "1.0.0 again"]);
        assert_eq!(runs(&mut drive), "1.0.0");
        assert_eq!((boots(&drive), drive.link.device().counters().reverts), (2, 1));
    });
}

/// The first reset request is lost: the image still runs at the first look, and that is no reason to leave it there.
#[test]
fn a_lost_reset_of_an_unhealthy_image_is_repeated() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        drive.healthy = false;
        let mut resets = 0;
        drive.on_request = Some(Box::new(move |_, frame| {
            resets += u32::from(kind(frame) == Kind::Reset);
            if kind(frame) == Kind::Reset && resets == 2 { Passage::Lost } else { Passage::Through }
        }));
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "1.0.0 again"]);
        assert_eq!(runs(&mut drive), "1.0.0");
    });
}

#[test]
fn an_unhealthy_image_on_a_device_that_does_not_reset_is_reported_as_running() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        drive.healthy = false;
        let mut resets = 0;
        drive.on_request = Some(Box::new(move |_, frame| {
            resets += u32::from(kind(frame) == Kind::Reset);
            if kind(frame) == Kind::Reset && resets > 1 { Passage::Lost } else { Passage::Through }
        }));
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "still", "next reset"]);
        assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 A");
    });
}

#[test]
fn silence_is_no_consent() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions { health_timeout_ms: 90_000, ..ASK });
        drive.answers_health = false;
        assert_eq!(drive.run_to(Phase::HealthCheck), None);
        let asked = drive.now_ms();
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "90 s", "next reset"]);
        assert!((asked + 90_000..asked + 90_100).contains(&drive.now_ms()));
        assert_eq!(slots(&mut drive)[0], "0/0 1.1.0 A");
    });
}

#[test]
fn a_reboot_during_the_health_check_is_a_revert() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        drive.answers_health = false;
        assert_eq!(drive.run_to(Phase::HealthCheck), None);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(drive.idle(20_000), None);
        drive.session.health(drive.now_ms(), true).expect("asked for");
        fails(&mut drive, Status::Reverted, &["1.1.0", "1.0.0"]);
        assert_eq!(runs(&mut drive), "1.0.0");
    });
}

/// The same, in an update that found the image on trial and had nothing to do but to confirm it.
#[test]
fn a_reboot_before_a_mere_confirmation_is_a_revert_too() {
    each(|scenario| {
        let mut drive = start(&scenario, mode(smpfota::UpdateMode::TestOnly));
        succeeds(&mut drive);
        again(&mut drive, scenario.image(), ASK);
        drive.answers_health = false;
        assert_eq!(drive.run_to(Phase::HealthCheck), None);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(drive.idle(20_000), None);
        drive.session.health(drive.now_ms(), true).expect("asked for");
        fails(&mut drive, Status::Reverted, &["1.1.0", "1.0.0"]);
    });
}

#[test]
fn a_reboot_while_the_image_is_confirmed_is_a_revert() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Confirm), None);
        drive.link.device_mut().reboot(drive.now_us);
        fails(&mut drive, Status::Reverted, &["1.1.0", "1.0.0"]);
        assert_eq!(runs(&mut drive), "1.0.0");
    });
}

/// The application confirmed itself, as many do at their start: the caller is asked all the same.
#[test]
fn an_image_that_confirmed_itself_is_still_put_to_the_caller() {
    for healthy in [true, false] {
        each(|scenario| {
            let mut drive = start(&scenario, ASK);
            drive.healthy = healthy;
            drive.on_answer = lists(|_, images| {
                for image in images {
                    let runs = entry(image, "version").and_then(|v| v.as_text()) == Some("1.1.0")
                        && entry(image, "active").and_then(|v| v.as_bool()) == Some(true);
                    if runs {
                        set(image, "confirmed", true.into());
                    }
                }
            });
            if healthy {
                assert_eq!(succeeds(&mut drive)["outcome"], "updated");
            } else {
                fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "confirmed"]);
                assert_eq!(boots(&drive), 1, "a reset would change nothing");
            }
        });
    }
}

#[test]
fn a_bootloader_without_a_way_back_is_named_when_the_image_is_unhealthy() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.boot_mode = BootMode::OverwriteOnly);
        let mut drive = start(&scenario, ASK);
        drive.healthy = false;
        fails(&mut drive, Status::HealthCheckFailed, &["1.1.0", "confirmed"]);
        assert_eq!(runs(&mut drive), "1.1.0");
    });
}

#[test]
fn the_word_is_refused_when_nobody_asked() {
    each(|scenario| {
        let mut drive = start(&scenario, ASK);
        assert_eq!(drive.session.health(0, true).unwrap_err().status, Status::WrongState);
        drive.run_to(Phase::Upload);
        assert_eq!(drive.session.health(drive.now_ms(), true).unwrap_err().status, Status::WrongState);
        succeeds(&mut drive);
        assert_eq!(drive.session.health(drive.now_ms(), true).unwrap_err().status, Status::WrongState);
    });
}
