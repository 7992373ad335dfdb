//! A file server as Zephyr's is, with the traps of the real one: what was written shows in the length only when the file is
//! closed, so a first chunk that comes twice stands twice in the file and counts twice; a wrong offset closes the file, and
//! the end forgets the transfer (Zephyr `fs_mgmt.c` over littlefs, observed; its form of Zephyr 3.1 for NCS 2.1).

use std::collections::BTreeMap;

use ciborium::Value;
use sha2::{Digest, Sha256};
use smpfota::smp::group::{self, file, os};
use smpfota::smp::{Frame, Op};

use super::{Peer, answer, cbor};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Zephyr 3.3 and newer.
    New,
    /// NCS 2.1.
    Old,
}

struct Open {
    path: String,
    off: usize,
    len: usize,
    /// The length of the file when it was opened, which the file system tells until it is closed.
    length: usize,
}

pub struct FileServer {
    pub age: Age,
    pub files: BTreeMap<String, Vec<u8>>,
    pub buf_size: u32,
    pub buf_count: u32,
    pub download_chunk: usize,
    pub has_status: bool,
    /// The kinds of hash it has.
    pub hashes: &'static [&'static str],
    /// Flips a bit of the content that is written at this offset, once.
    pub damage_at: Option<usize>,
    /// Fails every write from this length on.
    pub full_at: usize,
    pub requests: BTreeMap<(u16, u8), u32>,
    open: Option<Open>,
}

