//! What a response tells that is easily overlooked.

use super::body::Item;
use super::finding::Findings;
use super::layout::Seen;
use crate::smp::{DeviceError, group};

/// The error in a response: `rc`, or the map `err` (`ret` in Zephyr 3.4). An `rc` below 0 is kept as the largest number.
pub(super) fn device_error(frame: &Seen<'_>) -> Option<DeviceError> {
    let number = |item: &Item<'_>| match item {
        Item::Unsigned(number) => Some(u32::try_from(*number).unwrap_or(u32::MAX)),
        Item::Negative(_) => Some(u32::MAX),
        _ => None,
    };
    for key in ["err", "ret"] {
        if let Some(map @ Item::Map(_)) = frame.body.get(key) {
            let code = map.get("rc").and_then(number)?;
            let group = map.get("group").and_then(Item::unsigned).and_then(|n| u16::try_from(n).ok());
            return (code != 0).then_some(DeviceError { group, code });
        }
    }
    let code = frame.body.get("rc").and_then(number)?;
    (code != 0).then_some(DeviceError::common(code))
}

/// What a common `rc` means as the answer to this command; servers before Zephyr 3.4, and newer ones asked in SMP version 1,
/// say nothing more precise.
fn hint(frame: &Seen<'_>, code: u32) -> Option<&'static str> {
    Some(match (frame.group, frame.command, code) {
        (group::IMAGE, group::image::UPLOAD, 1) => {
            "For an upload: a flash write or erase failed. The device takes nothing more until a complete first chunk."
        }
        (group::IMAGE, group::image::UPLOAD, 3) => {
            "For an upload: \"off\" is missing, or the first chunk lacks \"len\", is shorter than 32 bytes, does not begin with \
             an image header, or has a \"sha\" over 32 bytes."
        }
        (group::IMAGE, group::image::UPLOAD, 5) => {
            "For an upload: no slot is free, because the other one is pending or on trial, or \"image\" names one that the \
             device does not have."
        }
        (group::IMAGE, group::image::UPLOAD, 6) => {
            "For an upload: \"upgrade\" is set and the running version is as new or newer, or no slot is free."
        }
        (group::IMAGE, group::image::STATE, 1) => {
            "For an image state: the image is the running one, or the same image is in both slots and the first was meant."
        }
        (group::IMAGE, group::image::STATE, 3) => {
            "For an image state: no image on the device has this hash. It is the hash of the image list, neither the SHA-256 \
             of the file nor a slot or image number."
        }
        (group::IMAGE, group::image::STATE, 6) => {
            "For an image state: another image is pending, or the running one is on trial. Reset or confirm first."
        }
        (group::IMAGE, group::image::ERASE, 6) => "For an erase: the slot is in use, pending or on trial.",
        (group::OS, group::os::RESET, 10) => {
            "For a reset: the application refuses it for now; \"force\" may override it."
        }
        (_, _, 8) => {
            "The group, the command or the operation is not in this firmware. Check that group and operation are right; \
             optional commands are missing in many devices."
        }
        (_, _, 9) => {
            "Less arrived than the header announces: the write was cut to what the ATT MTU or the gateway lets pass, or the \
             device does not put writes together."
        }
        _ => return None,
    })
}

/// Looks at one response.
pub(super) fn examine(frame: &Seen<'_>, findings: &mut Findings) {
    if !matches!(frame.body.item, Item::Map(_)) {
        return;
    }
    if matches!(frame.body.get("ret"), Some(Item::Map(_))) {
        findings.note(
            "ret_spelling",
            "The error stands under \"ret\" instead of \"err\": a server of Zephyr 3.4 or NCS 2.4.",
        );
    }
    if let Some(error) = device_error(frame) {
        let mut text = format!("The device refused: {error}");
        if let (None, Some(hint)) = (error.group, hint(frame, error.code)) {
            text.push(' ');
            text.push_str(hint);
        }
        findings.error("device_error", text);
        return;
    }
    if !frame.body.is_whole() {
        return;
    }
    match (frame.group, frame.command) {
        (group::IMAGE, group::image::UPLOAD) => upload(frame, findings),
        (group::IMAGE, group::image::STATE) => images(frame, findings),
        _ => {}
    }
}

fn upload(frame: &Seen<'_>, findings: &mut Findings) {
    if frame.body.get("match") == Some(&Item::Bool(false)) {
        findings.error(
            "match_false",
            "\"match\" is false: what the device received does not fit \"sha\". The upload is not good, whatever \"off\" says.",
        );
    }
    match frame.body.get("off").and_then(Item::unsigned) {
        None => findings.error(
            "off_missing",
            "An answer to an upload without \"off\" and without an error: it does not say where to go on.",
        ),
        Some(0) => findings.warning(
            "off_zero",
            "The device wants the upload from the start: send the complete first chunk again, with all its fields. It lost its \
             state (a reboot, another client), its flash write failed, or the image is already complete; the image list tells.",
        ),
        Some(_) => {}
    }
}

fn images(frame: &Seen<'_>, findings: &mut Findings) {
    let Some(Item::Array(images)) = frame.body.get("images") else {
        findings
            .error("images_missing", "An answer to an image state without \"images\" and without an error.");
        return;
    };
    if images.is_empty() {
        findings.warning("no_images", "The device lists no image: it found none that is valid.");
        return;
    }
    let is = |image: &Item<'_>, flag| image.get(flag) == Some(&Item::Bool(true));
    let active = images.iter().find(|image| is(image, "active"));
    match active {
        None => findings.warning("none_active", "No image is marked active."),
        Some(image) if !is(image, "confirmed") => findings.warning(
            "active_not_confirmed",
            "The running image is on trial: without a confirmation the next reset goes back to the old one.",
        ),
        Some(_) => {}
    }
    if images.iter().any(|image| is(image, "pending")) {
        findings.note("pending", "An image is pending: it starts at the next reset.");
    }
    if let [first, second, ..] = &images[..] {
        let same_image = first.get("image") == second.get("image");
        let hash = |image: &Item<'_>| image.get("hash").and_then(Item::bytes).map(<[u8]>::to_vec);
        if same_image && hash(first).is_some() && hash(first) == hash(second) {
            findings.note(
                "same_image_in_both_slots",
                "Both slots hold the same image: it is installed. Marking it for test fails, with rc 1 on old servers.",
            );
        }
    }
}
