//! The 8-byte SMP header, big-endian (Zephyr `subsys/mgmt/mcumgr/smp/include/mgmt/mcumgr/smp/smp.h`, `struct smp_hdr`).
//!
//! ```text
//! byte 0      reserved:3  version:2  op:3        byte 4..5  group
//! byte 1      flags                              byte 6     sequence
//! byte 2..3   length of the body                 byte 7     command
//! ```

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 8;

/// The operation of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// A request that reads.
    Read = 0,
    /// The response to a read.
    ReadResponse = 1,
    /// A request that writes.
    Write = 2,
    /// The response to a write.
    WriteResponse = 3,
}

impl Op {
    /// The operation of the response to this request; a response answers itself.
    pub const fn response(self) -> Op {
        match self {
            Op::Read | Op::ReadResponse => Op::ReadResponse,
            Op::Write | Op::WriteResponse => Op::WriteResponse,
        }
    }

    /// The operation with this number; 4 to 7 are unassigned.
    pub const fn from_number(number: u8) -> Option<Op> {
        match number {
            0 => Some(Op::Read),
            1 => Some(Op::ReadResponse),
            2 => Some(Op::Write),
            3 => Some(Op::WriteResponse),
            _ => None,
        }
    }

    /// Whether a device sends it.
    pub const fn is_response(self) -> bool {
        matches!(self, Op::ReadResponse | Op::WriteResponse)
    }
}

/// The version field of the header.
///
/// Version 1 of the protocol has 0 in the field and plain `rc` errors, version 2 has 1 and errors by group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Version {
    /// SMP version 1, field value 0.
    V1 = 0,
    /// SMP version 2, field value 1 (Zephyr 3.4 and newer).
    V2 = 1,
}

/// A decoded SMP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The operation.
    pub op: Op,
    /// The version field as it stands, 0 to 3; see [`Version`].
    pub version: u8,
    /// The flags; no bit is assigned.
    pub flags: u8,
    /// The length of the body in bytes.
    pub length: u16,
    /// The management group.
    pub group: u16,
    /// The sequence number, which the response echoes.
    pub sequence: u8,
    /// The command within the group.
    pub command: u8,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when there are fewer than 8 or the operation is unassigned.
    ///
    /// The reserved bits are ignored: the server of NCS 2.1 counts the version bits among them.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        Some(Header {
            op: Op::from_number(bytes[0] & 0x07)?,
            version: (bytes[0] >> 3) & 0x03,
            flags: bytes[1],
            length: u16::from_be_bytes([bytes[2], bytes[3]]),
            group: u16::from_be_bytes([bytes[4], bytes[5]]),
            sequence: bytes[6],
            command: bytes[7],
        })
    }

    /// The 8 bytes of the header.
    #[inline]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let length = self.length.to_be_bytes();
        let group = self.group.to_be_bytes();
        [
            self.op as u8 | (self.version & 0x03) << 3,
            self.flags,
            length[0],
            length[1],
            group[0],
            group[1],
            self.sequence,
            self.command,
        ]
    }

    /// The length of the whole frame, header included.
    pub const fn frame_len(&self) -> usize {
        HEADER_LEN + self.length as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_survives_the_round_trip() {
        for first in 0u8..=255 {
            let bytes = [first & 0x1f, 0, 0x12, 0x34, 0x00, 0x80, 0x56, 0x07];
            match Header::decode(&bytes) {
                Some(header) => assert_eq!(header.encode(), bytes),
                None => assert!(first & 0x07 > 3),
            }
        }
    }

    #[test]
    fn the_upload_request_of_the_field_reads_as_expected() {
        let header = Header::decode(&[0x02, 0, 0, 0xec, 0, 1, 5, 1]).expect("a header");
        assert_eq!((header.op, header.length, header.group, header.command), (Op::Write, 236, 1, 1));
        assert_eq!((header.sequence, header.frame_len(), header.version), (5, 244, 0));
    }

    #[test]
    fn seven_bytes_are_no_header() {
        assert_eq!(Header::decode(&[0; 7]), None);
    }
}
