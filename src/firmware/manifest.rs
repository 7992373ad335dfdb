//! `manifest.json` of a package, as the nRF Connect SDK writes it (`scripts/bootloader/generate_zip.py`).
//!
//! Its values come from CMake as `key=value`, so that numbers are strings more often than not; both are read. What decides
//! where an image goes is read strictly; of anything else a value that makes no sense is left out with a note, because
//! other clients never look at it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{FileKind, FirmwareError, MAX_IMAGES, archive};

/// The newest `format-version` that is known.
const NEWEST_FORMAT: u64 = 1;

/// What the manifest says of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `format-version`: 0, or 1 since nRF Connect SDK 2.7.
    pub format_version: u32,
    /// The name to show, if one was given.
    pub name: Option<String>,
    /// When it was built, in seconds since 1970.
    pub time: Option<u64>,
    /// The revision of Zephyr it was built with.
    pub zephyr_revision: Option<String>,
    /// The revision of the nRF Connect SDK it was built with.
    pub nrf_revision: Option<String>,
    /// What is said of each image, in the order of [`Firmware::images`](super::Firmware::images).
    pub files: Vec<Arc<PackageFile>>,
    /// Names of entries that the manifest does not mention; they are not unpacked.
    pub ignored: Vec<String>,
    /// What the manifest says that was left out or contradicts the files without mattering, a sentence each.
    pub notes: Vec<String>,
}

/// What the manifest says of one file. Only the name is always there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageFile {
    /// The name of the file in the archive.
    pub file: String,
    /// Its length in bytes; the file itself may have another when it was signed again later.
    pub size: Option<u64>,
    /// `type`: "application", "mcuboot" for the bootloader itself, and the like.
    pub kind: Option<String>,
    /// The board it was built for.
    pub board: Option<String>,
    /// The chip it was built for.
    pub soc: Option<String>,
    /// Where it runs.
    pub load_address: Option<u64>,
    /// The number of the image on the device (`image_index`, or `image` or `partition` of older writers); 0 when the
    /// manifest is silent.
    pub image_index: u32,
    /// `slot`: for direct XIP, the slot of all images (0 and 1 of image 0, 2 and 3 of image 1, ...) it was built for; for
    /// the bootloader itself 0 for S0 and 1 for S1, since nRF Connect SDK 3.0.
    pub slot: Option<u32>,
    /// `slot_index_primary`: the upload number of the image's first slot in serial recovery, where slots are numbered from 1
    /// (sdk-nrf `cmake/sysbuild/zip.cmake`).
    pub slot_index_primary: Option<u32>,
    /// `slot_index_secondary`: the same of its second slot.
    pub slot_index_secondary: Option<u32>,
    /// `version_MCUBOOT` or `version_MCUBOOT+XIP`: what the image's header should say.
    pub version: Option<String>,
    /// `version_B0`: the bootloader's own version, in the counting of the immutable bootloader.
    pub version_b0: Option<String>,
    /// `version`: that of a network core, in the counting of its own bootloader.
    pub other_version: Option<String>,
    /// The flash partition, if one is named.
    pub partition: Option<String>,
}

impl PackageFile {
    /// For direct XIP: 0 for the primary half, 1 for the secondary. For the bootloader itself: 0 for S0, 1 for S1.
    pub fn half(&self) -> Option<u32> {
        self.slot.map(|slot| slot % 2)
    }

    /// Whether the file is the bootloader itself.
    pub fn is_bootloader(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("mcuboot"))
    }
}

