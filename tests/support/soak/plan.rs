//! What one run of the soak does: everything follows from its seed.

use smpfota::simulator::rng::Rng;
use smpfota::simulator::{BootMode, Fault, Scenario, Transport, image};
use smpfota::{Framing, Reassembly, SessionOptions, SmpVersion, UpdateMode, UpdateOptions};

use super::exhibit::Exhibit;
use super::goal::Goal;
use super::{asleep, calls};

/// What the caller does about the device link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Drops the link when asked to, and brings it up a second later.
    Obeys,
    /// Can neither see nor drop it.
    Ignores,
    /// Obeys, and reports every drop of the link a little later.
    Watches,
}

/// How notifications reach `feed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pieces {
    Whole,
    /// Cut anywhere.
    Split,
    /// Everything that has arrived in one call.
    Merged,
}

/// The caller's word on the new image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Good,
    Bad,
    /// It never comes.
    None,
}

/// What lies in the other slot before the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    Nothing,
    /// The very image.
    Same,
    /// Its first half.
    Half,
    /// The image with one byte of its body changed.
    Damaged,
    /// Another image.
    Another,
}

/// How the caller behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    pub control: Control,
    /// It comes up to this much later than it was asked to, µs.
    pub lag_us: u64,
    pub pieces: Pieces,
    /// Share of steps in which bytes arrive that nobody sent.
    pub garbage: f64,
    /// Share of notifications that come again later.
    pub replays: f64,
    /// Share of steps in which a link event is reported that did not happen.
    pub false_links: f64,
    /// The link goes down at this time and never comes up again, µs.
    pub down_for_ever: Option<u64>,
    pub cancel_at: Option<u64>,
    /// From and for how long, µs.
    pub pause: Option<(u64, u64)>,
    pub health: Health,
    /// The host sleeps now and then, from a minute to three days.
    pub sleeps: bool,
    /// After an end that is not `Done` the same session is asked once more, with default options.
    pub again: bool,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub seed: u64,
    pub scenario: Scenario,
    pub session: SessionOptions,
    /// The carrier takes several writes in one call.
    pub batched: bool,
    pub update: UpdateOptions,
    pub caller: Caller,
    pub other: Other,
    /// The new image runs already.
    pub installed: bool,
    /// A package of two images, for a device with two.
    pub two_images: bool,
    /// A device of the field in place of an ordinary one.
    pub exhibit: Option<Exhibit>,
}

pub fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

impl Plan {
    pub fn new(seed: u64) -> Plan {
        let mut rng = Rng::stream(seed, 1_000);
        let mut scenario = Scenario::random(seed);
        let two_images = rng.chance(0.05) && !scenario.device.boot_mode.picks_slot();
        if two_images {
            scenario.device.images = 2;
            // The list of four slots does not fit 384 bytes.
            scenario.device.buf_size = scenario.device.buf_size.max(1_024);
        }
        let framing = match rng.below(20) {
            0 => Framing::Serial,
            _ => Framing::Raw,
        };
        if framing == Framing::Serial {
            scenario.device.transport = Transport::Serial;
            scenario.device.console_noise = rng.chance(0.5);
        } else if rng.chance(0.05) {
            scenario.device.transport = Transport::Udp;
        }
        let mut session = session_options(&scenario, framing, &mut rng);
        let batched = framing == Framing::Raw && calls::draw(seed, &mut session);
        let update = update_options(&mut rng);
        let caller = Caller { sleeps: asleep::draw(seed), ..caller(&mut rng) };
        let other = match rng.below(20) {
            0 => Other::Same,
            1 => Other::Half,
            2 => Other::Damaged,
            3 => Other::Another,
            _ => Other::Nothing,
        };
        Plan {
            seed,
            session,
            batched,
            update,
            caller,
            other,
            installed: !two_images && rng.chance(0.03),
            two_images,
            exhibit: None,
            scenario,
        }
    }

    /// As [`new`](Self::new), but this share of all seeds gets a device of the field.
    pub fn drawn(seed: u64, field: f64) -> Plan {
        let mut rng = Rng::stream(seed, 7_000);
        let mut plan = Plan::new(seed);
        if rng.chance(field) {
            Exhibit::draw(&mut plan, &mut rng);
        }
        plan
    }

    /// Where the update shall bring the device.
    pub fn goals(&self) -> Vec<Goal> {
        if let Some(exhibit) = &self.exhibit {
            return exhibit.goals.clone();
        }
        let mut goals = vec![Goal::Runs { number: 0, bytes: self.scenario.image() }];
        if self.two_images {
            let bytes = image::make(self.scenario.image_version, 3_000, self.seed ^ 0x2222);
            goals.push(Goal::Runs { number: 1, bytes });
        }
        goals
    }

