//! Whether what a session said fits what the device holds and runs.

use smpfota::simulator::{BootMode, DeviceProfile, VirtualLink};
use smpfota::{Failure, Status, UpdateMode, UpdateOptions};

use super::console;
use super::exhibit::Kind;
use super::goal::Goal;
use super::lists::Lists;
use super::plan::{Health, Other, would_boot};
use super::{End, Run};

/// What one run was.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The session said so and it is true.
    Updated,
    /// It said that it cannot tell, and it cannot.
    Unverified,
    Failed(Failure),
    /// The session said so and it is not true; why.
    WrongSuccess(String),
    Hung(&'static str),
    Panicked(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// Nothing was out of the ordinary.
    pub harmless: bool,
    /// A failure that must not be: in a harmless run, or one that the device's state belies.
    pub absurd: Option<&'static str>,
    /// The session failed although the device is where it should be.
    pub updated_anyway: bool,
    /// Why the session should have known better than to fail, or to say that it cannot tell.
    pub false_failure: Option<&'static str>,
    /// Bytes that went to a slot that runs, recovery and loader targets aside.
    pub written_running: u64,
    pub virtual_ms: u64,
    pub steps: u64,
}

impl Verdict {
    pub fn is_wrong(&self) -> bool {
        let ended_wrong =
            !matches!(self.outcome, Outcome::Updated | Outcome::Unverified | Outcome::Failed(_));
        ended_wrong || self.false_failure.is_some() || self.written_running > 0
    }
}

/// What was true of the device and when, for runs in which it changes after the session's last question.
#[derive(Debug)]
pub struct Watch {
    /// When the question was asked whose image list came last, µs; on the console, when the last question was asked.
    asked_at: u64,
    /// When each sequence number last asked for it.
    asked: [u64; 256],
    /// When each image last lay whole in a slot, and ran.
    held_at: [u64; 4],
    ran_at: [u64; 4],
    /// The last time the device ran it for good.
    stayed_at: [u64; 4],
    /// What the device listed.
    pub lists: Lists,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            asked_at: 0,
            asked: [0; 256],
            held_at: [0; 4],
            ran_at: [0; 4],
            stayed_at: [0; 4],
            lists: Lists::default(),
        }
    }
}

impl Watch {
    pub fn sent(&mut self, now: u64, write: &[u8]) {
        if let Some([op, _, _, _, 0, 1, sequence, 0]) = header(write)
            && op & 7 == 0
        {
            self.asked[usize::from(sequence)] = now;
        }
    }

    pub fn received(&mut self, bytes: &[u8]) {
        if let Some([op, _, _, _, 0, 1, sequence, 0]) = header(bytes)
            && op & 7 == 1
        {
            self.asked_at = self.asked_at.max(self.asked[usize::from(sequence)]);
        }
    }

    pub fn look(&mut self, link: &mut VirtualLink, goals: &[Goal], now: u64) {
        for (index, goal) in goals.iter().enumerate() {
            if goal.is_held(link) {
                self.held_at[index] = now;
            }
            let runs = goal.runs(link);
            if runs.is_some() {
                self.ran_at[index] = now;
            }
            if runs == Some(true) {
                self.stayed_at[index] = now;
            }
        }
    }
}

/// The SMP header at the start of a write or a notification, also in the first console line of a packet.
fn header(bytes: &[u8]) -> Option<[u8; 8]> {
    if let Some((is_first, packet)) = console::line(bytes) {
        // Two bytes of length come first.
        return packet.get(2..10).filter(|_| is_first)?.try_into().ok();
    }
    bytes.first_chunk().copied()
}

/// Why the session's success is none.
fn belied(run: &mut Run<'_>, options: &UpdateOptions) -> Option<String> {
    let result = run.session.result()?;
    let outcome = result["outcome"].as_str().unwrap_or("?").to_owned();
    let asked = run.watch.asked_at;
    for (index, goal) in run.goals.iter().enumerate() {
        let number = goal.number();
        let listed = result["images"].as_array().and_then(|images| {
            images.iter().find(|image| image["image"].as_u64() == Some(number as u64)).or(images.first())
        });
        if outcome == "unverified" && listed.is_some_and(|image| image["remark"].is_string()) {
            // Nothing is claimed of this one.
            continue;
        }
        // A package for both slots of a bootloader, sent twice: the second one is for the other slot.
        if run.plan.caller.again && matches!(goal, Goal::Stage { .. }) {
            continue;
        }
        let stays = goal.runs(&mut run.link);
        match outcome.as_str() {
            "uploaded" => {
                // Which variant of a bootloader is the right one some servers do not tell.
                let untold = matches!(goal, Goal::Stage { .. }) && !run.plan.can_tell(goal);
                let damaged = number == 0 && run.plan.other == Other::Damaged && !options.force_upload;
                let trusted = untold || damaged;
                if !trusted && !goal.is_held(&run.link) && run.watch.held_at[index] < asked {
                    return Some(format!("image {number} is not in a slot"));
                }
            }
            // The list is all there is to go by; whether a slot listed before the update is sound shows at its boot.
            "already_installed" if options.mode == UpdateMode::UploadOnly => {}
            "on_trial" | "already_installed" | "unverified" if options.mode == UpdateMode::TestOnly => {
                if stays.is_none() && run.watch.ran_at[index] < asked {
                    return Some(format!("image {number} does not run"));
                }
            }
            // It was right when it was told, and a late copy of an upload made the device go on.
            "updated" | "already_installed" | "unverified" if run.watch.stayed_at[index] > asked => {}
            "updated" | "already_installed" | "unverified" => {
                let Some(stays) = stays else {
                    return Some(format!("image {number} does not run"));
                };
                let confirms = options.mode != UpdateMode::TestOnly;
                if confirms && !stays {
                    return Some(format!("image {number} is not confirmed"));
                }
            }
            other => return Some(format!("there is no outcome {other}")),
        }
        if outcome != "uploaded" && !run.plan.can_tell(goal) {
            return Some(format!("image {number} is claimed to run, which this device cannot show"));
        }
    }
    None
}

