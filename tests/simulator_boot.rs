//! Slots, flags and the bootloader: pending, trial, revert, confirm, refusal, and the modes without a way back.

mod simulator_support;

use simulator_support::*;
use smpfota::simulator::image;
use smpfota::simulator::{BootMode, DeviceOptions, DeviceProfile, EraseMode, FlashTiming};

fn bench(profile: DeviceProfile, change: impl FnOnce(&mut DeviceOptions)) -> (Bench, Vec<u8>) {
    let mut options = options(profile);
    change(&mut options);
    (Bench::new(options), image::make((1, 1, 0), 3000, 7))
}

const RUNS_OLD: &str = "0 1.0.0 ac+co|1 1.1.0";

#[test]
fn the_flags_of_a_test_boot_confirmed() {
    for profile in [NEW, OLD] {
        let (mut bench, image) = bench(profile, |_| {});
        assert_eq!(bench.list(), "0 1.0.0 ac+co");
        bench.upload_image(&image, 500);
        assert_eq!(bench.list(), RUNS_OLD);
        bench.set_state(hash_of(&image), false);
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0 pe");
        bench.reset();
        assert_eq!(bench.list(), "0 1.1.0 ac|1 1.0.0 co", "on trial");
        bench.set_state(&[], true);
        // After a swap using an offset the old image lies where nobody looks for it.
        let confirmed = if profile == NEW { "0 1.1.0 ac+co" } else { "0 1.1.0 ac+co|1 1.0.0" };
        assert_eq!(bench.list(), confirmed);
        bench.reset();
        assert_eq!(bench.list(), confirmed, "stays");
        let counters = bench.device.counters();
        assert_eq!((counters.boots, counters.swaps, counters.reverts), (2, 1, 0));
    }
}

#[test]
fn an_unconfirmed_image_is_taken_back() {
    for (profile, copy) in [(OLD, false), (NEW, false), (NEW, true)] {
        let after = if copy { "0 1.0.0 ac+co|1 1.0.0" } else { RUNS_OLD };
        let (mut bench, image) = bench(profile, |o| o.revert_leaves_copy = copy);
        bench.upload_image(&image, 500);
        bench.set_state(hash_of(&image), false);
        bench.reset();
        bench.reset();
        assert_eq!(bench.list(), after, "{profile:?}");
        assert_eq!(bench.device.counters().reverts, 1);
        if copy {
            // Confirming by the hash that both slots have answers and changes nothing.
            let hash = bench.device.slots()[1].hash.clone();
            assert!(bench.set_state(&hash, true).starts_with("{images:"));
            assert_eq!(bench.list(), after);
        }
    }
}

#[test]
fn a_permanent_image_needs_no_confirm() {
    for profile in [NEW, OLD] {
        let (mut bench, image) = bench(profile, |_| {});
        bench.upload_image(&image, 500);
        bench.set_state(hash_of(&image), true);
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0 pe+pe");
        let confirmed = if profile == NEW { "0 1.1.0 ac+co" } else { "0 1.1.0 ac+co|1 1.0.0" };
        for _ in 0..2 {
            bench.reset();
            assert_eq!(bench.list(), confirmed);
        }
    }
}

#[test]
fn a_damaged_image_is_marked_but_never_booted() {
    for profile in [NEW, OLD] {
        let (mut bench, mut image) = bench(profile, |_| {});
        image[100] ^= 1;
        bench.upload_image(&image, 500);
        assert!(bench.set_state(hash_of(&image), false).starts_with("{images:"));
        bench.reset();
        assert_eq!(bench.list(), "0 1.0.0 ac+co", "{profile:?}");
        assert_eq!(bench.device.counters().refused, 1);
        assert_eq!(bench.device.running().unwrap().to_string(), "1.0.0");
    }
}