/// Reads the manifest. `ignored` is the caller's to fill.
pub(super) fn parse(bytes: &[u8]) -> Result<Package, FirmwareError> {
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("manifest.json is not UTF-8 text".into()))?;
    let text = decimal_numbers(text.strip_prefix('\u{feff}').unwrap_or(text));
    let top: Value = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("manifest.json is not JSON ({error})")))?;
    let Value::Object(top) = top else {
        return Err(damaged("manifest.json is not a JSON object".into()));
    };
    if top.get("manifest").is_some_and(Value::is_object) {
        return Err(FirmwareError::NotAnImage(FileKind::Nrf5Package));
    }
    let mut notes = Vec::new();
    let format_version = number(&top, "format-version", "manifest.json")?.unwrap_or(0);
    if format_version > NEWEST_FORMAT {
        return Err(damaged(format!(
            "manifest.json has format-version {format_version}, but only 0 to {NEWEST_FORMAT} are known; this library may be too \
             old for it"
        )));
    }
    let files = match top.get("files") {
        Some(Value::Array(files)) if files.is_empty() => {
            return Err(damaged("manifest.json lists no file".into()));
        }
        Some(Value::Array(files)) => files,
        _ => return Err(damaged("manifest.json has no list of \"files\"".into())),
    };
    if files.len() > MAX_IMAGES {
        return Err(damaged(format!(
            "manifest.json lists {} files, but at most {MAX_IMAGES} are taken",
            files.len()
        )));
    }
    let revision = |module: &str| text_at(top.get("firmware")?.get(module)?.as_object()?, "revision");
    let files = files
        .iter()
        .enumerate()
        .map(|(index, file)| parse_file(index, file, &mut notes).map(Arc::new))
        .collect::<Result<_, _>>()?;
    Ok(Package {
        // Bounded above.
        format_version: format_version as u32,
        name: text_at(&top, "name"),
        time: unused_number(&top, "time", "manifest.json", &mut notes),
        zephyr_revision: revision("zephyr"),
        nrf_revision: revision("nrf"),
        files,
        ignored: Vec::new(),
        notes,
    })
}

fn parse_file(index: usize, value: &Value, notes: &mut Vec<String>) -> Result<PackageFile, FirmwareError> {
    let Value::Object(file) = value else {
        return Err(damaged(format!("entry {index} of \"files\" in manifest.json is not an object")));
    };
    let Some(name) = file.get("file").and_then(Value::as_str) else {
        return Err(damaged(format!("entry {index} of \"files\" in manifest.json names no \"file\"")));
    };
    let name = archive::checked_name(name.as_bytes())?;
    let kind = text_at(file, "type");
    if name.ends_with(".suit") || kind.as_deref().is_some_and(|kind| kind.starts_with("suit")) {
        return Err(FirmwareError::NotAnImage(FileKind::SuitPackage));
    }
    let place = format!("manifest.json, file {name:?}");
    let is_bootloader = kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("mcuboot"));
    let slot = small(unused_number(file, "slot", &place, notes));
    let image_index = image_number(file, slot.filter(|_| !is_bootloader), &place, notes)?;
    Ok(PackageFile {
        size: unused_number(file, "size", &place, notes),
        kind,
        board: text_at(file, "board"),
        soc: text_at(file, "soc"),
        load_address: unused_number(file, "load_address", &place, notes),
        image_index,
        slot,
        slot_index_primary: small(unused_number(file, "slot_index_primary", &place, notes)),
        slot_index_secondary: small(unused_number(file, "slot_index_secondary", &place, notes)),
        version: ["version_MCUBOOT", "version_MCUBOOT+XIP"].iter().find_map(|key| text_at(file, key)),
        version_b0: text_at(file, "version_B0"),
        other_version: text_at(file, "version"),
        partition: text_at(file, "partition"),
        file: name,
    })
}

/// The number of the image: `image_index`, or what older writers and Nordic's library for iOS call it, or what a slot
/// that is counted over all images implies. Where two disagree the image would go somewhere else from each client.
fn image_number(
    file: &Map<String, Value>,
    slot: Option<u32>,
    place: &str,
    notes: &mut Vec<String>,
) -> Result<u32, FirmwareError> {
    let stated = number(file, "image_index", place)?;
    let other = unused_number(file, "image", place, notes);
    // A partition may also have a name.
    let partition = text_at(file, "partition").and_then(|text| text.trim().parse().ok());
    if let (Some(stated), Some(other)) = (stated, other)
        && stated != other
    {
        return Err(damaged(format!("{place}: image_index is {stated}, but image is {other}")));
    }
    let named = match stated.or(other).or(partition) {
        Some(value) if value > 255 => {
            return Err(damaged(format!("{place}: image_index is {value}, but at most 255 can be")));
        }
        named => named.map(|value| value as u32),
    };
    match (named, slot) {
        (Some(image), Some(slot)) if slot > 1 && slot / 2 != image => {
            Err(damaged(format!("{place}: slot {slot} does not belong to image_index {image}")))
        }
        (named, slot) => Ok(named.or(slot.map(|slot| slot / 2)).unwrap_or(0)),
    }
}