    /// The device can show whether this goal is reached.
    pub fn can_tell(&self, goal: &Goal) -> bool {
        self.exhibit.as_ref().is_none_or(|exhibit| exhibit.can_tell(&self.scenario.device, goal))
    }

    /// The name of the kind of device.
    pub fn kind(&self) -> &'static str {
        match &self.exhibit {
            Some(exhibit) => exhibit.kind.name(),
            None if self.two_images => "two images",
            None => match self.scenario.device.boot_mode {
                BootMode::SwapMove | BootMode::SwapScratch | BootMode::SwapOffset => "swap",
                BootMode::OverwriteOnly => "overwrite",
                BootMode::DirectXip => "direct XIP",
                BootMode::DirectXipRevert => "direct XIP with revert",
                BootMode::RamLoad => "RAM load",
                BootMode::Single => "single slot",
                BootMode::FirmwareLoader => "firmware loader",
            },
        }
    }

    /// Nothing on the way, in the device or in the caller is out of the ordinary, so the update has to succeed unless
    /// its options or the bootloader's rules forbid it.
    pub fn is_harmless(&self) -> bool {
        let link = &self.scenario.link;
        let quiet = *link == link.without_faults() && self.scenario.fault == Fault::None;
        let caller = &self.caller;
        let session = SessionOptions::default();
        quiet
            && self.scenario.device.fail_write_at.is_none()
            && self.update.deadline_ms == 0
            && caller.garbage + caller.replays + caller.false_links == 0.0
            && caller.cancel_at.is_none()
            && caller.down_for_ever.is_none()
            && caller.health == Health::Good
            && self.session.max_write >= 128
            && (self.session.max_frame == 0 || self.session.max_frame >= 128)
            && self.session.reassembly != Reassembly::Yes
            && self.session.first_timeout_ms >= session.first_timeout_ms
            && self.session.last_timeout_ms >= session.last_timeout_ms
            && self.session.stall_timeout_ms >= session.stall_timeout_ms
            && self.session.retries >= session.retries
            && caller.lag_us < 1_000_000
            && !(caller.sleeps && asleep::counts_in_full(self.update.swap_timeout_ms))
            && !self.batched
    }

    /// How long a session may go without ending, changing its phase or getting a byte acknowledged, in virtual
    /// milliseconds.
    ///
    /// The stated bound of "hung": the longest phase without bytes is the discovery with five requests, each sent up
    /// to `retries` times with a time-out that doubles up to eight times its start. The start is at most the largest
    /// of a minute (the limit of the measured time-out), an erase's 75 s, and `timeout_ms`. Besides, the stall limit
    /// of an upload, the time the swap and the health check may take, three times over, and the caller's own lag.
    pub fn bound_ms(&self) -> u64 {
        let session = &self.session;
        let attempts = u64::from(session.retries.max(6));
        let start = u64::from(session.timeout_ms.max(75_000));
        let request = start * (attempts * 8);
        let stall = u64::from(session.stall_timeout_ms)
            .max(u64::from(session.first_timeout_ms) * attempts)
            .max(u64::from(session.last_timeout_ms) * 2);
        let swap = u64::from(self.update.swap_timeout_ms) + u64::from(self.update.swap_estimate_ms);
        let pause = self.caller.pause.map_or(0, |(_, length)| length / 1_000);
        let ordinary =
            5 * request + stall + 3 * swap + u64::from(self.update.health_timeout_ms) + pause + 3_600_000;
        let lag = self.caller.lag_us / 1_000;
        match u64::from(self.update.deadline_ms) {
            0 => ordinary + lag * 1_000,
            deadline => ordinary.min(deadline + pause + lag + 1_000),
        }
    }
}

