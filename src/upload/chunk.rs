//! The upload request of the image group, fitted to the byte (Zephyr `doc/services/device_mgmt/smp_groups/smp_group_1.rst`,
//! "Image upload").
//!
//! The first chunk carries the length, the SHA-256 of the whole file and, where they differ from the default, the image
//! number and `upgrade`; later ones only offset and data, and the image number for servers that do not keep it. How much data fits changes as the offset grows by a CBOR byte,
//! so the room is worked out anew for every chunk. Servers read the keys in any order (Zephyr `zcbor_map_decode_bulk`).

use crate::smp::cbor::{Writer, head_len};
use crate::smp::header::HEADER_LEN;

/// What the first chunk tells the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstChunk<'a> {
    /// The length of the file.
    pub size: u32,
    /// The SHA-256 of the file; `None` makes the server start over instead of resuming.
    pub sha: Option<&'a [u8; 32]>,
    /// Whether the device shall refuse an image that is not newer; false is left out.
    pub upgrade: bool,
}

/// Bytes of the key: its head and its text.
pub(super) const fn key_len(key: &str) -> usize {
    1 + key.len()
}

/// The bytes of a body without the data string.
fn overhead(first: Option<&FirstChunk<'_>>, image: Option<u32>, offset: u32) -> usize {
    let mut length = 1 + key_len("off") + head_len(offset as u64) + key_len("data");
    if let Some(image) = image {
        length += key_len("image") + head_len(image as u64);
    }
    if let Some(first) = first {
        length += key_len("len") + head_len(first.size as u64);
        if first.sha.is_some() {
            length += key_len("sha") + head_len(32) + 32;
        }
        if first.upgrade {
            length += key_len("upgrade") + 1;
        }
    }
    length
}

/// How many bytes of data fit beside `overhead` bytes into a frame of `limit` bytes; `None` when not even one does.
pub(super) fn room(limit: usize, overhead: usize) -> Option<usize> {
    let room = limit.checked_sub(HEADER_LEN + overhead)?;
    // The head of the data string grows with the data; between two sizes of the head one byte stays unused.
    let data = [1usize, 2, 3, 5].into_iter().filter_map(|head| {
        let data = room.checked_sub(head)?;
        let most = match head {
            1 => 23,
            2 => 0xff,
            3 => 0xffff,
            _ => usize::MAX,
        };
        Some(data.min(most))
    });
    data.max().filter(|data| *data > 0)
}

/// The length of a frame with `overhead` bytes beside the data.
pub(super) fn frame_len(overhead: usize, data: usize) -> usize {
    HEADER_LEN + overhead + head_len(data as u64) + data
}

/// How many bytes of data the chunk at `offset` carries in a frame of at most `limit` bytes.
#[inline]
pub(crate) fn fit(
    limit: usize,
    first: Option<&FirstChunk<'_>>,
    image: Option<u32>,
    offset: u32,
    left: usize,
) -> Option<usize> {
    room(limit, overhead(first, image, offset)).map(|room| room.min(left))
}

