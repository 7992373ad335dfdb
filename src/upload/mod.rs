//! The upload of one image or file: chunk fitting, window, loss recovery, resume.
//!
//! The engine knows the device only by its answers: `off` says where the device stands and is believed in both directions.
//! It never decides that an upload succeeded; it ends with [`Outcome::Complete`] and the image list decides.

mod answer;
mod answered;
mod aside;
pub(crate) mod batch;
mod behind;
mod beside;
pub(crate) mod chunk;
mod errand;
mod evidence;
mod file_chunk;
pub(crate) mod flight;
mod growth;
mod pages;
pub(crate) mod probe;
pub(crate) mod refusal;
mod saved;
mod silence;
mod timing;
pub(crate) mod window;

use crate::conversation::limits::LEAST_FIRST;
use crate::conversation::{Conversation, EventKind};
use crate::failure::{Failure, Finding};
use crate::smp::header::HEADER_LEN;
use crate::smp::{Op, group};
use crate::status::Status;
use aside::Purpose;
use batch::Batch;
use beside::Beside;
use chunk::FirstChunk;
use evidence::{Evidence, frame_too_small};
use file_chunk::FileChunk;
use flight::Flight;
use growth::Growth;
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
        /// The number stands in every chunk, for servers that do not keep it; otherwise in the first one, unless it is 0.
        in_every_chunk: bool,
        /// Whether the device shall refuse an image that is not newer.
        upgrade: bool,
        /// So many bytes less the first chunk carries than would fit, as far as the image header leaves room.
        stagger: u16,
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

