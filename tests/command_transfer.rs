//! File transfers through a session, over a wire in virtual time, against a server with the traps of Zephyr's.

mod command_support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use command_support::file_server::{Age, FileServer};
use command_support::{Run, Wire, drive_from, run};
use serde_json::{Value, json};
use smpfota::smp::group::{self, file};
use smpfota::{Command, Failure, Reassembly, Session, SessionOptions, SmpVersion, Status};

const PATH: &str = "/lfs1/data.bin";

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
}

fn options() -> SessionOptions {
    SessionOptions { reassembly: Reassembly::No, rtt_hint_ms: 100, ..SessionOptions::default() }
}

fn upload(content: &[u8], options: SessionOptions, wire: Wire, server: &mut FileServer) -> Run {
    let arguments = json!({ "name": PATH, "content_base64": BASE64_STANDARD.encode(content) });
    run("file_upload", arguments, options, wire, server)
}

fn download(options: SessionOptions, wire: Wire, server: &mut FileServer) -> Run {
    run("file_download", json!({ "name": PATH, "encoding": "base64" }), options, wire, server)
}

fn bytes(result: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(result["content_base64"].as_str().expect("content")).expect("base64")
}

#[test]
fn a_file_goes_up_and_comes_back_on_new_and_old_servers() {
    for age in [Age::New, Age::Old] {
        for length in [1, 175, 176, 10_000] {
            let content = content(length);
            let mut server = FileServer::new(age);
            let result = upload(&content, options(), Wire::CLEAN, &mut server).result.expect("it uploads");
            assert_eq!(result, json!({ "name": PATH, "length": length, "verified": "sha256" }), "{age:?}");
            assert!(server.files[PATH] == content, "{age:?} {length}");
            let result = download(options(), Wire::CLEAN, &mut server).result.expect("it downloads");
            assert_eq!(
                (bytes(&result), &result["verified"]),
                (content, &json!("sha256")),
                "{age:?} {length}"
            );
        }
    }
}

#[test]
fn the_window_is_used_both_ways() {
    let content = content(60_000);
    let mut server = FileServer::new(Age::New);
    let up = upload(&content, options(), Wire::CLEAN, &mut server);
    let chunks = server.requests[&(group::FILE, file::FILE)];
    up.result.expect("it uploads");
    // Three in flight, 60 ms the round trip, and a few requests around.
    let ideal = u64::from(chunks) * 60 / 3;
    assert!(up.ms < ideal + 10 * 60, "{} ms for {chunks} chunks", up.ms);
    server.requests.clear();
    let down = download(options(), Wire::CLEAN, &mut server);
    down.result.expect("it downloads");
    let chunks = server.requests[&(group::FILE, file::FILE)];
    assert_eq!(chunks, 60_000 / 300);
    let ideal = u64::from(chunks) * 60 / 3;
    assert!(down.ms < ideal + 10 * 60, "{} ms for {chunks} chunks", down.ms);
}

#[test]
fn loss_and_duplication_leave_no_hole_in_the_file() {
    let content = content(12_000);
    for age in [Age::New, Age::Old] {
        for version in [SmpVersion::Auto, SmpVersion::V1] {
            for seed in 1..=200 {
                let wire = Wire { delay_ms: 40, loss_percent: 4, duplicate_percent: 4, seed };
                let options = SessionOptions { smp_version: version, ..options() };
                let mut server = FileServer::new(age);
                // An earlier, longer file must not shine through.
                if seed % 2 == 0 {
                    server.files.insert(PATH.to_owned(), vec![0xaa; 20_000]);
                }
                // Nor may a hash be needed to find out.
                if seed % 3 == 0 {
                    server.hashes = &[];
                }
                let verified = if server.hashes.is_empty() { "length" } else { "sha256" };
                let up = upload(&content, options, wire, &mut server);
                let at = format!("{age:?} {version:?} seed {seed}");
                let result = up.result.unwrap_or_else(|failure| panic!("{at}: {failure:?}"));
                assert!(server.files[PATH] == content, "{at}: another content");
                assert_eq!(result["verified"], verified, "{at}");
                let down = download(options, wire, &mut server);
                let result = down.result.unwrap_or_else(|failure| panic!("{at}: {failure:?}"));
                assert!(bytes(&result) == content, "{at}: another content came back");
            }
        }
    }
}

