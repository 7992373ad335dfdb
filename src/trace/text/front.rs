//! What stands in front of each line of a log that somebody hands on: marks of quotations, names, colours, times.

use std::borrow::Cow;

/// The line without the marks of a quotation, and without the name of the container that says it.
pub(super) fn unquoted(line: &str) -> &str {
    let mut plain = line;
    // The same mark stands in front of what btmon shows from the controller.
    let is_packet = |rest: &str| ["ACL", "HCI", "SCO", "ISO"].iter().any(|kind| rest.starts_with(kind));
    while let Some(rest) = plain.strip_prefix("> ").filter(|rest| !is_packet(rest)) {
        plain = rest;
    }
    let Some((name, rest)) = plain.split_once(" | ") else { return plain };
    let is_name = !name.is_empty()
        && name.trim_end().ends_with(|c: char| c.is_ascii_digit())
        && name
            .trim_end()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && name.contains(['-', '_']);
    if is_name { rest } else { plain }
}

/// What stands in a line behind all that it has in common with another one, whose numbers may differ.
pub(super) fn behind_common<'a>(other: &str, line: &'a str) -> &'a str {
    let alike = |(a, b): (&u8, &u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
    let common = other.as_bytes().iter().zip(line.as_bytes()).take_while(|pair| alike(*pair)).count();
    // A number at its end belongs to what follows.
    let digits =
        line.as_bytes()[..common].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    line.get(common - digits..).unwrap_or(line)
}

/// The line without the escape sequences that colour a terminal.
pub(super) fn without_colours(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    let mut rest = raw;
    while let Some(at) = rest.windows(2).position(|two| two == b"\x1b[") {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 2..];
        let end = rest.iter().position(u8::is_ascii_alphabetic).map_or(rest.len(), |end| end + 1);
        rest = &rest[end..];
    }
    if rest.len() == raw.len() {
        return Cow::Borrowed(raw);
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}
