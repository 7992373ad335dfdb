//! File transfers: the operation that moves a file, with what has to be asked before and checked after.
//!
//! Before: the device's buffers, unless known. After: the length that the device lists and, where it can, its own hash of the
//! file. A file that does not fit is transferred once more before the operation fails.

mod download;
mod ranges;

use std::sync::Arc;

use crate::json::json;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::failure::{Failure, Finding};
use crate::smp::cbor::{self, Value};
use crate::smp::error::rc;
use crate::smp::group::{self, file, os};
use crate::smp::hex::to_hex;
use crate::smp::{DeviceError, Frame, Op};
use crate::status::Status;
use crate::update::report::Figures;
use crate::update::{Phase, Poll, told};
use crate::upload::probe::echo_of;
use crate::upload::{self, Destination, Source, Upload, refusal};
use download::Download;

/// Hashing a whole file takes its time.
pub(crate) const HASH_FLOOR_MS: u32 = 30_000;
/// Opening, truncating and closing go through the flash.
pub(crate) const FILE_FLOOR_MS: u32 = 5_000;

/// The most bytes of a file that are taken or sent: 16 MiB.
pub(crate) const MOST_CONTENT: usize = 16 << 20;
/// How often a file is transferred that then turns out to be wrong.
const MOST_TRIES: u8 = 2;

/// What to do.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    Upload { name: String, content: Arc<[u8]>, verify: bool },
    Download { name: String, most: usize, encoding: Encoding, verify: bool },
}

/// How the content stands in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
    /// Not at all: it is fetched as it is.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// What buffers does the device have?
    Parameters,
    /// Does it put writes together?
    Reassembly,
    /// The chunks.
    Move,
    /// Close the file: after a wrong offset the server does not know where the end is, keeps the file open, and tells its old
    /// length until then.
    Close,
    /// How long is the file now?
    Length,
    /// What is its hash?
    Sha256,
    /// What is its checksum, since it has no hash?
    Crc32,
}

/// A file transfer under way.
#[derive(Debug)]
pub(crate) struct Transfer {
    goal: Goal,
    step: Step,
    request: Option<Request>,
    mover: Option<Mover>,
    /// What a download brought, until it stands in the result or is fetched.
    content: Vec<u8>,
    /// How many bytes were moved, and of how many, while none are.
    moved: u64,
    of: u64,
    tries: u8,
    verified: &'static str,
    /// Since when a link that is down is waited for.
    waiting_since: u64,
    outcome: Option<Result<Json, Failure>>,
}

#[derive(Debug)]
enum Mover {
    Up(Box<Upload>),
    Down(Box<Download>),
}

impl Transfer {
    pub fn new(goal: Goal) -> Transfer {
        Transfer {
            goal,
            step: Step::Parameters,
            request: None,
            mover: None,
            content: Vec::new(),
            moved: 0,
            of: 0,
            tries: 0,
            verified: "none",
            waiting_since: 0,
            outcome: None,
        }
    }

    pub fn start(&mut self, now: u64) {
        self.waiting_since = now;
    }

    pub fn phase(&self) -> Phase {
        match &self.outcome {
            None => Phase::Command,
            Some(Ok(_)) => Phase::Done,
            Some(Err(_)) => Phase::Failed,
        }
    }

    pub fn is_running(&self) -> bool {
        self.outcome.is_none()
    }

    pub fn result(&self) -> Option<Json> {
        self.outcome.as_ref()?.as_ref().ok().cloned()
    }

    pub fn failure(&self) -> Option<Failure> {
        self.outcome.as_ref()?.as_ref().err().cloned()
    }

    /// The content of a download that keeps it aside, once whole.
    pub fn file(&self) -> Option<&[u8]> {
        let raw = matches!(self.goal, Goal::Download { encoding: Encoding::Raw, .. });
        (raw && matches!(self.outcome, Some(Ok(_)))).then_some(&self.content[..])
    }

    fn name(&self) -> &str {
        match &self.goal {
            Goal::Upload { name, .. } | Goal::Download { name, .. } => name,
        }
    }

    fn wants_hash(&self) -> bool {
        match self.goal {
            Goal::Upload { verify, .. } => verify,
            // There is no hash of an empty file.
            Goal::Download { verify, .. } => verify && !self.content.is_empty(),
        }
    }

    /// What the file on the device must be.
    fn expected(&self) -> &[u8] {
        match &self.goal {
            Goal::Upload { content, .. } => content,
            Goal::Download { .. } => &self.content,
        }
    }

