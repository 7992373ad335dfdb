//! Drives a session over a carrier that takes several writes in one call, in virtual time, as a caller would.

// Each program uses a part of this.
#![allow(dead_code)]

use std::sync::Arc;

use smpfota::simulator::{CallProfile, CallWrite, Scenario, VirtualCalls};
use smpfota::{Failure, Firmware, Next, Phase, Session, SessionOptions, UpdateOptions};

/// How a drive ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Done,
    Failed(Failure),
    /// The clock passed the bound.
    Hung,
}

/// Looks at the writes of a call, made in this phase.
pub type LookAt = Box<dyn FnMut(Phase, &[CallWrite])>;

/// Hears what the device says.
pub type Hear = Box<dyn FnMut(&[u8])>;

/// A session, a carrier and the clock between them.
pub struct CallDrive {
    pub session: Session,
    pub calls: VirtualCalls,
    pub now_us: u64,
    /// When the first upload frame left, and when the last answer to one was there.
    pub upload_from_us: Option<u64>,
    pub upload_to_us: u64,
    pub upload_frames: u64,
    pub upload_calls: u64,
    /// Looks at the writes of every call.
    pub on_call: Option<LookAt>,
    /// Looks at everything that is fed.
    pub on_answer: Option<Hear>,
    /// Saves and restores the session in the middle of every call.
    pub restores: bool,
    firmware: Arc<Firmware>,
    buffer: Vec<u8>,
}

impl CallDrive {
    /// With the update already started.
    pub fn update(
        scenario: &Scenario,
        carrier: CallProfile,
        session: SessionOptions,
        update: UpdateOptions,
    ) -> CallDrive {
        let firmware = Arc::new(Firmware::parse(scenario.image()).expect("an image of the simulator"));
        let mut session = Session::open(session).expect("valid options");
        session.start_update(firmware.clone(), update).expect("valid options");
        CallDrive {
            session,
            calls: VirtualCalls::new(carrier, scenario.seed, scenario.build()),
            now_us: 0,
            upload_from_us: None,
            upload_to_us: 0,
            upload_frames: 0,
            upload_calls: 0,
            on_call: None,
            on_answer: None,
            restores: false,
            firmware,
            buffer: vec![0; 65_535],
        }
    }

    /// Everything that the session has to send now, and how many frames that is.
    fn collect(&mut self) -> Result<(Vec<CallWrite>, usize), End> {
        let (mut writes, mut frames) = (Vec::new(), 0);
        loop {
            match self.session.next_frame(self.now_us / 1_000, &mut self.buffer) {
                Ok(Next::Write(length)) => {
                    let bytes = self.buffer[..length].to_vec();
                    // The first piece of a frame has its header.
                    let frame = matches!(bytes.as_slice(), [0x00 | 0x02 | 0x08 | 0x0a, 0, _, _, 0, ..]);
                    let upload = frame && bytes[4..6] == [0, 1] && bytes[7] == 1;
                    frames += usize::from(frame);
                    if upload && self.session.phase() == Phase::Upload {
                        self.upload_frames += 1;
                        self.upload_from_us.get_or_insert(self.now_us);
                    }
                    let delay_us = u64::from(self.session.delay_ms()) * 1_000;
                    writes.push(CallWrite { delay_us, bytes });
                }
                Ok(Next::Wait | Next::LinkReset) => return Ok((writes, frames)),
                Ok(Next::HealthCheck) => {
                    self.session.health(self.now_us / 1_000, true).expect("asked for");
                }
                Ok(Next::Done) => return Err(End::Done),
                Err(failure) => return Err(End::Failed(failure)),
            }
        }
    }

    /// One call.
    pub fn step(&mut self) -> Option<End> {
        let (writes, frames) = match self.collect() {
            Ok(found) => found,
            Err(end) => return Some(end),
        };
        // With nothing to write the call asks for what has arrived.
        let uploads = self.session.phase() == Phase::Upload;
        self.upload_calls += u64::from(uploads);
        let expected = self.session.expected();
        if let Some(look) = &mut self.on_call {
            look(self.session.phase(), &writes);
        }
        if self.restores {
            let mut saved = [0; 512];
            let length = self.session.save(&mut saved).expect("room for every session");
            let restored = Session::restore(&saved[..length], Some(self.firmware.clone()), None);
            self.session = restored.expect("what was saved");
        }
        assert!(expected.answers as usize >= frames.min(1), "somebody answers");
        let back = self.calls.call(
            self.now_us,
            &writes,
            u64::from(expected.wait_ms) * 1_000,
            expected.answers as usize,
        );
        self.now_us = back.at_us;
        let Some(answers) = back.answers else {
            // Nobody knows: the deadline tells when to go on.
            return None;
        };
        for (_, bytes) in answers {
            if uploads {
                self.upload_to_us = self.now_us;
            }
            if let Some(look) = &mut self.on_answer {
                look(&bytes);
            }
            self.session.feed(self.now_us / 1_000, &bytes);
        }
        self.session.call_returned(self.now_us / 1_000);
        None
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
