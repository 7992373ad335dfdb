//! A carrier that takes several writes in one call, as an IoT Hub direct method does: the call travels to the gateway, the
//! gateway makes the writes one after another and listens, and what it heard travels back as the answer of the call.
//!
//! Between the gateway and the device lies an ordinary [`VirtualLink`].

use super::super::rng::Rng;
use super::delay::Delays;
use super::{RoundTrip, VirtualLink};

/// The numbers of such a carrier. Probabilities are 0.0 to 1.0 and apply to one call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallProfile {
    /// Both ways of a call together, without what happens at the gateway.
    pub round_trip: RoundTrip,
    /// The least time that the gateway keeps between two writes, µs.
    pub gap_us: u64,
    /// The caller never learns what became of the call.
    pub lost: f64,
    /// Of the lost ones, so many are executed all the same.
    pub executed: f64,
    /// Of the executed lost ones, so many are executed only together with the next call.
    pub late: f64,
    /// The gateway executes the call a second time, together with the next one.
    pub twice: f64,
    /// When the caller gives up a call that does not return, µs after it would have.
    pub timeout_us: u64,
    /// The gateway takes no notice of the delays between the writes.
    pub at_once: bool,
}

impl CallProfile {
    /// Direct methods of an IoT Hub: 300 ms there and back, one in a hundred over 2 s, one in two hundred lost, and half of
    /// those executed.
    pub fn direct_method(gap_us: u64) -> CallProfile {
        CallProfile {
            round_trip: RoundTrip::Lognormal { p50_us: 300_000, p99_us: 2_000_000 },
            gap_us,
            lost: 0.005,
            executed: 0.5,
            late: 0.0,
            twice: 0.0,
            timeout_us: 5_000_000,
            at_once: false,
        }
    }
}

/// One write of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallWrite {
    /// The time after the write before it, µs; of the first one it means nothing.
    pub delay_us: u64,
    /// What is written.
    pub bytes: Vec<u8>,
}

/// How a call came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReturn {
    /// When the caller knew, µs.
    pub at_us: u64,
    /// What the gateway heard, with the time of each, µs after its first write; `None` when nobody knows what became of the
    /// call.
    pub answers: Option<Vec<(u64, Vec<u8>)>>,
}

/// The carrier. One call at a time; times are microseconds and must not go back.
#[derive(Debug, Clone)]
pub struct VirtualCalls {
    profile: CallProfile,
    link: VirtualLink,
    down: Delays,
    up: Delays,
    rng: Rng,
    /// Writes of earlier calls that are still to be made, with the time after the start of the next call.
    leftover: Vec<(u64, Vec<u8>)>,
    /// The latest time that the link was told.
    told: u64,
    calls: u64,
    writes: u64,
}

impl VirtualCalls {
    /// A carrier with these numbers in front of this link.
    pub fn new(profile: CallProfile, seed: u64, link: VirtualLink) -> VirtualCalls {
        VirtualCalls {
            down: Delays::new(profile.round_trip, Rng::stream(seed, 50)),
            up: Delays::new(profile.round_trip, Rng::stream(seed, 51)),
            rng: Rng::stream(seed, 52),
            profile,
            link,
            leftover: Vec::new(),
            told: 0,
            calls: 0,
            writes: 0,
        }
    }

    /// The link behind the gateway.
    pub fn link(&self) -> &VirtualLink {
        &self.link
    }

    /// The link behind the gateway, to change it.
    pub fn link_mut(&mut self) -> &mut VirtualLink {
        &mut self.link
    }

    /// How many calls were made, and how many writes they carried.
    pub fn counts(&self) -> (u64, u64) {
        (self.calls, self.writes)
    }

    /// Makes a call. The gateway listens until it has heard `expected` notifications, at most `wait_us` after its last write.
    pub fn call(&mut self, now_us: u64, writes: &[CallWrite], wait_us: u64, expected: usize) -> CallReturn {
        self.calls += 1;
        self.writes += writes.len() as u64;
        let (down, up) = (self.down.draw(), self.up.draw());
        let lost = self.rng.chance(self.profile.lost);
        let executed = !lost || self.rng.chance(self.profile.executed);
        let late = lost && executed && self.rng.chance(self.profile.late);
        let twice = self.rng.chance(self.profile.twice);
        let planned = self.plan(writes);
        let last = planned.last().map_or(0, |(at, _)| *at);
        let start = self.told.max(now_us.saturating_add(down));
        let mut due = std::mem::take(&mut self.leftover);
        if executed && !late {
            due.extend(planned.iter().cloned());
        }
        if late || (twice && executed) {
            self.leftover = planned;
        }
        due.sort_by_key(|(at, _)| *at);
        let heard = self.execute(start, due, start + last + wait_us, expected);
        let end = match heard.last() {
            Some((at, _)) if heard.len() >= expected && expected > 0 => (*at).max(start + last),
            _ => start + last + wait_us,
        };
        if lost {
            return CallReturn { at_us: (end + up).max(now_us + self.profile.timeout_us), answers: None };
        }
        let answers = heard.into_iter().map(|(at, bytes)| (at.saturating_sub(start), bytes)).collect();
        CallReturn { at_us: end + up, answers: Some(answers) }
    }

