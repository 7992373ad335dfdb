//! What was noticed in the bytes, collected.

use crate::json::json;
use serde_json::Value;

/// How many findings are kept; further ones are counted.
const MAX_FINDINGS: usize = 64;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The device refuses, drops or misunderstands it, or says that it failed.
    Error,
    /// It works on some devices or links, or only by luck.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One thing that was noticed.
#[derive(Debug)]
pub(crate) struct Noticed {
    /// The index of the frame it belongs to, if it belongs to one.
    pub(crate) frame: Option<usize>,
    pub(crate) severity: Severity,
    /// The stable name.
    pub(crate) code: &'static str,
    /// One or two sentences.
    pub(crate) text: String,
}

/// The findings of one explanation, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Noticed>,
    left_out: usize,
    /// The frame that is being looked at.
    frame: Option<usize>,
}

impl Findings {
    /// Lets the following findings belong to a frame, or to none.
    pub(super) fn at(&mut self, frame: Option<usize>) {
        self.frame = frame;
    }

    pub(super) fn error(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Severity::Error, code, text.into());
    }

    pub(super) fn warning(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Severity::Warning, code, text.into());
    }

    pub(super) fn note(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Severity::Note, code, text.into());
    }

    fn add(&mut self, severity: Severity, code: &'static str, text: String) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(Noticed { frame: self.frame, severity, code, text });
        } else {
            self.left_out += 1;
        }
    }

    /// What was noticed, as it is.
    pub(super) fn into_list(self) -> Vec<Noticed> {
        self.list
    }

    /// The list as JSON, and how many did not fit in it.
    pub(super) fn into_parts(self) -> (Vec<Value>, usize) {
        let of = |noticed: Noticed| {
            json!({
                "frame": noticed.frame,
                "severity": noticed.severity.name(),
                "code": noticed.code,
                "text": noticed.text,
            })
        };
        (self.list.into_iter().map(of).collect(), self.left_out)
    }
}
