//! What is wrong with a request, beyond its layout.

use super::body::Item;
use super::command::{self, Kind};
use super::finding::Findings;
use super::json::shortened;
use super::layout::Seen;
use super::text;
use crate::smp::group;
use sha2::{Digest, Sha256};

/// The length of an image header, and of a SHA-256.
const IMAGE_HEADER_LEN: usize = 32;
const DIGEST_LEN: usize = 32;
/// What one GATT write carries at the ATT MTU of 247 that nRF devices ask for.
const USUAL_WRITE: usize = 244;
/// What any GATT write can carry at all: the longest attribute value.
const LONGEST_WRITE: usize = 512;

/// Looks at one request. `serial` says that it came in console lines, where the ATT MTU does not matter.
pub(super) fn examine(frame: &Seen<'_>, serial: bool, findings: &mut Findings) {
    if !serial {
        size(frame.bytes.len(), findings);
    }
    if !matches!(frame.body.item, Item::Map(_)) {
        return;
    }
    let known = frame.op.and_then(|op| command::find(frame.group, frame.command)?.action(op));
    let is_upload = frame.is_image(group::image::UPLOAD);
    let has = |key| frame.body.get(key).is_some();
    if has("off") && has("data") && !has("name") && !is_upload && frame.group < group::VENDOR_FIRST {
        findings.error(
            "upload_elsewhere",
            format!(
                "The body is that of an image upload, and the frame goes to group {} command {}; it belongs to group 1 command 1.",
                frame.group, frame.command
            ),
        );
        return;
    }
    if let Some(action) = known {
        fields(frame, action.fields, findings);
    }
    match (frame.group, frame.command) {
        (group::IMAGE, group::image::UPLOAD) => upload(frame, findings),
        (group::IMAGE, group::image::STATE) if known.is_some_and(|action| !action.fields.is_empty()) => {
            state(frame, findings);
        }
        (group::IMAGE, group::image::ERASE) if frame.body.get("slot") == Some(&Item::Unsigned(0)) => findings
            .warning(
                "erase_slot_0",
                "Slot 0 is the one that usually runs; the device refuses to erase it. The other one is 1.",
            ),
        (group::OS, group::os::ECHO) if frame.body.is_whole() && !has("d") => {
            findings.error("field_missing", "An echo lacks \"d\", the text to send back.");
        }
        _ => {}
    }
}

fn size(length: usize, findings: &mut Findings) {
    if length > LONGEST_WRITE {
        findings.warning(
            "frame_over_512",
            format!(
                "The frame has {length} bytes and a GATT write carries 512 at most: it must go out in pieces, in order, to a \
                 device that puts them together and whose buf_size holds them."
            ),
        );
    } else if length > USUAL_WRITE {
        findings.warning(
            "frame_over_244",
            format!(
                "The frame has {length} bytes and a write at the usual ATT MTU of 247 carries 244: {} too many. Measure each \
                 encoded frame; a chunk of 222 bytes fits up to off 255, then 221, and from 65536 on 219.",
                length - USUAL_WRITE
            ),
        );
    }
}

/// Checks the fields of the body against those of the command.
fn fields(frame: &Seen<'_>, expected: &[(&str, Kind)], findings: &mut Findings) {
    for (key, value) in frame.body.item.entries() {
        let Some(key) = key.text() else { continue };
        let Some((_, kind)) = expected.iter().find(|(name, _)| *name == key) else {
            unknown_field(frame, key, expected, findings);
            continue;
        };
        let (fits, wanted) = match kind {
            Kind::Unsigned => (value.unsigned().is_some(), "an unsigned integer"),
            Kind::Bool => (value.bool().is_some(), "a boolean"),
            Kind::Text => (value.text().is_some(), "text"),
            Kind::Bytes => {
                (matches!(value, Item::Bytes(_) | Item::Pieces { text: false, .. }), "a byte string")
            }
            Kind::Any => (true, ""),
        };
        if fits || *value == Item::Missing {
            continue;
        }
        match (key, value) {
            ("sha" | "hash", Item::Text(text)) => digest_text(key, text, findings),
            ("data", Item::Text(text)) => findings.error(
                "data_is_text",
                format!(
                    "\"data\" is text of {} characters; it must be a byte string (CBOR major type 2), not base64 or hexadecimal.",
                    text.len()
                ),
            ),
            ("data", Item::Array(_)) => findings.error(
                "data_is_array",
                "\"data\" is an array of numbers; it must be a byte string, which is also half as long.",
            ),
            ("force", Item::Unsigned(_)) => findings.warning(
                "force_not_bool",
                "\"force\" is a number; the server reads a boolean and silently ignores anything else.",
            ),
            _ => findings
                .error("field_type", format!("\"{key}\" is {} and must be {wanted}.", value.kind())),
        }
    }
}

