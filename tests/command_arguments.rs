//! Arguments that no command takes are refused before anything is sent, with the argument's name.

use serde_json::{Value, json};
use smpfota::{Command, Status};

#[test]
fn what_a_command_does_not_take_is_refused_by_name() {
    let hash = "ab".repeat(32);
    let cases = [
        ("echo", json!({}), "\"text\""),
        ("echo", json!({ "text": 5 }), "not a number"),
        ("echo", json!({ "text": "x".repeat(65_001) }), "65000"),
        ("echo", json!({ "text": "a\0b" }), "\"text\""),
        ("echo", json!({ "text": "a", "d": "a" }), "\"d\""),
        ("image_list", json!({ "slot": 1 }), "no argument \"slot\""),
        ("image_test", json!({}), "\"hash\""),
        ("image_test", json!({ "hash": &hash[2..] }), "32, 48 or 64"),
        ("image_test", json!({ "hash": format!("{}zz", &hash[2..]) }), "32, 48 or 64"),
        ("image_test", json!({ "hash": hash, "confirm": true }), "\"confirm\""),
        ("image_erase", json!({ "slot": 256 }), "0 to 255"),
        ("image_erase", json!({ "slot": -1 }), "0 to 255"),
        ("image_erase", json!({ "slot": 1.5 }), "0 to 255"),
        ("image_erase", json!({ "slot": "1" }), "0 to 255"),
        ("reset", json!({ "boot_mode": 256 }), "0 to 255"),
        ("reset", json!({ "force": 1 }), "true or false"),
        ("os_info", json!({ "format": "" }), "1 to 32 bytes"),
        ("date_time_set", json!({ "date_time": "2026-02-28" }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-13-01T00:00:00" }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-01-01T24:00:00" }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-01-01T00:00:00Z" }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-01-01T00:00:00+0" }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-01-01T00:00:00." }), "date and time"),
        ("date_time_set", json!({ "date_time": "2026-01-0é:00:00:0" }), "date and time"),
        ("settings_read", json!({ "name": "" }), "1 to 255 bytes"),
        ("settings_read", json!({ "name": "a", "max_size": 0 }), "1 to 65535"),
        ("settings_write", json!({ "name": "a" }), "\"value_hex\" or \"value_base64\""),
        ("settings_write", json!({ "name": "a", "value": "00" }), "\"value_hex\" or \"value_base64\""),
        ("settings_write", json!({ "name": "a", "value_hex": "0" }), "\"value_hex\""),
        ("settings_write", json!({ "name": "a", "value_hex": "0g" }), "\"value_hex\""),
        ("settings_write", json!({ "name": "a", "value_base64": "A" }), "\"value_base64\""),
        ("settings_write", json!({ "name": "a", "value_hex": "00", "value_base64": "AA==" }), "not both"),
        ("file_upload", json!({ "name": "/a", "content_hex": "" }), "1 to 16777216 bytes"),
        ("file_upload", json!({ "name": "/a", "content_hex": "0".repeat((32 << 20) + 2) }), "16777216"),
        ("file_download", json!({ "name": "/a", "max_length": 0 }), "1 to 16777216"),
        ("file_download", json!({ "name": "/a", "max_length": (16 << 20) + 1 }), "1 to 16777216"),
        ("file_download", json!({ "name": "/a", "encoding": "utf8" }), "base64"),
        ("file_hash", json!({ "name": "/a", "type": "much-too-long" }), "1 to 8 bytes"),
        ("file_hash", json!({ "name": "/a", "length": 0 }), "from 1"),
        ("shell_execute", json!({ "argv": [] }), "1 to 64 texts"),
        ("shell_execute", json!({ "argv": "ls" }), "1 to 64 texts"),
        ("shell_execute", json!({ "argv": ["ls", 5] }), "1 to 64 texts"),
        ("enumeration_single", json!({ "index": 65_536 }), "65535"),
        ("enumeration_details", json!({ "groups": [1, 65_536] }), "65535"),
        ("enumeration_details", json!({ "groups": [] }), "1 to 64"),
    ];
    for (name, arguments, says) in cases {
        let failure = Command::new(name, &arguments).expect_err(&format!("{name} {arguments:.60}"));
        assert_eq!(failure.status, Status::InvalidArgument, "{name}: {failure}");
        assert!(failure.sentence.contains(says), "{name}: {failure}");
        assert!(failure.sentence.contains(name), "{name}: {failure}");
    }
}

#[test]
fn arguments_that_are_no_object_are_invalid_json() {
    for arguments in [json!([]), json!("text"), json!(5), json!(true)] {
        let failure = Command::new("echo", &arguments).expect_err("refused");
        assert_eq!(failure.status, Status::InvalidJson, "{arguments}");
    }
    assert!(Command::new("image_list", &Value::Null).is_ok());
}

#[test]
fn an_unknown_command_is_told_what_there_is() {
    let failure = Command::new("image_delete", &json!({})).expect_err("unknown");
    assert_eq!(failure.status, Status::UnknownCommand);
    assert!(failure.sentence.contains("image_erase"), "{failure}");
}

#[test]
fn a_secret_in_a_wrong_argument_is_not_repeated() {
    let failure =
        Command::new("settings_write", &json!({ "name": "a", "value_hex": "hunter2!" })).expect_err("no hex");
    assert!(!failure.sentence.contains("hunter2"), "{failure}");
}

/// Whatever is refused, wherever it stands: its value is in no sentence.
#[test]
fn no_sentence_repeats_what_could_be_a_secret() {
    const WORD: &str = "hunter2";
    const PIN: u64 = 918_273_645;
    let mut refused = 0;
    for name in Command::names() {
        let description = Command::describe(name).unwrap();
        for argument in description["arguments"].as_array().unwrap() {
            for spelling in argument["names"].as_array().unwrap() {
                let spelling = spelling.as_str().unwrap();
                let long = WORD.repeat(20_000);
                for value in [
                    json!(WORD),
                    json!(long),
                    json!(format!("{WORD}\0")),
                    json!([WORD, PIN]),
                    json!({ "a": WORD }),
                    json!(PIN),
                    json!([[WORD]]),
                ] {
                    // A number out of its range is told; it is no secret.
                    if value == json!(PIN) && argument["takes"].as_str().unwrap().contains("whole number") {
                        continue;
                    }
                    if let Err(failure) = Command::new(name, &json!({ spelling: value })) {
                        assert!(!failure.sentence.contains(WORD), "{name}: {failure}");
                        assert!(!failure.sentence.contains(&PIN.to_string()), "{name}: {failure}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn bounds_themselves_are_taken() {
    for (name, arguments) in [
        ("echo", json!({ "text": "" })),
        ("echo", json!({ "text": "x".repeat(65_000) })),
        ("image_erase", json!({ "slot": 255 })),
        ("image_confirm", json!({ "hash": "0A".repeat(64) })),
        ("image_test", json!({ "hash": "0a".repeat(48) })),
        ("date_time_set", json!({ "date_time": "2024-02-29T23:59:59.123" })),
        ("settings_write", json!({ "name": "x".repeat(255), "value_hex": "" })),
        ("file_upload", json!({ "name": "/a", "content_base64": "AA==" })),
        (
            "file_download",
            json!({ "name": "/a", "max_length": 16 << 20, "encoding": "hex", "verify": false }),
        ),
        ("shell_execute", json!({ "argv": ["ls"], "timeout_ms": 60_000 })),
        ("enumeration_details", json!({ "groups": [65_535] })),
    ] {
        Command::new(name, &arguments).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}
