//! The verdict: which cause of the table fits what was seen, with the frames that show it.
//!
//! The first case that fits is the cause; what fits besides it is told too. A case is decided by what the device said, then by
//! what the link did, and only then by what a client usually does wrong.

mod end;
mod file;
mod points;
mod upload;

use super::capture::CaptureFacts;
use super::talk::{Evidence, Mark, Talk};
use super::told::Dress;
use crate::failure::Finding;

pub(super) use points::{points, ruled_out, undecided};

/// How sure a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The frames leave nothing else.
    Certain,
    /// It explains everything that was seen.
    Likely,
    /// It fits, and something else would too.
    Possible,
}

impl Certainty {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Certainty::Certain => "certain",
            Certainty::Likely => "likely",
            Certainty::Possible => "possible",
        }
    }
}

/// A cause that fits.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) cause: Finding,
    pub(super) certainty: Certainty,
    /// What happened, in a sentence.
    pub(super) says: String,
    pub(super) marks: Vec<Mark>,
    pub(super) count: u64,
}

impl Case {
    fn new(cause: Finding, certainty: Certainty, says: impl Into<String>, evidence: &Evidence) -> Case {
        Case { cause, certainty, says: says.into(), marks: evidence.marks.clone(), count: evidence.count }
    }

    fn at(cause: Finding, certainty: Certainty, says: impl Into<String>, mark: Option<Mark>) -> Case {
        Case {
            cause,
            certainty,
            says: says.into(),
            marks: mark.into_iter().collect(),
            count: u64::from(mark.is_some()),
        }
    }
}

/// What is known of the file itself.
#[derive(Debug, Default, Clone)]
pub(super) struct FileFacts {
    pub(super) bytes: u64,
    pub(super) lines: u64,
    /// Lines that hold bytes in some dress.
    pub(super) lines_with_bytes: u64,
    pub(super) damaged_console_lines: u64,
    pub(super) unpack_first: Option<&'static str>,
    pub(super) dresses: Vec<Dress>,
    pub(super) first_line: String,
    pub(super) container: &'static str,
    /// Of a capture.
    pub(super) capture: Option<CaptureFacts>,
    /// Whether it shows what happens at the level of the link.
    pub(super) shows_the_link: bool,
}

/// All causes that fit, the likeliest first; never empty.
pub(super) fn judge(talk: &Talk, facts: &FileFacts) -> Vec<Case> {
    let mut cases = Vec::new();
    if let Some(case) = file::nothing_to_read(talk, facts) {
        return vec![case];
    }
    mistakes(talk, &mut cases);
    upload::cases(talk, facts, &mut cases);
    end::cases(talk, &mut cases);
    file::damage(talk, facts, &mut cases);
    let mut known = Vec::new();
    cases.retain(|case| {
        let first = !known.contains(&case.cause);
        known.push(case.cause);
        first
    });
    if cases.is_empty() {
        cases.push(end::nothing_wrong(talk));
    }
    cases
}

/// Mistakes in the frames themselves, unless the device took them all the same.
fn mistakes(talk: &Talk, cases: &mut Vec<Case>) {
    const ORDER: [Finding; 7] = [
        Finding::BinaryAsText,
        Finding::HeaderLengthWrong,
        Finding::WrongCommand,
        Finding::FieldType,
        Finding::LengthMissing,
        Finding::NotAnImage,
        Finding::FileDigestAsHash,
    ];
    for finding in ORDER {
        let Some(evidence) = talk.mistakes.get(&finding) else { continue };
        let taken = talk.taken_anyway.get(&finding).copied().unwrap_or(0);
        if taken < evidence.count {
            let certainty =
                if talk.responses == 0 || taken == 0 { Certainty::Certain } else { Certainty::Likely };
            cases.push(Case::new(finding, certainty, evidence.text.clone(), evidence));
        }
    }
}
