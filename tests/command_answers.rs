//! Answers as servers old and new give them, and answers that no server should give.

mod command_support;

use ciborium::cbor;
use command_support::{Wire, answer, cbor as bytes, run};
use proptest::prelude::*;
use serde_json::{Value, json};
use smpfota::smp::{Op, Version, group};
use smpfota::{Command, LinkEvent, Next, Session, SessionOptions, SmpVersion, Status};

/// The least arguments that each command takes.
fn arguments(name: &str) -> Value {
    match name {
        "echo" => json!({ "text": "hi" }),
        "image_test" => json!({ "hash": "ab".repeat(32) }),
        "date_time_set" => json!({ "date_time": "2026-02-28T23:59:58" }),
        "statistics_read" | "settings_read" | "settings_delete" | "file_status" | "file_hash"
        | "file_download" => json!({ "name": "a" }),
        "settings_write" => json!({ "name": "a", "value_hex": "00" }),
        "file_upload" => json!({ "name": "a", "content_hex": "00" }),
        "shell_execute" => json!({ "argv": ["ls"] }),
        _ => json!({}),
    }
}

fn transfers(name: &str) -> bool {
    matches!(name, "file_upload" | "file_download")
}

/// Runs a command against a device that gives this body to everything.
fn against(name: &str, body: &[u8]) -> Result<Value, smpfota::Failure> {
    let mut peer = |_: u64, request: &[u8]| vec![answer(request, body)];
    run(name, arguments(name), SessionOptions::default(), Wire::CLEAN, &mut peer).result
}

#[test]
fn every_error_form_of_every_command_is_told_with_group_and_code() {
    for name in Command::names() {
        for (body, group, code) in [
            (cbor!({ "rc" => 5 }), None, 5),
            (cbor!({ "rc" => 6, "rsn" => "verbose" }), None, 6),
            (cbor!({ "rc" => 4711 }), None, 4711),
            (cbor!({ "err" => { "group" => 1, "rc" => 9 } }), Some(1), 9),
            // As Zephyr 3.4 spelt it.
            (cbor!({ "ret" => { "group" => 8, "rc" => 5 } }), Some(8), 5),
            (cbor!({ "err" => { "group" => 4711, "rc" => 99 } }), Some(4711), 99),
        ] {
            let failure = against(name, &bytes(&body.unwrap())).expect_err(name);
            let device = failure.device.map(|error| (error.group, error.code));
            assert_eq!(device, Some((group, code)), "{name}: {failure}");
            assert_eq!(failure.status, Status::DeviceError, "{name}: {failure}");
            assert!(failure.sentence.contains(&code.to_string()), "{name}: {failure}");
        }
        let failure = against(name, &bytes(&cbor!({ "rc" => 8 }).unwrap())).expect_err(name);
        assert_eq!(failure.status, Status::NotSupported, "{name}: {failure}");
        let failure = against(name, &bytes(&cbor!({ "rc" => 11 }).unwrap())).expect_err(name);
        assert_eq!(failure.status, Status::AccessDenied, "{name}: {failure}");
        let failure = against(name, &bytes(&cbor!({ "rc" => 10 }).unwrap())).expect_err(name);
        assert_eq!(failure.status, Status::DeviceBusy, "{name}: {failure}");
    }
}

#[test]
fn an_answer_that_lacks_something_or_has_it_in_another_type_is_unexpected() {
    let without_result =
        ["reset", "image_erase", "date_time_set", "settings_write", "settings_delete", "settings_commit"]
            .into_iter()
            .chain(["settings_load", "settings_save", "file_close", "zephyr_storage_erase"]);
    let without_result: Vec<&str> = without_result.collect();
    let lenient = ["memory_pool_statistics", "image_test", "image_confirm"];
    for name in Command::names().filter(|name| !without_result.contains(name) && !lenient.contains(name)) {
        let failure = against(name, &[0xa0]).expect_err(name);
        assert_eq!(failure.status, Status::UnexpectedResponse, "{name}: {failure}");
    }
    for name in without_result {
        assert_eq!(against(name, &[0xa0]).expect(name), json!({}));
        assert_eq!(against(name, &[0xbf, 0xff]).expect(name), json!({}));
        assert_eq!(against(name, &bytes(&cbor!({ "rc" => 0 }).unwrap())).expect(name), json!({}));
    }
    for (name, body) in [
        ("echo", cbor!({ "r" => 5 })),
        ("parameters", cbor!({ "buf_size" => "384", "buf_count" => 4 })),
        ("bootloader_info", cbor!({ "bootloader" => true })),
        ("task_statistics", cbor!({ "tasks" => [] })),
        ("statistics_list", cbor!({ "stat_list" => {} })),
        ("settings_read", cbor!({ "val" => "text" })),
        ("file_hash", cbor!({ "type" => "x", "len" => 1, "output" => "text" })),
        ("shell_execute", cbor!({ "o" => "out", "ret" => "0" })),
        ("enumeration_count", cbor!({ "count" => -1 })),
    ] {
        let failure = against(name, &bytes(&body.unwrap())).expect_err(name);
        assert_eq!(failure.status, Status::UnexpectedResponse, "{name}: {failure}");
    }
}

