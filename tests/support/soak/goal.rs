//! Where an update shall bring a device, and whether it is there: what a run is judged by.

use smpfota::simulator::image::Version;
use smpfota::simulator::{BootMode, DeviceProfile, SlotState, VirtualLink};

/// The truth about one image of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// These bytes lie in the running slot of the image.
    Runs { number: usize, bytes: Vec<u8> },
    /// The network core has these bytes.
    Radio { number: usize, bytes: Vec<u8> },
    /// The first bootloader starts MCUboot from one of its slots, which holds the bytes that were made for it; those of the
    /// slot that did not run at first come first.
    Stage { number: usize, stages: Vec<(usize, Vec<u8>)> },
    /// Image 0 runs in this version, whatever its bytes; what was sent is a patch.
    Patched { bytes: Vec<u8>, version: Version },
}

impl Goal {
    pub fn number(&self) -> usize {
        match self {
            Goal::Runs { number, .. } | Goal::Radio { number, .. } | Goal::Stage { number, .. } => *number,
            Goal::Patched { .. } => 0,
        }
    }

    /// What is sent.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Goal::Runs { bytes, .. } | Goal::Radio { bytes, .. } | Goal::Patched { bytes, .. } => bytes,
            Goal::Stage { stages, .. } => stages.first().map_or(&[], |(_, bytes)| bytes),
        }
    }

    /// It was uploaded, and lies where it was put or where it was to come.
    pub fn is_held(&self, link: &VirtualLink) -> bool {
        let device = link.device();
        let slots = (0..2).any(|slot| device.slot_bytes(self.number(), slot).starts_with(self.bytes()));
        slots
            || match self {
                Goal::Radio { bytes, .. } => device.network_core().starts_with(bytes),
                Goal::Stage { number, stages } => stages.iter().any(|(slot, bytes)| {
                    device.bootloader_bytes(*slot).starts_with(bytes)
                        || device.slot_bytes(*number, 1).starts_with(bytes)
                }),
                _ => false,
            }
    }

    /// `None` where it does not run; else whether it stays.
    pub fn runs(&self, link: &mut VirtualLink) -> Option<bool> {
        match self {
            Goal::Runs { number, bytes } => running(link, *number)
                .filter(|slot| link.device().slot_bytes(*number, slot.slot).starts_with(bytes))
                // A loader's bootloader has no trial, and "bare metal" builds set no flag.
                .map(|slot| {
                    slot.flags.confirmed || link.device().options().boot_mode == BootMode::FirmwareLoader
                }),
            Goal::Radio { bytes, .. } => link.device().network_core().starts_with(bytes).then_some(true),
            Goal::Stage { stages, .. } => {
                let device = link.device();
                let active = device.bootloader_slot()?;
                let meant = |(slot, bytes): &(usize, Vec<u8>)| {
                    *slot == active && device.bootloader_bytes(active).starts_with(bytes)
                };
                stages.iter().any(meant).then_some(true)
            }
            Goal::Patched { version, .. } => {
                running(link, 0).filter(|slot| slot.version == *version).map(|slot| slot.flags.confirmed)
            }
        }
    }
}

/// The slot that an image runs from, with flags that say what they say for image 0.
fn running(link: &mut VirtualLink, number: usize) -> Option<SlotState> {
    let device = link.device_mut();
    let old = device.options().profile == DeviceProfile::Ncs21;
    let loader = device.options().boot_mode == BootMode::FirmwareLoader;
    let misjudges = device.options().quirks.misjudges_slots;
    // Old servers show only slot 0 of image 0 as active; of others it is slot 0 that runs as well.
    let mut active = device.slots().into_iter().find(|slot| {
        slot.image == number && ((slot.flags.active != misjudges) || (old && number > 0 && slot.slot == 0))
    })?;
    if !active.flags.active && !misjudges {
        // While it is on trial it shows the flag that is meant for the image it would go back to.
        active.flags.confirmed = !active.flags.confirmed;
    }
    // Nothing takes an image beside a loader back, whatever flags it has.
    active.flags.confirmed |= loader;
    Some(active)
}
