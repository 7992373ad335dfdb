//! The download of one file: requests under a window, each for the chunk at an offset.
//!
//! The device decides how many bytes a chunk has (Zephyr `CONFIG_MCUMGR_GRP_FS_DL_CHUNK_SIZE`); the first answer shows it, and
//! tells the length of the file. From then on each answer says which offset it is for, so they may come in any order, and
//! only what is missing is asked for again. Flight, window and round trip are those of the upload.

use super::ranges::Ranges;
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::cbor::{self, Value, Writer};
use crate::smp::group::{self, file};
use crate::smp::header::HEADER_LEN;
use crate::smp::{DeviceError, Frame, Op};
use crate::status::Status;
use crate::upload::flight::{Fate, Flight};
use crate::upload::refusal;
use crate::upload::window::Window;

/// What [`Download::poll`] wants.
#[derive(Debug)]
pub(super) enum Poll {
    Send(usize),
    Wait,
    Complete,
    Failed(Failure),
}

/// How long an answer may take at least, in milliseconds: the device reads its flash.
const FLOOR_MS: u32 = 1_000;
/// The first request opens the file.
const FIRST_FLOOR_MS: u32 = 3_000;
/// The longest pause between two requests that go unanswered, in milliseconds.
const LONGEST_SILENCE: u64 = 20_000;

#[derive(Debug)]
pub(super) struct Download {
    /// The most bytes that are taken.
    most: u32,
    /// The length of the file and of a chunk, once the first answer told them.
    size: Option<u32>,
    chunk: u16,
    content: Vec<u8>,
    arrived: Ranges,
    flight: Flight,
    window: Window,
    /// The end of the furthest request.
    high: u32,
    active_at: u64,
    progress_at: u64,
    hold_until: u64,
    holds: u32,
    silent: u32,
    failure: Option<Failure>,
}

impl Download {
    pub fn new(now: u64, most: usize) -> Download {
        Download {
            most: most as u32,
            size: None,
            chunk: 1,
            content: Vec::new(),
            arrived: Ranges::default(),
            flight: Flight::new(),
            window: Window::new(),
            high: 0,
            active_at: now,
            progress_at: now,
            hold_until: 0,
            holds: 0,
            silent: 0,
            failure: None,
        }
    }

    /// How many bytes have arrived without a gap, and how many there are.
    pub fn figures(&self) -> (u32, u32) {
        (self.arrived.mark(), self.size.unwrap_or(0))
    }

    /// The window in use.
    pub fn window(&self, talk: &Conversation) -> u32 {
        if self.size.is_none() { 1 } else { self.window.size(talk.limits.window()) }
    }

    /// The bytes of the file, once complete.
    pub fn into_content(self) -> Vec<u8> {
        self.content
    }

    fn is_complete(&self) -> bool {
        self.size.is_some_and(|size| self.arrived.mark() >= size)
    }

    pub fn deadline(&self, talk: &Conversation) -> u64 {
        if self.failure.is_some() || self.is_complete() {
            return 0;
        }
        let next = if talk.link_down {
            u64::MAX
        } else if self.may_send(talk) {
            self.hold_until.max(talk.paced_until())
        } else {
            self.active_at.saturating_add(self.patience(talk))
        };
        next.min(self.stall_end(talk))
    }

    fn stall_end(&self, talk: &Conversation) -> u64 {
        self.progress_at.saturating_add(u64::from(talk.options.stall_timeout_ms))
    }

    /// The next offset to ask for: what has neither arrived nor is on its way.
    fn next_offset(&self) -> u32 {
        let mut offset = self.arrived.mark();
        loop {
            let next = self.flight.predict(self.arrived.missing_from(offset));
            if next == offset {
                return offset;
            }
            offset = next;
        }
    }

    fn may_send(&self, talk: &Conversation) -> bool {
        match self.size {
            None => self.flight.flying() == 0,
            Some(size) => self.flight.flying() < self.window(talk) && self.next_offset() < size,
        }
    }

