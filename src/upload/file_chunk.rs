//! The upload request of the file group, fitted to the byte (Zephyr
//! `doc/services/device_mgmt/smp_groups/smp_group_8.rst`, "File upload").
//!
//! Every chunk carries the name, since the server keeps no more of a transfer than the file it has open; the first one
//! carries the length too.

use super::chunk::{frame_len, key_len, room};
use crate::smp::cbor::{Writer, head_len};
use crate::smp::header::HEADER_LEN;

/// What a chunk carries beside offset and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileChunk<'a> {
    /// The path on the device.
    pub name: &'a str,
    /// The length of the file; sent at offset 0 alone.
    pub size: u32,
}

impl FileChunk<'_> {
    fn overhead(&self, offset: u32) -> usize {
        let mut length = 1 + key_len("off") + head_len(u64::from(offset)) + key_len("data");
        length += key_len("name") + head_len(self.name.len() as u64) + self.name.len();
        if offset == 0 {
            length += key_len("len") + head_len(u64::from(self.size));
        }
        length
    }

    /// How many bytes of data the chunk at `offset` carries in a frame of at most `limit` bytes.
    pub fn fit(&self, limit: usize, offset: u32, left: usize) -> Option<usize> {
        room(limit, self.overhead(offset)).map(|room| room.min(left))
    }

    /// Writes the body after the header's place. Returns the length of the frame. In more than `write` bytes the offset stands behind
    /// the data, as in [`super::chunk::encode`].
    pub fn encode(&self, out: &mut [u8], offset: u32, data: &[u8], write: usize) -> Option<usize> {
        let sealed = frame_len(self.overhead(offset), data.len()) > write;
        let mut writer = Writer::new(out.get_mut(HEADER_LEN..)?);
        writer.map(if offset == 0 { 4 } else { 3 });
        if !sealed {
            writer.text("off").unsigned(u64::from(offset));
        }
        writer.text("name").text(self.name);
        if offset == 0 {
            writer.text("len").unsigned(u64::from(self.size));
        }
        writer.text("data").bytes(data);
        if sealed {
            writer.text("off").unsigned(u64::from(offset));
        }
        writer.finish().ok().map(|body| HEADER_LEN + body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_full_to_the_byte_but_where_the_head_of_the_data_grows() {
        let data = vec![0xee; 70_000];
        let mut out = vec![0; 70_000];
        let long = "x".repeat(60);
        for name in ["/lfs1/a", &long] {
            for limit in (120..600).chain([2_475, 65_535]) {
                for offset in [0u32, 1, 23, 24, 255, 256, 65_535, 65_536, 9_000_000] {
                    let chunk = FileChunk { name, size: 10_000_000 };
                    let fits = chunk.fit(limit, offset, data.len()).expect("room");
                    let length = chunk.encode(&mut out, offset, &data[..fits], 244).expect("room");
                    let unused = limit - length;
                    assert!(
                        unused == 0 || (unused == 1 && [23, 255].contains(&fits)),
                        "{limit} {offset} {unused}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_body_is_what_an_independent_reader_reads() {
        let mut out = [0; 244];
        let chunk = FileChunk { name: "/lfs1/a", size: 70_000 };
        let text = |key: &str| ciborium::Value::Text(key.into());
        for (offset, first) in [(0u32, true), (200, false)] {
            let length = chunk.encode(&mut out, offset, &[1, 2, 3], 244).expect("room");
            let value: ciborium::Value = ciborium::from_reader(&out[HEADER_LEN..length]).expect("CBOR");
            let mut expected = vec![(text("off"), offset.into()), (text("name"), text("/lfs1/a"))];
            if first {
                expected.push((text("len"), 70_000.into()));
            }
            expected.push((text("data"), ciborium::Value::Bytes(vec![1, 2, 3])));
            assert_eq!(value, ciborium::Value::Map(expected));
        }
    }
}