#[test]
fn results_are_the_same_for_every_way_of_writing_them() {
    for (name, body, expected) in [
        (
            "parameters",
            "a2686275665f73697a651901806962 75665f636f756e7404",
            json!({ "buf_size": 384, "buf_count": 4 }),
        ),
        // Indefinite, with rc 0 and another order.
        (
            "parameters",
            "bf62726300696275665f636f756e7404686275665f73697a65190180ff",
            json!({ "buf_size": 384, "buf_count": 4 }),
        ),
        ("shell_execute", "a2616f62686963726574 27", json!({ "output": "hi", "exit_code": -8 })),
        ("shell_execute", "a2616f6268696272 6302", json!({ "output": "hi", "exit_code": 2 })),
        ("shell_execute", "bf616f7f61686169ff62726300ff", json!({ "output": null, "exit_code": 0 })),
        // A negative priority as a server without signed priorities sends it.
        (
            "task_statistics",
            "a1657461736b73a16169a3647072696f1afffffff0637469640065737461746502",
            json!({ "tasks": [{
                "name": "i", "priority": -16, "id": 0, "state": 2, "stack_used": null, "stack_size": null,
                "context_switches": null, "run_time": null, "last_check_in": null, "next_check_in": null,
            }] }),
        ),
    ] {
        let hex: String = body.split_whitespace().collect();
        let body: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(against(name, &body).expect(name), expected, "{name}");
    }
}

#[test]
fn a_confirmation_that_the_list_does_not_show_is_none() {
    // Zephyr issue 56617: success in any case.
    let list = |confirmed: bool| {
        let slot = cbor!({
            "slot" => 0, "version" => "1.0.0", "hash" => ciborium::Value::Bytes(vec![0xab; 32]),
            "active" => true, "confirmed" => confirmed,
        });
        bytes(&cbor!({ "rc" => 0, "images" => [slot.unwrap()] }).unwrap())
    };
    let failure = against("image_confirm", &list(false)).expect_err("not confirmed");
    assert_eq!(failure.status, Status::NotConfirmed, "{failure}");
    assert!(against("image_confirm", &list(true)).is_ok());
    // And a test that marks nothing.
    let other = cbor!({ "images" => [{ "slot" => 0, "version" => "1.0.0", "active" => true }] }).unwrap();
    let failure = against("image_test", &bytes(&other)).expect_err("not marked");
    assert_eq!(failure.status, Status::NotMarked, "{failure}");
    // A server that answers success alone leaves the list to the caller.
    assert_eq!(against("image_confirm", &[0xa0]).expect("no list"), json!({ "images": null }));
}

#[test]
fn the_bootloader_is_told_without_a_mode_where_it_tells_none() {
    let mut peer = |_: u64, request: &[u8]| {
        let first = command_support::request(request).body == [0xa0];
        let body = if first {
            cbor!({ "bootloader" => "MCUboot" })
        } else {
            cbor!({ "err" => { "group" => 0, "rc" => 3 } })
        };
        vec![answer(request, &bytes(&body.unwrap()))]
    };
    let run = run("bootloader_info", json!({}), SessionOptions::default(), Wire::CLEAN, &mut peer);
    let expected = json!({ "bootloader": "MCUboot", "mode": null, "mode_name": null, "no_downgrade": false });
    assert_eq!((run.result.expect("a name is enough"), run.writes), (expected, 2));
}

#[test]
fn what_may_not_be_repeated_is_sent_once() {
    for name in ["reset", "shell_execute"] {
        let mut count = 0;
        let mut silent = |_: u64, _: &[u8]| {
            count += 1;
            Vec::new()
        };
        let run = run(name, arguments(name), SessionOptions::default(), Wire::CLEAN, &mut silent);
        assert_eq!(run.result.expect_err("silence").status, Status::Timeout);
        assert_eq!(count, 1, "{name}");

        // Nor after the link came back.
        let mut session = Session::open(SessionOptions::default()).unwrap();
        session.start_command(Command::new(name, &arguments(name)).unwrap()).unwrap();
        let mut buffer = [0; 256];
        assert!(matches!(session.next_frame(0, &mut buffer), Ok(Next::Write(_))));
        session.link(10, LinkEvent::Down);
        assert!(matches!(session.next_frame(10, &mut buffer), Ok(Next::Wait)));
        session.link(20, LinkEvent::Up);
        assert!(matches!(session.next_frame(20, &mut buffer), Ok(Next::Wait)), "{name}");
        let deadline = session.deadline().expect("it waits for the answer");
        let failure = session.next_frame(deadline, &mut buffer).expect_err("no answer");
        assert_eq!(failure.status, Status::Timeout, "{name}");
    }
    // An exit code that looks like "busy" on an old server is no reason to execute again.
    for code in [2, 10] {
        let mut count = 0;
        let mut peer = |_: u64, request: &[u8]| {
            count += 1;
            vec![answer(request, &bytes(&cbor!({ "o" => "", "rc" => code }).unwrap()))]
        };
        let run = run(
            "shell_execute",
            arguments("shell_execute"),
            SessionOptions::default(),
            Wire::CLEAN,
            &mut peer,
        );
        assert_eq!(run.result.expect("a result"), json!({ "output": "", "exit_code": code }));
        assert_eq!(count, 1);
    }
}

