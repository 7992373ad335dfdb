//! Cutting bytes into frames, and what is wrong with headers, lengths and the CBOR as such.

use super::body::{Body, Item, Problem};
use super::command;
use super::finding::Findings;
use crate::smp::header::HEADER_LEN;
use crate::smp::{Op, group};
use std::borrow::Cow;

/// How many frames are explained; further ones are counted.
const MAX_FRAMES: usize = 32;

/// One frame as it was found, right or wrong.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// Where it starts.
    pub(super) offset: usize,
    /// All its bytes.
    pub(super) bytes: &'a [u8],
    pub(super) op: Option<Op>,
    pub(super) announced: usize,
    pub(super) group: u16,
    pub(super) command: u8,
    pub(super) body: Body<'a>,
}

impl Seen<'_> {
    pub(super) fn version(&self) -> u8 {
        self.bytes[0] >> 3 & 0x03
    }

    pub(super) fn flags(&self) -> u8 {
        self.bytes[1]
    }

    pub(super) fn sequence(&self) -> u8 {
        self.bytes[6]
    }

    pub(super) fn is_request(&self) -> bool {
        self.op.is_some_and(|op| !op.is_response())
    }

    pub(super) fn is_response(&self) -> bool {
        self.op.is_some_and(Op::is_response)
    }

    /// Whether it is this command of the image group.
    pub(super) fn is_image(&self, command: u8) -> bool {
        self.group == group::IMAGE && self.command == command
    }

    pub(super) fn command_name(&self) -> Option<&'static str> {
        command::find(self.group, self.command).map(|command| command.name)
    }

    /// Whether the body must be a CBOR map.
    pub(super) fn holds_map(&self) -> bool {
        self.group < group::VENDOR_FIRST
    }
}

/// Cuts each run of bytes into frames; the number is that of the frames left out.
pub(super) fn split<'a>(runs: &'a [Cow<'_, [u8]>], findings: &mut Findings) -> (Vec<Seen<'a>>, usize) {
    let mut frames = Vec::new();
    let (mut before, mut left_out) = (0, 0);
    for run in runs {
        left_out += split_run(before, run, &mut frames, findings);
        before += run.len();
    }
    (frames, left_out)
}

/// Cuts one run, which starts at `before`, and says how many of its frames are left out.
fn split_run<'a>(before: usize, run: &'a [u8], frames: &mut Vec<Seen<'a>>, findings: &mut Findings) -> usize {
    let first = frames.len();
    let mut offset = 0;
    while offset < run.len() {
        let rest = &run[offset..];
        if frames.len() == MAX_FRAMES {
            return count(rest);
        }
        let behind = frames.len() > first;
        findings.at(if behind { Some(frames.len() - 1) } else { None });
        if rest.len() < HEADER_LEN || behind && !starts_frame(rest) {
            leftover(rest.len(), behind, findings);
            break;
        }
        findings.at(Some(frames.len()));
        let frame = one(before + offset, rest, findings);
        offset += frame.bytes.len();
        header(&frame, findings);
        body(&frame, findings);
        frames.push(frame);
    }
    findings.at(None);
    0
}

fn leftover(length: usize, behind_frame: bool, findings: &mut Findings) {
    if behind_frame {
        findings.error(
            "bytes_behind_frame",
            format!(
                "{length} bytes follow that start no frame. A device that puts writes together drops the whole write without \
                 a word; another one ignores them or takes them for a further request."
            ),
        );
    } else {
        findings.error(
            "header_cut",
            format!(
                "{length} bytes are no frame: the header alone has 8. A frame may have been cut on the way."
            ),
        );
    }
}

/// How many frames follow each other in `rest`.
fn count(mut rest: &[u8]) -> usize {
    let mut frames = 0;
    while let Some(head) = rest.get(..HEADER_LEN) {
        frames += 1;
        let length = HEADER_LEN + usize::from(u16::from_be_bytes([head[2], head[3]]));
        rest = rest.get(length..).unwrap_or_default();
    }
    frames
}

/// Whether `bytes` may start a frame behind another one.
fn starts_frame(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_LEN && bytes[0] & 0xe0 == 0 && Op::from_number(bytes[0] & 0x07).is_some()
}

