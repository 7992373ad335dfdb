//! Uploads over a carrier that takes several writes in one call: what goes into a call, and what becomes of calls that fail.

#[path = "support/calls.rs"]
mod calls;

use std::cell::RefCell;
use std::rc::Rc;

use calls::{CallDrive, End};
use smpfota::simulator::{CallProfile, EraseMode, LinkKind, RoundTrip, Scenario};
use smpfota::{Phase, SessionOptions, UpdateMode, UpdateOptions};

const DAY_MS: u64 = 24 * 3_600_000;

fn scenario(seed: u64, size: u32) -> Scenario {
    let mut scenario = Scenario::new(LinkKind::None).seed(seed).image_size(size).link(|link| {
        link.round_trip = RoundTrip::Uniform { mean_us: 50_000, spread_us: 15_000 };
        link.bandwidth = 60_000;
        link.erase = EraseMode::FirstChunkImage;
    });
    scenario.device = scenario.link.fit(scenario.device, false);
    scenario.device.slot_size = 0x40000;
    scenario
}

fn batched(frames: u32) -> SessionOptions {
    SessionOptions { batch_frames: frames, batch_gap_ms: 10, ..SessionOptions::default() }
}

fn carrier() -> CallProfile {
    CallProfile { lost: 0.0, ..CallProfile::direct_method(10_000) }
}

fn upload(scenario: &Scenario, carrier: CallProfile, session: SessionOptions) -> CallDrive {
    let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    CallDrive::update(scenario, carrier, session, options)
}

/// The device holds the image, byte for byte.
fn assert_right(drive: &mut CallDrive, scenario: &Scenario, what: &str) {
    assert_eq!(drive.run(DAY_MS), End::Done, "{what}");
    let image = scenario.image();
    assert_eq!(drive.calls.link().device().slot_bytes(0, 1).get(..image.len()), Some(&image[..]), "{what}");
}

/// Offset and data of an upload request.
fn chunk(frame: &[u8]) -> Option<(u64, Vec<u8>)> {
    if frame.len() < 8 || frame[4..6] != [0, 1] || frame[7] != 1 {
        return None;
    }
    let ciborium::Value::Map(entries) = ciborium::from_reader(&frame[8..]).ok()? else { return None };
    let find =
        |name: &str| entries.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    let offset = find("off")?.as_integer()?.try_into().ok()?;
    Some((offset, find("data")?.as_bytes()?.clone()))
}

#[test]
fn a_call_carries_what_the_caller_says_it_takes() {
    for (frames, bytes) in [(8, 0), (32, 0), (128, 0), (128, 5_000), (2, 0), (128, 100)] {
        let scenario = scenario(1, 100_000);
        let mut drive =
            upload(&scenario, carrier(), SessionOptions { batch_bytes: bytes, ..batched(frames) });
        let largest = Rc::new(RefCell::new(0));
        let seen = largest.clone();
        drive.on_call = Some(Box::new(move |phase, writes| {
            let length: usize = writes.iter().map(|write| write.bytes.len()).sum();
            if phase != Phase::Upload {
                return;
            }
            assert!(writes.len() <= frames as usize, "{} writes", writes.len());
            assert!(bytes == 0 || length <= bytes as usize || writes.len() == 1, "{length} bytes");
            assert!(writes.iter().skip(1).all(|write| write.delay_us >= 10_000));
            let mut seen = seen.borrow_mut();
            *seen = writes.len().max(*seen);
        }));
        assert_right(&mut drive, &scenario, &format!("{frames} frames, {bytes} bytes"));
        let most = if bytes == 0 { frames } else { (bytes / 244).clamp(1, frames) };
        assert_eq!(*largest.borrow(), most as usize, "{frames} frames, {bytes} bytes");
    }
}

#[test]
fn every_byte_is_of_the_file_and_stands_where_the_device_or_the_chunk_before_says() {
    for seed in 0..20 {
        let scenario = scenario(seed, 60_000).device(|device| {
            device.erase = if seed % 2 == 0 { EraseMode::Progressive } else { EraseMode::FirstChunkImage };
        });
        let profile = CallProfile { lost: 0.1, late: 0.3, twice: 0.1, ..CallProfile::direct_method(10_000) };
        let mut drive = upload(&scenario, profile, batched(64));
        let image = scenario.image();
        let named = Rc::new(RefCell::new(vec![0u64]));
        let (heard, answered) = (named.clone(), Rc::new(RefCell::new(false)));
        let first_answered = answered.clone();
        drive.on_answer = Some(Box::new(move |frame| {
            if frame.len() > 8 && frame[4..6] == [0, 1] && frame[7] == 1 {
                *answered.borrow_mut() = true;
                let answer: Option<ciborium::Value> = ciborium::from_reader(&frame[8..]).ok();
                if let Some(ciborium::Value::Map(entries)) = answer {
                    let numbers = entries.iter().filter_map(|(_, value)| value.as_integer());
                    heard.borrow_mut().extend(numbers.filter_map(|number| u64::try_from(number).ok()));
                }
            }
        }));
        let mut follows = vec![0];
        drive.on_call = Some(Box::new(move |phase, writes| {
            for (offset, data) in writes.iter().filter_map(|write| chunk(&write.bytes)) {
                if phase != Phase::Upload {
                    continue;
                }
                let start = offset as usize;
                assert_eq!(image.get(start..start + data.len()), Some(&data[..]), "bytes of the file");
                assert!(offset == 0 || *first_answered.borrow(), "a chunk before the first one's answer");
                let known = named.borrow().contains(&offset) || follows.contains(&offset);
                assert!(known, "offset {offset} was named by nobody");
                follows.push(offset + data.len() as u64);
            }
        }));
        assert_right(&mut drive, &scenario, &format!("seed {seed}"));
    }
}

