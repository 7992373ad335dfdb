//! The time at the start of a log line.

use std::ops::Range;

const DAY_MS: u64 = 86_400_000;
/// How far into a line its time may stand.
const REACH: usize = 96;

/// The clock of a log: times of day without a date go on across midnight.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<u64>,
    /// Days added because a time of day went back.
    midnights: u64,
}

impl Clock {
    /// The time of a line in milliseconds, and where it stands in it.
    pub(super) fn read(&mut self, line: &str) -> Option<(u64, Range<usize>)> {
        let bytes = &line.as_bytes()[..line.len().min(REACH)];
        let (day, of_day, range) = time_of_day(bytes).or_else(|| seconds(bytes))?;
        let mut time = match day {
            Some(day) => day * DAY_MS + of_day,
            None => self.midnights * DAY_MS + of_day,
        };
        if let (None, Some(last)) = (day, self.last)
            && time + DAY_MS / 2 < last
        {
            self.midnights += 1;
            time += DAY_MS;
        }
        self.last = Some(time);
        Some((time, range))
    }
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let field = bytes.get(at..at + count)?;
    field
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| field.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')))
}

/// `hh:mm:ss` with a fraction and a date, as far as they are there: day, milliseconds of it, place.
fn time_of_day(bytes: &[u8]) -> Option<(Option<u64>, u64, Range<usize>)> {
    let at = (0..bytes.len().saturating_sub(7)).find(|&at| {
        let free =
            at == 0 || !(bytes[at - 1].is_ascii_hexdigit() || bytes[at - 1] == b':') || bytes[at - 1] == b'T';
        free && bytes[at + 2] == b':'
            && bytes[at + 5] == b':'
            && digits(bytes, at, 2).is_some_and(|hour| hour < 100)
            && digits(bytes, at + 3, 2).is_some_and(|minute| minute < 60)
            && digits(bytes, at + 6, 2).is_some_and(|second| second < 61)
            && bytes.get(at + 8).is_none_or(|next| *next != b':' && !next.is_ascii_hexdigit())
    })?;
    let field = |from| digits(bytes, from, 2).unwrap_or(0);
    let mut of_day = (field(at) * 3600 + field(at + 3) * 60 + field(at + 6)) * 1000;
    let mut end = at + 8;
    if matches!(bytes.get(end), Some(b'.' | b',')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        let (fraction, length) = fraction(&bytes[end + 1..]);
        of_day += fraction;
        end += 1 + length;
        // Zephyr writes milliseconds and microseconds apart: 00:00:12.345,678.
        if bytes.get(end) == Some(&b',') && digits(bytes, end + 1, 3).is_some() {
            end += 4;
        }
    }
    end += process(&bytes[end..]);
    let (day, start) = date_before(bytes, at).map_or((None, at), |(day, start)| (Some(day), start));
    Some((day, of_day, start..end))
}

/// How long the numbers of a process and a thread are that stand between the time and a level, as a phone logs them.
fn process(bytes: &[u8]) -> usize {
    let blanks = |at: usize| bytes[at..].iter().take_while(|byte| **byte == b' ').count();
    let number = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = blanks(0);
    for _ in 0..2 {
        let digits = number(at);
        if !(1..=7).contains(&digits) {
            return 0;
        }
        at += digits;
        at += if bytes.get(at) == Some(&b'-') { 1 } else { blanks(at) };
    }
    let level =
        matches!(bytes.get(at..), Some([b'V' | b'D' | b'I' | b'W' | b'E' | b'F' | b'A', b' ' | b'/', ..]));
    if level { at } else { 0 }
}

/// Milliseconds in the digits of a fraction, and how many digits there are.
fn fraction(bytes: &[u8]) -> (u64, usize) {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ms = (0..3).fold(0, |ms, place| {
        let digit = bytes.get(place).filter(|_| place < length).map_or(0, |digit| u64::from(digit - b'0'));
        ms * 10 + digit
    });
    (ms, length)
}

/// A date `yyyy-mm-dd`, `yyyy/mm/dd` or `mm-dd` that ends one character before `at`.
fn date_before(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let end = at.checked_sub(1)?;
    if !matches!(bytes[end], b' ' | b'T') {
        return None;
    }
    let separated = |at: usize| matches!(bytes.get(at), Some(b'-' | b'/' | b'.'));
    if let Some(start) = end.checked_sub(10)
        && let (Some(year), Some(month), Some(day)) =
            (digits(bytes, start, 4), digits(bytes, start + 5, 2), digits(bytes, start + 8, 2))
        && separated(start + 4)
        && separated(start + 7)
    {
        return Some((days(year, month, day), start));
    }
    let start = end.checked_sub(5)?;
    let (month, day) = (digits(bytes, start, 2)?, digits(bytes, start + 3, 2)?);
    // Without a year it is that of no leap day: differences count, not dates.
    separated(start + 2).then(|| (days(2001, month, day), start))
}

/// Days since 1 March of the year 0, by the usual arithmetic of the proleptic Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day
}

/// Seconds with at least three digits behind the point, at the start of the line.
fn seconds(bytes: &[u8]) -> Option<(Option<u64>, u64, Range<usize>)> {
    let start = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'[' | b'('))?;
    let whole = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=10).contains(&whole) || bytes.get(start + whole) != Some(&b'.') {
        return None;
    }
    let (ms, length) = fraction(&bytes[start + whole + 1..]);
    let end = start + whole + 1 + length;
    let closed = bytes.get(end).is_none_or(|next| matches!(next, b' ' | b'\t' | b']' | b')' | b':' | b','));
    (length >= 3 && closed)
        .then(|| (Some(0), digits(bytes, start, whole).unwrap_or(0) * 1000 + ms, start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_times_are_read() {
        for (line, rest, of_day) in [
            ("15:51:35 x", " x", 57_095_000),
            ("[15:51:35,123] x", "[] x", 57_095_123),
            ("2024-11-18 15:51:35.719  5788-5788 D x", "D x", 57_095_719),
            ("11-18 15:51:35.719  5788  5790 D x", "D x", 57_095_719),
            ("2024-11-18T15:51:35.7Z x", "Z x", 57_095_700),
            ("11-18 15:51:35.719 x", " x", 57_095_719),
            ("[00:00:12.345,678] <inf> x", "[] <inf> x", 12_345),
            ("  12.345678 host", "   host", 12_345),
        ] {
            let (time, range) = Clock::default().read(line).expect(line);
            assert_eq!(time % DAY_MS, of_day, "{line}");
            assert_eq!(
                format!("{}{}", &line[..range.start], &line[range.end..]).trim(),
                rest.trim(),
                "{line}"
            );
        }
    }

    #[test]
    fn addresses_and_numbers_are_no_times() {
        for line in ["C5:61:0E:11:22:33 x", "02 00 00 ec", "1.5 x", "12:34:56:78:9a:bc", "x", ""] {
            assert_eq!(Clock::default().read(line), None, "{line}");
        }
    }

    #[test]
    fn a_time_of_day_goes_on_across_midnight() {
        let mut clock = Clock::default();
        let mut at = |line| clock.read(line).expect("a time").0;
        let before = at("23:59:59.900 a");
        assert_eq!(at("00:00:00.100 b") - before, 200);
        let dated = at("2024-02-29 23:00:00 c");
        assert_eq!(at("2024-03-01 01:00:00 d") - dated, 2 * 3_600_000);
    }
}
