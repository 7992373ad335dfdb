//! Causes named twice: by the session that meets them, and from its recording.

#[path = "support/drive.rs"]
mod drive;
#[path = "trace/support.rs"]
mod support;

use drive::{Drive, End, Passage};
use serde_json::Value;
use smpfota::recording::Form;
use smpfota::simulator::{DeviceProfile, Fault, FieldDevice, LinkKind, Scenario};
use smpfota::{Finding, LinkEvent, Phase, SessionOptions, UpdateOptions};
use support::verdict;

const DAY_MS: u64 = 24 * 3_600_000;

fn scenario() -> Scenario {
    Scenario::new(LinkKind::BleLocal).profile(DeviceProfile::Ncs21).image_size(20_000)
}

fn begin(scenario: &Scenario) -> Drive {
    let mut drive = Drive::update(scenario, SessionOptions::default(), UpdateOptions::default());
    drive.session.record(1 << 20, false).expect("a capacity");
    drive
}

/// Whether a request is a chunk behind the first one.
fn is_later_chunk(frame: &[u8]) -> bool {
    frame[4..6] == [0, 1]
        && frame[7] == 1
        && frame[0] & 7 == 2
        && !frame.windows(4).any(|part| part == b"clen")
}

fn run(mut drive: Drive) -> (Finding, Value, String) {
    let end = drive.run(DAY_MS);
    let live = match &end {
        End::Failed(failure) => failure.finding,
        _ => Finding::None,
    };
    let text = drive.session.recording(Form::Text).expect("a recording");
    (live, verdict(&text), format!("{end:?}"))
}

fn is_upload(frame: &[u8]) -> bool {
    frame[4..6] == [0, 1] && frame[7] == 1
}

/// An answer to the same request with another body.
fn instead(frame: &[u8], body: &[u8]) -> Passage {
    let mut answer = frame[..8].to_vec();
    answer[2..4].copy_from_slice(&(body.len() as u16).to_be_bytes());
    answer.extend(body);
    Passage::Changed(answer)
}

fn offset(off: u32) -> Vec<u8> {
    [&b"\xbf\x63off\x1a"[..], &off.to_be_bytes(), &[0xff]].concat()
}

/// The offset in an answer of the virtual device.
fn offset_in(frame: &[u8]) -> Option<u32> {
    let at = frame.windows(4).position(|part| part == b"\x63off")? + 4;
    match frame.get(at)? {
        short @ 0..=0x17 => Some(u32::from(*short)),
        0x18 => Some(u32::from(*frame.get(at + 1)?)),
        0x19 => Some(u32::from(u16::from_be_bytes([*frame.get(at + 1)?, *frame.get(at + 2)?]))),
        0x1a => Some(u32::from_be_bytes(frame.get(at + 1..at + 5)?.try_into().ok()?)),
        _ => None,
    }
}

fn answers(scenario: &Scenario, look: impl FnMut(u64, &[u8]) -> Passage + 'static) -> Drive {
    let mut drive = begin(scenario);
    drive.on_answer = Some(Box::new(look));
    drive
}

fn requests(scenario: &Scenario, look: impl FnMut(u64, &[u8]) -> Passage + 'static) -> Drive {
    let mut drive = begin(scenario);
    drive.on_request = Some(Box::new(look));
    drive
}

fn as_text(frame: &[u8]) -> Passage {
    Passage::Changed(frame.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())
}

/// Runs into this phase, then drops the link, brings it up again, and lets nothing through any more.
fn over_a_new_link(mut drive: Drive, phase: Phase) -> Drive {
    while drive.session.phase() != phase || phase == Phase::Upload && drive.upload_frames < 5 {
        let until = drive.now_ms() + 20;
        assert_eq!(drive.run(until), End::Hung, "it ended before {phase:?}");
    }
    drive.session.link(drive.now_ms(), LinkEvent::Down);
    drive.now_us += 1_000_000;
    drive.session.link(drive.now_ms(), LinkEvent::Up);
    drive.on_answer = Some(Box::new(|_, _| Passage::Lost));
    drive
}

