//! How an operation failed, as data: what a program may do about it, and what the device is left with.

use serde_json::Value;

use super::Session;
use super::operation::Operation;
use crate::failure::{Failure, Finding};
use crate::json::json;
use crate::recording::Form;
use crate::status::Status;
use crate::update::Phase;

/// What the device is left with after an update that failed. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum LeftWith {
    /// It cannot be told, or the operation was no update.
    Unknown = 0,
    /// The image that ran before runs, and nothing will change that by itself. Parts of the new one may lie in a slot.
    OldImageRuns = 1,
    /// The image that ran before runs. The new one lies whole in its slot and waits to be marked.
    NewImageStored = 2,
    /// The image that ran before runs, and the new one is marked: the next reset starts it, if the bootloader performs the swap.
    NewImagePending = 3,
    /// The new image runs on trial: unless it is confirmed, the next reset goes back to the old one.
    OnTrial = 4,
}

impl LeftWith {
    /// All of them, in the order of their numbers.
    pub const ALL: [LeftWith; 5] = [
        LeftWith::Unknown,
        LeftWith::OldImageRuns,
        LeftWith::NewImageStored,
        LeftWith::NewImagePending,
        LeftWith::OnTrial,
    ];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            LeftWith::Unknown => "unknown",
            LeftWith::OldImageRuns => "old_image_runs",
            LeftWith::NewImageStored => "new_image_stored",
            LeftWith::NewImagePending => "new_image_pending",
            LeftWith::OnTrial => "on_trial",
        }
    }

    /// What an update leaves behind that ended with this status in this phase, by what the phases before it have made sure.
    pub const fn of(status: Status, phase: Phase) -> LeftWith {
        match (status, phase) {
            (Status::Reverted | Status::NotSwapped | Status::NotListed | Status::UploadLost, _) => {
                LeftWith::OldImageRuns
            }
            (Status::NotMarked, _) => LeftWith::NewImageStored,
            (Status::NotConfirmed, _) => LeftWith::OnTrial,
            (Status::WrongImageRunning | Status::Contradiction | Status::DidNotReturn, Phase::Reset) => {
                LeftWith::Unknown
            }
            // Another image waits for the next reset or runs on trial until then, so that the one that runs does not stay by itself.
            (Status::SlotInUse | Status::NoFreeSlot, _) => LeftWith::Unknown,
            // Whether the slot is whole is known once the list was compared, and whether it is marked once that was listed.
            (_, Phase::Discover | Phase::Erase | Phase::Upload | Phase::VerifyUpload) => {
                LeftWith::OldImageRuns
            }
            (Status::HealthCheckFailed, Phase::Swap | Phase::VerifyBoot) => LeftWith::OldImageRuns,
            (_, Phase::HealthCheck | Phase::Confirm) => LeftWith::OnTrial,
            (_, Phase::Reset) => LeftWith::NewImagePending,
            _ => LeftWith::Unknown,
        }
    }
}

/// What is said in place of a cause where the clock itself is in doubt.
const CLOCK: &str = "Most of its waits took more than a hundred times as long as they were to take: does the clock that the session is told \
                     count milliseconds?";

/// Whether an operation may end so because its times are wrong.
const fn depends_on_clock(status: Status) -> bool {
    matches!(
        status,
        Status::Timeout
            | Status::Stalled
            | Status::LinkLost
            | Status::RestartLimit
            | Status::DidNotReturn
            | Status::HealthCheckFailed
    )
}

impl Session {
    /// What the device is left with by the operation that failed; [`LeftWith::Unknown`] without one.
    pub fn left_with(&self) -> LeftWith {
        match (&self.operation, self.operation.failure()) {
            // Its mark is there, whatever came of the resets.
            (Operation::Update(_), Some(failure)) if failure.finding == Finding::SwapNotPerformed => {
                LeftWith::NewImagePending
            }
            (Operation::Update(_), Some(failure)) => LeftWith::of(failure.status, self.tally.last_phase()),
            _ => LeftWith::Unknown,
        }
    }

    /// Everything that is known of the failure as JSON, once the operation has failed.
    pub fn failure_json(&self) -> Option<Value> {
        let failure = self.failure()?;
        let device = failure.device.map(|error| {
            json!({
                "group": error.group,
                "code": error.code,
                "text": error.to_string(),
                "reason": failure.reason,
            })
        });
        Some(json!({
            "status": failure.status.number(),
            "name": failure.status.name(),
            "finding": failure.finding.name(),
            "finding_number": failure.finding.number(),
            "sentence": failure.sentence,
            "device": device,
            "reason": failure.reason,
            "retry": failure.status.retry().name(),
            "left_with": self.left_with().name(),
            "phase": self.tally.last_phase().name().to_ascii_lowercase(),
            "counts": self.counts().to_json(),
            "evidence": self.evidence(failure.finding),
            "recording": self.recording(Form::Text).map(|text| String::from_utf8_lossy(&text).into_owned()),
        }))
    }

    /// The failure with what the conversation adds: a cause that the operation by itself does not see, and the device's own words.
    #[cold]
    pub(super) fn told(&self, mut failure: Failure) -> Failure {
        /// What says more than a link that came up without its settings.
        const KNOWN: [Finding; 3] = [Finding::AnswersCut, Finding::PairingNeeded, Finding::BondsLost];
        if self.doubts_clock() && depends_on_clock(failure.status) {
            return failure.without_finding(CLOCK);
        }
        if let Some(cause) = self.talk.evidence.concluded()
            && failure.status == Status::Timeout
            && !KNOWN.contains(&failure.finding)
        {
            failure = failure.because_of(cause);
        }
        match failure.device.and_then(|error| self.talk.evidence.words_for(error)) {
            Some(words) => failure.with_reason(words),
            None => failure,
        }
    }
}