#[test]
fn calls_that_are_lost_late_or_made_twice_end_in_the_right_image() {
    let profiles = [
        CallProfile { lost: 0.3, ..carrier() },
        CallProfile { lost: 0.3, executed: 1.0, late: 1.0, ..carrier() },
        CallProfile { twice: 0.4, ..carrier() },
        CallProfile { lost: 0.2, late: 0.5, twice: 0.2, ..carrier() },
    ];
    for (number, profile) in profiles.into_iter().enumerate() {
        for seed in 0..12 {
            let scenario = scenario(seed, 50_000);
            let mut drive = upload(&scenario, profile.clone(), batched(128));
            assert_right(&mut drive, &scenario, &format!("profile {number}, seed {seed}"));
        }
    }
}

#[test]
fn a_gateway_that_writes_all_at_once_gets_what_the_device_has_buffers_for() {
    let scenario = scenario(1, 200_000).link(|link| link.bandwidth = 0);
    let mut drive = upload(&scenario, CallProfile { at_once: true, ..carrier() }, batched(128));
    let sizes = Rc::new(RefCell::new(Vec::new()));
    let seen = sizes.clone();
    drive.on_call = Some(Box::new(move |phase, writes| {
        if phase == Phase::Upload {
            seen.borrow_mut().push(writes.len());
        }
    }));
    assert_right(&mut drive, &scenario, "at once");
    let sizes = sizes.borrow();
    let narrow = sizes.iter().filter(|frames| **frames <= 3).count();
    assert!(narrow * 10 > sizes.len() * 8, "{narrow} of {} calls", sizes.len());
    let counters = drive.calls.link().device().counters();
    assert!(counters.no_buffer + counters.no_response_buffer < 60, "{counters:?}");
}

#[test]
fn a_device_that_reboots_in_the_middle_of_a_batch_gets_everything_anew() {
    for seed in 0..8 {
        let scenario = scenario(seed, 60_000);
        let mut drive = upload(&scenario, carrier(), batched(64));
        for _ in 0..9 {
            assert_eq!(drive.step(), None);
        }
        let now = drive.now_us;
        drive.calls.link_mut().device_mut().reboot(now);
        assert_right(&mut drive, &scenario, &format!("seed {seed}"));
    }
}

#[test]
fn a_device_that_erases_page_by_page_is_understood_from_what_it_drops() {
    for seed in 0..10 {
        let scenario = scenario(seed, 200_000).device(|device| device.erase = EraseMode::Progressive);
        let mut drive = upload(&scenario, carrier(), batched(128));
        assert_right(&mut drive, &scenario, &format!("seed {seed}"));
        let counters = drive.calls.link().device().counters();
        let dropped = counters.no_buffer + counters.no_response_buffer;
        assert!(dropped * 20 < drive.upload_frames, "seed {seed}: {dropped} of {}", drive.upload_frames);
        let took = (drive.upload_to_us - drive.upload_from_us.expect("an upload")) / 1_000_000;
        assert!(took < 45, "seed {seed}: {took} s");
    }
}

#[test]
fn without_buffers_to_spare_a_call_carries_no_more_than_before() {
    for (params, buffers, most) in [(false, 4, 1), (true, 2, 1), (true, 3, 64)] {
        let scenario = scenario(1, 30_000).device(|device| {
            device.params = params;
            device.buf_count = buffers;
        });
        let mut drive = upload(&scenario, carrier(), batched(64));
        let largest = Rc::new(RefCell::new(0));
        let seen = largest.clone();
        drive.on_call = Some(Box::new(move |phase, writes| {
            if phase == Phase::Upload {
                let mut seen = seen.borrow_mut();
                *seen = writes.len().max(*seen);
            }
        }));
        assert_right(&mut drive, &scenario, &format!("{params} {buffers}"));
        assert!(*largest.borrow() <= most, "{params} {buffers}: {}", largest.borrow());
        assert!(most == 1 || *largest.borrow() > 8, "{params} {buffers}: {}", largest.borrow());
    }
}

#[test]
fn a_worker_that_lives_for_one_call_goes_on_with_its_batches() {
    for (seed, erase) in [(1, EraseMode::FirstChunkImage), (2, EraseMode::Progressive)] {
        let scenario = scenario(seed, 200_000).device(|device| device.erase = erase);
        let mut whole = upload(&scenario, carrier(), batched(128));
        assert_right(&mut whole, &scenario, "one process");
        let mut drive = upload(&scenario, carrier(), batched(128));
        drive.restores = true;
        assert_right(&mut drive, &scenario, "one process for each call");
        // The batches grow as in one process.
        assert!(drive.upload_calls <= whole.upload_calls * 3 / 2 + 2, "{} calls", drive.upload_calls);
    }
}
