//! The attribute protocol of one link: which characteristic carries SMP, what is written to it, what it notifies.
//!
//! Bluetooth Core Specification, volume 3, part F.

use super::super::assembly::is_like_a_frame;
use super::super::told::Event;
use super::Out;

/// The SMP characteristic, DA2E7828-FBCE-4E01-AE9E-261174997C48, as it goes over the air.
const SMP_UUID: [u8; 16] =
    [0x48, 0x7c, 0x99, 0x74, 0x11, 0x26, 0x9e, 0xae, 0x01, 0x4e, 0xce, 0xfb, 0x28, 0x78, 0x2e, 0xda];
/// The MTU before anybody asks for another.
const LEAST_MTU: u32 = 23;
/// A device has one such characteristic; a few more handles are kept in case they change.
const MOST_HANDLES: usize = 4;
/// How far behind the value its descriptors lie at most.
const DESCRIPTORS: u16 = 3;
const MOST_SUBSCRIPTIONS: usize = 8;
/// The longest value of an attribute.
const LONGEST_VALUE: usize = 512;

/// The attribute protocol as far as SMP is concerned.
#[derive(Debug, Default)]
pub(super) struct Att {
    client_mtu: u32,
    /// The handles that carry SMP, and whether the discovery named them.
    handles: Vec<u16>,
    discovered: bool,
    /// Switched on or off before it was known which characteristic is the one.
    subscriptions: Vec<(u16, bool)>,
    /// A write with response that is under way: its handle and, where it subscribes, what it says.
    writing: Option<(u16, Option<bool>)>,
    prepared: Vec<u8>,
    prepared_for: u16,
}

impl Att {
    /// A new connection: what was agreed upon is void, the handles stay.
    pub(super) fn reconnected(&mut self) {
        let handles = std::mem::take(&mut self.handles);
        *self = Att { handles, discovered: self.discovered, ..Att::default() };
    }

    /// Takes one protocol unit; `missing` bytes of it are not in the capture.
    pub(super) fn unit(&mut self, unit: &[u8], missing: usize, out: &mut Out<'_>) {
        let [opcode, rest @ ..] = unit else { return };
        let handle = |bytes: &[u8]| Some(u16::from_le_bytes([*bytes.first()?, *bytes.get(1)?]));
        match (opcode, rest) {
            (0x01, [request, low, high, code]) => {
                self.error(*request, u16::from_le_bytes([*low, *high]), *code, out);
            }
            (0x02, [low, high]) => self.client_mtu = u32::from(u16::from_le_bytes([*low, *high])),
            (0x03, [low, high]) => {
                let server = u32::from(u16::from_le_bytes([*low, *high]));
                let client = if self.client_mtu == 0 { server } else { self.client_mtu };
                out.event(Event::Mtu(client.min(server).max(LEAST_MTU)));
            }
            // Characteristics with UUIDs of 128 bits: declaration, properties, value handle, UUID.
            (0x09, [21, entries @ ..]) => {
                for entry in entries.chunks_exact(21).filter(|entry| entry[5..] == SMP_UUID) {
                    self.found(u16::from_le_bytes([entry[3], entry[4]]), out);
                    self.discovered = true;
                }
            }
            (0x12, [_, _, value @ ..]) => {
                let Some(handle) = handle(rest) else { return };
                let subscribes = match value {
                    [on @ 0..=3, 0] => Some(*on != 0),
                    _ => None,
                };
                self.writing = Some((handle, subscribes));
                if subscribes.is_none() {
                    self.value(handle, value, missing, out);
                }
            }
            (0x13, []) => {
                if let Some((handle, Some(on))) = self.writing.take() {
                    self.subscribed(handle, on, out);
                }
            }
            (0x52 | 0x1b | 0x1d, [_, _, value @ ..]) => {
                if let Some(handle) = handle(rest) {
                    self.value(handle, value, missing, out);
                }
            }
            // Several notifications in one.
            (0x23, entries) => {
                let mut entries = entries;
                while let [low, high, length, length_high, more @ ..] = entries {
                    let length = usize::from(u16::from_le_bytes([*length, *length_high]));
                    let there = length.min(more.len());
                    self.value(u16::from_le_bytes([*low, *high]), &more[..there], length - there, out);
                    entries = &more[there..];
                }
            }
            // A long write: parts, then the word to write them.
            (0x16, [_, _, low, high, part @ ..]) => {
                let offset = usize::from(u16::from_le_bytes([*low, *high]));
                if offset == 0 {
                    self.prepared.clear();
                    self.prepared_for = handle(rest).unwrap_or(0);
                }
                if offset == self.prepared.len() && offset + part.len() <= LONGEST_VALUE {
                    self.prepared.extend_from_slice(part);
                }
            }
            (0x18, [1]) => {
                let value = std::mem::take(&mut self.prepared);
                self.value(self.prepared_for, &value, 0, out);
            }
            _ => {}
        }
    }

    /// The discovery, or the first frame on it, says that this handle carries SMP.
    pub(super) fn found(&mut self, handle: u16, out: &mut Out<'_>) {
        if self.handles.contains(&handle) {
            return;
        }
        if self.handles.len() == MOST_HANDLES {
            self.handles.remove(0);
        }
        self.handles.push(handle);
        let known = self.subscriptions.iter().rev().find(|(of, _)| belongs(handle, *of)).copied();
        if let Some((_, on)) = known {
            self.subscriptions.clear();
            out.event(Event::Notifications(on));
        }
    }

    fn subscribed(&mut self, descriptor: u16, on: bool, out: &mut Out<'_>) {
        if self.handles.iter().any(|handle| belongs(*handle, descriptor)) {
            out.event(Event::Notifications(on));
        } else if self.handles.is_empty() {
            if self.subscriptions.len() == MOST_SUBSCRIPTIONS {
                self.subscriptions.remove(0);
            }
            self.subscriptions.push((descriptor, on));
        }
    }

    fn error(&mut self, request: u8, handle: u16, code: u8, out: &mut Out<'_>) {
        match request {
            // The exchange of the MTU is refused: it stays as it is.
            0x02 => out.event(Event::Mtu(LEAST_MTU)),
            0x12 | 0x16 | 0x18 => {
                self.writing = None;
                let ours = |value: &u16| *value == handle || belongs(*value, handle);
                if self.handles.is_empty() || self.handles.iter().any(ours) {
                    out.event(Event::AttError(code));
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, handle: u16, value: &[u8], missing: usize, out: &mut Out<'_>) {
        if !self.handles.contains(&handle) {
            if self.discovered || !is_like_a_frame(value) {
                return;
            }
            self.found(handle, out);
        }
        out.value(u32::from(handle), value, missing);
    }
}

/// Whether a descriptor may be one of the value's.
fn belongs(value: u16, descriptor: u16) -> bool {
    descriptor > value && descriptor - value <= DESCRIPTORS
}
