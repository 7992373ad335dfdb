//! Everything that went wrong in the field, told again: each ends in an update, which the device itself confirms, or in an
//! error that names the cause.

#[path = "support/drive.rs"]
mod drive;
#[path = "support/server.rs"]
mod server;

use drive::{Drive, End, LinkControl, Passage};
use server::{ServerDrive, frame};
use smpfota::simulator::{DeviceProfile, EraseMode, Fault, LinkKind, RoundTrip, Scenario};
use smpfota::{Finding, Next, Phase, SessionOptions, Status, UpdateMode, UpdateOptions};

/// Long enough for everything that ends, in virtual milliseconds.
const DAY_MS: u64 = 24 * 3_600_000;

fn scenario(fault: Fault, profile: DeviceProfile, large: bool) -> Scenario {
    let scenario = Scenario::new(LinkKind::BleLocal).profile(profile).fault(fault).image_size(20_000);
    if large { scenario.large().image_size(60_000) } else { scenario }
}

fn run(scenario: &Scenario, control: LinkControl) -> (Drive, End) {
    let mut drive = Drive::update(scenario, SessionOptions::default(), UpdateOptions::default());
    drive.control = control;
    let end = drive.run(DAY_MS);
    (drive, end)
}

/// The device runs the image, byte for byte, and keeps it.
fn assert_updated(drive: &mut Drive, scenario: &Scenario, what: &str) {
    let image = scenario.image();
    let device = drive.link.device_mut();
    let active = device.slots().into_iter().find(|slot| slot.flags.active).expect("an active slot");
    assert!(active.valid && active.flags.confirmed, "{what}: {active:?}");
    assert_eq!(device.running(), Some(scenario.image_version), "{what}");
    assert!(device.slot_bytes(0, active.slot).starts_with(&image), "{what}: other bytes in the slot");
    assert_eq!(drive.session.result().expect("a result")["outcome"], "updated", "{what}");
}

#[test]
fn every_fault_ends_in_an_update_or_names_its_cause() {
    for &fault in Fault::ALL {
        for &profile in DeviceProfile::ALL {
            for large in [false, true] {
                for control in [LinkControl::Obeys, LinkControl::Ignores] {
                    let what = format!("{} {} large {large} {control:?}", fault.name(), profile.name());
                    let scenario = scenario(fault, profile, large);
                    let (mut drive, end) = run(&scenario, control);
                    // Without a new link the frozen server never answers again: nobody can help, but it must be said.
                    if fault == Fault::SyswqFreeze && control == LinkControl::Ignores {
                        let End::Failed(failure) = end else { panic!("{what}: {end:?}") };
                        assert_eq!(failure.status, Status::Timeout, "{what}: {failure}");
                        assert_eq!(failure.finding, Finding::ServerStuck, "{what}: {failure}");
                        assert!(drive.now_ms() < 600_000, "{what}: {} ms", drive.now_ms());
                        continue;
                    }
                    assert_eq!(end, End::Done, "{what}");
                    assert_updated(&mut drive, &scenario, &what);
                    let acted = drive.link.counters().fault_acts > 0;
                    // Only frames in several writes lose one of them, and that seldom.
                    let never = fault == Fault::None || fault == Fault::FragmentLoss;
                    assert_eq!(acted, !never || (acted && large), "{what}: the fault did not happen");
                }
            }
        }
    }
}

#[test]
fn the_seed_failure_is_survived_and_the_replay_is_counted() {
    // The second write vanishes, and the answer to the first comes again under its old sequence number 0.
    let scenario = Scenario::new(LinkKind::BleLocal)
        .profile(DeviceProfile::Ncs21)
        .fault(Fault::SeedThread)
        .link(|link| link.round_trip = RoundTrip::Uniform { mean_us: 300_000, spread_us: 50_000 })
        .image_size(100_000);
    let options = SessionOptions { nonce: 0, ..SessionOptions::default() };
    for window in [0, 1] {
        let mut drive =
            Drive::update(&scenario, SessionOptions { window, ..options }, UpdateOptions::default());
        assert_eq!(drive.run(DAY_MS), End::Done);
        assert_updated(&mut drive, &scenario, "seed");
        assert_eq!(drive.link.counters().fault_acts, 2, "dropped once, replayed once");
        let counters = drive.session.counters();
        assert_eq!((counters.duplicate, counters.foreign), (1, 0), "{counters:?}");
        assert!((1..=3).contains(&counters.retransmissions), "{counters:?}");
    }
}

