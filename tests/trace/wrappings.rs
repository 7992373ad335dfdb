//! What stands around the lines of a log when somebody hands it on: quotations, names of programs, colours, other line ends.

use super::causes::table;
use super::dresses::DRESSES;
use super::script::*;
use super::support::verdict;

/// A way to hand a text on.
pub type Wrapping = (&'static str, fn(&str) -> String);

fn lines(text: &str, line: impl Fn(usize, &str) -> String) -> String {
    text.lines().enumerate().map(|(n, content)| line(n, content) + "\n").collect()
}

pub const WRAPPINGS: &[Wrapping] = &[
    ("a quotation", |text| lines(text, |_, line| format!("> {line}"))),
    ("a quotation in a quotation", |text| lines(text, |_, line| format!("> > {line}"))),
    ("a block of code", |text| format!("This is what I see:\n\n```\n{text}```\n\nAny ideas?\n")),
    ("an indented block", |text| lines(text, |_, line| format!("    {line}"))),
    ("other line ends", |text| text.replace('\n', "\r\n")),
    ("empty lines between", |text| lines(text, |_, line| format!("{line}\n"))),
    ("colours", |text| lines(text, |_, line| format!("\u{1b}[0;32m{line}\u{1b}[0m"))),
    ("the name of a container", |text| lines(text, |_, line| format!("fota-app-1  | {line}"))),
    ("a system log", |text| {
        lines(text, |n, line| {
            format!("Mar  1 12:{:02}:{:02} gateway fota[812]: {line}", n / 1_200 % 60, n / 20 % 60)
        })
    }),
    ("a phone's log", |text| {
        lines(text, |n, line| {
            format!("03-01 12:{:02}:{:02}.123  1234  1250 D Fota    : {line}", n / 1_200 % 60, n / 20 % 60)
        })
    }),
    ("a pod's log", |text| {
        lines(text, |n, line| {
            format!("2026-03-01T12:{:02}:{:02}.123456789Z stdout F {line}", n / 1_200 % 60, n / 20 % 60)
        })
    }),
];

#[test]
fn what_stands_around_the_lines_changes_no_verdict() {
    let told = |bytes: &[u8]| {
        let verdict = verdict(bytes);
        (verdict["cause"].clone(), verdict["says"].clone())
    };
    let mut wrong = Vec::new();
    let rows = table();
    let chosen = rows.iter().filter(|(name, ..)| {
        ["H3", "H5", "the old image runs", "never reset", "sha as text"]
            .iter()
            .any(|start| name.starts_with(start))
    });
    for (name, script, _) in chosen {
        for (form, write) in FORMS.iter().chain(DRESSES).chain(super::packets::FORMS) {
            // Console lines have their own marks at their start, and what is no text has no lines.
            let Ok(text) = String::from_utf8(write(script)) else { continue };
            if matches!(*form, "console lines" | "recording" | "frames as they are") {
                continue;
            }
            let expected = told(text.as_bytes());
            for (wrapping, wrap) in WRAPPINGS {
                // What a terminal broke has no time and no name in front of each line.
                if form.starts_with("a terminal") && wrapping.ends_with("log") {
                    continue;
                }
                let found = told(wrap(&text).as_bytes());
                if found != expected {
                    wrong.push(format!("{name}, {form}, {wrapping}: {found:?} instead of {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
