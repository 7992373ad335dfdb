//! A session saved at any point and restored in a fresh state always ends right.

#[path = "support/drive.rs"]
mod drive;

use std::collections::VecDeque;
use std::sync::Arc;

use drive::{Drive, End, LinkControl};
use smpfota::simulator::{DeviceProfile, Fault, LinkKind, Scenario, Transport, image};
use smpfota::snapshot::{MAX_LEN_WITHOUT_MESSAGE, VERSION};
use smpfota::{
    Finding, Firmware, Framing, Phase, Session, SessionOptions, Status, UpdateMode, UpdateOptions,
};

const BOUND_MS: u64 = 4 * 3_600_000;

fn scenario(profile: DeviceProfile, fault: Fault, seed: u64) -> Scenario {
    Scenario::new(LinkKind::None).profile(profile).fault(fault).seed(seed).image_size(3_000)
}

fn start(scenario: &Scenario) -> Drive {
    let mut drive = Drive::update(scenario, SessionOptions::default(), UpdateOptions::default());
    drive.control = LinkControl::Obeys;
    drive
}

fn firmware(scenario: &Scenario) -> Arc<Firmware> {
    Arc::new(Firmware::parse(scenario.image()).expect("an image"))
}

fn save(session: &Session) -> Vec<u8> {
    session.snapshot().expect("it fits")
}

/// The device runs the new image for good, byte for byte.
fn assert_updated(drive: &mut Drive, scenario: &Scenario, what: &str) {
    let image = scenario.image();
    let device = drive.link.device_mut();
    assert_eq!(device.running(), Some((1, 1, 0).into()), "{what}");
    assert_eq!(device.slot_bytes(0, 0).get(..image.len()), Some(&image[..]), "{what}");
    let slots = device.slots();
    assert!(slots.iter().any(|slot| slot.flags.active && slot.flags.confirmed), "{what}: {slots:?}");
}

#[test]
fn a_fresh_process_can_go_on_after_any_step_under_every_fault() {
    let mut restores = 0;
    for profile in DeviceProfile::ALL {
        for fault in Fault::ALL {
            let scenario = scenario(*profile, *fault, 7);
            let firmware = firmware(&scenario);
            for stop_at in 0.. {
                let what = format!("{} {} restored after step {stop_at}", profile.name(), fault.name());
                let mut drive = start(&scenario);
                let ended = (0..stop_at).find_map(|_| drive.step());
                let snapshot = save(&drive.session);
                drive.session =
                    Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
                restores += 1;
                assert_eq!(drive.run(BOUND_MS), End::Done, "{what}");
                assert_updated(&mut drive, &scenario, &what);
                if ended.is_some() {
                    break;
                }
            }
        }
    }
    println!("restores={restores}");
}

#[test]
fn a_worker_that_lives_for_one_message_at_a_time_ends_right() {
    for profile in DeviceProfile::ALL {
        for fault in Fault::ALL {
            let scenario = scenario(*profile, *fault, 11);
            let firmware = firmware(&scenario);
            let what = format!("{} {}", profile.name(), fault.name());
            let mut drive = start(&scenario);
            let mut end = None;
            let mut lives = 0;
            while end.is_none() {
                assert!(drive.now_ms() < BOUND_MS, "{what} hung");
                let snapshot = save(&drive.session);
                drive.session =
                    Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
                lives += 1;
                assert!(
                    lives < 20_000,
                    "{what}: no end at {} ms: {:?}",
                    drive.now_ms(),
                    drive.session.progress(0)
                );
                // What has arrived is fed first, then everything is sent, then the worker ends.
                drive.receive();
                end = drive.send_and_sleep();
            }
            assert_eq!(end, Some(End::Done), "{what}");
            assert!(lives > 20, "{what}: only {lives} lives");
            assert_updated(&mut drive, &scenario, &what);
        }
    }
}

