//! The upload of one image or file: chunk fitting, window, loss recovery, resume.
//!
//! The engine knows the device only by its answers: `off` says where the device stands and is believed in both directions.
//! It never decides that an upload succeeded; it ends with [`Outcome::Complete`] and the image list decides.

mod answer;
mod aside;
pub(crate) mod chunk;
mod file_chunk;
pub(crate) mod flight;
pub(crate) mod probe;
pub(crate) mod refusal;
mod saved;
pub(crate) mod window;

use crate::conversation::{Conversation, EventKind, request};
use crate::failure::{Failure, Finding};
use crate::smp::header::HEADER_LEN;
use crate::smp::{DeviceError, Frame, Op, group};
use crate::status::Status;
use answer::Answer;
use aside::{Aside, Found, Purpose, Question};
use chunk::FirstChunk;
use file_chunk::FileChunk;
use flight::{Fate, Flight};
use probe::Probe;
use window::Window;

/// What to upload, and where to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The whole content.
    pub data: &'a [u8],
    pub destination: Destination<'a>,
}

/// Where an upload goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// The slot of an image.
    Slot {
        /// The SHA-256 of the whole content.
        sha256: &'a [u8; 32],
        /// The image number.
        image: u32,
        /// Whether the device shall refuse an image that is not newer.
        upgrade: bool,
    },
    /// A file with this path.
    File { name: &'a str },
}

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every byte was sent and the list decides; `told` when the device itself says that it has every byte.
    Complete {
        told: bool,
    },
    Failed(Failure),
}

/// What [`Upload::poll`] wants.
#[derive(Debug)]
pub(crate) enum Poll {
    Send(usize),
    Wait,
    /// The caller should drop the link and bring it up again.
    LinkReset,
    Ended(Outcome),
}

/// So many frames in a row that did not arrive whole show that frames of this size do not pass.
const DAMAGED_BEFORE_SMALLER: u8 = 3;
/// After so many damaged frames in all the link is of no use.
const MOST_DAMAGED: u16 = 256;
/// How often an upload may start over.
const MOST_RESTARTS: u16 = 4;
/// So many answers with an impossible offset, or none, are passed over.
const MOST_ODD_ANSWERS: u8 = 3;
/// How often the device may refuse the very chunk that it asks for.
const MOST_REFUSALS: u8 = 8;
/// After so many silences in a row an echo finds out what still passes.
const SILENCES_BEFORE_ECHO: u32 = 4;
/// So many silences in a row are answered with a chunk of new data.
const PROBES_OF_NEW_DATA: u32 = 2;
/// So often the last chunk is sent again after the time that any chunk may take.
const LAST_CHUNKS_IN_TIME: u32 = 2;
/// After so many silences in a row a chunk is sent only when the one before it is answered or given up.
const SILENCES_BEFORE_ONE: u32 = 3;
/// How often a new link starts the stall limit anew, and how many links there may be, without getting further than before.
const PATIENT_RELINKS: u8 = 8;
const MOST_RELINKS: u8 = 64;
/// How often the place of a file is asked for without any progress.
const MOST_ERRANDS: u8 = 8;
/// How long the device may take at least to open and empty a file, and to close it, in milliseconds.
const FILE_FLOOR_MS: u32 = 2_000;
/// The longest pause between two chunks that go unanswered, in milliseconds.
const LONGEST_SILENCE: u64 = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first chunk alone, until it is answered.
    First,
    /// Chunks under the window.
    Stream,
    Ended,
}

