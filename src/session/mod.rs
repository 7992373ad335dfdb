//! The conversation with one device, as a caller drives it.
//!
//! A caller does four things, in any order and as often as it likes:
//!
//! 1. [`Session::next_frame`] until it says something other than [`Next::Write`]: what came out is one batch.
//! 2. [`Session::feed`] whatever bytes came from the device, then 1.
//! 3. When [`Session::deadline`] has passed: 1.
//! 4. [`Session::link`] what is known of the device link, then 1.
//!
//! Time is the caller's monotonic clock in milliseconds. It may stand still; a time that goes back counts as standing still. A call that
//! comes more than 30 s after the deadline counts as one at the deadline: what a host sleeps is no evidence against the device.

mod calls;
mod clock;
mod counts;
mod ending;
mod inbound;
mod operation;
mod outbound;
mod progress;
mod recorded;
mod saved;
mod single;

pub use calls::Expected;
pub use counts::Counts;
pub use ending::LeftWith;
pub use progress::Progress;
pub(crate) use progress::Standing;

use std::sync::Arc;

use crate::command::Command;
use crate::conversation::{Conversation, Counters, Event, EventKind, Framing, SessionOptions};
use crate::failure::{Failure, Finding};
use crate::firmware::Firmware;
use crate::smp::Op;
use crate::status::Status;
use crate::update::report::Sent;
use crate::update::{self, Phase, Update, UpdateOptions};
use counts::Tally;
use inbound::Inbound;
use operation::Operation;
use outbound::Outbound;
use single::Single;

/// What [`Session::next_frame`] has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The first bytes of the buffer, so many, are one write to send.
    Write(usize),
    /// Nothing to send until bytes arrive or the deadline passes.
    Wait,
    /// The caller should drop the device link, bring it up again and report both. A caller that cannot may ignore it.
    LinkReset,
    /// The new image runs; the caller should look whether it is healthy and say so with [`Session::health`].
    HealthCheck,
    /// The operation ended well.
    Done,
}

/// What the caller knows of the device link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEvent {
    /// It went down.
    Down,
    /// It is up (again).
    Up,
    /// A write may carry this many bytes from now on.
    MaxWrite(u32),
    /// It is up again, to the same device under another address or name, as a firmware loader may have one.
    NewAddress,
    /// It came up and could not be encrypted: the device does not know the bond any more. Nothing that is written to a characteristic that
    /// asks for encryption is answered before somebody pairs anew.
    BondsLost,
}

/// A session with one device.
#[derive(Debug)]
pub struct Session {
    talk: Conversation,
    operation: Operation,
    /// There while frames do not fit one write.
    outbound: Option<Box<Outbound>>,
    inbound: Inbound,
    /// The latest time that a caller told, less what the host slept.
    now: u64,
    /// The first one.
    first: u32,
    /// How often the operation told its caller to wait behind a frame, and how often a wait took a hundred times as long or longer.
    waits: u8,
    overlong: u8,
    /// Whether the operation was polled, and so knows the time of its start.
    started: bool,
    /// Nothing is sent, by the caller's wish, since this time.
    paused: bool,
    paused_at: u64,
    /// Whether the log of events has what pointed to the cause of a failure.
    told_finding: bool,
    /// What the operation took so far.
    tally: Tally,
    /// The counters when it began; nothing where they were all 0.
    before: Option<Box<Counters>>,
}

impl Session {
    /// Opens a session. Fails with [`Status::InvalidArgument`] when an option is outside its range.
    pub fn open(options: SessionOptions) -> Result<Session, Failure> {
        options.check()?;
        Ok(Session {
            inbound: Inbound::new(options.framing),
            talk: Conversation::new(options),
            operation: Operation::None,
            outbound: None,
            now: 0,
            first: clock::UNTOLD,
            waits: 0,
            overlong: 0,
            started: false,
            paused: false,
            paused_at: 0,
            told_finding: false,
            tally: Tally::new(),
            before: None,
        })
    }

    /// Starts the update of the device with `firmware`.
    ///
    /// Fails with [`Status::OperationRunning`] while another operation has not ended, and with
    /// [`Status::InvalidArgument`] for an option outside its range; nothing changes then.
    pub fn start_update(&mut self, firmware: Arc<Firmware>, options: UpdateOptions) -> Result<(), Failure> {
        options.check()?;
        self.begin(Operation::Update(Box::new(Update::new(firmware, options))))
    }