/// What the carrier does with the pieces of answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Carrier {
    Plain,
    Duplicates,
    Loss,
}

/// What a write and what a notification carries, in bytes.
const PIECES: [(u32, u32); 8] =
    [(20, 20), (61, 61), (128, 128), (180, 180), (244, 244), (498, 498), (244, 20), (498, 244)];

/// Every piece of an answer wakes a fresh worker: it is fed, what is to be sent is sent, and the worker is gone.
/// One piece in `one_in` meets what the carrier does to pieces; how many did.
fn live_for_single_pieces(
    drive: &mut Drive,
    firmware: &Arc<Firmware>,
    (carrier, one_in, seed): (Carrier, u64, u64),
    what: &str,
) -> (End, u32) {
    let (mut random, mut met) = (seed, 0);
    let (mut again, mut stood) = (None, 0);
    let mut before = (0, 0);
    for lives in 0.. {
        let snapshot = save(&drive.session);
        drive.session = Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
        let mut taken = 0;
        if let Some(piece) = again.take().or_else(|| drive.take_piece()) {
            assert!(snapshot.len() <= MAX_LEN_WITHOUT_MESSAGE + LONGEST_ANSWER, "{what}: {}", snapshot.len());
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let meets = carrier != Carrier::Plain && (random >> 33).is_multiple_of(one_in);
            met += u32::from(meets);
            if meets && carrier == Carrier::Duplicates {
                again = Some(piece.clone());
            }
            if !meets || carrier == Carrier::Duplicates {
                drive.session.feed(drive.now_ms(), &piece);
            }
            taken = piece.len();
        }
        let end = if again.is_none() { drive.send_and_sleep() } else { drive.send() };
        if let Some(end) = end {
            assert!(lives > 15, "{what}: only {lives} lives");
            return (end, met);
        }
        // Time or bytes move on.
        let now = (drive.now_us, drive.writes);
        stood = if now == before && taken == 0 { stood + 1 } else { 0 };
        before = now;
        assert!(stood < 100 && lives < 20_000, "{what}: stands at {} ms", drive.now_ms());
        assert!(drive.now_ms() < BOUND_MS, "{what}: hung");
    }
    unreachable!("a life more than can be counted")
}

/// More than any answer of these devices takes, in bytes.
const LONGEST_ANSWER: usize = 1_024;

#[test]
fn a_worker_that_lives_for_a_single_piece_ends_right() {
    for profile in DeviceProfile::ALL {
        for (write, notification) in PIECES {
            for carrier in [Carrier::Plain, Carrier::Duplicates, Carrier::Loss] {
                let scenario = Scenario::new(LinkKind::None)
                    .profile(*profile)
                    .seed(29)
                    .image_size(6_000)
                    .large()
                    .device(|device| device.max_write = notification);
                let firmware = firmware(&scenario);
                let options = SessionOptions { max_write: write, ..SessionOptions::default() };
                let mut met = 0;
                for seed in 0..5 {
                    let what = format!("{} {write}/{notification} {carrier:?} {seed}", profile.name());
                    let mut drive = Drive::update(&scenario, options, UpdateOptions::default());
                    // About one answer in eight.
                    let carrier = (carrier, 8 * u64::from(300 / notification).max(1), seed);
                    let (end, some) = live_for_single_pieces(&mut drive, &firmware, carrier, &what);
                    met += some;
                    assert_eq!(end, End::Done, "{what}");
                    assert_updated(&mut drive, &scenario, &what);
                }
                println!("{} {write}/{notification} {carrier:?}: {met} pieces", profile.name());
                assert_eq!(met > 0, carrier != Carrier::Plain, "{write}/{notification} {carrier:?}");
            }
        }
    }
}