    /// When each write leaves, µs after the first one.
    fn plan(&self, writes: &[CallWrite]) -> Vec<(u64, Vec<u8>)> {
        let mut at = 0;
        let mut planned = Vec::with_capacity(writes.len());
        for (n, write) in writes.iter().enumerate() {
            let wanted = if self.profile.at_once { 0 } else { write.delay_us.max(self.profile.gap_us) };
            at += if n == 0 { 0 } else { wanted };
            planned.push((at, write.bytes.clone()));
        }
        planned
    }

    fn execute(
        &mut self,
        start: u64,
        due: Vec<(u64, Vec<u8>)>,
        until: u64,
        expected: usize,
    ) -> Vec<(u64, Vec<u8>)> {
        let mut heard = Vec::new();
        let mut due = due.into_iter().peekable();
        self.told = start;
        loop {
            while let Some(piece) = self.link.read_timed(self.told) {
                heard.push(piece);
            }
            let next_write = due.peek().map(|(at, _)| start + at);
            if next_write.is_none() && expected > 0 && heard.len() >= expected {
                return heard;
            }
            let next = [next_write, self.link.next_event()].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else {
                self.told = until;
                return heard;
            };
            self.told = self.told.max(next);
            while let Some((_, bytes)) = due.next_if(|(at, _)| start + at <= self.told) {
                self.link.write(self.told, &bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LinkKind, Scenario};
    use super::*;

    fn carrier(change: impl FnOnce(&mut CallProfile)) -> VirtualCalls {
        let mut profile = CallProfile::direct_method(10_000);
        profile.lost = 0.0;
        change(&mut profile);
        VirtualCalls::new(profile, 1, Scenario::new(LinkKind::None).build())
    }

    fn echoes(count: usize, delay_us: u64) -> Vec<CallWrite> {
        let echo = [2, 0, 0, 5, 0, 0, 9, 0, 0xa1, 0x61, b'd', 0x61, b'x'];
        vec![CallWrite { delay_us, bytes: echo.to_vec() }; count]
    }

    #[test]
    fn a_call_keeps_the_delays_and_brings_every_answer_with_its_time() {
        let mut calls = carrier(|_| ());
        let back = calls.call(0, &echoes(3, 50_000), 1_000_000, 3);
        let times: Vec<u64> = back.answers.expect("known").iter().map(|(at, _)| *at).collect();
        assert_eq!(times.len(), 3);
        assert!(times.windows(2).all(|pair| (45_000..55_000).contains(&(pair[1] - pair[0]))), "{times:?}");
        // The gateway does not listen longer than it has to.
        assert!(back.at_us < 1_000_000, "{}", back.at_us);
        let close = calls.call(back.at_us, &echoes(3, 0), 1_000_000, 3).answers.expect("known");
        assert!(close[2].0 - close[0].0 >= 20_000, "{close:?}");
    }

    #[test]
    fn a_lost_call_is_executed_or_not_and_nobody_knows() {
        let (mut executed, mut lost) = (0, 0);
        for seed in 0..40 {
            let profile = CallProfile { lost: 1.0, ..CallProfile::direct_method(0) };
            let mut calls = VirtualCalls::new(profile, seed, Scenario::new(LinkKind::None).build());
            let back = calls.call(0, &echoes(1, 0), 100_000, 1);
            assert!(back.answers.is_none() && back.at_us >= 5_000_000);
            lost += 1;
            executed += calls.link().device().counters().requests;
        }
        assert!((10..30).contains(&executed), "{executed} of {lost}");
    }

    #[test]
    fn a_call_that_is_executed_twice_comes_with_the_next_one() {
        let mut calls = carrier(|profile| profile.twice = 1.0);
        let first = calls.call(0, &echoes(2, 0), 100_000, 2);
        assert_eq!(first.answers.expect("known").len(), 2);
        let second = calls.call(first.at_us, &echoes(1, 0), 100_000, 3);
        assert_eq!(second.answers.expect("known").len(), 3);
        assert_eq!(calls.counts(), (2, 3));
    }
}
