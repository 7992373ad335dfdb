//! Captures made out of a conversation: of a Bluetooth host, of the air, of a network, and the text of btmon.

use super::script::{Said, Script, hex};

/// Where the value of the SMP characteristic and its descriptor lie.
pub const VALUE: u16 = 0x0012;
const CCC: u16 = 0x0013;
pub const DEVICE: [u8; 6] = [0x33, 0x22, 0x11, 0x0e, 0x61, 0xc5];
const OTHER: [u8; 6] = [1, 2, 3, 4, 5, 6];
const UUID: [u8; 16] =
    [0x48, 0x7c, 0x99, 0x74, 0x11, 0x26, 0x9e, 0xae, 0x01, 0x4e, 0xce, 0xfb, 0x28, 0x78, 0x2e, 0xda];
/// The time of the first frame, in microseconds since 1970.
const EPOCH_US: u64 = 1_760_000_000_000_000;

/// An attribute protocol unit at a time, or what else happened on the link.
#[derive(Debug, Clone)]
pub enum Unit {
    Att { ms: u64, sent: bool, bytes: Vec<u8> },
    Pairing { ms: u64, sent: bool, bytes: Vec<u8> },
    Up { ms: u64 },
    Down { ms: u64, reason: u8 },
}

fn att(ms: u64, sent: bool, bytes: &[&[u8]]) -> Unit {
    Unit::Att { ms, sent, bytes: bytes.concat() }
}

pub fn value(said: &Said) -> Unit {
    let opcode = if said.to_device { 0x52 } else { 0x1b };
    att(said.ms, said.to_device, &[&[opcode], &VALUE.to_le_bytes(), &said.bytes])
}

pub fn mtu(ms: u64, client: u16, server: u16) -> [Unit; 2] {
    [att(ms, true, &[&[2], &client.to_le_bytes()]), att(ms, false, &[&[3], &server.to_le_bytes()])]
}

pub fn subscribe(ms: u64) -> [Unit; 2] {
    [att(ms, true, &[&[0x12], &CCC.to_le_bytes(), &[1, 0]]), att(ms, false, &[&[0x13]])]
}

pub fn error(ms: u64, request: u8, handle: u16, code: u8) -> Unit {
    att(ms, false, &[&[1, request], &handle.to_le_bytes(), &[code]])
}

/// What a client does before its first frame.
pub fn opening(ms: u64) -> Vec<Unit> {
    let mut units = vec![Unit::Up { ms }];
    units.extend(mtu(ms, 517, 247));
    // Another characteristic with a long UUID stands in the answer too.
    let entry = |declaration: u16, value: u16, uuid: &[u8]| {
        [&declaration.to_le_bytes()[..], &[0x14], &value.to_le_bytes(), uuid].concat()
    };
    let entries = [entry(0x0009, 0x000a, &[7; 16]), entry(0x0011, VALUE, &UUID)].concat();
    units.push(att(ms, false, &[&[9, 21], &entries]));
    units.extend(subscribe(ms));
    units
}

pub fn units(script: &Script) -> Vec<Unit> {
    let mut units = opening(0);
    units.extend(script.said.iter().map(value));
    units
}

/// The same without the beginning of the connection.
pub fn middle(script: &Script) -> Vec<Unit> {
    script.said.iter().map(value).collect()
}

/// A packet of a host's adapter: time, to the device or from it, indicator of the UART, bytes.
pub type Hci = (u64, bool, u8, Vec<u8>);

fn l2cap(channel: u16, bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_le_bytes()[..], &channel.to_le_bytes(), bytes].concat()
}

/// HCI packets on this connection handle, data in pieces of at most so many bytes.
pub fn hci(units: &[Unit], handle: u16, address: &[u8; 6], piece: usize) -> Vec<Hci> {
    let mut packets = Vec::new();
    for unit in units {
        match unit {
            Unit::Up { ms } => {
                let mut event = vec![0x3e, 19, 1, 0];
                event.extend(handle.to_le_bytes());
                event.extend([0, 0]);
                event.extend(address);
                event.extend([24, 0, 0, 0, 0x48, 0, 0]);
                packets.push((*ms, false, 4, event));
            }
            Unit::Down { ms, reason } => {
                let [low, high] = handle.to_le_bytes();
                packets.push((*ms, false, 4, vec![5, 4, 0, low, high, *reason]));
            }
            Unit::Att { ms, sent, bytes } | Unit::Pairing { ms, sent, bytes } => {
                let channel = if matches!(unit, Unit::Att { .. }) { 4 } else { 6 };
                for (index, part) in l2cap(channel, bytes).chunks(piece).enumerate() {
                    let boundary = match (index, sent) {
                        (0, true) => 0,
                        (0, false) => 2,
                        _ => 1u16,
                    };
                    let field = handle | boundary << 12;
                    let data = [&field.to_le_bytes()[..], &(part.len() as u16).to_le_bytes(), part].concat();
                    packets.push((*ms, *sent, 2, data));
                }
            }
        }
    }
    packets
}

