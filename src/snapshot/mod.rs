//! The format of saved sessions: fixed little-endian fields, a version and a checksum. `docs/SNAPSHOT.md` lists the fields.
//!
//! ```text
//! 0..4   "SMPF"
//! 4      version of the format, 2
//! 5      kind of the operation
//! 6..    fields, as written by the parts of a session in their order
//! last 4 CRC-32 (ISO-HDLC) of everything before it
//! ```
//!
//! No pointer, no time of a clock and no image data is in it.

mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use crc::{CRC_32_ISO_HDLC, Crc};

use crate::failure::Failure;
use crate::status::Status;

/// The longest snapshot of a session that has no half-received message, in bytes.
pub const MAX_LEN_WITHOUT_MESSAGE: usize = 512;
/// The longest snapshot in bytes: with all but the last byte of the longest SMP frame, 8 + 65,535 bytes.
pub const MAX_LEN: usize = MAX_LEN_WITHOUT_MESSAGE + 65_543;
/// The version that this library writes. It reads every version from 1 on.
pub const VERSION: u8 = 2;
/// The first version that holds a half-received message.
pub(crate) const WITH_MESSAGE: u8 = 2;

/// What a half-received message takes beside its own bytes, at most: its length and the state of its reader.
const MESSAGE_HEAD_LEN: usize = 16;

const MAGIC: [u8; 4] = *b"SMPF";
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const CRC_LEN: usize = 4;

/// Checks magic, checksum and version, in this order. Returns a reader of what stands behind the version.
pub(crate) fn open(bytes: &[u8]) -> Result<Reader<'_>, Failure> {
    let body = bytes.strip_prefix(&MAGIC).and_then(|_| bytes.split_last_chunk::<CRC_LEN>());
    let Some((content, checksum)) = body else { return Err(damaged("it does not start as a snapshot does")) };
    if bytes.len() > MAX_LEN {
        return Err(damaged("it is longer than a snapshot can be"));
    }
    if CRC.checksum(content) != u32::from_le_bytes(*checksum) {
        return Err(damaged("its checksum does not fit"));
    }
    let Some((&version, fields)) = content[MAGIC.len()..].split_first() else {
        return Err(damaged("it ends too early"));
    };
    if version > VERSION {
        return Err(Failure::new(
            Status::SnapshotVersion,
            format!(
                "the snapshot has version {version} and this library reads up to version {VERSION}; restore it with \
                 the library that saved it, or a newer one."
            ),
        ));
    }
    if version == 0 {
        return Err(damaged("version 0 was never written"));
    }
    Ok(Reader::new(version, fields))
}

/// The failure for bytes that are no snapshot.
pub(crate) fn damaged(what: &str) -> Failure {
    Failure::new(
        Status::SnapshotDamaged,
        format!(
            "the snapshot cannot be used: {what}. Start the update anew; the device keeps what it has received."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(7);
        writer.u32(0x0102_0304);
        writer.short_bytes(b"abc");
        writer.finish(b"half").expect("room")
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = sample();
        let mut reader = open(&bytes).expect("a snapshot");
        assert_eq!(reader.u8().expect("kind"), 7);
        assert_eq!(reader.u32().expect("number"), 0x0102_0304);
        assert_eq!(reader.short_bytes().expect("bytes"), b"abc");
        assert_eq!((reader.u32().expect("length"), reader.bytes(4).expect("message")), (4, &b"half"[..]));
        assert_eq!(reader.version(), VERSION);
        assert!(reader.end().is_ok());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = sample();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let status = open(&damaged).map(|_| ()).expect_err("damaged").status;
            assert_eq!(status, Status::SnapshotDamaged, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_told_apart_from_damage() {
        let mut bytes = sample();
        bytes[4] = VERSION + 1;
        let end = bytes.len() - CRC_LEN;
        let checksum = CRC.checksum(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&checksum);
        assert_eq!(open(&bytes).map(|_| ()).expect_err("newer").status, Status::SnapshotVersion);
    }

    #[test]
    fn every_shorter_piece_is_refused() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(open(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
