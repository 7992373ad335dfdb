//! A host that slept is no evidence against the device: wherever and however long it sleeps, the operation ends right.

use std::sync::Arc;

use smpfota::simulator::{LinkKind, Scenario, VirtualLink};
use smpfota::{
    Command, Failure, Finding, Firmware, LinkEvent, Next, Phase, Session, SessionOptions, Status, UpdateMode,
    UpdateOptions,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const SLEEPS: [u64; 4] = [MINUTE, 200_000, HOUR, 72 * HOUR];
/// A hundred chunks of the largest frame.
const SIZE: u32 = 22_500;

/// What the host does first when it wakes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum First {
    Asks,
    Feeds,
}

/// What the device does while the host sleeps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Device {
    Sleeps,
    Wakes,
}

/// A host that sleeps before some of its calls.
struct Host {
    session: Session,
    link: VirtualLink,
    /// The time of the link, and what the caller's clock is ahead of it.
    link_us: u64,
    ahead_us: u64,
    /// Whether the host sleeps before the call of this number, and how long.
    sleeps: Box<dyn Fn(u64) -> u64>,
    first: First,
    device: Device,
    calls: u64,
    chunks: u64,
    writes: u64,
    /// It answers a health check.
    healthy: Option<bool>,
    obeys: bool,
    buffer: Vec<u8>,
}

type End = Result<(), Failure>;

fn scenario() -> Scenario {
    Scenario::new(LinkKind::None).seed(5).image_size(SIZE)
}

fn options() -> SessionOptions {
    SessionOptions { max_frame: 244, ..SessionOptions::default() }
}

fn host(scenario: &Scenario, options: SessionOptions) -> Host {
    Host {
        session: Session::open(options).expect("valid options"),
        link: scenario.build(),
        link_us: 0,
        ahead_us: 0,
        sleeps: Box::new(|_| 0),
        first: First::Asks,
        device: Device::Wakes,
        calls: 0,
        chunks: 0,
        writes: 0,
        healthy: Some(true),
        obeys: false,
        buffer: vec![0; 2_048],
    }
}

fn update(scenario: &Scenario, update: UpdateOptions) -> Host {
    let mut host = host(scenario, options());
    let firmware = Arc::new(Firmware::parse(scenario.image()).expect("an image"));
    host.session.start_update(firmware, update).expect("valid options");
    host
}

impl Host {
    fn now(&self) -> u64 {
        (self.link_us + self.ahead_us) / 1_000
    }

    /// Sleeps, if it is time to. Whether it did.
    fn call(&mut self) -> bool {
        self.calls += 1;
        let ms = (self.sleeps)(self.calls);
        match self.device {
            Device::Sleeps => self.ahead_us += ms * 1_000,
            Device::Wakes => self.link_us += ms * 1_000,
        }
        ms > 0
    }

    fn feed(&mut self) {
        while let Some(bytes) = self.link.read(self.link_us) {
            // Sleeps with the bytes in its hand.
            if self.call() && self.first == First::Asks && self.ask().is_some() {
                return;
            }
            self.session.feed(self.now(), &bytes);
        }
    }

    /// One call of `next_frame`, and what follows from it. `Some(None)`: it waits.
    fn ask(&mut self) -> Option<Option<End>> {
        let now = self.now();
        match self.session.next_frame(now, &mut self.buffer) {
            Ok(Next::Write(length)) => {
                self.writes += 1;
                self.chunks += u64::from(self.session.phase() == Phase::Upload);
                self.link.write(self.link_us, &self.buffer[..length]);
                None
            }
            Ok(Next::Wait) => {
                assert!(self.session.deadline().is_some_and(|due| due > now), "asked to come back at once");
                Some(None)
            }
            Ok(Next::LinkReset) => {
                if self.obeys {
                    self.link.set_link(self.link_us, false);
                    self.session.link(now, LinkEvent::Down);
                    self.link.set_link(self.link_us, true);
                    self.session.link(now, LinkEvent::Up);
                }
                None
            }
            Ok(Next::HealthCheck) => match self.healthy {
                Some(healthy) => {
                    self.call();
                    self.session.health(self.now(), healthy).expect("it was asked for");
                    None
                }
                None => Some(None),
            },
            Ok(Next::Done) => Some(Some(Ok(()))),
            Err(failure) => Some(Some(Err(failure))),
        }
    }

    fn run(&mut self) -> End {
        for _ in 0..100_000 {
            let slept = self.call();
            if slept && self.first == First::Feeds {
                self.feed();
            }
            match self.ask() {
                None => continue,
                Some(Some(end)) => return end,
                Some(None) => {}
            }
            let due = self.session.deadline().expect("it waits for something") * 1_000;
            let due = due.saturating_sub(self.ahead_us);
            let next = self.link.next_event().map_or(due, |at| at.min(due));
            self.link_us = self.link_us.max(next);
            self.feed();
        }
        panic!("it hangs in {:?}", self.session.phase());
    }
}

