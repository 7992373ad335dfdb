//! One request, or two to the same address, as an operation.

use serde_json::Value;

use crate::command::{Command, raw_result};
use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::failure::{Failure, Finding};
use crate::smp::error::rc;
use crate::smp::{DeviceError, Frame, Op, group};
use crate::status::Status;
use crate::transfer::link_lost;
use crate::update::{Phase, Poll, step, told};

/// How long an ordinary command may take at least, in milliseconds.
const COMMAND_FLOOR_MS: u32 = 2_000;
/// More than any frame may hold.
const LONGEST_BODY: usize = 65_535;

/// A single request and what came of it.
#[derive(Debug)]
pub(super) struct Single {
    request: Request,
    what: What,
    /// The result so far, while the second request of a command is under way.
    partial: Option<Value>,
    /// Since when a link that is down is waited for.
    waiting_since: u64,
    outcome: Option<Result<Value, Failure>>,
}

/// What is asked, and so how the answer reads.
#[derive(Debug)]
enum What {
    Raw { group: u16, command: u8 },
    Command(Command),
}

impl Single {
    /// A request of any group.
    pub fn raw(op: Op, group: u16, command: u8, body: &[u8], talk: &Conversation) -> Result<Single, Failure> {
        if op.is_response() {
            return Err(Failure::new(
                Status::InvalidArgument,
                "the op of a request is 0 (read) or 2 (write).",
            ));
        }
        if body.len() > LONGEST_BODY {
            return Err(Failure::new(
                Status::InvalidArgument,
                format!("the body has {} bytes; a frame holds at most {LONGEST_BODY}.", body.len()),
            ));
        }
        // Servers refuse an empty body; the empty map says "no arguments".
        let body = if body.is_empty() && group < group::VENDOR_FIRST { vec![0xa0] } else { body.to_vec() };
        let patience = patience(talk, COMMAND_FLOOR_MS, true);
        Ok(Single::new(Request::new(op, group, command, body, patience), What::Raw { group, command }))
    }

    /// A command of the table.
    pub fn of_command(command: Command, talk: &Conversation) -> Single {
        let request = request_of(&command, command.body().to_vec(), talk);
        Single::new(request, What::Command(command))
    }

    fn new(request: Request, what: What) -> Single {
        Single { request, what, partial: None, waiting_since: 0, outcome: None }
    }

    fn name(&self) -> String {
        match &self.what {
            What::Raw { group, command } => format!("group {group} command {command}"),
            What::Command(command) => command.name().to_owned(),
        }
    }

    pub fn start(&mut self, now: u64) {
        self.waiting_since = now;
    }

    pub fn is_running(&self) -> bool {
        self.outcome.is_none()
    }

    pub fn phase(&self) -> Phase {
        match &self.outcome {
            None => Phase::Command,
            Some(Ok(_)) => Phase::Done,
            Some(Err(_)) => Phase::Failed,
        }
    }

    pub fn result(&self) -> Option<Value> {
        self.outcome.as_ref()?.as_ref().ok().cloned()
    }

    pub fn failure(&self) -> Option<Failure> {
        self.outcome.as_ref()?.as_ref().err().cloned()
    }

    pub fn deadline(&self, talk: &Conversation) -> u64 {
        if talk.link_down { self.link_end(talk) } else { self.request.deadline() }
    }

    /// How long a link that is down is waited for. What was sent to it once and may not be sent again waits no longer than
    /// for its answer.
    fn link_end(&self, talk: &Conversation) -> u64 {
        if self.is_out_of_hand() {
            self.request.deadline()
        } else {
            self.waiting_since.saturating_add(u64::from(talk.options.stall_timeout_ms))
        }
    }

    /// Sent, and not to be sent again: a second reset may undo an update, a shell command may do anything.
    fn is_out_of_hand(&self) -> bool {
        match &self.what {
            What::Raw { .. } => false,
            What::Command(command) => !command.is_repeatable() && self.request.was_sent(),
        }
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        match &self.outcome {
            Some(Ok(_)) => return Poll::Done,
            Some(Err(failure)) => return Poll::Failed(failure.clone()),
            None => {}
        }
        if talk.link_down {
            if now >= self.link_end(talk) && talk.asleep.one_more_wait() {
                self.waiting_since = now;
                self.request.wait_again(talk, now);
            }
            if now < self.link_end(talk) {
                return Poll::Wait;
            }
            let failure =
                if self.is_out_of_hand() { self.request.expired(talk, &self.name()) } else { link_lost() };
            return self.fail(failure);
        }
        match self.request.poll(talk, now, out) {
            request::Poll::Send(length) => Poll::Send(length),
            request::Poll::Wait => Poll::Wait,
            request::Poll::Expired => {
                let failure = self.request.expired(talk, &self.name());
                self.fail(failure)
            }
        }
    }

    fn fail(&mut self, failure: Failure) -> Poll {
        self.outcome = Some(Err(failure.clone()));
        Poll::Failed(failure)
    }

    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        match self.request.receive(talk, now, frame) {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                if self.outcome.is_none() {
                    self.answered(talk, frame.body, error);
                }
                true
            }
        }
    }

    fn answered(&mut self, talk: &mut Conversation, body: &[u8], error: Option<DeviceError>) {
        let name = self.name();
        self.outcome = match (&self.what, self.partial.take(), error) {
            (What::Command(command), Some(mut result), error) => {
                Some(command.complete(&mut result, error.map_or(Ok(body), Err)).map(|()| result))
            }
            (_, None, Some(error)) => Some(Err(refused(error, &name))),
            (What::Raw { group, command }, _, None) => Some(Ok(raw_result(*group, *command, body))),
            (What::Raw { .. }, Some(_), Some(error)) => Some(Err(refused(error, &name))),
            (What::Command(command), None, None) => match (command.read(body), command.follow_body()) {
                (Ok(result), Some(follow)) => {
                    self.request = request_of(command, follow, talk);
                    self.partial = Some(result);
                    None
                }
                (outcome, _) => Some(outcome),
            },
        };
        if let (What::Command(command), Some(Ok(_))) = (&self.what, &self.outcome)
            && command.address() == (Op::Read, group::OS, group::os::PARAMETERS)
            && let Some((size, count)) = told::decode_parameters(body)
        {
            talk.limits.learn_buffers(size, count);
        }
    }

    pub fn cancel(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Err(Failure::new(Status::Cancelled, "the caller cancelled the request.")));
        }
    }

    pub fn link_changed(&mut self, now: u64, down: bool) {
        self.waiting_since = now;
        if !down {
            self.resumed(now);
        }
    }

    pub fn resumed(&mut self, now: u64) {
        self.waiting_since = now;
        if !self.is_out_of_hand() {
            self.request.restart();
        }
    }
}

fn request_of(command: &Command, body: Vec<u8>, talk: &Conversation) -> Request {
    let (op, group, number) = command.address();
    let patience = patience(talk, command.floor_ms(), command.is_repeatable());
    Request::new(op, group, number, body, patience)
}

fn patience(talk: &Conversation, floor_ms: u32, repeatable: bool) -> Patience {
    Patience {
        floor_ms: talk.options.timeout_ms.max(floor_ms),
        attempts: if repeatable { talk.options.retries } else { 1 },
    }
}

fn refused(error: DeviceError, name: &str) -> Failure {
    let mut failure = step::refused(error, &format!("the {name} request"));
    if error.is_common(rc::NOT_SUPPORTED) {
        failure.finding = Finding::OldServer;
    }
    failure
}
