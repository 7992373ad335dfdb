//! Hexadecimal digits.

use super::{ROW, characters_behind, hex_pair, is_word, skip};

/// Groups of hexadecimal digits, each of whole bytes, with or without `0x`, with blanks, commas, colons or hyphens between them, the same
/// everywhere: what another divider or width sets apart is a number beside them, or their characters.
pub(super) fn hexadecimal(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let (mut position, mut end) = (at, at);
    let mut divider = None;
    // Where the first group ends, and how wide the widest one is.
    let (mut first_end, mut first_length, mut widest, mut groups) = (at, 0, 0, 0);
    loop {
        let mut digits_at = position;
        if let [b'0', b'x' | b'X', digit, ..] = &text[position..]
            && digit.is_ascii_hexdigit()
        {
            digits_at += 2;
        }
        let digits = text[digits_at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let stop = digits_at + digits;
        if digits == 0 || digits % 2 == 1 || text.get(stop).is_some_and(|next| is_word(*next)) {
            break;
        }
        // Behind two groups of one width there is no wider one.
        if groups >= 2 && digits > widest {
            break;
        }
        bytes.extend(text[digits_at..stop].chunks_exact(2).filter_map(|pair| hex_pair(pair[0], pair[1])));
        widest = widest.max(digits);
        groups += 1;
        end = stop;
        if groups == 1 {
            (first_end, first_length) = (stop, bytes.len());
        }
        position = stop;
        let one = skip(text, &mut position, |byte| matches!(byte, b' ' | b',' | b':' | b'-' | b'\t'));
        let row_ends = bytes.len() == ROW && characters_behind(text, stop, ROW) > 0;
        if !one || position - stop > 2 || row_ends {
            break;
        }
        // A blank more is the gap in the middle of a row.
        let between = text[stop];
        match divider {
            None => divider = Some(between),
            Some(before) if before == between => {}
            Some(_) if groups == 2 => {
                bytes.truncate(first_length);
                end = first_end;
                break;
            }
            Some(_) => break,
        }
    }
    (!bytes.is_empty()).then_some((bytes, end))
}
