//! Feeding traces.

use serde_json::Value;
use smpfota::Trace;

/// Lines and verdict of a trace, fed in pieces of this size.
pub fn explained_in(bytes: &[u8], piece: usize) -> (Vec<String>, Value) {
    let mut trace = Trace::new();
    let mut lines = Vec::new();
    for piece in bytes.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = trace.feed(rest);
            rest = &rest[taken..];
            while let Some(line) = trace.next_line() {
                lines.push(line);
            }
        }
    }
    let verdict = trace.verdict();
    while let Some(line) = trace.next_line() {
        lines.push(line);
    }
    (lines, verdict)
}

pub fn explained(bytes: &[u8]) -> (Vec<String>, Value) {
    explained_in(bytes, 4096)
}

pub fn verdict(bytes: &[u8]) -> Value {
    explained(bytes).1
}
