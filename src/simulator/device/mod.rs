//! The virtual device: a Zephyr SMP server with its buffer pool, flash and MCUboot, in virtual microseconds.
//!
//! It shares no code with the client: requests are decoded by its own reader and by ciborium, answers are written
//! by its own writer, so a test against it compares two readings of the protocol.

mod answer;
mod bootloader;
mod cbor;
mod console;
mod files_group;
mod flash;
mod image_group;
mod image_state;
mod options;
mod os_group;
mod other_groups;
mod reassembly;
mod recovery;
mod server;
mod settings_group;
mod statistics_group;
mod upload;
mod upload_request;

use std::collections::VecDeque;

pub use image_state::Flags;
pub use options::{BootMode, DeviceOptions, DeviceProfile, EraseMode, FlashTiming, Transport};

use super::image::{self, Version};
use answer::rc;
use bootloader::Boot;
use console::Console;
use reassembly::{Collected, Reassembly};
use server::{HEADER, Header, READ, Server, WRITE};

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

/// A packet in a message buffer.
#[derive(Debug, Clone)]
struct Waiting {
    since: u64,
    connection: u32,
    packet: Vec<u8>,
}

/// The request in the worker's hands.
#[derive(Debug, Clone)]
struct Work {
    connection: u32,
    packet: Vec<u8>,
    at: usize,
    until: u64,
    answer: Option<Vec<u8>>,
    /// A second buffer is taken for the response.
    response_buffer: bool,
    goes_on: bool,
}

/// A Zephyr device in virtual time. Times are microseconds and must not go back.
#[derive(Debug, Clone)]
pub struct VirtualDevice {
    server: Server,
    now: u64,
    connected: bool,
    frozen: bool,
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
        for pair in 0..device.server.boot.pairs.len() {
            device.put(pair, 0, &image);
        }
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

    /// Puts bytes into the slot that does not run, unchecked and unmarked: what an earlier upload left there.
    pub fn preload(&mut self, number: usize, bytes: &[u8]) {
        if let Some(pair) = self.server.boot.pairs.get_mut(number) {
            pair.slots[1 - pair.active].set(bytes);
        }
    }