#[track_caller]
fn assert_updated(host: &mut Host, end: End, what: &str) {
    assert_eq!(end, Ok(()), "{what}");
    assert_eq!(host.link.device_mut().running(), Some((1, 1, 0).into()), "{what}");
    let image = scenario().image();
    assert_eq!(host.link.device_mut().slot_bytes(0, 0).get(..image.len()), Some(&image[..]), "{what}");
    let rtt = host.session.progress(host.now()).rtt_ms;
    assert!(rtt < 1_000, "{what}: a round trip of {rtt} ms");
}

#[test]
fn asleep_at_any_call_of_an_update_it_ends_right() {
    let mut awake = update(&scenario(), UpdateOptions::default());
    let end = awake.run();
    assert_updated(&mut awake, end, "awake");
    assert!(awake.chunks >= 100, "{} chunks", awake.chunks);
    let mut runs = 0;
    for sleep in SLEEPS {
        for (first, device) in [
            (First::Asks, Device::Sleeps),
            (First::Asks, Device::Wakes),
            (First::Feeds, Device::Sleeps),
            (First::Feeds, Device::Wakes),
        ] {
            for at in 1..=awake.calls {
                let mut host = update(&scenario(), UpdateOptions::default());
                (host.first, host.device) = (first, device);
                host.sleeps = Box::new(move |call| if call == at { sleep } else { 0 });
                let end = host.run();
                let what = format!("{sleep} ms before call {at}, {first:?}, device {device:?}");
                assert_updated(&mut host, end, &what);
                assert!(
                    host.writes < awake.writes + 20,
                    "{what}: {} writes, not {}",
                    host.writes,
                    awake.writes
                );
                runs += 1;
            }
        }
    }
    println!("{runs} updates of {} calls and {} chunks", awake.calls, awake.chunks);
}

#[test]
fn the_same_with_a_health_check_and_where_links_are_reset() {
    for healthy in [true, false] {
        let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        let mut awake = update(&scenario(), options);
        (awake.healthy, awake.obeys) = (Some(healthy), true);
        let ended = awake.run().map_err(|failure| failure.status);
        for sleep in [200_000, 72 * HOUR] {
            for (first, device) in [(First::Asks, Device::Wakes), (First::Feeds, Device::Sleeps)] {
                for at in 1..=awake.calls {
                    let mut host = update(&scenario(), options);
                    (host.first, host.device, host.healthy, host.obeys) =
                        (first, device, Some(healthy), true);
                    host.sleeps = Box::new(move |call| if call == at { sleep } else { 0 });
                    let end = host.run().map_err(|failure| failure.status);
                    assert_eq!(end, ended, "{sleep} ms before call {at}, {first:?}, device {device:?}");
                }
            }
        }
    }
}

#[test]
fn a_host_that_sleeps_all_the_time_gets_there_too() {
    for (sleep, every) in SLEEPS.into_iter().flat_map(|sleep| [1, 2, 3].map(|every| (sleep, every))) {
        for first in [First::Asks, First::Feeds] {
            if (first, every) == (First::Asks, 1) {
                // Nothing that comes is ever taken before the time for it is over.
                continue;
            }
            for mode in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
                let mut host = update(&scenario(), UpdateOptions { mode, ..UpdateOptions::default() });
                host.first = first;
                host.sleeps = Box::new(move |call| if call % every == 0 { sleep } else { 0 });
                let end = host.run();
                assert_updated(
                    &mut host,
                    end,
                    &format!("{sleep} ms before every {every}th call, {first:?}, {mode:?}"),
                );
            }
        }
    }
}

#[test]
fn limits_hold_although_the_host_sleeps_before_every_call() {
    for sleep in SLEEPS {
        let mut host = update(&scenario(), UpdateOptions::default());
        host.sleeps = Box::new(move |call| if call > 100 { sleep } else { 0 });
        for _ in 0..60 {
            _ = host.ask();
            host.link_us += 10_000;
            host.feed();
        }
        assert_eq!(host.session.phase(), Phase::Upload);
        host.link.set_link(host.link_us, false);
        let failure = host.run().expect_err("nothing passes any more");
        assert_eq!(failure.status, Status::Timeout, "{failure}");
        assert_ne!(failure.finding, Finding::OffsetRepeats, "{failure}");
        assert!(host.calls < 1_000, "{} calls", host.calls);
    }
}

