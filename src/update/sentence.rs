//! What every failure of an update says: which version, what happened, what the device is left with.

use super::Update;
use super::plan::Task;
use super::step::Step;
use crate::failure::{Failure, Finding};
use crate::status::Status;

impl Update {
    /// The version in hand.
    pub(super) fn version(&self) -> String {
        self.image()
            .or(self.firmware.images.first())
            .map_or_else(String::new, |image| image.version.to_string())
    }

    /// "version 1.2.3", with the number of the image where there are several.
    pub(super) fn title(&self, task: &Task) -> String {
        let version = self.task_image(task).version;
        if self.tasks.len() > 1 {
            format!("version {version} of image {}", task.number)
        } else {
            format!("version {version}")
        }
    }

    pub(super) fn lost_link(&self) -> Failure {
        match self.step {
            Step::Reset | Step::Look => return self.did_not_return(false),
            Step::EnterLoader | Step::LookLoader => return self.loader_away(false),
            _ => {}
        }
        Failure::new(Status::LinkLost, "the device link is down.").with_finding(Finding::LinkDrops)
    }

    /// The caller said that the bonds are lost, and nothing was answered since.
    pub(super) fn unbonded(&self) -> Failure {
        let (status, when) = match self.step.awaits_return() {
            true => (Status::DidNotReturn, "after the reset, and nothing is answered over that link"),
            false => (Status::Timeout, "and nothing is answered over that link"),
        };
        let what = format!("the link came up without its bonds {when}.");
        let started = self.rebooted().is_some_and(|reboot| reboot.resets > 0);
        let finding = if started { Finding::BondsLost } else { Finding::PairingNeeded };
        Failure::new(status, what).with_finding(finding)
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
    pub(super) fn told_whole(&self, mut failure: Failure) -> Failure {
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
            failure.sentence.push_str(&self.left_behind());
        }
        let version = self.version();
        if !failure.sentence.contains(&version) {
            failure.sentence = format!("the update to version {version} ended: {}", failure.sentence);
        }
        failure
    }

    /// What the device is left with when the update ends in the present step.
    fn left_behind(&self) -> String {
        let left = match self.step {
            Step::Parameters
            | Step::ReassemblyProbe
            | Step::BootMode
            | Step::SlotInformation
            | Step::ListBefore
            | Step::B0Slot
            | Step::MarkProbe
            | Step::Board => "On the device nothing was changed.",
            Step::Erase => "The slot that does not run may be erased.",
            Step::Upload | Step::ListUploaded | Step::StateUploaded => {
                "What the device has received stays there, and a new update goes on from there."
            }
            Step::Mark | Step::ListMarked | Step::StateMarked => {
                "The image is uploaded and may be marked: then the next reset starts it."
            }
            Step::Reset if self.is_unhealthy() => {
                "The image runs unconfirmed, and the next reset takes it back."
            }
            Step::Reset => {
                return format!("The image is {}, and the next reset starts it.", self.what_waits());
            }
            Step::EnterLoader | Step::LookLoader => {
                "Nothing was written; the device may be in its firmware loader."
            }
            Step::Look | Step::B0SlotAfter => "The device was reset and may run the image, unconfirmed.",
            Step::HealthCheck | Step::ListHealthy | Step::Confirm | Step::ListConfirmed => {
                "The image runs; while it is unconfirmed the next reset takes it back."
            }
        };
        left.to_owned()
    }
}
