//! What every test of the update needs: both kinds of device, frames taken apart and made up, ends looked into.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ciborium::Value;
use smpfota::simulator::{DeviceProfile, LinkKind, Scenario, image};
use smpfota::{Failure, Finding, Firmware, SessionOptions, Status, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End, Passage, Tamper};

/// More virtual time than any update may take.
pub const BOUND_MS: u64 = 4 * 3_600_000;

/// A quiet link in front of a device that runs 1.0.0, and a 1.1.0 of 6,000 bytes.
pub fn scenario(profile: DeviceProfile) -> Scenario {
    Scenario::new(LinkKind::None).profile(profile).image_size(6_000)
}

/// Runs a test against both kinds of server.
pub fn each(test: impl Fn(Scenario)) {
    for profile in DeviceProfile::ALL {
        println!("--- {}", profile.name());
        test(scenario(*profile));
    }
}

pub fn is_old(scenario: &Scenario) -> bool {
    scenario.device.profile == DeviceProfile::Ncs21
}

pub fn mode(mode: UpdateMode) -> UpdateOptions {
    UpdateOptions { mode, ..UpdateOptions::default() }
}

/// An update of the scenario's image with these options, ready to run.
pub fn start(scenario: &Scenario, options: UpdateOptions) -> Drive {
    Drive::update(scenario, SessionOptions::default(), options)
}

/// An update with a file of its own.
pub fn start_with(scenario: &Scenario, file: Vec<u8>, options: UpdateOptions) -> Drive {
    let mut drive = Drive::new(SessionOptions::default(), scenario.build());
    again(&mut drive, file, options);
    drive
}

/// Starts another update on the session of a drive.
pub fn again(drive: &mut Drive, file: Vec<u8>, options: UpdateOptions) {
    let firmware = Firmware::parse(file).expect("a file that can be installed");
    drive.session.start_update(Arc::new(firmware), options).expect("valid options");
}

/// Runs to a good end and gives the result.
#[track_caller]
pub fn succeeds(drive: &mut Drive) -> serde_json::Value {
    match drive.run(drive.now_ms() + BOUND_MS) {
        End::Done => drive.session.result().expect("a result"),
        End::Failed(failure) => {
            panic!("{}: {}\n{:#}", failure.status.name(), failure.sentence, drive.link.describe())
        }
        End::Hung => panic!("hung in {:?}\n{:#}", drive.session.phase(), drive.link.describe()),
    }
}

/// Runs to a failure of this status whose sentence holds these words.
#[track_caller]
pub fn fails(drive: &mut Drive, status: Status, words: &[&str]) -> Failure {
    let end = drive.run(drive.now_ms() + BOUND_MS);
    failed(drive, end, status, words)
}

#[track_caller]
pub fn failed(drive: &Drive, end: End, status: Status, words: &[&str]) -> Failure {
    let failure = match end {
        End::Failed(failure) => failure,
        other => panic!("{other:?} instead of {}: {:?}", status.name(), drive.session.result()),
    };
    println!("{}: {}", failure.status.name(), failure.sentence);
    assert_eq!(failure.status, status, "{}", failure.sentence);
    for word in words {
        assert!(failure.sentence.contains(word), "{word:?} is missing in {:?}", failure.sentence);
    }
    assert!(failure.sentence.ends_with('.') && failure.sentence.len() < 700, "{:?}", failure.sentence);
    assert_eq!(drive.session.failure().as_ref(), Some(&failure), "the failure stays");
    failure
}

#[track_caller]
pub fn fails_with(drive: &mut Drive, status: Status, finding: Finding, words: &[&str]) -> Failure {
    let failure = fails(drive, status, words);
    assert_eq!(failure.finding, finding, "{}", failure.sentence);
    failure
}

/// Version, "active" and "confirmed" of every slot of the device, as `image/slot version flags`.
pub fn slots(drive: &mut Drive) -> Vec<String> {
    let flag = |on, letter| if on { letter } else { "" };
    drive
        .link
        .device_mut()
        .slots()
        .iter()
        .map(|slot| {
            format!(
                "{}/{} {} {}{}{}{}{}",
                slot.image,
                slot.slot,
                slot.version,
                flag(slot.flags.active, "A"),
                flag(slot.flags.confirmed, "C"),
                flag(slot.flags.pending, "P"),
                flag(slot.flags.permanent, "!"),
                flag(!slot.valid, "x"),
            )
        })
        .collect()
}

/// The version that runs, as text.
pub fn runs(drive: &mut Drive) -> String {
    drive.link.device_mut().running().expect("an image runs").to_string()
}

pub fn boots(drive: &Drive) -> u64 {
    drive.link.device().counters().boots
}