/// The image stays although a way back was asked for: a trial alone, or until the caller found it healthy.
fn without_way_back(run: &mut Run<'_>, options: &UpdateOptions) -> bool {
    let trial = options.mode == UpdateMode::TestOnly || options.health_check;
    let marks_itself =
        run.plan.exhibit.as_ref().is_some_and(|exhibit| exhibit.kind == Kind::ConfirmedTrailer);
    trial && marks_itself && run.goals.iter().any(|goal| goal.runs(&mut run.link) == Some(true))
}

/// Whether the result says of some image that it cannot be told.
fn is_unverified(run: &Run<'_>) -> bool {
    run.session.result().is_some_and(|result| result["outcome"] == "unverified")
}

fn device_is_old(run: &Run<'_>) -> bool {
    run.plan.scenario.device.profile == DeviceProfile::Ncs21
}

/// Whether the device is where the update should have brought it, whatever the session said.
fn arrived(run: &mut Run<'_>, options: &UpdateOptions) -> bool {
    let link = &mut run.link;
    run.goals.iter().all(|goal| {
        if options.mode == UpdateMode::UploadOnly {
            return goal.is_held(link);
        }
        goal.runs(link).is_some_and(|stays| stays || options.mode == UpdateMode::TestOnly)
    })
}

/// Why the session should have known that the goal was reached.
fn false_failure(
    run: &mut Run<'_>,
    failure: &Failure,
    options: &UpdateOptions,
    harmless: bool,
) -> Option<&'static str> {
    let caller = run.plan.caller.clone();
    let decided = matches!(failure.status, Status::Cancelled | Status::HealthCheckFailed)
        // Another image is pending, and the next reset would start that one.
        || failure.status == Status::SlotInUse
        // The caller wanted to be heard and was not, within its own limit.
        || (failure.status == Status::Timeout && options.health_check && options.deadline_ms != 0)
        // With an upload forced upon it the goal is not to run the image.
        || options.force_upload
        || options.mode == UpdateMode::UploadOnly
        || (failure.status == Status::Contradiction && looks_misjudged(run, options))
        || caller.garbage + caller.replays > 0.0;
    if !decided && run.watch.lists.show(&run.goals, options.mode == UpdateMode::TestOnly, device_is_old(run))
    {
        return Some("the last list showed the goal reached");
    }
    let own_limits =
        matches!(failure.status, Status::Cancelled | Status::HealthCheckFailed | Status::SlotInUse)
            || options.swap_timeout_ms < 60_000
            || options.force_upload
            || options.mode == UpdateMode::UploadOnly
            || caller.again;
    // What a server that misjudges its slots writes is damage, and what a patch makes has a hash of its own.
    let kind = run.plan.exhibit.as_ref().map(|exhibit| exhibit.kind);
    let other = matches!(kind, Some(Kind::MisjudgedSlots | Kind::Patch));
    if harmless && !other && !own_limits && arrived(run, options) {
        return Some("the device reached the goal and nothing stood in the way");
    }
    None
}

/// Bytes written where something ran: by the application's server, or by recovery over another image.
fn written_running(run: &Run<'_>) -> u64 {
    let device = run.link.device();
    let written = device.counters().written_running;
    let application = device.slot_bytes(0, 0);
    let misplaced =
        run.goals.iter().filter(|goal| goal.number() > 0 && device.options().recovery).any(|goal| {
            let head = 36.min(application.len());
            head == 36 && application[..head] == goal.bytes()[..head]
        });
    written + if misplaced { application.len() as u64 } else { 0 }
}

/// With a command to mark with and no word on the mode, a device that runs slot 1 may as well be one that misjudges its slots: it is
/// refused unless the caller names the mode (docs/UPDATE.md).
fn looks_misjudged(run: &mut Run<'_>, options: &UpdateOptions) -> bool {
    let device = &run.plan.scenario.device;
    device.boot_mode == BootMode::DirectXipRevert
        && !device.bootloader_info
        && options.boot_mode == smpfota::BootMode::Unknown
        && runs_slot_1(run)
}

