//! Hexadecimal digits.

use super::{ROW, characters_behind, hex_pair, is_end, skip};

/// Groups of hexadecimal digits, each of whole bytes, with or without `0x`, with blanks, commas, colons or hyphens between them, the same
/// everywhere: what another divider or width sets apart is a number beside them, or their characters.
pub(super) fn hexadecimal(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let (mut position, mut end) = (at, at);
    let mut divider = None;
    // Where the group before the last one ends, and with how many bytes; how wide the widest is.
    let (mut before, mut widest, mut groups) = ((at, 0), 0, 0);
    while let Some((digits_at, stop)) = group(text, position) {
        let digits = stop - digits_at;
        // Behind two groups of one width there is no wider one.
        if groups >= 2 && digits > widest {
            break;
        }
        bytes.extend(text[digits_at..stop].chunks_exact(2).filter_map(|pair| hex_pair(pair[0], pair[1])));
        widest = widest.max(digits);
        groups += 1;
        end = stop;
        position = stop;
        let one = skip(text, &mut position, |byte| matches!(byte, b' ' | b',' | b':' | b'-' | b'\t'));
        let row_ends = bytes.len() == ROW && characters_behind(text, stop, ROW) > 0;
        if !one || position - stop > 2 || row_ends {
            break;
        }
        // A blank more is the gap in the middle of a row.
        let between = text[stop];
        if *divider.get_or_insert(between) != between {
            // The last group begins what follows, if that goes on so.
            if group(text, position).is_some_and(|(_, stop)| text.get(stop) == Some(&between)) {
                end = before.0;
                bytes.truncate(before.1);
            }
            break;
        }
        before = (stop, bytes.len());
    }
    (!bytes.is_empty()).then_some((bytes, end))
}

/// The digits of a group that begins here, of whole bytes: where they begin and end.
fn group(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let prefixed = matches!(text.get(at..)?, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let start = at + if prefixed { 2 } else { 0 };
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let stop = start + digits;
    (digits > 0 && digits % 2 == 0 && is_end(text, stop)).then_some((start, stop))
}
