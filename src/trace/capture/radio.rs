//! Sniffs of the radio: link layer packets, repeated ones among them, under access addresses that change.
//!
//! Bluetooth Core Specification, volume 6, part B.

use super::super::told::Event;
use super::links::Links;
use super::{Key, Out};

/// The access address of advertisements.
const ADVERTISING: u32 = 0x8e89_bed6;
/// A connection that was not heard for so long, in milliseconds, is over when another one appears.
const OVER_AFTER_MS: u64 = 2_000;
const MOST_HEARD: usize = 16;

/// A packet of the air, without preamble.
pub(super) struct Air<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether the sniffer says that its checksum is right.
    pub(super) intact: bool,
    /// Whether the sniffer has decrypted it, or says that it is encrypted.
    pub(super) decrypted: bool,
    pub(super) encrypted: bool,
    /// Whether it goes to the device; not all sniffers tell.
    pub(super) to_device: Option<bool>,
    /// A byte of the coded PHY stands behind the access address.
    pub(super) coded: bool,
}

/// A connection that was heard.
#[derive(Debug)]
struct Heard {
    address: u32,
    /// The sequence bits and the sums of the last packets in each direction.
    last: [[Option<(u8, u32)>; 2]; 2],
}

/// The connection that was heard last.
#[derive(Debug, Clone, Copy)]
struct Latest {
    device: u32,
    at: u64,
    /// Whether its end was heard.
    over: bool,
}

/// What is remembered of the air.
#[derive(Debug, Default)]
pub(super) struct Radio {
    heard: Vec<Heard>,
    latest: Option<Latest>,
    /// Data packets that cannot be read.
    pub(super) encrypted: u64,
    /// Data packets with content that was looked at.
    pub(super) data: u64,
}

/// Link type 251, or what stands behind the header of 256 and 272.
pub(super) fn plain(bytes: &[u8]) -> Air<'_> {
    Air { bytes, intact: true, decrypted: false, encrypted: false, to_device: None, coded: false }
}

/// Link type 256.
pub(super) fn with_header(packet: &[u8]) -> Option<Air<'_>> {
    let (header, bytes) = packet.split_at_checked(10)?;
    let flags = u16::from_le_bytes([header[8], header[9]]);
    let checked = flags & 0x0400 != 0;
    Some(Air {
        intact: !checked || flags & 0x0800 != 0,
        decrypted: flags & 0x0008 != 0,
        to_device: match flags >> 7 & 7 {
            2 => Some(true),
            3 => Some(false),
            _ => None,
        },
        coded: flags >> 14 == 2,
        ..plain(bytes)
    })
}

/// Link type 272: the sniffer of Nordic Semiconductor.
pub(super) fn nordic(packet: &[u8]) -> Option<Air<'_>> {
    const DATA: u8 = 6;
    const ADVERTISEMENT: u8 = 2;
    let [_, _, _, version, _, _, kind, payload @ ..] = packet else { return None };
    let known = matches!(version, 1..=3) && (*kind == DATA || *kind == ADVERTISEMENT && *version == 3);
    let (header, bytes) = payload.split_at_checked(10).filter(|_| known)?;
    let flags = header[1];
    let encrypted = flags & 4 != 0;
    Some(Air {
        intact: flags & 1 != 0,
        decrypted: encrypted && flags & 8 != 0,
        encrypted: encrypted && flags & 8 == 0,
        to_device: Some(flags & 2 != 0),
        coded: flags >> 4 & 7 == 2,
        ..plain(bytes)
    })
}

impl Radio {
    /// Takes a packet of the air.
    pub(super) fn packet(&mut self, links: &mut Links, air: &Air<'_>, missing: usize, out: &mut Out<'_>) {
        let [a, b, c, d, rest @ ..] = air.bytes else { return };
        let address = u32::from_le_bytes([*a, *b, *c, *d]);
        let rest = if air.coded { rest.get(1..).unwrap_or_default() } else { rest };
        let [header, length, body @ ..] = rest else { return };
        if !air.intact {
            // The device asks for it again.
            return;
        }
        // Behind the body stands the checksum; some sniffers put a byte in front of the body.
        let length = usize::from(*length);
        let padded = body.len() == length + 4 && missing == 0;
        let body = &body[usize::from(padded)..];
        let there = length.min(body.len());
        let (body, missing) = (&body[..there], missing.min(length - there));
        if address == ADVERTISING {
            // CONNECT_IND: both addresses, then the access address of the connection.
            if header & 0x0f == 5 && body.len() >= 16 {
                self.connected(links, body, out);
            }
            return;
        }
        self.data(links, air, address, *header, body, missing, out);
    }