#[test]
fn what_may_be_repeated_is_sent_again_until_it_is_answered() {
    for name in Command::names().filter(|name| !["reset", "shell_execute"].contains(name) && !transfers(name))
    {
        let mut count = 0;
        let mut late = |_: u64, request: &[u8]| {
            // The small echo beside a request that was repeated.
            if name != "echo" && request[4..6] == [0, 0] && request[7] == 0 {
                return Vec::new();
            }
            count += 1;
            if count < 3 { Vec::new() } else { vec![answer(request, &bytes(&cbor!({ "rc" => 5 }).unwrap()))] }
        };
        let run = run(name, arguments(name), SessionOptions::default(), Wire::CLEAN, &mut late);
        assert_eq!(run.result.expect_err("refused").status, Status::DeviceError, "{name}");
        assert_eq!(count, 3, "{name}");
    }
}

/// The answer to a request of a server that speaks one protocol version only.
fn only(version: Version, silent: bool, request: &[u8], body: &[u8]) -> Vec<Vec<u8>> {
    let header = command_support::request(request).header;
    match (header.version == version as u8, silent) {
        (true, _) => vec![answer(request, body)],
        (false, true) => Vec::new(),
        (false, false) => {
            let code = if version == Version::V1 { 13 } else { 12 };
            vec![answer(request, &bytes(&cbor!({ "rc" => code }).unwrap()))]
        }
    }
}

/// A single command falls back as an update does: rc 13 or silence to version 2, rc 12 to version 1.
#[test]
fn a_command_finds_the_version_that_the_server_speaks() {
    let body = bytes(&cbor!({ "buf_size" => 384, "buf_count" => 4 }).unwrap());
    for silent in [false, true] {
        let mut session = Session::open(SessionOptions::default()).unwrap();
        let mut old = |_: u64, request: &[u8]| only(Version::V1, silent, request, &body);
        session.start_command(Command::new("parameters", &json!({})).unwrap()).unwrap();
        let result = command_support::drive(&mut session, Wire::CLEAN, &mut old).result;
        assert_eq!(
            result.expect("it falls back"),
            json!({ "buf_size": 384, "buf_count": 4 }),
            "silent {silent}"
        );
        // What was learnt stays: the next one, a raw request, is right at once.
        session.start_request(Op::Read, group::OS, 6, &[]).unwrap();
        let run = command_support::drive_from(&mut session, 600_000, Wire::CLEAN, &mut old);
        assert!(run.result.is_ok() && run.writes == 1, "{} writes", run.writes);
    }
    // Who insists on a version is told what the server says of it.
    for (smp_version, speaks, code) in [(SmpVersion::V2, Version::V1, 13), (SmpVersion::V1, Version::V2, 12)]
    {
        let options = SessionOptions { smp_version, ..SessionOptions::default() };
        let mut peer = |_: u64, request: &[u8]| only(speaks, false, request, &body);
        let failure =
            run("parameters", json!({}), options, Wire::CLEAN, &mut peer).result.expect_err("refused");
        assert_eq!(failure.device.map(|error| (error.group, error.code)), Some((None, code)), "{failure}");
    }
}

#[test]
fn slow_answers_are_waited_for() {
    for (name, seconds) in
        [("image_erase", 74), ("shell_execute", 29), ("zephyr_storage_erase", 29), ("file_hash", 29)]
    {
        let mut session = Session::open(SessionOptions::default()).unwrap();
        session.start_command(Command::new(name, &arguments(name)).unwrap()).unwrap();
        let mut buffer = [0; 256];
        assert!(matches!(session.next_frame(0, &mut buffer), Ok(Next::Write(_))));
        assert!(matches!(session.next_frame(seconds * 1_000, &mut buffer), Ok(Next::Wait)), "{name}");
    }
    let mut session = Session::open(SessionOptions::default()).unwrap();
    let command =
        Command::new("shell_execute", &json!({ "argv": ["sleep"], "timeout_ms": 600_000 })).unwrap();
    session.start_command(command).unwrap();
    assert!(matches!(session.next_frame(0, &mut [0; 256]), Ok(Next::Write(_))));
    assert!(matches!(session.next_frame(599_000, &mut [0; 256]), Ok(Next::Wait)));
}

