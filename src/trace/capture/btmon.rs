//! The text of btmon: packets of the Linux monitor, decoded line by line.
//!
//! A packet begins with a line at the left edge and goes on with indented ones. What it says of the attribute protocol becomes the
//! protocol unit again; what it leaves as a dump is taken as the bytes it is.

use super::super::told::{Dress, Place, Told};
use super::links::Links;
use super::{Key, Out, hci, l2cap};

/// The longest packet in lines; what is longer is no packet of an update.
const MOST_LINES: usize = 512;
/// A long value in one line.
const LONGEST_LINE: usize = 4096;

/// btmon's text that is being read.
#[derive(Debug, Default)]
pub(in crate::trace) struct Btmon {
    links: Links,
    head: String,
    place: Place,
    lines: Vec<String>,
    pub(in crate::trace) packets: u64,
}

/// Whether a line is the first one of a packet.
fn begins(line: &str) -> bool {
    ["< ACL Data", "> ACL Data", "> HCI Event:", "< HCI Command:", "= Note:", "= New Index", "= Open Index"]
        .iter()
        .any(|start| line.starts_with(start))
}

impl Btmon {
    /// Takes a line; whether it belongs to btmon's text.
    pub(in crate::trace) fn line(&mut self, number: u64, line: &str, told: &mut dyn FnMut(Told)) -> bool {
        if begins(line) {
            self.end(told);
            self.packets += 1;
            self.head = line.chars().take(LONGEST_LINE).collect();
            self.place = Place { line: number, time_ms: time(line) };
            return true;
        }
        if self.head.is_empty() {
            return false;
        }
        if !line.starts_with([' ', '\t']) {
            self.end(told);
            return line.starts_with(['@', '=', '<', '>']);
        }
        if self.lines.len() < MOST_LINES {
            self.lines.push(line.trim().chars().take(LONGEST_LINE).collect());
        }
        true
    }

    /// No more lines of the present packet come.
    pub(in crate::trace) fn end(&mut self, told: &mut dyn FnMut(Told)) {
        let head = std::mem::take(&mut self.head);
        let lines = std::mem::take(&mut self.lines);
        if head.is_empty() {
            return;
        }
        let mut out = Out { place: self.place, link: 0, dress: Dress::Capture, told };
        if let Some((_, rest)) = head.split_once("ACL Data") {
            self.data(head.starts_with('<'), rest, &lines, &mut out);
        } else if head.starts_with("> HCI Event") {
            self.event(&head, &lines, &mut out);
        }
    }

    fn data(&mut self, sent: bool, head: &str, lines: &[String], out: &mut Out<'_>) {
        let handle = number_behind(head, "Handle").unwrap_or(0) & 0x0fff;
        let link = self.links.of(Key::Handle(handle));
        out.link = link.number;
        let att = lines.iter().position(|line| line.starts_with("ATT: "));
        let pairing = lines.iter().find(|line| line.starts_with("SMP: "));
        if let Some(at) = att {
            if let Some(unit) = unit(&lines[at], &lines[at + 1..]) {
                link.channel.att.unit(&unit, 0, out);
            } else if lines[at].contains("(0x09)") {
                // The characteristics: properties, handle of the value, UUID.
                let values = lines[at..].iter().filter_map(|line| hex(line.strip_prefix("Value: ")?));
                for value in values.filter(|value| value.len() == 19) {
                    let entry = [&[0x09, 21, 0, 0][..], &value].concat();
                    link.channel.att.unit(&entry, 0, out);
                }
            }
        } else if let Some(code) = pairing.and_then(|line| in_parentheses(line)) {
            let reason = lines.iter().find_map(|line| in_parentheses(line.strip_prefix("Reason: ")?));
            l2cap::security(&[code as u8, reason.unwrap_or(0) as u8], out);
        } else {
            let bytes: Vec<u8> = lines.iter().filter_map(|line| row(line)).flatten().collect();
            let flags = number_behind(head, "flags").unwrap_or(0);
            if !bytes.is_empty() {
                link.channel.piece(sent, flags & 3 != 1, &bytes, 0, out);
            }
        }
    }