    /// Starts a look before an update with `firmware`: asks the device what the update asks before its first byte, writes nothing, and
    /// ends with what the update would do, or as the update would be refused.
    ///
    /// The same as an update with [`UpdateOptions::check_only`]; fails as [`start_update`](Self::start_update) does.
    pub fn start_check(&mut self, firmware: Arc<Firmware>, options: UpdateOptions) -> Result<(), Failure> {
        self.start_update(firmware, UpdateOptions { check_only: true, ..options })
    }

    /// Starts a single request of any group, also a vendor's; the result holds the raw body of the answer.
    ///
    /// `op` is a read or a write. The body of groups below 64 must be a CBOR map; an empty one stands for the empty map.
    pub fn start_request(&mut self, op: Op, group: u16, command: u8, body: &[u8]) -> Result<(), Failure> {
        let request = Single::raw(op, group, command, body, &self.talk)?;
        self.begin(Operation::Request(Box::new(request)))
    }

    /// Starts a command of the table; see [`Command`].
    pub fn start_command(&mut self, command: Command) -> Result<(), Failure> {
        let operation = operation::command(command, &self.talk);
        self.begin(operation)
    }

    fn begin(&mut self, operation: Operation) -> Result<(), Failure> {
        if self.operation.is_running() {
            return Err(Status::OperationRunning.into());
        }
        self.outbound = None;
        self.paused = false;
        self.started = false;
        self.told_finding = false;
        self.operation = operation;
        (self.waits, self.overlong) = (0, 0);
        self.tally = Tally::new();
        self.before = counts::kept(self.talk.counters);
        self.talk.rtt.forget_spread();
        self.talk.evidence.forget_operation();
        self.record_word("start");
        Ok(())
    }

    /// The first call with a time: what is measured from the start is measured from here.
    #[inline]
    fn start_clock(&mut self, now: u64) {
        if !self.started {
            self.started = true;
            self.inbound.start(now);
            self.operation.start(now, self.talk.asleep.caller_time(now));
        }
    }

    /// Forgets what was not sent yet.
    fn drop_outbound(&mut self) {
        if let Some(outbound) = &mut self.outbound {
            outbound.clear();
        }
    }

    /// The next write into `buffer`, or what else there is to do.
    ///
    /// The buffer holds at least [`Session::buffer_len`] bytes, else [`Status::BufferTooSmall`] and nothing changes.
    /// [`Status::NoOperation`] when none was started; the failure of the operation, again and again, once it failed.
    /// [`Status::TimeRefused`] as [`Session::check_time`] says, and nothing changes.
    #[inline]
    pub fn next_frame(&mut self, now_ms: u64, buffer: &mut [u8]) -> Result<Next, Failure> {
        if buffer.len() < self.buffer_len() {
            return Err(Failure::new(
                Status::BufferTooSmall,
                format!(
                    "the buffer holds {} bytes and a write may take {}.",
                    buffer.len(),
                    self.buffer_len()
                ),
            ));
        }
        self.check_time(now_ms)?;
        let now = self.clock(now_ms);
        let max_write = self.talk.limits.max_write() as usize;
        if let Some(outbound) = &mut self.outbound
            && let Some(length) = outbound.next_piece(max_write, buffer)
        {
            self.talk.delay_ms = 0;
            self.record_sent(now, &buffer[..length]);
            return Ok(Next::Write(length));
        }
        if self.paused && self.operation.is_running() {
            return Ok(Next::Wait);
        }
        self.start_clock(now);
        let limit = self.talk.limits.room() as usize;
        let direct = self.talk.options.framing == Framing::Raw && limit <= max_write;
        let poll = if direct {
            self.outbound = None;
            self.operation.poll(&mut self.talk, now, &mut buffer[..limit])
        } else {
            let outbound = self.outbound.get_or_insert_default();
            let poll = self.operation.poll(&mut self.talk, now, outbound.room(limit));
            if let update::Poll::Send(length) = poll {
                let real = self.talk.asleep.caller_time(now);
                if let Some(recording) = self.talk.evidence.recording_mut() {
                    let frame = &outbound.room(limit)[..length];
                    if self.talk.options.framing == Framing::Serial {
                        // Whole, since "headers only" finds nothing in its lines.
                        recording.sent(real, frame);
                    } else {
                        recording.begins(frame);
                    }
                }
                outbound.load(length, self.talk.options.framing);
                let piece = outbound.next_piece(max_write, buffer);
                self.see_phase(now);
                let Some(length) = piece else { return Ok(Next::Wait) };
                self.record_sent(now, &buffer[..length]);
                return Ok(Next::Write(length));
            }
            poll
        };
        self.see_phase(now);
        match poll {
            update::Poll::Send(length) => {
                self.record_sent(now, &buffer[..length]);
                Ok(Next::Write(length))
            }
            update::Poll::Wait => {
                // Asked twice behind one frame it is one wait.
                if !std::mem::replace(&mut self.talk.waited, true) {
                    self.count_wait();
                }
                Ok(Next::Wait)
            }
            update::Poll::LinkReset => Ok(Next::LinkReset),
            update::Poll::HealthCheck => Ok(Next::HealthCheck),
            update::Poll::Done => Ok(Next::Done),
            update::Poll::Failed(failure) => {
                let failure = self.told(failure);
                if failure.finding != Finding::None && !std::mem::replace(&mut self.told_finding, true) {
                    self.talk.note(now, EventKind::Finding(failure.finding.number()));
                }
                Err(failure)
            }
        }
    }

