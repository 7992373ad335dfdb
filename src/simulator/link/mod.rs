//! The virtual link in front of a device: cloud, gateway and radio in virtual microseconds.
//!
//! A frame to the device waits its drawn delay in the cloud (first in, first out), then the last hop carries it at
//! the stated bandwidth; an answer goes the other way round. Losses, copies and reordering come from a random stream
//! of their own, so that the k-th frame has the same delay whether or not anything goes wrong before it.

mod batch;
mod calls;
mod delay;
mod describe;
mod fault;
mod gateway;
mod limit;
mod oracle;
mod profile;
mod scenario;
mod travel;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

pub use calls::{CallProfile, CallReturn, CallWrite, VirtualCalls};
pub use delay::RoundTrip;
pub use fault::{FRAME_CEILING, Fault, TRUNCATE_FROM};
pub use limit::{fewest_frames, physical_limit_us};
pub use oracle::{ideal_course, ideal_time_for, ideal_time_us};
pub use profile::{LinkKind, LinkProfile};
pub use scenario::Scenario;

use super::device::{Transport, VirtualDevice};
use super::rng::Rng;
use batch::{Batch, Gather};
use delay::Delays;
use gateway::{Act, Gateway};

/// What the link has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames that the client handed over.
    pub frames_down: u64,
    /// Bytes of those.
    pub bytes_down: u64,
    /// Frames that the device sent.
    pub frames_up: u64,
    /// Frames lost on the way to the device.
    pub lost_down: u64,
    /// Frames lost on the way to the client.
    pub lost_up: u64,
    /// Second copies.
    pub duplicated: u64,
    /// Frames that were held back.
    pub reordered: u64,
    /// Writes that lost bytes.
    pub truncated: u64,
    /// Unannounced link drops.
    pub drops: u64,
    /// Times the fault script did something.
    pub fault_acts: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Arrived at the gateway from the cloud.
    Gateway,
    /// Through the last hop.
    Device,
    /// Back at the client.
    Client,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    at: u64,
    number: u64,
    place: Place,
    batch: Batch,
    /// A copy made by a fault script, which it does not look at again.
    copy: bool,
}

impl Ord for Event {
    fn cmp(&self, other: &Event) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// One direction.
#[derive(Debug, Clone)]
struct Way {
    delays: Delays,
    faults: Rng,
    latest: u64,
    hop_free: u64,
}

impl Way {
    fn new(profile: &LinkProfile, seed: u64, number: u64) -> Way {
        Way {
            delays: Delays::new(profile.round_trip, Rng::stream(seed, number)),
            faults: Rng::stream(seed, number + 1),
            latest: 0,
            hop_free: 0,
        }
    }

    /// When a frame that starts now arrives: never before one that started earlier.
    fn arrival(&mut self, at: u64) -> u64 {
        self.latest = self.latest.max(at.saturating_add(self.delays.draw()));
        self.latest
    }

    /// When the last hop has carried this frame, which stands ready at this time. The stated round trip includes
    /// the carrying of one full write; what is longer takes longer, and frames queue for the bandwidth.
    fn hop(&mut self, at: u64, bytes: usize, profile: &LinkProfile, operation_us: u64) -> u64 {
        let time = |bytes: usize| (bytes as u64 * 1_000_000).checked_div(profile.bandwidth).unwrap_or(0);
        let included = bytes.min(profile.max_write as usize);
        let queued = self.hop_free.saturating_add(time(bytes).max(operation_us));
        self.hop_free = at.saturating_add(time(bytes - included)).max(queued);
        self.hop_free
    }
}

/// A carrier and a gateway in front of a virtual device. Times are microseconds and must not go back.
#[derive(Debug, Clone)]
pub struct VirtualLink {
    profile: LinkProfile,
    device: VirtualDevice,
    now: u64,
    /// Somebody has told the time.
    begun: bool,
    events: BinaryHeap<Reverse<Event>>,
    number: u64,
    down: Way,
    up: Way,
    faulty: bool,
    drops: Rng,
    next_drop: u64,
    dropped_until: u64,
    caller_up: bool,
    gather_down: Gather,
    gather_up: Gather,
    gateway: Gateway,
    acts: Vec<Act>,
    inbox: VecDeque<(u64, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    counters: LinkCounters,
}

impl VirtualLink {
    /// A link with these numbers and this fault in front of a device; everything random comes from the seed.
    pub fn new(profile: LinkProfile, fault: Fault, seed: u64, device: VirtualDevice) -> VirtualLink {
        VirtualLink {
            down: Way::new(&profile, seed, 10),
            up: Way::new(&profile, seed, 20),
            faulty: profile.has_faults(),
            drops: Rng::stream(seed, 30),
            gateway: Gateway::new(fault, Rng::stream(seed, 40), profile.round_trip.typical_us()),
            profile,
            device,
            now: 0,
            begun: false,
            events: BinaryHeap::new(),
            number: 0,
            next_drop: u64::MAX,
            dropped_until: 0,
            caller_up: true,
            gather_down: Gather::default(),
            gather_up: Gather::default(),
            acts: Vec::new(),
            inbox: VecDeque::new(),
            spare: Vec::new(),
            counters: LinkCounters::default(),
        }
    }

