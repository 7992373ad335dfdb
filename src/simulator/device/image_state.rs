//! What the server reports of the slots and how it lets a client choose the next one to boot.
//! Sources: Zephyr `img_mgmt_state.c` of 3.1.99 (`lib/cmd/img_mgmt`) and of 4.x (`grp/img_mgmt`).

use std::cmp::Ordering;

use super::answer::{Handled, Refusal, group, rc};
use super::bootloader::{SwapType, newer};
use super::cbor::{Args, Writer};
use super::options::BootMode;
use super::quirks::Listing;
use super::server::Server;

/// The flags of one slot in the image list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// It runs.
    pub active: bool,
    /// It stays at the next reset.
    pub confirmed: bool,
    /// It will be booted at the next reset.
    pub pending: bool,
    /// Pending, and without a trial.
    pub permanent: bool,
}

/// How the slot of the next boot was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Normal,
    Test,
    Revert,
}

pub(super) fn image_error(code: u16) -> Refusal {
    Refusal::Group { group: group::IMAGE, code }
}

impl Server {
    fn next_boot(&mut self, image: usize) -> (usize, Next) {
        let mode = self.options.boot_mode;
        let active = self.active(image);
        let other = 1 - active;
        let pair = &mut self.boot.pairs[image];
        if matches!(mode, BootMode::Single | BootMode::FirmwareLoader) {
            return (active, Next::Normal);
        }
        if !mode.picks_slot() || self.options.quirks.flags_by_marks {
            return match pair.swap_type() {
                SwapType::None => (active, Next::Normal),
                SwapType::Test => (other, Next::Test),
                SwapType::Permanent => (other, Next::Normal),
                SwapType::Revert => (other, Next::Revert),
            };
        }
        let higher = pair.slots[other].info().is_ok() && newer(pair, other, active) == Ordering::Greater;
        if mode != BootMode::DirectXipRevert {
            return (if higher { other } else { active }, Next::Normal);
        }
        if pair.slots[other].info().is_err() {
            return (active, Next::Normal);
        }
        let (mine, theirs) = (pair.slots[active].trailer, pair.slots[other].trailer);
        if mine.magic && mine.copy_done && !mine.image_ok {
            (other, Next::Revert)
        } else if !theirs.magic {
            let once = mine.magic && !mine.image_ok && !mine.copy_done;
            (active, if once { Next::Test } else { Next::Normal })
        } else if higher && theirs.image_ok {
            (other, Next::Normal)
        } else if higher && !theirs.copy_done {
            (other, Next::Test)
        } else {
            (active, Next::Normal)
        }
    }

    pub(super) fn flags(&mut self, image: usize, slot: usize) -> Flags {
        if self.options.is_new() { self.flags_new(image, slot) } else { self.flags_old(image, slot) }
    }

    fn flags_new(&mut self, image: usize, slot: usize) -> Flags {
        let (next, kind) = self.next_boot(image);
        let active = self.active(image);
        if self.options.quirks.loader.is_some_and(|loader| loader.bare_metal) {
            let loads = active == 1;
            return Flags { active: slot == active, confirmed: loads && slot == 0, ..Flags::default() };
        }
        if slot == active {
            return Flags { active: true, confirmed: kind != Next::Revert, ..Flags::default() };
        }
        match kind {
            _ if next == active => Flags::default(),
            Next::Normal => Flags { pending: true, permanent: true, ..Flags::default() },
            Next::Revert => Flags { confirmed: true, ..Flags::default() },
            Next::Test => Flags { pending: true, ..Flags::default() },
        }
    }

    /// Only slot 0 of image 0 counts as running, so the network core's slots get its neighbour's flags.
    fn flags_old(&mut self, image: usize, slot: usize) -> Flags {
        let running = image == 0 && slot == 0;
        let kind = self.boot.pairs[image].swap_type();
        let (test, permanent) = (kind == SwapType::Test, kind == SwapType::Permanent);
        Flags {
            active: running,
            confirmed: if running { kind != SwapType::Revert } else { kind == SwapType::Revert },
            pending: !running && (test || permanent),
            permanent: !running && permanent,
        }
    }

    pub(super) fn slot_in_use(&mut self, image: usize, slot: usize) -> bool {
        if !self.options.is_new() {
            let flags = self.flags_old(image, slot);
            return flags.active || flags.confirmed || flags.pending;
        }
        let active = self.active(image);
        if self.options.quirks.loader.is_some() && active == 0 {
            // An application beside a loader takes no upload.
            return true;
        }
        if self.options.boot_mode != BootMode::DirectXip {
            let (next, kind) = self.next_boot(image);
            if slot == next && kind == Next::Revert {
                return true;
            }
            let pending = (slot == next && kind == Next::Test) || (active != next && kind == Next::Normal);
            if pending && !self.options.allow_erase_pending {
                return true;
            }
        }
        slot == active
    }

    /// What the server can read of a slot at all.
    fn reads(&mut self, image: usize, slot: usize) -> bool {
        let listing = self.options.quirks.listing;
        let bare_metal = self.options.quirks.loader.is_some_and(|loader| loader.bare_metal);
        if bare_metal && slot == 1 && self.active(image) == 0 {
            return false;
        }
        match self.boot.pairs[image].slots[slot].info() {
            Ok(info) => listing != Listing::Sha256Only || info.hash.len() == 32,
            Err(_) => false,
        }
    }

