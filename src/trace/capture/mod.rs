//! Packet captures: of a Bluetooth host, of the radio, of a network.
//!
//! Files become packets ([`container`]), packets become pieces of links ([`hci`], [`radio`]) or datagrams ([`network`]), and the
//! attribute protocol ([`att`]) says which of them carry SMP, and what else decides on a Bluetooth link: the MTU, who subscribed,
//! errors, disconnects.

mod att;
mod btmon;
mod container;
mod hci;
mod l2cap;
mod links;
mod network;
mod radio;

pub(super) use btmon::Btmon;
pub(super) use container::Format;

use super::told::{Content, Dress, Event, Place, Told};
use container::Container;
use hci::Kind;
use links::Links;
use network::Network;
use radio::Radio;

/// Link types of btsnoop files have numbers of their own; they are told apart by this.
const BTSNOOP: u32 = 0x1_0000;
/// Link type of the words in this library's own recordings.
const OWN_WORDS: u32 = crate::recording::WORDS_LINK;

/// A packet of a capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    link_type: u32,
    time_ms: u64,
    /// The flags of a btsnoop record.
    flags: u32,
    bytes: &'a [u8],
    /// How many more bytes it had on the wire.
    missing: usize,
}

/// A name of a connection or a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// The handle of a connection, with its adapter.
    Handle(u32),
    /// The address of a Bluetooth device.
    Address([u8; 6]),
    /// The access address of a connection on the air.
    Access(u32),
    /// A device whose address is not known, by its number.
    Number(u32),
    /// A hash of the address, and the port.
    Network(u32, u16),
}

/// Where what is found goes.
pub(super) struct Out<'a> {
    place: Place,
    link: u32,
    dress: Dress,
    told: &'a mut dyn FnMut(Told),
}

impl Out<'_> {
    fn tell(&mut self, voice: u32, content: Content) {
        let Out { place, link, dress, .. } = *self;
        (self.told)(Told { place, voice, dress, content, width: 0, link });
    }

    fn event(&mut self, event: Event) {
        self.tell(0, Content::Event(event));
    }

    /// A value of the SMP characteristic, or a datagram.
    fn value(&mut self, voice: u32, value: &[u8], missing: usize) {
        let bytes = value.to_vec();
        self.tell(voice, if missing == 0 { Content::Bytes(bytes) } else { Content::Headers(bytes, missing) });
    }
}

/// A capture that is being read.
#[derive(Debug)]
pub(super) struct Capture {
    container: Container,
    links: Links,
    radio: Radio,
    network: Network,
    packets: u64,
    /// A link type that is not read, of the first packet that has one.
    unknown: Option<u32>,
}

/// What a capture says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CaptureFacts {
    pub(super) packets: u64,
    /// Packets with content that cannot be read.
    pub(super) encrypted: u64,
    pub(super) unknown: Option<u32>,
    pub(super) ends_within: bool,
}

impl Capture {
    pub(super) fn new(format: Format) -> Capture {
        Capture {
            container: Container::new(format),
            links: Links::default(),
            radio: Radio::default(),
            network: Network::default(),
            packets: 0,
            unknown: None,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], told: &mut dyn FnMut(Told)) {
        let Capture { container, links, radio, network, packets, unknown } = self;
        container.feed(bytes, &mut |packet| {
            *packets += 1;
            let place = Place { line: *packets, time_ms: Some(packet.time_ms) };
            let mut out = Out { place, link: 0, dress: Dress::Capture, told: &mut *told };
            if !of_packet(links, radio, network, &packet, &mut out) {
                unknown.get_or_insert(packet.link_type);
            }
        });
    }

    pub(super) fn facts(&self) -> CaptureFacts {
        let (read, unreadable) = self.links.read();
        // Content of which nothing can be read is encrypted, also if the beginning of that is not in the capture.
        let hidden = if read == 0 && self.radio.data >= 8 { unreadable } else { 0 };
        CaptureFacts {
            packets: self.packets,
            encrypted: self.radio.encrypted + self.network.encrypted + hidden,
            unknown: self.unknown,
            ends_within: self.container.ends_within(),
        }
    }
}

/// Takes a packet; whether its link type is known.
fn of_packet(
    links: &mut Links,
    radio: &mut Radio,
    network: &mut Network,
    packet: &Packet<'_>,
    out: &mut Out<'_>,
) -> bool {
    let Packet { link_type, flags, bytes, missing, .. } = *packet;
    let be = |at: usize| bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
    const UART: u32 = BTSNOOP + 1002;
    const BARE: u32 = BTSNOOP + 1001;
    const MONITOR: u32 = BTSNOOP + 2001;
    match link_type {
        UART | 187 => {
            if let [kind, content @ ..] = bytes {
                let sent = link_type == 187 || flags & 1 == 0;
                hci::packet(links, 0, Kind::of(*kind), sent, content, missing, out);
            }
        }
        201 => {
            if let [_, _, _, received, kind, content @ ..] = bytes {
                hci::packet(links, 0, Kind::of(*kind), received & 1 == 0, content, missing, out);
            }
        }
        BARE => {
            let kind = match flags & 3 {
                0 | 1 => Kind::Data,
                3 => Kind::Event,
                _ => Kind::Other,
            };
            hci::packet(links, 0, kind, flags & 1 == 0, bytes, missing, out);
        }
        MONITOR => monitor(links, (flags >> 16) as u16, flags as u16, bytes, missing, out),
        254 => monitor(links, be(0), be(2), bytes.get(4..).unwrap_or_default(), missing, out),
        251 => radio.packet(links, &radio::plain(bytes), missing, out),
        256 => {
            if let Some(air) = radio::with_header(bytes) {
                radio.packet(links, &air, missing, out);
            }
        }
        272 => {
            if let Some(air) = radio::nordic(bytes) {
                radio.packet(links, &air, missing, out);
            }
        }
        OWN_WORDS => {
            let words = String::from_utf8_lossy(bytes);
            if let Some(event) = super::text::event(&words) {
                out.link = links.of(network::own()).number;
                out.event(event);
            }
        }
        _ if network::knows(link_type) => {
            if let Some(packet) = network::within(link_type, bytes) {
                network.packet(links, packet, missing, out);
            }
        }
        _ => return false,
    }
    true
}

/// A packet of the Linux monitor: its opcode says what it is and which way it went.
fn monitor(links: &mut Links, adapter: u16, opcode: u16, bytes: &[u8], missing: usize, out: &mut Out<'_>) {
    let (kind, sent) = match opcode {
        3 => (Kind::Event, false),
        4 => (Kind::Data, true),
        5 => (Kind::Data, false),
        _ => return,
    };
    hci::packet(links, adapter, kind, sent, bytes, missing, out);
}