/// Another image of the same answers: the trial is over before it is confirmed.
fn gone_back() -> Drive {
    let mut drive = begin(&scenario());
    while drive.session.phase() != Phase::Confirm {
        let until = drive.now_ms() + 20;
        assert_eq!(drive.run(until), End::Hung, "it ended before the trial");
    }
    drive.link.device_mut().reboot(drive.now_us);
    drive
}

/// The new image has lost its bonds, and the caller says so.
fn without_bonds() -> Drive {
    let mut drive = begin(&scenario().device(|device| {
        device.quirks.coming_back = smpfota::simulator::ComingBack::WithoutBonds;
    }));
    while drive.session.phase() != Phase::Swap {
        let until = drive.now_ms() + 20;
        assert_eq!(drive.run(until), End::Hung, "it ended before the reset");
    }
    drive.session.link(drive.now_ms(), LinkEvent::BondsLost);
    drive
}

/// A device that forgets its upload whenever it has come so far.
fn forgets() -> Drive {
    let mut drive = begin(&scenario());
    let mut again = 0;
    drive.on_request = Some(Box::new(move |_, frame| {
        // By another digest the server takes the first chunk for that of another file, and begins anew.
        let Some(at) = frame.windows(6).position(|part| part == b"\x63sha\x58\x20") else {
            return Passage::Through;
        };
        let mut changed = frame.to_vec();
        again += 1;
        changed[at + 6] = again;
        Passage::Changed(changed)
    }));
    drive.on_answer = Some(Box::new(|_, frame| match offset_in(frame).filter(|_| is_upload(frame)) {
        Some(off) if off > 10_000 => instead(frame, &offset(0)),
        _ => Passage::Through,
    }));
    drive
}

/// One write carries 20 bytes, and the device does not put writes together although the caller says so.
fn no_reassembly() -> Drive {
    let scenario = scenario().link(|link| link.max_write = 20).device(|device| device.max_write = 20);
    let options = SessionOptions {
        max_write: 20,
        max_frame: 200,
        reassembly: smpfota::Reassembly::Yes,
        ..SessionOptions::default()
    };
    let mut drive = Drive::update(&scenario, options, UpdateOptions::default());
    drive.session.record(1 << 20, false).expect("a capacity");
    drive
}

/// Behind the end of each upload the server stands in the middle of one again, and its list is as good as before.
fn late_first() -> Drive {
    let options = UpdateOptions { mode: smpfota::UpdateMode::UploadOnly, ..UpdateOptions::default() };
    let mut drive = Drive::update(&scenario(), SessionOptions::default(), options);
    drive.session.record(1 << 20, false).expect("a capacity");
    let asked = std::rc::Rc::new(std::cell::Cell::new(None));
    let told = asked.clone();
    drive.on_request = Some(Box::new(move |_, frame| {
        // A chunk without data asks where the upload stands.
        let empty = frame.windows(6).any(|part| part == b"\x64data\x40");
        asked.set((is_upload(frame) && empty).then_some(frame[6]));
        Passage::Through
    }));
    drive.on_answer = Some(Box::new(move |_, frame| match told.get() {
        Some(sequence) if is_upload(frame) && frame[6] == sequence => instead(frame, &offset(176)),
        _ => Passage::Through,
    }));
    drive
}

