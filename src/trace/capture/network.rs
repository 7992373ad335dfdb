//! Captures of a network: SMP over UDP.

use super::super::assembly::starts_frame;
use super::links::Links;
use super::{Key, Out};

/// Where SMP is at home on UDP.
const PORT: u16 = 1337;
const UDP: u8 = 17;
/// Datagrams under way in fragments.
const MOST_FRAGMENTED: usize = 4;
const LONGEST_DATAGRAM: usize = 65_535;

/// A datagram of which not all fragments are there.
#[derive(Debug)]
struct Fragmented {
    name: [u8; 10],
    bytes: Vec<u8>,
}

/// What is remembered of the network.
#[derive(Debug, Default)]
pub(super) struct Network {
    fragmented: Vec<Fragmented>,
    /// Datagrams of DTLS.
    pub(super) encrypted: u64,
    /// Ports besides the usual one that carried a frame.
    ports: Vec<u16>,
}

/// The packet of the network layer in a frame of this link type: whether the type is known, and the packet.
pub(super) fn within(link_type: u32, frame: &[u8]) -> Option<&[u8]> {
    match link_type {
        // Ethernet, with tags.
        1 => {
            let mut rest = frame.get(12..)?;
            while let [0x81 | 0x88, 0x00 | 0xa8, _, _, more @ ..] = rest {
                rest = more;
            }
            rest.get(2..)
        }
        // Loopback with the family in front, in either order.
        0 | 108 => frame.get(4..),
        101 | 228 | 229 => Some(frame),
        // Linux "cooked", both versions.
        113 => frame.get(16..),
        276 => frame.get(20..),
        _ => None,
    }
}

/// Whether frames of this link type are read here.
pub(super) const fn knows(link_type: u32) -> bool {
    matches!(link_type, 0 | 1 | 101 | 108 | 113 | 228 | 229 | 276)
}

impl Network {
    /// Takes a packet of IPv4 or IPv6.
    pub(super) fn packet(&mut self, links: &mut Links, packet: &[u8], missing: usize, out: &mut Out<'_>) {
        match packet.first().map(|first| first >> 4) {
            Some(4) => self.four(links, packet, missing, out),
            Some(6) => {
                // Extension headers do not occur on a local network.
                if let (Some(UDP), Some(from), Some(to), Some(datagram)) =
                    (packet.get(6).copied(), packet.get(8..24), packet.get(24..40), packet.get(40..))
                {
                    self.datagram(links, from, to, datagram, missing, out);
                }
            }
            _ => {}
        }
    }

    fn four(&mut self, links: &mut Links, packet: &[u8], missing: usize, out: &mut Out<'_>) {
        let header = usize::from(packet[0] & 0x0f) * 4;
        let (Some(fields), true) = (packet.get(..20), header >= 20) else { return };
        let total = usize::from(u16::from_be_bytes([fields[2], fields[3]]));
        // Behind a short packet stands padding; a length of 0 is left to the network card.
        let end = if total == 0 { packet.len() } else { total.min(packet.len()) };
        let Some(content) = packet.get(header..end).filter(|_| fields[9] == UDP) else { return };
        let fragment = u16::from_be_bytes([fields[6], fields[7]]);
        let (more, offset) = (fragment & 0x2000 != 0, usize::from(fragment & 0x1fff) * 8);
        let (from, to) = (&fields[12..16], &fields[16..20]);
        if !more && offset == 0 {
            return self.datagram(links, from, to, content, missing, out);
        }
        let mut name = [0; 10];
        name[..2].copy_from_slice(&fields[4..6]);
        name[2..].copy_from_slice(&fields[12..20]);
        if offset == 0 {
            self.fragmented.retain(|known| known.name != name);
            if self.fragmented.len() == MOST_FRAGMENTED {
                self.fragmented.remove(0);
            }
            self.fragmented.push(Fragmented { name, bytes: content.to_vec() });
            return;
        }
        let Some(at) = self.fragmented.iter().position(|known| known.name == name) else { return };
        let known = &mut self.fragmented[at];
        if known.bytes.len() != offset || offset + content.len() > LONGEST_DATAGRAM {
            return;
        }
        known.bytes.extend_from_slice(content);
        if !more {
            let whole = self.fragmented.remove(at);
            self.datagram(links, from, to, &whole.bytes, 0, out);
        }
    }

    fn datagram(
        &mut self,
        links: &mut Links,
        from: &[u8],
        to: &[u8],
        datagram: &[u8],
        missing: usize,
        out: &mut Out<'_>,
    ) {
        let [a, b, c, d, high, low, _, _, payload @ ..] = datagram else { return };
        let (source, target) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(8);
        let payload = &payload[..payload.len().min(length)];
        let missing = missing.min(length - payload.len());
        let known = |port: u16| port == PORT || self.ports.contains(&port);
        if !known(source) && !known(target) {
            let announced = payload.get(2..4).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
            if !starts_frame(payload) || announced != Some(payload.len() + missing - 8) {
                return;
            }
            // The device is where requests go.
            let port = if payload[0] & 1 == 0 { target } else { source };
            if self.ports.len() < MOST_FRAGMENTED {
                self.ports.push(port);
            }
        }
        let to_device = target == PORT || source != PORT && self.ports.contains(&target);
        let (address, port) = if to_device { (to, target) } else { (from, source) };
        out.link = links.of(Key::Network(hash(address), port)).number;
        if let [20..=25, 0xfe, 0xfd | 0xff | 0xfc, ..] = payload {
            self.encrypted += 1;
            return;
        }
        out.value(u32::from(to_device), payload, missing);
    }
}

/// The device of this library's own recordings.
pub(super) fn own() -> Key {
    Key::Network(hash(&crate::recording::DEVICE), PORT)
}

fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