    pub fn deadline(&self, talk: &Conversation, now: u64) -> u64 {
        match (&self.outcome, &self.mover, &self.request) {
            (Some(_), ..) => 0,
            (None, Some(Mover::Up(upload)), _) => upload.deadline(talk, now),
            (None, Some(Mover::Down(download)), _) => download.deadline(talk),
            _ if talk.link_down => self.link_end(talk),
            (None, None, Some(request)) => request.deadline(),
            (None, None, None) => 0,
        }
    }

    fn link_end(&self, talk: &Conversation) -> u64 {
        self.waiting_since.saturating_add(u64::from(talk.options.stall_timeout_ms))
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        loop {
            match &self.outcome {
                Some(Ok(_)) => return Poll::Done,
                Some(Err(failure)) => return Poll::Failed(failure.clone()),
                None => {}
            }
            if self.mover.is_some() {
                match self.poll_mover(talk, now, out) {
                    Some(poll) => return poll,
                    None => continue,
                }
            }
            if talk.link_down {
                if now >= self.link_end(talk) && talk.asleep.one_more_wait() {
                    self.waiting_since = now;
                }
                if now < self.link_end(talk) {
                    return Poll::Wait;
                }
                self.fail(link_lost());
                continue;
            }
            let Some(request) = &mut self.request else {
                self.enter(talk, now);
                continue;
            };
            match request.poll(talk, now, out) {
                request::Poll::Send(length) => return Poll::Send(length),
                request::Poll::Wait => return Poll::Wait,
                request::Poll::Expired => self.expired(talk),
            }
        }
    }

    /// Begins the step, or goes on to the next one when there is nothing to do.
    fn enter(&mut self, talk: &mut Conversation, now: u64) {
        let patience = |floor_ms: u32| Patience {
            floor_ms: talk.options.timeout_ms.max(floor_ms),
            attempts: talk.options.retries,
        };
        let name = self.name();
        match self.step {
            Step::Parameters if talk.limits.buffers().0 != 0 => self.step = Step::Reassembly,
            Step::Parameters => {
                self.request =
                    Some(Request::new(Op::Read, group::OS, os::PARAMETERS, vec![0xa0], patience(1_000)));
            }
            Step::Reassembly if !self.needs_larger_frames(talk) => self.step = Step::Move,
            Step::Reassembly => {
                let patience = Patience { attempts: 2, ..patience(1_000) };
                self.request = Some(echo_of(talk.limits.reassembly_probe_len(), patience));
            }
            Step::Move => {
                self.mover = Some(match &self.goal {
                    Goal::Upload { content, .. } => {
                        Mover::Up(Box::new(Upload::of_file(now, content.len() as u32, self.tries > 0)))
                    }
                    Goal::Download { most, .. } => Mover::Down(Box::new(Download::new(now, *most))),
                });
                self.tries += 1;
            }
            Step::Close => {
                let patience = patience(FILE_FLOOR_MS);
                self.request = Some(Request::new(Op::Write, group::FILE, file::CLOSE, vec![0xa0], patience));
            }
            Step::Length => {
                let body = cbor::encode(|w| _ = w.map(1).text("name").text(name));
                self.request =
                    Some(Request::new(Op::Read, group::FILE, file::STATUS, body, patience(FILE_FLOOR_MS)));
            }
            Step::Sha256 | Step::Crc32 => {
                let kind = if self.step == Step::Sha256 { "sha256" } else { "crc32" };
                let body = cbor::encode(|w| _ = w.map(2).text("name").text(name).text("type").text(kind));
                self.request =
                    Some(Request::new(Op::Read, group::FILE, file::HASH, body, patience(HASH_FLOOR_MS)));
            }
        }
    }

    /// Only an upload that takes more than a few frames is worth finding out whether they may be larger.
    fn needs_larger_frames(&self, talk: &Conversation) -> bool {
        let Goal::Upload { content, .. } = &self.goal else { return false };
        talk.limits.wants_reassembly_probe() && content.len() > 4 * talk.limits.frame() as usize
    }

