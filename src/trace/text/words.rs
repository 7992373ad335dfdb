//! Frames told in words: a header with named fields, a body as JSON or YAML, without the bytes.

use crate::diagnose::{Glance, Listed};
use crate::smp::{DeviceError, Op, group};

/// The words that say which way something went.
pub(super) fn way(prefix: &str) -> Option<super::super::told::Way> {
    use super::super::told::Way;
    const OUT: [&str; 14] = [
        "->", ">>", "tx", "send", "sending", "sent", "write", "writing", "wrote", "request", "outgoing",
        "out", "=>", "written",
    ];
    const IN: [&str; 16] = [
        "<-",
        "<<",
        "rx",
        "recv",
        "receive",
        "received",
        "notification",
        "notify",
        "notified",
        "response",
        "incoming",
        "in",
        "changed",
        "answer",
        "reply",
        "<=",
    ];
    let lower = prefix.to_ascii_lowercase();
    let mut way = None;
    for word in lower.split(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '<' | '>' | '-' | '='))) {
        let word = word.trim_matches(|c| c == '-' && word.len() > 2);
        if OUT.contains(&word) {
            way = Some(Way::ToDevice);
        } else if IN.contains(&word) {
            way = Some(Way::FromDevice);
        }
    }
    way
}

/// The names that clients give to the fields of a header.
const OP: [&str; 2] = ["op", "operation"];
const GROUP: [&str; 3] = ["group", "group_id", "groupid"];
const SEQUENCE: [&str; 6] =
    ["seq", "sequence", "sequence_number", "sequencenumber", "sequence_num", "seq_num"];
const COMMAND: [&str; 5] = ["command", "command_id", "commandid", "id", "cmd"];
const LENGTH: [&str; 5] = ["len", "length", "data_length", "payload_length", "datalength"];

/// Where the value behind a name begins, as in `Seq: 5`, `"off":160`, `seq=5` or `off = 160`.
fn values<'a>(lower: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    lower.match_indices(name).filter_map(move |(at, _)| {
        let before = lower[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let rest = lower[at + name.len()..].trim_start_matches(['"', '\\', '\'']).trim_start();
        let value = rest.strip_prefix([':', '='])?.trim_start();
        Some(lower.len() - value.len())
    })
}

/// The number behind a name, and where it ends; of an enumeration of Python the number behind its word.
fn number(lower: &str, name: &str) -> Option<(u64, usize)> {
    values(lower, name).find_map(|at| {
        let named = lower[at..].strip_prefix('<').and_then(|rest| rest[..rest.find('>')?].rfind(": "));
        let at = at + named.map_or(0, |behind| behind + 3);
        let digits = lower[at..].bytes().take(18).take_while(u8::is_ascii_digit).count();
        Some((lower[at..at + digits].parse().ok()?, at + digits))
    })
}

fn field(lower: &str, name: &str) -> Option<u64> {
    number(lower, name).map(|(number, _)| number)
}

/// The header in a line, and where its last field ends.
fn header(lower: &str) -> Option<(Glance, usize)> {
    let first = |names: &[&str]| names.iter().find_map(|name| number(lower, name));
    let (op, op_end) = OP.iter().find_map(|name| operation(lower, name))?;
    let (group, group_end) = first(&GROUP)?;
    let (sequence, sequence_end) = first(&SEQUENCE)?;
    let (command, length) = (first(&COMMAND), first(&LENGTH));
    let ends = [op_end, group_end, sequence_end, command.map_or(0, |(_, end)| end)];
    let announced = length.map_or(0, |(length, _)| length).min(65_535) as usize;
    let glance = Glance {
        op: Some(op),
        group: u16::try_from(group).ok()?,
        // Some leave out the command: of an image with an offset it is an upload.
        command: command.map_or(u8::MAX, |(command, _)| command.min(254) as u8),
        sequence: Some(sequence.min(255) as u8),
        announced,
        length: announced + 8,
        ..Glance::default()
    };
    Some((glance, ends.into_iter().max().unwrap_or(0)))
}

/// The operation behind a name: its number, or its word in any spelling.
fn operation(lower: &str, name: &str) -> Option<(Op, usize)> {
    if let Some((number, end)) = number(lower, name) {
        return Some((Op::from_number(u8::try_from(number).ok()?)?, end));
    }
    values(lower, name).find_map(|at| {
        let word = lower[at..].trim_start_matches(['"', '\'', '.']);
        let at = lower.len() - word.len();
        let length =
            word.bytes().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.')).count();
        let word: String = word[..length].rsplit('.').next()?.chars().filter(|c| *c != '_').collect();
        let op = match word.as_str() {
            "read" | "readrequest" => Op::Read,
            "readresponse" | "readrsp" => Op::ReadResponse,
            "write" | "writerequest" => Op::Write,
            "writeresponse" | "writersp" => Op::WriteResponse,
            _ => return None,
        };
        Some((op, at + length))
    })
}

/// How many bytes a field holds that is written as base64, or told as a length.
fn data_length(text: &str) -> Option<u64> {
    let key = ["\"data\"", "data\\\"", "data:", "data="]
        .into_iter()
        .find_map(|key| Some(text.find(key)? + key.len()));
    let rest = text[key?..].trim_start_matches([':', '=', ' ', '"', '\'', '\\']);
    let value: &str = rest.split(['"', '\'', ',', '}', ' ', '\\']).next()?;
    let plain = value.trim_end_matches('=');
    let is_base64 =
        plain.len() >= 4 && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b));
    is_base64.then(|| plain.len() as u64 * 3 / 4)
}

