//! What a frame says, in words.

use super::body::Item;
use super::command;
use super::json::{hex, shortened};
use super::layout::Seen;
use super::response::device_error;
use crate::smp::{Op, group};

/// How much of a digest is shown: enough to tell two apart.
const DIGEST_SHOWN: usize = 8;
/// How many images of a list are told.
const MAX_IMAGES: usize = 4;

/// One or two sentences.
pub(super) fn of(frame: &Seen<'_>) -> String {
    let Some(op) = frame.op else { return "No frame: its operation is unassigned.".to_owned() };
    let is_request = !op.is_response();
    let special = match (frame.group, frame.command, op) {
        _ if !matches!(frame.body.item, Item::Map(_)) => None,
        (_, _, Op::ReadResponse | Op::WriteResponse) if device_error(frame).is_some() => {
            device_error(frame).map(|error| format!("the device failed: {error}"))
        }
        (group::IMAGE, group::image::UPLOAD, Op::Write) => Some(upload(frame)),
        (group::IMAGE, group::image::UPLOAD, Op::WriteResponse) => uploaded(frame),
        (group::IMAGE, group::image::STATE, Op::Write) => Some(mark(frame)),
        (group::IMAGE, group::image::STATE, Op::ReadResponse | Op::WriteResponse) => images(frame),
        (group::IMAGE, group::image::ERASE, Op::Write) => {
            Some(format!("to erase slot {}", number(frame, "slot").unwrap_or(1)))
        }
        (group::OS, group::os::PARAMETERS, Op::ReadResponse) => parameters(frame),
        (group::OS, group::os::ECHO, _) => {
            frame.body.get(if is_request { "d" } else { "r" }).and_then(Item::text).map(|text| {
                format!("{}\"{}\"", if is_request { "to send back " } else { "" }, shortened(text, 64))
            })
        }
        _ => None,
    };
    let what = special.unwrap_or_else(|| general(frame, op));
    format!("{}: {}.", if is_request { "Request" } else { "Response" }, what.trim_end_matches('.'))
}

fn general(frame: &Seen<'_>, op: Op) -> String {
    let group = match group::name(frame.group) {
        Some(name) => format!("group {name}"),
        None => format!("group {}", frame.group),
    };
    match command::find(frame.group, frame.command) {
        Some(command) => match (command.action(op), op.is_response()) {
            (Some(action), false) => format!("to {}", action.meaning),
            (Some(action), true) => format!("to the request to {}", action.meaning),
            (None, _) => {
                format!("{} of {group}, with an operation that the command does not have", command.name)
            }
        },
        None => format!("command {} of {group}", frame.command),
    }
}

fn number(frame: &Seen<'_>, key: &str) -> Option<u64> {
    frame.body.get(key).and_then(Item::unsigned)
}

fn digest(item: Option<&Item<'_>>) -> Option<String> {
    let bytes = item?.bytes()?;
    let dots = if bytes.len() > DIGEST_SHOWN { "…" } else { "" };
    Some(hex(&bytes[..bytes.len().min(DIGEST_SHOWN)]) + dots)
}

fn upload(frame: &Seen<'_>) -> String {
    let data = match frame.body.get("data") {
        Some(Item::Bytes(bytes)) => format!("{} bytes", bytes.len()),
        Some(other) => other.kind().to_owned(),
        None => "nothing".to_owned(),
    };
    let Some(off) = number(frame, "off") else {
        return format!("to write {data} of an image, without an offset");
    };
    if off > 0 {
        return format!("to write {data} of the image at offset {off}");
    }
    let mut text = format!("first chunk of an upload, {data}");
    if let Some(len) = number(frame, "len") {
        text += &format!(" of {len}");
    }
    text += &format!(", image {}", number(frame, "image").unwrap_or(0));
    if let Some(sha) = digest(frame.body.get("sha")) {
        text += &format!(", SHA-256 of the file {sha}");
    }
    if frame.body.get("upgrade") == Some(&Item::Bool(true)) {
        text += ", only if it is newer";
    }
    text
}

fn uploaded(frame: &Seen<'_>) -> Option<String> {
    let off = number(frame, "off")?;
    let fits = match frame.body.get("match").and_then(Item::bool) {
        Some(true) => "; the digest fits",
        Some(false) => "; the digest does not fit",
        None => "",
    };
    Some(format!("the device has {off} bytes of the image and goes on from there{fits}"))
}

fn mark(frame: &Seen<'_>) -> String {
    let confirm = frame.body.get("confirm").and_then(Item::bool).unwrap_or(false);
    match (digest(frame.body.get("hash")), confirm) {
        (Some(hash), true) => format!("to confirm the image with hash {hash} for good"),
        (Some(hash), false) => format!("to start the image with hash {hash} on trial at the next reset"),
        (None, true) => "to confirm the running image".to_owned(),
        (None, false) => "to mark an image, without saying which".to_owned(),
    }
}

fn images(frame: &Seen<'_>) -> Option<String> {
    let Some(Item::Array(images)) = frame.body.get("images") else { return None };
    let told: Vec<String> = images
        .iter()
        .take(MAX_IMAGES)
        .map(|image| {
            let get = |key| image.get(key).and_then(Item::unsigned);
            let slot = get("slot").map_or("?".to_owned(), |slot| slot.to_string());
            let version = image.get("version").and_then(Item::text).unwrap_or("?");
            let hash = digest(image.get("hash")).map_or(String::new(), |hash| format!(" hash {hash}"));
            let flags: String = ["bootable", "pending", "confirmed", "active", "permanent"]
                .into_iter()
                .filter(|flag| image.get(flag) == Some(&Item::Bool(true)))
                .map(|flag| format!(" {flag}"))
                .collect();
            format!(
                "image {} slot {slot} version {}{hash}{flags}",
                get("image").unwrap_or(0),
                shortened(version, 32)
            )
        })
        .collect();
    let more = images.len().saturating_sub(MAX_IMAGES);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("{} images: {}{more}", images.len(), told.join("; ")))
}

fn parameters(frame: &Seen<'_>) -> Option<String> {
    let (size, count) = (number(frame, "buf_size")?, number(frame, "buf_count")?);
    Some(format!(
        "{count} buffers of {size} bytes; frames of up to {size} bytes if the device puts writes together, and {} in flight at most",
        count.saturating_sub(1).max(1)
    ))
}
