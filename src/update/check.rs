//! A look before the first byte: what an update would do, without doing it.

use serde_json::Value;

use super::kinds::{Mark, View, WayBack};
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
        let is_marked = matches!(task.action, Action::Upload | Action::Mark)
            && self.options.mode != UpdateMode::UploadOnly;
        json!({
            "image": task.number,
            "file": image.file,
            "from": &*task.from,
            "to": image.version.to_string(),
            "kind": task.kind.name(),
            "action": action_name(task.action),
            "upload_number": address.map(|address| address.number),
            "upload_bytes": uploads.then(|| payload::length(image, &self.options)),
            "erase_first": uploads && self.options.erase_first,
            "mark": if is_marked { mark_name(mark) } else { "none" },
            "end": self.end_name(task, mark),
            "way_back": self.way_back_name(task),
            "against": self.against(task),
        })
    }

    /// Whether the image could go back once it runs; `None` where nothing is started.
    fn way_back_name(&self, task: &Task) -> Option<&'static str> {
        let starts = !matches!(task.action, Action::Nothing | Action::EnterLoader);
        let way = self.with_before(task, |view| task.kind.way_back(&view));
        (starts && self.options.mode != UpdateMode::UploadOnly).then_some(match way {
            WayBack::UntilConfirmed => "until_confirmed",
            WayBack::Unknown => "unknown",
            WayBack::None => "none",
        })
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

    /// How the image is meant to end.
    fn end_name(&self, task: &Task, mark: Mark) -> &'static str {
        match (self.options.mode, mark) {
            (UpdateMode::UploadOnly, _) => "uploaded",
            (UpdateMode::TestOnly, Mark::Trial) => "on_trial",
            (UpdateMode::TestOnly, _) if task.action == Action::Confirm => "on_trial",
            _ => "confirmed",
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

fn mark_name(mark: Mark) -> &'static str {
    match mark {
        Mark::Nothing => "none",
        Mark::Trial => "trial",
        Mark::ForGood => "for_good",
    }
}