/// The frame that a line tells in words; `None` when it tells none.
pub(super) fn read(line: &str, to_device: Option<bool>) -> Option<Glance> {
    let lower = line.to_ascii_lowercase();
    if let Some((mut glance, end)) = header(&lower) {
        let body = &line[end..];
        if glance.command == u8::MAX {
            glance.command = u8::from(glance.group == group::IMAGE && field(&lower[end..], "off").is_some());
        }
        fill(&mut glance, body, &lower[end..]);
        return Some(glance);
    }
    let at = line.find('{')?;
    let (body, lower) = (&line[at..], &lower[at..]);
    let holds = |name: &str| field(lower, name).is_some();
    let mut glance = Glance::default();
    if holds("off") || holds("rc") {
        // A body alone: which command it belongs to shows in its fields.
        let request = holds("len") || body.contains("\"data\"") || body.contains("data:");
        glance.op = Some(match to_device {
            Some(true) => Op::Write,
            Some(false) => Op::WriteResponse,
            None if request => Op::Write,
            None => Op::WriteResponse,
        });
        glance.group = group::IMAGE;
        glance.command = if holds("off") { group::image::UPLOAD } else { u8::MAX };
    } else if body.contains("\"images\"") {
        glance.op = Some(Op::ReadResponse);
        glance.group = group::IMAGE;
    } else {
        return None;
    }
    fill(&mut glance, body, lower);
    Some(glance)
}

fn fill(glance: &mut Glance, body: &str, lower: &str) {
    glance.whole = true;
    glance.off = field(lower, "off");
    glance.len = field(lower, "len");
    glance.image = field(lower, "image");
    glance.data = data_length(body).filter(|_| glance.is_request());
    glance.buf_size = field(lower, "buf_size");
    glance.buf_count = field(lower, "buf_count");
    glance.confirm = body.contains("\"confirm\":true") || body.contains("\"confirm\": true");
    glance.digest_fits = body.contains("\"match\":false").then_some(false);
    if glance.is_response() {
        let code = field(lower, "rc").and_then(|rc| u32::try_from(rc).ok()).filter(|rc| *rc != 0);
        let of = field(lower, "group").and_then(|number| u16::try_from(number).ok());
        glance.error = code.map(|code| DeviceError { group: of.filter(|_| body.contains("err")), code });
    }
    if body.contains("\"images\"") {
        glance.images = Some(images(body));
    }
    if glance.is_request() && glance.is_image(group::image::STATE) && body.contains("\"hash\"") {
        glance.hash = Some(Vec::new());
    }
    glance.meaning = meaning(glance);
}

fn images(body: &str) -> Vec<Listed> {
    let parts = body.split("\"slot\"").skip(1).take(8);
    let is = |part: &str, name: &str| {
        part.contains(&format!("\"{name}\":true")) || part.contains(&format!("\"{name}\": true"))
    };
    parts
        .map(|part| Listed {
            slot: field(&format!("slot{part}").to_ascii_lowercase(), "slot").unwrap_or(0),
            active: is(part, "active"),
            pending: is(part, "pending"),
            confirmed: is(part, "confirmed"),
            permanent: is(part, "permanent"),
            ..Listed::default()
        })
        .collect()
}

fn meaning(glance: &Glance) -> String {
    let kind = if glance.is_request() { "Request" } else { "Response" };
    if let Some(error) = glance.error {
        return format!("{kind}: the device failed: {error}.");
    }
    match (glance.off, glance.data) {
        (Some(0), data) if glance.is_request() => {
            format!("{kind}: first chunk of an upload, {} bytes.", data.map_or("?".into(), |n| n.to_string()))
        }
        (Some(off), data) if glance.is_request() => {
            format!(
                "{kind}: to write {} bytes of the image at offset {off}.",
                data.map_or("?".into(), |n| n.to_string())
            )
        }
        (Some(off), _) => format!("{kind}: the device has {off} bytes of the image and goes on from there."),
        _ => match (glance.group, glance.command) {
            (group, u8::MAX) => format!("{kind}: of group {group}."),
            (group, command) => match crate::diagnose::command_name(group, command) {
                Some(name) => format!("{kind}: {name}."),
                None => format!("{kind}: command {command} of group {group}."),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_in_words_are_read() {
        let line = r#"Sending (9 bytes) Header (Version: 1, Op: 2, Flags: 0, Len: 236, Group: 1, Seq: 7, Command: 1) CBOR {"off":160,"data":"AAAAAAAA"}"#;
        let glance = read(line, Some(true)).expect("a frame");
        assert_eq!((glance.op, glance.group, glance.command), (Some(Op::Write), 1, 1));
        assert_eq!(
            (glance.sequence, glance.length, glance.off, glance.data),
            (Some(7), 244, Some(160), Some(6))
        );
    }

    #[test]
    fn a_body_alone_says_what_it_belongs_to_and_not_to_which_request() {
        let glance = read(r#"Received: {"rc": 0, "off": 160}"#, Some(false)).expect("a frame");
        assert_eq!(
            (glance.op, glance.off, glance.sequence, glance.length),
            (Some(Op::WriteResponse), Some(160), None, 0)
        );
        let refused = read(r#"{"err": {"group": 1, "rc": 21}}"#, None).expect("a frame");
        assert_eq!(refused.error, Some(DeviceError { group: Some(1), code: 21 }));
        assert!(read("nothing here", None).is_none());
    }
}
