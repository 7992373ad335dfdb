//! What the soak found, each once more by itself.

#[path = "support/drive.rs"]
mod drive;
#[path = "support/server.rs"]
mod server;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use drive::{Drive, End, LinkControl, Passage};
use server::{ServerDrive, frame, offset};
use smpfota::simulator::{
    BootMode, DeviceProfile, EraseMode, Fault, LinkKind, RoundTrip, Scenario, Transport, image,
};
use smpfota::{
    Failure, Finding, Firmware, Framing, Reassembly, SessionOptions, Status, UpdateMode, UpdateOptions,
};

const DAY_MS: u64 = 24 * 3_600_000;

fn options(mode: UpdateMode) -> UpdateOptions {
    UpdateOptions { mode, ..UpdateOptions::default() }
}

fn failed(end: End) -> Failure {
    match end {
        End::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_late_first_frame_that_leaves_the_list_as_it_was_is_noticed() {
    // With progressive erase the late frame erases and rewrites the first page only: header, TLVs and so the list stay,
    // and between them is a hole.
    for mode in [UpdateMode::UploadOnly, UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
        for &profile in DeviceProfile::ALL {
            for seed in 1..20 {
                let scenario = Scenario::new(LinkKind::BleLocal)
                    .profile(profile)
                    .fault(Fault::LateFirstFrame)
                    .seed(seed)
                    .device(|device| device.erase = EraseMode::Progressive);
                let mut drive = Drive::update(&scenario, SessionOptions::default(), options(mode));
                let end = drive.run(DAY_MS);
                let what = format!("{mode:?} {} {seed}", profile.name());
                let image = scenario.image();
                let device = drive.link.device_mut();
                let slots = [device.slot_bytes(0, 0), device.slot_bytes(0, 1)];
                let held = slots.iter().any(|slot| slot.starts_with(&image));
                match end {
                    End::Done => assert!(held, "{what}"),
                    // It came between the last question and the reset: the bootloader finds it.
                    End::Failed(failure) => assert_eq!(failure.finding, Finding::BootloaderRefused, "{what}"),
                    End::Hung => panic!("{what}"),
                }
            }
        }
    }
}

#[test]
fn a_lost_piece_of_a_frame_is_not_made_up_for_by_the_next_frame() {
    // A server that puts writes together checks nothing but lengths; a damaged frame counted as whole would lie in the
    // slot under a hash that is listed.
    for seed in 1..60 {
        let scenario = Scenario::new(LinkKind::BleLocal)
            .large()
            .seed(seed)
            .link(|link| link.fragment_loss = 0.01)
            .image_size(60_000);
        let mut drive = Drive::update(&scenario, SessionOptions::default(), options(UpdateMode::UploadOnly));
        assert_eq!(drive.run(DAY_MS), End::Done, "{seed}");
        let image = scenario.image();
        assert!(drive.link.device().slot_bytes(0, 1).starts_with(&image), "{seed}");
    }
}

#[test]
fn a_digest_that_does_not_fit_is_tried_once_more() {
    for mismatches in [1, 2] {
        let mut drive = ServerDrive::new(options(UpdateMode::UploadOnly), 20_000);
        let mut left = mismatches;
        let end = drive.run(DAY_MS, |request, answer| {
            if left > 0 && frame::is_upload(request) && offset(&answer) == Some(20_000) {
                left -= 1;
                return Some(frame::answer(request, b"\xbf\x63off\x19\x4e\x20\x65match\xf4\xff"));
            }
            Some(answer)
        });
        match mismatches {
            1 => assert_eq!(end, End::Done),
            _ => assert_eq!(failed(end).status, Status::DigestMismatch),
        }
    }
}

#[test]
fn one_answer_with_an_impossible_offset_is_passed_over() {
    for (odd, done) in [(1, true), (3, true), (4, false)] {
        let mut drive = ServerDrive::new(options(UpdateMode::UploadOnly), 20_000);
        let mut left = odd;
        let end = drive.run(DAY_MS, |request, answer| {
            let middle = frame::is_upload(request) && offset(request).is_some_and(|off| off >= 1_000);
            if middle && left > 0 {
                left -= 1;
                return Some(frame::upload_answer(request, 57_449));
            }
            Some(answer)
        });
        match done {
            true => assert_eq!(end, End::Done, "{odd}"),
            false => assert_eq!(failed(end).status, Status::OffsetOutOfRange, "{odd}"),
        }
    }
}

#[test]
fn an_image_that_vanishes_after_every_upload_ends_the_update() {
    // Listed right after the upload, gone before the reset: it used to be uploaded again for ever.
    let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
    let gone = drive.image_list();
    let mut marked = false;
    let end = drive.run(DAY_MS, |request, answer| {
        if frame::is_upload(request) && offset(request) == Some(0) {
            marked = false;
        } else if frame::is_image_list(request) && marked {
            return Some(frame::answer(request, &gone));
        } else if request[4..6] == [0, 1] && request[7] == 0 {
            marked |= request[0] & 7 == 2;
        }
        Some(answer)
    });
    let failure = failed(end);
    assert!([Status::UploadLost, Status::Reverted].contains(&failure.status), "{failure}");
    assert!(drive.now_ms() < 600_000, "{} ms", drive.now_ms());
}

#[test]
fn a_server_that_stands_in_the_middle_of_an_upload_for_ever_is_given_up() {
    let mut drive = ServerDrive::new(options(UpdateMode::UploadOnly), 20_000);
    let end = drive.run(DAY_MS, |request, answer| {
        let asks = frame::is_upload(request) && offset(request) == Some(20_001);
        Some(if asks { frame::upload_answer(request, 398) } else { answer })
    });
    let failure = failed(end);
    assert_eq!((failure.status, failure.finding), (Status::UploadLost, Finding::LateFirstFrame), "{failure}");
}

#[test]
fn a_server_that_does_not_answer_a_chunk_behind_the_end_is_updated_all_the_same() {
    for refused in [false, true] {
        let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
        let end = drive.run(DAY_MS, |request, answer| {
            match frame::is_upload(request) && offset(request) == Some(20_001) {
                true => refused.then(|| frame::answer(request, b"\xbf\x62rc\x03\xff")),
                false => Some(answer),
            }
        });
        assert_eq!(end, End::Done);
        assert_eq!(drive.device.running(), Some((1, 1, 0).into()));
    }
}

#[test]
fn no_time_runs_in_a_pause() {
    // The swap takes its time while the caller is away for longer than the time-out of the swap.
    let scenario = Scenario::new(LinkKind::BleLocal);
    let update = UpdateOptions { swap_timeout_ms: 60_000, deadline_ms: 300_000, ..UpdateOptions::default() };
    let mut drive = Drive::update(&scenario, SessionOptions::default(), update);
    while drive.session.phase() != smpfota::Phase::Swap {
        assert_eq!(drive.step(), None);
    }
    drive.session.pause(drive.now_ms()).expect("running");
    assert_eq!(drive.session.deadline(), None);
    drive.now_us += 3_600_000_000;
    drive.session.resume(drive.now_ms()).expect("paused");
    assert_eq!(drive.run(DAY_MS), End::Done);
}

#[test]
fn a_deadline_that_has_come_is_one_at_which_something_happens() {
    // Pacing put the next write off and the deadline did not say so: a caller that keeps to it span in place.
    let scenario = Scenario::new(LinkKind::BleLocal).fault(Fault::SyswqFreeze);
    let session = SessionOptions {
        write_interval_ms: 1_000,
        timeout_ms: 1,
        reassembly: Reassembly::Yes,
        max_write: 100,
        ..SessionOptions::default()
    };
    let mut drive = Drive::update(&scenario, session, UpdateOptions::default());
    let (mut spins, mut writes) = (0, 0);
    let end = loop {
        if let Some(end) = drive.step() {
            break end;
        }
        let due = drive.session.deadline().is_some_and(|at| at < drive.now_ms());
        spins = if due && drive.writes == writes { spins + 1 } else { 0 };
        writes = drive.writes;
        assert!(spins < 20, "{} ms", drive.now_ms());
    };
    assert_eq!(failed(end).finding, Finding::ServerStuck);
}

#[test]
fn a_bootloader_that_goes_by_the_version_is_not_said_to_have_reverted() {
    for boot_mode in [BootMode::DirectXip, BootMode::RamLoad] {
        for told in [true, false] {
            let mut scenario = Scenario::new(LinkKind::BleLocal).device(|device| {
                device.boot_mode = boot_mode;
                device.bootloader_info = told;
                device.version = (1, 2, 0).into();
            });
            // Of equal versions the one in slot 0 is started, which is the one that runs.
            let status = if told { Status::DowngradeRefused } else { Status::NotSwapped };
            for version in [(1, 1, 0), (1, 2, 0)] {
                scenario.image_version = version.into();
                let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
                let failure = failed(drive.run(DAY_MS));
                assert_eq!(failure.status, status, "{boot_mode:?} {told}: {failure}");
                assert_eq!(drive.link.device().counters().reverts, 0);
            }
        }
    }
}

#[test]
fn the_image_that_runs_is_not_installed_beside_itself() {
    // Two slots with one hash: marking it marks the running one, or is refused.
    for &profile in DeviceProfile::ALL {
        let scenario = Scenario::new(LinkKind::BleLocal).profile(profile);
        let update = UpdateOptions { force_upload: true, ..UpdateOptions::default() };
        let mut drive = Drive::update(&scenario, SessionOptions::default(), update);
        drive.link.device_mut().install(&scenario.image()).expect("an image");
        assert_eq!(drive.run(DAY_MS), End::Done, "{}", profile.name());
        assert_eq!(drive.session.result().expect("a result")["outcome"], "already_installed");
    }
}

/// A drive that installs a package of two images on a device with two, and the images.
fn two_images(profile: DeviceProfile, mode: UpdateMode) -> (Drive, [Vec<u8>; 2]) {
    let scenario = Scenario::new(LinkKind::BleLocal).profile(profile).device(|device| {
        device.images = 2;
        device.buf_size = 1_024;
    });
    let images = [scenario.image(), image::make((1, 1, 0), 3_000, 9)];
    let mut firmware = Firmware::parse(images[0].clone()).expect("an image");
    let mut second = Firmware::parse(images[1].clone()).expect("an image");
    second.images[0].image_number = 1;
    firmware.images.append(&mut second.images);
    let mut drive = Drive::new(SessionOptions::default(), scenario.build());
    drive.session.start_update(Arc::new(firmware), options(mode)).expect("valid options");
    (drive, images)
}

#[test]
fn two_images_are_installed_and_stay_on_either_server() {
    for &profile in DeviceProfile::ALL {
        for mode in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
            let (mut drive, images) = two_images(profile, mode);
            assert_eq!(drive.run(DAY_MS), End::Done, "{} {mode:?}", profile.name());
            let now = drive.now_us + 1_000_000;
            drive.link.device_mut().reboot(now);
            for (number, image) in images.iter().enumerate() {
                let slot = drive.link.device().slot_bytes(number, 0);
                assert!(slot.starts_with(image), "{} {mode:?} {number}", profile.name());
            }
        }
    }
}

#[test]
fn a_damaged_half_does_not_leave_the_other_one_behind_under_a_success() {
    for mode in [UpdateMode::TestOnly, UpdateMode::TestAndConfirm] {
        let (mut drive, images) = two_images(DeviceProfile::Ncs21, mode);
        let mut damaged = images[0].clone();
        damaged[40] ^= 1;
        // Its hash is listed, so it is trusted until the bootloader has looked.
        drive.link.device_mut().preload(0, &damaged);
        let failure = failed(drive.run(DAY_MS));
        assert_eq!(failure.status, Status::NotSwapped, "{failure}");
        assert_eq!(failure.finding, Finding::BootloaderRefused, "{failure}");
    }
}

#[test]
fn a_hole_in_the_first_of_two_images_is_noticed_before_the_second_is_uploaded() {
    // The server's own offset is that of the last upload: asked at the end alone, it says nothing of the first image.
    for &profile in DeviceProfile::ALL {
        for seed in 1..40 {
            let scenario = Scenario::new(LinkKind::BleLocal)
                .profile(profile)
                .large()
                .fault(Fault::LateFirstFrame)
                .seed(seed)
                .image_size(12_000)
                .device(|device| {
                    device.images = 2;
                    device.erase = EraseMode::Progressive;
                });
            let images = [scenario.image(), image::make((1, 1, 0), 3_000, 9)];
            let mut firmware = Firmware::parse(images[0].clone()).expect("an image");
            let mut second = Firmware::parse(images[1].clone()).expect("an image");
            second.images[0].image_number = 1;
            firmware.images.append(&mut second.images);
            let mut drive = Drive::new(SessionOptions::default(), scenario.build());
            let update = options(UpdateMode::UploadOnly);
            drive.session.start_update(Arc::new(firmware), update).expect("valid options");
            assert_eq!(drive.run(DAY_MS), End::Done, "{} {seed}", profile.name());
            for (number, image) in images.iter().enumerate() {
                let slot = drive.link.device().slot_bytes(number, 1);
                assert!(slot.starts_with(image), "{} {seed} image {number}", profile.name());
            }
        }
    }
}

#[test]
fn a_list_that_was_there_before_says_nothing_of_an_upload_that_the_device_forgot() {
    // The slot holds the very image, damaged in the middle, and the device restarts under its upload: the list is what it
    // was before, and the server has no upload any more.
    for &profile in DeviceProfile::ALL {
        for large in [false, true] {
            for seed in 1..40 {
                let scenario = Scenario::new(LinkKind::BleLocal)
                    .profile(profile)
                    .fault(Fault::RebootMidway)
                    .seed(seed)
                    .image_size(18_000)
                    .device(|device| device.erase = EraseMode::Progressive);
                let scenario = if large { scenario.large() } else { scenario };
                let forced = UpdateOptions { force_upload: true, ..options(UpdateMode::UploadOnly) };
                let mut drive = Drive::update(&scenario, SessionOptions::default(), forced);
                let mut damaged = scenario.image();
                damaged[15_000] ^= 1;
                drive.link.device_mut().preload(0, &damaged);
                assert_eq!(drive.run(DAY_MS), End::Done, "{} {large} {seed}", profile.name());
                let slot = drive.link.device().slot_bytes(0, 1);
                assert!(slot.starts_with(&scenario.image()), "{} {large} {seed}", profile.name());
            }
        }
    }
}

#[test]
fn what_was_uploaded_since_the_erase_is_gone_on_with() {
    // The end of the upload is lost with the link: asked again after the list, the device stands where it stood.
    for &profile in DeviceProfile::ALL {
        let scenario = Scenario::new(LinkKind::BleLocal).profile(profile).image_size(20_000);
        let erased = UpdateOptions { erase_first: true, ..options(UpdateMode::UploadOnly) };
        let mut drive = Drive::update(&scenario, SessionOptions::default(), erased);
        drive.control = LinkControl::Obeys;
        let (lost_from, firsts) = (Rc::new(Cell::new(u64::MAX)), Rc::new(Cell::new(0)));
        let (from, first) = (lost_from.clone(), firsts.clone());
        drive.on_request = Some(Box::new(move |now, request| {
            if frame::is_upload(request) && offset(request) == Some(0) {
                first.set(first.get() + 1);
                assert!(request.windows(4).any(|key| key == b"csha"), "a first chunk with its digest");
            }
            if frame::is_upload(request) && offset(request).is_some_and(|off| off > 19_000) {
                from.set(from.get().min(now));
            }
            let lost = now >= from.get() && now < from.get() + 60_000;
            if lost { Passage::Lost } else { Passage::Through }
        }));
        assert_eq!(drive.run(DAY_MS), End::Done, "{}", profile.name());
        assert!(drive.link.device().slot_bytes(0, 1).starts_with(&scenario.image()));
        assert_eq!(
            firsts.get(),
            2,
            "{}: the first, and the one that asks where the device stands",
            profile.name()
        );
    }
}

#[test]
fn a_frame_that_only_the_caller_vouches_for_is_given_up_at_once() {
    // No parameters command, and a cap far above the buffers: 2048, 1024 and so on would each cost a whole timeout.
    let scenario = Scenario::new(LinkKind::BleLocal).device(|device| {
        device.params = false;
        device.transport = Transport::Serial;
    });
    let session = SessionOptions { framing: Framing::Serial, max_frame: 2_475, ..SessionOptions::default() };
    let mut drive = Drive::update(&scenario, session, options(UpdateMode::UploadOnly));
    assert_eq!(drive.run(DAY_MS), End::Done);
    assert_eq!(drive.session.progress(drive.now_ms()).frame, 244);
}

#[test]
fn a_hint_far_above_the_round_trip_does_not_use_up_all_patience() {
    let scenario = Scenario::new(LinkKind::BleLocal).device(|device| {
        device.params = false;
        device.transport = Transport::Serial;
    });
    let session = SessionOptions {
        framing: Framing::Serial,
        max_write: 495,
        rtt_hint_ms: 20_000,
        ..SessionOptions::default()
    };
    let mut drive = Drive::update(&scenario, session, options(UpdateMode::UploadOnly));
    assert_eq!(drive.run(DAY_MS), End::Done);
}

#[test]
fn a_silence_at_the_widest_window_sends_nothing_again() {
    // Sixteen in flight are all that is remembered: a probe on top made the first of them forgotten, and all was sent anew.
    for seed in 1..=10 {
        let scenario = Scenario::new(LinkKind::BleLocal)
            .seed(seed)
            .image_size(100_000)
            .link(|link| link.round_trip = RoundTrip::Lognormal { p50_us: 300_000, p99_us: 2_000_000 })
            .device(|device| device.buf_count = 24);
        let mut drive = Drive::update(&scenario, SessionOptions::default(), options(UpdateMode::UploadOnly));
        assert_eq!(drive.run(DAY_MS), End::Done, "{seed}");
        // Silences in a row take what is in flight for lost; each spurious row of them costs a window.
        let again = drive.session.counters().retransmissions;
        assert!(again <= 100, "{seed}: {again} sent again");
    }
}

#[test]
fn a_list_after_the_reset_may_take_longer_than_it_is_waited_for() {
    // The image lies there already, so no chunk measures the link, and the hint is far too low: each question after the reset
    // was forgotten before its answer came.
    for &profile in DeviceProfile::ALL {
        for (round_trip, rtt_hint_ms) in [(5_000_000, 50), (8_000_000, 1_000)] {
            let scenario = Scenario::new(LinkKind::BleLocal)
                .profile(profile)
                .link(|link| link.round_trip = RoundTrip::Uniform { mean_us: round_trip, spread_us: 0 });
            let session = SessionOptions { rtt_hint_ms, ..SessionOptions::default() };
            let mut drive = Drive::update(&scenario, session, UpdateOptions::default());
            drive.link.device_mut().preload(0, &scenario.image());
            assert_eq!(drive.run(DAY_MS), End::Done, "{} {rtt_hint_ms}", profile.name());
            assert_eq!(drive.session.result().expect("a result")["outcome"], "updated");
        }
    }
}
