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

/// How many numbers of phases there are.
const PHASES: usize = Phase::Command as usize + 1;

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
    pub bytes_sent: u64,
    /// Bytes that came from the device.
    pub bytes_received: u64,
    /// How often an upload started over.
    pub restarts: u32,
    /// How often the session asked for a new link.
    pub link_resets: u32,
    /// The median round trip in milliseconds, to within an eighth; `None` where none was measured.
    pub round_trip_median_ms: Option<u32>,
    /// The round trip that 95 of 100 do not exceed.
    pub round_trip_p95_ms: Option<u32>,
    /// How long each phase lasted in milliseconds, for those that were entered, in the order of their numbers.
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
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// The counters when it began.
    before: Counters,
    /// The phase it is in and when it was entered; the last one that it was in once it has ended.
    phase: Phase,
    entered_at: u64,
    ended: bool,
    lasted: [u32; PHASES],
}

impl Tally {
    pub fn new(before: Counters) -> Tally {
        Tally { before, phase: Phase::Idle, entered_at: 0, ended: false, lasted: [0; PHASES] }
    }

    /// The last phase before the end.
    pub fn last_phase(&self) -> Phase {
        self.phase
    }

    /// The operation is in this phase at `now`.
    #[inline]
    pub fn see(&mut self, now: u64, phase: Phase) {
        if phase != self.phase && !self.ended {
            self.change(now, phase);
        }
    }

    fn change(&mut self, now: u64, phase: Phase) {
        if self.phase != Phase::Idle {
            let lasted = &mut self.lasted[self.phase as usize];
            let ms = now.saturating_sub(self.entered_at).min(u64::from(u32::MAX)) as u32;
            *lasted = lasted.saturating_add(ms.max(1));
        }
        if matches!(phase, Phase::Done | Phase::Failed) {
            self.ended = true;
        } else {
            self.phase = phase;
            self.entered_at = now;
        }
    }
}

pub(super) fn of(session: &Session) -> Counts {
    let (now, before) = (&session.talk.counters, &session.tally.before);
    let since = |now: u32, before: u32| now.wrapping_sub(before);
    let spread = session.talk.rtt.spread();
    // The phase under way counts up to the last call.
    let mut tally = (*session.tally).clone();
    tally.see(session.now, Phase::Done);
    Counts {
        frames_sent: since(now.sent, before.sent),
        frames_answered: since(now.expected, before.expected).wrapping_add(since(now.late, before.late)),
        retransmissions: since(now.retransmissions, before.retransmissions),
        duplicates: since(now.duplicate, before.duplicate),
        late: since(now.late, before.late),
        foreign: since(now.foreign, before.foreign),
        undecodable: since(now.undecodable, before.undecodable),
        bytes_sent: now.bytes_sent.wrapping_sub(before.bytes_sent),
        bytes_received: now.bytes_received.wrapping_sub(before.bytes_received),
        restarts: since(now.restarts, before.restarts),
        link_resets: since(now.link_resets, before.link_resets),
        round_trip_median_ms: spread.quantile(50),
        round_trip_p95_ms: spread.quantile(95),
        phases: LASTING
            .iter()
            .map(|phase| (*phase, u64::from(tally.lasted[*phase as usize])))
            .filter(|(_, ms)| *ms > 0)
            .collect(),
    }
}