    fn connected(&mut self, links: &mut Links, body: &[u8], out: &mut Out<'_>) {
        let mut device = [0; 6];
        device.copy_from_slice(&body[6..12]);
        let address = u32::from_le_bytes([body[12], body[13], body[14], body[15]]);
        let link = links.connect(Key::Access(address), Key::Address(device));
        out.link = link.number;
        link.encrypted = false;
        link.channel.reconnected();
        let device = link.number;
        if self.latest.is_some_and(|latest| latest.device == device && !latest.over) {
            out.event(Event::LinkDown(None));
        }
        out.event(Event::LinkUp);
    }

    #[allow(clippy::too_many_arguments)]
    fn data(
        &mut self,
        links: &mut Links,
        air: &Air<'_>,
        address: u32,
        header: u8,
        body: &[u8],
        missing: usize,
        out: &mut Out<'_>,
    ) {
        let now = out.place.time_ms.unwrap_or(0);
        if !links.knows(Key::Access(address)) {
            self.unknown(links, address, now, out);
        }
        let link = links.of(Key::Access(address));
        out.link = link.number;
        self.latest = Some(Latest { device: link.number, at: now, over: false });
        let heard = self.heard(address);
        let to_device = air.to_device.unwrap_or(true);
        let mark = Some((header & 0x08, sum(header, body)));
        let last = &mut heard.last[usize::from(to_device)];
        // Sent again, since the acknowledgement was lost. Where nobody tells the directions, an empty packet may stand between.
        let again = last[0] == mark || air.to_device.is_none() && last[1] == mark;
        if !again {
            *last = [mark, last[0]];
        }
        let kind = header & 3;
        if body.is_empty() || again {
            return;
        }
        // Constant tone extensions have a byte of their own.
        let body = if header & 0x20 != 0 { body.get(1..).unwrap_or_default() } else { body };
        if (link.encrypted || air.encrypted) && !air.decrypted {
            self.encrypted += 1;
            return;
        }
        match (kind, body) {
            (1 | 2, _) => {
                self.data += 1;
                link.channel.piece(to_device, kind == 2, body, missing, out);
            }
            // LL_TERMINATE_IND, LL_START_ENC_REQ, LL_PAUSE_ENC_RSP.
            (3, [0x02, reason, ..]) => {
                link.encrypted = false;
                link.channel.reconnected();
                out.event(Event::LinkDown(Some(*reason)));
                links.forget(Key::Access(address));
                self.latest = self.latest.map(|latest| Latest { over: true, ..latest });
                self.heard.retain(|heard| heard.address != address);
            }
            (3, [0x05, ..]) => {
                link.encrypted = true;
                out.event(Event::Encrypted);
            }
            (3, [0x0b, ..]) => link.encrypted = false,
            _ => {}
        }
    }

    /// A connection whose beginning was not heard: that of the device before it, unless both go on side by side.
    fn unknown(&mut self, links: &mut Links, address: u32, now: u64, out: &mut Out<'_>) {
        let Some(latest) =
            self.latest.filter(|latest| latest.over || now.saturating_sub(latest.at) >= OVER_AFTER_MS)
        else {
            links.of(Key::Access(address));
            return;
        };
        let link = links.connect(Key::Access(address), Key::Number(latest.device));
        out.link = link.number;
        link.encrypted = false;
        link.channel.reconnected();
        if !latest.over {
            out.event(Event::LinkDown(None));
        }
        out.event(Event::LinkUp);
    }

    fn heard(&mut self, address: u32) -> &mut Heard {
        let at = self.heard.iter().position(|heard| heard.address == address).unwrap_or_else(|| {
            if self.heard.len() == MOST_HEARD {
                self.heard.remove(0);
            }
            self.heard.push(Heard { address, last: Default::default() });
            self.heard.len() - 1
        });
        &mut self.heard[at]
    }
}

fn sum(header: u8, body: &[u8]) -> u32 {
    let seed = 0x811c_9dc5u32 ^ u32::from(header & 3);
    body.iter().fold(seed, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
