//! Bytes as a script of answers, times and link events for one session.

use smpfota::smp::{Header, Op, console};
use smpfota::{Framing, LinkEvent, Reassembly, SessionOptions, SmpVersion, UpdateMode, UpdateOptions};

use super::bytes::Bytes;
use super::checked::{Checked, Pumped};
use super::stub::{Sample, Stub, respond, samples};
use super::targets;

/// How a script treats times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// As the script says, sometimes back.
    AsTold,
    /// Standing still where the script goes back.
    Monotonic,
}

/// Options from bytes; only some of them are refused.
pub fn session_options(bytes: &mut Bytes<'_>) -> SessionOptions {
    let first = bytes.byte();
    // The upper bits: some carriers take several writes in one call.
    let batch_frames = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 8, 32, 128, 128][usize::from(first >> 4)];
    let batches = batch_frames != 0;
    SessionOptions {
        framing: [Framing::Raw, Framing::Raw, Framing::Raw, Framing::Serial][usize::from(first & 3)],
        batch_frames,
        batch_bytes: if batches { [0, 0, 2_000, 100][usize::from(first >> 2 & 3)] } else { 0 },
        batch_gap_ms: if batches { bytes.pick(&[10, 0, 1, 100]) } else { 0 },
        max_write: bytes.pick(&[244, 20, 64, 100, 128, 182, 498, 1_024]),
        max_frame: bytes.pick(&[0, 0, 0, 96, 244, 245, 600, 4_096, 40]),
        window: bytes.pick(&[0, 0, 1, 2, 4, 16]),
        smp_version: bytes.pick(&[SmpVersion::Auto, SmpVersion::Auto, SmpVersion::V1, SmpVersion::V2]),
        nonce: u32::from(bytes.byte()),
        write_interval_ms: bytes.pick(&[0, 0, 0, 1, 70]),
        reassembly: bytes.pick(&[Reassembly::Auto, Reassembly::Auto, Reassembly::Yes, Reassembly::No]),
        retries: bytes.pick(&[6, 1, 2, 12]),
        rtt_hint_ms: bytes.pick(&[1_000, 1, 20_000]),
        ..SessionOptions::default()
    }
}

/// Options of an update from bytes.
pub fn update_options(bytes: &mut Bytes<'_>) -> UpdateOptions {
    let flags = bytes.byte();
    UpdateOptions {
        mode: bytes.pick(&[
            UpdateMode::TestAndConfirm,
            UpdateMode::TestOnly,
            UpdateMode::ConfirmAtOnce,
            UpdateMode::UploadOnly,
        ]),
        erase_first: flags & 1 != 0,
        upgrade_only: flags & 2 != 0,
        health_check: flags & 4 != 0,
        force_upload: flags & 8 != 0,
        deadline_ms: if flags & 16 != 0 { 30_000 } else { 0 },
        swap_estimate_ms: if flags & 32 != 0 { 20_000 } else { 0 },
        ..UpdateOptions::default()
    }
}

struct Player<'a> {
    checked: Checked,
    stub: Stub,
    sample: &'static Sample,
    bytes: Bytes<'a>,
    clock: Clock,
    /// Answers that were kept back.
    kept: Vec<Vec<u8>>,
}

/// Plays a script to its end. Returns all outputs where `transcript` asks for them.
pub fn play(data: &[u8], clock: Clock, transcript: bool) -> Vec<u8> {
    let mut bytes = Bytes(data);
    let sample = bytes.pick(&[0usize, 1, 2]);
    let sample = &samples()[sample];
    let options = session_options(&mut bytes);
    let Some(mut checked) = Checked::open(options) else { return Vec::new() };
    checked.transcript = transcript.then(Vec::new);
    checked.now = u64::from(bytes.u16());
    let mut stub = Stub::new(sample);
    let device = bytes.byte();
    stub.old = device & 1 != 0;
    stub.stubborn = device & 2 != 0;
    stub.buf_count = [4, 2, 8, 1, 255][usize::from(device >> 2 & 7) % 5];
    stub.buf_size = [384, 2_475, 128, 1_024, 65_535, 8][usize::from(device >> 5) % 6];
    let mut player = Player { checked, stub, sample, bytes, clock, kept: Vec::new() };
    player.start();
    // A long script has no need to be longer than any update of these images.
    for _ in 0..4_000 {
        if player.bytes.is_empty() {
            break;
        }
        player.step();
    }
    if player.checked.is_running() {
        player.checked.run_out();
    }
    player.checked.look();
    player.checked.transcript.take().unwrap_or_default()
}

