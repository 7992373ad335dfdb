//! Recordings of sessions: what they hold, what they leave out, and that a trace makes the same of either form.

#[path = "support/drive.rs"]
mod drive;
#[path = "trace/support.rs"]
mod support;

use drive::{Drive, End};
use smpfota::recording::Form;
use smpfota::simulator::{LinkKind, Scenario};
use smpfota::{Framing, SessionOptions, Status, UpdateOptions};
use support::verdict;

const DAY_MS: u64 = 24 * 3_600_000;

fn recorded(scenario: &Scenario, capacity: usize, headers_only: bool) -> (Drive, End) {
    let mut drive = Drive::update(scenario, SessionOptions::default(), UpdateOptions::default());
    drive.session.record(capacity, headers_only).expect("a capacity");
    let end = drive.run(DAY_MS);
    (drive, end)
}

fn scenario() -> Scenario {
    Scenario::new(LinkKind::GatewayLan).image_size(30_000)
}

#[test]
fn a_recorded_update_is_explained_as_one() {
    for scenario in [scenario(), scenario().large()] {
        let (drive, end) = recorded(&scenario, 1 << 20, false);
        assert_eq!(end, End::Done);
        let text = drive.session.recording(Form::Text).expect("a recording");
        let pcapng = drive.session.recording(Form::Pcapng).expect("a recording");
        let (text, pcapng) = (verdict(&text), verdict(&pcapng));
        assert_eq!(text["cause"], "NOTHING_WRONG", "{text:#}");
        assert_eq!(text["figures"], pcapng["figures"]);
        assert_eq!(text["phases"], pcapng["phases"]);
        assert_eq!(text["figures"]["uploads_complete"], 1);
        let counts = drive.session.counts();
        let requests = text["figures"]["requests"].as_u64().expect("a number");
        assert_eq!(requests, u64::from(counts.frames_sent));
        assert_eq!(pcapng["format"]["container"], "pcapng");
    }
}

#[test]
fn a_small_ring_holds_the_end() {
    let (drive, end) = recorded(&scenario(), 4_096, false);
    assert_eq!(end, End::Done);
    let text = String::from_utf8(drive.session.recording(Form::Text).expect("a recording")).expect("text");
    assert!(text.len() < 3 * 4_096 && text.ends_with("! done\n"), "{text}");
    let verdict = verdict(text.as_bytes());
    assert_eq!(verdict["cause"], "NOTHING_WRONG", "{text}{verdict:#}");
}

#[test]
fn what_is_drained_bit_by_bit_is_the_whole() {
    for form in [Form::Text, Form::Pcapng] {
        let (drive, _) = recorded(&scenario(), 1 << 20, false);
        let whole = drive.session.recording(form).expect("a recording");
        let mut drive = drive;
        let mut file = Vec::new();
        let failure = drive.session.drain_recording(form, 10).expect_err("no room");
        assert_eq!(failure.status, Status::BufferTooSmall, "{failure}");
        loop {
            let part = drive.session.drain_recording(form, 1_000).expect("room");
            if part.is_empty() {
                break;
            }
            assert!(part.len() <= 1_000);
            file.extend(part);
        }
        assert_eq!(file, whole);
    }
}

#[test]
fn headers_only_holds_no_byte_of_the_image() {
    let image = scenario().image();
    for (scenario, framing, max_write) in [
        (scenario(), Framing::Raw, 244),
        (scenario().large(), Framing::Raw, 244),
        (scenario().large(), Framing::Raw, 21),
    ] {
        let options = SessionOptions { framing, max_write, ..SessionOptions::default() };
        let mut drive = Drive::update(&scenario, options, UpdateOptions::default());
        drive.session.record(1 << 20, true).expect("a capacity");
        drive.run(DAY_MS);
        let text = drive.session.recording(Form::Text).expect("a recording");
        let text = String::from_utf8(text).expect("text");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let left_out = text.lines().filter(|line| line.contains('+')).count();
        assert!(left_out > 10, "{left_out}: {text}");
        // The header of the image is known to everybody; its body is not.
        let leaked = image[64..].chunks_exact(12).find(|part| text.contains(&hex(part)));
        // Hashes are asked for and told; they stand at the end of the image.
        let of_tlvs = |part: &[u8]| image[image.len() - 400..].windows(12).any(|window| window == part);
        assert!(leaked.is_none_or(of_tlvs), "{leaked:?} with max_write {max_write}");
        let verdict = verdict(text.as_bytes());
        assert_eq!(verdict["cause"], "NOTHING_WRONG", "{verdict:#}");
        assert_eq!(verdict["figures"]["uploads_complete"], 1, "{verdict:#}");
    }
}

#[test]
fn nothing_is_recorded_unless_asked_for() {
    let mut drive = Drive::update(&scenario(), SessionOptions::default(), UpdateOptions::default());
    assert_eq!(drive.session.recording(Form::Text), None);
    assert_eq!(drive.session.drain_recording(Form::Text, 9).expect_err("off").status, Status::WrongState);
    assert_eq!(drive.session.record(10, false).expect_err("too small").status, Status::InvalidArgument);
    drive.session.record(4_096, false).expect("on");
    assert!(drive.session.recording(Form::Text).is_some());
    drive.session.record(0, false).expect("off");
    assert_eq!(drive.session.recording(Form::Text), None);
}

#[test]
fn a_failure_carries_its_recording_and_its_evidence() {
    let scenario = scenario().link(|link| link.loss_up = 1.0);
    let (drive, end) = recorded(&scenario, 64 * 1024, true);
    let End::Failed(failure) = end else { panic!("{end:?}") };
    let told = drive.session.failure_json().expect("a failure");
    let text = told["recording"].as_str().expect("text");
    assert!(text.starts_with("smpfota trace 1\n"), "{text}");
    let last = format!("! failed {} {}\n", failure.status.name(), failure.finding.name());
    assert!(text.ends_with(&last), "{text}");
    assert!(told["evidence"]["count"].as_u64() > Some(0), "{told:#}");
}

#[test]
fn a_console_session_records_frames() {
    use smpfota::{Command, Next, Session};
    let options = SessionOptions { framing: Framing::Serial, ..SessionOptions::default() };
    let mut session = Session::open(options).expect("a session");
    session.record(4_096, false).expect("a capacity");
    let arguments = serde_json::json!({ "text": "hello" });
    session.start_command(Command::new("echo", &arguments).expect("echo")).expect("a command");
    let mut buffer = vec![0; 256];
    assert!(matches!(session.next_frame(5, &mut buffer), Ok(Next::Write(_))));
    let text = String::from_utf8(session.recording(Form::Text).expect("a recording")).expect("text");
    let line = text.lines().nth(2).expect("a frame");
    assert!(line.starts_with("0.005 > ") && line.contains(" 0a000009") || line.contains(" 0200"), "{text}");
    assert_eq!(verdict(text.as_bytes())["figures"]["requests"], 1);
}