    /// How many bytes the buffer of [`Session::next_frame`] must hold.
    #[inline]
    pub fn buffer_len(&self) -> usize {
        match self.talk.options.framing {
            Framing::Raw => self.talk.limits.max_write() as usize,
            Framing::Serial => outbound::LONGEST_LINE,
        }
    }

    /// Takes bytes that came from the device, in pieces of any size, in the framing of the session.
    ///
    /// Anything may be fed: what is no answer to a request of this session is counted and changes nothing. Nor does anything
    /// change at a time that [`Session::check_time`] refuses.
    #[inline]
    pub fn feed(&mut self, now_ms: u64, bytes: &[u8]) {
        if self.check_time(now_ms).is_err() {
            return;
        }
        let now = self.clock(now_ms);
        self.start_clock(now);
        let Session { talk, operation, inbound, .. } = self;
        talk.counters.bytes_received = talk.counters.bytes_received.wrapping_add(bytes.len() as u32);
        let mut frames = false;
        if talk.options.framing == Framing::Raw {
            talk.evidence.piece(now, bytes);
            let real = talk.asleep.caller_time(now);
            if let Some(recording) = talk.evidence.recording_mut() {
                recording.received(real, bytes);
            }
        }
        let discarded = inbound.feed(now, bytes, |frame| {
            frames = true;
            talk.evidence.whole(frame.header.frame_len());
            if talk.options.framing == Framing::Serial {
                recorded::frame(talk, now, &frame);
            }
            if !frame.header.op.is_response() || !operation.receive(talk, now, &frame) {
                talk.counters.foreign = talk.counters.foreign.saturating_add(1);
            }
        });
        if discarded > 0 {
            talk.evidence.no_frame(bytes);
            talk.counters.undecodable = talk.counters.undecodable.saturating_add(1);
        }
        if !frames && !bytes.is_empty() {
            operation.hears(talk, now, !inbound.is_empty());
        }
        self.see_phase(now);
    }

    /// When [`Session::next_frame`] has to be called again even if no bytes arrive; `None` while there is nothing to wait for.
    pub fn deadline(&self) -> Option<u64> {
        let due = self.due()?;
        Some(self.talk.asleep.caller_time(due.max(self.now + u64::from(self.talk.asleep.wakes(self.now)))))
    }

    /// Takes what the caller knows of the device link.
    ///
    /// After `Down` nothing is sent until `Up`, and waiting has a limit. `Up` alone, as after a reconnect that was noticed
    /// late, is fine too. Nothing changes at a time that [`Session::check_time`] refuses.
    pub fn link(&mut self, now_ms: u64, event: LinkEvent) {
        if self.check_time(now_ms).is_err() {
            return;
        }
        let now = self.clock(now_ms);
        match event {
            LinkEvent::MaxWrite(max_write) => {
                let before = self.talk.limits.frame();
                self.talk.limits.set_max_write(max_write);
                self.record_word(&format!("max_write {}", self.talk.limits.max_write()));
                self.drop_outbound();
                if self.talk.limits.frame() != before {
                    self.talk.note(now, EventKind::FrameLimit(self.talk.limits.frame()));
                }
            }
            LinkEvent::BondsLost => {
                self.talk.evidence.bonds_lost(now);
                self.talk.note(now, EventKind::Link(3));
            }
            LinkEvent::Down | LinkEvent::Up | LinkEvent::NewAddress => {
                let down = event == LinkEvent::Down;
                if down && self.talk.link_down {
                    return;
                }
                self.talk.link_changed(now, down);
                let moved = event == LinkEvent::NewAddress;
                self.talk.note(now, EventKind::Link(u32::from(!down) + u32::from(moved)));
                if moved {
                    self.talk.evidence.moved();
                }
                self.drop_outbound();
                self.inbound.clear();
                self.operation.link_changed(&mut self.talk, now, down);
            }
        }
    }

