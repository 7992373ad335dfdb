//! A look before the first byte and the update after it, on one device: what the plan said against what the device's log and its flash
//! show.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use serde_json::Value;
use smpfota::simulator::{
    AfterUpload, DeviceProfile, Fault, FieldDevice, LinkKind, LoggedRequest, Scenario, image,
};
use smpfota::{Failure, LinkEvent, SessionOptions, Status, UpdateMode, UpdateOptions};

use super::goal::Goal;
use super::plan::{Control, Health, Other, Pieces, Plan, would_boot};
use super::{End, Run};

/// How often each of the ends came.
pub type Ends = BTreeMap<String, u32>;

/// The plan of a seed with nothing on the way that is out of the ordinary.
pub fn quiet(seed: u64, field: f64) -> Plan {
    let mut plan = Plan::drawn(seed, field);
    plan.scenario.fault = Fault::None;
    plan.scenario.link = plan.scenario.link.without_faults();
    plan.scenario.device.fail_write_at = None;
    plan.session = SessionOptions {
        framing: plan.session.framing,
        nonce: plan.session.nonce,
        max_write: plan.session.max_write.max(128),
        ..SessionOptions::default()
    };
    plan.batched = false;
    plan.update.deadline_ms = 0;
    plan.update.swap_timeout_ms = 300_000;
    plan.update.health_timeout_ms = 600_000;
    let caller = &mut plan.caller;
    (caller.control, caller.pieces, caller.health) = (Control::Obeys, Pieces::Whole, Health::Good);
    (caller.lag_us, caller.garbage, caller.replays, caller.false_links) = (0, 0.0, 0.0, 0.0);
    (caller.down_for_ever, caller.cancel_at, caller.pause, caller.again) = (None, None, None, false);
    caller.sleeps = false;
    plan
}

/// A device of this name with nothing out of the ordinary but itself, and an update of this mode.
pub fn of_the_zoo(device: FieldDevice, profile: DeviceProfile, mode: UpdateMode) -> Plan {
    let mut plan = quiet(1, 0.0);
    plan.scenario = Scenario::new(LinkKind::None).profile(profile).image_size(6_000);
    plan.scenario.device.slot_size = 0x8000;
    device.apply(&mut plan.scenario.device);
    if plan.scenario.device.images > 1 {
        // The list of several images does not fit small buffers.
        plan.scenario.device.buf_size = 2_048;
    }
    plan.session = SessionOptions::default();
    plan.update = UpdateOptions { mode, ..UpdateOptions::default() };
    (plan.other, plan.installed, plan.two_images) = (Other::Nothing, false, false);
    plan
}

/// What a log shows of one request.
fn body(request: &LoggedRequest) -> Cbor {
    ciborium::from_reader(request.body.as_slice()).unwrap_or(Cbor::Null)
}

fn entry(body: &Cbor, key: &str) -> Option<Cbor> {
    body.as_map()?.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, value)| value.clone())
}

fn number(body: &Cbor, key: &str) -> Option<u64> {
    entry(body, key)?.as_integer()?.try_into().ok()
}

fn is(request: &LoggedRequest, group: u16, command: u8) -> bool {
    (request.op, request.group, request.command) == (2, group, command)
}

fn is_reset(request: &LoggedRequest) -> bool {
    is(request, 0, 5)
}

/// The hash that a mark names; the question whether the server has marks names none that could be.
fn mark(request: &LoggedRequest) -> Option<(Vec<u8>, bool)> {
    if !is(request, 1, 0) {
        return None;
    }
    let body = body(request);
    let for_good = entry(&body, "confirm").and_then(|confirm| confirm.as_bool()) == Some(true);
    let hash = entry(&body, "hash")?.as_bytes()?.clone();
    (hash.len() >= 32).then_some((hash, for_good))
}

/// Requests that change something, or are meant to.
fn writes(log: &[LoggedRequest]) -> Vec<String> {
    let all = log.iter().filter(|request| {
        request.wrote.is_some()
            || is(request, 1, 1)
            || is(request, 1, 5)
            || is_reset(request)
            || (is(request, 1, 0) && (mark(request).is_some() || entry(&body(request), "hash").is_none()))
    });
    all.map(|request| format!("{} {} {}", request.op, request.group, request.command)).collect()
}

/// What the device holds: the bytes of its slots and their flags.
fn held(run: &mut Run<'_>) -> (Vec<Vec<u8>>, String) {
    let device = run.link.device_mut();
    let count = device.options().images as usize;
    let flags = format!("{:?}", device.slots());
    let bytes = (0..count * 2).map(|slot| device.slot_bytes(slot / 2, slot % 2).to_vec());
    (bytes.collect(), flags)
}