    /// One write of the carrier reaches the device.
    pub fn write(&mut self, now_us: u64, bytes: &[u8]) {
        self.advance(now_us);
        if !self.connected || self.booted_at.is_some() {
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

    fn take(&mut self, bytes: &[u8]) {
        let options = &self.server.options;
        let buf_size = options.buf_size as usize;
        let free = self.buffers_used() < options.buf_count as usize;
        if options.transport == Transport::Ble && options.reassembly {
            let spare = &mut self.spare;
            let collected =
                self.reassembly.collect(bytes, buf_size, free, || spare.pop().unwrap_or_default());
            match collected {
                Collected::Partial => {}
                Collected::Frame(frame) => self.enqueue(frame),
                Collected::Dropped => self.counters.dropped_writes += 1,
                Collected::NoBuffer => self.counters.no_buffer += 1,
            }
            return;
        }
        if !free {
            self.counters.no_buffer += 1;
            return;
        }
        let mut bytes = bytes;
        if bytes.len() > buf_size {
            if options.transport == Transport::Ble {
                self.counters.dropped_writes += 1;
                return;
            }
            bytes = &bytes[..buf_size];
        }
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.extend_from_slice(bytes);
        self.enqueue(packet);
    }

    fn enqueue(&mut self, packet: Vec<u8>) {
        self.queue.push_back(Waiting { since: self.now, connection: self.connection, packet });
    }

    /// Message buffers in use: waiting requests, a half frame, the request at work and its response.
    fn buffers_used(&self) -> usize {
        let work = self.work.as_ref().map_or(0, |w| 1 + usize::from(w.response_buffer));
        self.queue.len() + usize::from(self.reassembly.holds_buffer()) + work
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

    fn next_internal(&self) -> Option<u64> {
        if self.booted_at.is_some() {
            return self.booted_at;
        }
        let stuck = self.frozen || self.server.hung;
        let work = match &self.work {
            _ if stuck => None,
            Some(work) => Some(work.until),
            None => self
                .queue
                .front()
                .map(|w| w.since.saturating_add(self.server.options.wake_us).max(self.idle_since)),
        };
        work.into_iter().chain(self.reboot_at).min()
    }

    /// Runs the device up to this time.
    fn advance(&mut self, now: u64) {
        while let Some(at) = self.next_internal().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            if self.booted_at.is_some() {
                self.booted_at = None;
            } else if self.reboot_at == Some(at) {
                self.restart();
            } else if self.work.is_some() {
                self.finish_request();
            } else if let Some(Waiting { packet, connection, .. }) = self.queue.pop_front() {
                let work = Work {
                    connection,
                    packet,
                    at: 0,
                    until: at,
                    answer: None,
                    response_buffer: false,
                    goes_on: true,
                };
                self.work = Some(work);
                self.start_request();
            }
        }
        self.now = self.now.max(now);
    }

    /// Takes up the next request of the packet at work, or puts the packet away.
    fn start_request(&mut self) {
        // The response of the request before was sent, so its buffer is free again.
        let used = self.buffers_used() - self.work.as_ref().map_or(0, |w| usize::from(w.response_buffer));
        let free = used < self.server.options.buf_count as usize;
        let Some(work) = self.work.as_mut() else { return };
        work.answer = None;
        work.response_buffer = false;
        let rest = &work.packet[work.at..];
        let Some(header) = Header::parse(rest).filter(|_| work.goes_on) else {
            // Fewer than 8 bytes: nothing that could be answered.
            self.put_away();
            return;
        };
        let mut spent = 0;
        let new = self.server.options.is_new();
        match rest.get(HEADER..HEADER + header.length) {
            None => {
                work.answer = Some(self.server.error(&header, rc::CORRUPT));
                work.goes_on = false;
            }
            Some(_) if new && header.op != READ && header.op != WRITE => {
                work.answer = Some(self.server.error(&header, rc::NOT_SUPPORTED));
                work.goes_on = false;
            }
            Some(_) if !free => {
                self.counters.no_response_buffer += 1;
                work.answer = Some(self.server.error(&header, rc::NO_MEMORY));
                work.goes_on = false;
            }
            Some(body) => {
                let (answer, goes_on, time) = self.server.handle(self.now, &header, body);
                work.answer = Some(answer);
                work.goes_on = goes_on;
                work.response_buffer = true;
                work.at += HEADER + header.length;
                spent = time;
            }
        }
        self.counters.requests += 1;
        work.until = self.now.saturating_add(self.server.options.request_us.saturating_add(spent));
    }

    fn finish_request(&mut self) {
        if let Some(work) = self.work.as_mut()
            && let Some(answer) = work.answer.take()
        {
            if work.connection == self.connection {
                self.send(answer)
            } else {
                self.counters.lost_answers += 1
            }
        }
        if std::mem::take(&mut self.server.reset_requested) && self.reboot_at.is_none() {
            self.reboot_at = Some(self.now.saturating_add(self.server.options.reset_delay_us));
        }
        self.start_request();
    }

    fn put_away(&mut self) {
        if let Some(mut work) = self.work.take() {
            work.packet.clear();
            if self.spare.len() < 16 {
                self.spare.push(work.packet);
            }
        }
        self.idle_since = self.now;
    }

    fn send(&mut self, frame: Vec<u8>) {
        if !self.connected {
            self.counters.lost_answers += 1;
            return;
        }
        self.counters.answers += 1;
        if self.server.options.transport == Transport::Serial {
            let pieces = self.console.encode(&frame, self.now);
            self.out.extend(pieces.into_iter().map(|piece| (self.now, piece)));
            return;
        }
        let piece = self.server.options.max_write.max(1) as usize;
        if self.server.options.transport != Transport::Ble || frame.len() <= piece {
            self.out.push_back((self.now, frame));
            return;
        }
        for piece in frame.chunks(piece) {
            self.out.push_back((self.now, piece.to_vec()));
        }
    }

    fn restart(&mut self) {
        self.reboot_at = None;
        self.work = None;
        self.queue.clear();
        self.reassembly.clear();
        self.console.clear();
        self.frozen = false;
        self.server.restart();
        let Boot { spent, swapped, reverted, refused } = self.server.boot.boot(&self.server.options);
        self.counters.boots += 1;
        self.counters.swaps += u64::from(swapped);
        self.counters.reverts += u64::from(reverted);
        self.counters.refused += u64::from(refused);
        self.idle_since = self.now.saturating_add(spent);
        self.booted_at = Some(self.idle_since);
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

    /// Offset and length of the upload under way, if there is one.
    pub fn upload(&self) -> Option<(usize, usize)> {
        let upload = &self.server.upload;
        upload.open.then_some((upload.off, upload.size))
    }

    /// The counters so far.
    pub fn counters(&self) -> DeviceCounters {
        self.counters
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
