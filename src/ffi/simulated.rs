//! What stands behind the handle of a virtual device: the simulator with the caller's clock and one notification of
//! look-ahead.

use super::constants::{SMPFOTA_DEVICE_FLAG_REASSEMBLY, SMPFOTA_DEVICE_FLAG_SERIAL};
use super::structs::smpfota_device_options;
use crate::failure::Failure;
use crate::firmware::{Firmware, MAX_IMAGE_LENGTH};
use crate::simulator::image::{self, MIN_SIZE, Version};
use crate::simulator::{
    DeviceOptions, DeviceProfile, Fault, InstallError, LinkKind, Transport, VirtualDevice, VirtualLink,
};
use crate::status::Status;

/// No frame is longer, and no datagram.
const LARGEST_WRITE: usize = 65_543;

/// How far the time may go; it bounds the work of catching up with a time that somebody made up.
const TEN_YEARS_MS: u64 = 10 * 365 * 86_400_000;

pub(super) struct Device {
    link: VirtualLink,
    /// The caller's time that is the device's 0, once it was told.
    origin_ms: Option<u64>,
    /// The latest time that was told, in the device's microseconds.
    now_us: u64,
    /// A notification that has arrived and was not taken yet.
    arrived: Option<Vec<u8>>,
}

impl Device {
    pub(super) fn open(options: &smpfota_device_options) -> Result<Device, Failure> {
        let profile = *choose("profile", DeviceProfile::ALL, options.profile)?;
        let kind = *choose("link", LinkKind::ALL, options.link)?;
        let fault = *choose("fault", Fault::ALL, options.fault)?;
        let known = SMPFOTA_DEVICE_FLAG_REASSEMBLY | SMPFOTA_DEVICE_FLAG_SERIAL;
        within("flags", options.flags & !known, 0, 0)?;
        within("reserved", options.reserved, 0, 0)?;
        let link = kind.profile();
        let reassembly = options.flags & SMPFOTA_DEVICE_FLAG_REASSEMBLY != 0;
        let mut device = link.fit(DeviceOptions::new(profile), reassembly);
        if options.flags & SMPFOTA_DEVICE_FLAG_SERIAL != 0 {
            device.transport = Transport::Serial;
        }
        for (name, wanted, target, least, most) in [
            ("slot_size", options.slot_size, &mut device.slot_size, 8_192, 16 << 20),
            ("buf_size", options.buf_size, &mut device.buf_size, 64, 65_535),
            ("buf_count", options.buf_count, &mut device.buf_count, 1, 64),
            ("max_write", options.max_write, &mut device.max_write, 20, 65_535),
        ] {
            if wanted != 0 {
                *target = within(name, wanted, least, most)?;
            }
        }
        let device = VirtualDevice::new(device);
        let link = VirtualLink::new(link, fault, options.seed, device);
        Ok(Device { link, origin_ms: None, now_us: 0, arrived: None })
    }

    /// The device's time for the caller's.
    fn clock(&mut self, now_ms: u64) -> Result<u64, Status> {
        let elapsed = now_ms.saturating_sub(*self.origin_ms.get_or_insert(now_ms));
        if elapsed > TEN_YEARS_MS {
            return Err(Status::InvalidArgument);
        }
        self.now_us = self.now_us.max(elapsed * 1_000);
        Ok(self.now_us)
    }

    pub(super) fn install(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // The parser says better what is wrong with a file than the device does.
        let parsed = Firmware::parse(bytes.to_vec());
        parsed.map_err(|error| Failure::new(error.status(), error.to_string()))?;
        self.link.device_mut().install(bytes).map_err(|error| {
            let status = match error {
                InstallError::TooLarge => Status::SlotTooSmall,
                InstallError::Invalid => Status::ImageUnsupported,
            };
            Failure::new(status, error.to_string())
        })
    }

    pub(super) fn write(&mut self, now_ms: u64, bytes: &[u8]) -> Result<(), Status> {
        if bytes.len() > LARGEST_WRITE {
            return Err(Status::InvalidArgument);
        }
        let now = self.clock(now_ms)?;
        if !bytes.is_empty() {
            self.link.write(now, bytes);
        }
        Ok(())
    }

    /// The next notification that has arrived; it stays until [`Device::taken`].
    pub(super) fn arrived(&mut self, now_ms: u64) -> Result<Option<&[u8]>, Status> {
        let now = self.clock(now_ms)?;
        if self.arrived.is_none() {
            self.arrived = self.link.read(now);
        }
        Ok(self.arrived.as_deref())
    }

    pub(super) fn taken(&mut self) {
        self.arrived = None;
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        let next_us = if self.arrived.is_some() { self.now_us } else { self.link.next_event()? };
        // Rounded up: at that time it has happened.
        Some(self.origin_ms.unwrap_or(0).saturating_add(next_us.max(self.now_us).div_ceil(1_000)))
    }

    pub(super) fn link(&mut self, now_ms: u64, up: bool) -> Result<(), Status> {
        let now = self.clock(now_ms)?;
        self.link.set_link(now, up);
        Ok(())
    }

    pub(super) fn describe(&mut self) -> String {
        self.link.describe().to_string()
    }
}

fn invalid(name: &str, value: u32, least: u32, most: u32) -> Failure {
    let sentence = format!("the device option {name} is {value}; it must lie between {least} and {most}.");
    Failure::new(Status::InvalidArgument, sentence)
}

fn within(name: &str, value: u32, least: u32, most: u32) -> Result<u32, Failure> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(invalid(name, value, least, most)) }
}

fn choose<'a, T>(name: &str, all: &'a [T], number: u32) -> Result<&'a T, Failure> {
    all.get(number as usize).ok_or_else(|| invalid(name, number, 0, all.len() as u32 - 1))
}

/// The version, if it and the size can be those of an image.
pub(super) fn check_image(version: &str, size: u32) -> Result<Version, Status> {
    if !(MIN_SIZE as u64..=MAX_IMAGE_LENGTH).contains(&u64::from(size)) {
        return Err(Status::InvalidArgument);
    }
    version.parse().map_err(|_| Status::InvalidArgument)
}

pub(super) fn make_image(version: Version, size: u32, seed: u64) -> Vec<u8> {
    image::make(version, size as usize, seed)
}

pub(super) fn fault_name(index: u32) -> Result<&'static str, Status> {
    Fault::ALL.get(index as usize).map(|fault| fault.name()).ok_or(Status::InvalidArgument)
}

pub(super) fn link_name(index: u32) -> Result<&'static str, Status> {
    LinkKind::ALL.get(index as usize).map(|link| link.name()).ok_or(Status::InvalidArgument)
}
