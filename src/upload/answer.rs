//! What a device answers to a chunk.

use super::refusal;
use crate::smp::DeviceError;
use crate::smp::cbor::{self, Value};

/// The answer to an upload request.
pub(super) struct Answer {
    pub offset: Option<u32>,
    pub matches: Option<bool>,
    pub error: Option<DeviceError>,
}

impl Answer {
    #[inline]
    pub fn decode(body: &[u8], file: bool) -> Option<Answer> {
        match plain(body) {
            Some(offset) => Some(Answer { offset: Some(offset), matches: None, error: None }),
            None => Answer::decode_any(body, file),
        }
    }

    fn decode_any(body: &[u8], file: bool) -> Option<Answer> {
        let mut answer = Answer { offset: None, matches: None, error: None };
        let mut length = None;
        cbor::entries(body, |key, value| match key {
            "off" => {
                // A number beyond 32 bits is beyond every image.
                answer.offset = match value {
                    Value::Unsigned(off) => Some(u32::try_from(off).unwrap_or(u32::MAX)),
                    _ => answer.offset,
                }
            }
            "match" => answer.matches = value.as_bool(),
            "len" if file => length = value.as_u32(),
            _ => answer.error = answer.error.or(DeviceError::from_entry(key, &value)),
        })
        .ok()?;
        if file && let Some(error) = answer.error {
            // The chunk was not taken, and the device tells where it stands: `len` beside error 11, `off` beside rc 3 on
            // servers before Zephyr 3.3.
            answer.offset = answer.offset.or(length);
            if answer.offset.is_some() && refusal::is_wrong_offset(error) {
                answer.error = None;
            }
        }
        Some(answer)
    }
}

/// How the answers to all but a few chunks begin: a map, closed by a break or of known length, with the offset alone, or on
/// servers before Zephyr 3.3 behind an `rc` of 0.
const PLAIN: [&[u8]; 4] =
    [b"\xbf\x63off", b"\xbf\x62rc\x00\x63off", b"\xa2\x62rc\x00\x63off", b"\xa1\x63off"];

/// The offset, where the answer is just that; reading it this way takes a tenth of the time.
#[inline]
fn plain(body: &[u8]) -> Option<u32> {
    let (offset, rest) = match PLAIN.iter().find_map(|start| body.strip_prefix(*start))? {
        [short @ 0..=23, rest @ ..] => (u32::from(*short), rest),
        [24, a, rest @ ..] => (u32::from(*a), rest),
        [25, a, b, rest @ ..] => (u32::from_be_bytes([0, 0, *a, *b]), rest),
        [26, a, b, c, d, rest @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]), rest),
        _ => return None,
    };
    let closed = body[0] != 0xbf || rest.first() == Some(&0xff);
    closed.then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(answer: Option<Answer>) -> Option<(Option<u32>, Option<bool>, Option<DeviceError>)> {
        answer.map(|answer| (answer.offset, answer.matches, answer.error))
    }

    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        let offsets = [&[23][..], &[24, 160], &[25, 1, 2], &[26, 0, 1, 2, 3], &[27, 0, 0, 0, 1, 0, 0, 0, 0]];
        let mut short = 0;
        for start in PLAIN {
            for offset in offsets {
                for end in [&[0xff][..], b"", b"\x65match\xf5\xff", b"\x62rc\x05\xff"] {
                    let whole = [start, offset, end].concat();
                    for length in 0..=whole.len() {
                        short += u32::from(plain(&whole[..length]).is_some());
                        let body = &whole[..length];
                        assert_eq!(
                            parts(Answer::decode(body, false)),
                            parts(Answer::decode_any(body, false)),
                            "{body:02x?}"
                        );
                    }
                    for place in 0..whole.len() {
                        for byte in 0..=255 {
                            let mut body = whole.clone();
                            body[place] = byte;
                            let read = parts(Answer::decode(&body, true));
                            assert_eq!(read, parts(Answer::decode_any(&body, true)), "{body:02x?}");
                        }
                    }
                }
            }
        }
        assert!(short > 30, "{short}");
    }
}