#[test]
fn a_pending_image_and_a_trial_are_protected_or_not() {
    let refused = "{err: {group: 1, rc: 9}}";
    for (profile, allow, upload, erase) in
        [(NEW, false, refused, refused), (NEW, true, "{off: 200}", "{}"), (OLD, false, "{rc: 5}", "{rc: 6}")]
    {
        let (mut bench, image) = bench(profile, |o| o.allow_erase_pending = allow);
        bench.upload_image(&image, 500);
        bench.set_state(hash_of(&image), false);
        let other = image::make((1, 2, 0), 3000, 8);
        assert_eq!(bench.upload(first(&other, 200)), upload, "pending, {profile:?}");
        assert_eq!(bench.ask(WRITE, 1, 5, map([])), erase, "pending, {profile:?}");
        let destroyed = bench.list() == "0 1.0.0 ac+co";
        assert_eq!(destroyed, allow);
        if destroyed {
            bench.reset();
            assert_eq!(bench.list(), "0 1.0.0 ac+co");
            continue;
        }
        bench.reset();
        assert_eq!(bench.list(), "0 1.1.0 ac|1 1.0.0 co");
        assert_eq!(bench.upload(first(&other, 200)), upload, "trial, {profile:?}");
        assert_eq!(bench.ask(WRITE, 1, 5, map([])), erase, "trial, {profile:?}");
        bench.set_state(&[], true);
        let rc = if profile == OLD { "rc: 0, " } else { "" };
        assert_eq!(bench.upload(first(&other, 200)), format!("{{{rc}off: 200}}"), "confirmed, {profile:?}");
    }
}

#[test]
fn state_writes_out_of_order() {
    // Zephyr 4.4 says what is wrong.
    let (mut bench1, image) = bench(NEW, |_| {});
    bench1.upload_image(&image, 500);
    let hash = hash_of(&image).to_vec();
    bench1.set_state(&hash, false);
    assert!(bench1.set_state(&hash, false).starts_with("{images:"), "the same again");
    assert_eq!(bench1.set_state(&hash, true), "{err: {group: 1, rc: 28}}", "test, then confirm");
    assert_eq!(
        bench1.set_state(&[], true),
        "{err: {group: 1, rc: 28}}",
        "confirm what runs, with another pending"
    );
    bench1.reset();
    assert_eq!(bench1.set_state(&hash, false), "{err: {group: 1, rc: 33}}", "test of the running trial");
    let old = bench1.device.slots()[1].hash.clone();
    assert_eq!(
        bench1.set_state(&old, false),
        "{err: {group: 1, rc: 28}}",
        "test of the other during a trial"
    );
    assert!(
        bench1.set_state(&old, true).starts_with("{images:"),
        "confirm of the other: it is the next anyway"
    );
    assert_eq!(bench1.list(), "0 1.1.0 ac|1 1.0.0 co");
    assert!(bench1.set_state(&hash, true).starts_with("{images:"));
    assert_eq!(bench1.list(), "0 1.1.0 ac+co");

    // NCS 2.1 reports a refused confirm as done (zephyr#56617), and keeps the first mark (zephyr#56720).
    let (mut bench2, image) = bench(OLD, |_| {});
    bench2.upload_image(&image, 500);
    bench2.set_state(&hash, false);
    assert!(bench2.set_state(&[], true).starts_with("{images:"));
    assert!(bench2.set_state(&hash, true).starts_with("{images:"));
    assert_eq!(bench2.list(), "0 1.0.0 ac+co|1 1.1.0 pe", "nothing has changed");
    bench2.reset();
    assert_eq!(bench2.set_state(&old, false), "{rc: 6}", "the confirmed one during a trial");

    let (mut bench3, image) = bench(NEW, |o| o.allow_confirm_secondary = false);
    bench3.upload_image(&image, 500);
    assert_eq!(bench3.set_state(&hash, true), "{err: {group: 1, rc: 32}}");
}

#[test]
fn the_same_image_in_both_slots() {
    for (profile, answer) in [(NEW, "{err: {group: 1, rc: 33}}"), (OLD, "{rc: 1}")] {
        let (mut bench, image) = bench(profile, |_| {});
        bench.device.install(&image).unwrap();
        bench.upload_image(&image, 500);
        assert_eq!(bench.list(), "0 1.1.0 ac+co|1 1.1.0");
        assert_eq!(bench.set_state(hash_of(&image), false), answer);
    }
}

