//! The zip archive around a package: every entry is judged before one is unpacked, and nothing is unpacked without a
//! bound. Nothing is ever written to a disk, but a name that would lead outside shows that somebody tried.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use super::{FileKind, FirmwareError, MAX_FILE_LENGTH, MAX_IMAGE_LENGTH};

/// The greatest number of entries; a package has a manifest and a handful of images.
const MAX_ENTRIES: usize = 256;
/// The greatest length of a name in bytes.
const MAX_NAME: usize = 255;

/// An archive whose entries have all been found harmless.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
}

/// Whether the bytes begin like a zip archive (or are an empty one).
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

impl<'a> Archive<'a> {
    /// Reads the directory and judges every entry.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Archive<'a>, FirmwareError> {
        bound_directory(bytes)?;
        let mut zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| damaged(format!("it cannot be read as a zip archive ({error})")))?;
        if zip.has_duplicate_names() {
            return Err(twice(first_duplicate(bytes).unwrap_or_default()));
        }
        let mut names: Vec<String> = Vec::with_capacity(zip.len().min(MAX_ENTRIES));
        let mut total = 0u64;
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|error| {
                damaged(format!("entry {index} of its directory cannot be read ({error})"))
            })?;
            let name = entry_name(entry.name_raw())?;
            if !name.is_empty() && names.contains(&name) {
                return Err(twice(name));
            }
            // The decoded name may come from another field of the entry than the raw one.
            match entry.name() {
                Ok(decoded) => entry_name(decoded.as_bytes())?,
                Err(error) => return Err(unsafe_entry(name, format!("its name cannot be read ({error})"))),
            };
            // The kinds of file in the upper bits of a Unix mode: 0x8000 a file, 0x4000 a folder, 0 not said.
            let mode = entry.unix_mode().unwrap_or(0) & 0o170_000;
            match mode {
                0 | 0o100_000 | 0o040_000 => {}
                0o120_000 => return Err(unsafe_entry(name, "it is a symbolic link".into())),
                _ => {
                    return Err(unsafe_entry(
                        name,
                        format!("it is neither a file nor a folder (mode {mode:#o})"),
                    ));
                }
            }
            if entry.encrypted() {
                return Err(unsafe_entry(name, "it is encrypted, so nobody can tell what it holds".into()));
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                let method = entry.compression();
                return Err(damaged(format!(
                    "{name:?} is compressed with {method:?}; only stored and deflated entries are read"
                )));
            }
            let size = entry.size();
            if size > MAX_IMAGE_LENGTH {
                return Err(unsafe_entry(
                    name,
                    format!("it would unpack to {size} bytes, more than the {MAX_IMAGE_LENGTH} allowed"),
                ));
            }
            total += size;
            if total > MAX_FILE_LENGTH {
                return Err(unsafe_entry(
                    name,
                    format!(
                        "up to it the entries would unpack to {total} bytes, more than the {MAX_FILE_LENGTH} allowed"
                    ),
                ));
            }
            names.push(name);
        }
        Ok(Archive { zip, names })
    }

    /// The names of all entries, each in its plain form.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter(|name| !name.is_empty())
    }

    /// Unpacks one entry; `None` when there is none of this name. At most `limit` bytes are unpacked.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Option<Result<Vec<u8>, FirmwareError>> {
        let index = self.names.iter().position(|entry| entry == name)?;
        Some(self.read_index(index, name, limit))
    }

    fn read_index(&mut self, index: usize, name: &str, limit: u64) -> Result<Vec<u8>, FirmwareError> {
        let broken =
            |error: &dyn std::fmt::Display| damaged(format!("{name:?} cannot be unpacked ({error})"));
        let entry = self.zip.by_index(index).map_err(|error| broken(&error))?;
        let size = entry.size();
        if size > limit {
            return Err(unsafe_entry(
                name.into(),
                format!("it has {size} bytes, more than the {limit} allowed"),
            ));
        }
        let mut out = Vec::new();
        // One byte more than declared tells a bomb from an honest entry; reading to the end checks the CRC.
        entry.take(size + 1).read_to_end(&mut out).map_err(|error| broken(&error))?;
        match out.len() as u64 {
            length if length > size => Err(unsafe_entry(
                name.into(),
                format!("it unpacks to more than the {size} bytes that it declares"),
            )),
            length if length < size => {
                Err(damaged(format!("{name:?} unpacks to {length} of the {size} bytes that it declares")))
            }
            _ => Ok(out),
        }
    }
}

/// Bounds what the zip reader will allocate, before it sees the bytes: it trusts the declared number of entries.
///
/// The signatures also occur by chance inside of images, so an end record counts only if its other fields make it one for
/// the reader too: a zip64 locator right before it, or disk numbers of 0 and two equal counts.
fn bound_directory(bytes: &[u8]) -> Result<(), FirmwareError> {
    let mut headers = 0usize;
    let mut declared = 0usize;
    let mut ends = 0usize;
    for (at, window) in bytes.windows(4).enumerate() {
        match window {
            b"PK\x01\x02" => headers += 1,
            b"PK\x05\x06" => {
                ends += 1;
                if at.checked_sub(20).is_some_and(|locator| bytes[locator..].starts_with(b"PK\x06\x07")) {
                    return Err(damaged("it is a zip64 archive, which no package of firmware needs".into()));
                }
                // Two disk numbers, entries on this disk, entries in all: u16 each, at offset 4.
                if let Some([0, 0, 0, 0, low, high, low_all, high_all]) = bytes[at + 4..].first_chunk()
                    && [low, high] == [low_all, high_all]
                {
                    declared = declared.max(usize::from(u16::from_le_bytes([*low, *high])));
                }
            }
            _ => {}
        }
        if headers.max(declared) > MAX_ENTRIES {
            let detail = format!("it has or declares more than {MAX_ENTRIES} entries");
            return Err(unsafe_entry("(directory)".into(), detail));
        }
    }
    if ends == 0 {
        return Err(damaged(
            "its directory is missing, so the archive is cut off; the download or the copy did not finish"
                .into(),
        ));
    }
    Ok(())
}

