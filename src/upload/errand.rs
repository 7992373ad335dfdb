//! What an upload to a file has to ask or do beside its chunks.

use super::aside::{Aside, Found, Purpose};
use super::{Destination, MOST_RESTARTS, Outcome, Poll, Source, Upload, refusal};
use crate::conversation::{Conversation, request};

impl Upload {
    /// Does what has to be done before the next chunk. `None` when it is done.
    pub(super) fn poll_aside(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        out: &mut [u8],
    ) -> Option<Poll> {
        let beside = self.beside.as_mut()?;
        if let Some(errand) = beside.errand.take() {
            let Destination::File { name } = source.destination else { return None };
            self.flight.give_up_all();
            beside.aside = Some(Aside::new(errand, name));
        }
        let aside = beside.aside.as_mut()?;
        match aside.poll(talk, now, out) {
            request::Poll::Send(length) => Some(Poll::Send(length)),
            request::Poll::Wait => Some(Poll::Wait),
            request::Poll::Expired => {
                let found = aside.unanswered();
                self.found(talk, now, found);
                self.outcome().map(|outcome| Poll::Ended(outcome.clone()))
            }
        }
    }

    /// Whether a file cannot end at `off` by any chunk that was sent: then a first chunk was counted twice (see `aside`), and
    /// what the device has is not what it was sent, even where the lengths agree.
    pub(super) fn is_impossible(&self, off: u32) -> bool {
        off > self.acknowledged && !self.flight.ended_at(off, self.generation)
    }

    pub(super) fn found(&mut self, talk: &mut Conversation, now: u64, found: Found) {
        self.beside().aside = None;
        self.tidy();
        self.active_at = now;
        let (length, question) = match found {
            Found::Closed => return,
            Found::ClosedFor(question) => return self.beside().errand = Some(Purpose::Locate(question)),
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
}
