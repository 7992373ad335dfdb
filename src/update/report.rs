//! The result of an update as JSON, and its progress.

use crate::json::json;
use serde_json::Value;

use super::kinds::{self, Hold};
use super::plan::{Action, Task};
use super::{Listing, Update, UpdateMode, payload};
use crate::conversation::Conversation;

/// Figures of the operation under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    pub acknowledged: u64,
    pub total: u64,
    pub image_index: u32,
    pub image_count: u32,
    pub pace: Pace,
    pub window: u32,
}

/// What the rate and the time to go are worked out of, by whoever asks when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pace {
    /// The bytes that count for the rate.
    pub moved: u64,
    pub time: PaceTime,
}

/// The time that they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceTime {
    /// From this time on to now.
    Since(u64),
    /// So many milliseconds; 0 where nothing was measured.
    Took(u64),
}

impl Default for PaceTime {
    fn default() -> PaceTime {
        PaceTime::Took(0)
    }
}

/// How far an upload is: enough to see that all that a call did was to move it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    image: (u16, u16),
    reached: u32,
    moved: u32,
}

impl Sent {
    /// How many bytes more the device has than before, where all of them count for the rate too.
    #[inline]
    pub fn since(self, before: Sent) -> Option<u32> {
        let reached = self.reached.checked_sub(before.reached)?;
        (self.image == before.image && self.moved.checked_sub(before.moved) == Some(reached))
            .then_some(reached)
    }
}

impl Update {
    pub fn figures(&self, talk: &Conversation) -> Figures {
        let mut done = 0;
        let mut total = if self.tasks.is_empty() { self.bytes_of_file() } else { 0 };
        for (index, task) in self.tasks.iter().enumerate() {
            let length = u64::from(payload::length(self.task_image(task), &self.options));
            total += length;
            if task.action != Action::Upload {
                done += length;
            } else if index == self.current as usize {
                done += u64::from(self.reached());
            }
        }
        let pace = match &self.sending {
            // What a resumed upload found on the device took no time.
            Some(sending) => Pace { moved: sending.bytes.into(), time: PaceTime::Since(sending.started_at) },
            None => Pace {
                moved: self.totals.here_bytes.into(),
                time: PaceTime::Took(self.totals.here_ms.into()),
            },
        };
        Figures {
            acknowledged: done,
            total,
            image_index: u32::from(self.current),
            image_count: self.tasks.len().max(1) as u32,
            pace,
            window: self
                .sending
                .as_ref()
                .map_or_else(|| talk.limits.window(), |sending| sending.engine.window(talk)),
        }
    }

    /// How much of the image in hand the device has, by its last word.
    pub(super) fn reached(&self) -> u32 {
        let task = self.tasks.get(self.current as usize);
        task.filter(|task| task.index == self.totals.reached_in).map_or(0, |_| self.totals.reached)
    }

    /// How far the upload in hand is.
    #[inline]
    pub fn sent(&self) -> Option<Sent> {
        let sending = self.sending.as_ref()?;
        let image = (self.totals.reached_in, self.current);
        Some(Sent { image, reached: self.totals.reached, moved: sending.bytes })
    }

    /// Bytes of all images before it is known which are sent; of direct-XIP alternatives one counts.
    #[cold]
    fn bytes_of_file(&self) -> u64 {
        let mut total = 0;
        let mut counted = None;
        // Alternatives lie side by side: images are sorted by their number.
        for image in &self.firmware.images {
            if counted != Some(image.image_number) {
                total += u64::from(payload::length(image, &self.options));
            }
            counted = Some(image.image_number);
        }
        total
    }

    /// What the update did, once it ended well.
    pub fn result(&self) -> Option<Value> {
        if self.outcome.as_ref().is_none_or(|outcome| outcome.result.is_err()) {
            return None;
        }
        if self.options.check_only {
            return Some(self.check_result());
        }
        let before = self.before();
        let last = self.listing().or(before.as_ref());
        let images: Vec<Value> = self
            .tasks
            .iter()
            .map(|task| {
                let image = self.task_image(task);
                json!({
                    "image": task.number,
                    "from": &*task.from,
                    "to": image.version.to_string(),
                    "confirmed": self.confirmed(task, last),
                    "remark": task.doubt.map(|doubt| task.kind.remark(image, task.number, doubt)),
                })
            })
            .collect();
        Some(json!({
            "operation": "update",
            "outcome": self.outcome_name(last),
            "images": images,
            "uploaded_bytes": self.totals.uploaded_bytes,
            "upload_ms": self.totals.upload_ms,
            "swap_ms": self.totals.swap_ms,
            "duration_ms": self.took_ms(),
            "boot_mode": self.boot_name(),
            "before": before.as_ref().map(Listing::to_json),
            "after": self.listing().map(Listing::to_json),
        }))
    }

    /// From the first call to the end, in milliseconds.
    pub(super) fn took_ms(&self) -> u64 {
        self.outcome.as_ref().map_or(0, |outcome| outcome.at.saturating_sub(self.clock.started_at))
    }

    /// Whether an image was listed as confirmed. Unknown where it cannot be told, or was seen by another process.
    fn confirmed(&self, task: &Task, last: Option<&Listing>) -> Option<bool> {
        let listing = last.filter(|_| task.doubt.is_none())?;
        let view = self.view(task, listing);
        match task.kind.hold(&view) {
            Hold::Untold => None,
            hold => Some(hold == Hold::Confirmed && view.running().is_some()),
        }
    }

    /// How the device starts images, by what its images turned out to be.
    pub(super) fn boot_name(&self) -> &'static str {
        match self.tasks.first() {
            Some(task) => task.kind.name(),
            None => kinds::boot_name(&self.told, &Listing::default()),
        }
    }

    /// One word for what was reached. What the list says decides, not what was asked for.
    fn outcome_name(&self, last: Option<&Listing>) -> &'static str {
        let runs = |task: &Task| last.is_some_and(|listing| self.runs(task, listing));
        let on_trial = match last {
            Some(listing) => self.first_unconfirmed(listing).is_some(),
            None => {
                self.options.mode == UpdateMode::TestOnly
                    && self.tasks.iter().any(|task| task.kind.hold_unseen() == Hold::OnTrial)
            }
        };
        let nothing = self.tasks.iter().all(|task| task.action == Action::Nothing);
        let upload_only = self.options.mode == UpdateMode::UploadOnly;
        let unverified = self.tasks.iter().any(|task| task.doubt.is_some());
        if upload_only && (self.totals.uploaded_bytes > 0 || !self.tasks.iter().all(runs)) {
            "uploaded"
        } else if unverified {
            "unverified"
        } else if on_trial {
            "on_trial"
        } else if nothing {
            "already_installed"
        } else {
            "updated"
        }
    }
}