/// The same over a console, whose lines come in pieces of the gateway.
#[test]
fn a_worker_that_lives_for_a_piece_of_a_line_ends_right() {
    for size in [1, 7, 20, 61] {
        let scenario = Scenario::new(LinkKind::None)
            .seed(31)
            .image_size(3_000)
            .device(|device| device.transport = Transport::Serial);
        let firmware = firmware(&scenario);
        let options = SessionOptions { framing: Framing::Serial, ..SessionOptions::default() };
        let mut drive = Drive::update(&scenario, options, UpdateOptions::default());
        let (mut pieces, mut lives) = (VecDeque::new(), 0);
        let end = loop {
            drive.session = Session::restore(&save(&drive.session), Some(firmware.clone()), None)
                .expect("a good snapshot");
            lives += 1;
            assert!(lives < 100_000 && drive.now_ms() < BOUND_MS, "{size}: hung");
            if pieces.is_empty()
                && let Some(line) = drive.take_piece()
            {
                pieces.extend(line.chunks(size).map(<[u8]>::to_vec));
            }
            if let Some(piece) = pieces.pop_front() {
                drive.session.feed(drive.now_ms(), &piece);
            }
            let end = if pieces.is_empty() { drive.send_and_sleep() } else { drive.send() };
            if let Some(end) = end {
                break end;
            }
        };
        println!("pieces of {size}: {lives} lives");
        assert_eq!(end, End::Done, "pieces of {size}");
        assert_updated(&mut drive, &scenario, "a console");
    }
}

/// The worker was gone for a while, and what the device answered meanwhile with it.
#[test]
fn what_arrived_between_two_lives_may_be_lost() {
    for profile in DeviceProfile::ALL {
        for fault in Fault::ALL {
            let scenario = scenario(*profile, *fault, 17);
            let firmware = firmware(&scenario);
            for stop_at in 0.. {
                let what = format!("{} {} lost after write {stop_at}", profile.name(), fault.name());
                let mut drive = start(&scenario);
                let ended = (0..stop_at).find_map(|_| drive.one_write(BOUND_MS));
                let snapshot = save(&drive.session);
                drive.lose(5_000);
                drive.session =
                    Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
                assert_eq!(drive.run(BOUND_MS), End::Done, "{what}");
                assert_updated(&mut drive, &scenario, &what);
                if ended.is_some() {
                    break;
                }
            }
        }
    }
}

/// Killed after each single write, saved just before: what is unanswered then is waited for in the next life.
#[test]
fn a_worker_that_dies_after_every_write_ends_right() {
    for profile in DeviceProfile::ALL {
        for fault in Fault::ALL {
            let scenario = scenario(*profile, *fault, 13);
            let firmware = firmware(&scenario);
            let what = format!("{} {}", profile.name(), fault.name());
            let mut drive = start(&scenario);
            let mut lives = 0;
            let end = loop {
                let snapshot = save(&drive.session);
                drive.session =
                    Session::restore(&snapshot, Some(firmware.clone()), None).expect("a good snapshot");
                lives += 1;
                assert!(
                    lives < 2_000,
                    "{what}: no end at {} ms: {:?}",
                    drive.now_ms(),
                    drive.session.progress(0)
                );
                if let Some(end) = drive.one_write(BOUND_MS) {
                    break end;
                }
            };
            println!("{what}: {lives} lives, {} ms", drive.now_ms());
            assert_eq!(end, End::Done, "{what}");
            assert_updated(&mut drive, &scenario, &what);
        }
    }
}

#[test]
fn an_old_snapshot_never_writes_the_wrong_thing() {
    for profile in DeviceProfile::ALL {
        let scenario = scenario(*profile, Fault::None, 3);
        let firmware = firmware(&scenario);
        let mut snapshots = Vec::new();
        let mut drive = start(&scenario);
        loop {
            snapshots.push(save(&drive.session));
            if drive.step().is_some() {
                break;
            }
        }
        assert_updated(&mut drive, &scenario, "the first life");
        // The device runs the new image for good; whatever an older self of the session does, it stays so.
        for (age, snapshot) in snapshots.iter().enumerate().rev() {
            let what = format!("{} snapshot {age}", profile.name());
            drive.session =
                Session::restore(snapshot, Some(firmware.clone()), None).expect("a good snapshot");
            let boots = drive.link.device().counters().boots;
            assert_eq!(drive.run(drive.now_ms() + BOUND_MS), End::Done, "{what}");
            assert_eq!(drive.link.device().counters().boots, boots, "{what} rebooted the device");
            assert_updated(&mut drive, &scenario, &what);
        }
    }
}

