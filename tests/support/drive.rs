//! Drives a session against a virtual link in virtual time, as a caller would.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::Arc;

use smpfota::simulator::{Scenario, VirtualLink};
use smpfota::{Failure, Firmware, LinkEvent, Next, Phase, Session, SessionOptions, UpdateOptions};

/// So many calls in a row that give no write, at one time and without new bytes, are a hang.
pub const MOST_CALLS_WITHOUT_A_WRITE: u32 = 100;

/// How the caller treats what the session asks of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkControl {
    /// Drops the link and brings it up a second later.
    Obeys,
    /// Cannot: behind a gateway.
    Ignores,
}

/// What becomes of a frame on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    Through,
    Lost,
    Twice,
    /// This arrives instead.
    Changed(Vec<u8>),
    /// A request never arrives; this is the answer to it.
    Answered(Vec<u8>),
}

/// Looks at every whole frame, with the time in milliseconds. Only for raw framing, one frame per write.
pub type Tamper = Box<dyn FnMut(u64, &[u8]) -> Passage>;

/// A session, a link and the clock between them.
pub struct Drive {
    pub session: Session,
    pub link: VirtualLink,
    pub now_us: u64,
    pub control: LinkControl,
    /// Answer to [`Next::HealthCheck`].
    pub healthy: bool,
    /// Whether [`Next::HealthCheck`] is answered at all.
    pub answers_health: bool,
    /// Looks at every frame to the device.
    pub on_request: Option<Tamper>,
    /// Looks at every frame from the device.
    pub on_answer: Option<Tamper>,
    /// The pieces of an answer that is not whole yet.
    partial: Vec<u8>,
    /// Answers that the device never gave, and when they arrive.
    made_up: VecDeque<(u64, Vec<u8>)>,
    /// When the link is to come up again.
    up_at: Option<u64>,
    buffer: Vec<u8>,
    waiting: Option<Vec<u8>>,
    /// Called with every write, before it enters the link.
    pub writes: u64,
    /// The first and the last instant at which an upload frame was on its way.
    pub upload_from_us: Option<u64>,
    pub upload_to_us: u64,
    pub upload_frames: u64,
}

/// How a drive ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Done,
    Failed(Failure),
    /// The clock passed the bound.
    Hung,
}

impl Drive {
    pub fn new(options: SessionOptions, link: VirtualLink) -> Drive {
        Drive {
            session: Session::open(options).expect("valid options"),
            link,
            now_us: 0,
            control: LinkControl::Ignores,
            healthy: true,
            answers_health: true,
            on_request: None,
            on_answer: None,
            partial: Vec::new(),
            made_up: VecDeque::new(),
            up_at: None,
            buffer: vec![0; 65_535],
            waiting: None,
            writes: 0,
            upload_from_us: None,
            upload_to_us: 0,
            upload_frames: 0,
        }
    }

    /// A drive of the scenario with the update already started.
    pub fn update(scenario: &Scenario, session: SessionOptions, update: UpdateOptions) -> Drive {
        let firmware = Firmware::parse(scenario.image()).expect("an image of the simulator");
        let mut drive = Drive::new(session, scenario.build());
        drive.session.start_update(Arc::new(firmware), update).expect("valid options");
        drive
    }

    pub fn now_ms(&self) -> u64 {
        self.now_us / 1_000
    }