/// The upload of one image to one device.
#[derive(Debug)]
pub(crate) struct Upload {
    stage: Stage,
    size: u32,
    /// Where the device stands.
    acknowledged: u32,
    /// The end of the furthest chunk that was sent since the last first chunk.
    high: u32,
    flight: Flight,
    window: Window,
    /// The last time a chunk was sent or answered.
    active_at: u64,
    /// The last time the device moved on.
    progress_at: u64,
    /// No chunk before this time: the device asked for a pause.
    hold_until: u64,
    /// The furthest that the device ever stood, and the links since it got there.
    best: u32,
    relinks: u8,
    /// Timeouts since the last answer.
    silent: u32,
    /// Whether a chunk of the present frame size was answered since the upload or the link started.
    size_passed: bool,
    /// The order before which an offset behind ours is not believed yet.
    doubt: Option<u32>,
    /// The order of the first transmission since the last restart.
    generation: u32,
    /// Transmissions before this order were made by another process; their age means nothing.
    unmeasured: u32,
    restarts: u16,
    refusals: u8,
    holds: u8,
    /// Whether the destination is a file.
    file: bool,
    /// What has to be done before the next chunk, and the request that does it.
    errand: Option<Purpose>,
    aside: Option<Box<Aside>>,
    errands: u8,
    /// Make the server forget what it has: no SHA in the next first chunk. With none it goes on from nothing, and the first
    /// chunk follows once more with it, so that the upload can be resumed and its digest be compared.
    forget: bool,
    /// The first chunk must be taken at its own end; after an erase anything else is a stale offset.
    erased: bool,
    /// Frames in a row that did not arrive whole.
    corrupt_in_a_row: u8,
    reset_asked: bool,
    /// An echo was sent since the last answer.
    echoed: bool,
    /// Frames became smaller because larger ones vanished.
    stepped_down: bool,
    probe: Option<Box<Probe>>,
    outcome: Option<Box<Outcome>>,
    evidence: Evidence,
}

/// What was seen that explains a failure.
#[derive(Debug, Clone, Copy, Default)]
struct Evidence {
    replayed: u8,
    restarted_to_zero: bool,
    busy: bool,
    answered: u8,
    corrupt: u16,
    mismatched: bool,
    odd: u8,
}

impl Upload {
    /// Starts at `now`. `erased` says that the slot was erased by a command just before.
    pub fn new(now: u64, size: u32, erased: bool) -> Upload {
        Upload {
            stage: Stage::First,
            size,
            acknowledged: 0,
            high: 0,
            flight: Flight::new(),
            window: Window::new(),
            active_at: now,
            progress_at: now,
            hold_until: 0,
            best: 0,
            relinks: 0,
            silent: 0,
            size_passed: false,
            doubt: None,
            generation: 0,
            unmeasured: 0,
            restarts: 0,
            refusals: 0,
            holds: 0,
            file: false,
            errand: None,
            aside: None,
            errands: 0,
            forget: false,
            erased,
            corrupt_in_a_row: 0,
            reset_asked: false,
            echoed: false,
            stepped_down: false,
            probe: None,
            outcome: None,
            evidence: Evidence::default(),
        }
    }

    /// Starts the upload of a file at `now`; `again` says that the device may have it open from an earlier try.
    pub fn of_file(now: u64, size: u32, again: bool) -> Upload {
        let errand = again.then_some(Purpose::Close);
        Upload { file: true, errand, ..Upload::new(now, size, false) }
    }

    /// How many bytes the device has, by its own word.
    pub fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    /// The window in use.
    pub fn window(&self, talk: &Conversation) -> u32 {
        if self.stage == Stage::First { 1 } else { self.window.size(talk.limits.window()) }
    }

    /// When [`Upload::poll`] has to be called again.
    pub fn deadline(&self, talk: &Conversation, now: u64) -> u64 {
        if self.outcome.is_some() {
            return 0;
        }
        if talk.link_down {
            return self.stall_end(talk);
        }
        if let Some(probe) = &self.probe {
            return probe.deadline().min(self.stall_end(talk));
        }
        if self.errand.is_some() {
            return 0;
        }
        if let Some(aside) = &self.aside {
            return aside.deadline().min(self.stall_end(talk));
        }
        let next = if self.next_offset(talk, now).is_some() {
            self.hold_until.max(talk.paced_until())
        } else {
            self.active_at.saturating_add(self.patience(talk)).max(talk.paced_until())
        };
        next.min(self.stall_end(talk))
    }

    fn stall_end(&self, talk: &Conversation) -> u64 {
        let options = &talk.options;
        let floor = match self.stage {
            // Each of the retries gets the whole time that a slot erase may take.
            Stage::First => options.first_timeout_ms.saturating_mul(options.retries.max(2)),
            _ => options.last_timeout_ms.saturating_mul(2),
        };
        self.progress_at.saturating_add(u64::from(options.stall_timeout_ms.max(floor)))
    }

