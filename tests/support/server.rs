//! Drives a session against a virtual device whose answers a test may change: for servers that misbehave in ways that the
//! virtual device does not know.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::Arc;

use smpfota::simulator::{DeviceOptions, DeviceProfile, VirtualDevice, image};
use smpfota::{Firmware, LinkEvent, Next, Reassembly, Session, SessionOptions, UpdateOptions};

use super::drive::End;

/// The way there and the way back, each in milliseconds.
const WAY_MS: u64 = 30;

/// A session, a device without a link, and the clock.
pub struct ServerDrive {
    pub session: Session,
    pub device: VirtualDevice,
    /// The caller reports the link as down and up again this often.
    pub relink_every_ms: Option<u64>,
    now_ms: u64,
    /// When a request reaches the device.
    down: VecDeque<(u64, Vec<u8>)>,
    /// When an answer reaches the session.
    up: VecDeque<(u64, Vec<u8>)>,
    /// The latest request of each sequence number.
    requests: Vec<Vec<u8>>,
}

impl ServerDrive {
    /// With the update to version 1.1.0 already started.
    pub fn new(options: UpdateOptions, image_size: usize) -> ServerDrive {
        // One write is one frame here.
        let session_options = SessionOptions { reassembly: Reassembly::No, ..SessionOptions::default() };
        let mut session = Session::open(session_options).expect("valid options");
        let firmware = Firmware::parse(image::make((1, 1, 0), image_size, 5)).expect("an image");
        session.start_update(Arc::new(firmware), options).expect("valid options");
        ServerDrive {
            session,
            device: VirtualDevice::new(DeviceOptions::new(DeviceProfile::Zephyr44)),
            relink_every_ms: None,
            now_ms: 0,
            down: VecDeque::new(),
            up: VecDeque::new(),
            requests: vec![Vec::new(); 256],
        }
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The body of the image list as it is now.
    pub fn image_list(&self) -> Vec<u8> {
        let mut device = self.device.clone();
        device.write(0, &[8, 0, 0, 1, 0, 1, 0, 0, 0xa0]);
        device.poll(60_000_000).expect("an answer")[8..].to_vec()
    }

    /// Until the end. `change` gets each request and the device's answer to it, and says what is answered instead.
    pub fn run(&mut self, bound_ms: u64, mut change: impl FnMut(&[u8], Vec<u8>) -> Option<Vec<u8>>) -> End {
        let mut buffer = vec![0; 1_024];
        let mut relink_at = self.relink_every_ms;
        loop {
            for _ in 0..1_000 {
                match self.session.next_frame(self.now_ms, &mut buffer) {
                    Ok(Next::Write(length)) => {
                        self.down.push_back((self.now_ms + WAY_MS, buffer[..length].to_vec()));
                    }
                    Ok(Next::Done) => return End::Done,
                    Ok(_) => break,
                    Err(failure) => return End::Failed(failure),
                }
            }
            let next = [
                self.session.deadline(),
                self.down.front().map(|(at, _)| *at),
                self.up.front().map(|(at, _)| *at),
                self.device.next_event().map(|us| us.div_ceil(1_000)),
                relink_at,
            ];
            let Some(next) = next.into_iter().flatten().min() else { return End::Hung };
            self.now_ms = next.max(self.now_ms + u64::from(next <= self.now_ms));
            if self.now_ms > bound_ms {
                return End::Hung;
            }
            if relink_at.is_some_and(|at| at <= self.now_ms) {
                self.session.link(self.now_ms, LinkEvent::Down);
                self.session.link(self.now_ms, LinkEvent::Up);
                relink_at = self.relink_every_ms.map(|every| self.now_ms + every);
            }
            while self.down.front().is_some_and(|(at, _)| *at <= self.now_ms) {
                let Some((_, request)) = self.down.pop_front() else { break };
                self.device.write(self.now_ms * 1_000, &request);
                let sequence = usize::from(request[6]);
                self.requests[sequence] = request;
            }
            while let Some(answer) = self.device.poll(self.now_ms * 1_000) {
                let request = &self.requests[usize::from(answer[6])];
                if let Some(answer) = change(request, answer) {
                    self.up.push_back((self.now_ms + WAY_MS, answer));
                }
            }
            while self.up.front().is_some_and(|(at, _)| *at <= self.now_ms) {
                let Some((_, answer)) = self.up.pop_front() else { break };
                self.session.feed(self.now_ms, &answer);
            }
        }
    }
}

/// The number behind `off`, in a request or an answer.
pub fn offset(frame: &[u8]) -> Option<u32> {
    let value: ciborium::Value = ciborium::from_reader(frame.get(8..)?).ok()?;
    let (_, off) = value.into_map().ok()?.into_iter().find(|(key, _)| key.as_text() == Some("off"))?;
    u32::try_from(off.as_integer()?).ok()
}

/// Frames by hand.
pub mod frame {
    pub fn is_upload(frame: &[u8]) -> bool {
        frame[4..6] == [0, 1] && frame[7] == 1
    }

    pub fn is_image_list(frame: &[u8]) -> bool {
        frame[0] & 7 == 0 && frame[4..6] == [0, 1] && frame[7] == 0
    }

    /// The answer to a request with this body.
    pub fn answer(request: &[u8], body: &[u8]) -> Vec<u8> {
        let mut frame = request[..8].to_vec();
        frame[0] |= 1;
        frame[2..4].copy_from_slice(&(body.len() as u16).to_be_bytes());
        frame.extend_from_slice(body);
        frame
    }

    pub fn upload_answer(request: &[u8], off: u32) -> Vec<u8> {
        let mut body = b"\xbf\x62rc\x00\x63off\x1a".to_vec();
        body.extend_from_slice(&off.to_be_bytes());
        body.push(0xff);
        answer(request, &body)
    }
}