    fn patience(&self, talk: &Conversation) -> u64 {
        let floor = if self.size.is_none() { FIRST_FLOOR_MS } else { FLOOR_MS };
        let ordinary = u64::from(talk.timeout().max(floor));
        let grown = ordinary + ordinary * u64::from(self.silent.min(16)) / 2;
        grown.min(LONGEST_SILENCE.max(ordinary))
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, name: &str, out: &mut [u8]) -> Poll {
        if let Some(failure) = &self.failure {
            return Poll::Failed(failure.clone());
        }
        if self.is_complete() {
            return Poll::Complete;
        }
        if now >= self.stall_end(talk) && talk.asleep.one_more_wait() {
            self.progress_at = now;
        }
        if now >= self.stall_end(talk) {
            let failure = self.stalled(talk, now);
            self.failure = Some(failure.clone());
            return Poll::Failed(failure);
        }
        if talk.link_down {
            return Poll::Wait;
        }
        if self.may_send(talk) {
            if now < self.hold_until.max(talk.paced_until()) {
                return Poll::Wait;
            }
            return self.send(talk, now, name, out);
        }
        if now < self.active_at.saturating_add(self.patience(talk)) || now < talk.paced_until() {
            return Poll::Wait;
        }
        self.silent += 1;
        talk.note(now, EventKind::Silence((now - self.active_at).min(u64::from(u32::MAX)) as u32));
        self.flight.give_up_all();
        self.send(talk, now, name, out)
    }

    fn send(&mut self, talk: &mut Conversation, now: u64, name: &str, out: &mut [u8]) -> Poll {
        let offset = self.next_offset();
        let length = (|| {
            let mut writer = Writer::new(out.get_mut(HEADER_LEN..)?);
            writer.map(2).text("off").unsigned(u64::from(offset)).text("name").text(name);
            writer.finish().ok()
        })();
        let Some(length) = length else {
            let failure = Failure::new(
                Status::FrameTooSmall,
                format!(
                    "a frame of {} bytes cannot carry the name of the file; raise max_write or max_frame.",
                    out.len()
                ),
            );
            self.failure = Some(failure.clone());
            return Poll::Failed(failure);
        };
        let header = talk.begin_frame(now, Op::Read, group::FILE, file::FILE, length);
        out[..HEADER_LEN].copy_from_slice(&header.encode());
        let left = self.size.map_or(1, |size| size - offset);
        let expected = u32::from(self.chunk).min(left);
        if offset + expected <= self.high {
            talk.counters.retransmissions = talk.counters.retransmissions.wrapping_add(1);
        }
        self.high = self.high.max(offset + expected);
        self.flight.push(now, header.sequence, offset, expected as u16);
        self.active_at = now;
        Poll::Send(HEADER_LEN + length)
    }