/// Runs the check and then the update of a plan; `Err` says what does not agree.
pub fn run(plan: &Plan, buffer: &mut [u8], ends: &mut Ends) -> Result<(), String> {
    let mut run = Run::new(plan, buffer, false, false);
    run.link.device_mut().log_requests();
    let before = held(&mut run);
    let checked = run.operate(UpdateOptions { check_only: true, ..plan.update });
    let seen = run.link.device().requests().len();
    let wrote = writes(&run.link.device().requests()[..seen]);
    if !wrote.is_empty() || held(&mut run) != before || run.link.device().counters().boots > 0 {
        return Err(format!("the check wrote: {wrote:?}"));
    }
    let planned = run.session.result();
    // Some links keep late answers of the first operation.
    run.now_us += 5_000_000;
    run.receive();
    let end = run.operate(plan.update);
    let log = run.link.device().requests()[seen..].to_vec();
    *ends.entry(name(&checked, &end)).or_default() += 1;
    match (&checked, &end) {
        (End::Hung(why), _) | (_, End::Hung(why)) => Err(format!("hung: {why}")),
        (End::Failed(refused), end) => refused_alike(refused, end, &log),
        (End::Done, End::Failed(failure)) if writes(&log).is_empty() => {
            Err(format!("the check found nothing against it, and the update refuses: {failure}"))
        }
        (End::Done, end) => {
            let planned = planned.ok_or("a check without a plan")?;
            agrees(&mut run, &planned, end, &log).map_err(|why| format!("{why}\nplan {planned}\nend {end:?}"))
        }
    }
}

fn name(checked: &End, end: &End) -> String {
    let name = |end: &End| match end {
        End::Done => "done".to_owned(),
        End::Failed(failure) => failure.status.name().to_lowercase(),
        End::Hung(_) => "hung".to_owned(),
    };
    format!("check {}, update {}", name(checked), name(end))
}

fn refused_alike(refused: &Failure, end: &End, log: &[LoggedRequest]) -> Result<(), String> {
    match end {
        End::Failed(failure) if failure.status == refused.status && failure.sentence == refused.sentence => {
            let wrote = writes(log);
            if wrote.is_empty() { Ok(()) } else { Err(format!("refused behind its first byte: {wrote:?}")) }
        }
        // A bootloader that a question ended answers nothing any more.
        End::Failed(failure) if refused.status == Status::Timeout && failure.status == Status::Timeout => {
            Ok(())
        }
        other => Err(format!("the check refuses ({refused}), and the update: {other:?}")),
    }
}

/// The plan of an image against what was done for it.
fn agrees(run: &mut Run<'_>, planned: &Value, end: &End, log: &[LoggedRequest]) -> Result<(), String> {
    let options = run.plan.update;
    let images = planned["images"].as_array().ok_or("no images")?;
    if images.iter().any(|image| image["action"] == "enter_loader") {
        let first = log.iter().find(|request| request.op == 2 && !is(request, 0, 0));
        let enters =
            first.is_some_and(|first| is_reset(first) && number(&body(first), "boot_mode") == Some(1));
        return if enters { Ok(()) } else { Err(format!("it was to enter the loader first: {first:?}")) };
    }
    // Where what lay in the slot is damaged, the device marks by itself or does not tell that it starts the newest image alone, the
    // update does more than was planned.
    let by_itself = run.plan.scenario.device.quirks.after_upload != AfterUpload::Nothing;
    let as_planned = run.plan.other != Other::Damaged && !by_itself && would_boot(run.plan);
    uploads_agree(images, log, as_planned)?;
    if !as_planned {
        return Ok(());
    }
    let resets = log.iter().position(is_reset).unwrap_or(log.len());
    let marks: Vec<_> = log[..resets].iter().filter_map(mark).collect();
    let starts = |image: &Value| image["action"] != "confirm" && !image["way_back"].is_null();
    let reset = images.iter().any(starts);
    if matches!(end, End::Done) && reset != (resets < log.len()) {
        return Err(format!("a reset was {}planned", if reset { "" } else { "not " }));
    }
    let mut named = Vec::new();
    for image in images {
        let goal = run
            .goals
            .iter()
            .position(|goal| Some(goal.number() as u64) == image["image"].as_u64())
            .unwrap_or(0);
        let bytes: Vec<Vec<u8>> = match &run.goals[goal] {
            Goal::Stage { stages, .. } => stages.iter().map(|(_, bytes)| bytes.clone()).collect(),
            other => vec![other.bytes().to_vec()],
        };
        let hashes: Vec<_> = bytes
            .iter()
            .filter_map(|bytes| [32, 48, 64].into_iter().find_map(|n| image::inspect(bytes, n).ok()))
            .map(|info| info.hash)
            .collect();
        let mine = marks.iter().rev().find(|(hash, _)| hashes.contains(hash));
        let marked = mine.map_or("none", |(_, for_good)| if *for_good { "for_good" } else { "trial" });
        named.extend(hashes);
        let planned_mark = image["mark"].as_str().unwrap_or("?");
        if planned_mark != marked && !(matches!(end, End::Failed(_)) && marked == "none") {
            return Err(format!("marked {marked} instead of {planned_mark}"));
        }
        if *end == End::Done {
            ends_agree(run, image, goal)?;
        }
    }
    if let Some((hash, _)) = marks.iter().find(|(hash, _)| !named.contains(hash)) {
        return Err(format!("an image of nobody was marked: {hash:02x?}"));
    }
    if *end == End::Done && options.mode == UpdateMode::TestOnly {
        goes_back(run, images)?;
    }
    Ok(())
}