    fn poll_mover(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Option<Poll> {
        let ended = match (self.mover.as_mut()?, &self.goal) {
            (Mover::Up(upload), Goal::Upload { name, content, .. }) => {
                let source = Source { data: content, destination: Destination::File { name } };
                match upload.poll(talk, now, &source, out) {
                    upload::Poll::Send(length) => return Some(Poll::Send(length)),
                    upload::Poll::Wait => return Some(Poll::Wait),
                    upload::Poll::LinkReset => return Some(Poll::LinkReset),
                    upload::Poll::Ended(upload::Outcome::Complete { .. }) => Ok(Step::Close),
                    upload::Poll::Ended(upload::Outcome::Failed(failure)) => Err(failure),
                }
            }
            (Mover::Down(download), Goal::Download { name, .. }) => {
                match download.poll(talk, now, name, out) {
                    download::Poll::Send(length) => return Some(Poll::Send(length)),
                    download::Poll::Wait => return Some(Poll::Wait),
                    download::Poll::Complete => Ok(Step::Sha256),
                    download::Poll::Failed(failure) => Err(failure),
                }
            }
            _ => return None,
        };
        self.waiting_since = now;
        match ended {
            Err(failure) => self.fail(failure),
            Ok(step) => {
                self.step = step;
                if let Some(Mover::Down(download)) = self.mover.take() {
                    self.content = download.into_content();
                    self.verified = "length";
                }
                self.moved = self.expected().len() as u64;
                self.of = self.moved;
                if step == Step::Sha256 && !self.wants_hash() {
                    self.finish();
                }
            }
        }
        None
    }

    fn expired(&mut self, talk: &mut Conversation) {
        let Some(request) = self.request.take() else { return };
        match self.step {
            // A silent server may lack nothing but this.
            Step::Reassembly => {
                talk.limits.learn_reassembly(false);
                self.step = Step::Move;
            }
            step => self.fail(request.expired(talk, step.what())),
        }
    }

    /// Takes a frame. Returns false when nothing here asked for it.
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        match &mut self.mover {
            Some(Mover::Up(upload)) => return upload.receive(talk, now, frame),
            Some(Mover::Down(download)) => return download.receive(talk, now, frame),
            None => {}
        }
        let Some(request) = &mut self.request else { return false };
        match request.receive(talk, now, frame) {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.request = None;
                self.answered(talk, frame.body, error);
                true
            }
        }
    }

    fn answered(&mut self, talk: &mut Conversation, body: &[u8], error: Option<DeviceError>) {
        match self.step {
            Step::Parameters => {
                if let (None, Some((size, count))) = (error, told::decode_parameters(body)) {
                    talk.limits.learn_buffers(size, count);
                }
                self.step = Step::Reassembly;
            }
            Step::Reassembly => {
                talk.limits.learn_reassembly(error.is_none());
                self.step = Step::Move;
            }
            // Old servers close a file after each chunk and lack the command.
            Step::Close => self.step = Step::Length,
            Step::Length => self.length_answered(body, error),
            Step::Sha256 | Step::Crc32 => self.hash_answered(body, error),
            Step::Move => {}
        }
    }

    fn length_answered(&mut self, body: &[u8], error: Option<DeviceError>) {
        let mut length = None;
        let read = cbor::entries(body, |key, value| {
            if let ("len", Value::Unsigned(number)) = (key, value) {
                length = Some(number);
            }
        });
        match (error, length, read) {
            (Some(error), ..) if error.is_common(rc::NOT_SUPPORTED) => self.next_check(Step::Sha256),
            (Some(error), ..) => self.fail(refusal::file_failure(error)),
            (None, Some(length), Ok(())) if length == self.expected().len() as u64 => {
                self.verified = "length";
                self.next_check(Step::Sha256);
            }
            (None, Some(length), Ok(())) => {
                let wanted = self.expected().len();
                self.wrong(format!("the file on the device has {length} bytes instead of {wanted}."));
            }
            (None, ..) => self.fail(Failure::new(
                Status::UnexpectedResponse,
                "the device does not tell the length of the file.",
            )),
        }
    }

    fn next_check(&mut self, step: Step) {
        self.step = step;
        if !self.wants_hash() {
            self.finish();
        }
    }

    fn hash_answered(&mut self, body: &[u8], error: Option<DeviceError>) {
        match error {
            // A device without hashes has none to compare.
            Some(error) if error.is_common(rc::NOT_SUPPORTED) || self.step == Step::Crc32 => {
                return self.finish();
            }
            Some(_) => return self.step = Step::Crc32,
            None => {}
        }
        let (mut length, mut right) = (None, None);
        let expected = self.expected();
        let read = cbor::entries(body, |key, value| match (key, value) {
            ("len", Value::Unsigned(number)) => length = Some(number),
            ("output", Value::Bytes(hash)) => right = Some(hash == &Sha256::digest(expected)[..]),
            ("output", Value::Unsigned(checksum)) => right = Some(checksum == u64::from(crc32(expected))),
            _ => {}
        });
        match (length, right, read) {
            (Some(length), Some(right), Ok(())) => {
                if right && length == expected.len() as u64 {
                    self.verified = if self.step == Step::Sha256 { "sha256" } else { "crc32" };
                    self.finish();
                } else {
                    self.wrong("the device's hash of the file is not that of the content.".to_owned());
                }
            }
            _ => self.fail(Failure::new(
                Status::UnexpectedResponse,
                "the device's answer holds no hash of the file.",
            )),
        }
    }

    /// What was transferred is not what it should be.
    fn wrong(&mut self, what: String) {
        if self.tries < MOST_TRIES {
            self.verified = "none";
            self.step = Step::Move;
        } else {
            self.fail(Failure::new(Status::DigestMismatch, format!("after {} tries {what}", self.tries)));
        }
    }

    fn finish(&mut self) {
        let mut result = json!({
            "name": self.name(),
            "length": self.expected().len(),
            "verified": self.verified,
        });
        if let Goal::Download { encoding, .. } = self.goal {
            match encoding {
                Encoding::Hex => result["content_hex"] = to_hex(&std::mem::take(&mut self.content)).into(),
                Encoding::Base64 => {
                    let content = std::mem::take(&mut self.content);
                    result["content_base64"] = BASE64_STANDARD.encode(&content).into();
                }
                Encoding::Raw => {}
            }
        }
        self.outcome = Some(Ok(result));
    }

    fn fail(&mut self, failure: Failure) {
        (self.moved, self.of) = self.moved();
        self.request = None;
        self.mover = None;
        self.outcome = Some(Err(failure));
    }

    pub fn cancel(&mut self) {
        if self.outcome.is_none() {
            self.fail(Failure::new(Status::Cancelled, "the caller cancelled the file transfer."));
        }
    }

    pub fn link_changed(&mut self, now: u64, down: bool) {
        match &mut self.mover {
            Some(Mover::Up(upload)) => upload.link_changed(now, down),
            Some(Mover::Down(download)) => download.link_changed(now),
            None => self.ask_again(now, !down),
        }
    }

    pub fn resumed(&mut self, now: u64) {
        match &mut self.mover {
            Some(Mover::Up(upload)) => upload.resumed(now),
            Some(Mover::Down(download)) => download.resumed(now),
            None => self.ask_again(now, true),
        }
    }

    fn ask_again(&mut self, now: u64, at_once: bool) {
        self.waiting_since = now;
        if at_once && let Some(request) = &mut self.request {
            request.restart();
        }
    }

    pub fn figures(&self, talk: &Conversation) -> Figures {
        let (acknowledged, total) = self.moved();
        let window = match &self.mover {
            Some(Mover::Down(download)) => download.window(talk),
            Some(Mover::Up(upload)) => upload.window(talk),
            None => talk.limits.window(),
        };
        Figures { acknowledged, total, window, ..Figures::default() }
    }

    /// How many bytes are moved, and of how many.
    fn moved(&self) -> (u64, u64) {
        match (&self.mover, &self.goal) {
            (Some(Mover::Down(download)), _) => {
                let (arrived, length) = download.figures();
                (arrived.into(), length.into())
            }
            (Some(Mover::Up(upload)), Goal::Upload { content, .. }) => {
                (upload.acknowledged().into(), content.len() as u64)
            }
            (_, Goal::Upload { content, .. }) => (self.moved, content.len() as u64),
            _ => (self.moved, self.of),
        }
    }
}

impl Step {
    const fn what(self) -> &'static str {
        match self {
            Step::Parameters => "parameters",
            Step::Reassembly => "echo",
            Step::Move => "file",
            Step::Close => "file close",
            Step::Length => "file status",
            Step::Sha256 | Step::Crc32 => "file hash",
        }
    }
}

/// The failure of an operation whose link stayed down.
pub(crate) fn link_lost() -> Failure {
    Failure::new(Status::LinkLost, "the device link went down and did not come up again in time.")
        .with_finding(Finding::LinkDrops)
}

/// The checksum that Zephyr calls `crc32` (IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    const IEEE: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    IEEE.checksum(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32_has_its_published_check_value() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}
