//! A plain client for the tests of the virtual device: requests made with ciborium, answers shown as text.

#![allow(dead_code)] // each test file uses a part of it

use ciborium::Value;
use smpfota::simulator::{DeviceOptions, DeviceProfile, FlashTiming, Transport, VirtualDevice};

pub const READ: u8 = 0;
pub const WRITE: u8 = 2;
pub const NEW: DeviceProfile = DeviceProfile::Zephyr44;
pub const OLD: DeviceProfile = DeviceProfile::Ncs21;

/// An answer: header fields, and the body as text such as `{off: 400}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub op: u8,
    pub version: u8,
    pub group: u16,
    pub sequence: u8,
    pub command: u8,
    pub body: String,
    pub raw: Vec<u8>,
}

/// Shows a CBOR value.
pub fn show(value: &Value) -> String {
    match value {
        Value::Integer(n) => i128::from(*n).to_string(),
        Value::Bytes(b) if b.len() > 8 => format!("h'{}..'{}", hex(&b[..4]), b.len()),
        Value::Bytes(b) => format!("h'{}'", hex(b)),
        Value::Text(t) => format!("{t:?}"),
        Value::Bool(b) => b.to_string(),
        Value::Array(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let one = |(k, v): &(Value, Value)| format!("{}: {}", k.as_text().unwrap_or("?"), show(v));
            format!("{{{}}}", entries.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// A map with text keys.
pub fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(k, v)| (Value::Text(k.into()), v)).collect())
}

pub fn int(number: usize) -> Value {
    Value::from(number as u64)
}

pub fn bytes(content: &[u8]) -> Value {
    Value::Bytes(content.to_vec())
}

pub fn frame(version: u8, op: u8, group: u16, sequence: u8, command: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![op | version << 3, 0];
    frame.extend_from_slice(&(body.len() as u16).to_be_bytes());
    frame.extend_from_slice(&group.to_be_bytes());
    frame.extend_from_slice(&[sequence, command]);
    frame.extend_from_slice(body);
    frame
}

/// Options for tests that do not care for time: a big buffer, datagrams, instant flash.
pub fn options(profile: DeviceProfile) -> DeviceOptions {
    DeviceOptions {
        transport: Transport::Udp,
        buf_size: 1024,
        flash: FlashTiming::INSTANT,
        used_secondary: false,
        slot_size: 0x8000,
        ..DeviceOptions::new(profile)
    }
}

/// A device and its client.
pub struct Bench {
    pub device: VirtualDevice,
    pub now: u64,
    pub version: u8,
    pub sequence: u8,
}

impl Bench {
    pub fn new(options: DeviceOptions) -> Bench {
        let version = u8::from(options.profile == NEW);
        Bench { device: VirtualDevice::new(options), now: 0, version, sequence: 0 }
    }

    /// Everything that the device says until it has nothing more to do.
    pub fn listen(&mut self) -> Vec<Vec<u8>> {
        let mut heard = Vec::new();
        while let Some(at) = self.device.next_event() {
            self.now = self.now.max(at);
            while let Some(bytes) = self.device.poll(self.now) {
                heard.push(bytes);
            }
        }
        heard
    }

    pub fn answers(&mut self) -> Vec<Answer> {
        self.listen().into_iter().map(|raw| parse(&raw)).collect()
    }

    /// Sends raw bytes in one write and gives every answer's body.
    pub fn raw(&mut self, write: &[u8]) -> Vec<String> {
        self.device.write(self.now, write);
        self.answers().into_iter().map(|a| a.body).collect()
    }

    pub fn request(&mut self, op: u8, group: u16, command: u8, body: &[u8]) -> Answer {
        self.sequence = self.sequence.wrapping_add(1);
        let request = frame(self.version, op, group, self.sequence, command, body);
        self.device.write(self.now, &request);
        let mut answers = self.answers();
        assert_eq!(answers.len(), 1, "one request, one answer: {answers:?}");
        let answer = answers.remove(0);
        assert_eq!((answer.group, answer.command, answer.sequence), (group, command, self.sequence));
        assert_eq!(answer.op, op + 1);
        answer
    }

    pub fn ask(&mut self, op: u8, group: u16, command: u8, body: Value) -> String {
        self.request(op, group, command, &encode(&body)).body
    }

    pub fn upload(&mut self, body: Value) -> String {
        self.ask(WRITE, 1, 1, body)
    }

    /// Uploads a whole image in chunks, as a client that waits for each answer.
    pub fn upload_image(&mut self, image: &[u8], chunk: usize) {
        let mut off = 0;
        while off < image.len() {
            let end = (off + chunk).min(image.len());
            let answer = if off == 0 {
                self.upload(first(image, end))
            } else {
                self.upload(map([("off", int(off)), ("data", bytes(&image[off..end]))]))
            };
            let rc = if self.device.options().profile == OLD { "rc: 0, " } else { "" };
            assert_eq!(answer, format!("{{{rc}off: {end}}}"));
            off = end;
        }
    }

    pub fn set_state(&mut self, hash: &[u8], confirm: bool) -> String {
        self.ask(WRITE, 1, 0, map([("hash", bytes(hash)), ("confirm", confirm.into())]))
    }

    /// The image list in short: `slot version flags`, one slot after another.
    pub fn list(&mut self) -> String {
        let answer = self.request(READ, 1, 0, &[0xa0]);
        let value: Value = ciborium::from_reader(&answer.raw[8..]).unwrap();
        let images = get(&value, "images").and_then(Value::as_array).cloned().unwrap_or_default();
        let one = |image: &Value| {
            let flag = |name: &str| get(image, name).and_then(Value::as_bool) == Some(true);
            let names = ["active", "confirmed", "pending", "permanent"];
            let flags: Vec<_> = names.iter().filter(|n| flag(n)).map(|n| &n[..2]).collect();
            let number = get(image, "image").map_or(String::new(), |n| format!("{}/", show(n)));
            let version = get(image, "version").and_then(Value::as_text).unwrap();
            format!("{number}{} {version} {}", show(get(image, "slot").unwrap()), flags.join("+"))
        };
        images.iter().map(|i| one(i).trim_end().to_owned()).collect::<Vec<_>>().join("|")
    }

    pub fn reset(&mut self) {
        self.ask(WRITE, 0, 5, map([]));
        assert!(self.device.is_up());
    }
}

/// The complete first packet.
pub fn first(image: &[u8], end: usize) -> Value {
    map([
        ("image", 0.into()),
        ("len", int(image.len())),
        ("off", 0.into()),
        ("sha", bytes(&sha(image))),
        ("data", bytes(&image[..end])),
    ])
}

pub fn sha(image: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(image).into()
}

/// The hash TLV of an image made by the simulator: its last 32 bytes.
pub fn hash_of(image: &[u8]) -> &[u8] {
    &image[image.len() - 32..]
}

pub fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_map()?.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, v)| v)
}

pub fn parse(raw: &[u8]) -> Answer {
    let length = usize::from(u16::from_be_bytes([raw[2], raw[3]]));
    assert_eq!(raw.len(), 8 + length, "the header tells the length");
    let value: Value = ciborium::from_reader(&raw[8..]).unwrap();
    Answer {
        op: raw[0] & 7,
        version: raw[0] >> 3 & 3,
        group: u16::from_be_bytes([raw[4], raw[5]]),
        sequence: raw[6],
        command: raw[7],
        body: show(&value),
        raw: raw.to_vec(),
    }
}
