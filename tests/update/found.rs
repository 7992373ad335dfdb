//! What simulated updates under random faults found: each test is the smallest form of one seed.

use smpfota::simulator::{DeviceProfile, LinkKind, Scenario};
use smpfota::{SessionOptions, UpdateOptions};

use crate::drive::{Drive, End};

/// Found by simulated updates (seed 19028): frames that lose bytes now and then are answered with rc 9, and each one made
/// the frames smaller until they could not carry the first chunk any more.
#[test]
fn frames_that_are_damaged_now_and_then_do_not_become_smaller() {
    let scenario = Scenario::new(LinkKind::None)
        .profile(DeviceProfile::Ncs21)
        .link(|link| link.truncate = 0.02)
        .image_size(100_000)
        .seed(5);
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    assert_eq!(drive.run(3_600_000), End::Done);
    let progress = drive.session.progress(0);
    assert_eq!(progress.frame, 244);
    assert!(progress.retransmissions > 0, "nothing was damaged");
}