fn us(ms: u64) -> u64 {
    EPOCH_US + ms * 1000
}

pub fn btsnoop(datalink: u32, packets: &[Hci]) -> Vec<u8> {
    let mut file = b"btsnoop\0\0\0\0\x01".to_vec();
    file.extend(datalink.to_be_bytes());
    for (ms, sent, kind, bytes) in packets {
        let (flags, content) = match datalink {
            1001 => (u32::from(!sent) | u32::from(*kind != 2) << 1, bytes.clone()),
            2001 => {
                let opcode = match (kind, sent) {
                    (2, true) => 4,
                    (2, false) => 5,
                    _ => 3,
                };
                (opcode, bytes.clone())
            }
            _ => (u32::from(!sent) | u32::from(*kind != 2) << 1, [&[*kind], &bytes[..]].concat()),
        };
        for field in [content.len() as u32, content.len() as u32, flags, 0] {
            file.extend(field.to_be_bytes());
        }
        file.extend((0x00dc_ddb3_0f2f_8000 + us(*ms)).to_be_bytes());
        file.extend(content);
    }
    file
}

pub fn pcap(link_type: u32, packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, link_type] {
        file.extend(field.to_le_bytes());
    }
    for (ms, bytes) in packets {
        let us = us(*ms);
        for field in [us / 1_000_000, us % 1_000_000, bytes.len() as u64, bytes.len() as u64] {
            file.extend((field as u32).to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

pub fn pcapng(link_type: u16, packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let length = ((12 + body.len()) as u32).to_be_bytes();
        [&kind.to_be_bytes()[..], &length, body, &length].concat()
    };
    let mut file =
        block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_be_bytes()[..], &[0, 1, 0, 0], &[0xff; 8]].concat());
    file.extend(block(1, &[&link_type.to_be_bytes()[..], &[0; 6]].concat()));
    // A block that nobody needs to know, and statistics at the end.
    file.extend(block(0x0000_0bad, &[9; 24]));
    for (ms, bytes) in packets {
        let us = us(*ms);
        let mut body = Vec::new();
        for field in [0, (us >> 32) as u32, us as u32, bytes.len() as u32, bytes.len() as u32] {
            body.extend(field.to_be_bytes());
        }
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend(block(6, &body));
    }
    file.extend(block(5, &[0; 12]));
    file
}

fn with_direction(packets: &[Hci]) -> Vec<(u64, Vec<u8>)> {
    let of = |(ms, sent, kind, bytes): &Hci| (*ms, [&[0, 0, 0, u8::from(!sent), *kind], &bytes[..]].concat());
    packets.iter().map(of).collect()
}

/// How the radio is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sniffer {
    /// Link type 256.
    Header,
    /// Link type 272.
    Nordic,
    /// Link type 251, which tells no direction.
    Plain,
}

/// The air, packet by packet: each data packet with an empty answer, some of them twice, some damaged first.
pub struct Air {
    pub sniffer: Sniffer,
    pub packets: Vec<(u64, Vec<u8>)>,
    access: u32,
    sequence: [u8; 2],
    count: u32,
    pub encrypted: bool,
}

impl Air {
    pub fn new(sniffer: Sniffer) -> Air {
        Air {
            sniffer,
            packets: Vec::new(),
            access: 0x5065_1234,
            sequence: [0; 2],
            count: 0,
            encrypted: false,
        }
    }