/// The requests of an update by name; the command of an answer is that of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Echo,
    Reset,
    Parameters,
    Bootloader,
    List,
    SetState,
    Upload,
    Erase,
    SlotInfo,
    Other,
}

pub fn kind(frame: &[u8]) -> Kind {
    let write = frame[0] & 2 != 0;
    match (frame[5], frame[7], write) {
        (0, 0, _) => Kind::Echo,
        (0, 5, true) => Kind::Reset,
        (0, 6, false) => Kind::Parameters,
        (0, 8, false) => Kind::Bootloader,
        (1, 0, false) => Kind::List,
        (1, 0, true) => Kind::SetState,
        (1, 1, true) => Kind::Upload,
        (1, 5, true) => Kind::Erase,
        (1, 6, false) => Kind::SlotInfo,
        _ => Kind::Other,
    }
}

/// The body of a frame.
pub fn body(frame: &[u8]) -> Value {
    ciborium::from_reader(&frame[8..]).expect("CBOR")
}

/// The entry of a map, if there is one.
pub fn entry<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, value)| value)
}

pub fn number(map: &Value, key: &str) -> Option<u64> {
    entry(map, key)?.as_integer()?.try_into().ok()
}

fn with_body(header: [u8; 8], body: &Value) -> Vec<u8> {
    let mut frame = header.to_vec();
    ciborium::into_writer(body, &mut frame).expect("CBOR");
    let length = (frame.len() - 8) as u16;
    frame[2..4].copy_from_slice(&length.to_be_bytes());
    frame
}

/// The same frame with another body.
pub fn rewritten(frame: &[u8], body: &Value) -> Vec<u8> {
    with_body(frame[..8].try_into().unwrap(), body)
}

/// An answer to a request.
pub fn answer(request: &[u8], body: &Value) -> Vec<u8> {
    let mut header: [u8; 8] = request[..8].try_into().unwrap();
    header[0] = (header[0] & 0x18) | if request[0] & 2 != 0 { 3 } else { 1 };
    with_body(header, body)
}

pub fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (Value::Text((*key).into()), value.clone())).collect())
}

pub fn rc(request: &[u8], code: u64) -> Passage {
    Passage::Answered(answer(request, &map(&[("rc", code.into())])))
}

/// The error `code` of the image group, or `rc` on an old server, which has no errors of groups.
pub fn refusal(request: &[u8], old: bool, code: u64, rc_code: u64) -> Passage {
    if old {
        return rc(request, rc_code);
    }
    let error = map(&[("group", 1.into()), ("rc", code.into())]);
    Passage::Answered(answer(request, &map(&[("err", error)])))
}

/// Changes the slots of every image list on its way to the client.
pub fn lists(mut change: impl FnMut(u64, &mut Vec<Value>) + 'static) -> Option<Tamper> {
    Some(Box::new(move |now, frame| {
        if kind(frame) != Kind::List && kind(frame) != Kind::SetState {
            return Passage::Through;
        }
        let mut list = body(frame);
        let Some(images) = list
            .as_map_mut()
            .and_then(|map| map.iter_mut().find(|(key, _)| key.as_text() == Some("images")))
            .and_then(|(_, value)| value.as_array_mut())
        else {
            return Passage::Through;
        };
        change(now, images);
        Passage::Changed(rewritten(frame, &list))
    }))
}

/// Sets an entry of a map, or adds it.
pub fn set(map: &mut Value, key: &str, value: Value) {
    let entries = map.as_map_mut().expect("a map");
    match entries.iter_mut().find(|(k, _)| k.as_text() == Some(key)) {
        Some((_, old)) => *old = value,
        None => entries.push((Value::Text(key.into()), value)),
    }
}

/// What was sent, in order.
pub type Log = Rc<RefCell<Vec<(u64, Kind, Vec<u8>)>>>;

/// Writes down every request.
pub fn logged(drive: &mut Drive) -> Log {
    let log = Log::default();
    let copy = log.clone();
    drive.on_request = Some(Box::new(move |now, frame| {
        copy.borrow_mut().push((now, kind(frame), frame.to_vec()));
        Passage::Through
    }));
    log
}

pub fn count(log: &Log, wanted: Kind) -> usize {
    log.borrow().iter().filter(|(_, kind, _)| *kind == wanted).count()
}

/// An image of the simulator.
pub fn file(version: (u8, u8, u16), seed: u64) -> Vec<u8> {
    image::make(version, 6_000, seed)
}

/// The same image with a byte of its body damaged: listed as before, refused by the bootloader.
pub fn damaged(mut image: Vec<u8>) -> Vec<u8> {
    image[3_000] ^= 0x40;
    image
}