/// The store lost the latest snapshots: an older self goes on, whatever the device has done since.
#[test]
fn an_old_snapshot_goes_on_from_any_later_moment_under_every_fault() {
    let mut restores = 0;
    for profile in DeviceProfile::ALL {
        for fault in Fault::ALL {
            let scenario = scenario(*profile, *fault, 23);
            let firmware = firmware(&scenario);
            for stop_at in (1..).step_by(3) {
                let mut snapshots = Vec::new();
                let mut drive = start(&scenario);
                let ended = (0..stop_at).find_map(|_| {
                    snapshots.push(save(&drive.session));
                    drive.one_write(BOUND_MS)
                });
                // One of them each time, so that all distances come up.
                let age = stop_at * 7 % snapshots.len();
                let what = format!("{} {} at {stop_at} by {age}", profile.name(), fault.name());
                drive.session =
                    Session::restore(&snapshots[age], Some(firmware.clone()), None).expect("a good snapshot");
                restores += 1;
                let mut end = drive.run(drive.now_ms() + BOUND_MS);
                if let End::Failed(failure) = &end
                    && *fault == Fault::SyswqFreeze
                    && failure.finding == Finding::NeverAnswered
                {
                    // Saved before the first answer, to a server that is stuck until the link goes down: it cannot tell
                    // that from a device that never spoke SMP. A new link, and another try.
                    drive.set_link(false);
                    assert_eq!(drive.idle(1_000), Some(end), "the end stays");
                    drive.set_link(true);
                    drive.session.start_update(firmware.clone(), UpdateOptions::default()).expect("idle");
                    end = drive.run(drive.now_ms() + BOUND_MS);
                }
                assert_eq!(end, End::Done, "{what}");
                assert_updated(&mut drive, &scenario, &what);
                if ended.is_some() {
                    break;
                }
            }
        }
    }
    println!("restores={restores}");
    assert!(restores > 200, "{restores}");
}

#[test]
fn a_snapshot_of_a_newer_version_is_told_as_such() {
    let session = Session::open(SessionOptions::default()).expect("valid");
    let mut snapshot = save(&session);
    assert_eq!(snapshot[4], VERSION, "the version of the format");
    snapshot[4] = VERSION + 1;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let body = snapshot.len() - 4;
    let checksum = crc.checksum(&snapshot[..body]);
    snapshot[body..].copy_from_slice(&checksum.to_le_bytes());
    let failure = Session::restore(&snapshot, None, None).expect_err("newer");
    assert_eq!(failure.status, Status::SnapshotVersion, "{}", failure.sentence);
}

#[test]
fn an_old_snapshot_of_another_image_is_refused() {
    let scenario = scenario(DeviceProfile::Zephyr44, Fault::None, 3);
    let mut drive = start(&scenario);
    for _ in 0..10 {
        drive.step();
    }
    let snapshot = save(&drive.session);
    let other = Firmware::parse(image::make((1, 1, 0), 3_000, 99)).expect("an image");
    for firmware in [Some(Arc::new(other)), None] {
        let failure = Session::restore(&snapshot, firmware, None).expect_err("another image");
        assert_eq!(failure.status, Status::SnapshotImage);
    }
}

