//! Logs and other text: what each line tells.

mod block;
mod console;
mod dress;
mod dump;
mod events;
mod front;
mod list;
mod stamp;
mod words;
mod wrapped;

use super::assembly::{is_like_a_frame, starts_frame};
use super::capture::Btmon;
use super::told::{Content, Dress, Place, Told, Way};
use block::{Block, Body};
use console::Console;
use dump::{Dump, Dumped};
use front::{unquoted, without_colours};
use list::{List, Listed, Step};
use stamp::Clock;

use crate::recording::FIRST_LINE;

pub(in crate::trace) use events::read as event;

/// Reads a text line by line.
#[derive(Default)]
pub(super) struct Reader {
    clock: Clock,
    dump: Dump,
    /// What stood above the dump: place and voice.
    heading: Heading,
    block: Block,
    list: List,
    /// Whether dumps in words have the low byte of each first.
    swapped: bool,
    console: Console,
    recording: bool,
    /// The last line with a time.
    stamped: Place,
    /// Whether the lines show HCI data with its header.
    host: bool,
    btmon: Btmon,
    /// Lines that hold something in the form of bytes, for the case that none is a frame.
    pub(super) lines_with_bytes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Heading {
    place: Place,
    voice: u32,
}

impl Reader {
    /// Takes a line without its end.
    pub(super) fn line(&mut self, number: u64, raw: &[u8], told: &mut dyn FnMut(Told)) {
        let plain = without_colours(raw);
        let raw = &console::without_carets(&plain)[..];
        let place = Place { line: number, time_ms: None };
        if let Some(frames) = self.console.marked(raw, None) {
            tell_frames(frames, place, 0, told);
            return;
        }
        let text = String::from_utf8_lossy(raw);
        let line = unquoted(text.trim_end());
        if line.trim() == FIRST_LINE {
            self.recording = true;
            return;
        }
        if self.recording && self.recorded(number, line, told) {
            return;
        }
        if self.btmon.line(number, line, told) {
            return;
        }
        // A logger that writes a dump into one line escapes its line ends.
        if line.contains("\\n0000") {
            for part in line.split("\\n") {
                self.plain(number, part, told);
            }
            self.end_dump(told);
        } else {
            self.plain(number, line, told);
        }
    }

    /// No more lines come.
    pub(super) fn end(&mut self, told: &mut dyn FnMut(Told)) {
        self.end_dump(told);
        if let Some(listed) = self.list.take() {
            self.listed(&listed, told);
        }
        if let Some(body) = self.block.take() {
            self.bodied(&body, told);
        }
        self.btmon.end(told);
    }

    fn plain(&mut self, number: u64, line: &str, told: &mut dyn FnMut(Told)) {
        let mut understood = false;
        match self.list.line(line) {
            Step::Taken => return,
            Step::Ended(listed) => {
                self.listed(&listed, told);
                // Its brackets count for the body around it.
                if let Some(body) =
                    self.block.add(line.trim_start_matches(|c: char| !matches!(c, ']' | '}' | ')')), true)
                {
                    self.bodied(&body, told);
                }
                return;
            }
            Step::Other(Some(listed)) => {
                self.listed(&listed, told);
                understood = true;
            }
            Step::Other(None) => {}
        }
        if let Some(row) = dump::rows(line).find(|row| self.dump.fits(row)) {
            if let Some(dumped) = self.dump.add(row) {
                self.dumped(dumped, told);
            }
            if self.heading.place.line == 0 {
                self.heading.place.line = number;
                self.heading.place.time_ms = self.clock.read(line).map(|(time, _)| time);
            }
            return;
        }
        self.end_dump(told);
        if line.trim().is_empty() {
            if let Some(body) = self.block.add(line, false) {
                self.bodied(&body, told);
            }
            return;
        }
        let stamp = self.clock.read(line);
        let mut place = Place { line: number, time_ms: stamp.as_ref().map(|(time, _)| *time) };
        if stamp.is_some() {
            self.stamped = place;
        } else if self.stamped.line + 1 == number {
            // A line without a time belongs to the heading above it.
            place.time_ms = self.stamped.time_ms;
        }
        let raw = line;
        let line = match stamp {
            Some((_, range)) => {
                format!("{}{}{}", &line[..range.start], " ".repeat(range.len()), &line[range.end..])
            }
            None => line.to_owned(),
        };
        self.heading = Heading { place, voice: voice(&line) };
        if let Some(event) = events::read(&line) {
            told(Told {
                place,
                voice: self.heading.voice,
                dress: Dress::Words,
                content: Content::Event(event),
                width: line.len(),
                link: 0,
            });
        }
        let word = line.trim().rsplit(' ').next().unwrap_or_default();
        let front = line.trim().strip_suffix(word).unwrap_or_default();
        if let Some(frames) = self.console.copied(word, front) {
            tell_frames(frames, place, voice(front), told);
            return;
        }
        self.list.begin(raw, &line, place);
        // The first line of several is read with the others.
        understood |= !self.list.waits() && self.bytes_in(&line, place, told);
        if let Some(body) = self.block.add(&line, understood) {
            self.bodied(&body, told);
        }
    }

