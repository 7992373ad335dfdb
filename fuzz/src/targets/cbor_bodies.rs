//! The bodies of all responses: each is fed as the answer to the very request it answers.

use smpfota::smp::cbor;
use smpfota::smp::{Header, Op};
use smpfota::update::Listing;
use smpfota::{Command, Next, Session, SessionOptions, UpdateOptions};

use super::super::bytes::Bytes;
use super::super::stub::{respond, samples};

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let choice = bytes.byte();
    let body = bytes.0;
    read(body);
    let names: Vec<_> = super::commands::names();
    match usize::from(choice) {
        0..=9 => update(choice, body),
        10 => request(body),
        other => command(names[other % names.len()], body),
    }
}

/// The reader against an independent one.
fn read(body: &[u8]) {
    let mut entries = 0;
    let ours = cbor::entries(body, |_, _| entries += 1);
    assert!(entries <= body.len());
    assert!(ours.is_ok() || !cbor::is_exact_map(body));
    // The other way round simple values differ: the independent reader knows only those that have a meaning.
    let theirs: Result<ciborium::Value, _> = ciborium::from_reader(body);
    if theirs.is_ok_and(|value| value.is_map()) {
        // The independent reader takes strings in pieces within strings in pieces, which are not well-formed (RFC 8949
        // section 3.2.3).
        let in_pieces = body.iter().filter(|byte| matches!(byte, 0x5f | 0x7f)).count();
        let right = match ours {
            Ok(()) | Err(cbor::CborError::TooDeep) => true,
            Err(cbor::CborError::Malformed) => in_pieces > 1,
            Err(_) => false,
        };
        assert!(right, "{ours:?}");
    }
    if let Ok(listing) = Listing::decode(body) {
        assert!(listing.to_json().to_string().len() <= 64 * body.len() + 1_024);
    }
}

fn answered(session: &mut Session, body: &[u8]) {
    let mut buffer = [0; 600];
    if let Ok(Next::Write(length)) = session.next_frame(0, &mut buffer)
        && let Some(header) = Header::decode(&buffer[..length])
    {
        session.feed(1, &respond(header, body));
        session.feed(2, &respond(header, body));
    }
    let _ = session.next_frame(3, &mut buffer);
    let _ = (session.result(), session.failure(), session.progress(3), session.next_event());
}

fn open() -> Session {
    Session::open(SessionOptions { max_write: 512, ..SessionOptions::default() }).expect("valid options")
}

fn command(name: &str, body: &[u8]) {
    let arguments = super::commands::example(name);
    if let Ok(command) = Command::new(name, &arguments) {
        let mut session = open();
        session.start_command(command).expect("nothing runs");
        answered(&mut session, body);
    }
}

fn request(body: &[u8]) {
    let mut session = open();
    session.start_request(Op::Read, 64, 1, &[]).expect("nothing runs");
    answered(&mut session, body);
}

/// The first `steps` requests of an update are answered well, the next one with the body.
fn update(steps: u8, body: &[u8]) {
    let sample = &samples()[1];
    let mut stub = super::super::stub::Stub::new(sample);
    let mut session = open();
    session.start_update(sample.firmware.clone(), UpdateOptions::default()).expect("nothing runs");
    let mut buffer = [0; 600];
    for step in 0..steps {
        let Ok(Next::Write(length)) = session.next_frame(u64::from(step), &mut buffer) else { continue };
        if let (Some(header), Some(body)) = (Header::decode(&buffer), stub.answer(&buffer[..length])) {
            session.feed(u64::from(step), &respond(header, &body));
        }
    }
    answered(&mut session, body);
}