#[test]
fn a_lost_first_answer_is_no_hole() {
    // The first chunk arrives, its answer does not: sent again as it is, the server would count it twice.
    for age in [Age::New, Age::Old] {
        let content = content(3_000);
        let mut server = FileServer::new(age);
        let mut swallowed = false;
        let mut peer = |now: u64, bytes: &[u8]| {
            let answers = command_support::Peer::take(&mut server, now, bytes);
            let header = command_support::request(bytes).header;
            let first = !swallowed && (header.group, header.command) == (group::FILE, file::FILE);
            swallowed |= first;
            if first { Vec::new() } else { answers }
        };
        let arguments = json!({ "name": PATH, "content_base64": BASE64_STANDARD.encode(&content) });
        let result = run("file_upload", arguments, options(), Wire::CLEAN, &mut peer).result;
        assert_eq!(result.expect("it uploads")["verified"], "sha256");
        assert!(server.files[PATH] == content, "{age:?}: another content");
    }
}

#[test]
fn a_first_chunk_that_comes_twice_leaves_no_trace() {
    // The carrier repeats it, and the device has no hash that would tell.
    for length in (300..500).chain([5_000]) {
        for existing in [0, 20_000] {
            let content = content(length);
            let mut server = FileServer::new(Age::New);
            server.hashes = &[];
            server.files.insert(PATH.to_owned(), vec![0xaa; existing]);
            let mut repeated = false;
            let mut peer = |now: u64, bytes: &[u8]| {
                let mut answers = command_support::Peer::take(&mut server, now, bytes);
                let header = command_support::request(bytes).header;
                if !repeated && (header.group, header.command) == (group::FILE, file::FILE) {
                    repeated = true;
                    answers.extend(command_support::Peer::take(&mut server, now, bytes));
                }
                answers
            };
            let arguments = json!({ "name": PATH, "content_base64": BASE64_STANDARD.encode(&content) });
            let result = run("file_upload", arguments, options(), Wire::CLEAN, &mut peer).result;
            result.unwrap_or_else(|failure| panic!("{length} over {existing}: {failure:?}"));
            assert!(server.files[PATH] == content, "{length} over {existing}: another content");
        }
    }
}

#[test]
fn a_file_that_was_changed_on_the_way_is_sent_again_and_then_given_up() {
    let content = content(2_000);
    let mut server = FileServer::new(Age::New);
    server.damage_at = Some(1_234);
    let result = upload(&content, options(), Wire::CLEAN, &mut server).result.expect("the second try");
    assert_eq!(result["verified"], "sha256");
    assert!(server.files[PATH] == content);
    // Damaged each time: every hash is that of other bytes.
    let mut peer = |now: u64, bytes: &[u8]| {
        server.damage_at = Some(1_234);
        command_support::Peer::take(&mut server, now, bytes)
    };
    let arguments = json!({ "name": PATH, "content_base64": BASE64_STANDARD.encode(&content) });
    let failure: Failure =
        run("file_upload", arguments, options(), Wire::CLEAN, &mut peer).result.unwrap_err();
    assert_eq!(failure.status, Status::DigestMismatch, "{failure}");
}

#[test]
fn what_the_device_cannot_check_is_said() {
    let content = content(2_000);
    for (status, hashes, verified) in [
        (true, &["sha256", "crc32"][..], "sha256"),
        (true, &["crc32"], "crc32"),
        (true, &[], "length"),
        (false, &["crc32"], "crc32"),
        (false, &[], "none"),
    ] {
        let mut server = FileServer::new(Age::New);
        (server.has_status, server.hashes) = (status, hashes);
        let result = upload(&content, options(), Wire::CLEAN, &mut server).result.expect("it uploads");
        assert_eq!(result["verified"], verified);
    }
    let mut server = FileServer::new(Age::New);
    let arguments = json!({ "name": PATH, "content_hex": "00ff", "verify": false });
    let result =
        run("file_upload", arguments, options(), Wire::CLEAN, &mut server).result.expect("it uploads");
    assert_eq!(result["verified"], "length");
    assert_eq!(server.requests.get(&(group::FILE, file::HASH)), None);
}

