//! The virtual device: a Zephyr SMP server with its buffer pool, flash and MCUboot, in virtual microseconds.
//!
//! It shares no code with the client: requests are decoded by its own reader and by ciborium, answers are written
//! by its own writer, so a test against it compares two readings of the protocol.

mod answer;
mod bootloader;
mod buffers;
mod cbor;
mod console;
mod field;
mod files_group;
mod flash;
mod hand_over;
mod image_group;
mod image_state;
mod options;
mod os_group;
mod other_groups;
mod quirks;
mod reassembly;
mod recovery;
mod request_log;
mod server;
mod settings_group;
mod statistics_group;
mod upload;
mod upload_request;
mod worker;

use std::collections::VecDeque;

pub use field::FieldDevice;
pub use image_state::Flags;
pub use options::{BootMode, DeviceOptions, DeviceProfile, EraseMode, FlashTiming, Transport};
pub use quirks::{
    AfterUpload, ComingBack, ImmutableBootloader, Listing, LoaderSetup, NetworkCore, Quirks, RecoveryList,
    RecoveryRelease, RecoveryServer, SwitchedOff, VersionText,
};
pub use request_log::LoggedRequest;

use super::image::{self, Version};
use buffers::Waiting;
use console::Console;
use reassembly::Reassembly;
use server::Server;
use worker::Work;

/// What happened inside the device so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Requests that were handled.
    pub requests: u64,
    /// Answers sent, in frames.
    pub answers: u64,
    /// Packets dropped in silence because no message buffer was free.
    pub no_buffer: u64,
    /// Requests answered with rc 2 because no buffer was left for the response.
    pub no_response_buffer: u64,
    /// Writes dropped for their size, or by the reassembly.
    pub dropped_writes: u64,
    /// Writes that came while the device was off the link or booting.
    pub unheard: u64,
    /// Answers that nobody was there to get.
    pub lost_answers: u64,
    /// Reboots.
    pub boots: u64,
    /// Reboots that exchanged images.
    pub swaps: u64,
    /// Reboots that took an unconfirmed image back.
    pub reverts: u64,
    /// Marked images that the bootloader would not boot.
    pub refused: u64,
    /// Bytes that the application's upload wrote over the slot it runs from.
    pub written_running: u64,
}

/// One slot as the device sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotState {
    /// Image number.
    pub image: usize,
    /// Slot number.
    pub slot: usize,
    /// The version, where the slot holds an image.
    pub version: Version,
    /// The image's hash TLV.
    pub hash: Vec<u8>,
    /// The hash fits the bytes.
    pub valid: bool,
    /// The flags of the image list.
    pub flags: Flags,
}

/// The bytes given to [`VirtualDevice::install`] are not an image that would boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// No header, no hash, or a hash that does not fit.
    #[error("the bytes are not a valid MCUboot image")]
    Invalid,
    /// Longer than the slot.
    #[error("the image does not fit the slot")]
    TooLarge,
}

/// A Zephyr device in virtual time. Times are microseconds and must not go back.
#[derive(Debug, Clone)]
pub struct VirtualDevice {
    server: Server,
    now: u64,
    connected: bool,
    frozen: bool,
    /// Nothing that is written reaches its server, for the way in which it came back.
    away: bool,
    queue: VecDeque<Waiting>,
    /// Counts connections: an answer to a request of an earlier one finds nobody (zephyr#51757).
    connection: u32,
    reassembly: Reassembly,
    console: Console,
    work: Option<Work>,
    idle_since: u64,
    reboot_at: Option<u64>,
    booted_at: Option<u64>,
    out: VecDeque<(u64, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    counters: DeviceCounters,
}

impl VirtualDevice {
    /// A device that is up, connected, and runs the image of its options, confirmed.
    pub fn new(options: DeviceOptions) -> VirtualDevice {
        let image = image::make(options.version, options.image_size as usize, options.seed);
        let console = Console::new(options.seed, options.console_noise);
        let mut device = VirtualDevice {
            server: Server::new(options),
            now: 0,
            connected: true,
            frozen: false,
            away: false,
            queue: VecDeque::new(),
            connection: 0,
            reassembly: Reassembly::default(),
            console,
            work: None,
            idle_since: 0,
            reboot_at: None,
            booted_at: None,
            out: VecDeque::new(),
            spare: Vec::new(),
            counters: DeviceCounters::default(),
        };
        // The firmware loader's own slot is the second one.
        let loader = device.server.options.boot_mode == BootMode::FirmwareLoader;
        let application = device.server.options.quirks.loader.is_some();
        let slot = usize::from(loader && !application);
        for pair in 0..device.server.boot.pairs.len() {
            if device.server.boot.has_hidden_primary(pair) {
                continue;
            }
            device.server.boot.pairs[pair].active = slot;
            device.put(pair, slot, &image);
            if application {
                let options = &device.server.options;
                let loader = image::make((0, 9, 0), options.image_size as usize, options.seed ^ 0x10ad);
                let starts = options.quirks.loader.is_some_and(|loader| loader.in_loader);
                device.put(pair, 1, &loader);
                device.server.boot.pairs[pair].active = usize::from(starts);
            }
        }
        device.server.boot.radio.bytes = image;
        device
    }