    /// Bytes over several lines.
    fn listed(&mut self, listed: &Listed, told: &mut dyn FnMut(Told)) {
        self.bytes_in(&listed.line, listed.place, told);
    }

    /// A body over several lines, of which none says something by itself. Its time is that of its last line.
    fn bodied(&mut self, body: &Body, told: &mut dyn FnMut(Told)) {
        let way = words::way(&body.heading);
        if let Some(glance) = words::read(&body.text, way.map(|way| way == Way::ToDevice)) {
            let content = Content::Words(Box::new(glance));
            let (place, voice) = (self.heading.place, voice(&body.heading));
            told(Told { place, voice, dress: Dress::Words, content, width: 0, link: 0 });
        }
    }

    /// Whether the line holds a frame, or tells one in words.
    fn bytes_in(&mut self, line: &str, place: Place, told: &mut dyn FnMut(Told)) -> bool {
        let mut found = dress::find(line);
        // A number beside a frame is no piece of another.
        if found.iter().any(|hit| hit.bytes.len() >= 8) {
            found.retain(|hit| hit.bytes.len() >= dress::LEAST);
        }
        let mut frames = false;
        let mut before = 0;
        for hit in found {
            // The last bytes of what is left out in the middle.
            if before > 0
                && line.get(before..hit.range.start).is_some_and(|gap| dress::dots(gap.trim()) == Some(""))
            {
                continue;
            }
            // What stands between the frame before, or the start of the line, and this one.
            let prefix = line.get(before..hit.range.start).unwrap_or_default();
            if hit.bytes.len() >= 8 {
                before = hit.range.end;
            }
            let way = words::way(prefix);
            let voice = voice(prefix);
            if console::is_marked(&hit.bytes) {
                tell_frames(self.console.marked(&hit.bytes, way).unwrap_or_default(), place, voice, told);
                frames = true;
                continue;
            }
            // Eight bytes that ask something without a body are an address mostly, unless somebody says which way they went.
            if matches!(hit.bytes[..], [0 | 2 | 8 | 10, _, 0, 0, _, _, _, _]) && way.is_none() {
                continue;
            }
            let mut hit = hit;
            hit.bytes = self.without_host_headers(hit.bytes);
            frames |= starts_frame(&hit.bytes);
            // Base64 that starts no frame is mostly a word, and a few digits are a number.
            self.lines_with_bytes += u64::from(hit.dress != Dress::Base64 && hit.bytes.len() >= 8);
            let content = match hit.left_out(line) {
                Some(left_out) => Content::Headers(hit.bytes, left_out),
                None => Content::Bytes(hit.bytes),
            };
            // Half a byte and a blank may stand behind the last whole one.
            let width = if hit.range.end + 3 >= line.len() { line.len() } else { 0 };
            told(Told { place, voice, dress: hit.dress, content, width, link: 0 });
        }
        if frames {
            return true;
        }
        let way = words::way(line.split('{').next().unwrap_or(line));
        let glance = words::read(line, way.map(|way| way == Way::ToDevice));
        let understood = glance.is_some();
        if let Some(glance) = glance {
            told(Told {
                place,
                voice: self.heading.voice,
                dress: Dress::Words,
                content: Content::Words(Box::new(glance)),
                width: 0,
                link: 0,
            });
        }
        understood
    }