#[test]
fn errors_of_the_device_end_the_transfer_with_their_name() {
    let mut server = FileServer::new(Age::New);
    let failure = download(options(), Wire::CLEAN, &mut server).result.unwrap_err();
    assert_eq!(failure.status, Status::DeviceError);
    assert_eq!(failure.device.map(|error| (error.group, error.code)), Some((Some(group::FILE), 3)));
    assert!(failure.sentence.contains("FILE_NOT_FOUND"), "{failure}");

    server.full_at = 1_000;
    let failure = upload(&content(4_000), options(), Wire::CLEAN, &mut server).result.unwrap_err();
    assert_eq!(failure.device.map(|error| (error.group, error.code)), Some((Some(group::FILE), 10)));

    let mut old = FileServer::new(Age::Old);
    let failure = download(options(), Wire::CLEAN, &mut old).result.unwrap_err();
    assert_eq!(failure.device.map(|error| (error.group, error.code)), Some((None, 5)));

    // In the old protocol a full file system is only "unknown": asked where it stands, tried again, given up.
    let v1 = SessionOptions { smp_version: SmpVersion::V1, ..options() };
    let mut server = FileServer::new(Age::New);
    server.full_at = 1_000;
    let failure = upload(&content(4_000), v1, Wire::CLEAN, &mut server).result.unwrap_err();
    assert_eq!(failure.device.map(|error| (error.group, error.code)), Some((None, 1)));
}

#[test]
fn a_file_larger_than_allowed_is_refused_before_it_is_read() {
    let mut server = FileServer::new(Age::New);
    server.files.insert(PATH.to_owned(), content(10_000));
    let arguments = json!({ "name": PATH, "max_length": 9_999 });
    let failure = run("file_download", arguments, options(), Wire::CLEAN, &mut server).result.unwrap_err();
    assert_eq!(failure.status, Status::ImageTooLarge);
    assert_eq!(server.requests[&(group::FILE, file::FILE)], 1);
}

#[test]
fn an_empty_file_comes_back_empty() {
    let mut server = FileServer::new(Age::New);
    server.files.insert(PATH.to_owned(), Vec::new());
    let result = run("file_download", json!({ "name": PATH }), options(), Wire::CLEAN, &mut server).result;
    let expected = json!({ "name": PATH, "length": 0, "content_hex": "", "verified": "length" });
    assert_eq!(result.expect("it downloads"), expected);
}

#[test]
fn a_link_that_drops_in_the_middle_goes_on_where_the_device_stands() {
    for age in [Age::New, Age::Old] {
        let content = content(30_000);
        let mut server = FileServer::new(age);
        let mut session = Session::open(options()).expect("good options");
        let arguments = json!({ "name": PATH, "content_base64": BASE64_STANDARD.encode(&content) });
        session.start_command(Command::new("file_upload", &arguments).unwrap()).unwrap();
        // Half of it by hand, then the link drops with everything in flight.
        let mut buffer = vec![0; 300];
        let mut now = 0;
        while session.progress(now).bytes_acknowledged < 15_000 {
            now += 60;
            let mut answers = Vec::new();
            while let Ok(smpfota::Next::Write(length)) = session.next_frame(now, &mut buffer) {
                answers.extend(command_support::Peer::take(&mut server, now, &buffer[..length]));
            }
            answers.iter().for_each(|answer| session.feed(now, answer));
        }
        session.link(now, smpfota::LinkEvent::Down);
        assert!(matches!(session.next_frame(now, &mut buffer), Ok(smpfota::Next::Wait)));
        now += 5_000;
        session.link(now, smpfota::LinkEvent::Up);
        let before = server.requests[&(group::FILE, file::FILE)];
        let rest = drive_from(&mut session, now, Wire::CLEAN, &mut server);
        assert_eq!(rest.result.expect("it uploads")["verified"], "sha256", "{age:?}");
        assert!(server.files[PATH] == content, "{age:?}: another content");
        let sent = server.requests[&(group::FILE, file::FILE)] - before;
        assert!(sent < 90, "{age:?}: {sent} chunks after the drop are more than the second half");
    }
}