#[test]
fn every_frame_is_measured_anew() {
    // Who keeps 222 bytes of data sends 245 bytes from the third frame on, and 247 from offset 65,536 on.
    let scenario = scenario(Fault::None, DeviceProfile::Ncs21, false).image_size(100_000);
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    let mut buffer = vec![0; 244];
    let (mut uploads, mut lengths) = (0, Vec::new());
    loop {
        match drive.session.next_frame(drive.now_ms(), &mut buffer) {
            Ok(Next::Write(length)) => {
                assert!(length <= 244, "{length}");
                let write = &buffer[..length];
                let phase = drive.session.phase();
                if phase == Phase::Upload && write.len() > 8 && frame::is_upload(write) {
                    let told = usize::from(u16::from_be_bytes([write[2], write[3]]));
                    assert_eq!(told + 8, length, "the header's length");
                    uploads += 1;
                    lengths.push(length);
                }
                drive.link.write(drive.now_us, write);
            }
            Ok(Next::Done) => break,
            Ok(_) => {
                let deadline = drive.session.deadline().map(|ms| ms * 1_000);
                let next =
                    [deadline, drive.link.next_event()].into_iter().flatten().min().expect("something");
                drive.now_us = next.max(drive.now_us + 1);
                while let Some(bytes) = drive.link.read(drive.now_us) {
                    drive.session.feed(drive.now_us / 1_000, &bytes);
                }
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    assert_updated(&mut drive, &scenario, "measured");
    let last = lengths.pop().expect("frames");
    assert!(lengths.iter().all(|length| *length == 244), "{lengths:?}");
    assert!(last <= 244);
    // 176 + 222 and so on: the fewest frames that carry the image.
    assert_eq!(uploads, 455);
}

#[test]
fn a_device_that_never_answers_is_told_as_such_in_bounded_time() {
    for control in [LinkControl::Obeys, LinkControl::Ignores] {
        let scenario =
            scenario(Fault::None, DeviceProfile::Zephyr44, false).link(|link| link.loss_down = 1.0);
        let (drive, end) = run(&scenario, control);
        let End::Failed(failure) = end else { panic!("{end:?}") };
        assert_eq!((failure.status, failure.finding), (Status::Timeout, Finding::NeverAnswered), "{failure}");
        assert!(drive.now_ms() < 180_000, "{} ms", drive.now_ms());
    }
}

#[test]
fn a_device_that_falls_silent_at_any_point_ends_the_update_in_bounded_time() {
    for requests in [1, 3, 5, 6, 7, 20, 100] {
        let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
        let mut left = requests;
        let end = drive.run(DAY_MS, |_, answer| {
            left -= 1;
            if left < 0 { None } else { Some(answer) }
        });
        let End::Failed(failure) = end else { panic!("{requests}: {end:?}") };
        assert_eq!(failure.status, Status::Timeout, "{requests}: {failure}");
        let finding = if requests == 6 { Finding::FirstFrameOnly } else { Finding::ServerStuck };
        assert!([finding, Finding::ServerStuck].contains(&failure.finding), "{requests}: {failure}");
        assert!(drive.now_ms() < 600_000, "{requests}: {} ms", drive.now_ms());
    }
}

#[test]
fn a_lost_end_of_the_upload_costs_a_moment() {
    // The device may hash the whole image before it answers the last chunk, but the chunk again does no harm.
    for &profile in DeviceProfile::ALL {
        for lost in 1..=2 {
            for answer in [false, true] {
                let scenario = Scenario::new(LinkKind::BleLocal).profile(profile).image_size(20_000);
                let update = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
                let mut drive = Drive::update(&scenario, SessionOptions::default(), update);
                let (mut left, end) = (lost, 20_000);
                if answer {
                    drive.on_answer = Some(Box::new(move |_, bytes| {
                        let last = frame::is_upload(bytes) && server::offset(bytes) == Some(end);
                        if last && left > 0 {
                            left -= 1;
                            return Passage::Lost;
                        }
                        Passage::Through
                    }));
                } else {
                    drive.on_request = Some(Box::new(move |_, bytes| {
                        let off = server::offset(bytes).filter(|_| frame::is_upload(bytes));
                        if left > 0 && off.is_some_and(|off| off + 221 >= end && off < end) {
                            left -= 1;
                            return Passage::Lost;
                        }
                        Passage::Through
                    }));
                }
                assert_eq!(drive.run(DAY_MS), End::Done);
                let took = (drive.upload_to_us - drive.upload_from_us.expect("an upload")) / 1_000;
                assert!(took < 6_000, "{} {lost} {answer}: {took} ms", profile.name());
            }
        }
    }
}

#[test]
fn a_device_that_asks_for_the_same_offset_for_ever_has_stalled() {
    for stuck in [0u32, 176, 4_096] {
        let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
        let end = drive.run(DAY_MS, |request, answer| {
            let off = server::offset(&answer).filter(|_| frame::is_upload(request));
            Some(match off {
                Some(off) if off > stuck => frame::upload_answer(request, stuck),
                _ => answer,
            })
        });
        let End::Failed(failure) = end else { panic!("{stuck}: {end:?}") };
        assert_eq!((failure.status, failure.finding), (Status::Stalled, Finding::OffsetRepeats), "{failure}");
        assert!(failure.sentence.contains(&format!("offset {stuck}")), "{failure}");
        assert!(drive.now_ms() < 180_000, "{stuck}: {} ms", drive.now_ms());
    }
}

#[test]
fn a_device_that_reboots_again_and_again_is_given_up_with_the_reason() {
    let mut scenario = scenario(Fault::None, DeviceProfile::Zephyr44, false);
    scenario.device.boot_us = 100_000;
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    let end = loop {
        if let Some(end) = drive.step() {
            break end;
        }
        assert!(drive.now_ms() < DAY_MS, "hung");
        let now = drive.now_us;
        if drive.link.device().upload().is_some_and(|(off, _)| off > 10_000) {
            drive.link.device_mut().reboot(now);
        }
    };
    let End::Failed(failure) = end else { panic!("{end:?}") };
    assert_eq!(
        (failure.status, failure.finding),
        (Status::RestartLimit, Finding::DeviceRestarted),
        "{failure}"
    );
    assert!(drive.now_ms() < 600_000, "{} ms", drive.now_ms());
}

#[test]
fn a_flash_write_that_fails_once_is_repeated() {
    for &profile in DeviceProfile::ALL {
        for erase in [EraseMode::Progressive, EraseMode::FirstChunkImage] {
            for at in [0, 600, 10_000, 19_900] {
                let mut scenario = scenario(Fault::None, profile, false);
                scenario.device.fail_write_at = Some(at);
                scenario.device.erase = erase;
                let (mut drive, end) = run(&scenario, LinkControl::Ignores);
                assert_eq!(end, End::Done, "{} {at}", profile.name());
                assert_updated(&mut drive, &scenario, "flash");
            }
        }
    }
}

#[test]
fn a_flash_that_never_takes_a_write_is_told_as_such() {
    // Error 12 of the image group (FLASH_WRITE_FAILED) in version 2; rc 1 in version 1.
    let version_2 = b"\xbf\x63err\xbf\x65group\x01\x62rc\x0c\xff\xff".as_slice();
    let version_1 = b"\xbf\x62rc\x01\xff".as_slice();
    for body in [version_2, version_1] {
        let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
        let end = drive.run(DAY_MS, |request, answer| {
            let refused = frame::is_upload(request) && server::offset(request).is_some_and(|off| off >= 398);
            Some(if refused { frame::answer(request, body) } else { answer })
        });
        let End::Failed(failure) = end else { panic!("{end:?}") };
        assert_eq!(failure.status, Status::FlashFailed, "{failure}");
        assert!(failure.device.is_some(), "{failure}");
        assert!(drive.now_ms() < 180_000, "{} ms", drive.now_ms());
    }
}

#[test]
fn success_with_offset_0_for_ever_is_no_success() {
    // Zephyr issue 44219: a failed write was answered with rc 0 and off 0.
    let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
    let end = drive.run(DAY_MS, |request, answer| {
        Some(if frame::is_upload(request) { frame::upload_answer(request, 0) } else { answer })
    });
    let End::Failed(failure) = end else { panic!("{end:?}") };
    assert_eq!((failure.status, failure.finding), (Status::Stalled, Finding::OffsetRepeats), "{failure}");
    assert!(drive.now_ms() < 180_000, "{} ms", drive.now_ms());
}

#[test]
fn a_device_that_takes_everything_and_lists_nothing_is_no_success() {
    let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    let mut drive = ServerDrive::new(options, 20_000);
    let before = drive.image_list();
    let end = drive.run(DAY_MS, |request, answer| {
        Some(if frame::is_image_list(request) { frame::answer(request, &before) } else { answer })
    });
    let End::Failed(failure) = end else { panic!("{end:?}") };
    assert_eq!((failure.status, failure.finding), (Status::NotListed, Finding::None), "{failure}");
}

#[test]
fn a_link_that_comes_and_goes_for_ever_ends_the_upload() {
    // The server is stuck, and the carrier's reconnects must not put off the end for ever.
    let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
    drive.relink_every_ms = Some(23_000);
    let mut uploads = 0;
    let end = drive.run(DAY_MS, |request, answer| {
        uploads += u32::from(frame::is_upload(request));
        (uploads == 0).then_some(answer)
    });
    let End::Failed(failure) = end else { panic!("{end:?}") };
    assert!([Status::Timeout, Status::LinkLost].contains(&failure.status), "{failure}");
    assert!(drive.now_ms() < 3_600_000, "{} ms", drive.now_ms());
}

#[test]
fn a_link_that_comes_and_goes_for_ever_ends_every_request() {
    let mut drive = ServerDrive::new(UpdateOptions::default(), 20_000);
    drive.relink_every_ms = Some(1_500);
    let end = drive.run(DAY_MS, |_, _| None);
    let End::Failed(failure) = end else { panic!("{end:?}") };
    assert_eq!((failure.status, failure.finding), (Status::Timeout, Finding::NeverAnswered), "{failure}");
    assert!(drive.now_ms() < 600_000, "{} ms", drive.now_ms());
}

#[test]
fn a_pause_around_the_reset_does_not_reset_twice() {
    // A second reset after the swap would take the image on trial back.
    let mut scenario = scenario(Fault::None, DeviceProfile::Zephyr44, false);
    scenario.link.round_trip = RoundTrip::Uniform { mean_us: 400_000, spread_us: 0 };
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    let mut paused = false;
    let end = loop {
        let end = drive.step();
        if !paused && drive.session.phase() == Phase::Reset && drive.session.counters().sent > 0 {
            // The request is on its way; its answer is lost in the pause.
            drive.step();
            paused = true;
            drive.session.pause(drive.now_ms()).expect("running");
            let until = drive.now_us + 60_000_000;
            while drive.link.next_event().is_some_and(|at| at < until) {
                let at = drive.link.next_event().expect("an event");
                while drive.link.read(at).is_some() {}
            }
            drive.now_us = until;
            drive.session.resume(drive.now_ms()).expect("paused");
        }
        if let Some(end) = end {
            break end;
        }
        assert!(drive.now_ms() < DAY_MS, "hung");
    };
    assert!(paused);
    assert_eq!(end, End::Done);
    assert_eq!(drive.link.device().counters().boots, 1);
    assert_updated(&mut drive, &scenario, "paused");
}

/// Over UDP, 62 ms there and back: frames of 384 bytes, and an erase of 2.2 s at the first chunk.
fn over_udp() -> Scenario {
    let mut scenario = Scenario::new(LinkKind::BleLocal).image_size(100_665);
    scenario.link.round_trip = RoundTrip::Uniform { mean_us: 62_000, spread_us: 0 };
    scenario.link.max_write = 384;
    scenario.link.bandwidth = 0;
    scenario.link.erase = EraseMode::FirstChunkImage;
    scenario.device = scenario.link.fit(scenario.device, false);
    scenario.device.slot_size = 0x20000;
    scenario
}

fn upload_over(scenario: &Scenario) -> Drive {
    let session = SessionOptions { max_write: 384, ..SessionOptions::default() };
    let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    Drive::update(scenario, session, options)
}

/// Lets through everything but the `lost` frames of the upload, counted from 0.
fn lose_uploads(lost: &'static [u32]) -> drive::Tamper {
    let mut seen = 0;
    Box::new(move |_, frame| {
        if frame[4..6] != [0, 1] || frame[7] != 1 {
            return Passage::Through;
        }
        seen += 1;
        if lost.contains(&(seen - 1)) { Passage::Lost } else { Passage::Through }
    })
}

fn assert_right_within(mut drive: Drive, scenario: &Scenario, ms: u64, what: &str) {
    let end = drive.run(DAY_MS);
    assert_eq!(end, End::Done, "{what}");
    let image = scenario.image();
    assert_eq!(drive.link.device().slot_bytes(0, 1).get(..image.len()), Some(&image[..]), "{what}");
    let took = (drive.upload_to_us - drive.upload_from_us.expect("an upload")) / 1_000;
    assert!(took <= ms, "{what}: {took} ms");
}

#[test]
fn a_lost_first_chunk_costs_no_more_than_an_echo_behind_it() {
    let scenario = over_udp();
    assert_right_within(upload_over(&scenario), &scenario, 8_600, "nothing lost");
    for lost in [&[0][..], &[0, 1]] {
        for answers in [false, true] {
            let mut drive = upload_over(&scenario);
            let tamper = Some(lose_uploads(if lost.len() == 1 { &[0] } else { &[0, 1] }));
            *(if answers { &mut drive.on_answer } else { &mut drive.on_request }) = tamper;
            let bound = 8_600 + 1_500 * lost.len() as u64;
            assert_right_within(drive, &scenario, bound, &format!("{lost:?} answers {answers}"));
        }
    }
}

#[test]
fn a_lost_first_chunk_of_an_erased_slot_leaves_the_upload_within_8_s() {
    // Three frames a round trip take 6.4 s; one lost packet cost 40 s more.
    let mut scenario = over_udp();
    scenario.device.flash = smpfota::simulator::FlashTiming::INSTANT;
    for answers in [false, true] {
        let mut drive = upload_over(&scenario);
        let tamper = Some(lose_uploads(&[0]));
        *(if answers { &mut drive.on_answer } else { &mut drive.on_request }) = tamper;
        assert_right_within(drive, &scenario, 8_000, &format!("answers {answers}"));
    }
}

#[test]
fn an_erase_that_takes_long_is_waited_for_with_one_first_chunk() {
    let mut scenario = over_udp();
    scenario.device.flash.erase_page_us = 800_000;
    let mut drive = upload_over(&scenario);
    let (mut firsts, mut echoes) = (0, 0);
    drive.on_request = Some(Box::new(move |_, frame| {
        let first = frame[4..6] == [0, 1] && frame[7] == 1 && frame.windows(4).any(|w| w == b"\x63sha");
        firsts += u32::from(first);
        echoes += u32::from(frame[4..6] == [0, 0] && frame[7] == 0);
        assert!(firsts <= 1 && echoes <= 3, "{firsts} first chunks, {echoes} echoes");
        Passage::Through
    }));
    assert_right_within(drive, &scenario, 35_000, "a slow erase");
}

#[test]
fn a_path_that_is_up_late_leaves_version_2_in_use() {
    for late_ms in [500, 2_500, 6_500] {
        let scenario = over_udp();
        let mut drive = upload_over(&scenario);
        drive.on_request =
            Some(Box::new(move |now, _| if now < late_ms { Passage::Lost } else { Passage::Through }));
        let end = drive.run(DAY_MS);
        assert_eq!(end, End::Done, "{late_ms}");
        // The next request shows what the session speaks.
        let mut buffer = vec![0; 1_000];
        drive.session.start_request(smpfota::smp::Op::Read, 0, 6, &[]).expect("no other runs");
        let now = drive.now_ms();
        assert!(matches!(drive.session.next_frame(now, &mut buffer), Ok(Next::Write(_))));
        assert_eq!(buffer[0] >> 3 & 3, 1, "{late_ms}: version 1");
        let began = drive.upload_from_us.expect("an upload") / 1_000;
        assert!(began < late_ms + 4_500, "{late_ms}: the upload began at {began} ms");
    }
}

#[test]
fn frames_that_became_smaller_in_an_outage_grow_again() {
    for (max_write, large) in [(384, false), (244, true)] {
        for outage in 1..=30 {
            let mut scenario = over_udp();
            scenario.link.max_write = max_write;
            scenario.device = scenario.link.fit(scenario.device, large);
            scenario.image_size = 200_000;
            scenario.device.slot_size = 0x40000;
            let session = SessionOptions { max_write, ..SessionOptions::default() };
            let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
            let mut drive = Drive::update(&scenario, session, options);
            // In the erase, and in the middle.
            let from = if outage % 3 == 0 { 1_000 } else { 6_000 };
            while drive.now_ms() < from {
                assert_eq!(drive.step(), None);
            }
            let until = drive.now_ms() + outage * 1_000;
            drive.link.set_link(drive.now_us, false);
            while drive.now_ms() < until {
                assert_eq!(drive.step(), None, "in the outage");
            }
            drive.link.set_link(drive.now_us, true);
            assert_eq!(drive.run(DAY_MS), End::Done, "{max_write}, {outage} s");
            let frame = drive.session.progress(drive.now_ms()).frame;
            assert_eq!(frame, scenario.device.buf_size, "{max_write}, {outage} s without a link");
        }
    }
}

#[test]
fn requests_that_come_twice_do_not_cost_windows() {
    // A copy of a request takes the fourth of four buffers, and the one that is taken up finds none for its response.
    let run = |one_in: u32| {
        let scenario = over_udp();
        let mut drive = upload_over(&scenario);
        let mut sent = 0;
        drive.on_request = Some(Box::new(move |_, request| {
            sent += u32::from(frame::is_upload(request));
            if sent % one_in == one_in - 1 {
                return Passage::Answered(frame::answer(request, b"\xbf\x62rc\x02\xff"));
            }
            Passage::Through
        }));
        let mut narrow = 0;
        while drive.step().is_none() {
            narrow += u32::from(drive.session.progress(drive.now_ms()).window < 3);
        }
        assert_eq!(drive.session.phase(), Phase::Done);
        (narrow, (drive.upload_to_us - drive.upload_from_us.expect("an upload")) as f64)
    };
    let (narrow, undisturbed) = run(1_000_000);
    let (narrower, took) = run(50);
    assert_eq!(narrower, narrow, "windows of fewer than three");
    assert!(took / undisturbed < 1.1, "{}", took / undisturbed);
}

#[test]
fn a_late_copy_of_the_first_chunk_does_no_harm() {
    let scenario = over_udp();
    let mut drive = upload_over(&scenario);
    assert_eq!(drive.run_to(Phase::Upload), None);
    let mut first = None;
    let copy = std::rc::Rc::new(std::cell::RefCell::new(None));
    let seen = copy.clone();
    drive.on_request = Some(Box::new(move |_, frame| {
        if frame[4..6] == [0, 1] && frame[7] == 1 && first.is_none() {
            first = Some(());
            *seen.borrow_mut() = Some(frame.to_vec());
        }
        Passage::Through
    }));
    let mut copies = 0;
    while drive.now_us < 6_000_000 {
        if let Some(end) = drive.step() {
            assert_eq!(end, End::Done);
            break;
        }
        if drive.now_us > 4_000_000 + copies * 400_000 {
            copies += 1;
            let frame = copy.borrow().clone().expect("the first chunk");
            drive.link.write(drive.now_us, &frame);
        }
    }
    assert!(copies >= 3);
    assert_right_within(drive, &scenario, 9_500, "late copies");
}
