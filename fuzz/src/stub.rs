//! A device of a few lines that answers at once: enough to lead an update to its end, cheap enough for a fuzzer.

use std::sync::{Arc, OnceLock};

use ciborium::Value;
use smpfota::Firmware;
use smpfota::simulator::image;
use smpfota::smp::Header;
use smpfota::smp::header::HEADER_LEN;

/// An image that is uploaded.
pub struct Sample {
    pub firmware: Arc<Firmware>,
    pub bytes: Vec<u8>,
    pub hash: Vec<u8>,
}

/// A few images of different sizes, made once.
pub fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        [120usize, 700, 5_000]
            .map(|size| {
                let bytes = image::make((1, 1, 0), size, size as u64);
                let firmware = Arc::new(Firmware::parse(bytes.clone()).expect("an image of the simulator"));
                let hash = firmware.images[0].hash.as_bytes().to_vec();
                Sample { firmware, bytes, hash }
            })
            .into()
    })
}

/// What the device is and where it stands.
pub struct Stub {
    pub buf_size: u32,
    pub buf_count: u32,
    pub slot_size: u32,
    /// Answers "not supported" to everything that old servers lack.
    pub old: bool,
    new_hash: Vec<u8>,
    size: usize,
    stored: usize,
    pending: bool,
    permanent: bool,
    runs_new: bool,
    confirmed: bool,
    /// Refuses to boot the new image.
    pub stubborn: bool,
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (text(key), value)).collect())
}

/// The bytes of a CBOR value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a vector takes everything");
    bytes
}

/// A response to `request` with this body.
pub fn respond(request: Header, body: &[u8]) -> Vec<u8> {
    let header = Header { op: request.op.response(), length: body.len() as u16, ..request };
    let mut frame = header.encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

impl Stub {
    pub fn new(sample: &Sample) -> Stub {
        Stub {
            buf_size: 384,
            buf_count: 4,
            slot_size: 0x8000,
            old: false,
            new_hash: sample.hash.clone(),
            size: sample.bytes.len(),
            stored: 0,
            pending: false,
            permanent: false,
            runs_new: false,
            confirmed: false,
            stubborn: false,
        }
    }

    /// The body of the answer to a whole request frame; `None` for what is no request.
    pub fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let header = Header::decode(frame)?;
        let body: Value = ciborium::from_reader(&frame[HEADER_LEN..]).unwrap_or(Value::Map(Vec::new()));
        let field = |key: &str| {
            body.as_map()?
                .iter()
                .find(|(name, _)| name.as_text() == Some(key))
                .map(|(_, value)| value.clone())
        };
        let number = |key: &str| field(key).and_then(|value| u64::try_from(value.as_integer()?).ok());
        let refused = map([("rc", 8.into())]);
        let value = match (header.group, header.command, header.op as u8) {
            (0, 0, _) => map([("r", field("d").unwrap_or(text("")))]),
            (0, 6 | 8, _) | (1, 6, _) if self.old => refused,
            (0, 6, _) => map([("buf_size", self.buf_size.into()), ("buf_count", self.buf_count.into())]),
            (0, 8, _) if field("query").is_some() => map([("mode", 3.into())]),
            (0, 8, _) => map([("bootloader", text("MCUboot"))]),
            (0, 5, _) => {
                self.reset();
                map([])
            }
            (1, 0, 0) => self.list(),
            (1, 0, _) => {
                let confirm = field("confirm") == Some(Value::Bool(true));
                if self.runs_new && confirm {
                    self.confirmed = true;
                } else if self.stored == self.size {
                    self.pending = true;
                    self.permanent = confirm;
                }
                self.list()
            }
            (1, 1, _) => {
                let offset = number("off").unwrap_or(0) as usize;
                let data = field("data").and_then(|data| data.into_bytes().ok()).unwrap_or_default();
                if offset == 0 && self.stored > 0 && self.stored < self.size {
                    // Resumes, as a server that knows the SHA of the upload.
                } else if offset == 0 {
                    self.stored = data.len();
                } else if offset == self.stored {
                    self.stored += data.len();
                }
                map([("rc", 0.into()), ("off", (self.stored as u64).into())])
            }
            (1, 5, _) => {
                self.stored = 0;
                map([])
            }
            (1, 6, _) => {
                let slot = |number: u32| map([("slot", number.into()), ("size", self.slot_size.into())]);
                let image = map([("image", 0.into()), ("slots", Value::Array(vec![slot(0), slot(1)]))]);
                map([("images", Value::Array(vec![image]))])
            }
            _ => refused,
        };
        Some(encode(&value))
    }

    fn reset(&mut self) {
        if self.pending && !self.stubborn {
            self.runs_new = true;
            self.confirmed = self.permanent;
        } else if self.runs_new && !self.confirmed {
            self.runs_new = false;
        }
        self.pending = false;
    }

    fn list(&self) -> Value {
        let slot = |number: u32, version: &str, hash: &[u8], active: bool, confirmed: bool, pending: bool| {
            map([
                ("slot", number.into()),
                ("version", text(version)),
                ("hash", Value::Bytes(hash.to_vec())),
                ("bootable", true.into()),
                ("pending", pending.into()),
                ("confirmed", confirmed.into()),
                ("active", active.into()),
                ("permanent", (pending && self.permanent).into()),
            ])
        };
        let old_hash = [0x11; 32];
        let images = if self.runs_new {
            vec![
                slot(0, "1.1.0", &self.new_hash, true, self.confirmed, false),
                slot(1, "1.0.0", &old_hash, false, !self.confirmed, false),
            ]
        } else if self.stored == self.size {
            vec![
                slot(0, "1.0.0", &old_hash, true, true, false),
                slot(1, "1.1.0", &self.new_hash, false, false, self.pending),
            ]
        } else {
            vec![slot(0, "1.0.0", &old_hash, true, true, false)]
        };
        map([("images", Value::Array(images)), ("splitStatus", 0.into())])
    }
}
