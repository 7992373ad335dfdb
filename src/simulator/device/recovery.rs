//! MCUboot's serial recovery: a small server of its own that writes the running slot. Source:
//! `boot/boot_serial/src/boot_serial.c`. It has no hash resume, restarts at every offset 0, and always tells `rc`.

use super::super::image::Version;
use super::answer::rc;
use super::bootloader::{Pair, SwapType};
use super::cbor::{Args, Malformed, Writer};
use super::flash::Stream;
use super::image_state::Flags;
use super::quirks::{RecoveryList, VersionText};
use super::server::{READ, Server, WRITE};
use super::upload_request::UploadRequest;

/// Flash writes are multiples of this; an odd rest is asked for again.
const ALIGN: usize = 4;
/// How long the network core copies its image; a reset in that time is refused with rc 10.
const COPY_US: u64 = 1_500_000;

/// The upload under way: into slot 0 of an image, or into the slot that its number means.
#[derive(Debug, Clone, Default)]
pub(super) struct Recovery {
    /// It answers instead of the application.
    pub(super) active: bool,
    off: usize,
    size: usize,
    /// `image` of the upload.
    number: usize,
    stream: Stream,
    /// The network core copies its image until then, µs.
    copies_until: u64,
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
        let options = self.options.quirks.recovery;
        let mut writer = Writer(out);
        let mut spent = 0;
        writer.map();
        let result = match (group, command, op) {
            (0, 0, _) if !options.echo => {
                self.silent = true;
                None
            }
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
            (0, 5, _) if self.now < self.recovery.copies_until => Some(rc::BUSY),
            (0, 5, _) => {
                self.reset_requested = true;
                Some(0)
            }
            (0, 6, READ) if self.options.params => {
                writer.uint_at("buf_size", u64::from(self.options.buf_size));
                writer.uint_at("buf_count", 1);
                None
            }
            (1, 0, READ) => match options.list {
                RecoveryList::Answered => {
                    self.recovery_list(&mut writer);
                    None
                }
                RecoveryList::Refused => Some(rc::NOT_SUPPORTED),
                RecoveryList::Crashes => {
                    self.hung = true;
                    None
                }
            },
            (1, 0, WRITE) if options.flags => match self.recovery_mark(body) {
                Ok(()) => {
                    self.recovery_list(&mut writer);
                    None
                }
                Err(code) => Some(code),
            },
            (1, 6, READ) if options.slot_info => {
                self.recovery_slot_info(&mut writer);
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
            (1, ..) if !options.refuses_unknown => Some(0),
            _ if !options.refuses_unknown => {
                self.silent = true;
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
        let options = self.options.quirks.recovery;
        writer.text("images");
        writer.list();
        for image in 0..self.boot.pairs.len() {
            for slot in 0..if options.lists_slot_1 { 2 } else { 1 } {
                if slot == 0 && self.boot.network_image() == Some(image) {
                    // A made-up header, whatever lies there, and no hash behind it (`nrf53_hooks.c`).
                    writer.map();
                    writer.uint_at("image", image as u64);
                    writer.uint_at("slot", 0);
                    writer.text_at("version", &spelt(&Version::default(), options.version_text));
                    writer.end();
                    continue;
                }
                let flags = self.recovery_flags(image, slot);
                let content = &mut self.boot.pairs[image].slots[slot];
                // Only what would boot is listed.
                if !content.is_valid() {
                    continue;
                }
                let Ok(info) = content.info() else { continue };
                if info.is_encrypted() && !options.lists_encrypted {
                    continue;
                }
                writer.map();
                if several {
                    writer.uint_at("image", image as u64);
                }
                if options.flags {
                    writer.flag_at("bootable", info.bootable, true);
                    writer.flag_at("confirmed", flags.confirmed, true);
                    writer.flag_at("active", flags.active, true);
                    writer.flag_at("pending", flags.pending, true);
                    writer.flag_at("permanent", flags.permanent, true);
                }
                writer.uint_at("slot", slot as u64);
                if options.hashes {
                    writer.text("hash");
                    writer.bytes(&info.hash);
                }
                writer.text_at("version", &spelt(&info.version, options.version_text));
                writer.end();
            }
        }
        writer.end();
    }

    fn recovery_flags(&mut self, image: usize, slot: usize) -> Flags {
        let kind = self.boot.pairs[image].swap_type();
        let (primary, marked) = (slot == 0, matches!(kind, SwapType::Test | SwapType::Permanent));
        Flags {
            active: primary && !marked,
            confirmed: primary != (kind == SwapType::Revert),
            pending: !primary && marked,
            permanent: !primary && kind == SwapType::Permanent,
        }
    }

    /// Set state: always the secondary slot of the image that holds the hash (`boot_set_pending_multi`).
    fn recovery_mark(&mut self, body: &[u8]) -> Result<(), u8> {
        let args = Args::parse(body).map_err(|_| rc::INVALID)?;
        let confirm = args.boolean("confirm").map_err(|_| rc::INVALID)?.unwrap_or(false);
        let hash = args.bytes("hash").map_err(|_| rc::INVALID)?.unwrap_or_default();
        let mut image = (self.boot.pairs.len() == 1).then_some(0);
        if !hash.is_empty() {
            let holds = |pair: &mut Pair| {
                pair.slots.iter_mut().any(|slot| slot.info().is_ok_and(|info| info.hash == hash))
            };
            image = Some(self.boot.pairs.iter_mut().position(holds).ok_or(rc::NO_ENTRY)?);
        }
        self.mark(image.ok_or(rc::INVALID)?, 1, confirm);
        Ok(())
    }

    fn recovery_slot_info(&mut self, writer: &mut Writer<'_>) {
        let options = self.options.quirks.recovery;
        writer.text("images");
        writer.list();
        for (image, pair) in self.boot.pairs.iter().enumerate() {
            writer.map();
            writer.uint_at("image", image as u64);
            writer.text("slots");
            writer.list();
            for (slot, content) in pair.slots.iter().enumerate() {
                writer.map();
                writer.uint_at("slot", slot as u64);
                writer.uint_at("size", content.size as u64);
                if options.direct_upload {
                    writer.uint_at("upload_image_id", (image * 2 + slot + 1) as u64);
                } else if slot == 1 || !options.lists_slot_1 {
                    writer.uint_at("upload_image_id", image as u64);
                }
                writer.end();
            }
            writer.end();
            writer.end();
        }
        writer.end();
    }

    fn recovery_upload(&mut self, body: &[u8], spent: &mut u64) -> Result<(), u8> {
        let options = self.options.quirks.recovery;
        let request = UploadRequest::parse(body).map_err(|_| rc::INVALID)?;
        let (Some(off), Some(data)) = (request.off, request.data.as_deref()) else { return Err(rc::INVALID) };
        let (off, timing) = (off as usize, self.options.flash);
        let state = &mut self.recovery;
        let mut never = None;
        if off == 0 || !options.keeps_image {
            state.number = request.image.unwrap_or(0) as usize;
        }
        let (image, place) = options.target(state.number);
        let slot = &mut self.boot.pairs.get_mut(image).ok_or(rc::INVALID)?.slots[place];
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
        let written = state.stream.push(slot, &data[..take], true, &mut never, &timing);
        *spent += written.map_err(|_| rc::INVALID)?;
        state.off += take;
        // Only the number that counts slots is handed over (`boot_serial_uploaded_hook` of sdk-nrf `nrf53_hooks.c`).
        let complete = state.off == state.size && state.number == 2 * image + 1;
        if complete && self.boot.network_image() == Some(image) {
            state.copies_until = self.now + *spent + COPY_US;
            self.boot.radio.bytes = self.boot.pairs[image].slots[0].bytes().to_vec();
        }
        self.log_write(image, place, take);
        Ok(())
    }
}

fn spelt(version: &Version, how: VersionText) -> String {
    let Version { major, minor, revision, build } = version;
    match how {
        VersionText::Short => version.to_string(),
        VersionText::FourNumbers => format!("{major}.{minor}.{revision}.{build}"),
        VersionText::LostDot if *build == 0 => format!("{major}.{minor}.{revision}"),
        VersionText::LostDot => format!("{major}.{minor}.{revision}{build}"),
    }
}
