//! Whole updates under random links, faults, devices, options and callers, each from one seed, and their judgement.
//!
//! What counts is the device: a run is right when the session's word fits what the device holds and runs.

// The soak program and its test each use a part of this.
#![allow(dead_code)]

mod asleep;
mod calls;
pub mod checked;
mod console;
pub mod exhibit;
pub mod goal;
mod lists;
#[path = "../../firmware_support/package.rs"]
mod package;
pub mod plan;
pub mod tally;
mod trace;
mod verdict;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use smpfota::firmware::Firmware;
use smpfota::simulator::rng::Rng;
use smpfota::simulator::{VirtualLink, image};
use smpfota::{Failure, LinkEvent, Next, Session, UpdateOptions};

use asleep::Sleeper;
use calls::Calls;
use goal::Goal;
use plan::{Control, Health, Other, Pieces, Plan};
pub use verdict::{Outcome, Verdict};

/// How one operation of a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Done,
    Failed(Failure),
    /// Why it counts as hung.
    Hung(&'static str),
}

/// More calls than this without the clock moving is a hang.
const MOST_CALLS: u32 = 20_000;
/// More calls in a row at a deadline that has come, without a write, are a hang too.
const MOST_SPINS: u32 = 20;
/// No run takes longer, in virtual milliseconds: 14 days.
const LONGEST_MS: u64 = 14 * 86_400_000;

/// A run under way.
struct Run<'a> {
    plan: &'a Plan,
    session: Session,
    link: VirtualLink,
    goals: Vec<Goal>,
    now_us: u64,
    rng: Rng,
    buffer: &'a mut [u8],
    /// When the link is to come up again after it was dropped on request.
    up_at: Option<u64>,
    /// Link events that the caller will report.
    reports: BinaryHeap<Reverse<(u64, bool)>>,
    drops_seen: u64,
    /// Notifications that come again.
    replays: BinaryHeap<Reverse<(u64, Vec<u8>)>>,
    /// The carrier, where it takes several writes in one call.
    calls: Option<Calls>,
    /// When the host sleeps.
    sleeper: Option<Sleeper>,
    health_at: Option<(u64, bool)>,
    paused: bool,
    cancelled: bool,
    down_for_ever: bool,
    /// When the session last moved on, ms, and where it stood then.
    moved_at: u64,
    stood: (u32, u64, u32),
    bound_ms: u64,
    pub steps: u64,
    spins: u32,
    watch: verdict::Watch,
    /// Look at the device between the steps.
    closely: bool,
    looked_at: u64,
    trace: bool,
}

/// Runs a seed. `buffer` holds 64 KiB.
pub fn run(plan: &Plan, buffer: &mut [u8], trace: bool) -> Verdict {
    let verdict = run_once(plan, buffer, trace, false);
    if verdict.is_wrong() && !trace {
        // A device may change after the session has said what was true. The same run again, watched closely, tells.
        return run_once(plan, buffer, trace, true);
    }
    verdict
}