    /// Hands over everything the session has to send now. Returns why it stopped, if it is over.
    pub fn send(&mut self) -> Option<End> {
        // A session that never stops sending would be a defect of its own, and so one that says something else than a write
        // for ever.
        let mut others = 0;
        for _ in 0..100_000 {
            if others > MOST_CALLS_WITHOUT_A_WRITE {
                break;
            }
            others += 1;
            match self.session.next_frame(self.now_us / 1_000, &mut self.buffer) {
                Ok(Next::Write(length)) => {
                    self.writes += 1;
                    others = 0;
                    let write = &self.buffer[..length];
                    // After the upload one more such frame asks where the device stands; it is none of the upload.
                    let uploads = self.session.phase() == Phase::Upload;
                    if uploads && write.len() > 8 && write[4..6] == [0, 1] && write[7] == 1 {
                        self.upload_frames += 1;
                        self.upload_from_us.get_or_insert(self.now_us);
                    }
                    let whole = write.len() >= 8
                        && write.len() == 8 + usize::from(u16::from_be_bytes([write[2], write[3]]));
                    let look = self.on_request.as_mut().filter(|_| whole);
                    match look.map(|look| look(self.now_us / 1_000, write)) {
                        None | Some(Passage::Through) => self.link.write(self.now_us, write),
                        Some(Passage::Lost) => {}
                        Some(Passage::Twice) => {
                            self.link.write(self.now_us, write);
                            self.link.write(self.now_us + 1, write);
                        }
                        Some(Passage::Changed(bytes)) => self.link.write(self.now_us, &bytes),
                        Some(Passage::Answered(bytes)) => {
                            self.made_up.push_back((self.now_us + 5_000, bytes));
                        }
                    }
                }
                Ok(Next::Wait) => return None,
                Ok(Next::LinkReset) => self.new_link(),
                Ok(Next::HealthCheck) if !self.answers_health => return None,
                Ok(Next::HealthCheck) => {
                    self.session.health(self.now_us / 1_000, self.healthy).expect("asked for");
                }
                Ok(Next::Done) => return Some(End::Done),
                Err(failure) => return Some(End::Failed(failure)),
            }
        }
        Some(End::Hung)
    }

    /// Drops the link, and brings it up a second later, where the caller can.
    fn new_link(&mut self) {
        if self.control == LinkControl::Obeys && self.up_at.is_none() {
            self.link.set_link(self.now_us, false);
            self.session.link(self.now_us / 1_000, LinkEvent::Down);
            self.up_at = Some(self.now_us + 1_000_000);
        }
    }

    /// Takes everything that has arrived.
    pub fn receive(&mut self) {
        while let Some(bytes) = self.waiting.take().or_else(|| self.link.read(self.now_us)) {
            let uploads = self.session.phase() == Phase::Upload;
            if uploads && bytes.len() > 8 && bytes[4..6] == [0, 1] && bytes[7] == 1 {
                self.upload_to_us = self.now_us;
            }
            self.feed(bytes);
        }
        while self.made_up.front().is_some_and(|(at, _)| *at <= self.now_us) {
            if let Some((_, bytes)) = self.made_up.pop_front() {
                self.session.feed(self.now_us / 1_000, &bytes);
            }
        }
    }

    /// Takes one piece of what has arrived, as the carrier delivers it, without giving it to the session.
    pub fn take_piece(&mut self) -> Option<Vec<u8>> {
        self.waiting.take().or_else(|| self.link.read(self.now_us))
    }

    fn feed(&mut self, bytes: Vec<u8>) {
        let Some(look) = &mut self.on_answer else {
            return self.session.feed(self.now_us / 1_000, &bytes);
        };
        self.partial.extend_from_slice(&bytes);
        while self.partial.len() >= 8 {
            let length = 8 + usize::from(u16::from_be_bytes([self.partial[2], self.partial[3]]));
            if self.partial.len() < length {
                break;
            }
            let rest = self.partial.split_off(length);
            let frame = std::mem::replace(&mut self.partial, rest);
            let copies = match look(self.now_us / 1_000, &frame) {
                Passage::Through => vec![frame],
                Passage::Lost => vec![],
                Passage::Twice => vec![frame.clone(), frame],
                Passage::Changed(bytes) | Passage::Answered(bytes) => vec![bytes],
            };
            for copy in copies {
                self.session.feed(self.now_us / 1_000, &copy);
            }
        }
    }

    /// Sends, and sleeps until bytes arrive, the deadline passes or the link comes up, as a worker between two messages does.
    /// What arrived waits for [`Drive::receive`].
    pub fn send_and_sleep(&mut self) -> Option<End> {
        if let Some(end) = self.send() {
            return Some(end);
        }
        loop {
            let deadline = self.session.deadline().map(|ms| ms.saturating_mul(1_000));
            let up_at = self.up_at;
            if self.advance().is_none() {
                return Some(End::Hung);
            }
            if let Some(bytes) = self.link.read(self.now_us) {
                self.waiting = Some(bytes);
                return None;
            }
            if deadline.is_some_and(|at| at <= self.now_us) || up_at.is_some_and(|at| at <= self.now_us) {
                return None;
            }
        }
    }

