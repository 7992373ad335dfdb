//! The operation that a session runs.

use serde_json::Value;

use super::single::Single;
use crate::command::Command;
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::Frame;
use crate::status::Status;
use crate::transfer::Transfer;
use crate::update::report::{Figures, Sent};
use crate::update::{Phase, Poll, Update};

/// One operation at a time.
#[derive(Debug)]
pub(super) enum Operation {
    None,
    Update(Box<Update>),
    Request(Box<Single>),
    Transfer(Box<Transfer>),
}

impl Operation {
    pub fn is_running(&self) -> bool {
        match self {
            Operation::None => false,
            Operation::Update(update) => !matches!(update.phase(), Phase::Done | Phase::Failed),
            Operation::Request(single) => single.is_running(),
            Operation::Transfer(transfer) => transfer.is_running(),
        }
    }

    pub fn phase(&self) -> Phase {
        match self {
            Operation::None => Phase::Idle,
            Operation::Update(update) => update.phase(),
            Operation::Request(single) => single.phase(),
            Operation::Transfer(transfer) => transfer.phase(),
        }
    }

    #[inline]
    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        match self {
            Operation::None => Poll::Failed(Status::NoOperation.into()),
            Operation::Update(update) => update.poll(talk, now, out),
            Operation::Request(single) => single.poll(talk, now, out),
            Operation::Transfer(transfer) => transfer.poll(talk, now, out),
        }
    }

    #[inline]
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        match self {
            Operation::None => false,
            Operation::Update(update) => update.receive(talk, now, frame),
            Operation::Request(single) => single.receive(talk, now, frame),
            Operation::Transfer(transfer) => transfer.receive(talk, now, frame),
        }
    }

    /// Bytes came that made no frame; `grows`: a frame may come of them.
    pub fn hears(&mut self, talk: &Conversation, now: u64, grows: bool) {
        if let Operation::Update(update) = self {
            update.hears(talk, now, grows);
        }
    }

    pub fn deadline(&self, talk: &Conversation, now: u64) -> u64 {
        match self {
            Operation::None => u64::MAX,
            Operation::Update(update) => update.deadline(talk, now),
            Operation::Request(single) => single.deadline(talk),
            Operation::Transfer(transfer) => transfer.deadline(talk, now),
        }
    }

    /// How long the gateway shall listen behind the last write of a batch; `None` when none is in flight.
    pub fn batch_wait(&self, talk: &Conversation) -> Option<u32> {
        match self {
            Operation::Update(update) => update.batch_wait(talk),
            _ => None,
        }
    }

    /// How many messages of the device may come of what is in flight; `None` where that is what was sent last.
    pub fn expected_answers(&self) -> Option<u32> {
        match self {
            Operation::Update(update) => update.expected_answers(),
            _ => None,
        }
    }

    /// The call that carried what is in flight came back.
    pub fn call_returned(&mut self, talk: &mut Conversation, now: u64) {
        if let Operation::Update(update) = self {
            update.call_returned(talk, now);
        }
    }

    pub fn link_changed(&mut self, talk: &mut Conversation, now: u64, down: bool) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.link_changed(talk, now, down),
            Operation::Request(single) => single.link_changed(now, down),
            Operation::Transfer(transfer) => transfer.link_changed(now, down),
        }
    }

    /// The host slept and woke at `now`.
    pub fn overslept(&mut self, talk: &mut Conversation, now: u64) {
        if let Operation::Update(update) = self {
            update.overslept(talk, now);
        }
    }

    /// The caller goes on at `now` after a pause since `since`.
    pub fn resumed(&mut self, now: u64, since: u64) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.resumed(now, since),
            Operation::Request(single) => single.resumed(now),
            Operation::Transfer(transfer) => transfer.resumed(now),
        }
    }

    /// The first call with a time, `real` by the caller's clock: what is measured from the start is measured from here.
    pub fn start(&mut self, now: u64, real: u64) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.start(now, real),
            Operation::Request(single) => single.start(now),
            Operation::Transfer(transfer) => transfer.start(now),
        }
    }

    pub fn cancel(&mut self, now: u64) {
        match self {
            Operation::None => {}
            Operation::Update(update) => update.cancel(now),
            Operation::Request(single) => single.cancel(),
            Operation::Transfer(transfer) => transfer.cancel(),
        }
    }

    /// How far an upload is.
    #[inline]
    pub fn sent(&self) -> Option<Sent> {
        match self {
            Operation::Update(update) => update.sent(),
            _ => None,
        }
    }

    #[inline]
    pub fn figures(&self, talk: &Conversation) -> Figures {
        match self {
            Operation::Update(update) => update.figures(talk),
            Operation::Transfer(transfer) => transfer.figures(talk),
            _ => Figures { window: talk.limits.window(), ..Figures::default() },
        }
    }

    pub fn result(&self, _talk: &Conversation) -> Option<Value> {
        match self {
            Operation::None => None,
            Operation::Update(update) => update.result(),
            Operation::Request(single) => single.result(),
            Operation::Transfer(transfer) => transfer.result(),
        }
    }

    pub fn failure(&self) -> Option<Failure> {
        match self {
            Operation::None => None,
            Operation::Update(update) => update.failure(),
            Operation::Request(single) => single.failure(),
            Operation::Transfer(transfer) => transfer.failure(),
        }
    }
}

/// A command of the table.
pub(super) fn command(command: Command, talk: &Conversation) -> Operation {
    match command.goal() {
        Some(goal) => Operation::Transfer(Box::new(Transfer::new(goal))),
        None => Operation::Request(Box::new(Single::of_command(command, talk))),
    }
}