fn one<'a>(offset: usize, rest: &'a [u8], findings: &mut Findings) -> Seen<'a> {
    let announced = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let there = rest.len() - HEADER_LEN;
    let mut taken = announced.min(there);
    let group = u16::from_be_bytes([rest[4], rest[5]]);
    let mut body = Body::read(&rest[HEADER_LEN..][..taken]);
    let holds_map = group < group::VENDOR_FIRST;
    if announced > there {
        let swapped = usize::from((announced as u16).swap_bytes());
        if swapped == there {
            findings.error(
                "length_byte_order",
                format!("The length field reads {announced}; with its bytes swapped it would be the {there} that follow. It is big-endian."),
            );
        } else if holds_map && body.is_exact_map() {
            findings.error(
                "length_too_large",
                format!(
                    "The header announces a body of {announced} bytes and the body is complete with {there}: the length field \
                     was not set for this body. The device answers rc 9 or waits for the rest in silence."
                ),
            );
        } else {
            findings.error(
                "frame_cut",
                format!(
                    "The header announces a body of {announced} bytes and {there} are here: the rest was cut off or comes in \
                     another piece. A device that does not put writes together answers rc 9, another one waits in silence."
                ),
            );
        }
    } else if holds_map && body.problem == Some(Problem::Cut) {
        let whole = Body::read(&rest[HEADER_LEN..]);
        let end = HEADER_LEN + whole.used;
        if whole.is_whole()
            && matches!(whole.item, Item::Map(_))
            && (end == rest.len() || starts_frame(&rest[end..]))
        {
            taken = whole.used;
            body = Body::read(&rest[HEADER_LEN..][..taken]);
            findings.error(
                "length_too_small",
                format!(
                    "The header announces a body of {announced} bytes and the body has {taken}: the length field was not set \
                     for this body, but copied from another frame for one. The device sees a body that ends too early."
                ),
            );
        }
    }
    Seen {
        offset,
        bytes: &rest[..HEADER_LEN + taken],
        op: Op::from_number(rest[0] & 0x07),
        announced,
        group,
        command: rest[7],
        body,
    }
}

fn header(frame: &Seen<'_>, findings: &mut Findings) {
    let first = frame.bytes[0];
    if first & 0xe0 != 0 {
        findings.error(
            "reserved_bits",
            format!(
                "The first byte is {first:02x}: its three upper bits must be 0, so this is hardly a frame."
            ),
        );
    }
    if frame.version() > 1 {
        findings.error(
            "version_too_new",
            format!(
                "The version field is {}; 0 is SMP version 1, 1 is version 2. Servers answer rc 13.",
                frame.version()
            ),
        );
    }
    if frame.flags() != 0 {
        findings.warning(
            "flags",
            format!("The flags are {:02x}; no flag is assigned, the byte is 0.", frame.flags()),
        );
    }
    let Some(op) = frame.op else {
        findings
            .error("op_unassigned", format!("The operation is {}; only 0 to 3 are assigned.", first & 0x07));
        return;
    };
    let number = frame.group;
    if group::name(number).is_none() {
        let swapped = number.swap_bytes();
        if swapped < group::VENDOR_FIRST && swapped != 0 {
            findings.warning(
                "group_byte_order",
                format!("The group is {number}; with its bytes swapped it would be {swapped}. The field is big-endian."),
            );
        } else if number < group::VENDOR_FIRST {
            findings.error(
                "group_unknown",
                format!("No group has the number {number}; the device answers rc 8."),
            );
        }
        return;
    }
    match (command::find(number, frame.command), number) {
        (Some(command), _) if command.action(op).is_none() => {
            let right = if command.read.is_some() { "a read, operation 0" } else { "a write, operation 2" };
            findings.error(
                "op_wrong",
                format!("The command {} is {right}; as the operation here the device answers rc 8.", command.name),
            );
        }
        (None, group::LOG | group::CRASH | group::SPLIT | group::RUN) => findings.error(
            "group_not_in_zephyr",
            format!(
                "Group {number} is {}, which Zephyr does not implement: the device answers rc 8. Images are group 1.",
                group::name(number).unwrap_or_default()
            ),
        ),
        (None, group) if group != group::TRANSPORT => findings.error(
            "command_unknown",
            format!("Group {group} has no command {}; the device answers rc 8.", frame.command),
        ),
        _ => {}
    }
}

