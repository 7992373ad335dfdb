//! What a carrier needs that takes several writes in one call, as an IoT Hub direct method does.
//!
//! With [`SessionOptions::batch_frames`](crate::SessionOptions) set, all writes that [`Session::next_frame`] gives until it says
//! [`Next::Wait`](crate::Next::Wait) go into one call. Each shall leave [`Session::delay_ms`] after the one before it.
//! [`Session::expected`] tells the gateway when to come back; what it heard is fed, and [`Session::call_returned`] says that
//! nothing more comes of this call.

use super::Session;

/// When the gateway shall come back from a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// As soon as it has heard so many messages of the device.
    pub answers: u32,
    /// At the latest this many milliseconds after its last write.
    pub wait_ms: u32,
}

impl Session {
    /// How long after the write before it the write that [`Session::next_frame`] gave last shall leave, in milliseconds, where both
    /// go in one call; 0 for the first one and for the pieces of one frame.
    pub fn delay_ms(&self) -> u32 {
        u32::from(self.talk.delay_ms)
    }

    /// What the call is to bring that carries the writes since the last [`Next::Wait`](crate::Next::Wait) but one.
    pub fn expected(&self) -> Expected {
        let wait = match self.operation.batch_wait(&self.talk) {
            Some(wait_ms) => wait_ms,
            None => {
                let wait = self.due().unwrap_or(self.now).saturating_sub(self.now);
                u32::try_from(wait).unwrap_or(u32::MAX)
            }
        };
        Expected {
            answers: self.operation.expected_answers().unwrap_or(u32::from(self.talk.handed)),
            wait_ms: wait,
        }
    }

    /// The call came back, and what it brought was fed: what is unanswered by now will not be answered any more.
    ///
    /// Not to be said of a call whose outcome nobody knows. Without it the session goes on when its deadline passes; outside of
    /// batches it changes nothing.
    /// Nor does it at a time that [`Session::check_time`] refuses.
    pub fn call_returned(&mut self, now_ms: u64) {
        if self.check_time(now_ms).is_err() {
            return;
        }
        let now = self.clock(now_ms);
        self.operation.call_returned(&mut self.talk, now);
    }
}
