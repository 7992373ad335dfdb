//! What every failure of an update says: which version, what happened, what the device is left with.

use super::Update;
use super::step::Step;
use crate::failure::{Failure, Finding};
use crate::firmware::Image;
use crate::status::Status;

impl Update {
    /// The version in hand.
    pub(super) fn version(&self) -> String {
        self.image()
            .or(self.firmware.images.first())
            .map_or_else(String::new, |image| image.version.to_string())
    }

    /// "version 1.2.3", with the number of the image where there are several.
    pub(super) fn title(&self, image: &Image) -> String {
        if self.tasks.len() > 1 {
            format!("version {} of image {}", image.version, image.image_number)
        } else {
            format!("version {}", image.version)
        }
    }

    pub(super) fn lost_link(&self) -> Failure {
        if matches!(self.step, Step::Reset | Step::Look) {
            return self.did_not_return();
        }
        Failure::new(Status::LinkLost, "the device link is down.").with_finding(Finding::LinkDrops)
    }

    pub(super) fn flapping_link(&self) -> Failure {
        Failure::new(
            Status::LinkLost,
            format!("the device link came up {} times and nothing came of it.", super::MOST_LINKS),
        )
        .with_finding(Finding::LinkDrops)
    }

    pub(super) fn past_deadline(&self) -> Failure {
        Failure::new(
            Status::Timeout,
            format!("the update took longer than its deadline of {} ms.", self.options.deadline_ms),
        )
    }

    pub(super) fn cancelled(&self) -> Failure {
        Failure::new(Status::Cancelled, "the caller cancelled the update.")
    }

    /// Completes a failure: the version where it is not named yet, and what is left where the update just stopped.
    pub(super) fn told(&self, mut failure: Failure) -> Failure {
        let stopped = matches!(
            failure.status,
            Status::Timeout
                | Status::Stalled
                | Status::LinkLost
                | Status::RestartLimit
                | Status::Cancelled
                | Status::DeviceBusy
                | Status::FlashFailed
        );
        if stopped {
            failure.sentence.push(' ');
            failure.sentence.push_str(self.left_behind());
        }
        let version = self.version();
        if !failure.sentence.contains(&version) {
            failure.sentence = format!("the update to version {version} ended: {}", failure.sentence);
        }
        failure
    }

    /// What the device is left with when the update ends in the present step.
    fn left_behind(&self) -> &'static str {
        match self.step {
            Step::Parameters
            | Step::ReassemblyProbe
            | Step::BootMode
            | Step::SlotInformation
            | Step::ListBefore => "On the device nothing was changed.",
            Step::Erase => "The slot that does not run may be erased.",
            Step::Upload | Step::ListUploaded | Step::StateUploaded => {
                "What the device has received stays there, and a new update goes on from there."
            }
            Step::Mark | Step::ListMarked | Step::StateMarked => {
                "The image is uploaded and may be marked: then the next reset starts it."
            }
            Step::Reset if self.unhealthy => "The image runs unconfirmed, and the next reset takes it back.",
            Step::Reset if self.boot.marks() => {
                "The image is uploaded and marked, and the next reset starts it."
            }
            Step::Reset => "The image is uploaded, and the next reset starts it.",
            Step::Look => "The device was reset and may run the image, unconfirmed.",
            Step::HealthCheck | Step::ListHealthy | Step::Confirm | Step::ListConfirmed => {
                "The image runs; while it is unconfirmed the next reset takes it back."
            }
        }
    }
}
