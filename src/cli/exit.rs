//! How the command ends: a sentence, and a code by the range of the status.

use serde_json::json;
use smpfota::Failure;
use std::fmt::Display;
use std::process::ExitCode;

/// Why the command did not do what it was asked.
pub enum Ending {
    /// The library says why.
    Failure(Failure),
    /// A file, a port or a socket.
    Io(String),
    /// The command line.
    Usage(String),
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Ending {
        Ending::Failure(failure)
    }
}

impl Ending {
    /// Something of the system failed.
    pub fn io(what: impl Display, error: &dyn Display) -> Ending {
        Ending::Io(format!("{what}: {error}"))
    }

    /// The command line asks for something that cannot be.
    pub fn usage(text: impl Into<String>) -> Ending {
        Ending::Usage(text.into())
    }

    /// Says it, and gives the code.
    pub fn report(self, json: bool) -> ExitCode {
        let (code, status, finding, sentence) = match &self {
            Ending::Failure(failure) => (
                of_status(failure.status.number()),
                failure.status.name(),
                failure.finding.name(),
                failure.sentence.as_str(),
            ),
            Ending::Io(sentence) => (1, "IO", "NONE", sentence.as_str()),
            Ending::Usage(sentence) => (2, "USAGE", "NONE", sentence.as_str()),
        };
        if json {
            println!("{}", json!({ "status": status, "finding": finding, "sentence": sentence }));
        } else {
            eprintln!("smpfota: {status}: {sentence}");
        }
        ExitCode::from(code)
    }
}

/// The code of a status by its range: -1 to -99 is 2, -100 to -199 is 3, and so on.
fn of_status(number: i32) -> u8 {
    if number >= 0 { 0 } else { u8::try_from(2 + -number / 100).unwrap_or(7) }
}
