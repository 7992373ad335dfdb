//! What was seen that explains a failure, and the failures it explains.

use super::Upload;
use crate::conversation::Conversation;
use crate::conversation::evidence::{ODD_FOR_MS, ODD_IN_A_ROW};
use crate::failure::{Failure, Finding};
use crate::status::Status;

/// How long after an answer that cannot be read the chunk is sent again, in milliseconds.
const UNREADABLE_PAUSE_MS: u64 = 1_000;

/// What was seen that explains a failure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    pub replayed: u8,
    pub restarted_to_zero: bool,
    pub busy: bool,
    pub answered: u8,
    pub corrupt: u16,
    /// Frames in a row that did not arrive whole.
    pub corrupt_in_a_row: u8,
    pub mismatched: bool,
    pub odd: u8,
    pub first_again: bool,
    /// Answers in a row whose body cannot be read, how many of them were empty, and the low half of the time of the first.
    pub unreadable: u8,
    pub empty: u8,
    pub unreadable_since: u32,
}

impl Upload {
    /// What an upload that is answered and gets no further was seen to suffer from.
    pub(super) fn stall_finding(&self) -> Finding {
        match (self.evidence.replayed, self.refusals) {
            (3.., _) => Finding::ResponsesReplayed,
            (_, 1..) => Finding::OffsetRepeats,
            _ => Finding::None,
        }
    }

    /// An answer came whose body cannot be read.
    #[cold]
    pub(super) fn unreadable(&mut self, talk: &mut Conversation, now: u64, body: &[u8]) {
        talk.counters.undecodable = talk.counters.undecodable.saturating_add(1);
        talk.answered = true;
        if self.evidence.unreadable == 0 {
            self.evidence.unreadable_since = now as u32;
            self.evidence.empty = 0;
        }
        self.evidence.unreadable = self.evidence.unreadable.saturating_add(1);
        self.evidence.empty = self.evidence.empty.saturating_add(u8::from(body.is_empty()));
        let lasted = (now as u32).wrapping_sub(self.evidence.unreadable_since);
        if self.evidence.unreadable < ODD_IN_A_ROW || lasted < ODD_FOR_MS {
            // It was answered, so nothing more comes of it. The same chunk may be answered better in a second.
            self.flight.give_up_all();
            self.active_at = now;
            self.hold_until = now + UNREADABLE_PAUSE_MS;
            return;
        }
        let times = self.evidence.unreadable;
        let (how, finding) = if self.evidence.empty == times {
            ("a header and nothing behind it", Finding::EmptyAnswers)
        } else if self.acknowledged > 0 {
            ("an offset that cannot be read", Finding::OffsetGarbled)
        } else {
            ("what is no CBOR map", Finding::None)
        };
        let since = match self.acknowledged {
            0 => "from the first chunk on".to_owned(),
            good => format!("since byte {good}, to which the last good answer came"),
        };
        self.fail(
            Failure::new(
                Status::Undecodable,
                format!("the device answered {times} chunks in a row with {how}, {since}."),
            )
            .with_finding(finding),
        );
    }

    pub(super) fn too_many_restarts(&mut self) {
        let finding = if self.evidence.restarted_to_zero && self.refusals == 0 {
            Finding::DeviceRestarted
        } else {
            self.stall_finding()
        };
        self.fail(
            Failure::new(
                Status::RestartLimit,
                format!("the device made the upload start over {} times.", self.restarts),
            )
            .with_finding(finding),
        );
    }

    pub(super) fn stalled(&self, talk: &Conversation, now: u64) -> Failure {
        let seconds = now.saturating_sub(self.progress_at) / 1_000;
        if talk.link_down {
            return Failure::new(
                Status::LinkLost,
                format!("the device link went down {seconds} s ago and did not come up again."),
            )
            .with_finding(Finding::LinkDrops);
        }
        if let Some(cut) = talk.evidence.cut() {
            let what = format!(
                "the upload did not move beyond {} of {} bytes for {seconds} s.",
                self.acknowledged, self.size
            );
            return cut.failure(&what, now);
        }
        let finding = if !talk.answered {
            talk.evidence.never_answered(now)
        } else if self.evidence.busy && self.holds > 0 {
            Finding::BuffersExhausted
        } else if self.silent > 0 && self.reset_asked {
            Finding::ServerStuck
        } else if self.stepped_down {
            Finding::LargeFramesLost
        } else if self.evidence.answered == 1 && self.evidence.replayed > 2 {
            Finding::ResponsesReplayed
        } else if self.evidence.answered == 1 {
            Finding::FirstFrameOnly
        } else if self.silent > 0 || self.evidence.answered == 0 {
            Finding::None
        } else {
            self.stall_finding()
        };
        let status = match finding {
            Finding::ResponsesReplayed if self.evidence.answered == 1 => Status::Timeout,
            Finding::BuffersExhausted => Status::DeviceBusy,
            Finding::OffsetRepeats | Finding::ResponsesReplayed => Status::Stalled,
            _ => Status::Timeout,
        };
        let silence = match (self.silent, finding) {
            (1.., Finding::None) => " No chunk was answered any more.",
            _ => "",
        };
        Failure::new(
            status,
            format!(
                "the upload did not move beyond {} of {} bytes for {seconds} s.{silence}",
                self.acknowledged, self.size
            ),
        )
        .with_finding(finding)
    }
}

pub(super) fn frame_too_small(limit: usize) -> Failure {
    Failure::new(
        Status::FrameTooSmall,
        format!(
            "a frame of {limit} bytes cannot carry the first chunk; raise max_write or max_frame to at least 128."
        ),
    )
}
