//! Explaining frames to a human: what they say, and what is wrong with them.
//!
//! Nothing here takes part in an update. Whoever debugs a gateway, or a client of their own, gives the bytes that they see
//! and gets words. The findings know the mistakes that others have made (Nordic DevZone, issues of MCUmgr clients); a table
//! in `tests/diagnose.rs` lists them.

mod body;
mod command;
mod conversation;
mod finding;
mod glance;
mod input;
mod json;
mod layout;
mod meaning;
mod request;
mod response;
mod text;

pub(crate) use finding::{Noticed, Severity};
pub(crate) use glance::{Glance, Listed, glance};

use crate::json::json;
use crate::smp::group;
use body::Problem;
use finding::Findings;
use json::Budget;
use layout::Seen;
use serde_json::{Map, Value};

/// The longest text in bytes that [`explain`] makes, whatever it is given.
pub const MAX_OUTPUT: usize = 128 * 1024;

/// How many bytes of JSON the bodies may take together.
const BODY_BUDGET: usize = 24 * 1024;

/// Explains bytes that were sent to a device or came from one: one or several frames, raw or in console lines, also if they
/// are written as hexadecimal, base64 or a JSON list of numbers.
///
/// Any bytes are accepted. The result is
///
/// ```json
/// {
///   "framing": "raw", "length": 20,
///   "frames": [{
///     "offset": 0, "length": 20,
///     "header": {"op": "write response", "op_number": 3, "version": 1, "flags": 0, "length": 12, "group": 1,
///                "group_name": "image", "sequence": 7, "command": 1, "command_name": "upload"},
///     "meaning": "Response: the device has 160 bytes of the image and goes on from there.",
///     "body": {"rc": 0, "off": 160}, "body_state": "whole", "error": null
///   }],
///   "frames_left_out": 0,
///   "findings": [{"frame": 0, "severity": "error", "code": "...", "text": "..."}],
///   "findings_left_out": 0
/// }
/// ```
///
/// `severity` is "error" (it cannot work, or failed), "warning" (it works on some devices or links) or "note"; `frame` is the
/// index into `frames`, or null; `code` is stable. `version` is that of the protocol, one more than the header's field. A byte
/// string in a body is `{"hex": first 64 bytes, "length": n}`. `body_state` is "whole", "cut", "malformed", "too deep", "empty"
/// or "opaque" (a vendor's, not CBOR). At most 32 frames and 64 findings are given, the rest is counted.
pub fn explain(bytes: &[u8]) -> Value {
    let mut findings = Findings::default();
    if bytes.is_empty() {
        findings.error("nothing", "There are no bytes.");
    }
    let input = input::recognise(bytes, &mut findings);
    let (frames, left_out) = layout::split(&input.runs, &mut findings);
    for (index, frame) in frames.iter().enumerate() {
        findings.at(Some(index));
        if frame.is_request() {
            request::examine(frame, input.serial, &mut findings);
        } else if frame.is_response() {
            response::examine(frame, &mut findings);
        }
    }
    conversation::examine(&frames, &mut findings);

    let mut budget = Budget(BODY_BUDGET);
    let frames: Vec<Value> = frames.iter().map(|frame| of_frame(frame, &mut budget)).collect();
    let (findings, findings_left_out) = findings.into_parts();
    json!({
        "framing": input.framing,
        "length": bytes.len(),
        "frames": frames,
        "frames_left_out": left_out,
        "findings": findings,
        "findings_left_out": findings_left_out,
    })
}

fn of_frame(frame: &Seen<'_>, budget: &mut Budget) -> Value {
    let op = match frame.bytes[0] & 0x07 {
        0 => Some("read"),
        1 => Some("read response"),
        2 => Some("write"),
        3 => Some("write response"),
        _ => None,
    };
    let body = &frame.body;
    let opaque = !frame.holds_map() && !body.is_exact_map();
    let state = match body.problem {
        _ if body.bytes.is_empty() => "empty",
        _ if opaque => "opaque",
        None => "whole",
        Some(Problem::Cut) => "cut",
        Some(Problem::Malformed) => "malformed",
        Some(Problem::TooDeep) => "too deep",
    };
    let content = match state {
        "empty" => Value::Null,
        "opaque" => json::of_item(&body::Item::Bytes(body.bytes), budget),
        _ => json::of_item(&body.item, budget),
    };
    let error = frame.is_response().then(|| response::device_error(frame)).flatten().map(|error| {
        json!({
            "group": error.group,
            "code": error.code,
            "name": crate::smp::error_table::lookup(error).map(|info| info.name),
            "text": error.to_string(),
        })
    });
    let header = json!({
        "op": op,
        "op_number": frame.bytes[0] & 0x07,
        "version": frame.version() + 1,
        "flags": frame.flags(),
        "length": frame.announced,
        "group": frame.group,
        "group_name": group::name(frame.group),
        "sequence": frame.sequence(),
        "command": frame.command,
        "command_name": frame.command_name(),
    });
    let mut out = Map::new();
    out.insert("offset".into(), json!(frame.offset));
    out.insert("length".into(), json!(frame.bytes.len()));
    out.insert("header".into(), header);
    out.insert("meaning".into(), json!(meaning::of(frame)));
    out.insert("body".into(), content);
    out.insert("body_state".into(), json!(state));
    out.insert("error".into(), json!(error));
    Value::Object(out)
}

/// The name of a command, if it is known.
pub(crate) fn command_name(group: u16, number: u8) -> Option<&'static str> {
    command::find(group, number).map(|command| command.name)
}