    fn put(&mut self, ms: u64, access: u32, to_device: bool, intact: bool, unit: &[u8]) {
        let mut packet = match self.sniffer {
            Sniffer::Plain if !intact => return,
            Sniffer::Plain => Vec::new(),
            Sniffer::Header => {
                let mut flags = 0x0001u16 | 0x0010 | 0x0400;
                flags |= if intact { 0x0800 } else { 0 };
                flags |= if access == 0x8e89_bed6 {
                    0
                } else if to_device {
                    2 << 7
                } else {
                    3 << 7
                };
                let mut header = vec![7, 0xc0, 0, 0];
                header.extend(access.to_le_bytes());
                header.extend(flags.to_le_bytes());
                header
            }
            Sniffer::Nordic => {
                let length = (10 + 4 + unit.len() + 3) as u16;
                let [low, high] = length.to_le_bytes();
                let flags = u8::from(intact) | u8::from(to_device) << 1 | u8::from(self.encrypted) << 2;
                let kind = if access == 0x8e89_bed6 { 2 } else { 6 };
                vec![9, low, high, 3, 0, 0, kind, 10, flags, 7, 60, 0, 0, 0, 0, 0, 0]
            }
        };
        packet.extend(access.to_le_bytes());
        packet.extend(unit);
        packet.extend([0xaa, 0xbb, 0xcc]);
        self.packets.push((ms, packet));
    }

    /// The device is connected under a new access address.
    pub fn connect(&mut self, ms: u64, told: bool) {
        self.access = self.access.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        self.sequence = [0; 2];
        if told {
            let mut unit = vec![0x05, 34];
            unit.extend([6; 6]);
            unit.extend(DEVICE);
            unit.extend(self.access.to_le_bytes());
            unit.extend([0; 18]);
            self.put(ms, 0x8e89_bed6, true, true, &unit);
        }
    }

    fn data(&mut self, ms: u64, to_device: bool, kind: u8, body: &[u8]) {
        let side = usize::from(to_device);
        let header = kind | self.sequence[side] << 3;
        self.sequence[side] ^= 1;
        let unit = [&[header, body.len() as u8], body].concat();
        self.count += 1;
        let access = self.access;
        if self.count.is_multiple_of(3) {
            let mut damaged = unit.clone();
            *damaged.last_mut().expect("a byte") ^= 0x55;
            self.put(ms, access, to_device, false, &damaged);
        }
        self.put(ms, access, to_device, true, &unit);
        if self.count.is_multiple_of(4) {
            self.put(ms, access, to_device, true, &unit);
        }
        // The other side says nothing.
        let other = usize::from(!to_device);
        let empty = [1 | self.sequence[other] << 3, 0];
        self.sequence[other] ^= 1;
        self.put(ms, access, !to_device, true, &empty);
    }

    pub fn control(&mut self, ms: u64, to_device: bool, body: &[u8]) {
        self.data(ms, to_device, 3, body);
    }

    pub fn units(&mut self, units: &[Unit], told: bool) {
        for unit in units {
            match unit {
                Unit::Up { ms } => self.connect(*ms, told),
                Unit::Down { ms, reason } => self.control(*ms, false, &[2, *reason]),
                Unit::Att { ms, sent, bytes } | Unit::Pairing { ms, sent, bytes } => {
                    let channel = if matches!(unit, Unit::Att { .. }) { 4 } else { 6 };
                    for (index, part) in l2cap(channel, bytes).chunks(27).enumerate() {
                        self.data(*ms, *sent, if index == 0 { 2 } else { 1 }, part);
                    }
                }
            }
        }
    }

    pub fn file(self) -> Vec<u8> {
        match self.sniffer {
            Sniffer::Header => pcap(256, &self.packets),
            Sniffer::Nordic => pcapng(272, &self.packets),
            Sniffer::Plain => pcap(251, &self.packets),
        }
    }
}

