//! A session whose every output is held against the invariants, by what can be seen from outside.

use std::collections::BTreeSet;

use ciborium::Value;
use smpfota::smp::header::HEADER_LEN;
use smpfota::smp::{Header, Op, console, reassembly};
use smpfota::{Failure, Framing, LinkEvent, Next, Reassembly, Session, SessionOptions};

/// How often a session may say something other than "wait" or "done" at one instant without a write.
const MOST_POLLS: usize = 8;
/// More writes than any operation of these tests can have at one instant.
const MOST_WRITES: usize = 20_000;

/// The largest frame that a session takes from a device.
const LARGEST: usize = 65_543;

enum Heard {
    Raw(reassembly::Reassembly),
    Serial(console::Decoder),
}

/// How a round of [`Checked::pump`] ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Pumped {
    Waits,
    LinkReset,
    HealthCheck,
    Done,
    Failed(Failure),
}

/// An upload frame that was sent and not answered.
#[derive(Debug, Clone, Copy)]
struct Flying {
    offset: u32,
    end: u32,
    sequence: u8,
}

pub struct Checked {
    pub session: Session,
    pub options: SessionOptions,
    /// The caller's clock in milliseconds.
    pub now: u64,
    /// Every whole frame that was sent and not yet taken by the test.
    pub frames: Vec<Vec<u8>>,
    /// Every write, where a test carries them itself, with the time after the one before it in milliseconds.
    pub writes: Option<Vec<(u32, Vec<u8>)>>,
    /// Whether every output is printed: SMPFOTA_TRACE is set.
    trace: bool,
    /// All outputs, where a test compares them.
    pub transcript: Option<Vec<u8>>,
    image: Vec<u8>,
    hash: Vec<u8>,
    max_write: u32,
    partial: Vec<u8>,
    decoder: console::Decoder,
    /// What the session makes of the bytes fed, made again beside it.
    heard: Heard,
    /// The latest time that was told.
    seen: u64,
    buffer: Vec<u8>,
    /// Offsets that may be asked for: what the device said and where frames that were sent end.
    offsets: BTreeSet<u32>,
    flying: Vec<Flying>,
    /// The first chunk is out and nothing of the upload was answered since.
    first_alone: bool,
    /// Upload frames at this instant since the last input, and their bytes.
    batch: u32,
    batch_bytes: usize,
    /// Every frame of this call but the first keeps its time behind the one before.
    paced: bool,
    /// The time that the frame which is being written shall keep after the one before, in milliseconds.
    delay: u32,
    /// Answers to the parameters command.
    parameters: u32,
    /// Where the device says that it stands.
    device_at: u32,
    /// When the last upload frame was sent.
    chunk_at: u64,
    /// The largest number of buffers and size of a buffer that the device told.
    device_buffers: u32,
    device_buffer_size: u32,
    hash_seen: bool,
    tail: Vec<u8>,
    ended: bool,
    polls: usize,
}

impl Checked {
    /// `None` for options that the session refuses.
    pub fn open(options: SessionOptions) -> Option<Checked> {
        let session = Session::open(options).ok()?;
        Some(Checked {
            session,
            options,
            now: 0,
            frames: Vec::new(),
            writes: None,
            trace: std::env::var_os("SMPFOTA_TRACE").is_some(),
            transcript: None,
            image: Vec::new(),
            hash: Vec::new(),
            max_write: options.max_write,
            partial: Vec::new(),
            decoder: console::Decoder::new(65_535),
            heard: match options.framing {
                Framing::Raw => Heard::Raw(reassembly::Reassembly::new(LARGEST)),
                Framing::Serial => Heard::Serial(console::Decoder::new(LARGEST)),
            },
            seen: 0,
            buffer: vec![0; options.max_write.max(128) as usize],
            offsets: BTreeSet::new(),
            flying: Vec::new(),
            first_alone: false,
            batch: 0,
            batch_bytes: 0,
            paced: true,
            delay: 0,
            parameters: 0,
            device_at: 0,
            chunk_at: 0,
            device_buffers: 0,
            device_buffer_size: 0,
            hash_seen: false,
            tail: Vec::new(),
            ended: true,
            polls: 0,
        })
    }

    fn note(&mut self, what: &dyn std::fmt::Debug) {
        if self.trace {
            println!("{:>8} {what:?}", self.now);
        }
        if let Some(transcript) = &mut self.transcript {
            use std::io::Write;
            writeln!(transcript, "{what:?}").expect("a vector takes everything");
        }
    }

    /// An operation was started; for an update with the file and the hash that the device must list.
    pub fn started(&mut self, image: &[u8], hash: &[u8]) {
        self.image = image.to_vec();
        self.hash = hash.to_vec();
        self.offsets = BTreeSet::from([0]);
        self.flying.clear();
        self.device_at = 0;
        self.partial.clear();
        self.delay = 0;
        self.first_alone = false;
        self.hash_seen = false;
        self.ended = false;
    }

