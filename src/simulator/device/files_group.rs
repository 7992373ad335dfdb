//! Group 8: files in an in-memory file system mounted at `/lfs1`. Source: Zephyr `fs_mgmt.c`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::answer::{Handled, Refusal, group, rc};
use super::cbor::{Args, Writer};
use super::server::{READ, Server, WRITE};

/// Where the file system is mounted.
const MOUNT: &str = "/lfs1";
/// Longest path.
const PATH_LEN: usize = 64;
/// What an answer needs around a chunk of a download, header included.
const OVERHEAD: usize = 8 + 2 + 4 + 5 + 5 + 3 + 4 + 5 + 5;

/// The file system, and the transfer under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Open {
    path: String,
    upload: bool,
    off: usize,
    len: usize,
}

impl Files {
    /// A reset closes what was open; the files stay.
    pub(super) fn restart(&mut self) {
        self.open = None;
    }

    fn get(&self, path: &str) -> Result<&Vec<u8>, u16> {
        match self.files.get(path) {
            Some(content) => Ok(content),
            None if path == MOUNT || path == "/" => Err(4),
            None => Err(3),
        }
    }

    fn finish_check(&mut self) {
        if self.open.as_ref().is_some_and(|o| o.len > 0 && o.off >= o.len) {
            self.open = None;
        }
    }
}

/// A path that can be written to.
fn check_path(path: &str) -> Result<(), u16> {
    match path.strip_prefix(MOUNT).and_then(|rest| rest.strip_prefix('/')) {
        Some("") => Err(2),
        Some(_) => Ok(()),
        None if path.starts_with('/') => Err(14),
        None => Err(2),
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

impl Server {
    pub(super) fn files_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        match (command, op) {
            (0, READ) => self.file_download(body, writer),
            (0, WRITE) => self.file_upload(body, writer),
            (1, READ) => {
                let args = Args::parse(body)?;
                let length = self.files.get(path(&args)?).map(Vec::len);
                let length = length.map_err(|code| self.file_error(code))?;
                self.file_rc(writer);
                writer.uint_at("len", length as u64);
                Ok(0)
            }
            (2, READ) => self.file_hash(body, writer),
            (3, READ) if self.options.is_new() => {
                writer.text("types");
                writer.map();
                for (name, bytes, size) in [("crc32", 0, 4), ("sha256", 1, 32)] {
                    writer.text(name);
                    writer.map();
                    writer.uint_at("format", bytes);
                    writer.uint_at("size", size);
                    writer.end();
                }
                writer.end();
                Ok(0)
            }
            (4, WRITE) if self.options.is_new() => {
                self.files.open = None;
                Ok(0)
            }
            _ => Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
    }

    fn file_error(&self, code: u16) -> Refusal {
        if self.options.is_new() {
            return Refusal::Group { group: group::FILES, code };
        }
        let old = match code {
            2 | 13 => rc::INVALID,
            3 | 14 => rc::NO_ENTRY,
            _ => rc::UNKNOWN,
        };
        Refusal::Rc(old, None)
    }

    fn file_rc(&self, writer: &mut Writer<'_>) {
        if self.options.rc_on_success() {
            writer.uint_at("rc", 0);
        }
    }

    fn file_download(&mut self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let args = Args::parse(body)?;
        let off = args.uint("off")?.ok_or(Refusal::Rc(rc::INVALID, None))? as usize;
        let path = path(&args)?;
        let chunk = (self.options.buf_size as usize).saturating_sub(OVERHEAD).max(1);
        let content = match self.files.get(path) {
            Ok(content) => content,
            Err(code) => return Err(self.file_error(code)),
        };
        let length = content.len();
        if off > length {
            return Err(self.file_error(6));
        }
        let end = (off + chunk).min(length);
        self.file_rc(writer);
        writer.uint_at("off", off as u64);
        writer.text("data");
        writer.bytes(&content[off..end]);
        if off == 0 {
            writer.uint_at("len", length as u64);
        }
        self.files.open = Some(Open { path: path.to_owned(), upload: false, off: end, len: length });
        self.files.finish_check();
        Ok(0)
    }

    fn file_upload(&mut self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let args = Args::parse(body)?;
        let off = args.uint("off")?.ok_or(Refusal::Rc(rc::INVALID, None))? as usize;
        let length = args.uint("len")?;
        if off == 0 && length.is_none() {
            return Err(Refusal::Rc(rc::INVALID, None));
        }
        let path = path(&args)?;
        let data = args.bytes("data")?.unwrap_or_default();
        let known = self.files.open.as_ref().is_some_and(|o| o.upload && o.path == path);
        if !known {
            self.files.open = None;
            check_path(path).map_err(|code| self.file_error(code))?;
            self.files.files.entry(path.to_owned()).or_default();
            self.files.open = Some(Open { path: path.to_owned(), upload: true, off: 0, len: 0 });
        }
        let Files { files, open } = &mut self.files;
        let (Some(content), Some(open)) = (files.get_mut(path), open.as_mut()) else {
            return Err(Refusal::Rc(rc::UNKNOWN, None));
        };
        if off == 0 {
            open.len = length.unwrap_or(0) as usize;
            open.off = 0;
        } else if open.off == 0 {
            open.off = content.len();
        }
        if off > 0 && off != open.off {
            let expected = open.off as u64;
            self.files.open = None;
            if !self.options.is_new() {
                // Zephyr 3.1 tells the length in the same way, beside rc 3.
                writer.uint_at("rc", u64::from(rc::INVALID));
                writer.uint_at("len", expected);
                return Ok(0);
            }
            writer.uint_at("len", expected);
            return Err(Refusal::GroupKept { group: group::FILES, code: 11 });
        }
        if !data.is_empty() {
            if off == 0 {
                content.clear();
            }
            content.extend_from_slice(data);
            open.off += data.len();
        }
        let next = open.off as u64;
        self.file_rc(writer);
        writer.uint_at("off", next);
        self.files.finish_check();
        Ok(data.len().div_ceil(4) as u64 * self.options.flash.write_word_us)
    }

    fn file_hash(&self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let args = Args::parse(body)?;
        let path = path(&args)?;
        let kind = args.text("type")?.filter(|k| !k.is_empty()).unwrap_or("crc32");
        let off = args.uint("off")?.unwrap_or(0) as usize;
        let length = args.uint("len")?;
        if length == Some(0) || kind.len() > 8 {
            return Err(Refusal::Rc(rc::INVALID, None));
        }
        if kind != "crc32" && kind != "sha256" {
            return Err(self.file_error(13));
        }
        let content = self.files.get(path).map_err(|code| self.file_error(code))?;
        if content.len() <= off {
            return Err(self.file_error(if content.is_empty() { 16 } else { 12 }));
        }
        let part = &content[off..];
        let part = &part[..part.len().min(length.unwrap_or(u32::MAX) as usize)];
        self.file_rc(writer);
        writer.text_at("type", kind);
        if off != 0 {
            writer.uint_at("off", off as u64);
        }
        writer.uint_at("len", part.len() as u64);
        writer.text("output");
        if kind == "crc32" {
            writer.uint(u64::from(crc32(part)));
        } else {
            writer.bytes(&Sha256::digest(part));
        }
        Ok(part.len().div_ceil(1024) as u64 * self.options.flash.hash_kib_us)
    }
}

fn path(args: &Args) -> Result<&str, Refusal> {
    let path = args.text("name")?.unwrap_or_default();
    if path.is_empty() || path.len() > PATH_LEN { Err(Refusal::Rc(rc::INVALID, None)) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32_has_its_published_check_value() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}
