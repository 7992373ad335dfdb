//! One line of text for each frame.

use super::assembly::Whole;
use super::told::Place;
use crate::diagnose::Severity;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How often the whole text of one remark is written; after that its name alone.
const IN_FULL: u32 = 2;

/// Writes the lines, and knows what was said before.
#[derive(Debug, Default)]
pub(super) struct Printer {
    said: BTreeMap<&'static str, u32>,
    origin: Option<u64>,
}

impl Printer {
    /// `#12   3.400 s  ->  244 bytes  seq 7  what it asks  | what is odd`.
    pub(super) fn frame(&mut self, whole: &Whole, number: u64, said: &[String]) -> String {
        let glance = &whole.glance;
        let arrow = if glance.is_response() { "<-" } else { "->" };
        let mut line = format!("#{number:<5}{}{arrow} ", self.time(whole.place));
        match glance.length {
            0 => line += "         ? ",
            length => write!(line, "{length:>4} bytes ").unwrap_or_default(),
        }
        match glance.sequence {
            Some(sequence) => write!(line, "seq {sequence:<3} ").unwrap_or_default(),
            None => line += "seq ?   ",
        }
        line += meaning(&glance.meaning);
        if whole.pieces > 1 {
            write!(line, " ({} pieces)", whole.pieces).unwrap_or_default();
        }
        if whole.mangled {
            line += " | went through a text encoding, its bytes from 80 on are not what was sent";
        }
        if whole.cut {
            write!(line, " | {} bytes are missing", (8 + glance.announced).saturating_sub(glance.length))
                .unwrap_or_default();
        }
        for said in said {
            line += " | ";
            line += said;
        }
        for noticed in &glance.noticed {
            let skipped = whole.cut && noticed.code == "frame_cut" || noticed.severity == Severity::Note;
            if skipped {
                continue;
            }
            let times = self.said.entry(noticed.code).or_default();
            *times = times.saturating_add(1);
            line += " | ";
            line += if *times <= IN_FULL { &noticed.text } else { noticed.code };
        }
        printable(line)
    }

    /// What is said of the link.
    pub(super) fn event(&mut self, place: Place, said: &str) -> String {
        printable(format!("      {}--  {said}", self.time(place)))
    }

    /// Seconds since the first time of the trace.
    fn time(&mut self, place: Place) -> String {
        match place.time_ms {
            Some(time) => {
                let since = time.saturating_sub(*self.origin.get_or_insert(time));
                format!("{:>6}.{:03} s  ", since / 1000, since % 1000)
            }
            None => String::new(),
        }
    }
}

/// The text without what ends a line or commands a terminal: a device or a log may say anything, as the version of an image does.
pub(super) fn printable(text: String) -> String {
    let is_plain =
        |c: char| !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().all(is_plain) {
        return text;
    }
    text.chars().map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The meaning without its first word: the arrow says it already.
fn meaning(text: &str) -> &str {
    text.strip_prefix("Request: ")
        .or_else(|| text.strip_prefix("Response: "))
        .unwrap_or(text)
        .trim_end_matches('.')
}
