//! A look before the first byte: what an update would do, without doing it.

use serde_json::Value;

use super::kinds::{self, Erase, Hold, Mark, View, WayBack};
use super::objections::{self, Objection};
use super::plan::{Action, Task};
use super::{Listing, Update, UpdateMode, payload};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::json::json;

impl Update {
    /// The plan stands, and nothing more is done. What the update would refuse before its first byte is refused here.
    pub(super) fn checked(&mut self, talk: &mut Conversation, now: u64) -> Result<(), Failure> {
        for task in self.tasks.iter().filter(|task| task.action == Action::Upload) {
            self.with_before(task, |view| task.kind.address(&view))?;
        }
        self.succeed(talk, now);
        Ok(())
    }

    /// The application has no image list, and its loader would be asked: that is all that can be planned.
    pub(super) fn checked_before_loader(&mut self, talk: &mut Conversation, now: u64) -> Result<(), Failure> {
        let mut tasks = Vec::new();
        for (index, image) in self.firmware.images.iter().enumerate() {
            let task = Task {
                index: index as u16,
                number: image.image_number,
                action: Action::EnterLoader,
                kind: kinds::behind_loader(),
                doubt: None,
                from: Box::default(),
            };
            tasks.push(task);
        }
        self.tasks = tasks.into_boxed_slice();
        self.checked(talk, now)
    }

    /// The plan as JSON.
    pub(super) fn check_result(&self) -> Value {
        json!({
            "operation": "check",
            "outcome": "checked",
            "images": self.tasks.iter().map(|task| self.planned(task)).collect::<Vec<_>>(),
            "duration_ms": self.took_ms(),
            "boot_mode": self.boot_name(),
            "before": self.before().as_ref().map(Listing::to_json),
        })
    }

    fn planned(&self, task: &Task) -> Value {
        let image = self.task_image(task);
        let uploads = task.action == Action::Upload;
        let address = self.with_before(task, |view| task.kind.address(&view)).ok().filter(|_| uploads);
        let mark = self.with_before(task, |view| task.kind.mark(&view, false));
        let is_marked = matches!(task.action, Action::Upload | Action::Mark) && self.starts(task);
        json!({
            "image": task.number,
            "file": image.file,
            "from": &*task.from,
            "to": image.version.to_string(),
            "kind": task.kind.name(),
            "action": action_name(task.action),
            "upload_number": address.map(|address| address.number),
            "upload_bytes": uploads.then(|| payload::length(image, &self.options)),
            "erase_first": uploads && self.options.erase_first && self.erases(task),
            "mark": if is_marked { mark_name(mark) } else { "none" },
            "end": self.end_name(task),
            "way_back": self.way_back(task).map(way_back_name),
            "against": self.against(task),
        })
    }

    /// Whether there is anything to erase with a command.
    fn erases(&self, task: &Task) -> bool {
        !matches!(self.with_before(task, |view| task.kind.erase(&view)), Erase::Nothing)
    }

    /// Whether the image is to be started, or stays on after its trial. One that is sent although it runs already needs neither.
    fn starts(&self, task: &Task) -> bool {
        let runs_on = |view: View<'_>| task.kind.landed(&view, Some(view.listing)).0 == Action::Nothing;
        self.options.mode != UpdateMode::UploadOnly
            && match task.action {
                Action::Nothing | Action::EnterLoader => false,
                Action::Upload => !self.with_before(task, runs_on),
                Action::Mark | Action::Boot | Action::Confirm => true,
            }
    }

    /// Whether the image could go back once it runs; `None` where nothing is started.
    fn way_back(&self, task: &Task) -> Option<WayBack> {
        self.starts(task).then(|| self.with_before(task, |view| task.kind.way_back(&view)))
    }

    /// What the update would be refused for if it were not overridden.
    fn against(&self, task: &Task) -> Vec<Value> {
        let Some(before) = self.before() else { return Vec::new() };
        let refusal = |objection| {
            let options = self.options.insisting_on(objection)?;
            let view = View { options: &options, ..self.view(task, &before) };
            let said = objections::raise(&view, task, &self.tasks).err();
            said.or_else(|| task.kind.plan(&view).err())
        };
        let told = |objection: Objection| {
            let failure = refusal(objection)?;
            Some(json!({
                "objection": objection.name(),
                "status": failure.status.number(),
                "name": failure.status.name(),
                "sentence": failure.sentence,
            }))
        };
        Objection::ALL.into_iter().filter_map(told).collect()
    }

    /// How the image is to end. Where it is not known whether there is a way back, a trial is what the update tries.
    fn end_name(&self, task: &Task) -> &'static str {
        match self.options.mode {
            UpdateMode::UploadOnly => "uploaded",
            UpdateMode::TestOnly => {
                let on_trial = match self.way_back(task) {
                    Some(way) => way != WayBack::None || task.action == Action::Confirm,
                    // It stays as it runs already.
                    None => self.with_before(task, |view| task.kind.hold(&view)) == Hold::OnTrial,
                };
                if on_trial { "on_trial" } else { "confirmed" }
            }
            UpdateMode::TestAndConfirm | UpdateMode::ConfirmAtOnce => "confirmed",
        }
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Nothing => "nothing",
        Action::Upload => "upload",
        Action::Mark => "mark",
        Action::Boot => "reset",
        Action::Confirm => "confirm",
        Action::EnterLoader => "enter_loader",
    }
}

fn way_back_name(way: WayBack) -> &'static str {
    match way {
        WayBack::UntilConfirmed => "until_confirmed",
        WayBack::Unknown => "unknown",
        WayBack::None => "none",
    }
}

fn mark_name(mark: Mark) -> &'static str {
    match mark {
        Mark::Nothing => "none",
        Mark::Trial => "trial",
        Mark::ForGood => "for_good",
    }
}