fn run_once(plan: &Plan, buffer: &mut [u8], trace: bool, closely: bool) -> Verdict {
    let mut run = Run::new(plan, buffer, trace, closely);
    if trace {
        trace::plan(plan);
    }
    let mut end = run.operate(plan.update);
    if plan.caller.again && !matches!(end, End::Done | End::Hung(_)) && !run.down_for_ever {
        let verdict = run.judge(&end, &plan.update);
        if verdict.is_wrong() {
            return verdict;
        }
        let options = UpdateOptions::default();
        run.bound_ms = Plan { update: options, ..plan.clone() }.bound_ms();
        end = run.operate(options);
        return run.judge(&end, &options);
    }
    run.judge(&end, &plan.update)
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, buffer: &'a mut [u8], trace: bool, closely: bool) -> Run<'a> {
        let scenario = &plan.scenario;
        let goals = plan.goals();
        let mut link = scenario.build();
        let device = link.device_mut();
        if plan.installed {
            device.install(goals[0].bytes()).ok();
        }
        let first = goals[0].bytes();
        match plan.other {
            Other::Nothing => {}
            Other::Same => device.preload(0, first),
            Other::Half => device.preload(0, &first[..first.len() / 2]),
            Other::Damaged => {
                let mut damaged = first.to_vec();
                damaged[34] ^= 0x40;
                device.preload(0, &damaged);
            }
            Other::Another => device.preload(0, &image::make((1, 7, 7), 2_000, plan.seed ^ 0x3333)),
        }
        if let Some(exhibit) = &plan.exhibit {
            exhibit.prepare(device);
        }
        Run {
            session: Session::open(plan.session).expect("valid options"),
            watch: verdict::Watch::default(),
            closely,
            looked_at: 0,
            link,
            goals,
            now_us: 0,
            rng: Rng::stream(plan.seed, 2_000),
            buffer,
            up_at: None,
            reports: BinaryHeap::new(),
            drops_seen: 0,
            replays: BinaryHeap::new(),
            calls: plan.batched.then(|| Calls::new(plan.seed)),
            sleeper: plan.caller.sleeps.then(|| Sleeper::new(plan.seed)),
            health_at: None,
            paused: false,
            cancelled: false,
            down_for_ever: false,
            moved_at: 0,
            stood: (0, 0, 0),
            bound_ms: plan.bound_ms(),
            steps: 0,
            spins: 0,
            trace,
            plan,
        }
    }

    fn now_ms(&self) -> u64 {
        self.now_us / 1_000
    }

    /// The firmware as a file would give it.
    fn firmware(&self) -> Firmware {
        if let Some(exhibit) = &self.plan.exhibit {
            return Firmware::parse(exhibit.file.clone()).expect("a file of the field");
        }
        let parse = |goal: &Goal| Firmware::parse(goal.bytes().to_vec()).expect("an image of the simulator");
        let mut firmware = parse(&self.goals[0]);
        if let Some(second) = self.goals.get(1) {
            let mut second = parse(second);
            second.images[0].image_number = 1;
            firmware.images.append(&mut second.images);
        }
        firmware
    }

    /// One update from start to end.
    fn operate(&mut self, options: UpdateOptions) -> End {
        // What the operation before was told it has no use of.
        self.watch.lists = lists::Lists::default();
        self.session.start_update(Arc::new(self.firmware()), options).expect("valid options");
        self.moved_at = self.now_ms();
        loop {
            if let Some(end) = self.step() {
                return end;
            }
        }
    }

    fn step(&mut self) -> Option<End> {
        self.steps += 1;
        if let Some(end) = self.send() {
            return Some(end);
        }
        if let Some(end) = self.check_moving() {
            return Some(end);
        }
        if self.session.deadline().is_some_and(|at| at <= self.now_ms()) {
            self.spins += 1;
            if self.spins > MOST_SPINS {
                return Some(End::Hung("it asks to be called at once and does nothing"));
            }
        } else {
            self.spins = 0;
        }
        let Some(next) = self.next_instant() else { return Some(End::Hung("nothing to wait for")) };
        let lag = if self.plan.caller.lag_us > 0 { self.rng.below(self.plan.caller.lag_us) } else { 0 };
        let until = next.max(self.now_us) + lag;
        if self.closely {
            self.look_until(until);
        }
        self.now_us = until;
        if let Some(nap) = self.sleeper.as_mut().and_then(Sleeper::nap) {
            self.now_us += nap.us;
            // What it sleeps is no time in which it could move on.
            self.moved_at += nap.us / 1_000;
            if nap.asks_first
                && let Some(end) = self.send()
            {
                return Some(end);
            }
        }
        self.act();
        self.receive();
        None
    }

    /// Goes to that time step by step, and sees what the device holds at each.
    fn look_until(&mut self, until: u64) {
        let up = self.up_at.is_none() && !self.down_for_ever;
        while let Some(at) = self.link.next_event().filter(|at| *at <= until) {
            // What has arrived stands still until it is read; the device does not.
            let at = at.max(self.looked_at + 1_000).min(until);
            self.looked_at = at;
            // Tells the link what it knows: its clock goes on.
            self.link.set_link(at, up);
            self.watch.look(&mut self.link, &self.goals, at);
            if at == until {
                break;
            }
        }
    }

    /// Hands over everything that the session has to send.
    fn send(&mut self) -> Option<End> {
        for _ in 0..MOST_CALLS {
            match self.session.next_frame(self.now_us / 1_000, self.buffer) {
                Ok(Next::Write(length)) => {
                    let write = &self.buffer[..length];
                    if self.trace {
                        trace::bytes(self.now_us, "->", write);
                    }
                    self.watch.sent(self.now_us, write);
                    match &mut self.calls {
                        Some(calls) => calls.add(self.session.delay_ms(), write),
                        None => self.link.write(self.now_us, write),
                    }
                }
                Ok(Next::Wait) => {
                    if let Some(calls) = &mut self.calls {
                        calls.make(self.now_us, self.session.expected().wait_ms);
                    }
                    return None;
                }
                Ok(Next::LinkReset) => {
                    if self.plan.caller.control != Control::Ignores && self.up_at.is_none() {
                        self.tell("link reset");
                        self.link.set_link(self.now_us, false);
                        self.report(self.now_us / 1_000, LinkEvent::Down);
                        self.up_at = Some(self.now_us + 1_000_000);
                    }
                }
                Ok(Next::HealthCheck) => {
                    if self.health_at.is_none() {
                        let wait = self.rng.below(20_000_000);
                        self.health_at = match self.plan.caller.health {
                            Health::Good => Some((self.now_us + wait, true)),
                            Health::Bad => Some((self.now_us + wait, false)),
                            Health::None => Some((u64::MAX, true)),
                        };
                    }
                    return None;
                }
                Ok(Next::Done) => return Some(End::Done),
                Err(failure) => return Some(End::Failed(failure)),
            }
        }
        Some(End::Hung("it never stops sending"))
    }

    /// Ends the run when the session has not moved on for too long.
    fn check_moving(&mut self) -> Option<End> {
        if !self.steps.is_multiple_of(16) {
            return None;
        }
        let now = self.now_ms();
        let progress = self.session.progress(now);
        let stands = (progress.phase as u32, progress.bytes_acknowledged, progress.image_index);
        if stands != self.stood {
            self.stood = stands;
            self.moved_at = now;
        }
        if now.saturating_sub(self.moved_at) > self.bound_ms {
            return Some(End::Hung("it does not move on"));
        }
        let slept = self.sleeper.as_ref().map_or(0, |sleeper| sleeper.slept_us / 1_000);
        if now - slept > LONGEST_MS || self.steps > 20_000_000 {
            return Some(End::Hung("it goes on and on"));
        }
        None
    }

    /// When something next happens to the caller.
    fn next_instant(&self) -> Option<u64> {
        let caller = &self.plan.caller;
        let pause = caller.pause.and_then(|(from, length)| {
            if self.paused { Some(from + length) } else { (self.now_us < from).then_some(from) }
        });
        [
            self.session.deadline().map(|ms| ms.saturating_mul(1_000).max(self.now_us + 1)),
            self.link.next_event(),
            self.up_at,
            self.reports.peek().map(|Reverse((at, _))| *at),
            self.replays.peek().map(|Reverse((at, _))| *at),
            self.calls.as_ref().and_then(Calls::next),
            self.health_at.map(|(at, _)| at).filter(|at| *at != u64::MAX),
            caller.cancel_at.filter(|_| !self.cancelled),
            caller.down_for_ever.filter(|_| !self.down_for_ever),
            pause,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What the caller does of its own accord.
    fn act(&mut self) {
        let (now, ms) = (self.now_us, self.now_us / 1_000);
        let caller = &self.plan.caller;
        if let Some(calls) = &mut self.calls {
            while let Some(write) = calls.write(now) {
                self.link.write(now, &write);
            }
            if calls.is_back(now) {
                self.session.call_returned(ms);
            }
        }
        if self.up_at.is_some_and(|at| at <= now) {
            self.up_at = None;
            if !self.down_for_ever {
                self.link.set_link(now, true);
                self.report(ms, LinkEvent::Up);
            }
        }
        if !self.down_for_ever && caller.down_for_ever.is_some_and(|at| at <= now) {
            self.tell("link down for ever");
            self.down_for_ever = true;
            self.link.set_link(now, false);
            if caller.control != Control::Ignores {
                self.report(ms, LinkEvent::Down);
            }
        }
        if caller.control == Control::Watches && self.link.counters().drops > self.drops_seen {
            self.drops_seen = self.link.counters().drops;
            let late = self.rng.below(3_000_000);
            self.reports.push(Reverse((now + late, false)));
            let up = now + late + self.rng.below(3_000_000) + self.plan.scenario.link.drop_for_us;
            self.reports.push(Reverse((up, true)));
        }
        while let Some(Reverse((_, up))) = self.reports.peek().filter(|r| r.0.0 <= now).copied() {
            self.reports.pop();
            if !self.down_for_ever {
                self.tell(if up { "reported up" } else { "reported down" });
                self.report(ms, if up { LinkEvent::Up } else { LinkEvent::Down });
            }
        }
        if caller.false_links > 0.0 && self.rng.chance(caller.false_links) && !self.down_for_ever {
            match self.rng.below(3) {
                0 => self.report(ms, LinkEvent::Up),
                1 => self.report(ms, LinkEvent::MaxWrite(self.plan.session.max_write)),
                _ => {
                    self.report(ms, LinkEvent::Down);
                    let up = now + self.rng.below(10_000_000);
                    self.reports.push(Reverse((up, true)));
                }
            }
        }
        if !self.cancelled && caller.cancel_at.is_some_and(|at| at <= now) {
            self.tell("cancelled");
            self.cancelled = true;
            self.session.cancel(ms);
        }
        if let Some((from, length)) = caller.pause {
            if !self.paused && from <= now && now < from + length {
                self.paused = self.session.pause(ms).is_ok();
            } else if self.paused && from + length <= now {
                self.paused = false;
                // A cancelled or ended operation has nothing to resume.
                self.session.resume(ms).ok();
                self.moved_at = ms;
            }
        }
        if let Some((at, healthy)) = self.health_at
            && at <= now
        {
            self.health_at = None;
            // Too late, or the operation was cancelled: then nobody waits for it any more.
            self.session.health(ms, healthy).ok();
        }
    }

    /// Feeds everything that has arrived.
    fn receive(&mut self) {
        let caller = &self.plan.caller;
        let mut merged = Vec::new();
        loop {
            let bytes = if self.replays.peek().is_some_and(|r| r.0.0 <= self.now_us) {
                self.replays.pop().map(|r| r.0.1)
            } else {
                None
            };
            let again = bytes.is_some();
            let Some(bytes) = bytes.or_else(|| self.link.read(self.now_us)) else { break };
            if self.trace {
                trace::bytes(self.now_us, if again { "<< again" } else { "<-" }, &bytes);
            }
            if !again && caller.replays > 0.0 && self.rng.chance(caller.replays) {
                let at = self.now_us + self.rng.below(120_000_000);
                self.replays.push(Reverse((at, bytes.clone())));
            }
            self.watch.received(&bytes);
            // Serial recovery shows what lies in the slots; that it runs only the application shows.
            let device = self.link.device();
            if !device.options().recovery || device.counters().boots > 0 {
                self.watch.lists.received(&bytes);
            }
            match caller.pieces {
                Pieces::Whole => self.session.feed(self.now_us / 1_000, &bytes),
                Pieces::Merged => merged.extend_from_slice(&bytes),
                Pieces::Split => {
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        let cut = self.rng.between(1, rest.len() as u64) as usize;
                        self.session.feed(self.now_us / 1_000, &rest[..cut]);
                        rest = &rest[cut..];
                    }
                }
            }
        }
        if !merged.is_empty() {
            self.session.feed(self.now_us / 1_000, &merged);
        }
        if caller.garbage > 0.0 && self.rng.chance(caller.garbage) {
            self.feed_garbage();
        }
    }

    /// Bytes of nobody, or the answer to somebody else's request.
    fn feed_garbage(&mut self) {
        let mut bytes = vec![0; self.rng.between(1, 64) as usize];
        self.rng.fill(&mut bytes);
        if self.rng.chance(0.5) {
            // Another client's upload, at an offset of its own.
            bytes = vec![3, 0, 0, 9, 0, 1, bytes[0], 1, 0xbf, 0x63, b'o', b'f', b'f', 0x19, 0, 0, 0xff];
            let off = self.rng.below(0x1_0000) as u16;
            bytes[14..16].copy_from_slice(&off.to_be_bytes());
        }
        if self.trace {
            trace::bytes(self.now_us, "<< garbage", &bytes);
        }
        self.session.feed(self.now_us / 1_000, &bytes);
    }

    /// Tells the session of the link. Half a frame does not outlive a connection.
    fn report(&mut self, ms: u64, event: LinkEvent) {
        if matches!(event, LinkEvent::Up | LinkEvent::Down) {
            self.watch.lists.cut();
        }
        self.session.link(ms, event);
    }

    fn tell(&self, what: &str) {
        if self.trace {
            println!("{:>12.3} {what}", self.now_us as f64 / 1e6);
        }
    }

    fn judge(&mut self, end: &End, options: &UpdateOptions) -> Verdict {
        let verdict = verdict::judge(self, end, options);
        if self.trace {
            while let Some(event) = self.session.next_event() {
                println!("event {event:?}");
            }
            println!("{end:?}\n{:#}\n{verdict:?}", self.link.describe());
            println!("{:?} {:?}", self.session.progress(self.now_ms()), self.session.counters());
            for goal in &self.goals {
                for slot in 0..2 {
                    let (held, meant) = (self.link.device().slot_bytes(goal.number(), slot), goal.bytes());
                    let differs = |n: &usize| held.get(*n) != Some(&meant[*n]);
                    let wrong: Vec<usize> = (0..meant.len()).filter(differs).collect();
                    if let (Some(first), Some(last)) = (wrong.first(), wrong.last()) {
                        println!(
                            "image {} slot {slot}: {} bytes differ, {first} to {last}",
                            goal.number(),
                            wrong.len()
                        );
                    }
                }
            }
        }
        verdict
    }
}