#[test]
fn a_link_that_stays_down_ends_every_command() {
    for name in Command::names() {
        let mut session = Session::open(SessionOptions::default()).unwrap();
        session.link(0, LinkEvent::Down);
        session.start_command(Command::new(name, &arguments(name)).unwrap()).unwrap();
        let mut buffer = [0; 256];
        assert!(matches!(session.next_frame(5, &mut buffer), Ok(Next::Wait)), "{name}");
        let deadline = session.deadline().expect("a limit");
        assert!(deadline > 1_000, "{name}: {deadline} is no wait");
        let failure = session.next_frame(deadline, &mut buffer).expect_err(name);
        assert_eq!(failure.status, Status::LinkLost, "{name}: {failure}");
    }
}

#[test]
fn a_request_larger_than_a_frame_is_refused_before_anything_is_sent() {
    let mut session = Session::open(SessionOptions::default()).unwrap();
    session.start_command(Command::new("echo", &json!({ "text": "x".repeat(1_000) })).unwrap()).unwrap();
    let failure = session.next_frame(0, &mut [0; 256]).expect_err("too large");
    assert_eq!(failure.status, Status::FrameTooSmall);
    assert_eq!(session.counters().sent, 0);
}

#[test]
fn parameters_teach_the_session() {
    let mut session = Session::open(SessionOptions::default()).unwrap();
    session.start_command(Command::new("parameters", &json!({})).unwrap()).unwrap();
    let body = bytes(&cbor!({ "buf_size" => 128, "buf_count" => 4 }).unwrap());
    let mut peer = |_: u64, request: &[u8]| vec![answer(request, &body)];
    command_support::drive(&mut session, Wire::CLEAN, &mut peer).result.expect("an answer");
    assert_eq!((session.progress(0).frame, session.progress(0).window), (128, 3));
}

proptest! {
    /// Whatever a device sends, a command ends with a result or a failure, and reading never panics.
    #[test]
    fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for name in Command::names() {
            let command = Command::new(name, &arguments(name)).unwrap();
            let _ = command.read(&body);
            let mut result = json!({});
            let _ = command.complete(&mut result, Ok(&body));
        }
    }

    /// The same with well-formed maps that have the right keys and any values.
    #[test]
    fn any_value_under_a_known_key_is_read_or_refused(
        entries in prop::collection::vec((known_key(), value()), 0..6),
    ) {
        let body = bytes(&ciborium::Value::Map(entries));
        for name in Command::names() {
            let _ = Command::new(name, &arguments(name)).unwrap().read(&body);
        }
    }

    /// Any arguments are taken or refused.
    #[test]
    fn any_json_is_taken_or_refused(text in ".{0,80}", number in any::<i64>(), flag in any::<bool>()) {
        for name in Command::names() {
            let description = Command::describe(name).unwrap();
            for argument in description["arguments"].as_array().unwrap() {
                for spelling in argument["names"].as_array().unwrap() {
                    for value in [json!(text), json!(number), json!(flag), json!([text]), json!([number])] {
                        let _ = Command::new(name, &json!({ spelling.as_str().unwrap(): value }));
                    }
                }
            }
        }
    }
}

fn known_key() -> impl Strategy<Value = ciborium::Value> {
    const KEYS: &[&str] = &[
        "r",
        "rc",
        "err",
        "ret",
        "images",
        "tasks",
        "output",
        "datetime",
        "buf_size",
        "buf_count",
        "mode",
        "bootloader",
        "stat_list",
        "fields",
        "name",
        "val",
        "max_size",
        "off",
        "len",
        "data",
        "type",
        "types",
        "o",
        "count",
        "groups",
        "group",
        "end",
        "slots",
        "hash",
        "version",
    ];
    prop::sample::select(KEYS).prop_map(ciborium::Value::from)
}

fn value() -> impl Strategy<Value = ciborium::Value> {
    use ciborium::Value as Cbor;
    let leaf = prop_oneof![
        any::<i64>().prop_map(Cbor::from),
        any::<u64>().prop_map(Cbor::from),
        any::<bool>().prop_map(Cbor::from),
        ".{0,8}".prop_map(Cbor::from),
        prop::collection::vec(any::<u8>(), 0..70).prop_map(Cbor::Bytes),
        Just(Cbor::Null),
        Just(Cbor::Float(1.5)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Cbor::Array),
            prop::collection::vec((known_key(), inner), 0..4).prop_map(Cbor::Map),
        ]
    })
}