/// How a request ends that is not answered with success.
enum Refusal {
    Common(u32),
    File(u32, Vec<(&'static str, u64)>),
}

type Handled = Result<Vec<(Value, Value)>, Refusal>;

impl FileServer {
    pub fn new(age: Age) -> FileServer {
        FileServer {
            age,
            files: BTreeMap::new(),
            buf_size: 384,
            buf_count: 4,
            download_chunk: 300,
            has_status: true,
            hashes: &["sha256", "crc32"],
            damage_at: None,
            full_at: usize::MAX,
            requests: BTreeMap::new(),
            open: None,
        }
    }

    /// The length of a file as the file system tells it.
    fn length(&self, name: &str) -> Option<usize> {
        let stored = self.files.get(name)?.len();
        Some(self.open.as_ref().filter(|open| open.path == name).map_or(stored, |open| open.length))
    }

    fn handle(&mut self, frame: &Frame<'_>) -> Handled {
        let body: Value = ciborium::from_reader(frame.body).map_err(|_| Refusal::Common(3))?;
        let entries = body.into_map().map_err(|_| Refusal::Common(3))?;
        let get = |key: &str| {
            entries.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value.clone())
        };
        let number = |key: &str| get(key).and_then(|v| v.into_integer().ok()).map(|n| i128::from(n) as usize);
        let name = get("name").and_then(|value| value.into_text().ok()).unwrap_or_default();
        match (frame.header.group, frame.header.command, frame.header.op) {
            (group::OS, os::PARAMETERS, Op::Read) => {
                Ok(vec![entry("buf_size", self.buf_size), entry("buf_count", self.buf_count)])
            }
            (group::OS, os::ECHO, _) => Ok(vec![(Value::from("r"), get("d").unwrap_or(Value::from("")))]),
            (group::FILE, file::FILE, Op::Write) => {
                let data = get("data").and_then(|value| value.into_bytes().ok()).unwrap_or_default();
                self.upload(name, number("off"), number("len"), &data)
            }
            (group::FILE, file::FILE, Op::Read) => self.download(name, number("off")),
            (group::FILE, file::STATUS, Op::Read) if self.has_status => {
                Ok(vec![entry("len", self.length(&name).ok_or(Refusal::File(3, vec![]))? as u32)])
            }
            (group::FILE, file::HASH, Op::Read) if !self.hashes.is_empty() => {
                let kind = get("type").and_then(|value| value.into_text().ok()).unwrap_or("crc32".to_owned());
                if !self.hashes.contains(&&*kind) {
                    return Err(Refusal::File(13, vec![]));
                }
                let content = self.files.get(&name).ok_or(Refusal::File(3, vec![]))?;
                let output = match &*kind {
                    "sha256" => Value::Bytes(Sha256::digest(content).to_vec()),
                    _ => Value::from(crc32(content)),
                };
                Ok(vec![
                    (Value::from("type"), Value::from(kind)),
                    entry("len", content.len() as u32),
                    (Value::from("output"), output),
                ])
            }
            (group::FILE, file::CLOSE, Op::Write) if self.age == Age::New => {
                self.open = None;
                Ok(vec![])
            }
            _ => Err(Refusal::Common(8)),
        }
    }

    fn upload(&mut self, name: String, off: Option<usize>, len: Option<usize>, data: &[u8]) -> Handled {
        let off = off.ok_or(Refusal::Common(3))?;
        if name.is_empty() || (off == 0 && len.is_none()) {
            return Err(Refusal::Common(3));
        }
        match self.age {
            Age::New => self.upload_new(name, off, len, data),
            Age::Old => self.upload_old(name, off, len, data),
        }
    }

    fn upload_new(&mut self, name: String, off: usize, len: Option<usize>, data: &[u8]) -> Handled {
        if self.open.as_ref().is_none_or(|open| open.path != name) {
            let length = self.files.entry(name.clone()).or_default().len();
            self.open = Some(Open { path: name.clone(), off: 0, len: 0, length });
        }
        let open = self.open.as_mut().expect("just opened");
        let content = self.files.get_mut(&name).expect("just created");
        if off == 0 {
            open.len = len.unwrap_or(0);
        } else if open.off == 0 {
            open.off = open.length;
        }
        if off > 0 && off != open.off {
            let expected = open.off as u64;
            self.open = None;
            return Err(Refusal::File(11, vec![("len", expected)]));
        }
        if off == 0 && !data.is_empty() && open.length != 0 {
            content.clear();
        }
        if content.len() + data.len() > self.full_at {
            self.open = None;
            return Err(Refusal::File(10, vec![]));
        }
        append(content, data, &mut self.damage_at);
        // Not set to 0 by a first chunk: the trap.
        open.off += data.len();
        let next = open.off;
        if open.len > 0 && open.off >= open.len {
            self.open = None;
        }
        Ok(vec![entry("off", next as u32)])
    }

    fn upload_old(&mut self, name: String, off: usize, len: Option<usize>, data: &[u8]) -> Handled {
        if off == 0 {
            self.open = Some(Open { path: name.clone(), off: 0, len: len.unwrap_or(0), length: 0 });
            self.files.insert(name.clone(), Vec::new());
        }
        let Some(open) = self.open.as_mut() else { return Err(Refusal::Common(3)) };
        if off != open.off {
            return Err(Refusal::File(3, vec![("off", open.off as u64)]));
        }
        if open.off + data.len() > open.len {
            return Err(Refusal::Common(3));
        }
        let content = self.files.entry(name).or_default();
        append(content, data, &mut self.damage_at);
        open.off += data.len();
        let next = open.off;
        if open.off == open.len {
            self.open = None;
        }
        Ok(vec![entry("off", next as u32)])
    }

    fn download(&mut self, name: String, off: Option<usize>) -> Handled {
        let off = off.ok_or(Refusal::Common(3))?;
        let content = self.files.get(&name).ok_or(Refusal::File(3, vec![]))?;
        if off > content.len() {
            return Err(Refusal::File(6, vec![]));
        }
        // Opening it for reading closes what was open.
        self.open = None;
        let end = (off + self.download_chunk).min(content.len());
        let mut body =
            vec![entry("off", off as u32), (Value::from("data"), Value::Bytes(content[off..end].to_vec()))];
        if off == 0 {
            body.push(entry("len", content.len() as u32));
        }
        Ok(body)
    }

    fn body(&self, version: u8, handled: Handled) -> Vec<u8> {
        let entries = match handled {
            Ok(mut entries) => {
                if self.age == Age::Old {
                    entries.insert(0, entry("rc", 0u32));
                }
                entries
            }
            Err(Refusal::Common(code)) => vec![entry("rc", code)],
            Err(Refusal::File(code, more)) => {
                let more = more.into_iter().map(|(key, number)| entry(key, number as u32));
                if self.age == Age::Old {
                    let old = match code {
                        13 => 3,
                        3 if more.len() == 0 => 5,
                        3 => 3,
                        _ => 1,
                    };
                    std::iter::once(entry("rc", old as u32)).chain(more).collect()
                } else if version == 0 {
                    // Translated for the old protocol, and all else is dropped.
                    let old = match code {
                        2 | 13 => 3,
                        3 | 14 => 5,
                        _ => 1,
                    };
                    vec![entry("rc", old as u32)]
                } else {
                    let error = Value::Map(vec![entry("group", 8u32), entry("rc", code)]);
                    std::iter::once((Value::from("err"), error)).chain(more).collect()
                }
            }
        };
        cbor(&Value::Map(entries))
    }
}

impl Peer for FileServer {
    fn take(&mut self, _now_ms: u64, bytes: &[u8]) -> Vec<Vec<u8>> {
        let frame = super::request(bytes);
        *self.requests.entry((frame.header.group, frame.header.command)).or_default() += 1;
        let handled = self.handle(&frame);
        vec![answer(bytes, &self.body(frame.header.version, handled))]
    }
}

fn append(content: &mut Vec<u8>, data: &[u8], damage_at: &mut Option<usize>) {
    let start = content.len();
    content.extend_from_slice(data);
    if let Some(at) = *damage_at
        && (start..content.len()).contains(&at)
    {
        content[at] ^= 1;
        *damage_at = None;
    }
}

fn entry(key: &str, number: u32) -> (Value, Value) {
    (Value::from(key), Value::from(number))
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