fn digest_text(key: &str, text: &str, findings: &mut Findings) {
    let looks = match (text::from_hex(text.as_bytes()), text::from_base64(text.as_bytes())) {
        (Some(bytes), _) if bytes.len() == DIGEST_LEN => "the digest in hexadecimal",
        (_, Some(bytes)) if bytes.len() == DIGEST_LEN => "the digest in base64",
        _ => "some text",
    };
    findings.error(
        if key == "sha" { "sha_is_text" } else { "hash_is_text" },
        format!("\"{key}\" is {looks}; it must be the bytes themselves, a byte string."),
    );
}

fn unknown_field(frame: &Seen<'_>, key: &str, expected: &[(&str, Kind)], findings: &mut Findings) {
    let upload = frame.is_image(group::image::UPLOAD);
    let state = frame.is_image(group::image::STATE);
    let hint = match key {
        "offset" | "Off" | "OFF" => "The key is \"off\".",
        "length" | "size" | "total" if upload => "The key is \"len\".",
        "hash" | "sha256" | "digest" if upload => "The key is \"sha\", the SHA-256 of the whole file.",
        "sha" | "sha256" if state => "The key is \"hash\", the one that the image list shows.",
        "payload" | "chunk" | "bytes" if upload => "The key is \"data\".",
        "slot" if upload => {
            "An upload cannot choose a slot; \"image\" is the number of the image, 0 for the first."
        }
        "image" | "slot" if state => "An image is chosen by its \"hash\" alone, not by image or slot number.",
        "image" if frame.is_image(group::image::ERASE) => "A slot is chosen by \"slot\".",
        _ if expected.iter().any(|(name, _)| name.eq_ignore_ascii_case(key)) => "Keys are lower case.",
        _ => "Servers ignore it.",
    };
    findings.warning("field_unknown", format!("The command has no field \"{}\". {hint}", shortened(key, 32)));
}

fn upload(frame: &Seen<'_>, findings: &mut Findings) {
    let body = &frame.body;
    let field = |key| body.get(key).filter(|value| **value != Item::Missing);
    let whole = body.is_whole();
    let nested = body.item.entries().iter().any(|(_, value)| {
        value.get("off").is_some() || value.elements().iter().any(|element| element.get("off").is_some())
    });
    if field("off").is_none() && nested {
        findings.error(
            "fields_nested",
            "The fields stand in a map within the map; they must be keys of the body itself.",
        );
        return;
    }
    if whole {
        if field("off").is_none() {
            findings
                .error("off_missing", "The chunk lacks \"off\"; the device answers rc 3, image error 20.");
        }
        if field("data").is_none() {
            findings.error("data_missing", "The chunk lacks \"data\".");
        }
    }
    let off = field("off").and_then(Item::unsigned);
    let len = field("len").and_then(Item::unsigned);
    let data = field("data").and_then(Item::bytes);
    if let (Some(off), Some(len), Some(data), true) = (off, len, data, whole)
        && off.saturating_add(data.len() as u64) > len
    {
        findings.error(
                "data_beyond_len",
                format!(
                    "{} bytes at {off} reach beyond the {len} of \"len\", which is the length of the whole file. The device \
                     answers rc 3 or image error 31.",
                    data.len()
                ),
            );
    }
    match off {
        Some(0) => first_chunk(frame, whole, len, data, findings),
        Some(_) => later_chunk(frame, data, findings),
        None => {}
    }
    if let Some(number) = field("image").and_then(Item::unsigned).filter(|number| *number > 0) {
        findings.warning(
            "image_not_0",
            format!(
                "\"image\" {number} is image {number} counted from 0 (1: the network core of an nRF5340), not the second slot. For \
                 the application leave it out or send 0; the device chooses the free slot itself."
            ),
        );
    }
}

fn later_chunk(frame: &Seen<'_>, data: Option<&[u8]>, findings: &mut Findings) {
    let repeated: Vec<&str> =
        ["len", "sha", "image", "upgrade"].into_iter().filter(|key| frame.body.get(key).is_some()).collect();
    if !repeated.is_empty() {
        findings.note(
            "first_fields_repeated",
            format!("Only the chunk at off 0 needs {}; here it costs room for data.", repeated.join(", ")),
        );
    }
    match data {
        Some([]) => findings
            .note("data_empty", "The chunk is empty: nothing is written, the device tells its offset."),
        Some(data) => {
            encoded_data(data, findings);
        }
        None => {}
    }
}

