//! What simulated updates under random faults found: each test is the smallest form of one seed.

use std::cell::Cell;
use std::rc::Rc;

use smpfota::simulator::{
    AfterUpload, BootMode, DeviceProfile, LinkKind, RecoveryRelease, RecoveryServer, Scenario, Transport,
};
use smpfota::{Framing, SessionOptions, Status, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End, Passage, Tamper};
use crate::kit::{Kind, again, boots, each, fails, kind, mode, start, succeeds};

/// A session that asks everything once.
fn once(scenario: &Scenario) -> Drive {
    let session = SessionOptions { retries: 1, ..SessionOptions::default() };
    Drive::update(scenario, session, UpdateOptions::default())
}

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

/// Loses what set state number `which` has to do with it: 0 is the mark, 1 the confirmation.
fn lose(which: usize) -> Tamper {
    let mut seen = 0;
    Box::new(move |_, frame| {
        let is_one = kind(frame) == Kind::SetState;
        seen += usize::from(is_one);
        if is_one && seen == which + 1 { Passage::Lost } else { Passage::Through }
    })
}

/// Found by simulated updates (seeds 192324, 935923): the device did what it was asked for, once, and its answer was lost.
#[test]
fn a_mark_or_confirmation_without_an_answer_is_looked_up_in_the_list() {
    each(|scenario| {
        for which in [0, 1] {
            let mut drive = once(&scenario);
            drive.on_answer = Some(lose(which));
            let result = succeeds(&mut drive);
            assert_eq!(
                (&result["outcome"], &result["images"][0]["confirmed"]),
                (&"updated".into(), &true.into())
            );
        }
    });
}

#[test]
fn a_mark_or_confirmation_that_never_arrived_is_no_success() {
    each(|scenario| {
        for (which, words) in [
            (0, ["did not answer the test request, sent 1 times", "may be marked"]),
            (1, ["did not answer the confirm request, sent 1 times", "the next reset takes it back"]),
        ] {
            let mut drive = once(&scenario);
            drive.on_request = Some(lose(which));
            fails(&mut drive, Status::Timeout, &words);
            assert_eq!(boots(&drive), which as u64);
        }
    });
}

/// Found by simulated updates (seed 963764): the answer to a list that was given up comes while the next operation asks.
#[test]
fn a_list_that_comes_late_shows_what_is_installed() {
    each(|scenario| {
        for installed in [true, false] {
            let mut drive = once(&scenario);
            if installed {
                drive.link.device_mut().install(&scenario.image()).expect("an image");
            }
            // Nothing is answered in time, but the first list a second after it was given up.
            let late = Rc::new(Cell::new(None));
            let seen = Rc::clone(&late);
            drive.on_answer = Some(Box::new(move |_, frame| {
                if kind(frame) == Kind::List && seen.take().is_none() {
                    seen.set(Some(frame.to_vec()));
                }
                Passage::Lost
            }));
            assert!(matches!(drive.run(60_000), End::Failed(failure) if failure.status == Status::Timeout));
            again(&mut drive, scenario.image(), UpdateOptions::default());
            let now = drive.now_ms();
            drive.session.feed(now, &late.take().expect("a list"));
            if installed {
                assert_eq!(succeeds(&mut drive)["outcome"], "already_installed");
            } else {
                fails(&mut drive, Status::Timeout, &["image list"]);
            }
        }
    });
}

/// Found by simulated updates (seed 198868): where nothing is told, an image that the device marked and started by itself was taken for
/// one that serial recovery wrote, and the device was reset once more.
#[test]
fn an_image_that_the_device_started_itself_needs_no_reset_of_ours() {
    each(|scenario| {
        let scenario = scenario.device(|device| {
            device.bootloader_info = false;
            device.boot_mode = BootMode::SwapOffset;
            device.quirks.after_upload = AfterUpload::MarksAndResets { permanent: true, after_us: 100_000 };
        });
        let mut drive = start(&scenario, mode(UpdateMode::TestOnly));
        let resets = Rc::new(Cell::new(0));
        let seen = Rc::clone(&resets);
        drive.on_request = Some(Box::new(move |_, frame| {
            seen.set(seen.get() + u32::from(kind(frame) == Kind::Reset));
            Passage::Through
        }));
        succeeds(&mut drive);
        assert_eq!((resets.get(), boots(&drive)), (0, 1));
    });
}

/// Found by simulated updates (seeds 43269, 875874): the caller names a frame beyond the buffers of a recovery that tells no size, has no
/// echo, and says nothing to what is too large.
#[test]
fn frames_beyond_buffers_that_nobody_tells_become_smaller_without_an_echo() {
    let scenario = Scenario::new(LinkKind::BleLocal).image_size(20_000).device(|device| {
        device.recovery = true;
        device.transport = Transport::Serial;
        (device.params, device.buf_size) = (false, 384);
        device.quirks.recovery = RecoveryServer { echo: false, ..RecoveryServer::of(RecoveryRelease::V2_0) };
    });
    let session = SessionOptions { framing: Framing::Serial, max_frame: 1_024, ..SessionOptions::default() };
    let mut drive = Drive::update(&scenario, session, UpdateOptions::default());
    assert_eq!(drive.run(3_600_000), End::Done);
    assert_eq!(drive.session.progress(0).frame, 244);
}