    fn event(&mut self, head: &str, lines: &[String], out: &mut Out<'_>) {
        let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
        let handle = value("Handle: ").and_then(|text| number(text.trim_start())).unwrap_or(0) as u16;
        let well = value("Status: ").is_none_or(|status| status.contains("Success"));
        let is = |what: &str| head.contains(what) || lines.first().is_some_and(|line| line.contains(what));
        if is("Disconnect Complete") && well {
            let reason = value("Reason: ").and_then(in_parentheses).unwrap_or(0);
            hci::down(&mut self.links, 0, handle, reason as u8, out);
        } else if is("Connection Complete") && well {
            let mut address = [0; 6];
            let text = value("Peer address: ").unwrap_or_default();
            let bytes = text.split(' ').next().unwrap_or_default().split(':');
            for (place, byte) in address.iter_mut().rev().zip(bytes) {
                *place = u8::from_str_radix(byte, 16).unwrap_or(0);
            }
            hci::up(&mut self.links, 0, handle, address, out);
        }
    }
}

/// The protocol unit that a decoded packet stands for.
fn unit(first: &str, lines: &[String]) -> Option<Vec<u8>> {
    let opcode = u8::try_from(in_parentheses(first)?).ok()?;
    let field = |name: &str| lines.iter().find_map(|line| number(line.strip_prefix(name)?.trim_start()));
    let handle = || field("Handle:").and_then(|handle| u16::try_from(handle).ok());
    let mut unit = vec![opcode];
    match opcode {
        0x01 => {
            let request = lines.first().and_then(|line| in_parentheses(line))?;
            let error = lines.iter().find_map(|line| in_parentheses(line.strip_prefix("Error: ")?))?;
            unit.push(request as u8);
            unit.extend(handle().unwrap_or(0).to_le_bytes());
            unit.push(error as u8);
        }
        0x02 | 0x03 => {
            let mtu = field("Client RX MTU:").or_else(|| field("Server RX MTU:"))?;
            unit.extend((mtu as u16).to_le_bytes());
        }
        0x12 | 0x52 | 0x1b | 0x1d => {
            unit.extend(handle()?.to_le_bytes());
            unit.extend(data(lines));
        }
        0x16 => {
            unit.extend(handle()?.to_le_bytes());
            unit.extend((field("Offset:").unwrap_or(0) as u16).to_le_bytes());
            unit.extend(data(lines));
        }
        0x18 => unit.push(1),
        0x13 => {}
        _ => return None,
    }
    Some(unit)
}

/// The bytes behind `Data:`, in one line or as a dump.
fn data(lines: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        let content = match line.strip_prefix("Data") {
            Some(rest) => rest.split_once(':').map_or("", |(_, content)| content),
            None => line,
        };
        match hex(content) {
            Some(all) => bytes.extend(all),
            None => bytes.extend(row(content).unwrap_or_default()),
        }
    }
    bytes
}

/// A row of a dump: bytes with blanks between, then their characters behind a gap.
fn row(line: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = line
        .split(' ')
        .take(16)
        .map_while(|part| if part.len() == 2 { u8::from_str_radix(part, 16).ok() } else { None })
        .collect();
    (!bytes.is_empty()).then_some(bytes)
}

/// Digits alone, with or without blanks between bytes.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    u32::from_str_radix(&digits[..end], radix).ok()
}

fn number_behind(text: &str, word: &str) -> Option<u32> {
    number(text.get(text.find(word)? + word.len()..)?.trim_start())
}

/// The number in the last parentheses of a line.
fn in_parentheses(line: &str) -> Option<u32> {
    number(line.get(line.rfind("(0x")? + 1..)?)
}

/// Seconds since the start at the end of a line, or the time of day.
fn time(line: &str) -> Option<u64> {
    let last = line.trim_end().rsplit(' ').next()?;
    let (whole, fraction) = last.split_once('.')?;
    let fraction: u64 = fraction.get(..3)?.parse().ok()?;
    let mut seconds = 0u64;
    for part in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    seconds.checked_mul(1000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_rows_are_read_as_btmon_writes_them() {
        let head = "< ACL Data TX: Handle 64 [2/6] flags 0x01 dlen 27      #123 [hci0] 12.345678";
        assert_eq!(
            (time(head), number_behind(head, "Handle"), number_behind(head, "flags")),
            (Some(12_345), Some(64), Some(1))
        );
        assert_eq!(time("> HCI Event: x  #1 [hci0] 2026-03-01 01:00:01.500000"), Some(3_601_500));
        assert_eq!(in_parentheses("Error: Insufficient Authentication (0x05)"), Some(5));
        assert_eq!(row("02 00 00 ec  ...."), Some(vec![2, 0, 0, 0xec]));
        assert_eq!(hex("0200ec"), Some(vec![2, 0, 0xec]));
        assert_eq!(hex("not hex"), None);
    }
}
