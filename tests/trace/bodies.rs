//! Bodies of messages over several lines, as programs show them that decode what they receive: indented JSON, and YAML.

use crate::support::{explained, verdict};
use crate::wrappings::WRAPPINGS;

/// Who says it, and what: the server takes the first chunk and stands still.
const SAID: [(&str, &[(&str, &str)]); 6] = [
    ("TX", &[("len", "5000"), ("off", "0"), ("data", "\"PbjzlgAAAAAAAgAA6AMAAA==\"")]),
    ("RX", &[("rc", "0"), ("off", "16")]),
    ("TX", &[("off", "16"), ("data", "\"AAAAAAAAAAAAAAAA\"")]),
    ("RX", &[("rc", "0"), ("off", "16")]),
    ("TX", &[("off", "16"), ("data", "\"AAAAAAAAAAAAAAAA\"")]),
    ("RX", &[("rc", "0"), ("off", "16")]),
];

fn fields(fields: &[(&str, &str)], quote: &str, between: &str, indent: &str) -> String {
    let one = |(key, value): &(&str, &str)| format!("{indent}{quote}{key}{quote}: {value}");
    fields.iter().map(one).collect::<Vec<_>>().join(between)
}

fn log(write: impl Fn(&str, &[(&str, &str)]) -> String) -> Vec<u8> {
    SAID.iter().map(|(who, body)| write(who, body)).collect::<String>().into_bytes()
}

#[test]
fn a_body_over_several_lines_says_what_it_says_in_one() {
    let one_line = verdict(&log(|who, body| format!("{who} {{{}}}\n", fields(body, "\"", ", ", ""))));
    assert_eq!(one_line["figures"]["requests"], 3, "{one_line}");
    for (form, text) in forms() {
        let verdict = verdict(&text);
        for part in ["cause", "says", "next_step", "undecided"] {
            assert_eq!(verdict[part], one_line[part], "{form}: {verdict}");
        }
    }
}

fn forms() -> [(&'static str, Vec<u8>); 4] {
    [
        ("JSON", log(|who, body| format!("{who} {{\n{}\n}}\n", fields(body, "\"", ",\n", "    ")))),
        (
            "JSON below its heading",
            log(|who, body| format!("{who}:\n{{\n{}\n}}\n", fields(body, "\"", ",\n", "  "))),
        ),
        ("YAML", log(|who, body| format!("{who}:\n{}\n", fields(body, "", "\n", "  ")))),
        ("YAML in documents", log(|who, body| format!("--- {who}\n{}\n\n", fields(body, "", "\n", "")))),
    ]
}

#[test]
fn what_stands_around_the_lines_of_a_body_changes_nothing() {
    let mut wrong = Vec::new();
    for (form, text) in forms() {
        let text = String::from_utf8(text).expect("text");
        let expected = verdict(text.as_bytes());
        for (wrapping, wrap) in WRAPPINGS {
            let verdict = verdict(wrap(&text).as_bytes());
            if verdict["cause"] != expected["cause"] || verdict["says"] != expected["says"] {
                wrong.push(format!("{form}, {wrapping}: {} {}", verdict["cause"], verdict["says"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_list_over_several_lines_is_one() {
    let text = b"Received:\nimages:\n  - slot: 0\n    version: 1.0.0\n    active: true\n    confirmed: true\n  - slot: 1\n    version: 1.1.0\n    pending: true\n";
    let (lines, _) = explained(text);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// Without bytes nothing is said of lengths: the header alone would count as the whole frame.
#[test]
fn no_length_is_told_of_what_has_no_bytes() {
    let verdict = verdict(&log(|who, body| format!("{who} {{{}}}\n", fields(body, "\"", ", ", ""))));
    assert!(!verdict.to_string().contains(" has 8 bytes"), "{verdict}");
}