    pub(super) fn state_read(&mut self, writer: &mut Writer<'_>) -> Handled {
        let several = self.boot.pairs.len() > 1;
        let frugal = self.options.frugal_list;
        let listing = self.options.quirks.listing;
        writer.text("images");
        writer.list();
        for image in 0..self.boot.pairs.len() {
            for slot in 0..2 {
                let flags = self.flags(image, slot);
                if listing == Listing::Nothing || !self.reads(image, slot) {
                    continue;
                }
                let Ok(info) = self.boot.pairs[image].slots[slot].info() else { continue };
                writer.map();
                if several {
                    writer.uint_at("image", image as u64);
                }
                writer.uint_at("slot", slot as u64);
                writer.text_at("version", &info.version.to_string());
                if listing != Listing::WithoutHashes {
                    writer.text("hash");
                    writer.bytes(&info.hash);
                }
                writer.flag_at("bootable", info.bootable, frugal);
                writer.flag_at("pending", flags.pending, frugal);
                writer.flag_at("confirmed", flags.confirmed, frugal);
                writer.flag_at("active", flags.active, frugal);
                writer.flag_at("permanent", flags.permanent, frugal);
                writer.end();
            }
        }
        writer.end();
        if !frugal {
            writer.uint_at("splitStatus", 0);
        }
        Ok(0)
    }

    /// The length of the hashes that the server knows.
    fn hash_len(&self) -> usize {
        if self.options.quirks.listing == Listing::Sha256Only { 32 } else { self.options.hash_len }
    }

    fn find_hash(&mut self, hash: &[u8]) -> Option<(usize, usize)> {
        for image in 0..self.boot.pairs.len() {
            for slot in 0..2 {
                let found = self.boot.pairs[image].slots[slot].info().is_ok_and(|info| info.hash == hash);
                if found && self.reads(image, slot) {
                    return Some((image, slot));
                }
            }
        }
        None
    }

    pub(super) fn state_write(&mut self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let mode = self.options.boot_mode;
        // Zephyr 3.1.99 knows no mode but swap, and marks whatever the bootloader makes of it.
        if !mode.marks() && self.options.is_new() {
            return Err(Refusal::Rc(rc::NOT_SUPPORTED, None));
        }
        let args = Args::parse(body)?;
        let confirm = args.boolean("confirm")?.unwrap_or(false);
        let hash = args.bytes("hash")?.unwrap_or_default();
        let new = self.options.is_new();
        let refuse = |code| if new { image_error(code) } else { Refusal::Rc(rc::INVALID, None) };
        let (image, slot) = if hash.is_empty() {
            if !confirm {
                return Err(refuse(24));
            }
            (0, self.active(0))
        } else if hash.len() != self.hash_len() {
            return Err(refuse(24));
        } else {
            self.find_hash(hash).ok_or(refuse(8))?
        };
        if new {
            self.choose_new(image, slot, confirm)?;
        } else {
            self.choose_old(image, slot, confirm)?;
        }
        self.state_read(writer)
    }

    /// Zephyr 3.1.99. A refused confirm is reported as done (zephyr#56617).
    fn choose_old(&mut self, image: usize, slot: usize, confirm: bool) -> Result<(), Refusal> {
        if (image, slot) == (0, 0) && confirm {
            let pending = matches!(self.boot.pairs[0].swap_type(), SwapType::Test | SwapType::Permanent);
            if !pending {
                self.boot.pairs[0].confirm_primary(self.options.boot_mode);
            }
            return Ok(());
        }
        if self.flags_old(image, slot).confirmed && (image, slot) != (0, 0) {
            return Err(Refusal::Rc(rc::BAD_STATE, None));
        }
        if slot != 1 {
            return Err(Refusal::Rc(rc::UNKNOWN, None));
        }
        self.mark(image, slot, confirm);
        Ok(())
    }

    fn choose_new(&mut self, image: usize, slot: usize, confirm: bool) -> Result<(), Refusal> {
        let active = self.active(image);
        let (next, kind) = self.next_boot(image);
        if confirm && image != 0 && slot == active {
            return Err(image_error(32));
        }
        if confirm && slot != active && !self.options.allow_confirm_secondary {
            return Err(image_error(32));
        }
        if !confirm && slot == active {
            return Err(image_error(33));
        }
        if self.options.boot_mode != BootMode::DirectXipRevert || self.options.quirks.flags_by_marks {
            match kind {
                Next::Test if !confirm && slot == next => return Ok(()),
                Next::Test => return Err(image_error(28)),
                Next::Normal if confirm && slot == next => return Ok(()),
                Next::Normal if slot == active && active != next => return Err(image_error(28)),
                Next::Normal if !confirm && slot == next => return Err(image_error(28)),
                Next::Normal => {}
                Next::Revert if confirm && slot == next => return Ok(()),
                Next::Revert if !confirm => return Err(image_error(28)),
                Next::Revert => {}
            }
        }
        let mode = self.options.boot_mode;
        if slot != active {
            self.mark(image, slot, confirm);
            return Ok(());
        }
        let pair = &mut self.boot.pairs[image];
        if mode.picks_slot() {
            pair.slots[slot].trailer.image_ok = pair.slots[slot].trailer.magic;
        } else {
            pair.confirm_primary(mode);
        }
        Ok(())
    }
}