type Row = (&'static str, Drive, Finding, Finding);

/// The candidates of the thread that this project began with, as far as a device or a link causes them.
fn hypotheses() -> Vec<Row> {
    let old = scenario();
    let joins = scenario().device(|device| {
        device.reassembly = true;
        device.buf_size = 244;
    });
    let cut_by_one = |_, frame: &[u8]| match is_later_chunk(frame) {
        true => Passage::Changed(frame[..frame.len() - 1].to_vec()),
        false => Passage::Through,
    };
    let mut first: Option<Vec<u8>> = None;
    let cached = move |_, frame: &[u8]| match (&first, is_upload(frame)) {
        (_, false) => Passage::Through,
        (None, true) => {
            first = Some(frame.to_vec());
            Passage::Through
        }
        (Some(first), true) => Passage::Changed(first.clone()),
    };
    let lost = |_, frame: &[u8]| if is_later_chunk(frame) { Passage::Lost } else { Passage::Through };
    let mut both_as_text = answers(&old, |_, frame| as_text(frame));
    both_as_text.on_request = Some(Box::new(|_, frame| as_text(frame)));
    vec![
        (
            "H1: the second write and those after it are lost",
            requests(&old, lost),
            Finding::FirstFrameOnly,
            Finding::FirstFrameOnly,
        ),
        (
            "H2: MTU and subscription are gone after a reconnect",
            over_a_new_link(begin(&old), Phase::Upload),
            Finding::LinkSettingsLost,
            Finding::LinkSettingsLost,
        ),
        (
            "H3: a byte is cut off, the server waits for it",
            requests(&joins, cut_by_one),
            Finding::FirstFrameOnly,
            Finding::FirstFrameOnly,
        ),
        (
            "H5: the notification of the first chunk is cached",
            answers(&old, cached),
            Finding::ResponsesReplayed,
            Finding::ResponsesReplayed,
        ),
        (
            "H8: the server is stuck",
            begin(&scenario().fault(Fault::SyswqFreeze)),
            Finding::ServerStuck,
            Finding::ServerStuck,
        ),
        (
            "H9: answers pass through text",
            answers(&old, |_, frame| as_text(frame)),
            Finding::BinaryAsText,
            Finding::BinaryAsText,
        ),
        ("H9: both ways through text", both_as_text, Finding::BinaryAsText, Finding::BinaryAsText),
    ]
}

/// Devices and links of the field.
fn field() -> Vec<Row> {
    let of = |name: &str| {
        let device = FieldDevice::from_name(name).expect(name);
        scenario().device(|options| device.apply(options))
    };
    let plain = scenario();
    let cut = |_, frame: &[u8]| Passage::Changed(frame[..frame.len().min(20)].to_vec());
    let long = |_, frame: &[u8]| if frame.len() > 100 { Passage::Lost } else { Passage::Through };
    let empty = |_, frame: &[u8]| if is_upload(frame) { instead(frame, &[]) } else { Passage::Through };
    let sixteen_bits = |_, frame: &[u8]| match offset_in(frame).filter(|_| is_upload(frame)) {
        Some(off) if off > 0xffff => {
            instead(frame, &[&b"\xbf\x63off\x19"[..], &off.to_be_bytes()[1..], &[0xff]].concat())
        }
        _ => Passage::Through,
    };
    let stands_still = |_, frame: &[u8]| match offset_in(frame).filter(|_| is_upload(frame)) {
        Some(off) if off > 5_000 => instead(frame, &offset(5_000)),
        _ => Passage::Through,
    };
    let no_buffer = |_, frame: &[u8]| match offset_in(frame).filter(|_| is_upload(frame)) {
        Some(off) if off > 3_000 => instead(frame, b"\xbf\x62rc\x02\xff"),
        _ => Passage::Through,
    };
    let short_only = |_, frame: &[u8]| if frame.len() > 90 { Passage::Lost } else { Passage::Through };
    let large = scenario().image_size(90_000);
    vec![
        (
            "7: the mark stays and nothing swaps",
            begin(&of("never-swaps")),
            Finding::SwapNotPerformed,
            Finding::SwapNotPerformed,
        ),
        (
            "10: a mark that a RAM-load bootloader drops",
            begin(&of("ram-load-revert")),
            Finding::BootloaderRefused,
            Finding::BootloaderRefused,
        ),
        ("22: lists are empty", begin(&of("empty-list")), Finding::NothingListed, Finding::NothingListed),
        ("24: what was sent is a patch", begin(&of("patches")), Finding::HashChanged, Finding::HashChanged),
        ("a trial that nobody confirms", gone_back(), Finding::NoConfirmation, Finding::NoConfirmation),
        ("the upload starts over and over", forgets(), Finding::DeviceRestarted, Finding::DeviceRestarted),
        (
            "frames in several writes are refused",
            no_reassembly(),
            Finding::NoReassembly,
            Finding::NoReassembly,
        ),
        ("a first chunk that comes late", late_first(), Finding::LateFirstFrame, Finding::LateFirstFrame),
        (
            "12: notifications end after 20 bytes",
            answers(&plain, cut),
            Finding::AnswersCut,
            Finding::AnswersCut,
        ),
        (
            "13: long answers never arrive",
            answers(&plain, long),
            Finding::LongAnswersLost,
            Finding::LongAnswersLost,
        ),
        ("17: answers without a body", answers(&plain, empty), Finding::EmptyAnswers, Finding::EmptyAnswers),
        (
            "18: offsets above 64 KiB in 16 bits",
            answers(&large, sixteen_bits),
            Finding::OffsetGarbled,
            Finding::OffsetGarbled,
        ),
        (
            "20: the new image asks for pairing",
            over_a_new_link(begin(&plain), Phase::Swap),
            Finding::BondsLost,
            Finding::BondsLost,
        ),
        (
            "20: the caller says that the bonds are lost",
            without_bonds(),
            Finding::BondsLost,
            Finding::BondsLost,
        ),
        (
            "zephyr#44219: the flash write fails",
            answers(&plain, stands_still),
            Finding::OffsetRepeats,
            Finding::OffsetRepeats,
        ),
        (
            "zephyr#44536: no buffer",
            answers(&plain, no_buffer),
            Finding::BuffersExhausted,
            Finding::BuffersExhausted,
        ),
        (
            "mcumgr-web#17: large writes vanish",
            requests(&plain, short_only),
            Finding::LargeFramesLost,
            Finding::LargeFramesLost,
        ),
        (
            "nobody answers",
            answers(&plain, |_, _| Passage::Lost),
            Finding::NeverAnswered,
            Finding::NeverAnswered,
        ),
    ]
}

/// Devices that are right, though they look odd; and a loader's application, which tells the live session what it is.
fn good() -> Vec<Row> {
    FieldDevice::ALL
        .iter()
        .filter(|device| !matches!(device.name, "never-swaps" | "ram-load-revert" | "empty-list" | "patches"))
        .map(|device| {
            let drive = begin(&scenario().device(|options| device.apply(options)));
            let told = if device.name == "loader" { Finding::OldServer } else { Finding::NothingWrong };
            (device.name, drive, Finding::None, told)
        })
        .collect()
}

/// Runs a table; what is wrong, and how many rows the live session has no name for.
fn table(rows: Vec<Row>) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut unknown = 0;
    for (name, drive, live, recorded) in rows {
        let (told, verdict, end) = run(drive);
        println!("{name}: live {}, recorded {}", told.name(), verdict["cause"].as_str().unwrap_or(""));
        unknown += usize::from(told == Finding::None);
        if told != live || verdict["cause"] != recorded.name() {
            wrong.push(format!(
                "{name}: live {} instead of {}, recorded {} instead of {} ({}), {end:.400}",
                told.name(),
                live.name(),
                verdict["cause"],
                recorded.name(),
                verdict["says"]
            ));
        }
    }
    (wrong, unknown)
}

