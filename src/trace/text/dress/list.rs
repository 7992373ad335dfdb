//! Lists of single numbers, decimal or hexadecimal, with commas or blanks between them.

use super::super::super::assembly::{is_one_frame, starts_frame};
use super::{LEAST, is_end, skip};

/// Fewer numbers without a zero in front are no hexadecimal, and without brackets no list that only blanks divide.
const LEAST_UNCLEAR: usize = 8;

/// What was seen of the numbers of a list.
#[derive(Debug, Default)]
struct Seen {
    decimal: Vec<u8>,
    hexadecimal: Vec<u8>,
    /// One is no decimal number up to 255, or no hexadecimal one of two digits.
    not_decimal: bool,
    not_hexadecimal: bool,
    /// One has a letter; a sign or three digits; not two digits.
    letter: bool,
    wide: bool,
    other_width: bool,
    prefixed: bool,
}

/// The list that begins here.
pub(super) fn list(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let mut seen = Seen::default();
    let (mut position, mut end, mut count) = (at, at, 0);
    let mut commas = None;
    // A word mostly.
    if !text[at].is_ascii_hexdigit() && text[at] != b'-' {
        return None;
    }
    while let Some(stop) = seen.number(text, position, count) {
        count += 1;
        // Two digits each are hexadecimal, and read elsewhere.
        if count == LEAST_UNCLEAR && !seen.other_width {
            return None;
        }
        end = stop;
        position = stop;
        let blank = |byte| matches!(byte, b' ' | b'\t' | b'\n');
        let comma = skip(text, &mut position, |byte| matches!(byte, b',' | b';'));
        let blanks = skip(text, &mut position, blank);
        if !comma && !blanks || *commas.get_or_insert(comma) != comma {
            break;
        }
    }
    let bracketed = at > 0 && matches!(text[at - 1], b'[' | b'{' | b'(');
    let commas = commas == Some(true);
    let bytes = seen.decide(
        count,
        commas,
        commas || bracketed && text.get(end).is_none_or(|next| matches!(next, b']' | b'}' | b')')),
    )?;
    Some((bytes, end))
}

impl Seen {
    /// Takes the number that begins here; where it ends.
    fn number(&mut self, text: &[u8], at: usize, count: usize) -> Option<usize> {
        let negative = text.get(at) == Some(&b'-');
        let prefixed =
            matches!(text.get(at..), Some([b'0', b'x' | b'X', digit, ..]) if digit.is_ascii_hexdigit());
        let start = at + if prefixed { 2 } else { usize::from(negative) };
        let digits = text.get(start..)?;
        let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = &digits[..length];
        let closed = is_end(text, start + length);
        if !(1..=3).contains(&length)
            || !closed
            || count > 0 && prefixed != self.prefixed
            || prefixed && length == 3
        {
            return None;
        }
        let letter = !digits.iter().all(u8::is_ascii_digit);
        if letter && (negative || length == 3) {
            return None;
        }
        let of = |radix| {
            digits.iter().fold(0u32, |n, digit| n * radix + char::from(*digit).to_digit(16).unwrap_or(0))
        };
        let decimal = of(10);
        let fits = !letter && !prefixed && decimal <= if negative { 128 } else { 255 };
        let fits_hexadecimal = length <= 2 && !negative;
        if !fits && !fits_hexadecimal {
            return None;
        }
        self.prefixed = prefixed;
        self.letter |= letter;
        self.wide |= negative || length == 3;
        self.other_width |= length != 2;
        self.not_decimal |= !fits;
        self.not_hexadecimal |= !fits_hexadecimal;
        self.decimal.push(if negative { (decimal as u8).wrapping_neg() } else { decimal as u8 });
        self.hexadecimal.push(of(16) as u8);
        Some(start + length)
    }

    fn decide(self, count: usize, commas: bool, clear: bool) -> Option<Vec<u8>> {
        // A list of two-digit numbers is hexadecimal, and read as that elsewhere, with all its other forms.
        if count < LEAST || !self.other_width || self.not_decimal && self.not_hexadecimal {
            return None;
        }
        if self.prefixed {
            return Some(self.hexadecimal);
        }
        let unclear = count >= LEAST_UNCLEAR;
        if self.letter
            || !self.not_hexadecimal && is_one_frame(&self.hexadecimal) && !is_one_frame(&self.decimal)
        {
            return (unclear && (clear && commas || starts_frame(&self.hexadecimal)))
                .then_some(self.hexadecimal);
        }
        (clear || unclear && self.wide && starts_frame(&self.decimal)).then_some(self.decimal)
    }
}
