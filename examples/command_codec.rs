//! Runs commands and uploads of the library against a device that somebody else plays, line by line on standard input and
//! output: for comparing the messages with those of another implementation (`tests/codec/compare.py`).
//!
//! One JSON object a line. In: `{"command": name, "arguments": {...}}` or `{"upload": image in hex}` starts an operation on a
//! fresh session, `{"answer": frame in hex}` is what the device says, `{"version": 1 or 2}` fixes the protocol. Out: `{"write":
//! frame in hex}`, `{"done": result}`, `{"failed": {"status", "group", "code", "sentence"}}`, or `{"stuck": ...}`. One line in gives one line out, but
//! `version`, which gives none. The clock stands still, so nothing is ever sent twice.

use std::io::{BufRead, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use smpfota::{
    Command, Failure, Firmware, Next, Session, SessionOptions, SmpVersion, UpdateMode, UpdateOptions,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = SessionOptions { max_write: 4_096, ..SessionOptions::default() };
    let mut session = Session::open(options)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        if let Some(version) = line["version"].as_u64() {
            options.smp_version = if version == 1 { SmpVersion::V1 } else { SmpVersion::V2 };
            continue;
        }
        if let Some(name) = line["command"].as_str() {
            session = Session::open(options)?;
            let started =
                Command::new(name, &line["arguments"]).and_then(|command| session.start_command(command));
            if let Err(failure) = started {
                writeln!(out, "{}", failed(&failure))?;
                continue;
            }
        } else if let Some(image) = line["upload"].as_str() {
            session = Session::open(options)?;
            let firmware = Arc::new(Firmware::parse(bytes(image)?)?);
            session.start_update(
                firmware,
                UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() },
            )?;
        } else if let Some(answer) = line["answer"].as_str() {
            session.feed(0, &bytes(answer)?);
        } else {
            return Err(format!("what is {line}?").into());
        }
        writeln!(out, "{}", next(&mut session))?;
        out.flush()?;
    }
    Ok(())
}

/// The next frame, or the end, or what else the session says, which nobody expects.
fn next(session: &mut Session) -> Value {
    let mut buffer = [0; 65_535];
    match session.next_frame(0, &mut buffer) {
        Ok(Next::Write(length)) => json!({ "write": hex(&buffer[..length]) }),
        Ok(Next::Done) => json!({ "done": session.result() }),
        Ok(other) => json!({ "stuck": format!("{other:?}") }),
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> Value {
    json!({ "failed": {
        "status": failure.status.name(),
        "group": failure.device.and_then(|error| error.group),
        "code": failure.device.map(|error| error.code),
        "sentence": failure.sentence,
    } })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let pair = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..hex.len()).step_by(2).map(|at| pair(at).ok_or(format!("{hex:.20} is no hex"))).collect()
}
