//! What stands beside the chunks now and then. It lives only while it lasts: most uploads go without, and a fleet has many.

use super::aside::{Aside, Purpose};
use super::behind::Behind;
use super::probe::Probe;
use super::{Outcome, Poll, Source, Upload};
use crate::conversation::Conversation;
use crate::smp::Frame;

#[derive(Debug, Default)]
pub(super) struct Beside {
    /// An echo that finds out what still passes.
    pub probe: Option<Probe>,
    /// The echo behind the first chunk.
    pub behind: Option<Behind>,
    /// What has to be done before the next chunk of a file, and the request that does it.
    pub errand: Option<Purpose>,
    pub aside: Option<Aside>,
    /// How the upload ended.
    pub outcome: Option<Outcome>,
}

impl Upload {
    /// The place for what comes beside the chunks.
    #[cold]
    pub(super) fn beside(&mut self) -> &mut Beside {
        self.beside.get_or_insert_default()
    }

    /// Gives the place up where nothing is left in it.
    pub(super) fn tidy(&mut self) {
        if let Some(Beside { probe: None, behind: None, errand: None, aside: None, outcome: None }) =
            self.beside.as_deref()
        {
            self.beside = None;
        }
    }

    pub(super) fn probe(&self) -> Option<&Probe> {
        self.beside.as_ref()?.probe.as_ref()
    }

    pub(super) fn behind(&self) -> Option<&Behind> {
        self.beside.as_ref()?.behind.as_ref()
    }

    pub(super) fn has_errand(&self) -> bool {
        self.beside.as_ref().is_some_and(|beside| beside.errand.is_some())
    }

    pub(super) fn aside(&self) -> Option<&Aside> {
        self.beside.as_ref()?.aside.as_ref()
    }

    /// How the upload ended, once it has.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.beside.as_ref()?.outcome.as_ref()
    }

    /// What comes before the next chunk. `None` when it is done.
    #[cold]
    pub(super) fn poll_beside(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        source: &Source<'_>,
        out: &mut [u8],
    ) -> Option<Poll> {
        if self.probe().is_some() {
            return Some(self.poll_probe(talk, now, out));
        }
        while self.has_errand() || self.aside().is_some() {
            if let Some(poll) = self.poll_aside(talk, now, source, out) {
                return Some(poll);
            }
        }
        None
    }

    /// Takes a frame that answers something beside the chunks. Returns whether it did.
    pub(super) fn receive_beside(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> bool {
        let Some(beside) = &mut self.beside else { return false };
        if let Some(probe) = &mut beside.probe
            && let Some(passage) = probe.receive(talk, now, frame)
        {
            self.probe_answered(talk, now, passage);
            return true;
        }
        if let Some(aside) = &mut beside.aside
            && let Some(found) = aside.receive(talk, now, frame)
        {
            if let Some(found) = found {
                self.found(talk, now, found);
            }
            return true;
        }
        self.receive_behind(talk, now, frame)
    }
}
