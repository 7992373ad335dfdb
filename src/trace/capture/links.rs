//! The links of a capture: a connection has a name that changes, the device behind it stays the same.

use super::Key;
use super::l2cap::Channel;

/// How many devices are kept; the one that was silent for the longest gives way.
const MOST_DEVICES: usize = 16;
const MOST_CONNECTIONS: usize = 32;

/// A device, as far as the capture knows it.
#[derive(Debug)]
pub(super) struct Link {
    /// Counted from 1 in the order in which they appear.
    pub(super) number: u32,
    key: Key,
    pub(super) channel: Channel,
    /// The last packet that told of it.
    seen: u64,
    /// Whether the radio says that what follows is encrypted.
    pub(super) encrypted: bool,
}

/// All links of a capture.
#[derive(Debug, Default)]
pub(super) struct Links {
    devices: Vec<Link>,
    /// The names of connections, each with the number of its device.
    connections: Vec<(Key, u32)>,
    count: u32,
    clock: u64,
}

impl Links {
    /// The device of a connection, or the one with this name.
    pub(super) fn of(&mut self, key: Key) -> &mut Link {
        self.clock += 1;
        let number = match key {
            Key::Number(number) => Some(number),
            _ => self.connections.iter().find(|(name, _)| *name == key).map(|(_, number)| *number),
        };
        let at = self
            .devices
            .iter()
            .position(|link| number.map_or(link.key == key, |number| link.number == number))
            .unwrap_or_else(|| self.add(key));
        let link = &mut self.devices[at];
        link.seen = self.clock;
        link
    }

    /// Whether a connection of this name is known.
    pub(super) fn knows(&self, key: Key) -> bool {
        self.connections.iter().any(|(name, _)| *name == key)
            || self.devices.iter().any(|link| link.key == key)
    }

    /// The connection `key` leads to the device `device` from now on.
    pub(super) fn connect(&mut self, key: Key, device: Key) -> &mut Link {
        let number = self.of(device).number;
        self.forget(key);
        if self.connections.len() == MOST_CONNECTIONS {
            self.connections.remove(0);
        }
        self.connections.push((key, number));
        self.of(key)
    }

    /// That connection is over.
    pub(super) fn forget(&mut self, key: Key) {
        self.connections.retain(|(name, _)| *name != key);
    }

    fn add(&mut self, key: Key) -> usize {
        if self.devices.len() == MOST_DEVICES {
            let oldest = (0..MOST_DEVICES).min_by_key(|at| self.devices[*at].seen).unwrap_or(0);
            self.devices.remove(oldest);
        }
        self.count = self.count.saturating_add(1);
        let channel = Channel::default();
        self.devices.push(Link { number: self.count, key, channel, seen: 0, encrypted: false });
        self.devices.len() - 1
    }

    /// L2CAP units that were read, and beginnings that were none, over all devices.
    pub(super) fn read(&self) -> (u64, u64) {
        self.devices.iter().fold((0, 0), |(read, unreadable), link| {
            (read + link.channel.read, unreadable + link.channel.unreadable)
        })
    }
}
