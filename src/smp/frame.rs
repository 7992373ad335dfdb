//! One SMP frame: a header and its body.

use super::header::{HEADER_LEN, Header};

/// A complete frame that borrows its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// The body, exactly as long as the header says.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Splits the first complete frame off `bytes`; `None` when the bytes end before the frame does.
    #[inline]
    pub fn split_first(bytes: &'a [u8]) -> Option<(Frame<'a>, &'a [u8])> {
        let header = Header::decode(bytes)?;
        let rest = &bytes[HEADER_LEN..];
        let (body, rest) = rest.split_at_checked(header.length as usize)?;
        Some((Frame { header, body }, rest))
    }
}
