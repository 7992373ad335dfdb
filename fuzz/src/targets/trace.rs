//! Whole traces: any file, in pieces of any size, ends in the same report.

use smpfota::{Finding, Trace};

use super::super::bytes::Bytes;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let piece = usize::from(bytes.byte());
    let whole = report(bytes.0, bytes.0.len());
    assert_eq!(report(bytes.0, piece), whole, "pieces make a difference");
}

fn report(file: &[u8], piece: usize) -> (Vec<String>, String) {
    let mut trace = Trace::new();
    let mut lines = Vec::new();
    for piece in file.chunks(piece.max(1)) {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = &rest[trace.feed(rest)..];
            lines.extend(std::iter::from_fn(|| trace.next_line()));
        }
    }
    let verdict = trace.verdict();
    lines.extend(std::iter::from_fn(|| trace.next_line()));
    assert!(lines.iter().all(|line| !line.contains('\n')));
    let cause = verdict["cause"].as_str().expect("a cause");
    assert!(Finding::ALL.iter().any(|finding| finding.name() == cause && *finding != Finding::None));
    assert!(!verdict["says"].as_str().expect("a sentence").is_empty());
    for ruled_out in verdict["ruled_out"].as_array().expect("a list") {
        assert_ne!(ruled_out["cause"], cause);
    }
    (lines, verdict.to_string())
}
