//! Whole updates of the virtual device, whose answers are damaged, lost or repeated as the bytes say.

use smpfota::simulator::{DeviceOptions, DeviceProfile, FlashTiming, Transport, VirtualDevice};
use smpfota::{Framing, LinkEvent, UpdateMode, UpdateOptions};

use super::super::bytes::Bytes;
use super::super::checked::{Checked, Pumped};
use super::super::script::{session_options, update_options};
use super::super::stub::{Sample, samples};

/// Longer than any update of such a small image takes.
const MOST_ROUNDS: usize = 3_000;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let options = session_options(&mut bytes);
    let update = update_options(&mut bytes);
    let sample = &samples()[usize::from(bytes.byte()) % 2];
    let device = device(&mut bytes, options.framing);
    let Some(mut checked) = Checked::open(options) else { return };
    checked.writes = Some(Vec::new());
    let batches = options.batch_frames > 0;
    let mut run =
        Run { checked, device, bytes, sample, batches, changed: false, rebooted: false, up_at: None };
    if run.checked.session.start_update(sample.firmware.clone(), update).is_err() {
        return;
    }
    run.checked.started(&sample.bytes, &sample.hash);
    run.play(&update);
}

fn device(bytes: &mut Bytes<'_>, framing: Framing) -> VirtualDevice {
    let choice = bytes.byte();
    let profile = if choice & 1 == 0 { DeviceProfile::Zephyr44 } else { DeviceProfile::Ncs21 };
    let mut options = DeviceOptions::new(profile);
    options.slot_size = 0x4000;
    options.image_size = 200;
    options.flash = FlashTiming::INSTANT;
    options.boot_us = 100_000;
    options.buf_count = [4, 2, 3, 8][usize::from(choice >> 1 & 3)];
    options.buf_size = if choice & 8 == 0 { 384 } else { 2_475 };
    options.reassembly = choice & 16 == 0;
    options.params = choice & 32 == 0;
    options.legacy_rc = choice & 64 != 0;
    options.frugal_list = choice & 128 != 0;
    if framing == Framing::Serial {
        options.transport = Transport::Serial;
    }
    VirtualDevice::new(options)
}

struct Run<'a> {
    checked: Checked,
    device: VirtualDevice,
    bytes: Bytes<'a>,
    sample: &'static Sample,
    /// The carrier takes several writes in one call.
    batches: bool,
    /// Whether bytes were altered on the way, so that the device's word can no longer be taken.
    changed: bool,
    rebooted: bool,
    up_at: Option<u64>,
}

impl Run<'_> {
    fn now_us(&self) -> u64 {
        self.checked.now * 1_000
    }

    fn play(&mut self, update: &UpdateOptions) {
        for _ in 0..MOST_ROUNDS {
            match self.checked.pump(self.checked.now) {
                Pumped::Done => {
                    self.judge(update);
                    return;
                }
                Pumped::Failed(_) => return,
                Pumped::HealthCheck => {
                    let _ = self.checked.session.health(self.checked.now, self.bytes.byte() != 1);
                    continue;
                }
                Pumped::LinkReset if self.bytes.byte() & 1 == 1 && self.up_at.is_none() => {
                    self.device.link_down(self.now_us());
                    self.checked.link(self.checked.now, LinkEvent::Down);
                    self.up_at = Some(self.checked.now + 1_000);
                }
                _ => {}
            }
            self.checked.frames.clear();
            let requests = self.checked.writes.replace(Vec::new()).unwrap_or_default();
            // A gateway that keeps the time between the writes of a call, or one that does not.
            let keeps = self.batches && self.bytes.byte() < 0xe0;
            let calls = requests.len();
            for (delay, write) in requests {
                if keeps {
                    self.checked.advance(u64::from(delay));
                }
                self.carry(write);
            }
            self.wait();
            if self.batches && calls > 0 {
                self.return_from_call();
            }
        }
        self.checked.run_out();
    }

    /// The call comes back with what the device says until nothing more comes; sometimes nobody hears of it.
    fn return_from_call(&mut self) {
        let end = self.checked.session.expected().wait_ms;
        let until = self.checked.now.saturating_add(u64::from(end.min(2_000)));
        while self.device.next_event().is_some_and(|us| us.div_ceil(1_000) <= until) {
            let before = (self.checked.now, self.device.next_event());
            self.wait();
            if before == (self.checked.now, self.device.next_event()) {
                break;
            }
        }
        if self.bytes.byte() < 0xe8 {
            self.checked.call_returned(self.checked.now);
        }
    }

    /// One write to the device, mostly whole.
    fn carry(&mut self, write: Vec<u8>) {
        let now = self.now_us();
        match self.bytes.byte() {
            0xf0..=0xf7 => {}
            0xf8..=0xfb => {
                self.device.write(now, &write);
                self.device.write(now, &write);
            }
            0xfc => {
                let cut = usize::from(self.bytes.byte()).min(write.len());
                self.changed = true;
                self.device.write(now, &write[..cut]);
            }
            _ => self.device.write(now, &write),
        }
    }

    /// To the next instant at which something happens; what arrived is fed.
    fn wait(&mut self) {
        let deadline = self.checked.session.deadline();
        let arrival = self.device.next_event().map(|us| us.div_ceil(1_000));
        let next = [deadline, arrival, self.up_at].into_iter().flatten().min();
        let next = next.unwrap_or(self.checked.now + 1_000).max(self.checked.now);
        self.checked.advance(next - self.checked.now);
        if self.up_at.is_some_and(|at| at <= self.checked.now) {
            self.up_at = None;
            self.device.link_up(self.now_us());
            self.checked.link(self.checked.now, LinkEvent::Up);
        }
        while let Some(mut answer) = self.device.poll(self.now_us()) {
            match self.bytes.byte() {
                0xe0..=0xe7 => continue,
                0xe8..=0xeb => self.checked.feed(self.checked.now, &answer),
                0xec..=0xef => {
                    let at = usize::from(self.bytes.u16()) % answer.len().max(1);
                    if let Some(byte) = answer.get_mut(at) {
                        *byte ^= self.bytes.byte();
                    }
                    self.changed = true;
                }
                0xf0..=0xf3 => {
                    let (first, second) = answer.split_at(usize::from(self.bytes.byte()).min(answer.len()));
                    self.checked.feed(self.checked.now, first);
                    answer = second.to_vec();
                }
                0xf4 => {
                    let length = usize::from(self.bytes.byte());
                    let garbage = self.bytes.take(length);
                    self.changed = true;
                    self.checked.feed(self.checked.now, garbage);
                }
                0xf5 => {
                    self.device.reboot(self.now_us());
                    self.rebooted = true;
                    continue;
                }
                _ => {}
            }
            self.checked.feed(self.checked.now, &answer);
        }
    }

    /// A success must be true, unless somebody on the way changed what the device said.
    fn judge(&mut self, update: &UpdateOptions) {
        if self.changed {
            return;
        }
        let slots = self.device.slots();
        let found = slots.iter().find(|slot| slot.hash == self.sample.hash);
        match update.mode {
            UpdateMode::UploadOnly => assert!(found.is_some(), "not there: {slots:?}"),
            // A test image goes back at any further reboot.
            UpdateMode::TestOnly if self.rebooted => {}
            UpdateMode::TestOnly => {
                assert!(found.is_some_and(|slot| slot.flags.active), "does not run: {slots:?}")
            }
            _ => assert!(
                found.is_some_and(|slot| slot.flags.active && slot.flags.confirmed),
                "not confirmed: {slots:?}"
            ),
        }
    }
}
