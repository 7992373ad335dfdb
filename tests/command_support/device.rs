//! A session with a virtual device on a wire that takes no time and loses nothing.

use serde_json::Value;
use smpfota::simulator::VirtualDevice;
use smpfota::smp::Op;
use smpfota::{Command, Failure, Next, Session, SessionOptions};

pub struct Bench {
    pub session: Session,
    pub device: VirtualDevice,
    pub now_us: u64,
}

impl Bench {
    pub fn new(options: SessionOptions, device: VirtualDevice) -> Bench {
        Bench { session: Session::open(options).expect("good options"), device, now_us: 0 }
    }

    /// Runs one command to its end.
    pub fn run(&mut self, name: &str, arguments: Value) -> Result<Value, Failure> {
        let command = Command::new(name, &arguments)?;
        self.session.start_command(command).expect("nothing else runs");
        self.drive(name)
    }

    /// Sends one request of any group.
    pub fn request(&mut self, op: Op, group: u16, command: u8, body: &[u8]) -> Result<Value, Failure> {
        self.session.start_request(op, group, command, body)?;
        self.drive("a request")
    }

    fn drive(&mut self, name: &str) -> Result<Value, Failure> {
        let limit = self.now_us + 3_600_000_000;
        let mut buffer = vec![0; self.session.buffer_len().max(4_096)];
        loop {
            match self.session.next_frame(self.now_us / 1_000, &mut buffer)? {
                Next::Write(length) => {
                    self.device.write(self.now_us, &buffer[..length]);
                    continue;
                }
                Next::Done => return Ok(self.session.result().expect("a result")),
                _ => {}
            }
            if let Some(bytes) = self.device.poll(self.now_us) {
                self.session.feed(self.now_us / 1_000, &bytes);
                continue;
            }
            let deadline = self.session.deadline().expect("a running operation has a deadline") * 1_000;
            let next = self.device.next_event().map_or(deadline, |at| at.min(deadline));
            self.now_us = self.now_us.max(next);
            assert!(self.now_us < limit, "{name} did not end in an hour");
        }
    }

    /// Lets time pass, as between two commands of a caller.
    pub fn wait(&mut self, ms: u64) {
        self.now_us += ms * 1_000;
        while let Some(bytes) = self.device.poll(self.now_us) {
            self.session.feed(self.now_us / 1_000, &bytes);
        }
    }
}