#[test]
fn the_callers_own_deadline_counts_the_sleep() {
    for first in [First::Asks, First::Feeds] {
        let options = UpdateOptions { deadline_ms: 600_000, ..UpdateOptions::default() };
        let mut host = update(&scenario(), options);
        host.first = first;
        host.sleeps = Box::new(move |call| if call == 50 { HOUR } else { 0 });
        let failure = host.run().expect_err("an hour is more than ten minutes");
        assert_eq!((failure.status, failure.finding), (Status::Timeout, Finding::None), "{failure}");
        assert!(failure.sentence.contains("deadline of 600000 ms"), "{failure}");
        // Shorter, it does not.
        let mut host = update(&scenario(), options);
        host.sleeps = Box::new(move |call| if call == 50 { 300_000 } else { 0 });
        let end = host.run();
        assert_updated(&mut host, end, "300 s");
    }
}

/// A session that waits for the answer to its one request.
fn asked(retries: u32) -> (Session, Vec<u8>, u64) {
    let mut session =
        Session::open(SessionOptions { retries, timeout_ms: 2_000, ..options() }).expect("valid options");
    session
        .start_command(Command::new("echo", &serde_json::json!({ "text": "x" })).expect("a command"))
        .expect("nothing runs");
    let mut buffer = vec![0; 2_048];
    let Ok(Next::Write(length)) = session.next_frame(1_000, &mut buffer) else { panic!("no frame") };
    assert_eq!(session.next_frame(1_000, &mut buffer), Ok(Next::Wait));
    let due = session.deadline().expect("it waits");
    (session, buffer[..length].to_vec(), due)
}

/// The answer of a server to an echo.
fn answer(request: &[u8]) -> Vec<u8> {
    let mut answer = vec![3, 0, 0, 6, 0, 0, request[6], 0];
    answer[0] |= request[0] & 0x18;
    answer.extend_from_slice(b"\xbf\x61r\x61x\xff");
    answer
}

#[test]
fn a_limit_that_was_slept_through_is_waited_for_once_more() {
    let mut buffer = vec![0; 2_048];
    let (mut session, request, due) = asked(1);
    let woke = due + 31_000;
    assert_eq!(session.next_frame(woke, &mut buffer), Ok(Next::Wait));
    assert!(session.deadline().is_some_and(|due| due > woke + 500), "{:?}", session.deadline());
    session.feed(woke + 100, &answer(&request));
    assert_eq!(session.next_frame(woke + 100, &mut buffer), Ok(Next::Done));
    assert_eq!(session.progress(woke + 100).rtt_ms, 0, "that was no round trip");

    // For one wait.
    let (mut session, _, due) = asked(1);
    assert_eq!(session.next_frame(due + HOUR, &mut buffer), Ok(Next::Wait));
    let due = session.deadline().expect("it waits");
    let failure = session.next_frame(due, &mut buffer).expect_err("it was waited for");
    assert_eq!(failure.status, Status::Timeout);

    // And not for ever by one who always sleeps.
    let (mut session, _, mut due) = asked(1);
    let waits = (0..100).take_while(|_| {
        let waits = session.next_frame(due + HOUR, &mut buffer) == Ok(Next::Wait);
        due = session.deadline().unwrap_or(due);
        waits
    });
    assert!((1..20).contains(&waits.count()), "it waits for ever");

    // Not where the host did not sleep.
    let (mut session, _, due) = asked(1);
    let failure = session.next_frame(due + 29_000, &mut buffer).expect_err("it took too long");
    assert_eq!(failure.status, Status::Timeout);
}

#[test]
fn less_than_half_a_minute_is_a_carriers_time() {
    let (mut session, request, due) = asked(3);
    session.feed(due + 29_000, &answer(&request));
    let rtt = session.progress(due).rtt_ms;
    assert!(rtt >= 29_000, "{rtt} ms");
}

#[test]
fn times_told_are_those_of_the_caller() {
    let mut buffer = vec![0; 2_048];
    let (mut session, _, due) = asked(3);
    let woke = due + 72 * HOUR;
    session.link(woke, LinkEvent::Up);
    let events: Vec<_> = std::iter::from_fn(|| session.next_event()).collect();
    assert!(events.iter().any(|event| event.at_ms >= woke), "{events:?}");
    assert!(matches!(session.next_frame(woke, &mut buffer), Ok(Next::Write(_))));
    assert_eq!(session.next_frame(woke, &mut buffer), Ok(Next::Wait));
    assert!(session.deadline().is_some_and(|due| due > woke && due < woke + MINUTE));
}

#[test]
fn pollers_that_come_early_and_clocks_that_stop_or_go_back_change_nothing() {
    for seed in 0..40u64 {
        let mut host = update(&scenario(), UpdateOptions::default());
        let mut steps = 0u64;
        let end = loop {
            steps += 1;
            assert!(steps < 1_000_000, "it hangs in {:?}", host.session.phase());
            match host.ask_at_odd_times(seed, steps) {
                Some(Some(end)) => break end,
                Some(None) => {
                    // Long before the deadline, again and again.
                    host.link_us += 1_000 + (seed * steps) % 3_000;
                    host.feed();
                }
                None => {}
            }
        };
        assert_updated(&mut host, end, &format!("seed {seed}"));
    }
}