    /// Without the headers of HCI, L2CAP and ATT, as logs of Bluetooth hosts show them in front of a value, and of HCI alone in front of
    /// the pieces that follow.
    fn without_host_headers(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let length =
            |at: usize| bytes.get(at..at + 2).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])));
        for at in [0, 4, 5] {
            if let Some([_, _, 4, 0, 0x12 | 0x52 | 0x1b | 0x1d, _, _, value @ ..]) = bytes.get(at..)
                && is_like_a_frame(value)
            {
                self.host = at == 4;
                return value[..value.len().min(length(at).unwrap_or(0).saturating_sub(3))].to_vec();
            }
        }
        let goes_on = bytes.len() > 4 && bytes[1] & 0x30 == 0x10 && length(2) == Some(bytes.len() - 4);
        if self.host && goes_on { bytes[4..].to_vec() } else { bytes }
    }

    fn end_dump(&mut self, told: &mut dyn FnMut(Told)) {
        if let Some(dumped) = self.dump.take() {
            self.dumped(dumped, told);
        }
        self.heading = Heading::default();
    }

    fn dumped(&mut self, dumped: Dumped, told: &mut dyn FnMut(Told)) {
        self.lines_with_bytes += 1;
        let swapped = if dumped.pairs { dumped.swapped() } else { Vec::new() };
        let bytes = if starts_frame(&dumped.bytes) {
            dumped.bytes
        } else if starts_frame(&swapped) {
            self.swapped = true;
            swapped
        } else if let Some(frame) = dump::within(&dumped.bytes).or_else(|| dump::within(&swapped)) {
            frame.to_vec()
        } else if self.swapped && dumped.pairs {
            swapped
        } else {
            dumped.bytes
        };
        let Heading { place, voice } = self.heading;
        told(Told { place, voice, dress: Dress::Dump, content: Content::Bytes(bytes), width: 0, link: 0 });
    }

    /// A line of the library's own recording; whether it is one.
    fn recorded(&mut self, number: u64, line: &str, told: &mut dyn FnMut(Told)) -> bool {
        let mut parts = line.split(' ');
        let Some(time) = parts.next().and_then(seconds) else { return line.starts_with('#') };
        let place = Place { line: number, time_ms: Some(time) };
        let voice = match parts.next() {
            Some(">") => 1,
            Some("<") => 2,
            Some("!") => {
                if let Some(event) = events::read(line) {
                    let content = Content::Event(event);
                    told(Told { place, voice: 0, dress: Dress::Recording, content, width: 0, link: 0 });
                }
                return true;
            }
            _ => return false,
        };
        let _length = parts.next();
        let Some(bytes) = parts.next().and_then(hex) else { return false };
        let left_out = parts.next().and_then(|part| part.strip_prefix('+')?.parse().ok()).unwrap_or(0);
        let content = match left_out {
            0 => Content::Bytes(bytes),
            left_out => Content::Headers(bytes, left_out),
        };
        told(Told { place, voice, dress: Dress::Recording, content, width: 0, link: 0 });
        true
    }

    /// Whether some of it was the text of btmon.
    pub(super) fn is_btmon(&self) -> bool {
        self.btmon.packets > 0
    }

    /// How many console lines were damaged.
    pub(super) fn damaged_console_lines(&self) -> u64 {
        self.console.damaged()
    }
}

/// Tells frames out of console lines.
fn tell_frames(frames: Vec<Vec<u8>>, place: Place, voice: u32, told: &mut dyn FnMut(Told)) {
    for frame in frames {
        let content = Content::Bytes(frame);
        told(Told { place, voice, dress: Dress::Console, content, width: 0, link: 0 });
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.')?;
    let fraction = fraction.get(..3)?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(fraction.parse().ok()?)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if bytes.len() % 2 == 1 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// What stays of a line when its numbers are taken away: two lines with one voice come from one place of one program.
fn voice(prefix: &str) -> u32 {
    let letters = prefix.split(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    let mut hash = 0x811c_9dc5u32;
    for word in letters.filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())) {
        for byte in word.bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    // Arrows are all that tells some lines apart.
    for arrow in ["->", "<-", ">>", "<<"] {
        hash = (hash ^ u32::from(prefix.contains(arrow))).wrapping_mul(0x0100_0193);
    }
    hash
}
