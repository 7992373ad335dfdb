//! Pause, resume, cancel and the caller's news of the link, in every phase.

use smpfota::simulator::Scenario;
use smpfota::{Phase, Status, UpdateOptions};

use crate::drive::{Drive, LinkControl};
use crate::kit::*;

const PHASES: [Phase; 9] = [
    Phase::Discover,
    Phase::Erase,
    Phase::Upload,
    Phase::VerifyUpload,
    Phase::Mark,
    Phase::Reset,
    Phase::Swap,
    Phase::HealthCheck,
    Phase::Confirm,
];

/// An update that goes through every phase, stopped at its entry into this one.
fn stopped_at(scenario: &Scenario, phase: Phase) -> Drive {
    let options = UpdateOptions { erase_first: true, health_check: true, ..UpdateOptions::default() };
    let mut drive = start(scenario, options);
    drive.answers_health = phase != Phase::HealthCheck;
    if phase == Phase::Discover {
        // The first request is on its way.
        assert_eq!(drive.step(), None);
    }
    assert_eq!(drive.run_to(phase), None, "the update never came to {phase:?}");
    if phase == Phase::Upload {
        for _ in 0..20 {
            assert_eq!(drive.step(), None);
        }
    }
    assert_eq!(drive.session.phase(), phase);
    drive.answers_health = true;
    drive
}

#[test]
fn a_pause_in_any_phase_sends_nothing_and_costs_nothing() {
    each(|scenario| {
        for phase in PHASES {
            println!("{phase:?}");
            let mut drive = stopped_at(&scenario, phase);
            drive.session.pause(drive.now_ms()).expect("running");
            assert_eq!(drive.session.deadline(), None);
            let writes = drive.writes;
            // Longer than every limit of the update.
            assert_eq!(drive.idle(2_000_000), None);
            assert_eq!(drive.writes, writes);
            drive.session.resume(drive.now_ms()).expect("paused");
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        }
    });
}

/// Time that the caller stopped does not count: neither against the whole update nor against one of its waits.
#[test]
fn a_pause_stops_the_deadline() {
    each(|scenario| {
        let options = UpdateOptions { deadline_ms: 120_000, ..UpdateOptions::default() };
        let mut drive = start(&scenario, options);
        assert_eq!(drive.run_to(Phase::Upload), None);
        drive.session.pause(drive.now_ms()).expect("running");
        assert_eq!(drive.idle(500_000), None);
        drive.session.resume(drive.now_ms()).expect("paused");
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn a_cancel_in_any_phase_ends_it_and_says_what_is_left() {
    let left = [
        (Phase::Discover, "nothing was changed"),
        (Phase::Erase, "erase"),
        (Phase::Upload, "goes on from there"),
        (Phase::VerifyUpload, "goes on from there"),
        (Phase::Mark, "marked"),
        (Phase::Reset, "marked"),
        (Phase::Swap, "reset"),
        (Phase::HealthCheck, "unconfirmed"),
        (Phase::Confirm, "unconfirmed"),
    ];
    each(|scenario| {
        for (phase, words) in left {
            println!("{phase:?}");
            let mut drive = stopped_at(&scenario, phase);
            drive.session.cancel(drive.now_ms());
            let writes = drive.writes;
            fails(&mut drive, Status::Cancelled, &["1.1.0", words]);
            assert_eq!(drive.writes, writes, "nothing is sent after a cancel");
            assert_eq!(drive.session.phase(), Phase::Failed);
            // What the device was left with is a good start for another try.
            assert_eq!(drive.idle(20_000), Some(crate::drive::End::Failed(drive.session.failure().unwrap())));
            again(&mut drive, scenario.image(), UpdateOptions::default());
            let result = succeeds(&mut drive);
            assert_eq!((&result["outcome"], runs(&mut drive)), (&"updated".into(), "1.1.0".to_owned()));
        }
    });
}

#[test]
fn a_link_that_goes_down_and_comes_up_in_any_phase_ends_well() {
    each(|scenario| {
        for phase in PHASES {
            println!("{phase:?}");
            let mut drive = stopped_at(&scenario, phase);
            drive.set_link(false);
            let writes = drive.writes;
            assert_eq!(drive.idle(10_000), None);
            assert_eq!(drive.writes, writes, "nothing is sent while the link is down");
            drive.set_link(true);
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        }
    });
}

#[test]
fn a_link_that_stays_down_ends_in_bounded_time() {
    each(|scenario| {
        for phase in PHASES {
            println!("{phase:?}");
            let mut drive = stopped_at(&scenario, phase);
            let from = drive.now_ms();
            drive.set_link(false);
            let (status, words) = match phase {
                Phase::Reset | Phase::Swap => (Status::DidNotReturn, "reset"),
                _ => (Status::LinkLost, "link"),
            };
            fails(&mut drive, status, &["1.1.0", words]);
            assert!(drive.now_ms() - from < 700_000, "{} ms", drive.now_ms() - from);
        }
    });
}

/// A link that comes and goes for ever lets nothing through: every retry has a limit, also this one.
#[test]
fn a_link_that_flaps_for_ever_ends_in_bounded_time() {
    each(|scenario| {
        for phase in PHASES {
            if phase == Phase::HealthCheck {
                continue;
            }
            println!("{phase:?}");
            let mut drive = stopped_at(&scenario, phase);
            let mut end = None;
            for _ in 0..1_000 {
                drive.set_link(false);
                end = drive.idle(5_000);
                // Up by name only.
                drive.session.link(drive.now_ms(), smpfota::LinkEvent::Up);
                end = end.or_else(|| drive.idle(5_000));
                if end.is_some() {
                    break;
                }
            }
            assert!(matches!(end, Some(crate::drive::End::Failed(_))), "{end:?}");
        }
    });
}

#[test]
fn a_caller_that_obeys_the_wish_for_a_new_link_sees_no_difference() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.control = LinkControl::Obeys;
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

/// The link drops when the device resets, as it does on Bluetooth, and comes up when the device is back.
#[test]
fn a_link_that_follows_the_reset_is_no_surprise() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Swap), None);
        drive.set_link(false);
        assert_eq!(drive.idle(15_000), None);
        drive.set_link(true);
        let result = succeeds(&mut drive);
        assert_eq!(result["outcome"], "updated");
        assert!(result["swap_ms"].as_u64().unwrap() >= 15_000);
        assert_eq!(boots(&drive), 1);
    });
}

#[test]
fn an_up_without_a_down_is_fine() {
    each(|scenario| {
        for phase in PHASES {
            let mut drive = stopped_at(&scenario, phase);
            drive.session.link(drive.now_ms(), smpfota::LinkEvent::Up);
            assert_eq!(succeeds(&mut drive)["outcome"], "updated", "{phase:?}");
        }
    });
}
