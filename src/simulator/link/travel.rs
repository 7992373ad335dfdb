//! What happens to a frame on its way: delay, loss, copies, the gateway, the last hop, and link drops.

use std::cmp::Reverse;

use super::super::device::Transport;
use super::batch::Batch;
use super::gateway::Act;
use super::{Event, Place, VirtualLink};

/// An hour.
const LONG_SILENCE_US: u64 = 3_600_000_000;

impl VirtualLink {
    /// Runs link and device up to this time.
    pub(super) fn pump(&mut self, now: u64) {
        if !self.begun {
            // Link drops are planned from the first time that is told.
            self.begun = true;
            self.plan_drop(now);
        }
        loop {
            let travelling = self.events.peek().map_or(u64::MAX, |Reverse(event)| event.at);
            let inside = self.device.next_event().unwrap_or(u64::MAX);
            let restored = if self.dropped_until > self.now { self.dropped_until } else { u64::MAX };
            let at = travelling.min(inside).min(self.next_drop).min(restored);
            if at > now || at == u64::MAX {
                break;
            }
            self.now = self.now.max(at);
            let idle = travelling == u64::MAX && inside == u64::MAX;
            if self.next_drop == at && idle && now - at > LONG_SILENCE_US {
                // Nothing is on its way: the drops of a long silence are not made up for.
                self.plan_drop(now);
            } else if self.next_drop == at {
                self.drop_link(at);
            } else if restored == at {
                if self.caller_up {
                    self.device.link_up(at);
                }
            } else if inside == at {
                self.collect(at);
            } else if let Some(Reverse(event)) = self.events.pop() {
                self.arrive(event);
            }
        }
        self.now = self.now.max(now);
    }

    /// The link goes away unannounced, with everything in flight.
    pub(super) fn drop_link(&mut self, at: u64) {
        self.counters.drops += 1;
        self.dropped_until = at.saturating_add(self.profile.drop_for_us);
        self.device.link_down(at);
        self.events.clear();
        self.plan_drop(self.dropped_until);
    }

    pub(super) fn launch_down(&mut self, at: u64, mut batch: Batch) {
        self.counters.frames_down += 1;
        self.counters.bytes_down += batch.len() as u64;
        let mut arrival = self.down.arrival(at);
        if self.faulty {
            let rng = &mut self.down.faults;
            let lost = rng.chance(self.profile.loss_down);
            let copied = rng.chance(self.profile.duplicate);
            let held = rng.chance(self.profile.reorder);
            let cut = rng.chance(self.profile.truncate);
            let (spread, bytes) = (rng.unit(), rng.between(1, 8) as usize);
            let fragments = self.profile.fragment_loss;
            let mut passes = true;
            if fragments > 0.0 && !batch.rest.is_empty() {
                let rng = &mut self.down.faults;
                passes = batch.retain(|_| !rng.chance(fragments));
            }
            if lost || !passes {
                self.counters.lost_down += 1;
                return;
            }
            if cut {
                self.counters.truncated += 1;
                let last = batch.rest.last_mut().unwrap_or(&mut batch.first);
                last.truncate(last.len().saturating_sub(bytes).max(1));
            }
            let extra = (self.profile.round_trip.typical_us() as f64 * (0.5 + spread)) as u64;
            if copied {
                self.counters.duplicated += 1;
                self.push(arrival.saturating_add(extra), Place::Gateway, batch.clone(), false);
            }
            if held {
                self.counters.reordered += 1;
                arrival = arrival.saturating_add(extra);
            }
        }
        self.push(arrival, Place::Gateway, batch, false);
    }

    pub(super) fn launch_up(&mut self, at: u64, batch: Batch) {
        self.counters.frames_up += 1;
        if !self.gateway.is_idle() {
            self.gateway.up(&batch, &self.device, &mut self.acts);
            self.run_acts(at);
        }
        let carried = self.up.hop(at, batch.len(), &self.profile, 0);
        let mut arrival = self.up.arrival(carried);
        if self.faulty {
            let rng = &mut self.up.faults;
            let lost = rng.chance(self.profile.loss_up);
            let copied = rng.chance(self.profile.duplicate);
            let held = rng.chance(self.profile.reorder);
            let spread = rng.unit();
            if lost {
                self.counters.lost_up += 1;
                return;
            }
            let extra = (self.profile.round_trip.typical_us() as f64 * (0.5 + spread)) as u64;
            if copied {
                self.counters.duplicated += 1;
                self.push(arrival.saturating_add(extra), Place::Client, batch.clone(), false);
            }
            if held {
                self.counters.reordered += 1;
                arrival = arrival.saturating_add(extra);
            }
        }
        self.push(arrival, Place::Client, batch, false);
    }

    pub(super) fn arrive(&mut self, event: Event) {
        let Event { at, place, mut batch, copy, .. } = event;
        match place {
            Place::Gateway => {
                if !self.is_up() {
                    self.counters.lost_down += 1;
                    return;
                }
                if !copy && !self.gateway.is_idle() {
                    let passes = self.gateway.down(&mut batch, &self.device, &mut self.acts);
                    self.run_acts(at);
                    if !passes {
                        return;
                    }
                }
                let operations = self.profile.operation_us * (1 + batch.rest.len() as u64);
                let carried = self.down.hop(at, batch.len(), &self.profile, operations);
                if carried == at {
                    self.deliver(at, batch)
                } else {
                    self.push(carried, Place::Device, batch, true)
                }
            }
            Place::Device if self.is_up() => self.deliver(at, batch),
            Place::Device => self.counters.lost_down += 1,
            Place::Client => {
                self.inbox.push_back((at, batch.first));
                self.inbox.extend(batch.rest.into_iter().map(|piece| (at, piece)));
            }
        }
    }

    pub(super) fn deliver(&mut self, at: u64, batch: Batch) {
        for write in batch.writes() {
            self.device.write(at, write);
        }
        if !self.gateway.is_idle() {
            self.gateway.after(at, &mut self.device);
        }
        let Batch { mut first, .. } = batch;
        if self.spare.len() < 16 {
            first.clear();
            self.spare.push(first);
        }
    }

    /// What the device has sent by now starts its way back.
    pub(super) fn collect(&mut self, at: u64) {
        let lines = self.device.options().transport == Transport::Serial;
        while let Some((sent, piece)) = self.device.poll_timed(at) {
            for (since, batch) in self.gather_up.push(sent, piece, lines).into_iter().flatten() {
                self.launch_up(since, batch);
            }
        }
        if let Some((since, batch)) = self.gather_up.flush() {
            self.launch_up(since, batch);
        }
    }

    pub(super) fn run_acts(&mut self, at: u64) {
        for act in std::mem::take(&mut self.acts) {
            match act {
                Act::ToDevice(wait, batch) => self.push(at.saturating_add(wait), Place::Gateway, batch, true),
                Act::ToClient(wait, batch) => {
                    let arrival = self
                        .up
                        .latest
                        .max(at.saturating_add(wait + self.profile.round_trip.typical_us() / 2));
                    self.push(arrival, Place::Client, batch, true);
                }
            }
        }
    }
}