#[test]
fn no_flipped_bit_and_no_missing_end_is_taken() {
    let scenario = scenario(DeviceProfile::Ncs21, Fault::None, 3);
    let firmware = firmware(&scenario);
    let mut drive = start(&scenario);
    for _ in 0..12 {
        drive.step();
    }
    let snapshot = save(&drive.session);
    assert!(snapshot.len() <= 512);
    for bit in 0..snapshot.len() * 8 {
        let mut damaged = snapshot.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let failure = Session::restore(&damaged, Some(firmware.clone()), None).expect_err("damaged");
        assert_eq!(failure.status, Status::SnapshotDamaged, "bit {bit}");
    }
    for length in 0..snapshot.len() {
        let failure = Session::restore(&snapshot[..length], Some(firmware.clone()), None).expect_err("cut");
        assert_eq!(failure.status, Status::SnapshotDamaged, "{length} bytes");
    }
}

#[test]
fn an_idle_session_keeps_what_it_learnt() {
    let session = Session::open(SessionOptions { nonce: 77, ..SessionOptions::default() }).expect("valid");
    let snapshot = save(&session);
    let restored = Session::restore(&snapshot, None, None).expect("nothing is needed");
    assert_eq!(save(&restored), snapshot);
}

#[test]
fn the_largest_update_fits() {
    // Everything that can vary in length at its longest: what is in flight, the window, the versions.
    let scenario =
        Scenario::new(LinkKind::CellularBad).device(|device| device.buf_count = 64).image_size(60_000);
    let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    let mut drive = Drive::update(&scenario, SessionOptions::default(), options);
    let mut longest = 0;
    for _ in 0..400 {
        longest = longest.max(save(&drive.session).len());
        if drive.step().is_some() {
            break;
        }
    }
    println!("longest snapshot: {longest} bytes");
    assert!((200..=512).contains(&longest), "{longest}");
}

/// The snapshots that released versions wrote: file name, and the phase in which they were saved.
const STORED: &[(&str, Phase)] = &[
    ("v1-discover.bin", Phase::Discover),
    ("v1-upload.bin", Phase::Upload),
    ("v1-mark.bin", Phase::Mark),
    ("v1-swap.bin", Phase::Swap),
    ("v1-confirm.bin", Phase::Confirm),
    ("v1-done.bin", Phase::Done),
    ("v2-discover.bin", Phase::Discover),
    ("v2-upload.bin", Phase::Upload),
    ("v2-mark.bin", Phase::Mark),
    ("v2-swap.bin", Phase::Swap),
    ("v2-confirm.bin", Phase::Confirm),
    ("v2-done.bin", Phase::Done),
];

/// `SMPFOTA_BLESS=1` writes those of the present version that are listed; those of released versions stay as they are.
#[test]
fn stored_snapshots_stay_readable() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snapshots");
    let scenario = scenario(DeviceProfile::Zephyr44, Fault::None, 3);
    let firmware = firmware(&scenario);
    for (name, phase) in STORED {
        let path = folder.join(name);
        let mut drive = start(&scenario);
        while drive.session.phase() != *phase && drive.step().is_none() {}
        if *phase == Phase::Upload {
            // With chunks in flight.
            (0..4).for_each(|_| _ = drive.step());
        }
        assert_eq!(drive.session.phase(), *phase, "{name}");
        let version = name[1..].split('-').next().and_then(|number| number.parse::<u8>().ok());
        let version = version.expect("a name with the version of the format");
        if version == VERSION && std::env::var_os("SMPFOTA_BLESS").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, save(&drive.session)).expect("written");
        }
        let stored = std::fs::read(&path).expect("a stored snapshot; SMPFOTA_BLESS=1 writes it");
        assert_eq!(stored[4], version, "{name}: the version of the format");
        drive.session = Session::restore(&stored, Some(firmware.clone()), None).expect(name);
        assert_eq!(drive.run(drive.now_ms() + BOUND_MS), End::Done, "{name}");
        assert_updated(&mut drive, &scenario, name);
    }
}
