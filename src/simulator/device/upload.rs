//! Group 1, command 1: the upload, as `img_mgmt.c` and `zephyr_img_mgmt.c` of Zephyr 3.1.99 and 4.x do it.

use sha2::{Digest, Sha256};

use super::super::image;
use super::answer::{Handled, Refusal, rc};
use super::cbor::Writer;
use super::flash::{Stream, WriteError};
use super::image_state::image_error;
use super::options::{BootMode, EraseMode};
use super::quirks::AfterUpload;
use super::server::Server;
use super::upload_request::UploadRequest;

/// What the server remembers of the upload; it lives in RAM and is gone after a reset.
#[derive(Debug, Clone, Default)]
pub(super) struct Upload {
    /// An upload is under way (area_id != -1 in the source).
    pub(super) open: bool,
    image: usize,
    slot: usize,
    pub(super) off: usize,
    pub(super) size: usize,
    sha: Vec<u8>,
    stream: Stream,
}

impl Upload {
    pub(super) fn reset(&mut self) {
        self.open = false;
        self.off = 0;
        self.size = 0;
        self.sha.clear();
    }
}

impl Server {
    pub(super) fn upload(&mut self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let request = UploadRequest::parse(body)?;
        let result = self.upload_request(&request, writer);
        if result.is_err() && self.options.is_new() {
            // Any refusal drops the upload that was under way.
            self.upload.reset();
        }
        result
    }

    fn refuse(&self, new: u16, old: u8, reason: Option<&'static str>) -> Refusal {
        if self.options.is_new() { image_error(new) } else { Refusal::Rc(old, reason) }
    }

    fn upload_request(&mut self, request: &UploadRequest<'_>, writer: &mut Writer<'_>) -> Handled {
        let off = request.off.ok_or_else(|| self.refuse(20, rc::INVALID, Some("header malformed")))? as usize;
        let new = self.options.is_new();
        let mut spent = 0;
        if off == 0 {
            let size = self.inspect_first(request)?;
            if !request.sha().is_empty() && self.upload.open && self.upload.sha == request.sha() {
                return self.upload_answer(writer, None, spent);
            }
            let (image, slot) = self.place(request, size)?;
            let upload = &mut self.upload;
            (upload.open, upload.image, upload.slot, upload.off, upload.size) = (true, image, slot, 0, size);
            upload.sha.clear();
            upload.sha.extend_from_slice(request.sha());
            if self.options.image_check && request.sha().len() == 32 {
                spent += size.div_ceil(1024) as u64 * self.options.flash.hash_kib_us;
                if self.content_matches(image, slot, size) {
                    self.upload.off = size;
                    let answer = self.upload_answer(writer, Some(true), spent);
                    self.upload.reset();
                    return answer;
                }
            }
            spent += self.erase_for_upload(image, slot, size);
            self.log_write(image, slot, 0);
            self.upload.stream.start(self.options.erase == EraseMode::Progressive);
        } else {
            if off != self.upload.off {
                return self.upload_answer(writer, None, spent);
            }
            if new && off + request.data().len() > self.upload.size {
                return Err(image_error(31));
            }
        }
        if request.data().is_empty() {
            return self.upload_answer(writer, None, spent);
        }
        if !self.upload.open {
            return Err(self.refuse(12, rc::UNKNOWN, Some("fa write fail")));
        }
        spent += self.write_chunk(request.data())?;
        if self.upload.off != self.upload.size {
            return self.upload_answer(writer, None, spent);
        }
        let (image, slot, size) = (self.upload.image, self.upload.slot, self.upload.size);
        let mut matches = None;
        if self.options.image_check {
            spent += size.div_ceil(1024) as u64 * self.options.flash.hash_kib_us;
            matches = Some(self.content_matches(image, slot, size));
        }
        self.uploaded(image);
        let answer = self.upload_answer(writer, matches, spent);
        if new {
            self.upload.reset()
        } else {
            self.upload.open = false
        }
        answer
    }

    /// What the application does with a complete upload.
    fn uploaded(&mut self, image: usize) {
        let (permanent, after) = match self.options.quirks.after_upload {
            AfterUpload::Nothing => return,
            AfterUpload::Marks { permanent } => (permanent, None),
            AfterUpload::MarksAndResets { permanent, after_us } => (permanent, Some(after_us)),
        };
        let slot = 1 - self.active(image);
        self.mark(image, slot, permanent);
        self.resets_itself_at = after.map(|after| self.now.saturating_add(after));
    }