#[test]
fn overwrite_only_has_no_way_back() {
    for profile in [NEW, OLD] {
        let (mut bench, image) = bench(profile, |o| o.boot_mode = BootMode::OverwriteOnly);
        bench.upload_image(&image, 500);
        bench.set_state(hash_of(&image), false);
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0 pe");
        bench.reset();
        assert_eq!(bench.list(), "0 1.1.0 ac+co");
        bench.reset();
        assert_eq!(bench.list(), "0 1.1.0 ac+co");
    }
    let lower = image::make((0, 9, 0), 3000, 7);
    let (mut bench, _) = bench(NEW, |o| {
        o.boot_mode = BootMode::OverwriteOnly;
        o.downgrade_prevention = true;
    });
    assert_eq!(bench.ask(READ, 0, 8, map([("query", "mode".into())])), "{mode: 2, no-downgrade: true}");
    bench.upload_image(&lower, 500);
    bench.set_state(hash_of(&lower), false);
    bench.reset();
    assert_eq!(bench.list(), "0 1.0.0 ac+co");
}

#[test]
fn direct_xip_and_ram_load_run_the_higher_version() {
    for mode in [BootMode::DirectXip, BootMode::RamLoad] {
        let (mut bench, image) = bench(NEW, |o| o.boot_mode = mode);
        bench.upload_image(&image, 500);
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0 pe+pe");
        bench.reset();
        assert_eq!(bench.list(), "0 1.0.0|1 1.1.0 ac+co");
        let next = image::make((1, 2, 0), 3000, 9);
        bench.upload_image(&next, 500);
        assert_eq!(bench.list(), "0 1.2.0 pe+pe|1 1.1.0 ac+co");
        bench.reset();
        assert_eq!(bench.list(), "0 1.2.0 ac+co|1 1.1.0");
    }
}

#[test]
fn direct_xip_with_revert_erases_what_was_not_confirmed() {
    let run = || {
        let (mut bench, image) = bench(NEW, |o| o.boot_mode = BootMode::DirectXipRevert);
        bench.upload_image(&image, 500);
        assert_eq!(bench.list(), RUNS_OLD);
        (bench, image)
    };
    let (mut unmarked, _) = run();
    unmarked.reset();
    assert_eq!(unmarked.list(), "0 1.0.0 ac+co", "never marked");
    let (mut tried, image) = run();
    tried.set_state(hash_of(&image), false);
    assert_eq!(tried.list(), "0 1.0.0 ac+co|1 1.1.0 pe");
    tried.reset();
    assert_eq!(tried.list(), "0 1.0.0 co|1 1.1.0 ac");
    tried.reset();
    assert_eq!(tried.list(), "0 1.0.0 ac+co");
    assert_eq!(tried.device.counters().reverts, 1);
    let (mut confirmed, image) = run();
    confirmed.set_state(hash_of(&image), false);
    confirmed.reset();
    confirmed.set_state(hash_of(&image), true);
    assert_eq!(confirmed.list(), "0 1.0.0|1 1.1.0 ac+co");
    confirmed.reset();
    assert_eq!(confirmed.list(), "0 1.0.0|1 1.1.0 ac+co");
}

#[test]
fn two_images_are_marked_one_by_one_and_swapped_together() {
    for profile in [NEW, OLD] {
        let (mut bench, app) = bench(profile, |o| o.images = 2);
        let network = image::make((2, 0, 0), 2000, 8);
        bench.upload_image(&app, 500);
        let Value::Map(mut entries) = first(&network, 2000 - 1100) else { unreachable!() };
        entries[0].1 = 1.into();
        let rc = if profile == OLD { "rc: 0, " } else { "" };
        assert_eq!(bench.upload(Value::Map(entries.clone())), format!("{{{rc}off: 900}}"));
        for (from, to) in [(900, 1500), (1500, 2000)] {
            bench.upload(map([("off", int(from)), ("data", bytes(&network[from..to]))]));
        }
        assert_eq!(bench.device.slot_bytes(1, 1), network);
        entries[0].1 = 2.into();
        let refused = if profile == OLD { "{rc: 5}" } else { "{err: {group: 1, rc: 9}}" };
        assert_eq!(bench.upload(Value::Map(entries)), refused, "there is no third image");
        bench.set_state(hash_of(&app), false);
        bench.set_state(hash_of(&network), false);
        // The old server counts only slot 0 as running, so both slots of the network core show its neighbour's.
        let pending = match profile {
            DeviceProfile::Zephyr44 => "0/0 1.0.0 ac+co|0/1 1.1.0 pe|1/0 1.0.0 ac+co|1/1 2.0.0 pe",
            DeviceProfile::Ncs21 => "0/0 1.0.0 ac+co|0/1 1.1.0 pe|1/0 1.0.0 pe|1/1 2.0.0 pe",
        };
        assert_eq!(bench.list(), pending);
        bench.reset();
        let running: Vec<_> = bench.device.slots().iter().map(|s| s.version.to_string()).collect();
        assert_eq!(running, ["1.1.0", "1.0.0", "2.0.0", "1.0.0"]);
        if profile == NEW {
            assert_eq!(bench.set_state(hash_of(&network), true), "{err: {group: 1, rc: 32}}");
        }
    }
}

