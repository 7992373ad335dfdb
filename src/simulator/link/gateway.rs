//! The gateway between the cloud and the device: where the fault scripts interfere.

use std::sync::Arc;

use super::super::device::VirtualDevice;
use super::super::rng::Rng;
use super::batch::Batch;
use super::fault::{FRAME_CEILING, Fault, TRUNCATE_FROM};

/// What the script wants done besides (or instead of) passing a frame on. Delays are µs from now.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Hand this to the device.
    ToDevice(u64, Batch),
    /// Hand this to the client.
    ToClient(u64, Batch),
}

/// The script's memory.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    fault: Fault,
    rng: Rng,
    typical_us: u64,
    frames: u64,
    uploads: u64,
    first_upload: Option<Arc<Batch>>,
    first_answer: Option<Batch>,
    latest: Option<Batch>,
    done: bool,
    /// Times the script did something.
    pub(super) acts: u64,
}

impl Gateway {
    pub(super) fn new(fault: Fault, rng: Rng, typical_us: u64) -> Gateway {
        Gateway {
            fault,
            rng,
            typical_us,
            frames: 0,
            uploads: 0,
            first_upload: None,
            first_answer: None,
            latest: None,
            done: false,
            acts: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.fault == Fault::None
    }

    /// A frame on its way to the device. `false`: it goes no further.
    pub(super) fn down(&mut self, batch: &mut Batch, device: &VirtualDevice, acts: &mut Vec<Act>) -> bool {
        self.frames += 1;
        let upload = batch.is_upload();
        self.uploads += u64::from(upload);
        match self.fault {
            Fault::SeedThread if upload && self.uploads == 2 => {
                self.acts += 1;
                return false;
            }
            Fault::SeedThread if self.uploads >= 6 && !self.done => {
                if let Some(answer) = self.first_answer.take() {
                    self.act(acts, Act::ToClient(0, answer));
                }
                self.done = true;
            }
            Fault::TruncateOne => {
                batch.retain(|write| {
                    if write.len() >= TRUNCATE_FROM {
                        write.pop();
                        self.acts += 1;
                    }
                    true
                });
            }
            Fault::CachedNotify if self.frames.is_multiple_of(5) => {
                if let Some(latest) = self.latest.clone() {
                    self.act(acts, Act::ToClient(0, latest));
                }
            }
            Fault::LateFirstFrame if upload && device.upload().is_none() && !self.done => {
                self.first_upload = Some(Arc::new(batch.clone()));
            }
            Fault::BufBurst if upload && self.uploads.is_multiple_of(16) => {
                for _ in 0..device.options().buf_count + 2 {
                    self.act(acts, Act::ToDevice(0, batch.clone()));
                }
            }
            Fault::C2dRedelivery if self.rng.chance(0.05) => {
                self.act(acts, Act::ToDevice(60_000_000, batch.clone()));
            }
            Fault::FrameCeiling => {
                let acts = &mut self.acts;
                return batch.retain(|write| {
                    let passes = write.len() <= FRAME_CEILING;
                    *acts += u64::from(!passes);
                    passes
                });
            }
            Fault::FragmentLoss if !batch.rest.is_empty() => {
                let (rng, acts) = (&mut self.rng, &mut self.acts);
                return batch.retain(|_| {
                    let passes = !rng.chance(0.002);
                    *acts += u64::from(!passes);
                    passes
                });
            }
            _ => {}
        }
        true
    }

    /// After the device got a frame: the scripts that act on how far the upload is.
    pub(super) fn after(&mut self, now: u64, device: &mut VirtualDevice) {
        let share = match self.fault {
            Fault::RebootMidway => 2,
            Fault::SyswqFreeze => 3,
            _ => return,
        };
        if self.done || device.upload().is_none_or(|(off, size)| off * share < size) {
            return;
        }
        self.done = true;
        self.acts += 1;
        if self.fault == Fault::RebootMidway { device.reboot(now) } else { device.freeze(now) }
    }

    /// A frame from the device.
    pub(super) fn up(&mut self, batch: &Batch, device: &VirtualDevice, acts: &mut Vec<Act>) {
        match self.fault {
            Fault::SeedThread if batch.is_upload_answer() && self.first_answer.is_none() && !self.done => {
                self.first_answer = Some(batch.clone());
            }
            Fault::CachedNotify => self.latest = Some(batch.clone()),
            Fault::LateFirstFrame if !self.done && batch.is_upload_answer() && device.upload().is_none() => {
                if let Some(first) = self.first_upload.take() {
                    self.done = true;
                    let wait = self.rng.below(self.typical_us * 3 / 2 + 1);
                    let copy = Arc::unwrap_or_clone(first);
                    self.act(acts, Act::ToDevice(wait, copy));
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, acts: &mut Vec<Act>, act: Act) {
        self.acts += 1;
        acts.push(act);
    }
}
