//! Recordings as pcapng, for Wireshark and its like.
//!
//! Writes and notifications stand there as datagrams of SMP over UDP on its port, 1337, whatever carried them: addresses for
//! documentation (RFC 5737), the device is 192.0.2.2. What the session decided stands on a second interface as text (link type 147),
//! and as the packet's comment.

use super::{Direction, Entry};

/// The device's address.
pub(crate) const DEVICE: [u8; 4] = [192, 0, 2, 2];
const CLIENT: [u8; 4] = [192, 0, 2, 1];
const PORT: u16 = 1337;
/// Any port will do for the client's end.
const CLIENT_PORT: u16 = 49_152;
const RAW_IP: u16 = 101;
/// The first link type for private use.
pub(crate) const WORDS_LINK: u32 = 147;
/// The header of IPv4 and that of UDP.
const HEADERS: usize = 20 + 8;
/// The longest datagram; what a write holds beyond it is told as left out.
const LONGEST: usize = 65_535 - HEADERS;

/// Writes the blocks of a pcapng file; where they go is the caller's business.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pcapng;

impl Pcapng {
    /// What stands at the start of the file.
    pub fn start() -> Vec<u8> {
        let mut file =
            block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
        // Both interfaces count milliseconds.
        for link_type in [RAW_IP, WORDS_LINK as u16] {
            let clock = [9, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0];
            file.extend(block(1, &[&link_type.to_le_bytes()[..], &[0; 6], &clock].concat()));
        }
        file
    }

    /// The block of an entry.
    pub fn entry(now_ms: u64, entry: Entry<'_>) -> Vec<u8> {
        match entry {
            Entry::Word(word) => packet(1, now_ms, word.as_bytes(), word.len(), word),
            Entry::Bytes(direction, bytes, left_out) => {
                let shown = bytes.len().min(LONGEST);
                let length = (bytes.len() + left_out).min(LONGEST);
                let mut datagram = headers(direction, length);
                datagram.extend_from_slice(&bytes[..shown]);
                packet(0, now_ms, &datagram, HEADERS + length, "")
            }
        }
    }
}

fn headers(direction: Direction, length: usize) -> Vec<u8> {
    let sent = direction == Direction::Sent;
    let (from, to) = if sent { (CLIENT, DEVICE) } else { (DEVICE, CLIENT) };
    let (source, target) = if sent { (CLIENT_PORT, PORT) } else { (PORT, CLIENT_PORT) };
    let mut ip = vec![0x45, 0];
    ip.extend(((HEADERS + length) as u16).to_be_bytes());
    // No fragments, 64 hops, UDP; the checksum follows.
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(from);
    ip.extend(to);
    let sum: u32 = ip.chunks_exact(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !(((folded & 0xffff) + (folded >> 16)) as u16);
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    ip.extend(source.to_be_bytes());
    ip.extend(target.to_be_bytes());
    ip.extend(((8 + length) as u16).to_be_bytes());
    // UDP without a checksum, as IPv4 allows.
    ip.extend([0, 0]);
    ip
}

fn packet(interface: u32, now_ms: u64, bytes: &[u8], original: usize, comment: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes.len() + comment.len() + 64);
    for field in [interface, (now_ms >> 32) as u32, now_ms as u32, bytes.len() as u32, original as u32] {
        body.extend(field.to_le_bytes());
    }
    body.extend_from_slice(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
    if !comment.is_empty() {
        body.extend([1, 0]);
        body.extend((comment.len() as u16).to_le_bytes());
        body.extend_from_slice(comment.as_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend([0; 4]);
    }
    block(6, &body)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = ((12 + body.len()) as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}
