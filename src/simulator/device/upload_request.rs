//! Decodes an upload request without allocating; a soak decodes hundreds of millions of them.
//! Everything out of the ordinary goes to the general decoder, which has the last word.

use std::borrow::Cow;

use super::cbor::{Args, Malformed};

/// The fields of an upload request; `None` where the client left one out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct UploadRequest<'a> {
    pub(super) image: Option<u32>,
    pub(super) len: Option<u32>,
    pub(super) off: Option<u32>,
    pub(super) sha: Option<Cow<'a, [u8]>>,
    pub(super) data: Option<Cow<'a, [u8]>>,
    pub(super) upgrade: Option<bool>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    /// The value of a head of this major type, up to 32 bits.
    fn head(&mut self, major: u8) -> Option<u32> {
        let first = self.byte()?;
        if first >> 5 != major {
            return None;
        }
        match first & 0x1f {
            short @ 0..=23 => Some(u32::from(short)),
            24 => self.byte().map(u32::from),
            25 => Some(u32::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?))),
            26 => Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            _ => None,
        }
    }

    fn string(&mut self, major: u8) -> Option<&'a [u8]> {
        let len = self.head(major)?;
        self.take(len as usize)
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.byte()? {
            0xf4 => Some(false),
            0xf5 => Some(true),
            _ => None,
        }
    }
}

/// Sets a field that must still be empty: a key given twice is left to the general decoder.
fn set<T>(field: &mut Option<T>, value: Option<T>) -> Option<()> {
    let value = value?;
    if field.is_some() {
        return None;
    }
    *field = Some(value);
    Some(())
}

fn fast(body: &[u8]) -> Option<UploadRequest<'_>> {
    let mut reader = Reader(body);
    let first = reader.byte()?;
    let mut left = match first {
        0xa0..=0xb7 => Some(first & 0x1f),
        0xbf => None,
        _ => return None,
    };
    let mut request = UploadRequest::default();
    loop {
        match &mut left {
            Some(0) => return Some(request),
            Some(count) => *count -= 1,
            None if reader.0.first() == Some(&0xff) => return Some(request),
            None => {}
        }
        match reader.string(3)? {
            b"off" => set(&mut request.off, reader.head(0))?,
            b"data" => set(&mut request.data, reader.string(2).map(Cow::Borrowed))?,
            b"len" => set(&mut request.len, reader.head(0))?,
            b"sha" => set(&mut request.sha, reader.string(2).map(Cow::Borrowed))?,
            b"image" => set(&mut request.image, reader.head(0))?,
            b"upgrade" => set(&mut request.upgrade, reader.boolean())?,
            _ => return None,
        }
    }
}

fn general(body: &[u8]) -> Result<UploadRequest<'static>, Malformed> {
    let args = Args::parse(body)?;
    Ok(UploadRequest {
        image: args.uint("image")?,
        len: args.uint("len")?,
        off: args.uint("off")?,
        sha: args.bytes("sha")?.map(|b| Cow::Owned(b.to_vec())),
        data: args.bytes("data")?.map(|b| Cow::Owned(b.to_vec())),
        upgrade: args.boolean("upgrade")?,
    })
}

impl<'a> UploadRequest<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<UploadRequest<'a>, Malformed> {
        fast(body).map_or_else(|| general(body), Ok)
    }

    pub(super) fn data(&self) -> &[u8] {
        self.data.as_deref().unwrap_or_default()
    }

    pub(super) fn sha(&self) -> &[u8] {
        self.sha.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ciborium::Value;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fast_way_reads_what_clients_send() {
        let mut body = Vec::new();
        let value = Value::Map(vec![
            (Value::Text("image".into()), 0.into()),
            (Value::Text("len".into()), 409_600.into()),
            (Value::Text("off".into()), 0.into()),
            (Value::Text("sha".into()), Value::Bytes(vec![7; 32])),
            (Value::Text("data".into()), Value::Bytes(vec![1; 160])),
            (Value::Text("upgrade".into()), false.into()),
        ]);
        ciborium::into_writer(&value, &mut body).unwrap();
        assert_eq!(fast(&body), Some(general(&body).unwrap()));
        let mut open = vec![0xbf];
        open.extend_from_slice(&body[1..]);
        open.push(0xff);
        assert_eq!(fast(&open), Some(general(&body).unwrap()));
    }

    proptest! {
        /// Whatever the fast way accepts, the general one reads alike.
        #[test]
        fn both_decoders_agree(body in proptest::collection::vec(any::<u8>(), 0..64), key in 0usize..6, n in any::<u32>()) {
            let name = ["off", "data", "len", "sha", "image", "upgrade"][key];
            let mut mixed = vec![0xa1, 0x60 | name.len() as u8];
            mixed.extend_from_slice(name.as_bytes());
            mixed.extend_from_slice(&body);
            let mut number = vec![0xa1, 0x60 | name.len() as u8];
            number.extend_from_slice(name.as_bytes());
            number.push(0x1a);
            number.extend_from_slice(&n.to_be_bytes());
            for bytes in [body, mixed, number] {
                if let Some(request) = fast(&bytes) {
                    prop_assert_eq!(Ok(request), general(&bytes));
                }
            }
        }
    }
}
