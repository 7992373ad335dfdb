//! Every case without hope is told soon: the virtual seconds from its first evidence, as a table.

use std::cell::Cell;
use std::rc::Rc;

use smpfota::simulator::{DeviceProfile, LinkKind, Scenario};
use smpfota::{Failure, Finding, SessionOptions, Status, UpdateOptions};

use crate::cases;
use crate::drive::{Drive, End, Passage, Tamper};
use crate::kit::BOUND_MS;

/// The time of the first evidence, once there was any.
pub type Evidence = Rc<Cell<Option<u64>>>;

/// What spoils a drive, and notes when it first did so.
pub type Spoil = fn(&mut Drive, Evidence);

/// Notes the first time that a tamper does anything but let a frame through.
pub fn noting(seen: Evidence, mut tamper: impl FnMut(u64, &[u8]) -> Passage + 'static) -> Option<Tamper> {
    Some(Box::new(move |now, frame| {
        let passage = tamper(now, frame);
        if passage != Passage::Through && seen.get().is_none() {
            seen.set(Some(now));
        }
        passage
    }))
}

/// Runs a spoilt update to its failure: the failure and the seconds from the first evidence to it.
pub fn told(scenario: &Scenario, spoil: Spoil) -> (Failure, f64) {
    let mut drive = Drive::update(scenario, SessionOptions::default(), UpdateOptions::default());
    let seen = Evidence::default();
    spoil(&mut drive, seen.clone());
    match drive.run(BOUND_MS) {
        End::Failed(failure) => {
            let first = seen.get().expect("there was evidence");
            (failure, (drive.now_ms() - first) as f64 / 1_000.0)
        }
        other => panic!("{other:?}: {:?}", drive.session.result()),
    }
}

/// A case: its name, what spoils the drive, how large the image is, and what is to be told.
pub struct Case {
    pub name: &'static str,
    pub spoil: Spoil,
    pub image: u32,
    pub status: Status,
    pub finding: Finding,
    pub words: &'static [&'static str],
}

#[test]
fn every_hopeless_case_is_told_within_a_minute_of_its_first_evidence() {
    println!("| case | finding | seconds, direct | seconds, cellular |");
    println!("| --- | --- | --- | --- |");
    for case in cases::ALL {
        let mut row = Vec::new();
        for (link, bound) in [(LinkKind::None, 60.0), (LinkKind::CellularBad, 90.0)] {
            let mut worst: f64 = 0.0;
            for profile in DeviceProfile::ALL {
                for seed in 1..=if link == LinkKind::None { 1 } else { 5 } {
                    let scenario = Scenario::new(link).profile(*profile).image_size(case.image).seed(seed);
                    let (failure, seconds) = told(&scenario, case.spoil);
                    let what = format!("{}, {}, {}: {failure}", case.name, profile.name(), link.name());
                    assert_eq!((failure.status, failure.finding), (case.status, case.finding), "{what}");
                    for word in case.words {
                        assert!(failure.sentence.contains(word), "{word:?} is missing: {what}");
                    }
                    assert!(seconds <= bound, "{seconds} s, {what}");
                    worst = worst.max(seconds);
                }
            }
            row.push(format!("{worst:.0}"));
        }
        println!("| {} | `{}` | {} | {} |", case.name, case.finding.name(), row[0], row[1]);
    }
}