#[test]
fn direct_upload_names_the_slot() {
    let (mut bench, image) = bench(NEW, |o| o.direct_upload = true);
    let to = |number: u32| {
        let Value::Map(mut entries) = first(&image, 200) else { unreachable!() };
        entries[0].1 = number.into();
        Value::Map(entries)
    };
    assert_eq!(bench.upload(to(1)), "{err: {group: 1, rc: 9}}", "slot 0 runs");
    assert_eq!(bench.upload(to(2)), "{off: 200}");
}

#[test]
fn flash_takes_the_time_of_an_nrf52840() {
    let timed = |erase, used| {
        let mut options = options(NEW);
        options.flash = FlashTiming::NRF52840;
        options.slot_size = 0x77000;
        (options.erase, options.used_secondary) = (erase, used);
        let mut bench = Bench::new(options);
        let image = image::make((1, 1, 0), 409_600, 7);
        bench.upload(first(&image, 400));
        bench.now
    };
    let about = |us: u64, ms: u64| us / 1000 == ms;
    assert!(about(timed(EraseMode::FirstChunkImage, true), 101 * 85), "100 pages and the trailer");
    assert!(about(timed(EraseMode::FirstChunkSlot, true), 119 * 85));
    assert!(about(timed(EraseMode::FirstChunkSlot, false), 0), "a blank slot is not erased");
    assert!(about(timed(EraseMode::Progressive, true), 0));
    // Chunks 1 and 2 of the seed thread fit the 512-byte block; the third one writes it.
    let mut options = options(NEW);
    options.flash = FlashTiming::NRF52840;
    options.erase = EraseMode::Progressive;
    let mut bench = Bench::new(options);
    let image = image::make((1, 1, 0), 30_000, 7);
    let mut took = |from: usize, to: usize| {
        let before = bench.now;
        let body = if from == 0 {
            first(&image, to)
        } else {
            map([("off", int(from)), ("data", bytes(&image[from..to]))])
        };
        bench.upload(body);
        bench.now - before
    };
    assert!(took(0, 160) < 1000);
    assert!(took(160, 382) < 1000);
    assert_eq!(took(382, 603), 100 + 300 + 85_000 + 128 * 41);
}

#[test]
fn a_reset_answers_first_and_reboots_after_250_ms() {
    let mut options = options(NEW);
    options.boot_us = 700_000;
    let mut bench = Bench::new(options);
    let echo = frame(1, READ, 0, 9, 0, &encode(&map([("d", "x".into())])));
    bench.device.write(0, &frame(1, WRITE, 0, 1, 5, &[0xa0]));
    assert!(bench.device.poll(1_000).is_some());
    bench.device.write(240_000, &echo);
    assert!(bench.device.poll(245_000).is_some(), "still up");
    bench.device.write(260_000, &echo);
    assert!(bench.device.poll(900_000).is_none(), "booting");
    assert_eq!(bench.device.counters().unheard, 1);
    assert!(!bench.device.is_up());
    bench.device.write(960_000, &echo);
    assert!(bench.device.poll(970_000).is_some());
}

#[test]
fn a_reset_in_the_middle_forgets_the_upload() {
    for (profile, answer) in [(NEW, "{off: 0}"), (OLD, "{rc: 0, off: 0}")] {
        let (mut bench, image) = bench(profile, |_| {});
        bench.upload(first(&image, 600));
        bench.device.reboot(bench.now);
        bench.listen();
        let next = map([("off", 600.into()), ("data", bytes(&image[600..700]))]);
        assert_eq!(bench.upload(next), answer);
    }
}

#[test]
fn other_hash_lengths() {
    let (mut bench, _) = bench(NEW, |o| o.hash_len = 64);
    assert_eq!(bench.list(), "", "an image with a SHA-256 is none for a device that wants SHA-512");
    assert_eq!(bench.set_state(&[1; 32], false), "{err: {group: 1, rc: 24}}");
}

use ciborium::Value;