    fn put(&mut self, pair: usize, slot: usize, image: &[u8]) {
        let mode = self.server.options.boot_mode;
        let content = &mut self.server.boot.pairs[pair].slots[slot];
        content.set(image);
        if mode == BootMode::DirectXipRevert {
            content.trailer = flash::Trailer { magic: true, image_ok: true, copy_done: true };
        }
    }

    /// Puts a signed or merely hashed image into the running slot of image 0, confirmed, as a programmer would.
    pub fn install(&mut self, image: &[u8]) -> Result<(), InstallError> {
        self.install_at(0, image)
    }

    /// As [`install`](Self::install), for the image of this number.
    pub fn install_at(&mut self, number: usize, image: &[u8]) -> Result<(), InstallError> {
        let options = &self.server.options;
        if image.len() > options.slot_size as usize {
            return Err(InstallError::TooLarge);
        }
        let info = image::inspect(image, options.hash_len).map_err(|_| InstallError::Invalid)?;
        if !image::verify(image, &info) || number >= self.server.boot.pairs.len() {
            return Err(InstallError::Invalid);
        }
        let active = self.server.boot.pairs[number].active;
        self.put(number, active, image);
        Ok(())
    }

    /// Marks what lies in the slot that does not run: what an earlier client left undone.
    pub fn mark(&mut self, number: usize, permanent: bool) {
        if let Some(pair) = self.server.boot.pairs.get_mut(number) {
            pair.set_pending(1 - pair.active, permanent);
        }
    }

    /// Puts bytes into the slot that does not run, unchecked and unmarked: what an earlier upload left there.
    pub fn preload(&mut self, number: usize, bytes: &[u8]) {
        if let Some(pair) = self.server.boot.pairs.get_mut(number) {
            pair.slots[1 - pair.active].set(bytes);
        }
    }

    /// One write of the carrier reaches the device.
    pub fn write(&mut self, now_us: u64, bytes: &[u8]) {
        self.advance(now_us);
        if !self.connected || self.away || self.booted_at.is_some() {
            self.counters.unheard += 1;
            return;
        }
        if self.server.options.transport != Transport::Serial {
            self.take(bytes);
            return;
        }
        // Length and CRC of the console framing share the buffer with the packet.
        let most = (self.server.options.buf_size as usize).saturating_sub(4);
        for packet in self.console.take(bytes, most) {
            self.take(&packet);
        }
    }

    /// The next notification that the device has sent by now.
    pub fn poll(&mut self, now_us: u64) -> Option<Vec<u8>> {
        self.advance(now_us);
        self.out.pop_front().map(|(_, bytes)| bytes)
    }

    /// As [`poll`](Self::poll), with the time at which it was sent.
    pub fn poll_timed(&mut self, now_us: u64) -> Option<(u64, Vec<u8>)> {
        self.advance(now_us);
        self.out.pop_front()
    }

    /// When something next happens inside the device, if it is left alone. The event may be without a notification.
    pub fn next_event(&self) -> Option<u64> {
        let sent = self.out.front().map(|(at, _)| *at);
        sent.into_iter().chain(self.next_internal()).min()
    }

