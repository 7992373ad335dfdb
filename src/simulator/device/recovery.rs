//! MCUboot's serial recovery: a small server of its own that writes the running slot. Source:
//! `boot/boot_serial/src/boot_serial.c`. It has no hash resume, restarts at every offset 0, and always tells `rc`.

use super::answer::rc;
use super::cbor::{Args, Malformed, Writer};
use super::flash::Stream;
use super::server::{READ, Server, WRITE};
use super::upload_request::UploadRequest;

/// Flash writes are multiples of this; an odd rest is asked for again.
const ALIGN: usize = 4;

/// The upload into slot 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Recovery {
    /// It answers instead of the application.
    pub(super) active: bool,
    off: usize,
    size: usize,
    image: usize,
    stream: Stream,
}

impl Recovery {
    pub(super) fn new(active: bool) -> Recovery {
        Recovery { active, ..Recovery::default() }
    }
}

impl Server {
    /// Writes the answer's body. Gives the time spent, µs.
    pub(super) fn recovery_request(
        &mut self,
        group: u16,
        op: u8,
        command: u8,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> u64 {
        let mut writer = Writer(out);
        let mut spent = 0;
        writer.map();
        let result = match (group, command, op) {
            (0, 0, _) => {
                match Args::parse(body).and_then(|a| a.text("d")?.map(str::to_owned).ok_or(Malformed)) {
                    Ok(text) => {
                        writer.text_at("r", &text);
                        None
                    }
                    Err(Malformed) => Some(rc::INVALID),
                }
            }
            (0, 1, _) => Some(0),
            (0, 5, _) => {
                self.reset_requested = true;
                Some(0)
            }
            (0, 6, READ) if self.options.params => {
                writer.uint_at("buf_size", u64::from(self.options.buf_size));
                writer.uint_at("buf_count", 1);
                None
            }
            (1, 0, READ) => {
                self.recovery_list(&mut writer);
                None
            }
            (1, 1, WRITE) => {
                let result = self.recovery_upload(body, &mut spent);
                writer.uint_at("rc", u64::from(result.err().unwrap_or(0)));
                if result.is_ok() {
                    writer.uint_at("off", self.recovery.off as u64);
                }
                None
            }
            _ => Some(rc::NOT_SUPPORTED),
        };
        if let Some(code) = result {
            writer.uint_at("rc", u64::from(code));
        }
        writer.end();
        spent
    }

    fn recovery_list(&mut self, writer: &mut Writer<'_>) {
        let several = self.boot.pairs.len() > 1;
        writer.text("images");
        writer.list();
        for (image, pair) in self.boot.pairs.iter_mut().enumerate() {
            for (slot, content) in pair.slots.iter_mut().enumerate() {
                // Only what would boot is listed.
                if !content.is_valid() {
                    continue;
                }
                let Ok(info) = content.info() else { continue };
                writer.map();
                if several {
                    writer.uint_at("image", image as u64);
                }
                writer.uint_at("slot", slot as u64);
                writer.text("hash");
                writer.bytes(&info.hash);
                writer.text_at("version", &info.version.to_string());
                writer.end();
            }
        }
        writer.end();
    }

    fn recovery_upload(&mut self, body: &[u8], spent: &mut u64) -> Result<(), u8> {
        let request = UploadRequest::parse(body).map_err(|_| rc::INVALID)?;
        let (Some(off), Some(data)) = (request.off, request.data.as_deref()) else { return Err(rc::INVALID) };
        let (off, timing) = (off as usize, self.options.flash);
        let state = &mut self.recovery;
        if off == 0 {
            state.image = request.image.unwrap_or(0) as usize;
        }
        let image = state.image;
        let slot = &mut self.boot.pairs.get_mut(image).ok_or(rc::NO_ENTRY)?.slots[0];
        if off == 0 {
            state.off = 0;
            let size = request.len.unwrap_or(u32::MAX) as usize;
            if size > slot.size {
                return Err(rc::INVALID);
            }
            *spent += slot.erase_all(&timing);
            state.size = size;
            state.stream.start(false);
        } else if off != state.off {
            return Ok(());
        } else if off + data.len() > state.size {
            return Err(rc::INVALID);
        }
        let mut take = data.len() - data.len() % ALIGN;
        if state.off + data.len() >= state.size {
            take = data.len();
        }
        let mut never = None;
        let written = state.stream.push(slot, &data[..take], true, &mut never, &timing);
        *spent += written.map_err(|_| rc::INVALID)?;
        state.off += take;
        Ok(())
    }
}
