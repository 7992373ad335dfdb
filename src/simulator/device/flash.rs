//! The flash of one slot: real bytes, real erase and write times, and the MCUboot trailer at its end.

use super::super::image::{self, Info, NoImage};
use super::options::FlashTiming;

/// Bytes of one erase page.
pub(super) const PAGE: usize = 4096;
/// Bytes that the server collects before it writes (CONFIG_IMG_BLOCK_BUF_SIZE).
const BLOCK: usize = 512;

/// The trailer that MCUboot keeps at the end of a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) magic: bool,
    pub(super) image_ok: bool,
    pub(super) copy_done: bool,
}

/// One slot. Bytes beyond `data` read as erased, or as old content where `used` is set.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) size: usize,
    data: Vec<u8>,
    used: bool,
    /// An image is there, but not where the server looks for it.
    hidden: bool,
    pub(super) trailer: Trailer,
    hash_len: usize,
    info: Option<Result<Info, NoImage>>,
    verified: Option<bool>,
}

impl Slot {
    pub(super) fn new(size: usize, used: bool, hash_len: usize) -> Slot {
        Slot {
            size,
            data: Vec::new(),
            used,
            hidden: false,
            trailer: Trailer::default(),
            hash_len,
            info: None,
            verified: None,
        }
    }

    /// Replaces the content without spending time: how a device leaves the factory.
    pub(super) fn set(&mut self, image: &[u8]) {
        self.data.clear();
        self.data.extend_from_slice(image);
        self.used = false;
        self.trailer = Trailer::default();
        self.touched();
        self.take_trailer();
    }

    /// What was written up to the slot's end holds a trailer of its own (`imgtool sign --pad`, with `--confirm` the
    /// image is confirmed there). Layout: MCUboot `docs/design.md`, "image trailer", fields of 8 bytes.
    fn take_trailer(&mut self) {
        let Some(rest) = self.data.get(self.size.saturating_sub(32)..self.size) else { return };
        if rest.ends_with(&image::TRAILER_MAGIC) {
            self.trailer = Trailer { magic: true, copy_done: rest[0] == 1, image_ok: rest[8] == 1 };
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// With a bootloader that swaps using an offset, the image put aside lies one sector before the place where the
    /// server looks for an update, so it is no longer listed once nothing can bring it back.
    pub(super) fn hide(&mut self) {
        self.touched();
        self.hidden = true;
    }

    fn touched(&mut self) {
        self.hidden = false;
        self.info = None;
        self.verified = None;
    }

    /// Version and hash, read once after each change.
    pub(super) fn info(&mut self) -> Result<&Info, NoImage> {
        if self.info.is_none() {
            let blank = self.hidden || (self.data.is_empty() && self.used);
            let read = image::inspect(&self.data, self.hash_len);
            self.info = Some(if blank { Err(NoImage::BadMagic) } else { read });
        }
        match self.info.as_ref() {
            Some(Ok(info)) => Ok(info),
            Some(Err(reason)) => Err(*reason),
            None => Err(NoImage::Blank),
        }
    }

    /// The hash fits the content; computed once after each change.
    pub(super) fn is_valid(&mut self) -> bool {
        let Ok(info) = self.info() else { return false };
        let info = info.clone();
        let data = &self.data;
        *self.verified.get_or_insert_with(|| image::verify(data, &info))
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.used && self.trailer == Trailer::default() && self.data.iter().all(|b| *b == 0xff)
    }

    /// Erases everything and gives the time it took, µs.
    pub(super) fn erase_all(&mut self, timing: &FlashTiming) -> u64 {
        self.data.clear();
        self.used = false;
        self.trailer = Trailer::default();
        self.touched();
        self.size.div_ceil(PAGE) as u64 * timing.erase_page_us
    }

    /// Erases what an image of `len` bytes needs, and the trailer.
    pub(super) fn erase_for(&mut self, len: usize, timing: &FlashTiming) -> u64 {
        let pages = len.min(self.size).div_ceil(PAGE);
        let end = (pages * PAGE).min(self.data.len());
        if end == self.data.len() {
            self.data.clear();
        } else {
            self.data[..end].fill(0xff);
        }
        self.used &= pages * PAGE < self.size;
        let trailer_inside = pages * PAGE >= self.size;
        self.trailer = Trailer::default();
        self.touched();
        (pages + usize::from(!trailer_inside)) as u64 * timing.erase_page_us
    }

    fn erase_page(&mut self, page: usize, timing: &FlashTiming) -> u64 {
        let start = (page * PAGE).min(self.data.len());
        let end = (page * PAGE + PAGE).min(self.data.len());
        self.data[start..end].fill(0xff);
        self.touched();
        timing.erase_page_us
    }

    fn erase_trailer(&mut self, timing: &FlashTiming) -> u64 {
        self.trailer = Trailer::default();
        timing.erase_page_us
    }

    fn write(&mut self, at: usize, bytes: &[u8], timing: &FlashTiming) -> u64 {
        let end = at + bytes.len();
        if at == self.data.len() {
            self.data.extend_from_slice(bytes);
        } else {
            if self.data.len() < end {
                self.data.resize(end, 0xff);
            }
            // Flash can only clear bits: what was not erased mixes with what is written.
            for (cell, byte) in self.data[at..end].iter_mut().zip(bytes) {
                *cell &= byte;
            }
        }
        self.touched();
        if end == self.size {
            self.take_trailer();
        }
        bytes.len().div_ceil(4) as u64 * timing.write_word_us
    }
}

/// A flash write did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteError {
    /// The driver reported an error.
    Failed,
    /// Beyond the end of the slot.
    OutOfSlot,
}

/// Collects chunks to blocks of 512 bytes and writes those, as Zephyr's flash_img and stream_flash do.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    block: Vec<u8>,
    written: usize,
    erased: usize,
    progressive: bool,
}

impl Stream {
    pub(super) fn start(&mut self, progressive: bool) {
        self.block.clear();
        self.written = 0;
        self.erased = 0;
        self.progressive = progressive;
    }

    /// Takes a chunk; `last` writes the rest out. Gives the time spent in the flash, µs.
    pub(super) fn push(
        &mut self,
        slot: &mut Slot,
        mut data: &[u8],
        last: bool,
        fail_at: &mut Option<u32>,
        timing: &FlashTiming,
    ) -> Result<u64, WriteError> {
        let mut spent = 0;
        loop {
            let (head, rest) = data.split_at(data.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(head);
            data = rest;
            if self.block.len() < BLOCK {
                break;
            }
            spent += self.flush(slot, fail_at, timing)?;
        }
        if last {
            if !self.block.is_empty() {
                spent += self.flush(slot, fail_at, timing)?;
            }
            // The page of the trailer, unless the image itself filled it (`stream_flash_erase_page`).
            if self.progressive && self.erased * PAGE < slot.size {
                spent += slot.erase_trailer(timing);
            }
        }
        Ok(spent)
    }

    fn flush(
        &mut self,
        slot: &mut Slot,
        fail_at: &mut Option<u32>,
        timing: &FlashTiming,
    ) -> Result<u64, WriteError> {
        let end = self.written + self.block.len();
        if end > slot.size {
            return Err(WriteError::OutOfSlot);
        }
        if fail_at.is_some_and(|at| (at as usize) < end) {
            *fail_at = None;
            return Err(WriteError::Failed);
        }
        let mut spent = 0;
        while self.progressive && self.erased * PAGE < end {
            spent += slot.erase_page(self.erased, timing);
            self.erased += 1;
        }
        spent += slot.write(self.written, &self.block, timing);
        self.written = end;
        self.block.clear();
        Ok(spent)
    }
}
