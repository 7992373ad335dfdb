//! What was seen that explains a failure, and the failures it explains.

use super::Upload;
use crate::conversation::Conversation;
use crate::failure::{Failure, Finding};
use crate::status::Status;

/// What was seen that explains a failure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    pub replayed: u8,
    pub restarted_to_zero: bool,
    pub busy: bool,
    pub answered: u8,
    pub corrupt: u16,
    pub mismatched: bool,
    pub odd: u8,
    pub first_again: bool,
}

impl Upload {
    pub(super) fn stall_finding(&self) -> Finding {
        if self.evidence.replayed > 2 { Finding::ResponsesReplayed } else { Finding::OffsetRepeats }
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
        let finding = if !talk.answered {
            Finding::NeverAnswered
        } else if self.evidence.busy && self.holds > 0 {
            Finding::BuffersExhausted
        } else if self.silent > 0 && self.reset_asked {
            Finding::ServerStuck
        } else if self.stepped_down {
            Finding::LargeFramesLost
        } else if self.evidence.answered == 1 {
            Finding::FirstFrameOnly
        } else if self.silent > 0 || self.evidence.answered == 0 {
            Finding::None
        } else {
            self.stall_finding()
        };
        let status = match finding {
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
