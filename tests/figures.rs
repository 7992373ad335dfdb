//! The figures of an update never fall back: not by a restore, a cancel, a failure, and they count what was sent.

#[path = "support/drive.rs"]
mod drive;

use std::sync::Arc;

use drive::{Drive, End};
use smpfota::simulator::{LinkKind, Scenario};
use smpfota::{Firmware, Phase, Session, SessionOptions, Status, UpdateOptions};

const BOUND_MS: u64 = 3_600_000;
const SIZE: u32 = 24_000;

fn scenario() -> Scenario {
    Scenario::new(LinkKind::GatewayLan).seed(3).image_size(SIZE)
}

fn start() -> Drive {
    Drive::update(&scenario(), SessionOptions::default(), UpdateOptions::default())
}

/// The length of the file.
fn total() -> u64 {
    scenario().image().len() as u64
}

fn acknowledged(drive: &Drive) -> u64 {
    drive.session.progress(drive.now_ms()).bytes_acknowledged
}

#[track_caller]
fn run_until(drive: &mut Drive, bytes: u64) {
    while acknowledged(drive) < bytes {
        assert_eq!(drive.step(), None, "it ended too early");
    }
}

fn restore(drive: &mut Drive) {
    let firmware = Arc::new(Firmware::parse(scenario().image()).expect("an image"));
    let snapshot = drive.session.snapshot().expect("it fits");
    drive.session = Session::restore(&snapshot, Some(firmware), None).expect("a good snapshot");
}

#[test]
fn a_restored_session_shows_what_the_snapshot_knows_until_the_device_tells_more() {
    let mut drive = start();
    run_until(&mut drive, 9_000);
    let mut least = acknowledged(&drive);
    let mut lives = 0;
    let end = loop {
        restore(&mut drive);
        lives += 1;
        let progress = drive.session.progress(drive.now_ms());
        assert!(progress.bytes_acknowledged >= least, "{} after {least}", progress.bytes_acknowledged);
        assert_eq!((progress.bytes_total, progress.image_count), (total(), 1));
        // It asks the device where it stands, and is saved again while it does.
        for _ in 0..lives {
            if let Some(end) = drive.step() {
                assert_eq!((end, acknowledged(&drive)), (End::Done, total()));
                let result = drive.session.result().expect("a result");
                assert_eq!(result["uploaded_bytes"], total());
                return;
            }
            assert!(acknowledged(&drive) >= least, "{} after {least}", acknowledged(&drive));
            least = acknowledged(&drive);
        }
        if lives > 1_000 {
            break End::Hung;
        }
    };
    panic!("{end:?} at {least}");
}

#[test]
fn what_was_acknowledged_stays_after_a_cancel_and_after_a_failure() {
    let mut drive = start();
    run_until(&mut drive, 9_000);
    let before = acknowledged(&drive);
    drive.session.cancel(drive.now_ms());
    assert!(matches!(drive.step(), Some(End::Failed(failure)) if failure.status == Status::Cancelled));
    assert_eq!((acknowledged(&drive), drive.session.phase()), (before, Phase::Failed));
    restore(&mut drive);
    assert_eq!(acknowledged(&drive), before);

    let mut drive = start();
    run_until(&mut drive, 9_000);
    drive.set_link(false);
    let before = acknowledged(&drive);
    assert!(matches!(drive.run(BOUND_MS), End::Failed(_)));
    assert_eq!(acknowledged(&drive), before);
    assert!(before > 0);
}

#[test]
fn a_link_that_drops_does_not_take_the_figures_back() {
    let mut drive = start();
    run_until(&mut drive, 9_000);
    let before = acknowledged(&drive);
    drive.set_link(false);
    assert_eq!(acknowledged(&drive), before);
    drive.set_link(true);
    while drive.session.phase() == Phase::Upload {
        assert!(acknowledged(&drive) >= before, "{} after {before}", acknowledged(&drive));
        assert_eq!(drive.step(), None);
    }
    assert_eq!(drive.run(BOUND_MS), End::Done);
    assert_eq!(drive.session.result().expect("a result")["uploaded_bytes"], total());
}

#[test]
fn what_the_device_had_is_not_counted_as_uploaded() {
    let mut drive = start();
    run_until(&mut drive, 9_000);
    let found = acknowledged(&drive);
    drive.session.cancel(drive.now_ms());
    drive.idle(60_000);
    let firmware = Arc::new(Firmware::parse(scenario().image()).expect("an image"));
    let mut session = Session::open(SessionOptions::default()).expect("valid options");
    session.start_update(firmware, UpdateOptions::default()).expect("valid options");
    drive.session = session;
    assert_eq!(drive.run(BOUND_MS), End::Done);
    let uploaded = drive.session.result().expect("a result")["uploaded_bytes"].as_u64().expect("a number");
    // What was in flight when the first update ended arrived as well.
    assert!(uploaded <= total() - found && uploaded + 2_000 > total() - found, "{uploaded}, found {found}");
}

#[test]
fn the_rate_is_of_what_this_process_sent() {
    let mut drive = start();
    run_until(&mut drive, u64::from(SIZE) / 2);
    let rate = drive.session.progress(drive.now_ms()).bytes_per_second;
    restore(&mut drive);
    assert_eq!(drive.session.progress(drive.now_ms()).bytes_per_second, 0, "nothing was sent yet");
    let (from, since) = (acknowledged(&drive), drive.now_us);
    assert_eq!(drive.run_to(Phase::Mark), None);
    let progress = drive.session.progress(drive.now_ms());
    let seconds = (drive.now_us - since) as f64 / 1e6;
    let most = (total() - from) as f64 / seconds;
    let told = f64::from(progress.bytes_per_second);
    // The time in which it asked for the list and looked at the upload is not counted.
    assert!(
        told >= most * 0.9 && told < most * 2.0 && told < f64::from(rate) * 1.5,
        "{told}, {most}, {rate}"
    );
    // The upload took its time over both processes.
    restore(&mut drive);
    assert_eq!(drive.session.progress(drive.now_ms()).bytes_per_second, 0, "this process uploaded nothing");
    assert_eq!(drive.run(BOUND_MS), End::Done);
    let result = drive.session.result().expect("a result");
    let average = total() as f64 * 1_000.0 / result["upload_ms"].as_f64().expect("a number");
    assert!((0.5..1.5).contains(&(average / f64::from(rate))), "{average}, {rate}");
}
