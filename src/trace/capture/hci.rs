//! Captures of a host: HCI commands, events and data.
//!
//! Bluetooth Core Specification, volume 4, part E. A host's capture lies above the encryption: everything can be read.

use super::super::told::Event;
use super::links::Links;
use super::{Key, Out};

/// What an HCI packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Event,
    Other,
}

impl Kind {
    /// By the byte in front of it on a UART.
    pub(super) const fn of(indicator: u8) -> Kind {
        match indicator {
            2 => Kind::Data,
            4 => Kind::Event,
            _ => Kind::Other,
        }
    }
}

/// Takes a packet of a host's adapter.
pub(super) fn packet(
    links: &mut Links,
    adapter: u16,
    kind: Kind,
    sent: bool,
    bytes: &[u8],
    missing: usize,
    out: &mut Out<'_>,
) {
    match (kind, bytes) {
        (Kind::Data, [low, high, length, length_high, data @ ..]) => {
            let field = u16::from_le_bytes([*low, *high]);
            let length = usize::from(u16::from_le_bytes([*length, *length_high]));
            let begins = field >> 12 & 3 != 1;
            let link = links.of(handle(adapter, field));
            out.link = link.number;
            let there = length.min(data.len());
            link.channel.piece(sent, begins, &data[..there], missing.min(length - there), out);
        }
        (Kind::Event, [code, _, parameters @ ..]) => event(links, adapter, *code, parameters, out),
        _ => {}
    }
}

fn handle(adapter: u16, field: u16) -> Key {
    Key::Handle(u32::from(adapter) << 12 | u32::from(field & 0x0fff))
}

fn event(links: &mut Links, adapter: u16, code: u8, parameters: &[u8], out: &mut Out<'_>) {
    match (code, parameters) {
        // Disconnection Complete.
        (0x05, [0, low, high, reason, ..]) => {
            down(links, adapter, u16::from_le_bytes([*low, *high]), *reason, out);
        }
        // LE Connection Complete, and its enhanced forms: status, handle, role, peer.
        (0x3e, [0x01 | 0x0a | 0x29, 0, low, high, _role, _kind, peer @ ..]) if peer.len() >= 6 => {
            let mut address = [0; 6];
            address.copy_from_slice(&peer[..6]);
            up(links, adapter, u16::from_le_bytes([*low, *high]), address, out);
        }
        _ => {}
    }
}

/// A connection to this address is up under this handle.
pub(super) fn up(links: &mut Links, adapter: u16, field: u16, address: [u8; 6], out: &mut Out<'_>) {
    let link = links.connect(handle(adapter, field), Key::Address(address));
    out.link = link.number;
    link.channel.reconnected();
    out.event(Event::LinkUp);
}

/// The connection under this handle is down.
pub(super) fn down(links: &mut Links, adapter: u16, field: u16, reason: u8, out: &mut Out<'_>) {
    let key = handle(adapter, field);
    let link = links.of(key);
    out.link = link.number;
    link.channel.reconnected();
    out.event(Event::LinkDown(Some(reason)));
    links.forget(key);
}