/// Writes the body after the header's place. Returns the length of the frame.
///
/// In a frame of more than `write` bytes, which takes several writes, the offset stands behind the data. A server that puts writes together looks
/// at the sum of their lengths alone (Zephyr `smp_reassembly.c`): where some of them are lost, bytes of the next frames fill
/// the place and the frame counts as whole. What follows a lost write then moves up, so the frame ends in bytes of another
/// one: with the offset there it is no request any more, and the server refuses it.
#[inline]
pub(crate) fn encode(
    out: &mut [u8],
    first: Option<&FirstChunk<'_>>,
    image: Option<u32>,
    offset: u32,
    data: &[u8],
    write: usize,
) -> Option<usize> {
    let sealed = frame_len(overhead(first, image, offset), data.len()) > write;
    let mut writer = Writer::new(out.get_mut(HEADER_LEN..)?);
    let of_first = first.map_or(0, |first| 1 + usize::from(first.sha.is_some()) + usize::from(first.upgrade));
    writer.map(2 + usize::from(image.is_some()) + of_first);
    if let Some(image) = image {
        writer.text("image").unsigned(image as u64);
    }
    if let Some(first) = first {
        writer.text("len").unsigned(first.size as u64);
    }
    if !sealed {
        writer.text("off").unsigned(offset as u64);
    }
    if let Some(first) = first {
        if let Some(sha) = first.sha {
            writer.text("sha").bytes(sha);
        }
        if first.upgrade {
            writer.text("upgrade").bool(true);
        }
    }
    writer.text("data").bytes(data);
    if sealed {
        writer.text("off").unsigned(offset as u64);
    }
    writer.finish().ok().map(|body| HEADER_LEN + body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: [u8; 32] = [0x5a; 32];

    fn first(size: u32, upgrade: bool) -> FirstChunk<'static> {
        FirstChunk { size, sha: Some(&SHA), upgrade }
    }

    #[test]
    fn a_frame_of_244_bytes_carries_what_the_field_worked_out() {
        // With image and upgrade, as the seed user sent it: 160 bytes of data. Without them 16 more.
        assert_eq!(fit(244, Some(&first(400_000, true)), Some(1), 0, usize::MAX), Some(160));
        assert_eq!(fit(244, Some(&first(400_000, false)), None, 0, usize::MAX), Some(176));
        for (offset, data) in [(24, 222), (160, 222), (255, 222), (256, 221), (65_535, 221), (65_536, 219)] {
            assert_eq!(fit(244, None, None, offset, usize::MAX), Some(data), "offset {offset}");
            // The number in every chunk costs 7 bytes.
            assert_eq!(fit(244, None, Some(0), offset, usize::MAX), Some(data - 7), "offset {offset}");
        }
    }

    #[test]
    fn every_frame_is_full_to_the_byte_but_where_the_head_of_the_data_grows() {
        let data = vec![0xee; 70_000];
        let mut out = vec![0; 70_000];
        let firsts = [
            (None, None),
            (None, Some(0)),
            (Some(first(5, false)), None),
            (Some(first(70_000, true)), Some(1)),
            (Some(first(70_000, false)), Some(300)),
        ];
        for limit in (64..1_200).chain([2_475, 4_096, 65_535]) {
            for (first, image) in &firsts {
                for offset in [1u32, 23, 24, 255, 256, 65_535, 65_536, 9_000_000] {
                    let offset = if first.is_some() { 0 } else { offset };
                    let Some(fits) = fit(limit, first.as_ref(), *image, offset, data.len()) else { continue };
                    let length =
                        encode(&mut out, first.as_ref(), *image, offset, &data[..fits], 244).expect("room");
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
    fn a_frame_too_small_for_one_byte_is_refused() {
        assert_eq!(fit(64, Some(&first(400_000, false)), None, 0, usize::MAX), None);
        assert_eq!(fit(8, None, None, 5, usize::MAX), None);
    }

    #[test]
    fn the_body_is_what_an_independent_reader_reads() {
        let mut out = [0; 244];
        let length = encode(&mut out, Some(&first(70_000, true)), Some(1), 0, &[1, 2, 3], 244).expect("room");
        let value: ciborium::Value = ciborium::from_reader(&out[HEADER_LEN..length]).expect("CBOR");
        let text = |key: &str| ciborium::Value::Text(key.into());
        assert_eq!(
            value,
            ciborium::Value::Map(vec![
                (text("image"), 1.into()),
                (text("len"), 70_000.into()),
                (text("off"), 0.into()),
                (text("sha"), ciborium::Value::Bytes(SHA.to_vec())),
                (text("upgrade"), true.into()),
                (text("data"), ciborium::Value::Bytes(vec![1, 2, 3])),
            ])
        );
    }

    /// The keys of a body that an independent reader reads whole.
    fn keys(body: &[u8]) -> Option<Vec<String>> {
        let value: ciborium::Value = ciborium::from_reader(body).ok()?;
        value.as_map()?.iter().map(|(key, _)| key.as_text().map(str::to_owned)).collect()
    }

    #[test]
    fn a_sealed_chunk_that_lost_writes_to_the_next_frames_is_no_request() {
        let data: Vec<u8> = (0..4_000u32).map(|n| ((n * 7919) >> 3) as u8).collect();
        let (mut one, mut other) = (vec![0; 2_475], vec![0; 2_475]);
        for (offset, next) in [(0, 2_300), (2_400, 4_800), (100_000, 102_400), (2_400, 2_400)] {
            let start = first(400_000, false);
            let head = (offset == 0).then_some(&start);
            let room = fit(2_475, head, None, offset, data.len()).expect("room");
            let length = encode(&mut one, head, None, offset, &data[..room], 244).expect("room");
            assert_eq!(
                keys(&one[HEADER_LEN..length]).and_then(|keys| keys.last().cloned()),
                Some("off".into())
            );
            // The beginning of an echo, of another chunk, or the echo and the beginning of that chunk.
            let whole =
                encode(&mut other, None, None, next, &data[1_000..1_000 + room - 60], 244).expect("room");
            let other = &other[..whole];
            let mut echo = vec![2, 0, 0, 12, 0, 0, 7, 0, 0xa1, 0x61, b'd', 0x68];
            echo.extend_from_slice(b"########");
            let both = [&echo[..], other].concat();
            for filler in [&echo[..], other, &both] {
                // No write is shorter than a request without fields.
                for missing in 9..filler.len().min(length - 20) {
                    for from in
                        [20, length / 2, length - missing].into_iter().filter(|from| from + missing <= length)
                    {
                        let mut glued = [&one[..from], &one[from + missing..length]].concat();
                        glued.extend_from_slice(&filler[..missing]);
                        let read = keys(&glued[HEADER_LEN..]).unwrap_or_default();
                        assert!(
                            !read.iter().any(|key| key == "off"),
                            "{offset} {next} {from} {missing} {read:?}"
                        );
                    }
                }
            }
        }
    }
}