/// The plain form of the name, if it can only mean a file inside the folder it would be unpacked to, on any system.
///
/// What changes nothing is left out: "./a" is "a", as archivers write it that are given `./*` (bsdtar, 7-Zip) or a list.
pub(super) fn checked_name(raw: &[u8]) -> Result<String, FirmwareError> {
    let name = entry_name(raw)?;
    if name.is_empty() {
        return Err(unsafe_entry(shown(raw), "it has no name".into()));
    }
    Ok(name)
}

/// As [`checked_name`], where the folder that holds everything ("./") is an entry too; its plain name is empty.
fn entry_name(raw: &[u8]) -> Result<String, FirmwareError> {
    let refuse = |why: &str| Err(unsafe_entry(shown(raw), why.into()));
    if raw.is_empty() {
        return refuse("it has no name");
    }
    if raw.len() > MAX_NAME {
        return refuse("its name is longer than 255 bytes");
    }
    let Ok(name) = std::str::from_utf8(raw) else {
        return refuse("its name is not UTF-8");
    };
    if name.chars().any(char::is_control) {
        return refuse("its name holds a control character");
    }
    if name.contains('\\') {
        return refuse("its name holds a backslash, which leads into folders on Windows");
    }
    if name.starts_with('/') {
        return refuse("its name is an absolute path");
    }
    if name.contains(':') {
        return refuse("its name holds a colon, which names a drive or a stream on Windows");
    }
    if name.split('/').any(|part| part == "..") {
        return refuse("its path leads outside the package");
    }
    let mut plain = String::with_capacity(name.len());
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if !plain.is_empty() {
            plain.push('/');
        }
        plain.push_str(part);
    }
    if !plain.is_empty() && (name.ends_with('/') || name.ends_with("/.")) {
        plain.push('/');
    }
    Ok(plain)
}

/// The name as it may stand in a sentence.
fn shown(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(MAX_NAME)]).into_owned()
}

fn twice(entry: String) -> FirmwareError {
    unsafe_entry(entry, "it is there twice, and programs differ in which one they take".into())
}

/// The first name that the central directory holds twice.
fn first_duplicate(bytes: &[u8]) -> Option<String> {
    let mut seen = HashSet::new();
    bytes.windows(4).enumerate().filter(|(_, window)| window == b"PK\x01\x02").find_map(|(at, _)| {
        let header = bytes.get(at..at + 46)?;
        let length = usize::from(u16::from_le_bytes([header[28], header[29]]));
        let name = bytes.get(at + 46..at + 46 + length)?;
        (!seen.insert(name)).then(|| String::from_utf8_lossy(name).into_owned())
    })
}

/// What to say of an archive that holds no manifest where it should be.
pub(super) fn without_manifest<'a>(names: impl Iterator<Item = &'a String>) -> FirmwareError {
    let mut names = names;
    let nested = names.find(|name| name.ends_with("/manifest.json") && !name.starts_with("__MACOSX/"));
    match nested {
        Some(name) => damaged(format!(
            "its manifest lies in a folder ({name:?}); zip the files themselves, not their folder"
        )),
        None => FirmwareError::NotAnImage(FileKind::Zip),
    }
}

fn damaged(detail: String) -> FirmwareError {
    FirmwareError::PackageMalformed { detail }
}

fn unsafe_entry(entry: String, detail: String) -> FirmwareError {
    FirmwareError::PackageUnsafe { entry, detail }
}

#[cfg(test)]
mod tests {
    use super::checked_name;

    #[test]
    fn names_that_stay_inside_are_taken() {
        for name in ["a.bin", "folder/a.bin", "folder/", "..a", "a..", "…", "a b.bin", "-rf"] {
            assert_eq!(checked_name(name.as_bytes()).unwrap(), name);
        }
        for (name, plain) in [
            ("./a", "a"),
            ("././a", "a"),
            (".//a", "a"),
            ("a/./b", "a/b"),
            ("a//b", "a/b"),
            ("./a/", "a/"),
            ("./.a", ".a"),
        ] {
            assert_eq!(checked_name(name.as_bytes()).unwrap(), plain);
        }
    }

    #[test]
    fn names_that_could_lead_outside_are_refused() {
        let long = "a".repeat(256);
        for name in [
            "", "/", "/a", "//a", "..", "../a", "a/..", "a/../b", "./../a", ".", "./", "C:a", "c:/a", "a:b",
            "\\a", "a\\b", "a\0b", "a\nb", "\u{85}", &long,
        ] {
            let error = checked_name(name.as_bytes()).unwrap_err();
            assert_eq!(error.status(), crate::Status::PackageUnsafe, "{name:?}");
        }
        assert!(checked_name(b"\xff\xfe").is_err());
    }
}