/// Where each image was sent, and how many bytes of it.
fn uploads_agree(images: &[Value], log: &[LoggedRequest], as_planned: bool) -> Result<(), String> {
    let mut sent: Vec<(u64, u64)> = Vec::new();
    for request in log.iter().filter(|request| is(request, 1, 1)) {
        let body = body(request);
        let Some(length) = number(&body, "len") else { continue };
        let to = (number(&body, "image").unwrap_or(0), length);
        // Where an upload stands is asked for with a first chunk that holds nothing.
        if entry(&body, "data").and_then(|data| data.as_bytes().map(Vec::is_empty)) != Some(true)
            && !sent.contains(&to)
        {
            sent.push(to);
        }
    }
    let wanted: Vec<(u64, u64)> = images
        .iter()
        .filter(|image| image["action"] == "upload")
        .map(|image| {
            (image["upload_number"].as_u64().unwrap_or(99), image["upload_bytes"].as_u64().unwrap_or(0))
        })
        .collect();
    let erased = log.iter().filter(|request| is(request, 1, 5)).count();
    let erases = images.iter().filter(|image| image["erase_first"] == true).count();
    let same = if as_planned { sent == wanted } else { sent.starts_with(&wanted) };
    // An upload that failed leaves the rest undone.
    let began = !sent.is_empty() || erased > 0;
    if !(same || (began && wanted.starts_with(&sent))) {
        return Err(format!("sent {sent:?} instead of {wanted:?} (image number, bytes)"));
    }
    if !as_planned {
        return Ok(());
    }
    if erased > erases || (erased < erases && sent.len() == wanted.len()) {
        return Err(format!("{erased} slots were erased by command instead of {erases}"));
    }
    Ok(())
}

/// How an image was to end, against the device.
fn ends_agree(run: &mut Run<'_>, image: &Value, goal: usize) -> Result<(), String> {
    let goal = run.goals[goal].clone();
    let outcome = run.session.result().and_then(|result| result["outcome"].as_str().map(str::to_owned));
    let end = image["end"].as_str().unwrap_or("?");
    let runs = goal.runs(&mut run.link);
    let really = match (end, runs) {
        ("uploaded", _) if goal.is_held(&run.link) => "uploaded",
        ("uploaded", _) if matches!(goal, Goal::Stage { .. }) => "uploaded",
        (_, Some(true)) => "confirmed",
        (_, Some(false)) => "on_trial",
        (_, None) => "nothing",
    };
    // A trial is tried; whether there is one shows then.
    let untold = end == "on_trial" && image["way_back"] == "unknown" && really == "confirmed";
    if really != end && !untold {
        return Err(format!("image {} ended {really} instead of {end} ({outcome:?})", image["image"]));
    }
    Ok(())
}

/// A reset takes back what has a way back, and nothing else.
fn goes_back(run: &mut Run<'_>, images: &[Value]) -> Result<(), String> {
    let now = run.now_us;
    run.link.device_mut().reboot(now + 1_000_000);
    run.link.set_link(now + 600_000_000, true);
    run.session.link(run.now_us / 1_000, LinkEvent::Up);
    for image in images {
        let goal = run.goals.iter().find(|goal| Some(goal.number() as u64) == image["image"].as_u64());
        let Some(goal) = goal.cloned() else { continue };
        let stays = goal.runs(&mut run.link).is_some();
        match image["way_back"].as_str() {
            Some("until_confirmed") if stays => {
                return Err(format!("image {} was to have a way back, and stays", image["image"]));
            }
            Some("none") if !stays => {
                return Err(format!("image {} was to have no way back, and went back", image["image"]));
            }
            _ => {}
        }
    }
    Ok(())
}
