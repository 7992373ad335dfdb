//! What the tests of commands share: a wire in virtual time, and the loop that drives a session over it.

#![allow(dead_code)]

pub mod device;
pub mod file_server;

use serde_json::Value;
use smpfota::smp::{Frame, Header};
use smpfota::{Command, Failure, Next, Session, SessionOptions};

/// A device at the other end of the wire: takes one write, gives the answers.
pub trait Peer {
    fn take(&mut self, now_ms: u64, bytes: &[u8]) -> Vec<Vec<u8>>;
}

impl<F: FnMut(u64, &[u8]) -> Vec<Vec<u8>>> Peer for F {
    fn take(&mut self, now_ms: u64, bytes: &[u8]) -> Vec<Vec<u8>> {
        self(now_ms, bytes)
    }
}

/// Delay, loss and duplication, the same each way, from a seed.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub delay_ms: u64,
    pub loss_percent: u32,
    pub duplicate_percent: u32,
    pub seed: u64,
}

impl Wire {
    pub const CLEAN: Wire = Wire { delay_ms: 30, loss_percent: 0, duplicate_percent: 0, seed: 1 };
}

struct Random(u64);

impl Random {
    fn percent(&mut self) -> u32 {
        // xorshift64*, plenty for tests.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as u32 % 100
    }
}

/// What a run came to.
pub struct Run {
    pub result: Result<Value, Failure>,
    pub ms: u64,
    pub writes: u32,
}

/// Drives the session until its operation ends; the virtual time is bounded, so a hang is a failure.
pub fn drive(session: &mut Session, wire: Wire, peer: &mut dyn Peer) -> Run {
    drive_from(session, 0, wire, peer)
}

/// As [`drive`], from a later time on, for a second operation on the same session.
pub fn drive_from(session: &mut Session, start: u64, wire: Wire, peer: &mut dyn Peer) -> Run {
    const LONGEST: u64 = 3_600_000;
    let mut random = Random(wire.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut now = start;
    let mut writes = 0;
    // Both ways in the order of arrival; FIFO, since every delay is the same.
    let mut toward: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut back: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut copies = move || {
        let lost = random.percent() < wire.loss_percent;
        let twice = random.percent() < wire.duplicate_percent;
        if lost { 0 } else { 1 + usize::from(twice) }
    };
    let mut buffer = vec![0; session.buffer_len().max(70_000)];
    loop {
        loop {
            match session.next_frame(now, &mut buffer) {
                Ok(Next::Write(length)) => {
                    writes += 1;
                    for _ in 0..copies() {
                        toward.push((now + wire.delay_ms, buffer[..length].to_vec()));
                    }
                }
                Ok(Next::Done) => {
                    let result = Ok(session.result().expect("an operation that is done has a result"));
                    return Run { result, ms: now - start, writes };
                }
                Ok(Next::Wait) => break,
                Ok(_) => {}
                Err(failure) => return Run { result: Err(failure), ms: now - start, writes },
            }
        }
        let deadline = session.deadline().expect("a running operation has a deadline");
        let arrival = toward.iter().chain(&back).map(|(at, _)| *at).min();
        now = now.max(arrival.map_or(deadline, |at| at.min(deadline)));
        assert!(now < start + LONGEST, "the operation did not end in an hour");
        while toward.first().is_some_and(|(at, _)| *at <= now) {
            let (_, bytes) = toward.remove(0);
            for answer in peer.take(now, &bytes) {
                for _ in 0..copies() {
                    back.push((now + wire.delay_ms, answer.clone()));
                }
            }
        }
        while back.first().is_some_and(|(at, _)| *at <= now) {
            let (_, bytes) = back.remove(0);
            session.feed(now, &bytes);
        }
    }
}

/// Runs one command on a new session.
pub fn run(name: &str, arguments: Value, options: SessionOptions, wire: Wire, peer: &mut dyn Peer) -> Run {
    let mut session = Session::open(options).expect("good options");
    session
        .start_command(Command::new(name, &arguments).expect("good arguments"))
        .expect("nothing else runs");
    drive(&mut session, wire, peer)
}

/// The answer to a request frame, with this body.
pub fn answer(request: &[u8], body: &[u8]) -> Vec<u8> {
    let header = Header::decode(request).expect("a request");
    let header = Header { op: header.op.response(), length: body.len() as u16, ..header };
    [&header.encode()[..], body].concat()
}

/// The request in a write.
pub fn request(bytes: &[u8]) -> Frame<'_> {
    Frame::split_first(bytes).expect("one whole frame").0
}

/// CBOR of a value built with [`ciborium::cbor!`].
pub fn cbor(value: &ciborium::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("it can be written");
    bytes
}