fn first_chunk(
    frame: &Seen<'_>,
    whole: bool,
    len: Option<u64>,
    data: Option<&[u8]>,
    findings: &mut Findings,
) {
    if whole && frame.body.get("len").is_none() {
        findings.error(
            "len_missing",
            "The chunk at off 0 lacks \"len\"; the device answers rc 3, image error 21.",
        );
    }
    match frame.body.get("sha") {
        None if whole => findings.warning(
            "sha_missing",
            "The chunk at off 0 lacks \"sha\": a repeated or late copy of it erases the slot and starts anew, and the upload \
             cannot be resumed.",
        ),
        Some(Item::Bytes(sha)) if sha.len() != DIGEST_LEN && whole => findings.error(
            "sha_not_32_bytes",
            format!(
                "\"sha\" has {} bytes; it must be the 32 of the SHA-256 of the whole file. A shorter one makes the final check \
                 fail on a good image, a longer one is refused.",
                sha.len()
            ),
        ),
        _ => {}
    }
    let (Some(data), true) = (data, whole) else { return };
    if encoded_data(data, findings) {
        return;
    }
    if let Some(kind) = not_an_image(data) {
        findings.error(
            "not_an_mcuboot_image",
            format!(
                "The data does not begin with the magic number 3d b8 f3 96 of a signed MCUboot image: {kind}"
            ),
        );
    } else if data.len() < IMAGE_HEADER_LEN {
        findings.error(
            "first_chunk_too_short",
            format!("The first chunk has {} bytes and must hold the 32 of the image header.", data.len()),
        );
    } else if let (Some(len), [_, _, _, _, _, _, _, _, h0, h1, _, _, i0, i1, i2, i3, ..]) = (len, data) {
        let least =
            u64::from(u16::from_le_bytes([*h0, *h1])) + u64::from(u32::from_le_bytes([*i0, *i1, *i2, *i3]));
        if len < least {
            findings.error(
                "len_below_image",
                format!(
                    "\"len\" is {len} and the image header alone says {least} bytes: \"len\" is the length of the whole file, not \
                     of a chunk, or the file is cut."
                ),
            );
        }
    }
    if let (Some(sha), true) = (frame.body.get("sha").and_then(Item::bytes), len == Some(data.len() as u64))
        && sha.len() == DIGEST_LEN
        && sha != &Sha256::digest(data)[..]
    {
        findings.error(
                "sha_not_of_file",
                "\"sha\" is not the SHA-256 of the file; the hash of the image's TLV area is another one and does not belong here.",
            );
    }
}

/// Tells data that is base64 or hexadecimal inside a byte string; whether it did.
fn encoded_data(data: &[u8], findings: &mut Findings) -> bool {
    // Long enough that no real code looks like it.
    let kind = match data.len() {
        0..16 => None,
        _ if text::from_hex(data).is_some() => Some("hexadecimal"),
        _ if text::from_base64(data).is_some() => Some("base64"),
        _ => None,
    };
    if let Some(kind) = kind {
        findings.error(
            "data_is_encoded",
            format!("\"data\" holds {kind} text; it must hold the bytes of the file themselves."),
        );
    }
    kind.is_some()
}

/// What the start of the data is instead of an image; `None` for an image, or for too few bytes to tell.
fn not_an_image(data: &[u8]) -> Option<String> {
    let magic: [u8; 4] = *data.first_chunk()?;
    Some(match u32::from_le_bytes(magic) {
        0x96f3_b83d => return None,
        0x96f3_b83c => {
            "it is the magic number of the old image format, which MCUboot no longer takes.".into()
        }
        0x3db8_f396 => "its bytes stand in reverse order.".into(),
        _ if magic.starts_with(b"PK") => {
            "it is a zip archive; send the .bin files inside, each as the image its manifest says.".into()
        }
        _ if magic.starts_with(b":") => "it is an Intel HEX file; send the signed .bin.".into(),
        _ if magic == *b"\x7fELF" => "it is an ELF file; send the signed .bin.".into(),
        // The first word of a bare application is the initial stack pointer, an address in RAM.
        word @ 0x2000_0000..=0x200f_ffff => format!(
            "its first word {word:#010x} is a stack pointer, so it is a bare application without header and signature, or the \
             .bin of an nRF5 SDK package. Send the signed image (zephyr.signed.bin, app_update.bin)."
        ),
        word => format!("its first word is {word:#010x}."),
    })
}

fn state(frame: &Seen<'_>, findings: &mut Findings) {
    let body = &frame.body;
    let confirm = body.get("confirm").and_then(Item::bool).unwrap_or(false);
    match body.get("hash") {
        None if body.is_whole() && !confirm => findings.error(
            "hash_missing",
            "Marking an image for test needs its \"hash\"; the device answers rc 3. Only a confirmation of the running image \
             goes without.",
        ),
        Some(Item::Bytes(hash)) if body.is_whole() && !matches!(hash.len(), 32 | 48 | 64) => findings.error(
            "hash_length",
            format!("\"hash\" has {} bytes; the hash of an image has 32, 48 or 64. The device answers rc 3.", hash.len()),
        ),
        Some(_) if confirm => findings.note(
            "confirm_with_hash",
            "This confirms the image for good. If it is not the one that runs, it is started without trial and without a way \
             back, which newer servers refuse with image error 32.",
        ),
        _ => {}
    }
}