    /// Lets time pass in which nobody listens: what arrives is lost.
    pub fn lose(&mut self, ms: u64) {
        let until = self.now_us + ms * 1_000;
        while let Some(at) = self.link.next_event().filter(|at| *at <= until) {
            self.now_us = self.now_us.max(at);
            while self.link.read(self.now_us).is_some() {}
        }
        self.now_us = until;
    }

    /// Until one write is on its way, or the end. Whatever has to be waited for is waited for.
    pub fn one_write(&mut self, bound_ms: u64) -> Option<End> {
        while self.now_ms() < bound_ms {
            match self.session.next_frame(self.now_us / 1_000, &mut self.buffer) {
                Ok(Next::Write(length)) => {
                    self.writes += 1;
                    self.link.write(self.now_us, &self.buffer[..length]);
                    return None;
                }
                Ok(Next::Done) => return Some(End::Done),
                Err(failure) => return Some(End::Failed(failure)),
                Ok(Next::LinkReset) => self.new_link(),
                Ok(Next::HealthCheck) if self.answers_health => {
                    self.session.health(self.now_us / 1_000, self.healthy).expect("asked for");
                }
                Ok(_) => {
                    self.advance()?;
                    self.receive();
                }
            }
        }
        Some(End::Hung)
    }

    /// One round: send, go to the next instant at which something happens, take what has arrived.
    pub fn step(&mut self) -> Option<End> {
        let end = self.step_without_receiving();
        if end.is_none() {
            self.receive();
        }
        end
    }

    /// Sends, and goes to the next instant at which something happens.
    pub fn step_without_receiving(&mut self) -> Option<End> {
        if let Some(end) = self.send() {
            return Some(end);
        }
        self.advance().map_or(Some(End::Hung), |()| None)
    }

    /// Goes to the next instant at which something happens; `None` when nothing ever will.
    fn advance(&mut self) -> Option<()> {
        let deadline = self.session.deadline().map(|ms| ms.saturating_mul(1_000));
        let next = [deadline, self.link.next_event(), self.up_at, self.made_up.front().map(|(at, _)| *at)]
            .into_iter()
            .flatten()
            .min();
        let next = next?;
        // A deadline in whole milliseconds may lie before now; time never goes back.
        self.now_us = next.max(self.now_us + u64::from(deadline == Some(next) && next <= self.now_us));
        if self.up_at.is_some_and(|at| at <= self.now_us) {
            self.up_at = None;
            self.link.set_link(self.now_us, true);
            self.session.link(self.now_us / 1_000, LinkEvent::Up);
        }
        Some(())
    }

    /// Lets time pass, whether anything happens or not.
    pub fn idle(&mut self, ms: u64) -> Option<End> {
        let until = self.now_us + ms * 1_000;
        loop {
            if let Some(end) = self.send() {
                return Some(end);
            }
            let deadline = self.session.deadline().map(|ms| ms.saturating_mul(1_000));
            let made_up = self.made_up.front().map(|(at, _)| *at);
            let next = [deadline, self.link.next_event(), made_up].into_iter().flatten().min();
            let next = next.unwrap_or(until).max(self.now_us + 1);
            self.now_us = next.min(until);
            self.receive();
            if self.now_us >= until {
                return None;
            }
        }
    }

    /// Until the session enters this phase.
    pub fn run_to(&mut self, phase: Phase) -> Option<End> {
        while self.session.phase() != phase {
            let end = self.step();
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// Drops the link, or brings it up, and says so.
    pub fn set_link(&mut self, up: bool) {
        self.partial.clear();
        self.link.set_link(self.now_us, up);
        self.session.link(self.now_us / 1_000, if up { LinkEvent::Up } else { LinkEvent::Down });
    }

    /// Until the operation ends, or the clock passes `bound_ms`.
    pub fn run(&mut self, bound_ms: u64) -> End {
        loop {
            if let Some(end) = self.step() {
                return end;
            }
            if self.now_us / 1_000 > bound_ms {
                return End::Hung;
            }
        }
    }
}