    fn plan_drop(&mut self, from: u64) {
        if self.profile.drop_every_us > 0 {
            let wait = self.drops.exponential(self.profile.drop_every_us as f64);
            self.next_drop = from.saturating_add(wait as u64);
        }
    }

    /// One write of the client enters the link. Writes handed over at one instant that belong to one frame travel
    /// together.
    pub fn write(&mut self, now_us: u64, bytes: &[u8]) {
        self.pump(now_us);
        let mut write = self.spare.pop().unwrap_or_default();
        write.extend_from_slice(bytes);
        let lines = self.device.options().transport == Transport::Serial;
        for (at, batch) in self.gather_down.push(now_us, write, lines).into_iter().flatten() {
            self.launch_down(at, batch);
        }
    }

    /// The next notification that has arrived at the client by now.
    pub fn read(&mut self, now_us: u64) -> Option<Vec<u8>> {
        self.read_timed(now_us).map(|(_, bytes)| bytes)
    }

    /// As [`read`](Self::read), with the time of its arrival.
    pub fn read_timed(&mut self, now_us: u64) -> Option<(u64, Vec<u8>)> {
        if self.inbox.is_empty() {
            if let Some((at, batch)) = self.gather_down.flush() {
                self.launch_down(at, batch);
            }
            self.pump(now_us);
        }
        self.inbox.pop_front()
    }

    /// When something next happens: a frame arrives somewhere, or the device finishes something.
    pub fn next_event(&self) -> Option<u64> {
        let arrived = self.inbox.front().map(|(at, _)| *at);
        let travelling = self.events.peek().map(|Reverse(event)| event.at);
        [arrived, travelling, self.device.next_event(), self.gather_down.since()].into_iter().flatten().min()
    }

    /// The caller drops the device's link, or brings it up again.
    pub fn set_link(&mut self, now_us: u64, up: bool) {
        self.pump(now_us);
        if self.caller_up == up {
            return;
        }
        self.caller_up = up;
        if !up {
            self.device.link_down(now_us);
        } else if now_us >= self.dropped_until {
            self.device.link_up(now_us);
        }
    }

    /// The device behind the link.
    pub fn device(&self) -> &VirtualDevice {
        &self.device
    }

    /// The device behind the link, to change it.
    pub fn device_mut(&mut self) -> &mut VirtualDevice {
        &mut self.device
    }

    /// The link's numbers.
    pub fn profile(&self) -> &LinkProfile {
        &self.profile
    }

    /// The counters so far.
    pub fn counters(&self) -> LinkCounters {
        LinkCounters { fault_acts: self.gateway.acts, ..self.counters }
    }

    fn is_up(&self) -> bool {
        self.caller_up && self.now >= self.dropped_until
    }

    fn push(&mut self, at: u64, place: Place, batch: Batch, copy: bool) {
        self.number += 1;
        self.events.push(Reverse(Event { at, number: self.number, place, batch, copy }));
    }
}