#[test]
fn a_silent_device_ends_every_transfer() {
    let mut silent = |_: u64, _: &[u8]| Vec::new();
    for (name, arguments) in [
        ("file_upload", json!({ "name": PATH, "content_hex": "00" })),
        ("file_download", json!({ "name": PATH })),
    ] {
        let failure = run(name, arguments, options(), Wire::CLEAN, &mut silent).result.unwrap_err();
        assert_eq!(failure.status, Status::Timeout, "{name}");
    }
    // It told its buffers and then fell silent.
    for (name, arguments) in [
        ("file_upload", json!({ "name": PATH, "content_hex": "00" })),
        ("file_download", json!({ "name": PATH })),
    ] {
        let mut server = FileServer::new(Age::New);
        let mut peer = |now: u64, bytes: &[u8]| {
            let os = command_support::request(bytes).header.group == group::OS;
            let answers = command_support::Peer::take(&mut server, now, bytes);
            if os { answers } else { Vec::new() }
        };
        let failure = run(name, arguments, options(), Wire::CLEAN, &mut peer).result.unwrap_err();
        assert_eq!(failure.status, Status::Timeout, "{name}");
    }
}

#[test]
fn content_goes_as_bytes_beside_the_arguments() {
    let content = content(10_000);
    let mut server = FileServer::new(Age::New);
    let command = Command::upload(&json!({ "name": PATH }), &content).expect("it is a command");
    let mut session = Session::open(options()).expect("the options are fine");
    session.start_command(command).expect("nothing runs");
    drive_from(&mut session, 0, Wire::CLEAN, &mut server);
    let result = session.result().expect("it uploads");
    assert_eq!(result, json!({ "name": PATH, "length": 10_000, "verified": "sha256" }));
    assert!(server.files[PATH] == content);
    assert!(session.file().is_none(), "an upload brings no file");

    let command =
        Command::new("file_download", &json!({ "name": PATH, "encoding": "raw" })).expect("a command");
    session.start_command(command).expect("nothing runs");
    assert!(session.file().is_none(), "nothing has come yet");
    drive_from(&mut session, 1_000_000, Wire::CLEAN, &mut server);
    let result = session.result().expect("it downloads");
    assert_eq!(result, json!({ "name": PATH, "length": 10_000, "verified": "sha256" }));
    assert!(session.file() == Some(&content[..]));
    session
        .start_command(Command::new("echo", &json!({ "text": "x" })).expect("a command"))
        .expect("nothing runs");
    assert!(session.file().is_none(), "the next operation drops it");
}

#[test]
fn content_beside_the_arguments_is_checked_as_content_among_them() {
    for (arguments, content, word) in [
        (json!({ "name": PATH }), &b""[..], "0 bytes"),
        (json!({ "name": PATH, "content_hex": "00" }), b"x", "content_hex"),
        (json!({ "name": PATH, "dance": 1 }), b"x", "dance"),
        (json!({}), b"x", "name"),
    ] {
        let failure = Command::upload(&arguments, content).expect_err(word);
        assert_eq!(failure.status, Status::InvalidArgument, "{word}");
        assert!(failure.sentence.contains(word), "{}", failure.sentence);
    }
    let large = vec![0; (16 << 20) + 1];
    assert!(Command::upload(&json!({ "name": PATH }), &large).is_err());
    assert!(Command::upload(&json!({ "name": PATH }), &large[1..]).is_ok());
}
