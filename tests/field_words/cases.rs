//! The hopeless cases, by the number of their report.

use smpfota::{Finding, Status};

use crate::drive::{Drive, Passage};
use crate::hopeless::{Case, Evidence, noting};
use crate::kit::Kind;

/// Cuts every answer at 20 bytes, from the one with this number on.
fn cut_from(drive: &mut Drive, seen: Evidence, first: u32) {
    let mut answers = 0;
    drive.on_answer = noting(seen, move |_, frame| {
        answers += 1;
        match frame.get(..20) {
            Some(start) if answers >= first && frame.len() > 20 => Passage::Changed(start.to_vec()),
            _ => Passage::Through,
        }
    });
}

/// Empties the answers of a kind.
fn empty(drive: &mut Drive, seen: Evidence, wanted: Kind) {
    drive.on_answer = noting(seen, move |_, frame| {
        if (frame[5], frame[7]) != (1, if wanted == Kind::Upload { 1 } else { 0 }) {
            return Passage::Through;
        }
        let mut header = frame[..8].to_vec();
        header[2..4].fill(0);
        Passage::Changed(header)
    });
}

/// Item 18: an offset beyond 64 KiB is written as one of 16 bits with a byte too many (mcuboot#1104).
fn garbled(drive: &mut Drive, seen: Evidence) {
    drive.on_answer = noting(seen, |_, frame| {
        let at = frame.windows(5).position(|window| window[..4] == *b"\x63off" && window[4] == 0x1a);
        let Some(at) = at.filter(|_| (frame[5], frame[7]) == (1, 1)) else { return Passage::Through };
        let mut changed = frame.to_vec();
        // 1a 00 01 01 44 becomes 19 01 01 44.
        changed[at + 4] = 0x19;
        changed.remove(at + 5);
        let length = (changed.len() - 8) as u16;
        changed[2..4].copy_from_slice(&length.to_be_bytes());
        changed[at + 5] = 1;
        Passage::Changed(changed)
    });
}

pub const ALL: &[Case] = &[
    Case {
        name: "12: answers cut at 20 bytes, from the first",
        spoil: |drive, seen| cut_from(drive, seen, 1),
        image: 6_000,
        status: Status::Timeout,
        finding: Finding::AnswersCut,
        words: &["cut at 20 bytes (ATT MTU 23)", "from the first"],
    },
    Case {
        name: "12: answers cut at 20 bytes, in the middle of the upload",
        spoil: |drive, seen| cut_from(drive, seen, 16),
        image: 20_000,
        status: Status::Timeout,
        finding: Finding::AnswersCut,
        words: &["cut at 20 bytes (ATT MTU 23)", "s ago"],
    },
    Case {
        name: "13: answers of more than 120 bytes lost",
        spoil: |drive, seen| {
            drive.on_answer =
                noting(seen, |_, frame| if frame.len() > 120 { Passage::Lost } else { Passage::Through });
        },
        image: 6_000,
        status: Status::Timeout,
        finding: Finding::LongAnswersLost,
        words: &["image list", "An echo was answered"],
    },
    Case {
        name: "17: chunks answered without content",
        spoil: |drive, seen| empty(drive, seen, Kind::Upload),
        image: 6_000,
        status: Status::Undecodable,
        finding: Finding::EmptyAnswers,
        words: &["a header and nothing behind it"],
    },
    Case {
        name: "17: image list answered without content",
        spoil: |drive, seen| empty(drive, seen, Kind::List),
        image: 6_000,
        status: Status::Undecodable,
        finding: Finding::EmptyAnswers,
        words: &["image list", "a header and nothing behind it"],
    },
    Case {
        name: "18: offsets beyond 64 KiB written wrongly",
        spoil: garbled,
        image: 90_000,
        status: Status::Undecodable,
        finding: Finding::OffsetGarbled,
        words: &["since byte 65"],
    },
];