fn runs_slot_1(run: &mut Run<'_>) -> bool {
    let slots = run.link.device_mut().slots();
    slots.iter().any(|slot| slot.image == 0 && slot.slot == 1 && slot.flags.active)
}

/// Why a failure must not be.
fn absurd(
    run: &mut Run<'_>,
    failure: &Failure,
    options: &UpdateOptions,
    harmless: bool,
) -> Option<&'static str> {
    let device = run.link.device().counters();
    let caller = &run.plan.caller;
    let strange = caller.garbage + caller.replays > 0.0;
    if failure.sentence.is_empty() || failure.sentence.len() > 600 {
        return Some("its sentence is empty or endless");
    }
    match failure.status {
        Status::Contradiction if looks_misjudged(run, options) => {}
        Status::Undecodable
        | Status::UnexpectedResponse
        | Status::Contradiction
        | Status::OffsetOutOfRange
            if !strange =>
        {
            return Some("the virtual device speaks properly");
        }
        Status::Reverted if device.reverts == 0 && !strange => return Some("nothing was reverted"),
        Status::DigestMismatch => return Some("no byte was changed on the way"),
        Status::Panic => return Some("a panic"),
        _ if failure.status.number() > -200 && failure.status != Status::InvalidArgument => {
            return Some("neither caller nor file is to blame");
        }
        _ => {}
    }
    if !harmless {
        return None;
    }
    let plan = run.plan;
    let scenario = &plan.scenario;
    let newer = !plan.installed && scenario.image_version.compare(&scenario.device.version).is_gt();
    // What the bootloader would start next by its version counts as pending, for good.
    let by_version = plan.other != Other::Nothing && scenario.device.boot_mode.picks_slot();
    let too_large = scenario.image_size > scenario.device.slot_size;
    let expected = match failure.status {
        Status::DowngradeRefused => {
            (options.upgrade_only || scenario.device.boot_mode.picks_slot()) && !newer
        }
        // A server of version 1 has one code for both.
        Status::SlotInUse => {
            let other_on_trial = plan.caller.again && plan.two_images && plan.other == Other::Damaged;
            options.upgrade_only && !newer
                || plan.installed
                || plan.other == Other::Another
                || by_version
                || other_on_trial
        }
        Status::SlotTooSmall => {
            too_large || (options.slot_size != 0 && scenario.image_size > options.slot_size)
        }
        Status::NoFreeSlot => by_version,
        Status::HealthCheckFailed => caller.health != Health::Good,
        // A damaged image that was listed already is uploaded anew, but not while the other one is on trial.
        Status::NotSwapped if plan.two_images && plan.other == Other::Damaged => true,
        Status::NotSwapped | Status::NotMarked => !would_boot(plan),
        // Servers confirm a running image only if it is their own.
        Status::NotConfirmed => plan.two_images && options.mode == UpdateMode::TestAndConfirm,
        Status::DidNotReturn => options.swap_timeout_ms < 60_000,
        // Zephyr issue 60899: an old server stops when the slot is full.
        Status::Timeout | Status::LinkLost => too_large && device_is_old(run),
        // With old error codes what is too large is just an error.
        Status::DeviceError => too_large || scenario.device.boot_mode == BootMode::DirectXip,
        _ => false,
    };
    if expected { None } else { Some("nothing was out of the ordinary") }
}

pub fn judge(run: &mut Run<'_>, end: &End, options: &UpdateOptions) -> Verdict {
    let harmless = run.plan.is_harmless();
    let mut verdict = Verdict {
        outcome: Outcome::Updated,
        harmless,
        absurd: None,
        updated_anyway: false,
        false_failure: None,
        written_running: written_running(run),
        virtual_ms: run.now_ms(),
        steps: run.steps,
    };
    match end {
        End::Done => {
            if let Some(why) = belied(run, options) {
                verdict.outcome = Outcome::WrongSuccess(why);
            } else if options.mode == UpdateMode::TestOnly && without_way_back(run, options) {
                verdict.outcome = Outcome::WrongSuccess("it stays, and only a trial was asked for".into());
            } else if is_unverified(run) {
                verdict.outcome = Outcome::Unverified;
                if harmless && run.goals.iter().all(|goal| run.plan.can_tell(goal)) {
                    verdict.false_failure = Some("it says that it cannot tell, and the device shows it");
                }
            }
        }
        End::Hung(why) => verdict.outcome = Outcome::Hung(why),
        End::Failed(failure) => {
            verdict.absurd = match &run.plan.exhibit {
                Some(exhibit) => exhibit.absurd(run.plan, failure, options, harmless),
                None => absurd(run, failure, options, harmless),
            };
            if failure.status == Status::HealthCheckFailed && without_way_back(run, options) {
                verdict.absurd = Some("the image is unhealthy and the file took the way back away");
            }
            verdict.updated_anyway = arrived(run, options);
            verdict.false_failure = false_failure(run, failure, options, harmless);
            verdict.outcome = Outcome::Failed(failure.clone());
        }
    }
    verdict
}
