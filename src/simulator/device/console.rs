//! SMP over a UART console: lines of base64 with a length and a CRC, and the log lines that share the wire.
//! Source: Zephyr `transport/src/serial_util.c`. An implementation of its own, apart from the client's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::rng::Rng;

const FIRST: [u8; 2] = [0x06, 0x09];
const NEXT: [u8; 2] = [0x04, 0x14];
/// Characters of base64 in one line: 127 bytes less the two marks and the line end.
const LINE_DATA: usize = 124;
/// A longer line is thrown away.
const LINE_MOST: usize = 512;

/// CRC16 XMODEM: polynomial 0x1021, start 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc: u16, _| {
            (crc << 1) ^ (0x1021 & (crc >> 15).wrapping_neg())
        })
    })
}

/// The console of a device.
#[derive(Debug, Clone)]
pub(super) struct Console {
    line: Vec<u8>,
    packet: Vec<u8>,
    in_packet: bool,
    rng: Rng,
    noise: bool,
}

impl Console {
    pub(super) fn new(seed: u64, noise: bool) -> Console {
        let rng = Rng::stream(seed, 0xc0);
        Console { line: Vec::new(), packet: Vec::new(), in_packet: false, rng, noise }
    }

    pub(super) fn clear(&mut self) {
        self.line.clear();
        self.packet.clear();
        self.in_packet = false;
    }

    /// Takes bytes off the wire. Gives every packet that they complete, of at most `most` bytes.
    pub(super) fn take(&mut self, bytes: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    packets.extend(self.take_line(&line, most));
                }
                b'\r' => {}
                _ if self.line.len() < LINE_MOST => self.line.push(*byte),
                _ => {}
            }
        }
        packets
    }

    fn take_line(&mut self, line: &[u8], most: usize) -> Option<Vec<u8>> {
        let data = match line.split_first_chunk::<2>() {
            Some((&FIRST, data)) => {
                self.packet.clear();
                self.in_packet = true;
                data
            }
            Some((&NEXT, data)) if self.in_packet => data,
            // A command for the shell, or noise.
            _ => return None,
        };
        let decoded = STANDARD.decode(data).ok().filter(|d| self.packet.len() + d.len() <= most + 4);
        let Some(decoded) = decoded else {
            self.in_packet = false;
            return None;
        };
        self.packet.extend_from_slice(&decoded);
        let (length, rest) = self.packet.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if rest.len() < length {
            return None;
        }
        self.in_packet = false;
        if rest.len() > length || length < 2 || crc16(rest) != 0 {
            return None;
        }
        Some(rest[..length - 2].to_vec())
    }

    /// What goes over the wire for one answer, in pieces as a UART driver hands them on.
    pub(super) fn encode(&mut self, frame: &[u8], now: u64) -> Vec<Vec<u8>> {
        let mut packet = ((frame.len() + 2) as u16).to_be_bytes().to_vec();
        packet.extend_from_slice(frame);
        packet.extend_from_slice(&crc16(frame).to_be_bytes());
        let text = STANDARD.encode(packet);
        let mut wire = Vec::new();
        self.log(&mut wire, now, 0.5);
        for (number, data) in text.as_bytes().chunks(LINE_DATA).enumerate() {
            if number > 0 {
                self.log(&mut wire, now, 0.1);
            }
            wire.extend_from_slice(if number == 0 { &FIRST } else { &NEXT });
            wire.extend_from_slice(data);
            wire.push(b'\n');
        }
        let mut pieces = Vec::new();
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(self.rng.between(1, 128) as usize));
            pieces.push(head.to_vec());
            rest = tail;
        }
        pieces
    }

    fn log(&mut self, wire: &mut Vec<u8>, now: u64, chance: f64) {
        const LINES: &[&str] = &[
            "<inf> app: temperature 21.5 C",
            "<wrn> bt_conn: conn 0x20001a40: not connected",
            "<dbg> mcumgr_img_grp: upload in progress",
            "\u{1b}[1;33m<wrn> fs: low space\u{1b}[0m",
            "uart:~$ ",
            "",
        ];
        if self.noise && self.rng.chance(chance) {
            let line = LINES[self.rng.below(LINES.len() as u64) as usize];
            let text = format!("[{:08}.{:06}] {line}\r\n", now / 1_000_000, now % 1_000_000);
            wire.extend_from_slice(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_has_its_published_check_value() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn frames_survive_noise_and_any_cut_of_the_bytes() {
        let mut sender = Console::new(3, true);
        let mut receiver = Console::new(4, false);
        let mut noisy = 0;
        for length in [8usize, 90, 91, 92, 300] {
            let frame: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let pieces = sender.encode(&frame, 1);
            noisy += usize::from(pieces.concat().contains(&b'['));
            let mut got = Vec::new();
            for piece in &pieces {
                got.extend(receiver.take(piece, 380));
            }
            assert_eq!(got, [frame]);
        }
        assert!(noisy > 0);
        let pieces = sender.encode(&[7; 381], 1);
        assert!(pieces.iter().all(|piece| receiver.take(piece, 380).is_empty()));
    }

    #[test]
    fn a_damaged_line_is_dropped_in_silence() {
        let mut console = Console::new(3, false);
        let mut wire = console.encode(&[1; 20], 0).concat();
        wire[5] ^= 1;
        assert!(console.take(&wire, 380).is_empty());
        assert_eq!(console.take(&Console::new(3, false).encode(&[1; 20], 0).concat(), 380), [[1; 20]]);
    }
}