    /// The offset of the chunk that may be sent as far as the window goes.
    #[inline]
    fn next_offset(&self, talk: &Conversation, now: u64) -> Option<u32> {
        match self.stage {
            Stage::First => (self.flight.flying() == 0).then_some(0),
            // What goes unanswered again and again may all stand in a queue: one chunk at a time lets it drain.
            Stage::Stream if self.silent > SILENCES_BEFORE_ONE && self.flight.flying() > 0 => None,
            Stage::Stream => {
                let (next, holding) = self.flight.outlook(self.acknowledged, now, talk.rtt.smoothed() / 2);
                let room = holding < self.window(talk) && !self.flight.is_full();
                (room && next < self.size).then_some(next)
            }
            Stage::Ended => None,
        }
    }

    /// How long silence is ordinary now, in milliseconds.
    pub fn patience(&self, talk: &Conversation) -> u64 {
        let options = &talk.options;
        let floor = match self.stage {
            _ if self.file && (self.stage == Stage::First || self.last_alone()) => {
                FILE_FLOOR_MS.max(options.timeout_ms)
            }
            Stage::First => options.first_timeout_ms,
            // The last chunk again takes nothing back, so a silence that is too long for a chunk like any other is answered with
            // it; but a device that is busy with the whole image is not asked more often than that.
            _ if self.last_alone() && self.silent >= LAST_CHUNKS_IN_TIME => options.last_timeout_ms,
            _ if self.last_alone() => talk.rtt.timeout().max(options.timeout_ms) << self.silent,
            _ => options.timeout_ms,
        };
        let ordinary = u64::from(self.expected_gap(talk).max(floor));
        // Each further silence makes the next one longer, but slowly: on a link that is down for a while the time until
        // the next try is what the outage costs, and one chunk per try costs the link little.
        let grown = ordinary + ordinary * u64::from(self.silent.saturating_sub(1).min(16)) / 4;
        grown.min(LONGEST_SILENCE.max(ordinary))
    }

    /// After which time without an answer one is missing, in milliseconds, counted from the last sign of life.
    ///
    /// This is not the retransmission timeout of RFC 6298 but the probe timeout of RFC 8985 (section 7): what is sent
    /// after it is a probe that costs one frame, mostly of new data, and settles what was lost. So it may fire early,
    /// provided that the oldest chunk in flight has had a full round trip.
    fn expected_gap(&self, talk: &Conversation) -> u32 {
        if self.stage == Stage::First || !talk.rtt.is_measured() {
            return talk.rtt.timeout();
        }
        let (smoothed, variation) = (talk.rtt.smoothed(), talk.rtt.variation());
        let gap = smoothed / 2 + variation;
        if self.silent > 0 {
            return gap;
        }
        let full = smoothed + (smoothed / 4).max(variation / 2);
        gap.max(full.saturating_sub(self.flight.oldest_age(self.active_at)))
    }

    /// Whether only the last chunk is unanswered, sent once or more often; the device may be hashing the image.
    fn last_alone(&self) -> bool {
        self.flight.flying_entries().all(|sent| sent.offset == self.acknowledged)
            && self.flight.predict(self.acknowledged) >= self.size
    }

    /// Asks for the next frame; `out` holds at least the frame limit.
    #[inline]
    pub fn poll(&mut self, talk: &mut Conversation, now: u64, source: &Source<'_>, out: &mut [u8]) -> Poll {
        if let Some(outcome) = &self.outcome {
            return Poll::Ended((**outcome).clone());
        }
        if now >= self.stall_end(talk) {
            let failure = self.stalled(talk, now);
            return self.end(Outcome::Failed(failure));
        }
        if talk.link_down {
            return Poll::Wait;
        }
        if self.probe.is_some() {
            return self.poll_probe(talk, now, out);
        }
        while self.errand.is_some() || self.aside.is_some() {
            if let Some(poll) = self.poll_aside(talk, now, source, out) {
                return poll;
            }
        }
        if let Some(offset) = self.next_offset(talk, now) {
            if now < self.hold_until.max(talk.paced_until()) {
                return Poll::Wait;
            }
            return self.send(talk, now, source, offset, out);
        }
        if now < self.active_at.saturating_add(self.patience(talk)) || now < talk.paced_until() {
            return Poll::Wait;
        }
        self.on_silence(talk, now, source, out)
    }

