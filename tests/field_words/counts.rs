//! Item 6 of what is told at the end: what an operation took, in results and in failures.

use smpfota::simulator::{LinkKind, Scenario};
use smpfota::{Phase, SessionOptions, Status, UpdateOptions};

use crate::drive::Drive;
use crate::kit::{BOUND_MS, each, fails, rc, start, succeeds};

#[test]
fn a_result_tells_what_it_took() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let result = succeeds(&mut drive);
        let counts = drive.session.counts();
        assert_eq!(result["counts"], counts.to_json());
        // One frame a write, but for the echo that finds out whether the device puts two together.
        assert!((drive.writes - 1..=drive.writes).contains(&u64::from(counts.frames_sent)), "{counts:?}");
        assert!(counts.frames_answered > 20 && counts.frames_answered <= counts.frames_sent, "{counts:?}");
        assert_eq!((counts.retransmissions, counts.duplicates, counts.restarts), (0, 0, 0));
        assert!(counts.bytes_sent > 6_000 && counts.bytes_received > 400, "{counts:?}");
        // The phases follow one another without a gap, so their sum is the whole.
        let told: u64 = counts.phases.iter().map(|(_, ms)| ms).sum();
        let whole = result["duration_ms"].as_u64().unwrap();
        assert!(told.abs_diff(whole) <= counts.phases.len() as u64, "{told} of {whole} ms: {counts:?}");
        for phase in [Phase::Upload, Phase::Swap] {
            assert!(counts.phases.iter().any(|(known, ms)| *known == phase && *ms > 100), "{counts:?}");
        }
    });
}

#[test]
fn a_bad_link_shows_in_the_counts() {
    let scenario = Scenario::new(LinkKind::CellularBad).image_size(20_000).seed(3);
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    let result = succeeds(&mut drive);
    let counts = &result["counts"];
    assert!(counts["retransmissions"].as_u64().unwrap() > 0, "{counts}");
    let (median, p95) = (&counts["round_trip_median_ms"], &counts["round_trip_p95_ms"]);
    let (median, p95) = (median.as_u64().unwrap(), p95.as_u64().unwrap());
    assert!((1_000..4_000).contains(&median) && p95 > median, "{median} {p95}");
}

#[test]
fn a_failure_tells_them_too_and_the_next_operation_starts_anew() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| rc(frame, 11)));
        fails(&mut drive, Status::AccessDenied, &[]);
        let failure = drive.session.failure_json().unwrap();
        assert_eq!(failure["status"], Status::AccessDenied.number());
        assert_eq!(failure["retry"], "never");
        assert_eq!(failure["phase"], "discover");
        assert_eq!(failure["left_with"], "old_image_runs");
        assert_eq!(failure["counts"]["frames_sent"], drive.writes);
        assert!(drive.session.result().is_none());
        drive.on_request = None;
        drive.session.start_request(smpfota::smp::Op::Read, 1, 0, b"").unwrap();
        assert!(drive.session.failure_json().is_none());
        assert_eq!(drive.session.counts().frames_sent, 0);
        drive.run(2 * BOUND_MS);
        assert_eq!(drive.session.counts().frames_sent, 1);
        assert_eq!(drive.session.counts().phases.len(), 1);
    });
}
