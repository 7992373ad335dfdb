//! An echo that finds out what still passes when chunks go unanswered.
//!
//! First an echo of just the size of the frames that vanish: if it comes back, size is not the cause. Then a small one: if it
//! comes back, large frames are lost on the way; if not, the link or the server is gone. A short frame also clears a server
//! that waits for the rest of a frame that was cut (Zephyr's BLE reassembly drops on overflow and has no timeout).

use crate::conversation::Conversation;
use crate::conversation::request::{self, Match, Patience, Request};
use crate::smp::cbor::Writer;
use crate::smp::error::rc;
use crate::smp::header::HEADER_LEN;
use crate::smp::{Frame, Op, group};

pub(crate) enum Poll {
    Send(usize),
    Wait,
    /// Nothing passes.
    Nothing,
}

/// How the echo came to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Whole,
    Cut,
}

/// Two echoes, the large one first.
#[derive(Debug)]
pub(crate) struct Probe {
    echo: Request,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    FullSize,
    /// With what became of an echo of full size before: `true` if it went unanswered.
    Small(bool),
    /// Of a larger frame than those in use.
    Growth(u32),
}

/// The echo request whose frame has exactly `frame` bytes, or as near as CBOR allows.
pub(crate) fn echo_of(frame: u32, patience: Patience) -> Request {
    let room = (frame as usize).saturating_sub(HEADER_LEN + 3).max(1);
    let text = match room {
        0..=24 => room - 1,
        25..=257 => room - 2,
        _ => room - 3,
    };
    // 0xff cannot stand in text, so binary safety is for the chunks themselves to show.
    let text = "#".repeat(text);
    let mut body = vec![0; text.len() + 8];
    let mut writer = Writer::new(&mut body);
    writer.map(1).text("d").text(&text);
    let length = writer.finish().unwrap_or(0);
    body.truncate(length);
    Request::new(Op::Write, group::OS, group::os::ECHO, body, patience)
}

impl Probe {
    /// With `size_passed` frames of this size were answered before, so the small echo alone tells what matters.
    pub fn new(talk: &Conversation, frame: u32, size_passed: bool) -> Probe {
        if size_passed {
            Probe::small(false)
        } else {
            Probe { echo: echo_of(frame, patience(talk, 3)), kind: Kind::FullSize }
        }
    }

    /// An echo that finds out whether frames of this larger size pass.
    pub fn of_growth(talk: &Conversation, frame: u32) -> Probe {
        Probe { echo: echo_of(frame, patience(talk, 1)), kind: Kind::Growth(frame) }
    }

    fn small(tried: bool) -> Probe {
        let echo = echo_of(20, Patience { floor_ms: 2_000, attempts: 2 });
        Probe { echo, kind: Kind::Small(tried) }
    }

    pub fn deadline(&self) -> u64 {
        self.echo.deadline()
    }

    pub fn is_full_size(&self) -> bool {
        self.kind == Kind::FullSize
    }

    /// Whether an echo of full size went unanswered.
    pub fn tried_full_size(&self) -> bool {
        self.kind == Kind::Small(true)
    }

    /// The larger frame that the echo tests.
    pub fn tests_growth(&self) -> Option<u32> {
        match self.kind {
            Kind::Growth(frame) => Some(frame),
            _ => None,
        }
    }

    pub fn poll(&mut self, talk: &mut Conversation, now: u64, out: &mut [u8]) -> Poll {
        loop {
            match self.echo.poll(talk, now, out) {
                request::Poll::Send(length) => return Poll::Send(length),
                request::Poll::Wait => return Poll::Wait,
                request::Poll::Expired if self.kind == Kind::FullSize => *self = Probe::small(true),
                request::Poll::Expired => return Poll::Nothing,
            }
        }
    }

    /// What the frame tells, if it answers the echo. An error answer shows just as well that frames pass, unless it says that the echo came
    /// cut: a frame longer than the device's buffers (Zephyr `smp.c` answers `MGMT_ERR_ECORRUPT`).
    pub fn receive(&mut self, talk: &mut Conversation, now: u64, frame: &Frame<'_>) -> Option<Passage> {
        match self.echo.receive(talk, now, frame) {
            Some(Match::Answer(Some(error))) if error.is_common(rc::CORRUPT) => Some(Passage::Cut),
            Some(Match::Answer(_)) => Some(Passage::Whole),
            _ => None,
        }
    }
}

fn patience(talk: &Conversation, attempts: u32) -> Patience {
    Patience { floor_ms: talk.options.timeout_ms.max(2_000), attempts }
}