    /// Nothing came for longer than is ordinary.
    fn on_silence(&mut self, talk: &mut Conversation, now: u64, source: &Source<'_>, out: &mut [u8]) -> Poll {
        self.silent += 1;
        talk.note(now, EventKind::Silence((now - self.active_at).min(u64::from(u32::MAX)) as u32));
        let first = self.stage == Stage::First;
        let before_echo = if first { 1 } else { SILENCES_BEFORE_ECHO };
        // Where answers take long, the silences are few before the end of all patience: then time decides, so that a server
        // that is stuck gets its new link.
        let long = now.saturating_sub(self.progress_at) > u64::from(talk.options.stall_timeout_ms / 3);
        let due = self.silent % (before_echo + 1) == before_echo
            && (!self.size_passed || self.silent > 2 * before_echo);
        if due || (long && !first && !self.echoed) {
            self.echoed = true;
            self.probe = Some(Box::new(Probe::new(talk, self.frame_limit(talk), self.size_passed)));
            return self.poll_probe(talk, now, out);
        }
        // A slow answer is as likely as a loss at first: new data as the probe then is no waste (RFC 8985 section 7.3), and
        // its answer tells what was lost. Later silence means that what was in flight is gone.
        let next = self.flight.predict(self.acknowledged);
        if first || self.silent > PROBES_OF_NEW_DATA {
            self.flight.give_up_all();
            if first && self.file {
                self.errand = Some(Purpose::Close);
                return self.poll(talk, now, source, out);
            }
            return self.send(talk, now, source, self.acknowledged, out);
        }
        let window = talk.limits.window();
        let most = (window + window.min(PROBES_OF_NEW_DATA)).min(flight::REMEMBERED as u32);
        if self.flight.flying() >= most {
            // More on the way than the device may have buffers for would be lost there, and what is forgotten is sent again.
            self.active_at = now;
            return Poll::Wait;
        }
        let offset = if next < self.size { next } else { self.acknowledged };
        self.send(talk, now, source, offset, out)
    }

    /// Does what has to be done before the next chunk. `None` when it is done.
    fn poll_aside(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        out: &mut [u8],
    ) -> Option<Poll> {
        if let Some(errand) = self.errand.take() {
            let Destination::File { name } = source.destination else { return None };
            self.flight.give_up_all();
            self.aside = Some(Box::new(Aside::new(errand, name)));
        }
        let aside = self.aside.as_mut()?;
        match aside.poll(talk, now, out) {
            request::Poll::Send(length) => Some(Poll::Send(length)),
            request::Poll::Wait => Some(Poll::Wait),
            request::Poll::Expired => {
                let found = aside.unanswered();
                self.found(talk, now, found);
                self.outcome.as_ref().map(|outcome| Poll::Ended((**outcome).clone()))
            }
        }
    }

    /// Whether a file cannot end at `off` by any chunk that was sent: then a first chunk was counted twice (see `aside`), and
    /// what the device has is not what it was sent, even where the lengths agree.
    fn is_impossible(&self, off: u32) -> bool {
        off > self.acknowledged && !self.flight.ended_at(off, self.generation)
    }

    fn found(&mut self, talk: &mut Conversation, now: u64, found: Found) {
        self.aside = None;
        self.active_at = now;
        let (length, question) = match found {
            Found::Closed => return,
            Found::ClosedFor(question) => return self.errand = Some(Purpose::Locate(question)),
            Found::Length(length, question) => (length, question),
        };
        match length {
            Some(length) if self.is_impossible(length) && self.restarts < MOST_RESTARTS => {
                self.restart(talk, now, length);
            }
            Some(length) if length == self.size && self.high >= self.size => {
                _ = self.end(Outcome::Complete { told: true });
            }
            Some(length) if !question.restart && length > 0 && length <= self.high => {
                if length < self.acknowledged {
                    self.device_went_back(talk, now, length);
                } else {
                    self.doubt = None;
                    self.advance(talk, now, length);
                }
            }
            _ if self.restarts < MOST_RESTARTS => self.restart(talk, now, 0),
            _ => self.fail(refusal::file_failure(question.error)),
        }
    }

    fn frame_limit(&self, talk: &Conversation) -> u32 {
        talk.limits.frame()
    }

