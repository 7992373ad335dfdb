//! Capture files cut into their packets: btsnoop, pcap and pcapng.

use super::Packet;

/// What is longer is no packet of a link that SMP goes over; it is passed over without being kept.
const LONGEST_RECORD: usize = 128 * 1024;
/// The interfaces of a pcapng section that are told apart.
const MOST_INTERFACES: usize = 64;
/// Microseconds between the year 0, where btsnoop counts from, and 1970.
const BTSNOOP_1970: u64 = 0x00dc_ddb3_0f2f_8000;

/// Which kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trace) enum Format {
    Btsnoop,
    Pcap,
    Pcapng,
}

impl Format {
    /// What the first bytes of a file say.
    pub(in crate::trace) fn of(head: &[u8]) -> Option<Format> {
        match head {
            [b'b', b't', b's', b'n', b'o', b'o', b'p', 0, ..] => Some(Format::Btsnoop),
            [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a, ..] => Some(Format::Pcapng),
            [a, b, c, d, ..] => Pcap::of([*a, *b, *c, *d]).map(|_| Format::Pcap),
            _ => None,
        }
    }

    pub(in crate::trace) const fn name(self) -> &'static str {
        match self {
            Format::Btsnoop => "btsnoop",
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

/// What a pcap file says of itself.
#[derive(Debug, Clone, Copy)]
struct Pcap {
    big_endian: bool,
    nanoseconds: bool,
    /// A variant with eight more bytes in front of each packet.
    longer: bool,
}

impl Pcap {
    fn of(magic: [u8; 4]) -> Option<Pcap> {
        let big = u32::from_be_bytes(magic);
        let known = |magic| match magic {
            0xa1b2_c3d4u32 => Some((false, false)),
            0xa1b2_3c4d => Some((true, false)),
            0xa1b2_cd34 => Some((false, true)),
            _ => None,
        };
        let of = |big_endian| move |(nanoseconds, longer)| Pcap { big_endian, nanoseconds, longer };
        known(big).map(of(true)).or_else(|| known(big.swap_bytes()).map(of(false)))
    }
}

/// An interface of a pcapng file.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: u32,
    /// How many units of its clock make a second.
    per_second: u64,
}

/// Takes a file in pieces of any size and gives its packets.
#[derive(Debug)]
pub(super) struct Container {
    format: Format,
    waiting: Vec<u8>,
    /// Bytes of a record that is too long to be kept.
    skip: u64,
    begun: bool,
    pcap: Pcap,
    link_type: u32,
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Whether the rest makes no sense any more.
    pub(super) broken: bool,
}

impl Container {
    pub(super) fn new(format: Format) -> Container {
        Container {
            format,
            waiting: Vec::new(),
            skip: 0,
            begun: false,
            pcap: Pcap { big_endian: false, nanoseconds: false, longer: false },
            link_type: 0,
            big_endian: false,
            interfaces: Vec::new(),
            broken: false,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], packet: &mut dyn FnMut(Packet<'_>)) {
        let passed = self.skip.min(bytes.len() as u64);
        self.skip -= passed;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend_from_slice(&bytes[passed as usize..]);
        let mut at = 0;
        while !self.broken {
            let rest = &waiting[at..];
            let used = match self.format {
                Format::Btsnoop => self.btsnoop(rest, packet),
                Format::Pcap => self.pcap(rest, packet),
                Format::Pcapng => self.pcapng(rest, packet),
            };
            let Some(used) = used.filter(|used| *used > 0) else { break };
            let there = used.min(rest.len() as u64);
            self.skip = used - there;
            at += there as usize;
        }
        if self.broken {
            waiting.clear();
        } else {
            waiting.drain(..at);
        }
        self.waiting = waiting;
    }

    /// Whether the file ends within a packet.
    pub(super) fn ends_within(&self) -> bool {
        self.skip > 0 || !self.waiting.is_empty()
    }

    /// The bytes of a record of `head` bytes and `length` more, or how much to pass over; `None` when more is to come.
    fn record<'a>(&mut self, rest: &'a [u8], head: usize, length: u32) -> Option<Result<&'a [u8], u64>> {
        let length = length as usize;
        if length > LONGEST_RECORD {
            return Some(Err((head + length) as u64));
        }
        rest.get(head..head + length).map(Ok)
    }

