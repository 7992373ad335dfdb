//! The operation that a session runs.

use serde_json::Value;

use crate::command::Command;
use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::failure::Failure;
use crate::smp::{DeviceError, Frame, Op};
use crate::status::Status;
use crate::update::report::Figures;
use crate::update::{Phase, Poll, Update};

/// One operation at a time.
#[derive(Debug)]
pub(super) enum Operation {
    None,
    Update(Box<Update>),
    Request(Box<Single>),
}

/// A single request and what came of it.
#[derive(Debug)]
pub(super) struct Single {
    request: Request,
    what: What,
    outcome: Option<Result<Value, Failure>>,
}

/// What is asked, and so how the answer reads.
#[derive(Debug)]
enum What {
    Raw { group: u16, command: u8 },
    Command(Command),
}

impl Operation {
    pub fn is_running(&self) -> bool {
        match self {
            Operation::None => false,
            Operation::Update(update) => !matches!(update.phase(), Phase::Done | Phase::Failed),
            Operation::Request(single) => single.outcome.is_none(),
        }
    }

    pub fn phase(&self) -> Phase {
        match self {
            Operation::None => Phase::Idle,
            Operation::Update(update) => update.phase(),
            Operation::Request(single) => match &single.outcome {
                None => Phase::Command,
                Some(Ok(_)) => Phase::Done,
                Some(Err(_)) => Phase::Failed,
            },
        }
    }

    #[inline]
    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        match self {
            Operation::None => Poll::Failed(Status::NoOperation.into()),
            Operation::Update(update) => update.poll(talk, now, out),
            Operation::Request(single) => single.poll(talk, now, out),
        }
    }

    #[inline]
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        match self {
            Operation::None => false,
            Operation::Update(update) => update.receive(talk, now, frame),
            Operation::Request(single) => single.receive(talk, now, frame),
        }
    }

    pub fn deadline(&self, talk: &Conversation) -> u64 {
        match self {
            Operation::None => u64::MAX,
            Operation::Update(update) => update.deadline(talk),
            Operation::Request(single) => single.request.deadline(),
        }
    }

    pub fn link_changed(&mut self, now: u64, down: bool) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.link_changed(now, down),
            Operation::Request(single) => {
                if !down {
                    single.request.restart();
                }
            }
        }
    }

    pub fn resumed(&mut self, now: u64) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.resumed(now),
            Operation::Request(single) => single.request.restart(),
        }
    }

    /// The first call with a time: what is measured from the start is measured from here.
    pub fn start(&mut self, now: u64) {
        if let Operation::Update(update) = self {
            update.start(now);
        }
    }

    pub fn cancel(&mut self, now: u64) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.cancel(now),
            Operation::Request(single) => {
                if single.outcome.is_none() {
                    single.outcome =
                        Some(Err(Failure::new(Status::Cancelled, "the caller cancelled the request.")));
                }
            }
        }
    }

    pub fn figures(&self, talk: &Conversation, now: u64) -> Figures {
        match self {
            Operation::Update(update) => update.figures(talk, now),
            _ => Figures { eta_ms: u32::MAX, window: talk.limits.window(), ..Figures::default() },
        }
    }

    pub fn result(&self, _talk: &Conversation) -> Option<Value> {
        match self {
            Operation::None => None,
            Operation::Update(update) => update.result(),
            Operation::Request(single) => single.outcome.as_ref()?.as_ref().ok().cloned(),
        }
    }

    pub fn failure(&self) -> Option<Failure> {
        match self {
            Operation::None => None,
            Operation::Update(update) => update.failure(),
            Operation::Request(single) => single.outcome.as_ref()?.as_ref().err().cloned(),
        }
    }
}

/// How long an ordinary command may take at least, in milliseconds.
const COMMAND_FLOOR_MS: u32 = 2_000;
/// More than any frame may hold.
const LONGEST_BODY: usize = 65_535;

/// A request of any group.
pub(super) fn raw_request(
    op: Op,
    group: u16,
    command: u8,
    body: &[u8],
    talk: &Conversation,
) -> Result<Single, Failure> {
    if op.is_response() {
        return Err(Failure::new(Status::InvalidArgument, "the op of a request is 0 (read) or 2 (write)."));
    }
    if body.len() > LONGEST_BODY {
        return Err(Failure::new(
            Status::InvalidArgument,
            format!("the body has {} bytes; a frame holds at most {LONGEST_BODY}.", body.len()),
        ));
    }
    // Servers refuse an empty body; the empty map says "no arguments".
    let body =
        if body.is_empty() && group < crate::smp::group::VENDOR_FIRST { vec![0xa0] } else { body.to_vec() };
    Ok(Single::new(
        Request::new(op, group, command, body, patience(talk, COMMAND_FLOOR_MS)),
        What::Raw { group, command },
    ))
}

/// A command of the table.
pub(super) fn command(command: Command, talk: &Conversation) -> Single {
    let (op, group, number) = command.address();
    let patience =
        Patience { attempts: command.attempts(talk.options.retries), ..patience(talk, command.floor_ms()) };
    let request = Request::new(op, group, number, command.body().to_vec(), patience);
    Single::new(request, What::Command(command))
}

fn patience(talk: &Conversation, floor_ms: u32) -> Patience {
    Patience { floor_ms: talk.options.timeout_ms.max(floor_ms), attempts: talk.options.retries }
}

impl Single {
    fn new(request: Request, what: What) -> Single {
        Single { request, what, outcome: None }
    }

    fn name(&self) -> String {
        match &self.what {
            What::Raw { group, command } => format!("group {group} command {command}"),
            What::Command(command) => command.name().to_owned(),
        }
    }

    fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        match &self.outcome {
            Some(Ok(_)) => return Poll::Done,
            Some(Err(failure)) => return Poll::Failed(failure.clone()),
            None if talk.link_down => {
                if self.request.was_sent() && now >= self.request.deadline() {
                    let failure = self.request.expired(talk, &self.name());
                    self.outcome = Some(Err(failure.clone()));
                    return Poll::Failed(failure);
                }
                return Poll::Wait;
            }
            None => {}
        }
        match self.request.poll(talk, now, out) {
            request::Poll::Send(length) => Poll::Send(length),
            request::Poll::Wait => Poll::Wait,
            request::Poll::Expired => {
                let failure = self.request.expired(talk, &self.name());
                self.outcome = Some(Err(failure.clone()));
                Poll::Failed(failure)
            }
        }
    }

    fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        match self.request.receive(talk, now, frame) {
            None => false,
            Some(Match::Again | Match::Other) => true,
            Some(Match::Answer(error)) => {
                self.outcome = Some(self.read(frame.body, error));
                true
            }
        }
    }

    fn read(&self, body: &[u8], error: Option<DeviceError>) -> Result<Value, Failure> {
        if let Some(error) = error {
            return Err(crate::update::step::refused(error, &format!("the {} request", self.name())));
        }
        match &self.what {
            What::Raw { group, command } => Ok(crate::command::raw_result(*group, *command, body)),
            What::Command(command) => command.read(body),
        }
    }
}