    #[inline]
    fn send(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        offset: u32,
        out: &mut [u8],
    ) -> Poll {
        let limit = (self.frame_limit(talk) as usize).min(out.len());
        let left = (self.size - offset) as usize;
        let data = |length: usize| &source.data[offset as usize..offset as usize + length];
        let encoded = match source.destination {
            Destination::Slot { sha256, image, upgrade } => {
                let sha = if self.forget { None } else { Some(sha256) };
                let first_chunk = FirstChunk { image, size: self.size, sha, upgrade };
                let first = (offset == 0).then_some(&first_chunk);
                chunk::fit(limit, first, offset, left)
                    // The server looks at the image header in the first chunk and wants all 32 bytes of it.
                    .filter(|length| first.is_none() || *length >= left.min(32))
                    .and_then(|length| Some((length, chunk::encode(out, first, offset, data(length))?)))
            }
            Destination::File { name } => {
                let chunk = FileChunk { name, size: self.size };
                chunk
                    .fit(limit, offset, left)
                    // Counted twice, half of the file would look like all of it.
                    .map(|length| length - usize::from(offset == 0 && length > 1 && 2 * length == left))
                    .and_then(|length| Some((length, chunk.encode(out, offset, data(length))?)))
            }
        };
        let Some((length, frame_len)) = encoded else {
            return self.end(Outcome::Failed(frame_too_small(limit)));
        };
        let (group, command) = self.address();
        let header = talk.begin_frame(now, Op::Write, group, command, frame_len - HEADER_LEN);
        out[..HEADER_LEN].copy_from_slice(&header.encode());
        let end = offset + length as u32;
        if end <= self.high || (offset == 0 && self.flight.next_order() > 0) {
            talk.counters.retransmissions = talk.counters.retransmissions.wrapping_add(1);
        }
        self.high = self.high.max(end);
        self.flight.push(now, header.sequence, offset, length as u16);
        self.active_at = now;
        Poll::Send(frame_len)
    }

    /// Group and command of the chunks.
    fn address(&self) -> (u16, u8) {
        if self.file { (group::FILE, group::file::FILE) } else { (group::IMAGE, group::image::UPLOAD) }
    }

