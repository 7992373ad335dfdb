//! Where a device erases page by page while it takes an image.
//!
//! For the time of such an erase it takes nothing from its buffers, so a few chunks behind the one that begins a page find none
//! free. Where the first of them were lost tells where a page begins; two of them tell the size of a page, which is a power of
//! two. From then on the chunks around that place are written more slowly, and the others as fast as before.

use crate::failure::Failure;
use crate::snapshot::{Reader, Writer, damaged};

/// The sizes that a page may have, as powers of two, in bytes.
const SMALLEST: u8 = 11;
const LARGEST: u8 = 17;
/// The time between two chunks around the begin of a page, at first and at most, in milliseconds.
const FIRST_GAP_MS: u16 = 40;
const MOST_GAP_MS: u16 = 500;
/// So many losses elsewhere and the pages are forgotten.
const MOST_MISSES: u8 = 3;

/// What is known of the pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// The size of a page as a power of two; 0 while it is not known.
    size: u8,
    misses: u8,
    /// The time between two chunks around the begin of a page, in milliseconds.
    gap: u16,
    /// The first chunk that is written more slowly begins here, counted from the begin of any page, and so many bytes on ends the
    /// last one. While the size is not known: where the latest loss was, and 0.
    from: u32,
    span: u32,
}

impl Pages {
    /// The device had no room for the chunk at `offset`; chunks have this `length` and the device so many buffers. Returns whether
    /// that is explained by what is known of the pages now.
    pub fn lost_at(&mut self, offset: u32, length: u32, buffers: u32) -> bool {
        let behind = length.saturating_mul(buffers.min(8));
        if self.size == 0 {
            let before = std::mem::replace(&mut self.from, offset);
            let distance = offset.saturating_sub(before);
            let fits = |size: &u8| distance.abs_diff(1 << size) <= 2 * length;
            let Some(size) = (SMALLEST..=LARGEST).find(fits).filter(|_| before > 0) else {
                return before == 0;
            };
            if behind.saturating_mul(2) > 1 << size {
                // With so few chunks in a page every one is at its begin.
                return false;
            }
            *self = Pages { size, misses: 0, gap: FIRST_GAP_MS, from: 0, span: behind };
            self.from = offset.wrapping_sub(behind) & self.mask();
            return true;
        }
        let place = offset.wrapping_sub(self.from) & self.mask();
        if place <= self.span {
            self.gap = (self.gap + self.gap / 4).min(MOST_GAP_MS);
            return true;
        }
        if place <= self.span + 2 * length && 2 * (place + behind) <= 1 << self.size {
            self.span = place;
            return true;
        }
        if self.size > SMALLEST && 4 * behind <= 1 << self.size {
            // The pages are half as large, and one of two losses was not seen.
            let half = Pages { size: self.size - 1, from: self.from & (self.mask() >> 1), ..*self };
            if offset.wrapping_sub(half.from) & half.mask() <= half.span {
                *self = half;
                return true;
            }
        }
        self.misses += 1;
        if self.misses > MOST_MISSES {
            *self = Pages { from: offset, ..Pages::default() };
        }
        false
    }

    /// The time to keep behind the chunk from `offset` to `end`, if it is more than for any other, in milliseconds.
    pub fn gap_behind(&self, offset: u32, end: u32) -> Option<u16> {
        if self.size == 0 {
            return None;
        }
        let place = offset.wrapping_sub(self.from) & self.mask();
        let reaches = place + (end - offset) > 1 << self.size;
        (place <= self.span || reaches).then_some(self.gap)
    }

    fn mask(&self) -> u32 {
        (1 << self.size) - 1
    }

    pub fn save(&self, out: &mut Writer) {
        out.u8(self.size);
        out.u16(self.gap);
        out.u32(self.from);
        out.u32(self.span);
    }

    pub fn load(from: &mut Reader<'_>) -> Result<Pages, Failure> {
        let (size, gap) = (from.u8()?, from.u16()?);
        let pages = Pages { size, misses: 0, gap, from: from.u32()?, span: from.u32()? };
        if size != 0 && !(SMALLEST..=LARGEST).contains(&size) || pages.span > 1 << LARGEST {
            return Err(damaged("its pages are none that a flash has"));
        }
        Ok(pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_losses_a_page_apart_tell_where_pages_begin() {
        let mut pages = Pages::default();
        assert!(pages.lost_at(1_300, 221, 4), "the first one may be anything");
        assert_eq!(pages.gap_behind(4_700, 4_921), None);
        assert!(pages.lost_at(5_500, 221, 4));
        // From four chunks before the loss up to it, in every page.
        for page in 1..90 {
            let place = 5_500 + page * 4_096;
            assert_eq!(pages.gap_behind(place - 884, place - 663), Some(40));
            assert_eq!(pages.gap_behind(place, place + 221), Some(40));
            assert_eq!(pages.gap_behind(place - 1_400, place - 1_179), None);
            assert_eq!(pages.gap_behind(place + 300, place + 521), None);
        }
        // Still lost there: not slow enough.
        assert!(pages.lost_at(9_500, 221, 4));
        assert_eq!(pages.gap_behind(9_500, 9_721), Some(50));
    }

    #[test]
    fn losses_here_and_there_are_no_pages() {
        let mut pages = Pages::default();
        for offset in [1_300, 2_000, 9_500, 10_400, 31_000] {
            pages.lost_at(offset, 221, 4);
            assert_eq!(pages.gap_behind(offset, offset + 221), None, "{offset}");
        }
    }
}
