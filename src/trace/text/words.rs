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

/// The number behind a name, as `Seq: 5`, `"off":160`, `seq=5` or `off = 160`.
fn field(text: &str, name: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    for (at, _) in lower.match_indices(name) {
        let before = lower[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let rest = lower[at + name.len()..].trim_start_matches(['"', '\\', '\'']).trim_start();
        let Some(rest) = rest.strip_prefix([':', '=']) else { continue };
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).take(18).collect();
        if let Ok(number) = digits.parse() {
            return Some(number);
        }
    }
    None
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
    let header = line.find("Op:").or_else(|| line.find("op=")).or_else(|| line.find("Op=")).filter(|_| {
        field(line, "group").is_some() && (field(line, "seq").is_some() || field(line, "sequence").is_some())
    });
    let body = line.find('{').map_or("", |at| &line[at..]);
    let holds = |name: &str| field(body, name).is_some();
    let mut glance = Glance::default();
    if header.is_some() {
        glance.op = Op::from_number(u8::try_from(field(line, "op")?).ok()?);
        glance.group = u16::try_from(field(line, "group")?).ok()?;
        let upload = u64::from(glance.group == group::IMAGE && holds("off"));
        glance.command =
            field(line, "command").or_else(|| field(line, "id")).unwrap_or(upload).min(255) as u8;
        glance.sequence = field(line, "seq").or_else(|| field(line, "sequence")).map(|n| n.min(255) as u8);
        glance.announced = field(line, "len").unwrap_or(0).min(65_535) as usize;
        glance.length = glance.announced + 8;
    } else if holds("off") || holds("rc") {
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
    glance.op?;
    fill(&mut glance, body);
    Some(glance)
}

fn fill(glance: &mut Glance, body: &str) {
    glance.whole = true;
    glance.off = field(body, "off");
    glance.len = field(body, "len");
    glance.image = field(body, "image");
    glance.data = data_length(body).filter(|_| glance.is_request());
    glance.buf_size = field(body, "buf_size");
    glance.buf_count = field(body, "buf_count");
    glance.confirm = body.contains("\"confirm\":true") || body.contains("\"confirm\": true");
    glance.digest_fits = body.contains("\"match\":false").then_some(false);
    if glance.is_response() {
        let code = field(body, "rc").and_then(|rc| u32::try_from(rc).ok()).filter(|rc| *rc != 0);
        let of = field(body, "group").and_then(|number| u16::try_from(number).ok());
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
            slot: field(&format!("slot{part}"), "slot").unwrap_or(0),
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
