//! Snapshots: any bytes, bytes with a checksum that fits, and snapshots of real sessions with changes in them.

use smpfota::snapshot::MAX_LEN;
use smpfota::{Session, SessionOptions, UpdateOptions};

use super::super::bytes::Bytes;
use super::super::checked::{Checked, Pumped};
use super::super::script::session_options;
use super::super::stub::{Stub, respond, samples};
use smpfota::smp::Header;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let style = bytes.byte();
    let snapshot = match style & 3 {
        0 => bytes.0.to_vec(),
        1 => sealed([b"SMPF", bytes.0].concat()),
        _ => changed(&mut bytes),
    };
    let sample = &samples()[usize::from(style >> 2 & 1)];
    let options = (style & 8 != 0).then(SessionOptions::default);
    match Session::restore(&snapshot, (style & 16 == 0).then(|| sample.firmware.clone()), options) {
        Ok(session) => {
            // What was accepted can be saved, and saves as what it is.
            let first = session.snapshot().expect("room");
            assert!(first.len() <= MAX_LEN);
            let again = Session::restore(&first, Some(sample.firmware.clone()), None).expect("our own");
            assert_eq!(first, again.snapshot().expect("room"));
            go_on(session);
        }
        Err(failure) => assert!(failure.status.number() < 0 && failure.sentence.len() < 2_000, "{failure:?}"),
    }
}

fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&content);
    content.extend(checksum.to_le_bytes());
    content
}

/// A restored session runs to an end, whatever was in the snapshot.
fn go_on(mut session: Session) {
    let mut buffer = vec![0; 65_535];
    let mut now = 0;
    // Limits of a day are allowed, and a device that is away is asked every few seconds.
    for _ in 0..300_000 {
        match session.next_frame(now, &mut buffer) {
            Ok(smpfota::Next::Write(length)) => assert!(length <= session.buffer_len()),
            Ok(smpfota::Next::Done) | Err(_) => return,
            Ok(_) => now = session.deadline().expect("a running operation").max(now),
        }
    }
    panic!("a restored session that nobody answers does not end by {now} ms");
}

/// The snapshot of an update after some steps, with some bytes replaced.
fn changed(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let options = session_options(bytes);
    let sample = &samples()[usize::from(bytes.byte() & 1)];
    let Some(mut checked) = Checked::open(options) else { return Vec::new() };
    let mut stub = Stub::new(sample);
    checked.session.start_update(sample.firmware.clone(), UpdateOptions::default()).expect("nothing runs");
    checked.started(&sample.bytes, &sample.hash);
    for _ in 0..bytes.byte() % 32 {
        if !checked.is_running() || matches!(checked.pump(checked.now), Pumped::Done | Pumped::Failed(_)) {
            break;
        }
        if checked.frames.is_empty() {
            checked.reach_deadline();
            continue;
        }
        let request = checked.frames.remove(0);
        if let (Some(header), Some(body)) = (Header::decode(&request), stub.answer(&request)) {
            let mut frame = Vec::new();
            if options.framing == smpfota::Framing::Serial {
                smpfota::smp::console::encode(&respond(header, &body), &mut frame);
            } else {
                frame = respond(header, &body);
            }
            checked.feed(checked.now, &frame);
        }
    }
    let mut content = checked.session.snapshot().expect("room");
    content.truncate(content.len() - 4);
    while !bytes.is_empty() {
        let at = usize::from(bytes.u16()) % content.len();
        content[at] ^= bytes.byte();
    }
    sealed(content)
}