/// A datagram of UDP over IPv4, in fragments of at most so many bytes.
fn four(said: &Said, most: usize, id: u16) -> Vec<Vec<u8>> {
    let ports: [u16; 2] = if said.to_device { [50_000, 1337] } else { [1337, 50_000] };
    let mut datagram: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    datagram.extend(((8 + said.bytes.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(&said.bytes);
    let addresses = if said.to_device { [10, 0, 0, 1, 10, 0, 0, 7] } else { [10, 0, 0, 7, 10, 0, 0, 1] };
    let parts = datagram.chunks(most);
    let count = parts.len();
    parts
        .enumerate()
        .map(|(index, part)| {
            let more = u16::from(index + 1 < count) << 13;
            let fragment = more | (index * most / 8) as u16;
            let mut packet = vec![0x45, 0];
            packet.extend(((20 + part.len()) as u16).to_be_bytes());
            packet.extend(id.to_be_bytes());
            packet.extend(fragment.to_be_bytes());
            packet.extend([64, 17, 0, 0]);
            packet.extend(addresses);
            packet.extend(part);
            packet
        })
        .collect()
}

fn six(said: &Said) -> Vec<u8> {
    let ports: [u16; 2] = if said.to_device { [50_000, 1337] } else { [1337, 50_000] };
    let length = ((8 + said.bytes.len()) as u16).to_be_bytes();
    let ends = if said.to_device { [1u8, 7] } else { [7, 1] };
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], 17, 64];
    ends.iter().for_each(|end| packet.extend([&[0xfd; 15][..], &[*end]].concat()));
    packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    packet.extend(length);
    packet.extend([0, 0]);
    packet.extend(&said.bytes);
    packet
}

pub fn over_ip(script: &Script, link_type: u32) -> Vec<u8> {
    let mut packets = Vec::new();
    for (id, said) in script.said.iter().enumerate() {
        // Something else on the same network.
        packets.push((said.ms, [&[0xff; 12][..], &[0x08, 0x06], &[0; 28]].concat()));
        for packet in four(said, 200, id as u16) {
            let head: &[u8] = match link_type {
                1 => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x81, 0, 0, 5, 8, 0],
                113 => &[0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0],
                276 => &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0],
                0 => &[2, 0, 0, 0],
                _ => &[],
            };
            packets.push((said.ms, [head, &packet].concat()));
        }
    }
    pcap(link_type, &packets)
}

fn over_ip_six(script: &Script) -> Vec<u8> {
    let head = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x86, 0xdd];
    let packets: Vec<_> =
        script.said.iter().map(|said| (said.ms, [&head[..], &six(said)].concat())).collect();
    pcapng(1, &packets)
}

/// The text of btmon; long data in rows, as older versions wrote it, or in one line.
pub fn btmon(units: &[Unit], rows: bool) -> Vec<u8> {
    let mut out =
        String::from("Bluetooth monitor ver 5.66\n= Note: Linux version 6.1 (x86_64)          0.000001\n");
    for (number, unit) in units.iter().enumerate() {
        let (ms, head, lines) = match unit {
            Unit::Up { ms } => (
                ms,
                "> HCI Event: LE Meta Event (0x3e) plen 19".to_owned(),
                vec![
                    "      LE Connection Complete (0x01)".to_owned(),
                    "        Status: Success (0x00)".to_owned(),
                    "        Handle: 64".to_owned(),
                    "        Role: Central (0x00)".to_owned(),
                    "        Peer address: C5:61:0E:11:22:33 (Static)".to_owned(),
                ],
            ),
            Unit::Down { ms, reason } => (
                ms,
                "> HCI Event: Disconnect Complete (0x05) plen 4".to_owned(),
                vec![
                    "        Status: Success (0x00)".to_owned(),
                    "        Handle: 64 Address: C5:61:0E:11:22:33 (Static)".to_owned(),
                    format!("        Reason: Something (0x{reason:02x})"),
                ],
            ),
            Unit::Pairing { ms, sent, .. } => {
                (ms, data_head(*sent, 11), vec!["      SMP: Pairing Request (0x01) len 6".to_owned()])
            }
            Unit::Att { ms, sent, bytes } => (ms, data_head(*sent, bytes.len() + 4), decoded(bytes, rows)),
        };
        out += &format!("{head:<60} #{} [hci0] {}.{:03}000\n", number + 1, ms / 1000, ms % 1000);
        lines.iter().for_each(|line| out += &format!("{line}\n"));
    }
    out.into_bytes()
}

fn data_head(sent: bool, length: usize) -> String {
    match sent {
        true => format!("< ACL Data TX: Handle 64 flags 0x00 dlen {length}"),
        false => format!("> ACL Data RX: Handle 64 flags 0x02 dlen {length}"),
    }
}