    /// The connection is gone: half frames end, answers find nobody, a stuck server comes free.
    pub fn link_down(&mut self, now_us: u64) {
        self.advance(now_us);
        self.connected = false;
        self.connection += 1;
        self.reassembly.clear();
        self.console.clear();
        self.counters.lost_answers += self.out.len() as u64;
        self.out.clear();
        if std::mem::take(&mut self.frozen)
            && let Some(work) = self.work.as_mut()
        {
            work.until = work.until.max(self.now);
        }
        self.idle_since = self.idle_since.max(self.now);
    }

    /// There is a connection again.
    pub fn link_up(&mut self, now_us: u64) {
        self.advance(now_us);
        self.connected = true;
        self.away &= self.server.options.quirks.coming_back != ComingBack::AnotherAddress;
    }

    /// Somebody pairs with it.
    pub fn pair(&mut self, now_us: u64) {
        self.advance(now_us);
        self.away &= self.server.options.quirks.coming_back != ComingBack::WithoutBonds;
    }

    /// The device resets by itself (a watchdog, a flat battery), without a word.
    pub fn reboot(&mut self, now_us: u64) {
        self.advance(now_us);
        if self.booted_at.is_none() {
            self.out.clear();
            self.restart();
        }
    }

    /// The server waits for ever on a notification (zephyr#49661), until the link goes down.
    pub fn freeze(&mut self, now_us: u64) {
        self.advance(now_us);
        self.frozen = true;
    }

    /// The device answers nothing until its link goes down or it reboots.
    pub fn is_frozen(&self) -> bool {
        self.frozen || self.server.hung
    }

    /// Every slot that holds an image.
    pub fn slots(&mut self) -> Vec<SlotState> {
        let mut states = Vec::new();
        for image in 0..self.server.boot.pairs.len() {
            for slot in 0..2 {
                let flags = self.server.flags(image, slot);
                let content = &mut self.server.boot.pairs[image].slots[slot];
                let valid = content.is_valid();
                if let Ok(info) = content.info() {
                    let (version, hash) = (info.version, info.hash.clone());
                    states.push(SlotState { image, slot, version, hash, valid, flags });
                }
            }
        }
        states
    }

    /// The version that runs (image 0).
    pub fn running(&mut self) -> Option<Version> {
        let pair = &mut self.server.boot.pairs[0];
        pair.slots[pair.active].info().ok().map(|info| info.version)
    }

    /// The bytes in a slot, as far as they were ever written.
    pub fn slot_bytes(&self, image: usize, slot: usize) -> &[u8] {
        self.server.boot.pairs.get(image).and_then(|p| p.slots.get(slot)).map_or(&[], |s| s.bytes())
    }

    /// What runs on the network core, where there is one.
    pub fn network_core(&self) -> &[u8] {
        &self.server.boot.radio.bytes
    }

    /// The slot that the immutable bootloader starts MCUboot from, where there is one.
    pub fn bootloader_slot(&self) -> Option<usize> {
        self.server.boot.stages.as_ref().map(|stages| stages.active())
    }

    /// What was written to a slot of the immutable bootloader.
    pub fn bootloader_bytes(&self, slot: usize) -> &[u8] {
        self.server.boot.stages.as_ref().and_then(|s| s.bytes.get(slot)).map_or(&[], Vec::as_slice)
    }

    /// From now on every request that is handled is written down; see [`requests`](Self::requests).
    pub fn log_requests(&mut self) {
        self.server.log.get_or_insert_default();
    }

    /// The requests handled since [`log_requests`](Self::log_requests).
    pub fn requests(&self) -> &[LoggedRequest] {
        self.server.log.as_deref().unwrap_or_default()
    }

    /// Offset and length of the upload under way, if there is one.
    pub fn upload(&self) -> Option<(usize, usize)> {
        let upload = &self.server.upload;
        upload.open.then_some((upload.off, upload.size))
    }

    /// The counters so far.
    pub fn counters(&self) -> DeviceCounters {
        DeviceCounters { written_running: self.server.written_running, ..self.counters }
    }

    /// The options it was made with.
    pub fn options(&self) -> &DeviceOptions {
        &self.server.options
    }

    /// The server is up, not booting.
    pub fn is_up(&self) -> bool {
        self.booted_at.is_none()
    }
}