    /// Takes a frame. Returns false when it is not an answer to this download.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        let header = frame.header;
        if (header.group, header.command, header.op) != (group::FILE, file::FILE, Op::ReadResponse) {
            return false;
        }
        let Some((order, sent)) = self.flight.find(header.sequence) else { return false };
        let fate = self.flight.fate(order);
        if fate == Fate::Answered || self.failure.is_some() {
            talk.counters.duplicate = talk.counters.duplicate.saturating_add(1);
            return true;
        }
        let answer = match Answer::decode(frame.body) {
            // An answer for another offset was made for another request under the same number.
            Some(answer) if answer.error.is_some() || answer.offset.is_none_or(|off| off == sent.offset) => {
                answer
            }
            _ => {
                talk.counters.undecodable = talk.counters.undecodable.saturating_add(1);
                return true;
            }
        };
        talk.hears_answer();
        let late = fate == Fate::Lost;
        let mut settled = 0;
        if late {
            talk.counters.late = talk.counters.late.saturating_add(1);
            self.flight.answered_late(order);
        } else {
            talk.counters.expected = talk.counters.expected.wrapping_add(1);
            settled = self.flight.settle(order);
            if talk.asleep.is_measured(now.saturating_sub(sent.age(now).into())) {
                talk.rtt.sample(sent.age(now));
            }
        }
        if let Some(error) = answer.error {
            if !late {
                self.refused(talk, now, error);
            }
            return true;
        }
        self.silent = 0;
        self.active_at = now;
        match self.take(sent.offset, &answer) {
            Ok(new) => {
                if new {
                    self.progress_at = now;
                    self.holds = 0;
                }
                let limit = talk.limits.window();
                if settled > 0 && self.window.settled(limit, settled, settled - 1) {
                    talk.note(now, EventKind::Window(self.window.size(limit)));
                }
            }
            Err(failure) => self.failure = Some(failure),
        }
        true
    }

    /// Puts a chunk where it belongs. Returns whether anything was new.
    fn take(&mut self, offset: u32, answer: &Answer<'_>) -> Result<bool, Failure> {
        let (Some(data), Some(_)) = (answer.data, answer.offset) else {
            return Err(Failure::new(
                Status::UnexpectedResponse,
                "the device answered a download without data or offset.",
            ));
        };
        let size = match (self.size, answer.length) {
            (Some(size), Some(length)) if u64::from(size) != length => return Err(changed()),
            (Some(size), _) => size,
            (None, None) => {
                return Err(Failure::new(
                    Status::UnexpectedResponse,
                    "the device does not tell the length of the file.",
                ));
            }
            (None, Some(length)) if length > u64::from(self.most) => {
                return Err(Failure::new(
                    Status::ImageTooLarge,
                    format!("the file has {length} bytes and at most {} are taken.", self.most),
                ));
            }
            (None, Some(length)) => {
                self.size = Some(length as u32);
                self.content = vec![0; length as usize];
                self.chunk = data.len().clamp(1, usize::from(u16::MAX)) as u16;
                length as u32
            }
        };
        let end = offset as usize + data.len();
        if end > size as usize || (data.is_empty() && offset < size) {
            return Err(changed());
        }
        self.content[offset as usize..end].copy_from_slice(data);
        let before = self.arrived.mark();
        self.arrived.insert(offset, end as u32);
        Ok(self.arrived.mark() > before)
    }

    fn refused(&mut self, talk: &mut Conversation, now: u64, error: DeviceError) {
        self.active_at = now;
        if error.is_retryable() {
            self.holds += 1;
            talk.note(now, EventKind::Busy(error.code));
            let limit = talk.limits.window();
            if self.window.refused(limit) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            let pause = u64::from((talk.rtt.smoothed() / 2).clamp(20, 500));
            self.hold_until = now + (pause << self.holds.min(6));
            return;
        }
        self.failure = Some(refusal::file_failure(error));
    }

    pub fn link_changed(&mut self, now: u64) {
        self.flight.give_up_all();
        self.silent = 0;
        self.resumed(now);
    }

    pub fn resumed(&mut self, now: u64) {
        self.active_at = now;
        self.progress_at = now;
    }

    fn stalled(&self, talk: &Conversation, now: u64) -> Failure {
        let seconds = now.saturating_sub(self.progress_at) / 1_000;
        if talk.link_down {
            return Failure::new(
                Status::LinkLost,
                format!("the device link went down {seconds} s ago and did not come up again."),
            )
            .with_finding(Finding::LinkDrops);
        }
        let (got, size) = self.figures();
        let (status, finding) = match () {
            () if !talk.answered => (Status::Timeout, talk.evidence.never_answered(now)),
            () if self.holds > 0 => (Status::DeviceBusy, Finding::BuffersExhausted),
            // No echo was sent, so nothing is said of the server.
            () => (Status::Timeout, Finding::None),
        };
        Failure::new(
            status,
            format!("the download did not move beyond {got} of {size} bytes for {seconds} s."),
        )
        .with_finding(finding)
    }
}

fn changed() -> Failure {
    Failure::new(Status::Contradiction, "the file changed on the device while it was downloaded.")
}

/// The answer to a download request.
struct Answer<'a> {
    offset: Option<u32>,
    length: Option<u64>,
    data: Option<&'a [u8]>,
    error: Option<DeviceError>,
}

impl<'a> Answer<'a> {
    fn decode(body: &'a [u8]) -> Option<Answer<'a>> {
        let mut answer = Answer { offset: None, length: None, data: None, error: None };
        cbor::entries(body, |key, value| match (key, value) {
            ("off", value) => answer.offset = value.as_u32(),
            ("len", Value::Unsigned(length)) => answer.length = Some(length),
            ("data", Value::Bytes(data)) => answer.data = Some(data),
            _ => answer.error = answer.error.or(DeviceError::from_entry(key, &value)),
        })
        .ok()?;
        Some(answer)
    }
}