/// The header of an image (MCUboot `docs/design.md`), in bytes.
const HEADER: usize = 32;
/// How often an upload may start over.
const MOST_RESTARTS: u8 = 4;
/// After so many silences in a row a chunk is sent only when the one before it is answered or given up.
const SILENCES_BEFORE_ONE: u16 = 3;
/// How often a new link starts the stall limit anew, and how many links there may be, without getting further than before.
const PATIENT_RELINKS: u8 = 8;
const MOST_RELINKS: u8 = 64;
/// How often the place of a file is asked for without any progress.
const MOST_ERRANDS: u8 = 8;

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
    silent: u16,
    /// Whether a chunk of the present frame size was answered since the upload or the link started.
    size_passed: bool,
    /// The order before which an offset behind ours is not believed yet.
    doubt: Option<u32>,
    /// The order of the first transmission since the last restart.
    generation: u32,
    /// Transmissions before this order were made by another process; their age means nothing.
    unmeasured: u32,
    restarts: u8,
    refusals: u8,
    holds: u8,
    /// The device had a part of it before the latest first chunk.
    found: bool,
    /// Whether the destination is a file.
    file: bool,
    /// How often the place of the file was asked for since the last progress.
    errands: u8,
    /// Make the server forget what it has: no SHA in the next first chunk. With none it goes on from nothing, and the first
    /// chunk follows once more with it, so that the upload can be resumed and its digest be compared.
    forget: bool,
    /// The first chunk must be taken at its own end; after an erase anything else is a stale offset.
    erased: bool,
    reset_asked: bool,
    /// An echo was sent since the last answer.
    echoed: bool,
    /// Frames became smaller because larger ones vanished.
    stepped_down: bool,
    beside: Option<Box<Beside>>,
    /// There where the carrier takes several writes in one call.
    batch: Option<Box<Batch>>,
    growth: Growth,
    evidence: Evidence,
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
            found: false,
            file: false,
            errands: 0,
            forget: false,
            erased,
            reset_asked: false,
            echoed: false,
            stepped_down: false,
            beside: None,
            batch: None,
            growth: Growth::default(),
            evidence: Evidence::default(),
        }
    }

    /// Starts the upload of a file at `now`; `again` says that the device may have it open from an earlier try.
    pub fn of_file(now: u64, size: u32, again: bool) -> Upload {
        let mut upload = Upload { file: true, ..Upload::new(now, size, false) };
        if again {
            upload.beside().errand = Some(Purpose::Close);
        }
        upload
    }

    /// How many bytes the device has, by its own word.
    pub fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    /// Whether the device had a part of it before the latest first chunk that it answered.
    pub fn found_a_part(&self) -> bool {
        self.found
    }

    /// Whether a first chunk was sent more than once: then one may arrive late, and erase what was uploaded.
    pub fn sent_first_again(&self) -> bool {
        self.evidence.first_again
    }

    /// The window in use.
    pub fn window(&self, talk: &Conversation) -> u32 {
        match &self.batch {
            _ if self.stage == Stage::First => 1,
            Some(batch) => self.batch_size(talk, batch),
            None => self.window.size(talk.limits.window()),
        }
    }

    /// The offset of the chunk that may be sent as far as the window goes.
    #[inline]
    fn next_offset(&self, talk: &Conversation, now: u64) -> Option<u32> {
        match self.stage {
            Stage::First => (self.flight.flying() == 0).then_some(0),
            // What goes unanswered again and again may all stand in a queue: one chunk at a time lets it drain.
            Stage::Stream if self.growth.is_due() => None,
            Stage::Stream if let Some(batch) = &self.batch => {
                self.next_in_batch(talk, batch, now).filter(|next| *next < self.size)
            }
            Stage::Stream if self.silent > SILENCES_BEFORE_ONE && self.flight.flying() > 0 => None,
            Stage::Stream => {
                let (next, holding) = self.flight.outlook(self.acknowledged, now, talk.rtt.smoothed() / 2);
                let room = holding < self.window(talk) && !self.flight.is_full();
                (room && next < self.size).then_some(next)
            }
            Stage::Ended => None,
        }
    }

    /// Asks for the next frame; `out` holds at least the frame limit.
    #[inline]
    pub fn poll(&mut self, talk: &mut Conversation, now: u64, source: &Source<'_>, out: &mut [u8]) -> Poll {
        if self.beside.is_some()
            && let Some(outcome) = self.outcome()
        {
            return Poll::Ended(outcome.clone());
        }
        if now >= self.stall_end(talk) && talk.asleep.one_more_wait() {
            self.wait_again(talk, now);
        }
        if now >= self.stall_end(talk) {
            let failure = self.stalled(talk, now);
            return self.end(Outcome::Failed(failure));
        }
        if talk.link_down {
            return Poll::Wait;
        }
        if self.beside.is_some()
            && let Some(poll) = self.poll_beside(talk, now, source, out)
        {
            return poll;
        }
        if let Some(offset) = self.next_offset(talk, now) {
            // Within a batch the gateway keeps the time.
            let within = self.batch.is_some() && self.flight.flying() > 0;
            if !within && now < self.hold_until.max(talk.paced_until()) {
                return Poll::Wait;
            }
            return self.send(talk, now, source, offset, out);
        }
        if self.stage == Stage::First
            && let Some(poll) = self.poll_behind(talk, now, source, out)
        {
            return poll;
        }
        if self.growth.is_due() && self.flight.flying() == 0 {
            return self.poll_growth(talk, now, out);
        }
        if now < self.silence_at(talk) || now < talk.paced_until() {
            return Poll::Wait;
        }
        self.on_silence(talk, now, source, out)
    }

    fn frame_limit(&self, talk: &Conversation) -> u32 {
        talk.limits.frame()
    }

    /// The largest frame of the chunk that is sent now.
    fn chunk_limit(&self, talk: &Conversation) -> u32 {
        // A server that lost a piece of a frame may take the pieces of each same chunk for the start of a frame that never
        // ends. One that comes in a single write gets it out of step.
        let single = self.silent > SILENCES_BEFORE_ONE
            && self.silent.is_multiple_of(2)
            && talk.limits.reassembles()
            && talk.limits.max_write() >= u32::from(LEAST_FIRST);
        if single { talk.limits.max_write() } else { self.frame_limit(talk) }
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
        let limit = (self.chunk_limit(talk) as usize).min(out.len());
        let left = (self.size - offset) as usize;
        let data = |length: usize| &source.data[offset as usize..offset as usize + length];
        let write = talk.limits.one_write() as usize;
        let encoded = match source.destination {
            Destination::Slot { sha256, image, in_every_chunk, upgrade, stagger } => {
                let sha = if self.forget { None } else { Some(sha256) };
                let first_chunk = FirstChunk { size: self.size, sha, upgrade };
                let first = (offset == 0).then_some(&first_chunk);
                let image = (in_every_chunk || (offset == 0 && image != 0)).then_some(image);
                chunk::fit(limit, first, image, offset, left)
                    // The server looks at the image header in the first chunk and wants all 32 bytes of it.
                    .filter(|length| first.is_none() || *length >= left.min(HEADER))
                    .map(|length| match first {
                        Some(_) => length.saturating_sub(stagger as usize).max(length.min(HEADER)),
                        None => length,
                    })
                    .and_then(|length| {
                        Some((length, chunk::encode(out, first, image, offset, data(length), write)?))
                    })
            }
            Destination::File { name } => {
                let chunk = FileChunk { name, size: self.size };
                chunk
                    .fit(limit, offset, left)
                    // Counted twice, half of the file would look like all of it.
                    .map(|length| length - usize::from(offset == 0 && length > 1 && 2 * length == left))
                    .and_then(|length| Some((length, chunk.encode(out, offset, data(length), write)?)))
            }
        };
        let Some((length, frame_len)) = encoded else {
            let mut failure = frame_too_small(limit);
            if self.evidence.corrupt > 0 && talk.limits.reassembles() {
                failure = failure.with_finding(Finding::NoReassembly);
            }
            return self.end(Outcome::Failed(failure));
        };
        let (group, command) = self.address();
        let header = talk.begin_frame(now, Op::Write, group, command, frame_len - HEADER_LEN);
        out[..HEADER_LEN].copy_from_slice(&header.encode());
        let end = offset + length as u32;
        let first_again = offset == 0 && self.flight.next_order() > 0;
        self.evidence.first_again |= first_again;
        if end <= self.high || first_again {
            talk.counters.retransmissions = talk.counters.retransmissions.wrapping_add(1);
        }
        self.high = self.high.max(end);
        if self.stage == Stage::Stream
            && let Some(batch) = &mut self.batch
        {
            if self.flight.flying() == 0 {
                batch.begin(now, offset);
            }
            let pieces = (frame_len as u32).div_ceil(talk.limits.max_write());
            talk.delay_ms = batch.add(offset, end, frame_len, pieces, talk.options.batch_gap_ms);
        }
        self.flight.push(now, header.sequence, offset, length as u16);
        self.active_at = now;
        self.forget_lost();
        Poll::Send(frame_len)
    }

    /// Group and command of the chunks.
    fn address(&self) -> (u16, u8) {
        if self.file { (group::FILE, group::file::FILE) } else { (group::IMAGE, group::image::UPLOAD) }
    }

    /// Sends the first chunk again, alone.
    fn restart(&mut self, talk: &mut Conversation, now: u64, off: u32) {
        self.restarts = self.restarts.saturating_add(1);
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
        let probe = self.beside.take().and_then(|beside| beside.probe);
        let errand = self.file.then_some(Purpose::Close);
        if probe.is_some() || errand.is_some() {
            *self.beside() = Beside { probe, errand, ..Beside::default() };
        }
        if let Some(batch) = &mut self.batch {
            batch.forget();
        }
    }

    /// The link went down or came up.
    pub fn link_changed(&mut self, now: u64, down: bool) {
        self.flight.give_up_all();
        if let Some(beside) = &mut self.beside {
            (beside.probe, beside.behind) = (None, None);
            self.tidy();
        }
        if let Some(batch) = &mut self.batch {
            batch.forget();
        }
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
            if let Some(aside) = self.beside.as_mut().and_then(|beside| beside.aside.as_mut()) {
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

    /// The host slept through the end of all patience: an answer gets the time that it may take, a link that is down all of it.
    #[cold]
    fn wait_again(&mut self, talk: &Conversation, now: u64) {
        let more =
            if talk.link_down { u64::from(talk.options.stall_timeout_ms) } else { self.patience(talk) };
        let over = now.saturating_sub(self.stall_end(talk));
        self.progress_at = (self.progress_at + over + more).min(now);
    }

    /// The caller had stopped the clock of the operation.
    pub fn resumed(&mut self, now: u64) {
        self.active_at = now;
        self.progress_at = now;
    }

    fn fail(&mut self, failure: Failure) {
        self.end(Outcome::Failed(failure));
    }

    fn end(&mut self, outcome: Outcome) -> Poll {
        self.stage = Stage::Ended;
        *self.beside() = Beside { outcome: Some(outcome.clone()), ..Beside::default() };
        Poll::Ended(outcome)
    }
}