    /// Ends the operation with [`Status::Cancelled`]. What the device has received stays there. A time that
    /// [`Session::check_time`] refuses counts as the latest one.
    pub fn cancel(&mut self, now_ms: u64) {
        // One who cancels before anything was sent may know no time.
        let told = self.first != clock::UNTOLD && self.check_time(now_ms).is_ok();
        let now = if told { self.clock(now_ms) } else { self.now };
        self.drop_outbound();
        self.operation.cancel(now);
        self.see_phase(now);
    }

    /// Sends nothing until [`Session::resume`]; answers are still taken. No deadline runs meanwhile.
    pub fn pause(&mut self, now_ms: u64) -> Result<(), Failure> {
        if !self.operation.is_running() {
            return Err(Status::NoOperation.into());
        }
        self.check_time(now_ms)?;
        let now = self.clock(now_ms);
        if !self.paused {
            self.paused = true;
            self.paused_at = now;
            // Nobody knows how soon what comes meanwhile is fed.
            self.talk.asleep.measure_from(now + 1);
            self.record_word("pause");
        }
        Ok(())
    }

    /// Goes on after [`Session::pause`].
    pub fn resume(&mut self, now_ms: u64) -> Result<(), Failure> {
        if !self.paused {
            return Err(Status::WrongState.into());
        }
        self.check_time(now_ms)?;
        let now = self.clock(now_ms);
        self.paused = false;
        self.operation.resumed(now, self.paused_at);
        self.record_word("resume");
        Ok(())
    }

    /// Answers [`Next::HealthCheck`]. An unhealthy image is left unconfirmed and the device is reset, so that it goes back.
    pub fn health(&mut self, now_ms: u64, healthy: bool) -> Result<(), Failure> {
        self.check_time(now_ms)?;
        let now = self.clock(now_ms);
        self.record_word(if healthy { "healthy" } else { "unhealthy" });
        match &mut self.operation {
            Operation::Update(update) => update.health(&mut self.talk, now, healthy),
            _ => Err(Status::WrongState.into()),
        }
    }

    /// How far the operation is.
    pub fn progress(&self, now_ms: u64) -> Progress {
        self.standing().at(now_ms)
    }

    /// What the progress is worked out of until the next call on the session.
    #[inline]
    pub(crate) fn standing(&self) -> Standing {
        progress::of(self)
    }

    /// How far the upload of an update is, where there is one.
    #[inline]
    pub(crate) fn sent(&self) -> Option<Sent> {
        // What the host slept moves all that is told of times.
        if self.talk.asleep.wakes(self.now) { None } else { self.operation.sent() }
    }

    /// Where the operation stands.
    pub fn phase(&self) -> Phase {
        self.operation.phase()
    }

    /// What was sent and what arrived since the session opened.
    pub fn counters(&self) -> Counters {
        self.talk.counters
    }

    /// What the present or the last operation took. After a restore it counts from there.
    pub fn counts(&self) -> Counts {
        counts::of(self)
    }

    /// The result of an operation that ended well. That of an update has the [`Session::counts`] in it.
    pub fn result(&self) -> Option<serde_json::Value> {
        let mut result = self.operation.result(&self.talk)?;
        if let (Operation::Update(_), Some(fields)) = (&self.operation, result.as_object_mut()) {
            fields.insert("counts".into(), self.counts().to_json());
        }
        Some(result)
    }

    /// The bytes of the file that a download brought whose content is kept aside (`"encoding": "raw"`), once it has ended well.
    pub fn file(&self) -> Option<&[u8]> {
        match &self.operation {
            Operation::Transfer(transfer) => transfer.file(),
            _ => None,
        }
    }

    /// Why the operation failed, once it has.
    pub fn failure(&self) -> Option<Failure> {
        self.operation.failure().map(|failure| self.told(failure))
    }

    /// The event that [`Session::next_event`] would give; it stays where it is.
    pub fn peek_event(&self) -> Option<Event> {
        self.talk.events.peek()
    }

    /// The next of the last few events, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.talk.events.pop()
    }
}
