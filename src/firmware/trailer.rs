//! What stands behind the TLV areas: nothing, stray bytes, or the slot trailer that `imgtool sign --pad` writes.

/// The trailer's magic number for slots with a write alignment of up to 8 bytes (MCUboot `docs/design.md`).
const MAGIC_ALIGN_8: [u8; 16] =
    [0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80];
/// The end of the magic number for greater alignments; the two bytes before it hold the alignment, little-endian.
const MAGIC_ALIGN_ANY: [u8; 14] =
    [0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a];

/// Bytes of the file behind the last TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// How many bytes.
    pub length: u32,
    /// The slot trailer at their end, if there is one.
    pub trailer: Option<Trailer>,
}

/// A slot trailer inside the file: the image was signed with `--pad`, `--test` or `--confirm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// The greatest write alignment in bytes: 8, 16 or 32.
    pub alignment: u16,
    /// Whether the trailer marks the image as confirmed (`--confirm`): there is no way back after its first boot.
    pub confirmed: bool,
}

impl Padding {
    /// Looks at the bytes behind the last TLV; `None` when there are none.
    pub(super) fn of(rest: &[u8]) -> Option<Padding> {
        if rest.is_empty() {
            return None;
        }
        Some(Padding { length: rest.len() as u32, trailer: Trailer::of(rest) })
    }
}

impl Trailer {
    fn of(rest: &[u8]) -> Option<Trailer> {
        let magic = rest.last_chunk::<16>()?;
        let alignment = if *magic == MAGIC_ALIGN_8 {
            8
        } else if magic.ends_with(&MAGIC_ALIGN_ANY) {
            u16::from_le_bytes([magic[0], magic[1]])
        } else {
            return None;
        };
        if !matches!(alignment, 8 | 16 | 32) {
            return None;
        }
        // The flag stands one alignment unit before the magic number, which is itself padded up to the alignment.
        let from_end = 16usize.next_multiple_of(usize::from(alignment)) + usize::from(alignment);
        let image_ok = rest.len().checked_sub(from_end).and_then(|at| rest.get(at));
        Some(Trailer { alignment, confirmed: image_ok == Some(&1) })
    }
}