fn body(frame: &Seen<'_>, findings: &mut Findings) {
    if !frame.holds_map() {
        return;
    }
    let body = &frame.body;
    if frame.announced == 0 && body.bytes.is_empty() {
        if frame.is_request() {
            findings.warning(
                "body_empty",
                "The body is empty: \"no arguments\" is an empty map, the one byte a0.",
            );
        } else {
            findings.error("body_empty", "The response has no body; it must hold a map.");
        }
        return;
    }
    let whole_frame = frame.bytes.len() == HEADER_LEN + frame.announced;
    match body.bytes {
        [0xc2, 0xa0..=0xbf, ..] => {
            return findings.error(
                "utf8_encoded",
                "The body starts with c2: each byte from 80 on was turned into two, as when bytes pass through text (Latin-1 \
                 to UTF-8). Keep the frame binary on its whole way, or carry it in base64.",
            );
        }
        bytes if !body.is_exact_map() && bytes.windows(3).any(|three| three == [0xef, 0xbf, 0xbd]) => {
            return findings.error(
                "utf8_replaced",
                "The body holds ef bf bd, the mark for bytes that are no UTF-8: the frame was passed through text and is lost. \
                 Keep it binary on its whole way, or carry it in base64.",
            );
        }
        _ => {}
    }
    if let (Some(problem), true) = (body.problem, whole_frame) {
        if let Some(kind) = text_kind(body.bytes) {
            return findings.error(
                "body_is_text",
                format!("The body is {kind}; it must be CBOR. The device answers rc 3 or 9."),
            );
        }
        let what = match problem {
            Problem::Cut => "ends inside an item",
            Problem::Malformed => "is not well-formed",
            Problem::TooDeep => "nests too deeply",
        };
        return findings.error(
            "body_not_cbor",
            format!("The CBOR of the body {what} at byte {} of {}.", body.used, body.bytes.len()),
        );
    }
    if body.problem.is_none() && !matches!(body.item, Item::Map(_)) {
        match text_kind(body.bytes) {
            Some(kind) => findings.error("body_is_text", format!("The body is {kind}; it must be CBOR.")),
            None => findings.error(
                "body_not_a_map",
                format!("The body is {}; it must be a map with text keys.", body.item.kind()),
            ),
        }
        return;
    }
    if body.problem.is_none() && body.used < body.bytes.len() {
        findings.warning(
            "bytes_behind_map",
            format!(
                "The map ends after {} of {} bytes; servers ignore the rest, but it counts in the frame.",
                body.used,
                body.bytes.len()
            ),
        );
    }
    keys(frame, findings);
    if frame.is_request() {
        if body.indefinite {
            findings.note(
                "indefinite_length",
                "A map or array has indefinite length, which takes a byte more than a definite one; in a frame filled to the \
                 last byte it is the one too many.",
            );
        }
        if body.wasteful {
            findings.note("not_shortest", "A number or length takes more bytes than it needs.");
        }
        if body.pieces {
            findings.error(
                "string_in_pieces",
                "A string has indefinite length; servers do not read such strings.",
            );
        }
    }
}

fn keys(frame: &Seen<'_>, findings: &mut Findings) {
    let entries = frame.body.item.entries();
    if entries.iter().any(|(key, _)| !matches!(key, Item::Text(_) | Item::Missing)) {
        findings.error("key_not_text", "A key of the map is not text; servers look for text keys only.");
    }
    let mut known: Vec<&str> = entries.iter().filter_map(|(key, _)| key.text()).collect();
    known.sort_unstable();
    if let Some(twice) = known.windows(2).find(|pair| pair[0] == pair[1]) {
        findings.error(
            "key_twice",
            format!("The key \"{}\" stands in the map more than once.", super::json::shortened(twice[0], 32)),
        );
    }
}

/// What kind of text the body is, if it is one.
fn text_kind(bytes: &[u8]) -> Option<&'static str> {
    let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'));
    match bytes.first()? {
        _ if !printable || bytes.len() < 4 => None,
        b'{' | b'[' => Some("JSON"),
        _ if super::text::from_hex(bytes).is_some() => Some("hexadecimal text"),
        _ if super::text::from_base64(bytes).is_some() => Some("base64 text"),
        _ => Some("text"),
    }
}
