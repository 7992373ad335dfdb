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
        let firmware = Firmware::parse(scenario.image()).expect("an image of the simulator");
        let mut session = Session::open(session).expect("valid options");
        session.start_update(Arc::new(firmware), update).expect("valid options");
        CallDrive {
            session,
            calls: VirtualCalls::new(carrier, scenario.seed, scenario.build()),
            now_us: 0,
            upload_from_us: None,
            upload_to_us: 0,
            upload_frames: 0,
            upload_calls: 0,
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
                    writes.push(CallWrite { delay_us: 0, bytes });
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

    /// One call, or a wait for the deadline when there is nothing to send.
    pub fn step(&mut self) -> Option<End> {
        let (writes, frames) = match self.collect() {
            Ok(found) => found,
            Err(end) => return Some(end),
        };
        let deadline = self.session.deadline().map_or(self.now_us, |ms| ms.saturating_mul(1_000));
        if writes.is_empty() {
            self.now_us = deadline.max(self.now_us + 1_000);
            return None;
        }
        let uploads = self.session.phase() == Phase::Upload;
        self.upload_calls += u64::from(uploads);
        let wait = deadline.saturating_sub(self.now_us);
        let back = self.calls.call(self.now_us, &writes, wait, frames);
        self.now_us = back.at_us;
        for (_, bytes) in back.answers.into_iter().flatten() {
            if uploads {
                self.upload_to_us = self.now_us;
            }
            self.session.feed(self.now_us / 1_000, &bytes);
        }
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