    pub fn is_running(&self) -> bool {
        !self.ended
    }

    /// Everything the session has to send at `now`, in the caller's words `told` (which may lie before it).
    pub fn pump(&mut self, told: u64) -> Pumped {
        self.seen = self.seen.max(told);
        for _ in 0..MOST_WRITES {
            let next = self.session.next_frame(told, &mut self.buffer);
            match next {
                Ok(Next::Write(length)) => self.wrote(length),
                Ok(Next::Wait) => {
                    self.note(&"wait");
                    self.waits();
                    return Pumped::Waits;
                }
                Ok(Next::LinkReset) => {
                    self.idle_poll("link reset");
                    return Pumped::LinkReset;
                }
                Ok(Next::HealthCheck) => {
                    self.idle_poll("health check");
                    return Pumped::HealthCheck;
                }
                Ok(Next::Done) => {
                    self.end(None);
                    return Pumped::Done;
                }
                Err(failure) => {
                    self.end(Some(&failure));
                    return Pumped::Failed(failure);
                }
            }
        }
        panic!("{MOST_WRITES} writes at one instant");
    }

    fn idle_poll(&mut self, what: &str) {
        self.note(&what);
        assert!(!self.ended, "{what} after the end");
        self.deadline_moves();
    }

    fn waits(&mut self) {
        assert!(!self.ended, "waits after the end");
        let expected = self.session.expected();
        self.note(&expected);
        assert!(expected.answers as usize >= self.batch as usize, "{expected:?} of {} chunks", self.batch);
        self.deadline_moves();
    }

    /// After a poll at its time a deadline must lie ahead, or the caller would turn in circles.
    fn deadline_moves(&mut self) {
        let deadline = self.session.deadline();
        self.note(&deadline);
        match deadline {
            Some(at) if at <= self.seen => {
                self.polls += 1;
                assert!(self.polls < MOST_POLLS, "a deadline of {at} at {} that no call moves", self.seen);
            }
            _ => self.polls = 0,
        }
    }

    fn end(&mut self, failure: Option<&Failure>) {
        self.note(&failure);
        let result = self.session.result();
        self.note(&result);
        assert_eq!(self.session.deadline(), None, "a deadline after the end");
        match failure {
            None => {
                assert!(result.is_some(), "done without a result");
                let serial = self.options.framing == Framing::Serial;
                assert!(
                    self.hash.is_empty() || self.hash_seen || serial,
                    "done, and no list ever held the hash"
                );
            }
            Some(failure) => {
                assert!(failure.status.number() < 0, "{failure:?}");
                assert!(!failure.sentence.is_empty() && failure.sentence.len() < 2_000, "{failure:?}");
                if !self.ended {
                    assert_eq!(self.session.failure().as_ref(), Some(failure));
                }
            }
        }
        self.ended = true;
    }

    fn wrote(&mut self, length: usize) {
        assert!(!self.ended, "a write after the end");
        self.polls = 0;
        let write = self.buffer[..length].to_vec();
        self.note(&write);
        assert!(!write.is_empty());
        if let Some(writes) = &mut self.writes {
            writes.push((self.session.delay_ms(), write.clone()));
        }
        // Only the first piece of a frame has one.
        self.delay += self.session.delay_ms();
        match self.options.framing {
            Framing::Raw => {
                assert!(
                    length <= self.max_write as usize,
                    "a write of {length} bytes over {}",
                    self.max_write
                );
                self.partial.extend_from_slice(&write);
                let Some(header) = Header::decode(&self.partial) else {
                    assert!(self.partial.len() < HEADER_LEN, "what was sent is no frame");
                    return;
                };
                assert!(self.partial.len() <= header.frame_len(), "two frames in one write");
                if self.partial.len() == header.frame_len() {
                    let frame = std::mem::take(&mut self.partial);
                    self.framed(frame);
                }
            }
            Framing::Serial => {
                assert!(length <= 128 && write.ends_with(b"\n"), "a console line of {length} bytes");
                let mut whole = Vec::new();
                self.decoder.feed(&write, |frame| whole.push(frame.to_vec()));
                whole.into_iter().for_each(|frame| self.framed(frame));
            }
        }
    }

    /// The largest frame that may go out by what the caller and the device told.
    fn most_frame(&self) -> usize {
        let write = self.max_write.max(32);
        let cap = if self.options.max_frame == 0 { 65_535 } else { self.options.max_frame.max(32) };
        if self.options.framing == Framing::Serial {
            return cap.min(self.device_buffer_size.max(write).max(self.options.max_frame)) as usize;
        }
        let joined = match self.options.reassembly {
            Reassembly::No => write,
            _ => write.max(self.device_buffer_size).max(self.options.max_frame),
        };
        joined.min(cap) as usize
    }

