//! Logs that show the beginning of a frame alone, and say so or not.

use super::causes::{table, whole_update};
use super::script::*;
use super::support::{explained, verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn log(script: &Script, dress: impl Fn(&[u8]) -> String) -> Vec<u8> {
    let line = |said: &Said| {
        let word = if said.to_device { "sent" } else { "received" };
        format!("12:00:{:02}.{:03} {word} {}\n", said.ms / 1000 % 60, said.ms % 1000, dress(&said.bytes))
    };
    script.said.iter().map(line).collect::<String>().into_bytes()
}

fn decimal(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between)
}

/// `console.log` of a buffer shows fifty bytes.
fn buffer(script: &Script) -> Vec<u8> {
    log(script, |bytes| match bytes.len() {
        51.. => format!("<Buffer {} ... {} more bytes>", hex(&bytes[..50], " "), bytes.len() - 50),
        _ => format!("<Buffer {}>", hex(bytes, " ")),
    })
}

/// And of an array a hundred numbers, in rows.
fn array(script: &Script) -> Vec<u8> {
    log(script, |bytes| {
        let shown = &bytes[..bytes.len().min(100)];
        let rows: Vec<String> = shown.chunks(12).map(|row| format!("  {}", decimal(row, ", "))).collect();
        let more = match bytes.len() - shown.len() {
            0 => String::new(),
            more => format!(",\n  ... {more} more items"),
        };
        format!("[\n{}{more}\n]", rows.join(",\n"))
    })
}

/// The description of data on Apple's systems: sixteen bytes, dots, and the last eight.
fn data(script: &Script) -> Vec<u8> {
    log(script, |bytes| {
        let words = |bytes: &[u8]| bytes.chunks(4).map(|word| hex(word, "")).collect::<Vec<_>>().join(" ");
        let shown = match bytes.len() {
            25.. => format!("{} ... {} ", words(&bytes[..16]), words(&bytes[bytes.len() - 8..])),
            _ => words(bytes),
        };
        format!("{{length = {}, bytes = 0x{shown}}}", bytes.len())
    })
}

/// A dissector that ends long values with an ellipsis.
fn ellipsis(script: &Script) -> Vec<u8> {
    log(script, |bytes| match bytes.len() {
        37.. => format!("Value: {}\u{2026}", hex(&bytes[..36], "")),
        _ => format!("Value: {}", hex(bytes, "")),
    })
}

/// A script of somebody's own, with dots behind the first bytes.
fn dots(script: &Script) -> Vec<u8> {
    log(script, |bytes| match bytes.len() {
        33.. => format!("{}... ({} bytes)", hex(&bytes[..32], " "), bytes.len()),
        _ => format!("{} ({} bytes)", hex(bytes, " "), bytes.len()),
    })
}

/// One that shows the first bytes and does not say that there are more.
fn silent(script: &Script) -> Vec<u8> {
    log(script, |bytes| hex(&bytes[..bytes.len().min(32)], " "))
}

const SAYING: &[Form] = &[
    ("a buffer", buffer),
    ("an array", array),
    ("data of Apple", data),
    ("an ellipsis", ellipsis),
    ("dots", dots),
];

#[test]
fn what_a_log_leaves_out_is_not_missing_on_the_link() {
    let mut wrong = Vec::new();
    for (name, script, cause) in table() {
        let chosen = ["H1", "H3", "H5", "H8", "never reset"];
        if !chosen.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        for (form, write) in SAYING {
            let verdict = verdict(&write(&script));
            if verdict["cause"] != cause.name() {
                wrong.push(format!("{name}, {form}: {} {}", verdict["cause"], verdict["says"]));
            }
        }
    }
    let mut script = Script::default();
    whole_update(&mut script);
    for (form, write) in SAYING {
        let verdict = verdict(&write(&script));
        if verdict["cause"] != "NOTHING_WRONG" || verdict["figures"]["frames"] != script.said.len() {
            wrong.push(format!(
                "{form}: {} {} {}",
                verdict["cause"], verdict["says"], verdict["figures"]["frames"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lengths_are_those_of_the_frames_and_not_of_what_is_shown() {
    let mut script = Script::default();
    script.begun().upload(176, 976);
    for (form, write) in SAYING {
        let (lines, _) = explained(&write(&script));
        assert!(lines[2].contains("->  222 bytes") && !lines[2].contains("missing"), "{form}: {}", lines[2]);
    }
}

#[test]
fn a_log_that_shows_only_the_first_bytes_is_blamed_itself() {
    let mut script = Script::default();
    whole_update(&mut script);
    let verdict = verdict(&silent(&script));
    assert!(
        ["NOTHING_WRONG", "TRACE_INCOMPLETE"].iter().any(|cause| verdict["cause"] == *cause),
        "{} {}",
        verdict["cause"],
        verdict["says"]
    );
}

/// What runs after the reset stands in a list, of which the flags are not shown.
#[test]
fn what_a_list_does_not_show_is_left_undecided() {
    let (_, script, _) =
        table().into_iter().find(|(name, ..)| name.starts_with("the old image runs")).expect("a row");
    for (form, write) in SAYING {
        let verdict = verdict(&write(&script));
        assert!(verdict["undecided"].to_string().contains("only the first bytes"), "{form}: {verdict:#}");
    }
}

#[test]
fn a_conversation_in_a_log_of_first_bytes_keeps_its_cause() {
    for (name, script, cause) in table() {
        if !["H1", "H5", "H8"].iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let verdict = verdict(&silent(&script));
        assert_eq!(verdict["cause"], cause.name(), "{name}: {} {}", verdict["says"], verdict["also"]);
    }
}

#[test]
fn what_another_line_shows_whole_is_known() {
    let (_, script, cause) =
        table().into_iter().find(|(name, ..)| name.starts_with("the old image runs")).expect("a row");
    for (form, write) in [("a buffer", buffer as fn(&Script) -> Vec<u8>), ("dots", dots)] {
        let log = twice(&script, write, true);
        let verdict = verdict(log.as_bytes());
        assert_eq!(
            (&verdict["cause"], verdict["undecided"].to_string()),
            (&cause.name().into(), "[]".into()),
            "{form}"
        );
    }
}

/// A log that shows the first bytes of a frame in one line and all of them in another says it twice.
fn twice(script: &Script, write: fn(&Script) -> Vec<u8>, part_first: bool) -> String {
    let parts = String::from_utf8(write(script)).expect("text");
    let mut log = String::new();
    for (said, part) in script.said.iter().zip(parts.lines()) {
        let time = &part[..12];
        let whole = format!("{time} frame as base64: {}", STANDARD.encode(&said.bytes));
        let (one, other) = if part_first { (part, &whole[..]) } else { (&whole[..], part) };
        log += &format!("{one}\n{other}\n");
    }
    log
}

#[test]
fn a_frame_that_is_shown_in_part_and_whole_is_one() {
    let mut script = Script::default();
    whole_update(&mut script);
    let beginnings: [Form; 3] = [("a buffer", buffer), ("dots", dots), ("nothing said", silent)];
    for (form, write) in beginnings {
        for part_first in [true, false] {
            let log = twice(&script, write, part_first);
            let verdict = verdict(log.as_bytes());
            let figures = &verdict["figures"];
            assert_eq!(
                (
                    &verdict["cause"],
                    &figures["frames"],
                    &figures["repeated_requests"],
                    &figures["repeated_answers"]
                ),
                (&"NOTHING_WRONG".into(), &script.said.len().into(), &0.into(), &0.into()),
                "{form}, {part_first}: {verdict:#}"
            );
        }
    }
}