    /// Takes a frame. Returns false when it is not an answer to this upload.
    #[inline]
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        if let Some(probe) = &mut self.probe
            && probe.receive(talk, now, frame)
        {
            self.probe_answered(talk, now);
            return true;
        }
        if let Some(aside) = &mut self.aside
            && let Some(found) = aside.receive(talk, now, frame)
        {
            if let Some(found) = found {
                self.found(talk, now, found);
            }
            return true;
        }
        let header = frame.header;
        if ((header.group, header.command), header.op) != (self.address(), Op::WriteResponse) {
            return false;
        }
        let Some((order, sent)) = self.flight.find(header.sequence) else { return false };
        let fate = self.flight.fate(order);
        if fate == Fate::Answered || self.outcome.is_some() {
            talk.counters.duplicate = talk.counters.duplicate.wrapping_add(1);
            self.evidence.replayed = self.evidence.replayed.saturating_add(1);
            if self.evidence.replayed <= 2 {
                talk.note(now, EventKind::Replayed(u32::from(header.sequence)));
            }
            return true;
        }
        let Some(answer) = Answer::decode(frame.body, self.file) else {
            talk.counters.undecodable = talk.counters.undecodable.wrapping_add(1);
            return true;
        };
        talk.answered = true;
        self.evidence.answered = self.evidence.answered.saturating_add(1);
        let late = fate == Fate::Lost;
        if late {
            talk.counters.late = talk.counters.late.wrapping_add(1);
            self.flight.answered_late(order);
        } else {
            talk.counters.expected = talk.counters.expected.wrapping_add(1);
        }
        if self.stage == Stage::Stream
            && sent.offset != 0
            && sent.end() < self.size
            && order >= self.unmeasured
        {
            talk.rtt.sample(sent.age(now));
        }
        if let Some(error) = answer.error {
            if !late {
                self.flight.settle(order);
                self.refused(talk, now, error);
            }
            return true;
        }
        // One answer that makes no sense may be meant for another client, whose sequence number was the same.
        let odd = answer.offset.is_none_or(|off| off > self.size && !self.file);
        if odd && self.evidence.odd < MOST_ODD_ANSWERS {
            self.evidence.odd += 1;
            talk.counters.foreign = talk.counters.foreign.wrapping_add(1);
            return true;
        }
        self.silent = 0;
        self.reset_asked = false;
        self.echoed = false;
        self.active_at = now;
        self.size_passed |= sent.offset != 0 || self.stage == Stage::First;
        self.corrupt_in_a_row = 0;
        let Some(off) = answer.offset else {
            self.fail(Failure::new(
                Status::UnexpectedResponse,
                "the device accepted a chunk without saying at which offset it stands.",
            ));
            return true;
        };
        if self.file && self.is_impossible(off) {
            if !late && order >= self.generation {
                self.flight.settle(order);
                self.restart(talk, now, off);
            }
            return true;
        }
        if off > self.size {
            self.fail(Failure::new(
                Status::OffsetOutOfRange,
                format!("the device asks for offset {off} of {} bytes.", self.size),
            ));
            return true;
        }
        if answer.matches == Some(false) && off == self.size {
            if order < self.generation {
                return true;
            }
            if !self.evidence.mismatched {
                // A server that puts writes together may take a damaged frame for a whole one, seldom enough to try again.
                self.evidence.mismatched = true;
                self.restart(talk, now, off);
                return true;
            }
            self.fail(Failure::new(
                Status::DigestMismatch,
                "the device received every byte, twice, and says that they do not fit the SHA-256 of the file: \
                 something changes them on the way.",
            ));
            return true;
        }
        match self.stage {
            Stage::First => {
                // A late answer to an earlier copy of the same first chunk is as good; one from before a restart is not.
                if order >= self.generation {
                    self.flight.settle(order);
                    self.first_answered(talk, now, off, sent.end());
                }
            }
            Stage::Stream if late => self.advance(talk, now, off),
            Stage::Stream => {
                let settled = self.flight.settle(order);
                self.stream_answered(talk, now, order, sent, off, settled);
            }
            Stage::Ended => {}
        }
        true
    }

    fn first_answered(&mut self, talk: &mut Conversation, now: u64, off: u32, first_end: u32) {
        if off == 0 {
            return self.asked_again(talk, now);
        }
        if self.file && off != first_end {
            return self.restart(talk, now, off);
        }
        if self.erased && off != first_end && off != self.size {
            // Zephyr issue 51798: after an erase the old offset is still there and would leave a hole.
            self.forget = true;
            self.erased = false;
            return self.restart(talk, now, off);
        }
        self.erased = false;
        if self.forget {
            self.forget = false;
            return self.begin_again();
        }
        self.stage = Stage::Stream;
        self.high = self.high.max(off);
        self.refusals = 0;
        self.acknowledged = off;
        self.progressed(now);
        if off == self.size {
            self.end(Outcome::Complete { told: true });
        }
    }

    #[inline]
    fn stream_answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        order: u32,
        sent: flight::Sent,
        off: u32,
        settled: u32,
    ) {
        let doubted = self.doubt.take();
        if off > self.acknowledged {
            let lost = u32::from(sent.end() > off && sent.offset > off);
            let limit = talk.limits.window();
            if self.window.settled(limit, settled, lost) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            return self.advance(talk, now, off);
        }
        if off == self.acknowledged {
            let limit = talk.limits.window();
            if sent.offset == off {
                // The device got just the chunk that it asks for and did not take it.
                self.asked_again(talk, now);
            } else if self.window.settled(limit, settled, u32::from(sent.offset > off)) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            if sent.offset > off && self.flight.predict(off) == off {
                talk.note(now, EventKind::WentBack(off));
            }
            return;
        }
        if off == 0 && self.high >= self.size && !self.file {
            // Newer servers forget the upload when it is finished and answer 0 from then on (Zephyr 3.3 and newer).
            self.end(Outcome::Complete { told: false });
            return;
        }
        // Behind what the device said before. An old answer that was overtaken says the same, so it is believed only when
        // an answer to a frame sent from now on repeats it.
        match doubted {
            Some(doubt) if order >= doubt => self.device_went_back(talk, now, off),
            earlier => self.doubt = Some(earlier.unwrap_or(self.flight.next_order())),
        }
    }

    fn advance(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        if off <= self.acknowledged {
            return;
        }
        self.acknowledged = off;
        self.high = self.high.max(off);
        self.refusals = 0;
        self.holds = 0;
        self.errands = 0;
        self.progressed(now);
        if off == self.size {
            self.end(Outcome::Complete { told: true });
        } else if self.flight.flying() > 0 && self.flight.predict(off) < self.high {
            talk.note(now, EventKind::WentBack(off));
        }
    }

    fn progressed(&mut self, now: u64) {
        self.progress_at = now;
        if self.acknowledged > self.best {
            self.best = self.acknowledged;
            self.relinks = 0;
        }
    }

    fn device_went_back(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        if off == 0 {
            self.evidence.restarted_to_zero = true;
            return self.restart(talk, now, off);
        }
        self.restarts += 1;
        if self.restarts > MOST_RESTARTS {
            return self.too_many_restarts();
        }
        talk.note(now, EventKind::WentBack(off));
        self.acknowledged = off;
    }

    /// The device answered the very chunk that it asked for with the same offset.
    fn asked_again(&mut self, talk: &mut Conversation, now: u64) {
        self.refusals += 1;
        if self.refusals >= MOST_REFUSALS {
            return self.fail(
                Failure::new(
                    Status::Stalled,
                    format!(
                        "the device took the chunk at offset {} {} times and asks for it again.",
                        self.acknowledged, self.refusals
                    ),
                )
                .with_finding(self.stall_finding()),
            );
        }
        if self.refusals > 1 {
            self.hold_until = now + (u64::from(talk.rtt.smoothed().min(1_000)) << self.refusals.min(4)) / 4;
        }
    }

    fn stall_finding(&self) -> Finding {
        if self.evidence.replayed > 2 { Finding::ResponsesReplayed } else { Finding::OffsetRepeats }
    }

    /// Sends the first chunk again, alone.
    fn restart(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        self.restarts += 1;
        if self.restarts > MOST_RESTARTS {
            return self.too_many_restarts();
        }
        talk.note(now, EventKind::Restarted(off));
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.stage = Stage::First;
        self.flight.give_up_all();
        self.acknowledged = 0;
        self.high = 0;
        self.silent = 0;
        self.doubt = None;
        self.generation = self.flight.next_order();
        self.errand = self.file.then_some(Purpose::Close);
        self.aside = None;
    }

    fn too_many_restarts(&mut self) {
        let finding = if self.evidence.restarted_to_zero && self.refusals == 0 {
            Finding::DeviceRestarted
        } else {
            self.stall_finding()
        };
        self.fail(
            Failure::new(
                Status::RestartLimit,
                format!("the device made the upload start over {} times.", self.restarts),
            )
            .with_finding(finding),
        );
    }

    /// The device answered a chunk with an error.
    fn refused(&mut self, talk: &mut Conversation, now: u64, error: DeviceError) {
        self.silent = 0;
        self.active_at = now;
        if error.is_retryable() {
            self.holds = self.holds.saturating_add(1);
            self.evidence.busy = true;
            talk.note(now, EventKind::Busy(error.code));
            let limit = talk.limits.window();
            if self.window.refused(limit) {
                talk.note(now, EventKind::Window(self.window.size(limit)));
            }
            let pause = u64::from((talk.rtt.smoothed() / 2).clamp(20, 500));
            self.hold_until = now + (pause << self.holds.min(6));
            return;
        }
        let first = self.stage == Stage::First;
        let verdict = if self.file {
            refusal::judge_file(error, first, talk.limits.reassembles())
        } else {
            refusal::judge(error, first, talk.limits.reassembles())
        };
        match verdict {
            refusal::Verdict::SmallerFrame => {
                self.evidence.corrupt += 1;
                self.corrupt_in_a_row += 1;
                if self.size_passed && self.corrupt_in_a_row < DAMAGED_BEFORE_SMALLER {
                    // A frame of this size passed before: this one was damaged on the way, not too large.
                    return;
                }
                self.corrupt_in_a_row = 0;
                match talk.limits.step_down() {
                    Some(size) if self.evidence.corrupt <= MOST_DAMAGED => {
                        talk.note(now, EventKind::FrameLimit(size));
                        self.size_passed = false;
                        self.stepped_down = true;
                        self.flight.give_up_all();
                    }
                    _ => self.fail(self.refusal(error).with_finding(Finding::LargeFramesLost)),
                }
            }
            refusal::Verdict::StartOver if self.restarts < MOST_RESTARTS => self.restart(talk, now, 0),
            // Frames sent in one go are refused in one go.
            refusal::Verdict::Locate { .. } if self.errand.is_some() => {}
            refusal::Verdict::Locate { restart } if self.errands < MOST_ERRANDS => {
                self.errands += 1;
                self.errand = Some(Purpose::Locate(Question { error, restart, closed: false }));
            }
            _ => self.fail(self.refusal(error)),
        }
    }

    fn refusal(&self, error: DeviceError) -> Failure {
        if self.file {
            refusal::file_failure(error)
        } else {
            refusal::failure(error, self.stage == Stage::First)
        }
    }

    /// The link went down or came up.
    pub fn link_changed(&mut self, now: u64, down: bool) {
        self.flight.give_up_all();
        self.probe = None;
        self.silent = 0;
        self.echoed = false;
        self.size_passed = false;
        self.active_at = now;
        // A link that comes and goes while nothing is answered must not put off the end for ever.
        self.relinks = self.relinks.saturating_add(u8::from(!down));
        if self.relinks <= PATIENT_RELINKS {
            self.progress_at = now;
        }
        if down || self.stage == Stage::Ended {
            return;
        }
        if self.relinks > MOST_RELINKS {
            return self.fail(
                Failure::new(
                    Status::LinkLost,
                    format!(
                        "the device link came up {MOST_RELINKS} times and the upload got no further than {} of {} bytes.",
                        self.best, self.size
                    ),
                )
                .with_finding(Finding::LinkDrops),
            );
        }
        if self.file && self.stage == Stage::Stream {
            // What the device has is in its file system, not in the state of an upload: the next answer tells how much.
            if let Some(aside) = &mut self.aside {
                aside.restart();
            }
            return;
        }
        if self.high >= self.size {
            // The device may be finished; a first chunk would erase what it has.
            self.end(Outcome::Complete { told: false });
        } else {
            self.begin_again();
        }
    }

    /// The caller had stopped the clock of the operation.
    pub fn resumed(&mut self, now: u64) {
        self.active_at = now;
        self.progress_at = now;
    }

    fn poll_probe(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        let Some(probe) = &mut self.probe else { return Poll::Wait };
        match probe.poll(talk, now, out) {
            probe::Poll::Send(length) => Poll::Send(length),
            probe::Poll::Wait => Poll::Wait,
            probe::Poll::Nothing => {
                // Not even a small echo passes: the link or the server is gone. Chunks go on at a slow pace.
                self.probe = None;
                self.active_at = now;
                self.flight.give_up_all();
                if self.reset_asked {
                    return Poll::Wait;
                }
                self.reset_asked = true;
                talk.counters.link_resets = talk.counters.link_resets.wrapping_add(1);
                talk.note(now, EventKind::LinkReset);
                Poll::LinkReset
            }
        }
    }

    fn probe_answered(&mut self, talk: &mut Conversation, now: u64) {
        let Some(probe) = self.probe.take() else { return };
        self.flight.give_up_all();
        self.active_at = now;
        self.silent = 0;
        if probe.full_size_passed() {
            // The frame size is fine; the chunk was lost for another reason.
            self.size_passed = true;
        } else if let Some(size) = talk.limits.step_down() {
            talk.note(now, EventKind::FrameLimit(size));
            self.size_passed = false;
            self.stepped_down = true;
        }
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
        let finding = if !talk.answered {
            Finding::NeverAnswered
        } else if self.evidence.busy && self.holds > 0 {
            Finding::BuffersExhausted
        } else if self.silent > 0 && self.reset_asked {
            Finding::ServerStuck
        } else if self.stepped_down {
            Finding::LargeFramesLost
        } else if self.evidence.answered == 1 {
            Finding::FirstFrameOnly
        } else if self.silent > 0 || self.evidence.answered == 0 {
            Finding::None
        } else {
            self.stall_finding()
        };
        let status = match finding {
            Finding::BuffersExhausted => Status::DeviceBusy,
            Finding::OffsetRepeats | Finding::ResponsesReplayed => Status::Stalled,
            _ => Status::Timeout,
        };
        let silence = match (self.silent, finding) {
            (1.., Finding::None) => " No chunk was answered any more.",
            _ => "",
        };
        Failure::new(
            status,
            format!(
                "the upload did not move beyond {} of {} bytes for {seconds} s.{silence}",
                self.acknowledged, self.size
            ),
        )
        .with_finding(finding)
    }

    fn fail(&mut self, failure: Failure) {
        self.end(Outcome::Failed(failure));
    }

    fn end(&mut self, outcome: Outcome) -> Poll {
        self.stage = Stage::Ended;
        self.probe = None;
        self.outcome = Some(Box::new(outcome.clone()));
        Poll::Ended(outcome)
    }
}

fn frame_too_small(limit: usize) -> Failure {
    Failure::new(
        Status::FrameTooSmall,
        format!(
            "a frame of {limit} bytes cannot carry the first chunk; raise max_write or max_frame to at least 128."
        ),
    )
}
