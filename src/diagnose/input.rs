//! Finding out how the frames are written down: as they are, in console lines, or as text.

use super::finding::Findings;
use super::text;
use crate::smp::Op;
use crate::smp::console::{Decoder, MAX_FRAME};
use std::borrow::Cow;

/// How the bytes were understood.
pub(super) struct Input<'a> {
    /// "raw", "console", "hexadecimal", "base64" or "list of numbers".
    pub(super) framing: &'static str,
    /// Whether the frames came in console lines, directly or written as text.
    pub(super) serial: bool,
    /// Runs of frames: one for raw bytes, one for each packet of console lines.
    pub(super) runs: Vec<Cow<'a, [u8]>>,
}

/// Recognises the form of `bytes`.
pub(super) fn recognise<'a>(bytes: &'a [u8], findings: &mut Findings) -> Input<'a> {
    if let Some(packets) = binary_form(bytes, findings) {
        return packets;
    }
    let decoded = [
        ("hexadecimal", text::from_hex as fn(&[u8]) -> Option<Vec<u8>>),
        ("list of numbers", text::from_list),
        ("base64", text::from_base64),
    ]
    .into_iter()
    .find_map(|(framing, decode)| decode(bytes.trim_ascii()).map(|bytes| (framing, bytes)))
    .filter(|(_, decoded)| starts_frame(decoded) || has_marker(decoded));
    let Some((framing, decoded)) = decoded else {
        return Input { framing: "raw", serial: false, runs: vec![Cow::Borrowed(bytes)] };
    };
    findings.note(
        "text_not_bytes",
        format!("These bytes are a frame written as text ({framing}). If they went to a device like this, it dropped them."),
    );
    match binary_form(&decoded, findings) {
        Some(Input { serial, runs, .. }) => {
            let runs = runs.into_iter().map(|run| Cow::Owned(run.into_owned())).collect();
            Input { framing, serial, runs }
        }
        None => Input { framing, serial: false, runs: vec![Cow::Owned(decoded)] },
    }
}

/// Raw or console, if it is one of them.
fn binary_form<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<Input<'a>> {
    // The flags of a frame are 0, so no newline before a console marker is taken for a frame.
    if starts_frame(bytes) && (bytes[1] == 0 || !has_marker(bytes)) {
        return Some(Input { framing: "raw", serial: false, runs: vec![Cow::Borrowed(bytes)] });
    }
    has_marker(bytes).then(|| Input { framing: "console", serial: true, runs: packets(bytes, findings) })
}

fn starts_frame(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes[0] & 0xe0 == 0 && Op::from_number(bytes[0] & 0x07).is_some()
}

fn has_marker(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == [0x06, 0x09] || two == [0x04, 0x14])
}

fn packets<'a>(bytes: &'a [u8], findings: &mut Findings) -> Vec<Cow<'a, [u8]>> {
    let mut runs = Vec::new();
    let mut decoder = Decoder::new(MAX_FRAME);
    decoder.feed(bytes, |frame| runs.push(Cow::Owned(frame.to_vec())));
    let rejected = decoder.rejected();
    if runs.is_empty()
        && let Some(frame) = bare_frame(bytes)
    {
        findings.error(
            "console_without_length",
            "The line holds the base64 of the frame alone; before it belongs its length + 2 in two bytes, behind it a CRC-16.",
        );
        return vec![Cow::Owned(frame)];
    }
    for (count, code, what) in [
        (
            rejected.bad_base64,
            "console_bad_base64",
            "lines that are not base64; log text in the middle of a line, for one",
        ),
        (
            rejected.bad_crc,
            "console_bad_crc",
            "packets whose checksum does not fit; it is CRC-16/XMODEM over the frame",
        ),
        (
            rejected.bad_length,
            "console_bad_length",
            "packets whose length field does not fit; it is the frame's length + 2",
        ),
        (rejected.unfinished, "console_unfinished", "packets that end before their length"),
        (rejected.stray, "console_stray_line", "continuation lines (04 14) without a first line (06 09)"),
    ] {
        if count > 0 {
            findings.error(code, format!("{count} {what}."));
        }
    }
    if runs.is_empty() && rejected == Default::default() {
        findings.error("console_unfinished", "The packet ends before its length: lines are missing.");
    }
    runs
}

/// The frame in a first line that lacks length and checksum.
fn bare_frame(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = bytes.windows(2).position(|two| two == [0x06, 0x09])? + 2;
    let line = bytes[start..].split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let frame = text::from_base64(line)?;
    let length = usize::from(u16::from_be_bytes([*frame.get(2)?, *frame.get(3)?]));
    (starts_frame(&frame) && frame.len() == length + 8).then_some(frame)
}