    fn framed(&mut self, frame: Vec<u8>) {
        let header = Header::decode(&frame).expect("a header");
        assert!(matches!(header.op, Op::Read | Op::Write), "a response was sent");
        assert_eq!(header.frame_len(), frame.len());
        assert!(
            frame.len() <= self.most_frame(),
            "a frame of {} bytes over {}",
            frame.len(),
            self.most_frame()
        );
        if !self.image.is_empty() && (header.group, header.command) == (1, 1) {
            self.uploaded(header, &frame);
        }
        self.delay = 0;
        self.frames.push(frame);
    }

    fn uploaded(&mut self, header: Header, frame: &[u8]) {
        let body: Value = ciborium::from_reader(&frame[HEADER_LEN..]).expect("a body");
        let body = body.as_map().expect("a map");
        let field =
            |key: &str| body.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value);
        let offset =
            u32::try_from(field("off").and_then(Value::as_integer).expect("off")).expect("an offset");
        let data = field("data").and_then(Value::as_bytes).expect("data");
        let end = offset + data.len() as u32;
        if data.is_empty() {
            // The question where the upload stands: behind the end, so that no server takes it.
            assert_eq!(offset as usize, self.image.len() + 1, "an empty chunk that a server could take");
            return;
        }
        assert_eq!(
            Some(&data[..]),
            self.image.get(offset as usize..end as usize),
            "not the bytes of the file"
        );
        assert_eq!(field("len").is_some(), offset == 0, "len belongs into the first chunk alone");
        assert!(self.offsets.contains(&offset), "offset {offset} was never asked for");
        self.offsets.insert(end);
        assert!(offset == 0 || !self.first_alone, "offset {offset} while the first chunk is alone in flight");
        if offset == 0 {
            self.first_alone = true;
            self.flying.clear();
        }
        self.batch += 1;
        self.batch_bytes += frame.len();
        let device = self.device_buffers.saturating_sub(1).max(1);
        let allowed = match (self.device_buffers, self.options.window) {
            (0, 0) => 1,
            (0, option) => option,
            (_, 0) => device.min(16),
            // The session may have taken another of several answers.
            (_, option) if self.parameters > 1 => option.max(device.min(16)),
            (_, option) => option.min(device),
        };
        let allowed = self.in_a_call(allowed, offset);
        assert!(self.batch <= allowed, "{} frames at once where {allowed} may be in flight", self.batch);
        // What the device could be holding: unanswered frames that continue one another from where it says it stands; it
        // drops any other where it arrives. A frame that goes back gives up those before it. Beyond the window a single
        // frame may go out after each silence, to find out what was lost.
        if self.flying.last().is_some_and(|last| last.end != offset) {
            self.flying.clear();
        }
        self.flying.push(Flying { offset, end, sequence: header.sequence });
        let mut expected = self.device_at;
        let mut holding = 0;
        for sent in &self.flying {
            if sent.offset == expected {
                expected = sent.end;
                holding += 1;
            }
        }
        let silence = self.seen - self.chunk_at;
        assert!(
            holding <= allowed || silence >= u64::from(self.options.timeout_ms),
            "{holding} frames in flight where {allowed} may be, {silence} ms after the last"
        );
        self.chunk_at = self.seen;
    }

    /// What one call carries: the window, or so many frames and bytes as it takes, each a while after the one before.
    fn in_a_call(&mut self, window: u32, offset: u32) -> u32 {
        let options = &self.options;
        let gap = options.batch_gap_ms.max(options.write_interval_ms).max(1);
        self.paced = self.batch == 1 || (self.paced && self.delay >= gap);
        if options.batch_frames < 2 || self.device_buffers < 3 || offset == 0 || !self.paced {
            return window;
        }
        assert!(self.batch <= options.batch_frames.max(1), "{} frames in a call", self.batch);
        assert!(
            options.batch_bytes == 0 || self.batch == 1 || self.batch_bytes <= options.batch_bytes as usize,
            "{} bytes in a call of {}",
            self.batch_bytes,
            options.batch_bytes
        );
        options.batch_frames.max(window)
    }

    /// The call came back, and what it brought was fed.
    pub fn call_returned(&mut self, told: u64) {
        self.ends_call();
        // What it carried is answered or gone.
        self.flying.clear();
        self.seen = self.seen.max(told);
        self.session.call_returned(told);
    }

    fn ends_call(&mut self) {
        self.batch = 0;
        self.batch_bytes = 0;
    }

    /// Bytes from the device.
    pub fn feed(&mut self, told: u64, bytes: &[u8]) {
        self.ends_call();
        self.tail.extend_from_slice(bytes);
        if !self.hash.is_empty() {
            self.hash_seen |= self.tail.windows(self.hash.len()).any(|window| window == self.hash);
        }
        let keep = self.tail.len().saturating_sub(64);
        self.tail.drain(..keep);
        self.seen = self.seen.max(told);
        let mut frames = Vec::new();
        match &mut self.heard {
            Heard::Raw(reassembly) => {
                reassembly.feed(self.seen, bytes, |frame| {
                    frames.push([&frame.header.encode()[..], frame.body].concat());
                });
            }
            Heard::Serial(decoder) => decoder.feed(bytes, |frame| frames.push(frame.to_vec())),
        }
        frames.iter().for_each(|frame| self.told(frame));
        if self.trace {
            println!("{:>8} fed {bytes:02x?}", self.now);
        }
        self.session.feed(told, bytes);
    }

    /// Notes what the device says in a frame.
    fn told(&mut self, frame: &[u8]) {
        let Some(header) = Header::decode(frame) else { return };
        let (mut off, mut buffer_size, mut buffers) = (None, 0, 0);
        let _ = smpfota::smp::cbor::entries(&frame[HEADER_LEN..], |key, value| match key {
            "off" => off = value.as_u32(),
            "buf_size" => buffer_size = value.as_u32().unwrap_or(0),
            "buf_count" => buffers = value.as_u32().unwrap_or(0),
            _ => {}
        });
        self.offsets.extend(off);
        self.parameters += u32::from((header.group, header.command) == (0, 6));
        // A buffer that holds no frame is a mistake of the answer, and is not believed.
        if buffer_size >= 32 {
            self.device_buffer_size = self.device_buffer_size.max(buffer_size);
            self.device_buffers = self.device_buffers.max(buffers);
        }
        if (header.group, header.command) == (1, 1) {
            self.first_alone = false;
            self.device_at = off.unwrap_or(self.device_at);
            if let Some(at) = self.flying.iter().position(|sent| sent.sequence == header.sequence) {
                self.flying.drain(..=at);
            }
        }
    }

    pub fn link(&mut self, told: u64, event: LinkEvent) {
        self.ends_call();
        if let LinkEvent::MaxWrite(size) = event {
            self.max_write = self.max_write.max(size.clamp(20, 65_535));
            self.buffer.resize(self.max_write.max(128) as usize, 0);
        } else {
            self.partial.clear();
            self.decoder.clear();
            match &mut self.heard {
                Heard::Raw(reassembly) => reassembly.clear(),
                Heard::Serial(decoder) => decoder.clear(),
            }
        }
        self.flying.clear();
        self.seen = self.seen.max(told);
        self.session.link(told, event);
    }

    /// The latest time that the session knows.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub fn cancel(&mut self, told: u64) {
        self.seen = self.seen.max(told);
        self.partial.clear();
        self.decoder.clear();
        self.session.cancel(told);
    }

    pub fn pause(&mut self, told: u64) {
        if self.session.pause(told).is_ok() {
            self.seen = self.seen.max(told);
        }
    }

    pub fn resume(&mut self, told: u64) {
        self.ends_call();
        self.flying.clear();
        if self.session.resume(told).is_ok() {
            self.seen = self.seen.max(told);
        }
    }

    /// The time moves on.
    pub fn advance(&mut self, ms: u64) {
        if ms > 0 {
            self.now += ms;
            self.polls = 0;
            self.ends_call();
        }
    }

    /// To the deadline. Returns false when there is none.
    pub fn reach_deadline(&mut self) -> bool {
        let deadline = self.session.deadline();
        if let Some(at) = deadline {
            self.advance(at.saturating_sub(self.now));
        }
        deadline.is_some()
    }

    /// Looks at everything there is to look at.
    pub fn look(&mut self) {
        let progress = self.session.progress(self.now);
        self.note(&progress);
        assert!(progress.bytes_acknowledged <= progress.bytes_total, "{progress:?}");
        let mut events = 0;
        while let Some(event) = self.session.next_event() {
            self.note(&event);
            events += 1;
            assert!(events <= 1_000, "the log of events is not bounded");
        }
        let counters = self.session.counters();
        self.note(&counters);
    }

    /// Nobody answers any more: the operation must end in bounded time.
    pub fn run_out(&mut self) {
        self.resume(self.now);
        for _ in 0..10_000 {
            match self.pump(self.now) {
                Pumped::Done | Pumped::Failed(_) => return,
                _ => {}
            }
            self.frames.clear();
            assert!(self.reach_deadline(), "a running operation without a deadline");
        }
        panic!("the operation does not end although nobody answers");
    }
}