    /// The checks of a first chunk that need no flash. Gives the image's length.
    fn inspect_first(&self, request: &UploadRequest<'_>) -> Result<usize, Refusal> {
        if request.data().len() < image::HEADER_LEN {
            return Err(self.refuse(22, rc::INVALID, Some("header malformed")));
        }
        let size = request.len.ok_or_else(|| self.refuse(21, rc::INVALID, Some("header malformed")))?;
        if !image::has_magic(request.data()) {
            return Err(self.refuse(23, rc::INVALID, Some("magic mismatch")));
        }
        if request.sha().len() > 32 {
            return Err(self.refuse(24, rc::INVALID, None));
        }
        Ok(size as usize)
    }

    /// The slot that the image goes to, with the checks that depend on it.
    fn place(&mut self, request: &UploadRequest<'_>, size: usize) -> Result<(usize, usize), Refusal> {
        let place = self.free_slot(request.image.unwrap_or(0) as usize);
        let (image, slot) = place.ok_or_else(|| self.refuse(9, rc::NO_ENTRY, Some("no slot")))?;
        // NCS 2.1 does not look at the size (zephyr#60899).
        if self.options.is_new() && size > self.boot.pairs[image].slots[slot].size {
            return Err(image_error(30));
        }
        if request.upgrade == Some(true) {
            let active = self.active(0);
            let running = self.boot.pairs[0].slots[active].info().map(|i| i.version);
            let running = running.map_err(|_| self.refuse(26, rc::UNKNOWN, Some("version")))?;
            let offered = image::header_version(request.data()).unwrap_or_default();
            if running.compare(&offered).is_ge() {
                return Err(self.refuse(27, rc::BAD_STATE, Some("downgrade")));
            }
        }
        Ok((image, slot))
    }

    fn free_slot(&mut self, image: usize) -> Option<(usize, usize)> {
        if self.options.boot_mode == BootMode::Single {
            return None;
        }
        if self.boot.pairs.len() == 1 {
            if self.options.direct_upload && image > 0 {
                let slot = image - 1;
                return (slot < 2 && !self.slot_in_use(0, slot)).then_some((0, slot));
            }
            return (0..2).find(|slot| !self.slot_in_use(0, *slot)).map(|slot| (0, slot));
        }
        if image >= self.boot.pairs.len() {
            return None;
        }
        let slot = 1 - self.active(image);
        // NCS 2.1 does not ask whether the network core's slot is in use.
        let unchecked = image > 0 && !self.options.is_new();
        (unchecked || !self.slot_in_use(image, slot)).then_some((image, slot))
    }

    fn erase_for_upload(&mut self, image: usize, slot: usize, size: usize) -> u64 {
        let timing = self.options.flash;
        let content = &mut self.boot.pairs[image].slots[slot];
        match self.options.erase {
            EraseMode::Progressive => 0,
            _ if content.is_blank() => 0,
            EraseMode::FirstChunkImage => content.erase_for(size, &timing),
            EraseMode::FirstChunkSlot => content.erase_all(&timing),
        }
    }

    fn write_chunk(&mut self, data: &[u8]) -> Result<u64, Refusal> {
        let timing = self.options.flash;
        let upload = &mut self.upload;
        let slot = &mut self.boot.pairs[upload.image].slots[upload.slot];
        let last = upload.off + data.len() == upload.size;
        match upload.stream.push(slot, data, last, &mut self.options.fail_write_at, &timing) {
            Ok(spent) => {
                upload.off += data.len();
                let (image, slot) = (upload.image, upload.slot);
                if slot == self.boot.pairs[image].active {
                    self.written_running += data.len() as u64;
                }
                self.log_write(image, slot, data.len());
                Ok(spent)
            }
            Err(WriteError::OutOfSlot) if !self.options.is_new() => Err(Refusal::Hang),
            Err(_) => {
                // The offset stays; only a new first chunk opens the slot again.
                upload.open = false;
                Err(self.refuse(12, rc::UNKNOWN, Some("fa write fail")))
            }
        }
    }

    fn content_matches(&self, image: usize, slot: usize, size: usize) -> bool {
        let content = self.boot.pairs[image].slots[slot].bytes().get(..size);
        content.is_some_and(|c| Sha256::digest(c)[..] == self.upload.sha[..])
    }

    fn upload_answer(&self, writer: &mut Writer<'_>, matches: Option<bool>, spent: u64) -> Handled {
        if self.options.rc_on_success() {
            writer.uint_at("rc", 0);
        }
        writer.uint_at("off", self.upload.off as u64);
        if let Some(matches) = matches {
            writer.text("match");
            writer.boolean(matches);
        }
        Ok(spent)
    }
}
