//! `manifest.json` of a package, as the nRF Connect SDK writes it (`scripts/bootloader/generate_zip.py`).
//!
//! Its values come from CMake as `key=value`, so that numbers are strings more often than not; both are read.

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
    pub files: Vec<PackageFile>,
    /// Names of entries that the manifest does not mention; they are not unpacked.
    pub ignored: Vec<String>,
}

/// What the manifest says of one file. Only the name is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// The name of the file in the archive.
    pub file: String,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// `type`: "application" and the like.
    pub kind: Option<String>,
    /// The board it was built for.
    pub board: Option<String>,
    /// The chip it was built for.
    pub soc: Option<String>,
    /// Where it runs.
    pub load_address: Option<u64>,
    /// The number of the image on the device; 0 when the manifest is silent.
    pub image_index: u32,
    /// `slot`: for direct XIP, the slot of all images (0 and 1 of image 0, 2 and 3 of image 1, ...) it was built for.
    pub slot: Option<u32>,
    /// `version_MCUBOOT` or `version_MCUBOOT+XIP`: what the image's header should say.
    pub version: Option<String>,
    /// `version`: that of a network core, in the counting of its own bootloader.
    pub other_version: Option<String>,
    /// The flash partition, if one is named.
    pub partition: Option<String>,
}

impl PackageFile {
    /// For direct XIP: 0 for the primary half, 1 for the secondary.
    pub fn half(&self) -> Option<u32> {
        self.slot.map(|slot| slot % 2)
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
    let format_version = number(&top, "format-version", "manifest.json")?.unwrap_or(0);
    if format_version > NEWEST_FORMAT {
        return Err(damaged(format!(
            "manifest.json has format-version {format_version}, but only 0 and {NEWEST_FORMAT} are known"
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
    Ok(Package {
        // Bounded above.
        format_version: format_version as u32,
        name: text_at(&top, "name"),
        time: number(&top, "time", "manifest.json")?,
        zephyr_revision: revision("zephyr"),
        nrf_revision: revision("nrf"),
        files: files
            .iter()
            .enumerate()
            .map(|(index, file)| parse_file(index, file))
            .collect::<Result<_, _>>()?,
        ignored: Vec::new(),
    })
}

fn parse_file(index: usize, value: &Value) -> Result<PackageFile, FirmwareError> {
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
    let small = |key: &str| match number(file, key, &place)? {
        Some(value) if value > 255 => {
            Err(damaged(format!("{place}: {key} is {value}, but at most 255 can be")))
        }
        other => Ok(other.map(|value| value as u32)),
    };
    let image_index = small("image_index")?.unwrap_or(0);
    let slot = small("slot")?;
    if let Some(slot) = slot
        && slot > 1
        && slot / 2 != image_index
    {
        return Err(damaged(format!("{place}: slot {slot} does not belong to image_index {image_index}")));
    }
    Ok(PackageFile {
        size: number(file, "size", &place)?,
        kind,
        board: text_at(file, "board"),
        soc: text_at(file, "soc"),
        load_address: number(file, "load_address", &place)?,
        image_index,
        slot,
        version: ["version_MCUBOOT", "version_MCUBOOT+XIP"].iter().find_map(|key| text_at(file, key)),
        other_version: text_at(file, "version"),
        partition: text_at(file, "partition"),
        file: name,
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
