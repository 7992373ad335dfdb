//! The recording of a session, off until a caller asks for it, and the evidence that it gives for a failure.

use serde_json::Value;

use super::Session;
use crate::conversation::Conversation;
use crate::failure::{Failure, Finding};
use crate::json::json;
use crate::recording::{Form, Ring};
use crate::smp::Frame;
use crate::status::Status;
use crate::trace::Trace;

/// The smallest and the largest room of a recording, in bytes.
const LEAST_ROOM: usize = 1_024;
const MOST_ROOM: usize = 64 * 1024 * 1024;

impl Session {
    /// Records from now on what goes out, what comes in and what the session decides, the last of it that `capacity` bytes hold:
    /// an entry takes 8 more than its bytes, or 21 where data is left out. When they are full the oldest eighth gives way at once.
    /// 0 ends the recording and forgets it; any other number begins anew.
    ///
    /// `headers_only` leaves out the data of images and files. A snapshot holds no recording.
    ///
    /// Fails with [`Status::InvalidArgument`] for a capacity that is neither 0 nor from 1 KiB to 64 MiB.
    pub fn record(&mut self, capacity: usize, headers_only: bool) -> Result<(), Failure> {
        if capacity != 0 && !(LEAST_ROOM..=MOST_ROOM).contains(&capacity) {
            return Err(Failure::new(
                Status::InvalidArgument,
                format!("capacity is {capacity} and must be 0 or from {LEAST_ROOM} to {MOST_ROOM}."),
            ));
        }
        self.talk.evidence.record((capacity > 0).then(|| Ring::new(capacity, headers_only)));
        Ok(())
    }

    /// The whole recording as a file; it stays. `None` when nothing is recorded.
    pub fn recording(&self, form: Form) -> Option<Vec<u8>> {
        self.talk.evidence.recording().map(|ring| ring.file(form))
    }

    /// Takes the oldest entries out of the recording, as many as fit into `room` bytes; put one behind the other they are a file.
    /// Empty when there is none; [`Status::WrongState`] when nothing is recorded, [`Status::BufferTooSmall`] when not even one fits.
    pub fn drain_recording(&mut self, form: Form, room: usize) -> Result<Vec<u8>, Failure> {
        let Some(ring) = self.talk.evidence.recording_mut() else { return Err(Status::WrongState.into()) };
        let need = ring.need(form);
        if need > room {
            let sentence = format!("the next entry takes {need} bytes and there is room for {room}.");
            return Err(Failure::new(Status::BufferTooSmall, sentence));
        }
        Ok(ring.drain(form, room))
    }

    /// How many bytes [`Session::drain_recording`] needs at least.
    pub fn recording_need(&self, form: Form) -> usize {
        self.talk.evidence.recording().map_or(0, |ring| ring.need(form))
    }

    #[inline]
    pub(super) fn record_sent(&mut self, now: u64, write: &[u8]) {
        if self.talk.options.framing == crate::conversation::Framing::Raw
            && let real = self.talk.asleep.caller_time(now)
            && let Some(ring) = self.talk.evidence.recording_mut()
        {
            ring.sent(real, write);
        }
    }

    pub(super) fn record_word(&mut self, word: &str) {
        let real = self.talk.asleep.caller_time(self.now);
        if let Some(ring) = self.talk.evidence.recording_mut() {
            ring.word(real, word);
        }
    }

    /// The operation may be in another phase; its end is recorded once.
    #[inline]
    pub(super) fn see_phase(&mut self, now: u64) {
        let ended = self.tally.has_ended();
        self.tally.see(now, self.operation.phase());
        if self.tally.has_ended() && !ended {
            self.conclude(now);
        }
    }

    /// The operation has ended just now.
    #[cold]
    fn conclude(&mut self, now: u64) {
        if self.operation.failure().is_some_and(|failure| failure.status == Status::Timeout) {
            self.talk.evidence.conclude(now, self.talk.answered);
        }
        if self.talk.evidence.recording().is_none() {
            return;
        }
        match self.failure() {
            Some(failure) => {
                let word = format!("failed {} {}", failure.status.name(), failure.finding.name());
                self.record_word(&word);
            }
            None => self.record_word("done"),
        }
    }

    /// What shows a finding: how often it was seen, and with a recording which of its frames, and since when.
    pub(super) fn evidence(&self, finding: Finding) -> Value {
        if finding == Finding::None {
            return Value::Null;
        }
        if let Some(ring) = self.talk.evidence.recording()
            && let Some(evidence) = judged(ring, finding)
        {
            return evidence;
        }
        let counts = self.counts();
        let count = match finding {
            Finding::ResponsesReplayed => counts.duplicates,
            Finding::ForeignResponses => counts.foreign,
            Finding::EmptyAnswers | Finding::OffsetGarbled => counts.undecodable,
            Finding::DeviceRestarted | Finding::LateFirstFrame => counts.restarts,
            Finding::LinkDrops => counts.link_resets,
            _ => counts.retransmissions,
        };
        let frames: [u64; 0] = [];
        json!({ "count": count, "frames": frames, "since_ms": Value::Null })
    }
}

/// A frame came in console lines.
pub(super) fn frame(talk: &mut Conversation, now: u64, frame: &Frame<'_>) {
    let real = talk.asleep.caller_time(now);
    if let Some(ring) = talk.evidence.recording_mut() {
        let bytes = [&frame.header.encode()[..], frame.body].concat();
        ring.received(real, &bytes);
    }
}

/// The evidence that the recording has for this finding, told as the cause of a trace or beside it.
fn judged(ring: &Ring, finding: Finding) -> Option<Value> {
    let mut trace = Trace::new();
    let file = ring.file(Form::Text);
    let mut rest = &file[..];
    while !rest.is_empty() {
        rest = &rest[trace.feed(rest)..];
        while trace.next_line().is_some() {}
    }
    let verdict = trace.verdict();
    let number = u64::from(finding.number());
    let also = verdict["also"].as_array().into_iter().flatten();
    std::iter::once(&verdict)
        .chain(also)
        .find(|case| case["number"] == number)
        .map(|case| case["evidence"].clone())
}