fn session_options(scenario: &Scenario, framing: Framing, rng: &mut Rng) -> SessionOptions {
    let mut options = SessionOptions { framing, nonce: rng.next_u64() as u32, ..SessionOptions::default() };
    if scenario.device.transport == Transport::Udp {
        options.max_write = pick(rng, &[244, 384, 1_024, 1_472]);
    }
    // Half of the runs change nothing else: what most callers do.
    if rng.chance(0.5) {
        return options;
    }
    let mut seldom = |share: f64| rng.chance(share);
    let (write, frame, window, version, hint, first, last, floor, retries, stall, pace, join) = (
        seldom(0.2),
        seldom(0.2),
        seldom(0.3),
        seldom(0.2),
        seldom(0.3),
        seldom(0.1),
        seldom(0.1),
        seldom(0.2),
        seldom(0.2),
        seldom(0.1),
        seldom(0.1),
        seldom(0.2),
    );
    if write {
        options.max_write = pick(rng, &[20, 64, 100, 128, 182, 200, 243, 244, 252, 495]);
    }
    if frame {
        options.max_frame = pick(rng, &[32, 96, 128, 160, 244, 256, 384, 1_024, 2_475]);
    }
    if window {
        options.window = rng.between(1, 16) as u32;
    }
    if version {
        options.smp_version = pick(rng, &[SmpVersion::V1, SmpVersion::V2]);
    }
    if hint {
        options.rtt_hint_ms = pick(rng, &[1, 50, 300, 2_000, 20_000]);
    }
    if first {
        options.first_timeout_ms = pick(rng, &[500, 5_000, 20_000, 90_000]);
    }
    if last {
        options.last_timeout_ms = pick(rng, &[500, 5_000, 60_000]);
    }
    if floor {
        options.timeout_ms = pick(rng, &[1, 50, 1_000, 5_000]);
    }
    if retries {
        options.retries = rng.between(1, 12) as u32;
    }
    if stall {
        options.stall_timeout_ms = pick(rng, &[5_000, 30_000, 300_000]);
    }
    if pace {
        options.write_interval_ms = pick(rng, &[1, 20, 100, 1_000]);
    }
    if join {
        options.reassembly = pick(rng, &[Reassembly::Yes, Reassembly::No]);
    }
    options
}

fn update_options(rng: &mut Rng) -> UpdateOptions {
    let mode = pick(
        rng,
        &[
            UpdateMode::TestAndConfirm,
            UpdateMode::TestAndConfirm,
            UpdateMode::TestAndConfirm,
            UpdateMode::TestOnly,
            UpdateMode::ConfirmAtOnce,
            UpdateMode::UploadOnly,
        ],
    );
    UpdateOptions {
        mode,
        erase_first: rng.chance(0.15),
        upgrade_only: rng.chance(0.15),
        health_check: rng.chance(0.2) && mode == UpdateMode::TestAndConfirm,
        force_upload: rng.chance(0.1),
        swap_estimate_ms: if rng.chance(0.2) { rng.between(0, 30_000) as u32 } else { 0 },
        swap_timeout_ms: if rng.chance(0.1) { rng.between(30_000, 200_000) as u32 } else { 300_000 },
        slot_size: if rng.chance(0.05) { rng.between(4_096, 0x8000) as u32 } else { 0 },
        health_timeout_ms: if rng.chance(0.2) { 30_000 } else { 600_000 },
        deadline_ms: if rng.chance(0.05) { rng.between(1_000, 600_000) as u32 } else { 0 },
        ..UpdateOptions::default()
    }
}

fn caller(rng: &mut Rng) -> Caller {
    let mut caller = Caller {
        control: pick(rng, &[Control::Obeys, Control::Ignores, Control::Watches]),
        lag_us: 0,
        pieces: pick(rng, &[Pieces::Whole, Pieces::Whole, Pieces::Split, Pieces::Merged]),
        garbage: 0.0,
        replays: 0.0,
        false_links: 0.0,
        down_for_ever: None,
        cancel_at: None,
        pause: None,
        health: Health::Good,
        sleeps: false,
        again: rng.chance(0.2),
    };
    if rng.chance(0.2) {
        caller.lag_us = pick(rng, &[10_000, 200_000, 2_000_000, 20_000_000]);
    }
    if rng.chance(0.1) {
        caller.garbage = pick(rng, &[0.002, 0.02]);
    }
    if rng.chance(0.1) {
        caller.replays = pick(rng, &[0.01, 0.1]);
    }
    if rng.chance(0.05) {
        caller.false_links = 0.003;
    }
    if rng.chance(0.01) {
        caller.down_for_ever = Some(rng.below(60_000_000));
    }
    if rng.chance(0.03) {
        caller.cancel_at = Some(rng.below(60_000_000));
    }
    if rng.chance(0.05) {
        caller.pause = Some((rng.below(60_000_000), rng.below(600_000_000)));
    }
    if rng.chance(0.1) {
        caller.health = pick(rng, &[Health::Bad, Health::None]);
    }
    caller
}

/// Whether the bootloader would start this image at all.
pub fn would_boot(plan: &Plan) -> bool {
    let device = &plan.scenario.device;
    match device.boot_mode {
        BootMode::DirectXip | BootMode::DirectXipRevert | BootMode::RamLoad => {
            plan.scenario.image_version.compare(&device.version).is_gt()
        }
        _ => true,
    }
}