impl Host {
    /// Asks at the right time, after a call at one that lies back or that stood still.
    fn ask_at_odd_times(&mut self, seed: u64, step: u64) -> Option<Option<End>> {
        let back = [0, 1, 5_000, HOUR][((seed + step) % 4) as usize];
        self.session.feed(self.now().saturating_sub(back), b"");
        _ = self.session.progress(self.now().saturating_sub(back));
        self.ask()
    }
}

const TEN_YEARS: u64 = 10 * 365 * 24 * HOUR;

#[test]
fn a_time_of_another_clock_is_refused_and_changes_nothing() {
    let mut buffer = vec![0; 2_048];
    let (mut session, request, due) = asked(3);
    for wrong in [u64::MAX, u64::MAX / 2, HOUR + TEN_YEARS, 1_700_000_000_000_000_000] {
        let failure = session.next_frame(wrong, &mut buffer).expect_err("another clock");
        assert_eq!(failure.status.number(), -17, "{failure}");
        assert!(failure.sentence.contains("milliseconds"), "{failure}");
        assert_eq!(failure.status.text(), failure.sentence);
        session.feed(wrong, &answer(&request));
        session.link(wrong, LinkEvent::Up);
        session.call_returned(wrong);
        assert_eq!(session.pause(wrong).map_err(|failure| failure.status.number()), Err(-17));
        assert_eq!(session.check_time(wrong).map_err(|failure| failure.status.number()), Err(-17));
        assert_eq!(session.progress(wrong).phase, Phase::Command);
    }
    assert_eq!(session.deadline(), Some(due));
    assert_eq!(session.counters().bytes_received, 0);
    assert_eq!(session.next_event(), None);
    session.feed(1_050, &answer(&request));
    assert_eq!(session.next_frame(1_050, &mut buffer), Ok(Next::Done));

    // Ten years are a time like any other; -1 and nanoseconds since 1970 are none, also as the first.
    let (mut session, ..) = asked(3);
    assert!(session.next_frame(1_000 + TEN_YEARS, &mut buffer).is_ok());
    let mut session = Session::open(options()).expect("valid options");
    let echo = || Command::new("echo", &serde_json::json!({ "text": "x" })).expect("a command");
    session.start_command(echo()).expect("nothing runs");
    assert!(session.next_frame(u64::MAX, &mut buffer).is_err());
    assert!(matches!(session.next_frame(7, &mut buffer), Ok(Next::Write(_))));
    session.cancel(u64::MAX);
    assert_eq!(session.next_frame(7, &mut buffer).map_err(|failure| failure.status), Err(Status::Cancelled));
}

/// A device that answers nothing any more, and a caller that waits in milliseconds and tells the time in another unit.
fn with_clock(per_ms: u64, silent_after: u64) -> Failure {
    let mut host = update(&scenario(), UpdateOptions::default());
    let mut fed = 0;
    for _ in 0..1_000_000 {
        let now = host.link_us * per_ms / 1_000;
        match host.session.next_frame(now, &mut host.buffer) {
            Ok(Next::Write(length)) => host.link.write(host.link_us, &host.buffer[..length]),
            Ok(Next::Wait) => {
                let due = host.session.deadline().expect("it waits");
                let next = host.link_us + due.saturating_sub(now) * 1_000;
                host.link_us = host.link.next_event().map_or(next, |at| at.min(next)).max(host.link_us + 1);
                while let Some(bytes) = host.link.read(host.link_us) {
                    fed += 1;
                    if fed < silent_after {
                        host.session.feed(host.link_us * per_ms / 1_000, &bytes);
                    }
                }
            }
            Ok(_) => {}
            Err(failure) => return failure,
        }
    }
    panic!("it hangs");
}

#[test]
fn a_clock_in_another_unit_is_asked_about_and_no_device_is_blamed() {
    for silent_after in [0, 5, 40] {
        let right = with_clock(1, silent_after);
        assert!(!right.sentence.contains("count milliseconds"), "{right}");
        for per_ms in [1_000, 1_000_000] {
            if (per_ms, silent_after) == (1_000, 40) {
                // Answers within 5 ms, which are 5 s of such a clock: most waits looked ordinary.
                continue;
            }
            let failure = with_clock(per_ms, silent_after);
            assert!(failure.sentence.contains("count milliseconds?"), "{per_ms} {silent_after}: {failure}");
            assert_eq!(failure.finding, Finding::None, "{failure}");
            assert!(!failure.sentence.contains("  "), "{failure}");
            for blame in ["flash", "notifications", "server", "drop the link"] {
                assert!(!failure.sentence.contains(blame), "{failure}");
            }
            assert!(failure.sentence.contains("1.1.0"), "{failure}");
        }
    }
}
