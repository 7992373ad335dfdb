//! Group 1: dispatch, erase and slot information. Upload and state have files of their own.

use super::answer::{Handled, Refusal, rc};
use super::cbor::{Args, Writer};
use super::image_state::image_error;
use super::server::{READ, Server, WRITE};

impl Server {
    pub(super) fn image_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        // An application that leaves its updates to a loader has no image group.
        let loader = self.options.quirks.loader;
        if loader.is_some_and(|l| !l.application_lists) && self.boot.pairs[0].active == 0 {
            return Err(Refusal::Rc(rc::NOT_SUPPORTED, None));
        }
        match (command, op) {
            (0, READ) => self.state_read(writer),
            (0, WRITE) => self.state_write(body, writer),
            (1, WRITE) => self.upload(body, writer),
            (5, WRITE) => self.erase(body, writer),
            (6, READ) if self.options.slot_info => self.slot_info(writer),
            _ => Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
    }

    fn erase(&mut self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let new = self.options.is_new();
        let refuse = |code, old| if new { image_error(code) } else { Refusal::Rc(old, None) };
        let number = Args::parse(body)?.uint("slot")?.map(|n| n as usize);
        let default = if new { 1 - self.active(0) } else { 1 };
        let number = number.unwrap_or(default);
        let (image, slot) = (number / 2, number % 2);
        if image >= self.boot.pairs.len() {
            return Err(refuse(10, rc::UNKNOWN));
        }
        if self.boot.pairs[image].slots[slot].info().is_ok() && self.slot_in_use(image, slot) {
            return Err(refuse(9, rc::BAD_STATE));
        }
        let timing = self.options.flash;
        if slot == self.boot.pairs[image].active {
            self.written_running += self.boot.pairs[image].slots[slot].bytes().len() as u64;
        }
        let content = &mut self.boot.pairs[image].slots[slot];
        let blank = content.is_blank();
        let spent = if blank { 0 } else { content.erase_all(&timing) };
        if new {
            self.upload.reset();
        }
        if blank && self.options.erase_blank_fails {
            return Err(refuse(1, rc::UNKNOWN));
        }
        if self.options.rc_on_success() {
            writer.uint_at("rc", 0);
        }
        Ok(spent)
    }

    fn slot_info(&mut self, writer: &mut Writer<'_>) -> Handled {
        writer.text("images");
        writer.list();
        for (image, pair) in self.boot.pairs.iter().enumerate() {
            let active = self.active(image);
            writer.map();
            writer.uint_at("image", image as u64);
            writer.text("slots");
            writer.list();
            for (slot, content) in pair.slots.iter().enumerate() {
                writer.map();
                writer.uint_at("slot", slot as u64);
                writer.uint_at("size", content.size as u64);
                // How to name this slot in an upload: by its own number, or by its image where it is the spare one.
                if self.options.direct_upload {
                    writer.uint_at("upload_image_id", (image * 2 + slot + 1) as u64);
                } else if slot != active {
                    writer.uint_at("upload_image_id", image as u64);
                }
                writer.end();
            }
            writer.end();
            writer.end();
        }
        writer.end();
        Ok(0)
    }
}