fn decoded(unit: &[u8], rows: bool) -> Vec<String> {
    let two = |at: usize| u16::from_le_bytes([unit[at], unit[at + 1]]);
    let name = |opcode: u8| match opcode {
        1 => "Error Response",
        2 => "Exchange MTU Request",
        3 => "Exchange MTU Response",
        9 => "Read By Type Response",
        0x12 => "Write Request",
        0x13 => "Write Response",
        0x52 => "Write Command",
        _ => "Handle Value Notification",
    };
    let mut lines = vec![format!("      ATT: {} (0x{:02x}) len {}", name(unit[0]), unit[0], unit.len() - 1)];
    match unit[0] {
        1 => {
            lines.push(format!("        {} (0x{:02x})", name(unit[1]), unit[1]));
            lines.push(format!("        Handle: 0x{:04x}", two(2)));
            lines.push(format!("        Error: Whatever (0x{:02x})", unit[4]));
        }
        2 => lines.push(format!("        Client RX MTU: {}", two(1))),
        3 => lines.push(format!("        Server RX MTU: {}", two(1))),
        9 => {
            for entry in unit[2..].chunks(21) {
                lines.push(format!("        Handle: 0x{:02x}{:02x}", entry[1], entry[0]));
                lines.push(format!("        Value: {}", hex(&entry[2..], "")));
            }
        }
        0x13 => {}
        _ => {
            lines.push(format!("        Handle: 0x{:04x} Type: Vendor specific (da2e7828)", two(1)));
            let data = &unit[3..];
            if rows {
                lines.push(format!("          Data[{}]:", data.len()));
                let row = |row: &[u8]| format!("        {:<48} {}", hex(row, " "), "................");
                lines.extend(data.chunks(16).map(row));
            } else {
                lines.push(format!("          Data: {}", hex(data, "")));
            }
        }
    }
    lines
}

// The forms.

type Form = super::script::Form;

/// HCI data in hexadecimal, as NimBLE logs it: the header of each piece included.
fn nimble(script: &Script) -> Vec<u8> {
    let mut out = String::new();
    for (ms, sent, _, bytes) in hci(&middle(script), 1, &DEVICE, 27) {
        let word = if sent { "tx" } else { "rx" };
        let digits: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
        let (second, ms) = (ms / 1000, ms % 1000);
        out += &format!(
            "{second}.{ms:03} host {word} hci data; handle=1 length={}\n{}\n",
            bytes.len() - 4,
            digits.join(" ")
        );
    }
    out.into_bytes()
}

fn host(script: &Script) -> Vec<Hci> {
    hci(&units(script), 64, &DEVICE, 27)
}

fn air(script: &Script, sniffer: Sniffer, told: bool) -> Vec<u8> {
    let mut air = Air::new(sniffer);
    air.units(&units(script), told);
    air.file()
}

pub const FORMS: &[Form] = &[
    ("btsnoop of a UART", |s| btsnoop(1002, &host(s))),
    ("btsnoop of bare HCI", |s| btsnoop(1001, &host(s))),
    ("btsnoop of the Linux monitor", |s| btsnoop(2001, &host(s))),
    ("btsnoop that begins in the middle", |s| btsnoop(1002, &hci(&middle(s), 3, &DEVICE, 251))),
    ("pcap of a host with directions", |s| pcap(201, &with_direction(&host(s)))),
    ("pcapng of a host", |s| pcapng(201, &with_direction(&host(s)))),
    ("a sniff with a header", |s| air(s, Sniffer::Header, true)),
    ("a sniff of Nordic's sniffer", |s| air(s, Sniffer::Nordic, true)),
    ("a sniff without directions that begins in the middle", |s| air(s, Sniffer::Plain, false)),
    ("UDP over tagged Ethernet in fragments", |s| over_ip(s, 1)),
    ("UDP over loopback", |s| over_ip(s, 0)),
    ("UDP over raw IP", |s| over_ip(s, 101)),
    ("UDP in a cooked capture", |s| over_ip(s, 113)),
    ("UDP in a cooked capture of the second kind", |s| over_ip(s, 276)),
    ("UDP over IPv6", over_ip_six),
    ("HCI data in a log of NimBLE", nimble),
    ("the text of btmon", |s| btmon(&units(s), false)),
    ("the text of btmon with rows", |s| btmon(&units(s), true)),
];

/// Two devices at once: the packets of both in the order of their times.
pub fn two_devices(one: &Script, other: &Script) -> Vec<u8> {
    let mut packets = hci(&units(one), 64, &DEVICE, 27);
    packets.extend(hci(&units(other), 65, &OTHER, 27));
    packets.sort_by_key(|(ms, ..)| *ms);
    btsnoop(1002, &packets)
}
