//! What the file itself says: nothing to read, or bytes that it lost.

use super::upload::pairing;
use super::{Case, Certainty, FileFacts};
use crate::failure::Finding;
use crate::trace::capture::CaptureFacts;
use crate::trace::talk::{Evidence, Talk};

/// The verdict on a file without SMP in it.
pub(super) fn nothing_to_read(talk: &Talk, facts: &FileFacts) -> Option<Case> {
    if talk.frames > 0 {
        return None;
    }
    let none = Evidence::default();
    let mut cases = Vec::new();
    pairing(talk, &mut cases);
    if facts.capture.is_none_or(|capture| capture.encrypted == 0)
        && let Some(case) = cases.into_iter().next()
    {
        return Some(case);
    }
    if let Some(capture) = &facts.capture {
        return Some(of_capture(capture, facts.container));
    }
    let says = if let Some(kind) = facts.unpack_first {
        format!("The file is {kind}: unpack it and give what is in it.")
    } else if facts.bytes == 0 {
        "The file is empty.".to_owned()
    } else if facts.lines_with_bytes > 0 {
        format!(
            "{} lines hold bytes and none is an SMP frame. A frame begins with 00 to 03 (or 08 to 0b), then 00, and its third and \
             fourth byte are the length of what follows its first eight. The first line that was looked at: \"{}\".",
            facts.lines_with_bytes, facts.first_line
        )
    } else {
        format!(
            "None of its {} lines holds a frame in hexadecimal, base64, a list of numbers or a dump, nor one in words. The closest \
             to it is a log without the bytes: switch on the level that prints them. Its first line: \"{}\".",
            facts.lines, facts.first_line
        )
    };
    Some(Case::new(Finding::NoSmp, Certainty::Certain, says, &none))
}

/// A capture without a frame that can be read.
fn of_capture(capture: &CaptureFacts, format: &str) -> Case {
    let none = Evidence::default();
    if capture.encrypted > 0 {
        let says = format!(
            "{} of the {} packets hold something that is encrypted, and none holds an SMP frame that can be read.",
            capture.encrypted, capture.packets
        );
        return Case::new(Finding::Encrypted, Certainty::Certain, says, &none);
    }
    let says = match capture.unknown {
        Some(link_type) => {
            let name = if link_type >= 0x1_0000 { "datalink" } else { "link type" };
            format!(
                "Packets of {name} {} are not read. Those of a Bluetooth host (btsnoop, 187, 201, 254), of the air (251, 256, 272) and of \
                 IP (Ethernet, loopback, raw, Linux cooked) are.",
                link_type & 0xffff
            )
        }
        None if capture.packets == 0 => format!("The {format} file holds no packet."),
        None => format!(
            "None of the {} packets carries SMP: no value of a characteristic begins like an SMP frame, and no datagram of UDP port 1337.",
            capture.packets
        ),
    };
    Case::new(Finding::NoSmp, Certainty::Certain, says, &none)
}

/// Whether the log shows the first bytes of each frame alone, so many of them: the device took more of a request than is there, and what
/// is cut in either direction ends after as many bytes.
pub(super) fn shows_beginnings(talk: &Talk) -> Option<usize> {
    let answers =
        talk.answers_cut.count == 0 || talk.answers_cut_alike && talk.answers_cut_at == talk.requests_cut_at;
    talk.requests_cut_at.filter(|_| talk.cut_and_taken > 0 && talk.requests_cut_alike && answers)
}

/// Damage that the file did, not the link.
pub(super) fn damage(talk: &Talk, facts: &FileFacts, cases: &mut Vec<Case>) {
    if talk.file_cut.count >= 2
        || talk.file_cut.count == 1 && talk.requests_cut.count == 0 && talk.answers_cut.count == 0
    {
        let says = format!(
            "{} frames end where their line ends, at column {}: the log cuts its lines, the link did not cut the frames.",
            talk.file_cut.count, talk.cut_width
        );
        cases.push(Case::new(Finding::TraceIncomplete, Certainty::Likely, says, &talk.file_cut));
    }
    if let Some(length) = shows_beginnings(talk) {
        let says = format!(
            "Frames of both directions end after {length} bytes, and the device took {} requests whole: the log shows their first bytes \
             alone, the link did not cut them.",
            talk.cut_and_taken
        );
        cases.push(Case::new(Finding::TraceIncomplete, Certainty::Likely, says, &talk.requests_cut));
    }
    let unfinished = talk.responses == 0 || talk.upload.as_ref().is_some_and(|upload| !upload.complete);
    if let Some(capture) = facts.capture.filter(|capture| capture.encrypted > 0 && unfinished) {
        let says = format!(
            "{} packets are encrypted and cannot be read; what is told here is from those that can.",
            capture.encrypted
        );
        let certainty = if talk.responses == 0 { Certainty::Likely } else { Certainty::Possible };
        cases.push(Case::at(Finding::Encrypted, certainty, says, talk.last_mark));
    }
    if facts.damaged_console_lines > 0 && talk.frames < facts.damaged_console_lines {
        let says = format!(
            "{} console lines of SMP are damaged, by log text in the middle of them for one, and cannot be read.",
            facts.damaged_console_lines
        );
        cases.push(Case::new(Finding::TraceIncomplete, Certainty::Possible, says, &Evidence::default()));
    }
}
