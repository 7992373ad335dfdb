//! What an operation took: frames, bytes, round trips, time by phase.

use serde_json::Value;

use super::Session;
use crate::conversation::Counters;
use crate::json::json;
use crate::update::Phase;

/// The phases that last.
const LASTING: [Phase; 11] = [
    Phase::Discover,
    Phase::Erase,
    Phase::Upload,
    Phase::VerifyUpload,
    Phase::Mark,
    Phase::Reset,
    Phase::Swap,
    Phase::VerifyBoot,
    Phase::HealthCheck,
    Phase::Confirm,
    Phase::Command,
];

/// What an operation took, from its start to its end or to now. In JSON and C# the names are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Frames sent, repetitions included.
    pub frames_sent: u32,
    /// Answers to them that counted or would have, had they not come late.
    pub frames_answered: u32,
    /// Frames sent again because an answer was missing or the device asked for the same offset.
    pub retransmissions: u32,
    /// Answers that had come before.
    pub duplicates: u32,
    /// Answers to a request that was already given up or covered by a later answer.
    pub late: u32,
    /// Frames that answer no request of this session.
    pub foreign: u32,
    /// Bytes or frames that are not SMP, or whose body is not what it must be.
    pub undecodable: u32,
    /// Bytes of the frames that were sent, headers included and framing aside.
    pub bytes_sent: u32,
    /// Bytes that came from the device.
    pub bytes_received: u32,
    /// How often an upload started over.
    pub restarts: u32,
    /// How often the session asked for a new link.
    pub link_resets: u32,
    /// The median round trip in milliseconds, to within a fifth; `None` where none was measured.
    pub round_trip_median_ms: Option<u32>,
    /// The round trip that 95 of 100 do not exceed.
    pub round_trip_p95_ms: Option<u32>,
    /// How long each phase lasted in milliseconds, without what the host slept, for those that were entered, in the order of their numbers.
    pub phases: Vec<(Phase, u64)>,
}

impl Counts {
    /// The counts as JSON: the fields by their names, `phases` as an object of milliseconds by the names of the phases in small
    /// letters.
    pub fn to_json(&self) -> Value {
        let mut counts = json!({
            "frames_sent": self.frames_sent,
            "frames_answered": self.frames_answered,
            "retransmissions": self.retransmissions,
            "duplicates": self.duplicates,
            "late": self.late,
            "foreign": self.foreign,
            "undecodable": self.undecodable,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "restarts": self.restarts,
            "link_resets": self.link_resets,
            "round_trip_median_ms": self.round_trip_median_ms,
            "round_trip_p95_ms": self.round_trip_p95_ms,
        });
        counts["phases"] = self
            .phases
            .iter()
            .map(|(phase, ms)| (phase.name().to_ascii_lowercase(), Value::from(*ms)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        counts
    }
}

/// What is kept of an operation beside the counters of the session.
///
/// A fleet has many sessions, so it is small.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// When the phase was entered: the low half of the time in milliseconds.
    entered_at: u32,
    /// How long each of [`LASTING`] lasted so far.
    lasted: [Lasted; LASTING.len()],
    /// The phase it is in; the last one that it was in once it has ended.
    phase: u8,
    ended: bool,
}

/// A number of milliseconds in two bytes, to within a two-thousandth: twelve bits and how often they are doubled.
#[derive(Debug, Clone, Copy, Default)]
struct Lasted(u16);

impl Lasted {
    fn new(ms: u32) -> Lasted {
        let doubled = (32 - ms.leading_zeros()).saturating_sub(12).min(15);
        Lasted((doubled << 12) as u16 | (ms >> doubled).min(0xfff) as u16)
    }

    fn ms(self) -> u32 {
        u32::from(self.0 & 0xfff) << (self.0 >> 12)
    }
}

impl Tally {
    pub fn new() -> Tally {
        Tally { entered_at: 0, lasted: [Lasted(0); LASTING.len()], phase: Phase::Idle as u8, ended: false }
    }

    /// Whether the operation has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The last phase before the end.
    pub fn last_phase(&self) -> Phase {
        LASTING.into_iter().find(|phase| *phase as u8 == self.phase).unwrap_or_default()
    }

    /// The operation is in this phase at `now`.
    #[inline]
    pub fn see(&mut self, now: u64, phase: Phase) {
        if phase as u8 != self.phase && !self.ended {
            self.change(now, phase);
        }
    }

    fn change(&mut self, now: u64, phase: Phase) {
        if let Some(index) = LASTING.iter().position(|phase| *phase as u8 == self.phase) {
            let lasted = &mut self.lasted[index];
            let ms = (now as u32).wrapping_sub(self.entered_at);
            *lasted = Lasted::new(lasted.ms().saturating_add(ms.max(1)));
        }
        if matches!(phase, Phase::Done | Phase::Failed) {
            self.ended = true;
        } else {
            self.phase = phase as u8;
            self.entered_at = now as u32;
        }
    }
}

/// The counters when an operation begins, to be kept where they are not all 0.
pub(super) fn kept(before: Counters) -> Option<Box<Counters>> {
    (before != Counters::default()).then(|| Box::new(before))
}

pub(super) fn of(session: &Session) -> Counts {
    let now = &session.talk.counters;
    let before = &session.before.as_deref().copied().unwrap_or_default();
    let since = |now: u32, before: u32| now.wrapping_sub(before);
    let seldom = |now: u16, before: u16| u32::from(now.saturating_sub(before));
    let spread = session.talk.rtt.spread();
    // The phase under way counts up to the last call.
    let mut tally = session.tally.clone();
    tally.see(session.now, Phase::Done);
    Counts {
        frames_sent: since(now.sent, before.sent),
        frames_answered: since(now.expected, before.expected).wrapping_add(seldom(now.late, before.late)),
        retransmissions: since(now.retransmissions, before.retransmissions),
        duplicates: seldom(now.duplicate, before.duplicate),
        late: seldom(now.late, before.late),
        foreign: seldom(now.foreign, before.foreign),
        undecodable: seldom(now.undecodable, before.undecodable),
        bytes_sent: since(now.bytes_sent, before.bytes_sent),
        bytes_received: since(now.bytes_received, before.bytes_received),
        restarts: seldom(now.restarts, before.restarts),
        link_resets: seldom(now.link_resets, before.link_resets),
        round_trip_median_ms: spread.quantile(50),
        round_trip_p95_ms: spread.quantile(95),
        phases: LASTING
            .into_iter()
            .zip(tally.lasted.iter().map(|lasted| u64::from(lasted.ms())))
            .filter(|(_, ms)| *ms > 0)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_two_bytes_are_nearly_exact() {
        for ms in [0, 1, 999, 4_095, 4_096, 65_535, 1_000_000, 86_400_000] {
            let told = Lasted::new(ms).ms();
            assert!(ms.abs_diff(told) <= ms / 2_000, "{ms} became {told}");
        }
        assert!(Lasted::new(u32::MAX).ms() > 100_000_000);
    }

    #[test]
    fn phases_add_up_over_the_wrap_of_the_clock() {
        let start = (1 << 32) - 500;
        let mut tally = Tally::new();
        tally.see(start, Phase::Discover);
        tally.see(start + 300, Phase::Upload);
        tally.see(start + 1_300, Phase::Discover);
        tally.see(start + 1_400, Phase::Failed);
        tally.see(start + 9_000, Phase::Upload);
        assert_eq!(tally.last_phase(), Phase::Discover);
        let lasted: Vec<u32> = tally.lasted.iter().map(|lasted| lasted.ms()).collect();
        assert_eq!(lasted[..3], [400, 0, 1_000]);
    }
}