    fn btsnoop(&mut self, rest: &[u8], packet: &mut dyn FnMut(Packet<'_>)) -> Option<u64> {
        let be = |at: usize| number(rest, at, true);
        if !self.begun {
            self.link_type = be(12)?;
            self.begun = true;
            return Some(16);
        }
        let (original, included, flags) = (be(0)?, be(4)?, be(8)?);
        let time = u64::from(be(16)?) << 32 | u64::from(be(20)?);
        match self.record(rest, 24, included)? {
            Ok(bytes) => packet(Packet {
                link_type: super::BTSNOOP + self.link_type,
                time_ms: time.saturating_sub(BTSNOOP_1970) / 1000,
                flags,
                bytes,
                missing: original.saturating_sub(included) as usize,
            }),
            Err(skip) => return Some(skip),
        }
        Some(24 + u64::from(included))
    }

    fn pcap(&mut self, rest: &[u8], packet: &mut dyn FnMut(Packet<'_>)) -> Option<u64> {
        if !self.begun {
            let magic = rest.get(..4)?;
            self.pcap = Pcap::of([magic[0], magic[1], magic[2], magic[3]])?;
            // The upper bits tell of checksums behind the packets.
            self.link_type = number(rest, 20, self.pcap.big_endian)? & 0x0fff_ffff;
            self.begun = true;
            return Some(24);
        }
        let Pcap { big_endian, nanoseconds, longer } = self.pcap;
        let field = |at| number(rest, at, big_endian);
        let (seconds, fraction, included, original) = (field(0)?, field(4)?, field(8)?, field(12)?);
        let head = if longer { 24 } else { 16 };
        let ms = u64::from(fraction) / if nanoseconds { 1_000_000 } else { 1_000 };
        match self.record(rest, head, included)? {
            Ok(bytes) => packet(Packet {
                link_type: self.link_type,
                time_ms: u64::from(seconds) * 1000 + ms,
                flags: 0,
                bytes,
                missing: original.saturating_sub(included) as usize,
            }),
            Err(skip) => return Some(skip),
        }
        Some(head as u64 + u64::from(included))
    }

    fn pcapng(&mut self, rest: &[u8], packet: &mut dyn FnMut(Packet<'_>)) -> Option<u64> {
        const SECTION: u32 = 0x0a0d_0d0a;
        const INTERFACE: u32 = 1;
        const OLD_PACKET: u32 = 2;
        const SIMPLE_PACKET: u32 = 3;
        const ENHANCED_PACKET: u32 = 6;
        // The section header reads the same in either order, and says which one follows.
        if number(rest, 0, true)? == SECTION {
            self.big_endian = number(rest, 8, true)? == 0x1a2b_3c4d;
            self.interfaces.clear();
        }
        let big_endian = self.big_endian;
        let kind = number(rest, 0, big_endian)?;
        let length = number(rest, 4, big_endian)?;
        if length < 12 || !length.is_multiple_of(4) {
            self.broken = true;
            return None;
        }
        let block = match self.record(rest, 0, length)? {
            Ok(block) => block,
            Err(skip) => return Some(skip),
        };
        let field = |at| number(block, at, big_endian);
        match kind {
            INTERFACE if self.interfaces.len() < MOST_INTERFACES => {
                let link_type = field(8)?;
                let link_type = if big_endian { link_type >> 16 } else { link_type & 0xffff };
                let per_second = resolution(block.get(16..block.len() - 4).unwrap_or_default(), big_endian);
                self.interfaces.push(Interface { link_type, per_second });
            }
            ENHANCED_PACKET | OLD_PACKET if block.len() >= 32 => {
                let interface = match kind {
                    ENHANCED_PACKET => field(8)?,
                    _ if big_endian => field(8)? >> 16,
                    _ => field(8)? & 0xffff,
                };
                let time = u64::from(field(12)?) << 32 | u64::from(field(16)?);
                let (included, original) = (field(20)?, field(24)?);
                let interface = self.interfaces.get(interface as usize);
                let bytes = block.get(28..(28usize).saturating_add(included as usize));
                if let (Some(interface), Some(bytes)) = (interface, bytes) {
                    let per_second = interface.per_second.max(1);
                    let ms = time / per_second * 1000
                        + (u128::from(time % per_second) * 1000 / u128::from(per_second)) as u64;
                    packet(Packet {
                        link_type: interface.link_type,
                        time_ms: ms,
                        flags: 0,
                        bytes,
                        missing: original.saturating_sub(included) as usize,
                    });
                }
            }
            SIMPLE_PACKET if block.len() >= 16 => {
                let original = field(8)? as usize;
                let bytes = &block[12..block.len() - 4];
                let included = original.min(bytes.len());
                if let Some(interface) = self.interfaces.first() {
                    packet(Packet {
                        link_type: interface.link_type,
                        time_ms: 0,
                        flags: 0,
                        bytes: &bytes[..included],
                        missing: original - included,
                    });
                }
            }
            _ => {}
        }
        Some(u64::from(length))
    }
}

fn number(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let field: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// The units a second in the options of an interface; microseconds unless they say otherwise.
fn resolution(mut options: &[u8], big_endian: bool) -> u64 {
    const CLOCK: u16 = 9;
    while let [a, b, c, d, rest @ ..] = options {
        let two = |high: u8, low: u8| {
            if big_endian { u16::from_be_bytes([high, low]) } else { u16::from_le_bytes([high, low]) }
        };
        let (code, length) = (two(*a, *b), usize::from(two(*c, *d)));
        if code == CLOCK
            && let Some(value) = rest.first()
        {
            let power = u32::from(value & 0x7f);
            let base: u64 = if value & 0x80 == 0 { 10 } else { 2 };
            return base.checked_pow(power).unwrap_or(u64::MAX);
        }
        options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8], piece: usize) -> Vec<(u32, u64, Vec<u8>, usize)> {
        let mut container = Container::new(Format::of(file).expect("a capture"));
        let mut out = Vec::new();
        for piece in file.chunks(piece) {
            container.feed(piece, &mut |p| out.push((p.link_type, p.time_ms, p.bytes.to_vec(), p.missing)));
        }
        assert!(!container.ends_within());
        out
    }

    fn pcap(big_endian: bool, magic: u32, fraction: u32) -> Vec<u8> {
        let put = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut file: Vec<u8> = [magic, 0x0002_0004, 0, 0, 65_535, 201].into_iter().flat_map(put).collect();
        for length in [3u32, 0, 5] {
            file.extend([7, fraction, length, length + 2].into_iter().flat_map(put));
            file.extend((0..length as u8).collect::<Vec<_>>());
        }
        file
    }

    #[test]
    fn pcap_of_either_order_and_clock_is_read_in_pieces_of_any_size() {
        for (big_endian, magic, fraction) in
            [(false, 0xa1b2_c3d4, 8_000), (true, 0xa1b2_c3d4, 8_000), (true, 0xa1b2_3c4d, 8_000_000)]
        {
            for piece in [1, 7, 1000] {
                let told = read(&pcap(big_endian, magic, fraction), piece);
                assert_eq!(told.len(), 3);
                assert_eq!(told[2], (201, 7_008, vec![0, 1, 2, 3, 4], 2));
            }
        }
    }

    #[test]
    fn pcapng_keeps_its_interfaces_apart() {
        let block = |kind: u32, body: &[u8]| {
            let length = (12 + body.len()) as u32;
            [&kind.to_le_bytes(), &length.to_le_bytes()[..], body, &length.to_le_bytes()].concat()
        };
        let mut file =
            block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
        file.extend(block(1, &[101, 0, 0, 0, 0, 0, 4, 0]));
        // A clock of 2^10 units a second.
        file.extend(block(1, &[147, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 0x8a, 0, 0, 0]));
        file.extend(block(0x99, &[1; 40]));
        let packet = |interface: u32, time: u32| {
            let fields: Vec<u8> = [interface, 0, time, 3, 9].into_iter().flat_map(u32::to_le_bytes).collect();
            block(6, &[&fields[..], &[1, 2, 3, 0]].concat())
        };
        file.extend(packet(0, 5_000));
        file.extend(packet(1, 2_048));
        file.extend(packet(9, 0));
        for piece in [1, 5, 1000] {
            let told = read(&file, piece);
            assert_eq!(told, vec![(101, 5, vec![1, 2, 3], 6), (147, 2_000, vec![1, 2, 3], 6)]);
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over_and_kept_nowhere() {
        let mut file = pcap(false, 0xa1b2_c3d4, 0);
        let length = 4_000_000u32;
        file.extend([9, 0, length, length].into_iter().flat_map(u32::to_le_bytes));
        file.resize(file.len() + length as usize, 1);
        file.extend([9, 0, 1, 1].into_iter().flat_map(u32::to_le_bytes));
        file.push(4);
        let mut container = Container::new(Format::Pcap);
        let mut count = 0;
        for piece in file.chunks(1000) {
            container.feed(piece, &mut |_| count += 1);
            assert!(container.waiting.capacity() < 4 * LONGEST_RECORD);
        }
        assert_eq!(count, 4);
    }
}
