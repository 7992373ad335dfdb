//! L2CAP units put together from their pieces, and handed to the protocols that matter here.

use super::super::told::Event;
use super::Out;
use super::att::Att;

const ATT: u16 = 4;
const SECURITY_MANAGER: u16 = 6;
const HEADER: usize = 4;

/// One direction of a link.
#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    need: usize,
}

/// One link: both directions and the attribute protocol.
#[derive(Debug, Default)]
pub(super) struct Channel {
    streams: [Stream; 2],
    pub(super) att: Att,
    /// Units that were read, and beginnings that were none.
    pub(super) read: u64,
    pub(super) unreadable: u64,
}

impl Channel {
    pub(super) fn reconnected(&mut self) {
        self.streams = Default::default();
        self.att.reconnected();
    }

    /// Takes a piece of one direction; `missing` bytes behind it are not in the capture.
    pub(super) fn piece(
        &mut self,
        sent: bool,
        begins: bool,
        bytes: &[u8],
        missing: usize,
        out: &mut Out<'_>,
    ) {
        let stream = &mut self.streams[usize::from(sent)];
        if begins {
            stream.bytes.clear();
            let [low, high, channel, channel_high, ..] = *bytes else {
                stream.need = 0;
                return;
            };
            let length = usize::from(u16::from_le_bytes([low, high]));
            let channel = u16::from_le_bytes([channel, channel_high]);
            stream.need = HEADER + length;
            let readable = bytes.len() <= stream.need && matches!(channel, 1..=0x7f) && length > 0;
            if !readable || !matches!(channel, ATT | SECURITY_MANAGER) {
                self.unreadable += u64::from(!readable);
                stream.need = 0;
                return;
            }
        }
        if stream.need == 0 {
            return;
        }
        stream.bytes.extend_from_slice(bytes);
        if stream.bytes.len() + missing < stream.need {
            // What lacks bytes and is not the end cannot be put together.
            if missing > 0 {
                stream.need = 0;
            }
            return;
        }
        let mut unit = std::mem::take(&mut stream.bytes);
        unit.truncate(stream.need);
        let missing = stream.need - unit.len();
        stream.need = 0;
        self.read += 1;
        let channel = u16::from_le_bytes([unit[2], unit[3]]);
        if channel == ATT {
            self.att.unit(&unit[HEADER..], missing, out);
        } else {
            security(&unit[HEADER..], out);
        }
        // Kept for its room.
        unit.clear();
        self.streams[usize::from(sent)].bytes = unit;
    }
}

/// Bluetooth's own SMP, the Security Manager Protocol: pairing.
pub(super) fn security(unit: &[u8], out: &mut Out<'_>) {
    match unit {
        [0x01 | 0x0b, ..] => out.event(Event::Pairing(None)),
        [0x05, reason, ..] => out.event(Event::Pairing(Some(*reason))),
        _ => {}
    }
}
