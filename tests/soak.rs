//! A part of `make soak`: whole updates from seeds, judged by what the device holds in the end.

#[path = "support/soak/mod.rs"]
mod soak;

use soak::plan::Plan;
use soak::tally::Tally;

/// Seeds that once ended in a wrong success, a hang or a panic.
const FOUND: &[u64] = &[36_296, 177_302, 664_557];

/// Seeds that once failed although nothing was out of the ordinary: a queue in the gateway that was kept full by what was
/// sent again into it, and answers after the reset that took longer than they were waited for.
const ORDINARY: &[u64] = &[973_032, 1_439_751, 3_566_284];

#[test]
fn what_was_found_once_ends_right() {
    let mut buffer = vec![0; 65_536];
    for seed in FOUND {
        let mut tally = Tally::default();
        tally.run(*seed, &mut buffer);
        assert_eq!((tally.wrong_success, tally.hung, tally.panics), (0, 0, 0), "{:?}", tally.wrong);
    }
}

/// The same of seeds of which half get a device of the field: an image that a late first chunk erased while the next was uploaded; an
/// encrypted one whose last byte was never acknowledged; a frame that lost two writes, which an echo and the next frame's first
/// filled; confirmations and lists whose one attempt was answered too late; an image that the device started itself and that
/// was reset; frames too large for a recovery that tells no size and has no echo.
const FOUND_IN_THE_FIELD: &[u64] = &[
    526_905, 909_642, 433_910, 192_324, 935_923, 963_764, 611_381, 198_868, 43_269, 875_874, 471_008, 902_010,
];

#[test]
fn what_was_found_once_in_the_field_ends_right() {
    let mut buffer = vec![0; 65_536];
    for seed in FOUND_IN_THE_FIELD {
        let mut tally = Tally::default();
        tally.run_drawn(*seed, 0.5, &mut buffer);
        assert!(tally.is_clean(), "{:?}", tally.wrong);
    }
}

/// Seeds of hosts that sleep which once ended in a failure although the list that shows the goal had come, or although the device was
/// back: the caller's own limit or the wait for the swap had passed meanwhile. The last one was right when it was told: a late copy of
/// the upload's only frame made the device start its image once more.
const FOUND_ASLEEP: &[u64] = &[405_457, 452_085, 736_972, 548_930, 825_341, 916_164, 102_487, 996_051];

/// Each of these seeds ends in an update, and nothing about it is wrong.
fn assert_updated(seeds: &[u64]) {
    let mut buffer = vec![0; 65_536];
    let mut tally = Tally::default();
    for seed in seeds {
        tally.run_drawn(*seed, 0.5, &mut buffer);
    }
    assert!(tally.is_clean(), "{:?}", tally.wrong);
    assert_eq!(tally.updated as usize, seeds.len());
}

#[test]
fn what_was_found_once_of_hosts_that_sleep_ends_right() {
    assert_updated(FOUND_ASLEEP);
}

/// Seeds from beyond the first million: a late chunk of one image taken for the next one of another; a device that began anew and then
/// reset by itself; the list of a device that started its image itself asked for twice, past the caller's limit; resets on a slow link
/// given up too early; an echo refused as cut taken for one that passed; a session that asked to be called at once while it held back;
/// frames beyond what a recovery on a console holds; a mark that a late copy of the upload took away called a revert; a slow link's reset sent
/// again in the trial; late first chunks of one image beside the erase and the upload of the next.
const FOUND_BEYOND: &[u64] = &[
    1_219_926, 1_305_199, 1_320_728, 1_534_010, 1_603_913, 1_748_566, 1_753_649, 1_896_157, 1_970_416,
    2_053_511, 2_136_539, 2_233_868, 2_266_960, 3_307_207, 3_505_101, 3_727_322, 4_151_196, 5_209_774,
    5_561_759, 5_817_447, 5_831_527,
];

#[test]
fn what_was_found_beyond_the_first_million_ends_right() {
    assert_updated(FOUND_BEYOND);
}

#[test]
fn what_failed_for_no_reason_once_succeeds() {
    let mut buffer = vec![0; 65_536];
    for seed in ORDINARY {
        let verdict = soak::run(&Plan::new(*seed), &mut buffer, false);
        assert!(verdict.harmless, "the plan of seed {seed} changed: choose another one");
        assert_eq!(verdict.outcome, soak::Outcome::Updated, "{seed}");
    }
}

#[test]
fn two_thousand_devices_of_the_field_end_right_or_say_why() {
    let mut tally = Tally::default();
    let mut buffer = vec![0; 65_536];
    for seed in 1..=2_000 {
        tally.run_drawn(seed, 1.0, &mut buffer);
    }
    println!("kinds: {}", tally.shares());
    println!("{}", tally.line());
    assert!(tally.is_clean(), "{:#?}", tally.wrong);
}

#[test]
fn three_thousand_updates_end_right_or_say_why() {
    let mut tally = Tally::default();
    let mut buffer = vec![0; 65_536];
    for seed in 1..=3_000 {
        tally.run(seed, &mut buffer);
    }
    println!("{}", tally.line());
    assert_eq!((tally.wrong_success, tally.hung, tally.panics), (0, 0, 0), "{:?}", tally.wrong);
}