#[test]
fn the_hypotheses_are_named_live_and_in_the_recording() {
    let (wrong, unknown) = table(hypotheses());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(unknown, 0);
}

#[test]
fn devices_of_the_field_are_named_live_and_in_the_recording() {
    let rows = field();
    let count = rows.len();
    let (wrong, unknown) = table(rows);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} devices, {unknown} without a name");
    assert!(count >= 10);
}

#[test]
fn what_merely_looks_odd_is_no_cause() {
    let (wrong, unknown) = table(good());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{unknown} without a finding, as it should be");
}

#[test]
fn a_wrong_name_fails() {
    let mut row = hypotheses().remove(0);
    (row.2, row.3) = (Finding::ServerStuck, Finding::ServerStuck);
    assert_eq!(table(vec![row]).0.len(), 1);
}

#[test]
fn the_evidence_of_a_failure_names_frames_of_its_recording() {
    for (name, mut drive, live, _) in hypotheses() {
        drive.run(DAY_MS);
        let told = drive.session.failure_json().expect("a failure");
        let frames = told["evidence"]["frames"].as_array().expect("frames");
        assert!(
            !frames.is_empty() && told["evidence"]["count"].as_u64() > Some(0),
            "{name}: {}",
            told["evidence"]
        );
        assert_eq!(told["finding"], live.name(), "{name}");
        assert_eq!(drive.session.failure().expect("a failure").finding, live, "{name}");
    }
}