impl Player<'_> {
    /// What the caller says the time is.
    fn told(&mut self, back: u64) -> u64 {
        match self.clock {
            Clock::AsTold => self.checked.now.saturating_sub(back),
            Clock::Monotonic => self.checked.now.saturating_sub(back).max(self.checked.seen()),
        }
    }

    fn start(&mut self) {
        let session = &mut self.checked.session;
        let kind = self.bytes.byte();
        match kind % 4 {
            0..=1 => {
                let options = update_options(&mut self.bytes);
                if session.start_update(self.sample.firmware.clone(), options).is_ok() {
                    self.checked.started(&self.sample.bytes, &self.sample.hash);
                }
            }
            2 => {
                if let Some(command) = targets::commands::command(&mut self.bytes)
                    && session.start_command(command).is_ok()
                {
                    self.checked.started(&[], &[]);
                }
            }
            _ => {
                let op = self.bytes.pick(&[Op::Read, Op::Write, Op::ReadResponse]);
                let (group, command) = (self.bytes.u16(), self.bytes.byte());
                let length = usize::from(self.bytes.byte());
                let body = self.bytes.take(length);
                if session.start_request(op, group, command, body).is_ok() {
                    self.checked.started(&[], &[]);
                }
            }
        }
        self.pump(0);
    }

    fn pump(&mut self, back: u64) {
        if self.checked.is_running() {
            let told = self.told(back);
            if self.checked.pump(told) == Pumped::HealthCheck {
                // Sometimes nobody cares, and the time limit has to.
                let word = self.bytes.byte();
                if word != 0xff {
                    let _ = self.checked.session.health(told, word & 1 == 0);
                }
            }
        }
        let drop = self.checked.frames.len().saturating_sub(64);
        self.checked.frames.drain(..drop);
    }

    fn step(&mut self) {
        let op = self.bytes.byte();
        match op {
            // The ordinary case is the likely one: the oldest request is answered rightly.
            0x00..=0x9f => self.answer(0),
            0xa0..=0xcf => {
                let trick = self.bytes.byte();
                self.answer(trick);
            }
            0xd0..=0xdf => {
                self.checked.reach_deadline();
            }
            0xe0..=0xe5 => {
                let ms = self.bytes.u16();
                self.checked.advance(u64::from(ms));
            }
            0xe6 => {
                let told = self.told(0);
                self.checked.link(told, LinkEvent::Down);
            }
            0xe7..=0xe8 => {
                let told = self.told(0);
                self.checked.link(told, LinkEvent::Up);
            }
            0xe9 => {
                let size = u32::from(self.bytes.u16());
                let told = self.told(0);
                self.checked.link(told, LinkEvent::MaxWrite(size % 2_000));
            }
            0xea => {
                let told = self.told(0);
                self.checked.pause(told);
            }
            0xeb..=0xec => {
                let told = self.told(0);
                self.checked.resume(told);
            }
            0xed => {
                let told = self.told(0);
                self.checked.cancel(told);
            }
            0xee => self.checked.look(),
            0xef => {
                let back = u64::from(self.bytes.u16());
                return self.pump(back);
            }
            0xf0..=0xf3 => {
                let length = usize::from(self.bytes.byte());
                let raw = self.bytes.take(length).to_vec();
                self.feed(&raw, 0);
            }
            0xf4..=0xf7 => {
                // A frame of the script's own: right header, any body.
                let length = usize::from(self.bytes.byte());
                let sequence = self.bytes.byte();
                let body = self.bytes.take(length);
                if let Some(header) = self.checked.frames.last().and_then(|frame| Header::decode(frame)) {
                    let header = if sequence == 0 { header } else { Header { sequence, ..header } };
                    let frame = respond(header, body);
                    self.deliver(&frame, 0);
                }
            }
            0xf8..=0xfb if !self.kept.is_empty() => {
                let index = usize::from(self.bytes.byte()) % self.kept.len();
                let frame = self.kept[index].clone();
                self.deliver(&frame, 0);
            }
            _ if !self.checked.is_running() => return self.start(),
            0xfc..=0xfd if self.checked.options.batch_frames > 0 => {
                let told = self.told(0);
                self.checked.call_returned(told);
            }
            _ => {}
        }
        self.pump(0);
    }

    /// Answers the oldest request, or loses, repeats, delays or damages the answer.
    fn answer(&mut self, trick: u8) {
        if self.checked.frames.is_empty() {
            self.checked.reach_deadline();
            return;
        }
        let request = self.checked.frames.remove(0);
        if trick == 1 {
            return;
        }
        let Some(mut body) = self.stub.answer(&request) else { return };
        let mut header = Header::decode(&request).expect("a request");
        match trick {
            2 => header.sequence = header.sequence.wrapping_sub(1 + self.bytes.byte() % 8),
            3 => {
                let at = usize::from(self.bytes.u16()) % body.len().max(1);
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= self.bytes.byte();
                }
            }
            4 => {
                let length = usize::from(self.bytes.byte());
                body.truncate(length);
            }
            5 => body = super::stub::encode(&error_body(self.bytes.byte(), self.bytes.byte())),
            6 => {
                let offset = u64::from(self.bytes.u16());
                let entry = |key: &str, value: u64| (key.into(), value.into());
                body = super::stub::encode(&ciborium::Value::Map(vec![entry("rc", 0), entry("off", offset)]));
            }
            7 => header.version = self.bytes.byte() & 3,
            8 => header.group = u16::from(self.bytes.byte()),
            _ => {}
        }
        let frame = respond(header, &body);
        match trick {
            9 => self.kept.push(frame),
            10 => {
                self.deliver(&frame, 0);
                self.deliver(&frame, 0);
            }
            11 => {
                let split = usize::from(self.bytes.byte());
                self.deliver(&frame, split);
            }
            12 => {
                self.kept.push(frame.clone());
                self.deliver(&frame, 0);
            }
            13 => {
                let cut = usize::from(self.bytes.byte()) % frame.len();
                self.feed(&frame[..cut], 0);
            }
            _ => self.deliver(&frame, 0),
        }
        let surplus = self.kept.len().saturating_sub(16);
        self.kept.drain(..surplus);
    }

    fn deliver(&mut self, frame: &[u8], split: usize) {
        if self.checked.options.framing == Framing::Serial {
            let mut lines = Vec::new();
            console::encode(frame, &mut lines);
            self.feed(&lines, split);
        } else {
            self.feed(frame, split);
        }
    }

    fn feed(&mut self, bytes: &[u8], split: usize) {
        let told = self.told(0);
        let (first, second) = bytes.split_at(split.min(bytes.len()));
        self.checked.feed(told, first);
        self.checked.feed(told, second);
    }
}

/// An error answer of either version.
fn error_body(code: u8, group: u8) -> ciborium::Value {
    use ciborium::Value;
    let entry = |key: &str, value: u8| (Value::Text(key.into()), Value::from(value));
    if group & 0x80 == 0 {
        Value::Map(vec![entry("rc", code)])
    } else {
        Value::Map(vec![("err".into(), Value::Map(vec![entry("group", group & 0x7f), entry("rc", code)]))])
    }
}
