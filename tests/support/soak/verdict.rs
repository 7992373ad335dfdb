//! Whether what a session said fits what the device holds and runs.

use smpfota::simulator::{BootMode, DeviceProfile, SlotState, VirtualLink};
use smpfota::{Failure, Status, UpdateMode, UpdateOptions};

use super::plan::{Health, Other, would_boot};
use super::{End, Run};

/// What one run was.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The session said so and it is true.
    Updated,
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
    pub virtual_ms: u64,
    pub steps: u64,
}

impl Verdict {
    pub fn is_wrong(&self) -> bool {
        !matches!(self.outcome, Outcome::Updated | Outcome::Failed(_))
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
    held_at: [u64; 2],
    ran_at: [u64; 2],
}

impl Default for Watch {
    fn default() -> Watch {
        Watch { asked_at: 0, asked: [0; 256], held_at: [0; 2], ran_at: [0; 2] }
    }
}

impl Watch {
    pub fn sent(&mut self, now: u64, write: &[u8]) {
        match write {
            [op, _, _, _, 0, 1, sequence, 0, ..] if op & 7 == 0 => self.asked[usize::from(*sequence)] = now,
            [6, 9, ..] => self.asked_at = now,
            _ => {}
        }
    }

    pub fn received(&mut self, bytes: &[u8]) {
        if let [op, _, _, _, 0, 1, sequence, 0, ..] = bytes
            && op & 7 == 1
        {
            self.asked_at = self.asked_at.max(self.asked[usize::from(*sequence)]);
        }
    }

    pub fn look(&mut self, link: &mut VirtualLink, images: &[Vec<u8>], now: u64) {
        for (number, image) in images.iter().enumerate() {
            let device = link.device_mut();
            if (0..2).any(|slot| device.slot_bytes(number, slot).starts_with(image)) {
                self.held_at[number] = now;
            }
            if runs(link, number, image).is_some() {
                self.ran_at[number] = now;
            }
        }
    }
}

/// The running slot of an image, if it holds just these bytes.
fn runs(link: &mut VirtualLink, number: usize, image: &[u8]) -> Option<SlotState> {
    let device = link.device_mut();
    let old = device.options().profile == DeviceProfile::Ncs21;
    // Old servers show only slot 0 of image 0 as active; of others it is slot 0 that runs as well.
    let mut active = device
        .slots()
        .into_iter()
        .find(|slot| slot.image == number && (slot.flags.active || (old && number > 0 && slot.slot == 0)))?;
    if !active.flags.active {
        // While it is on trial it shows the flag that is meant for the image it would go back to.
        active.flags.confirmed = !active.flags.confirmed;
    }
    let holds = link.device().slot_bytes(number, active.slot).starts_with(image);
    holds.then_some(active)
}

/// Why the session's success is none.
fn belied(run: &mut Run<'_>, options: &UpdateOptions) -> Option<String> {
    let result = run.session.result()?;
    let outcome = result["outcome"].as_str().unwrap_or("?").to_owned();
    let images = run.images.clone();
    let asked = run.watch.asked_at;
    for (number, image) in images.iter().enumerate() {
        let running = runs(&mut run.link, number, image);
        let device = run.link.device();
        let held = (0..2).any(|slot| device.slot_bytes(number, slot).starts_with(image));
        match outcome.as_str() {
            "uploaded" => {
                let trusted = number == 0 && run.plan.other == Other::Damaged && !options.force_upload;
                if !trusted && !held && run.watch.held_at[number] < asked {
                    return Some(format!("image {number} is not in a slot"));
                }
            }
            // The list is all there is to go by; whether a slot listed before the update is sound shows at its boot.
            "already_installed" if options.mode == UpdateMode::UploadOnly => {}
            "on_trial" | "already_installed" if options.mode == UpdateMode::TestOnly => {
                if running.is_none() && run.watch.ran_at[number] < asked {
                    return Some(format!("image {number} does not run"));
                }
            }
            "updated" | "already_installed" => {
                let Some(running) = running else {
                    return Some(format!("image {number} does not run"));
                };
                let confirms = options.mode != UpdateMode::TestOnly;
                if confirms && !running.flags.confirmed {
                    return Some(format!("image {number} is not confirmed"));
                }
            }
            other => return Some(format!("there is no outcome {other}")),
        }
    }
    None
}

fn device_is_old(run: &Run<'_>) -> bool {
    run.plan.scenario.device.profile == DeviceProfile::Ncs21
}

/// Whether the device is where the update should have brought it, whatever the session said.
fn arrived(run: &mut Run<'_>, options: &UpdateOptions) -> bool {
    let images = run.images.clone();
    images.iter().enumerate().all(|(number, image)| {
        if options.mode == UpdateMode::UploadOnly {
            return (0..2).any(|slot| run.link.device().slot_bytes(number, slot).starts_with(image));
        }
        runs(&mut run.link, number, image)
            .is_some_and(|slot| slot.flags.confirmed || options.mode == UpdateMode::TestOnly)
    })
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
        Status::Timeout => too_large && device_is_old(run),
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
        virtual_ms: run.now_ms(),
        steps: run.steps,
    };
    match end {
        End::Done => {
            if let Some(why) = belied(run, options) {
                verdict.outcome = Outcome::WrongSuccess(why);
            }
        }
        End::Hung(why) => verdict.outcome = Outcome::Hung(why),
        End::Failed(failure) => {
            verdict.absurd = absurd(run, failure, options, harmless);
            verdict.updated_anyway = arrived(run, options);
            verdict.outcome = Outcome::Failed(failure.clone());
        }
    }
    verdict
}