/// A number of an image or of a slot; SMP has no greater ones.
fn small(value: Option<u64>) -> Option<u32> {
    value.filter(|value| *value <= 255).map(|value| value as u32)
}

/// As [`number`], of something that decides nothing: a value that is no number is left out with a note.
fn unused_number(
    object: &Map<String, Value>,
    key: &str,
    place: &str,
    notes: &mut Vec<String>,
) -> Option<u64> {
    number(object, key, place).unwrap_or_else(|_| {
        let shown: String =
            object.get(key).map(Value::to_string).unwrap_or_default().chars().take(80).collect();
        notes.push(format!(
            "{place}: {key} is {shown}, which is not a number of the expected kind; it is left out"
        ));
        None
    })
}

/// A text or a number as text; anything else, and nothing, is nothing.
fn text_at(object: &Map<String, Value>, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or a text that is one (decimal, or hexadecimal after `0x`); `None` when it is missing, null or empty.
fn number(object: &Map<String, Value>, key: &str, place: &str) -> Result<Option<u64>, FirmwareError> {
    let wrong = |shown: &Value| {
        damaged(format!("{place}: {key} is {shown}, which is not a number of the expected kind"))
    };
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value @ Value::Number(number)) => number.as_u64().map(Some).ok_or_else(|| wrong(value)),
        Some(value @ Value::String(text)) => {
            let text = text.trim();
            let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    u64::from_str_radix(digits, 16).ok()
                }
                None if text.is_empty() => return Ok(None),
                None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
                _ => None,
            };
            parsed.map(Some).ok_or_else(|| wrong(value))
        }
        Some(value) => Err(wrong(value)),
    }
}

/// Very old SDKs wrote `"load_address": 0x1f000`, which is not JSON: turns such numbers, outside of texts, into decimal.
fn decimal_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_text = false;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let hex = if in_text || before.is_ascii_alphanumeric() { None } else { rest.strip_prefix("0x") };
        if let Some(digits) = hex {
            let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            if let Ok(value) = u64::from_str_radix(&digits[..length], 16) {
                out.push_str(&value.to_string());
                rest = &digits[length..];
                before = '0';
                continue;
            }
        }
        if next == '"' && !(in_text && before == '\\') {
            in_text = !in_text;
        }
        // A backslash that is itself escaped escapes nothing.
        before = if in_text && before == '\\' && next == '\\' { ' ' } else { next };
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    out
}

fn damaged(detail: String) -> FirmwareError {
    FirmwareError::PackageMalformed { detail }
}

#[cfg(test)]
mod tests {
    use super::decimal_numbers;

    #[test]
    fn only_hexadecimal_numbers_outside_of_texts_change() {
        for (text, expected) in [
            (r#"{"a": 0x1f000}"#, r#"{"a": 126976}"#),
            ("[0x0,0xFF]", "[0,255]"),
            (r#"{"0x10": "0x20", "b": 0xA}"#, r#"{"0x10": "0x20", "b": 10}"#),
            (r#"{"a\"0x1": "\\", "b": 0x2}"#, r#"{"a\"0x1": "\\", "b": 2}"#),
            ("0x", "0x"),
            ("0xffffffffffffffffff", "0xffffffffffffffffff"),
            ("10x5", "10x5"),
            ("é0x1é", "é1é"),
        ] {
            assert_eq!(decimal_numbers(text), expected);
        }
    }
}
