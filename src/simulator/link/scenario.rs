//! A device, a link, a fault and a seed put together.

use super::super::device::{BootMode, DeviceOptions, DeviceProfile, EraseMode, FlashTiming, VirtualDevice};
use super::super::image::{self, Version};
use super::super::rng::Rng;
use super::{Fault, LinkKind, LinkProfile, RoundTrip, VirtualLink};

/// Everything that decides how a simulated run goes. Same scenario, same run.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The link's numbers.
    pub link: LinkProfile,
    /// The fault script.
    pub fault: Fault,
    /// The seed of every random number.
    pub seed: u64,
    /// The device.
    pub device: DeviceOptions,
    /// Bytes of the image to upload.
    pub image_size: u32,
    /// The version of that image.
    pub image_version: Version,
}

impl Scenario {
    /// A Zephyr 4.4 device with 4 x 384 bytes behind a named link, without a fault, and a 1.1.0 of 40,000 bytes.
    pub fn new(kind: LinkKind) -> Scenario {
        let link = kind.profile();
        let device = link.fit(DeviceOptions::new(DeviceProfile::Zephyr44), false);
        let image_version = Version::from((1, 1, 0));
        Scenario { link, fault: Fault::None, seed: 1, device, image_size: 40_000, image_version }
    }

    /// With this seed.
    pub fn seed(mut self, seed: u64) -> Scenario {
        self.seed = seed;
        self
    }

    /// With this fault.
    pub fn fault(mut self, fault: Fault) -> Scenario {
        self.fault = fault;
        self
    }

    /// With another server generation; its own defaults, fitted to the link.
    pub fn profile(mut self, profile: DeviceProfile) -> Scenario {
        let large = self.device.reassembly;
        self.device = self.link.fit(DeviceOptions::new(profile), large);
        self
    }

    /// With 4 x 2475 bytes and reassembly.
    pub fn large(mut self) -> Scenario {
        self.device = self.link.fit(self.device, true);
        self
    }

    /// With an image of this size.
    pub fn image_size(mut self, size: u32) -> Scenario {
        self.image_size = size;
        self
    }

    /// With the device's options changed.
    pub fn device(mut self, change: impl FnOnce(&mut DeviceOptions)) -> Scenario {
        change(&mut self.device);
        self
    }

    /// With the link's numbers changed.
    pub fn link(mut self, change: impl FnOnce(&mut LinkProfile)) -> Scenario {
        change(&mut self.link);
        self
    }

    /// The image to upload.
    pub fn image(&self) -> Vec<u8> {
        image::make(self.image_version, self.image_size as usize, self.seed ^ 0x5eed)
    }

    /// The link, with the device behind it, ready to use.
    pub fn build(&self) -> VirtualLink {
        let device = VirtualDevice::new(self.device.clone());
        VirtualLink::new(self.link.clone(), self.fault, self.seed, device)
    }

    /// A run of the soak: link, fault, device and image all follow from the seed.
    pub fn random(seed: u64) -> Scenario {
        let mut rng = Rng::stream(seed, 99);
        let kind = LinkKind::ALL[rng.below(LinkKind::ALL.len() as u64) as usize];
        let mut link = kind.profile();
        if rng.chance(0.3) {
            scramble(&mut link, &mut rng);
        }
        let fault = if rng.chance(0.5) {
            Fault::ALL[rng.below(Fault::ALL.len() as u64) as usize]
        } else {
            Fault::None
        };
        let device = random_device(&link, fault, seed, &mut rng);
        let image_size = rng.between(100, 24_000) as u32;
        let minor = rng.between(0, 3) as u8;
        Scenario { link, fault, seed, device, image_size, image_version: Version::from((1, minor, 0)) }
    }
}

fn scramble(link: &mut LinkProfile, rng: &mut Rng) {
    let mean = rng.between(2, 3_000) * 1_000;
    link.round_trip = if rng.chance(0.5) {
        RoundTrip::Uniform { mean_us: mean, spread_us: rng.below(mean) }
    } else {
        RoundTrip::Lognormal { p50_us: mean, p99_us: mean * rng.between(2, 12) }
    };
    link.bandwidth = if rng.chance(0.2) { 0 } else { rng.between(1_000, 100_000) };
    let mut rate = |most: f64| if rng.chance(0.5) { rng.unit() * most } else { 0.0 };
    link.loss_down = rate(0.1);
    link.loss_up = rate(0.1);
    link.duplicate = rate(0.1);
    link.reorder = rate(0.1);
    link.truncate = rate(0.01);
    link.fragment_loss = rate(0.005);
    link.drop_every_us = if rng.chance(0.3) { rng.between(20, 120) * 1_000_000 } else { 0 };
    link.drop_for_us = rng.between(1, 10) * 1_000_000;
    link.operation_us = if rng.chance(0.2) { rng.between(1, 300) * 1_000 } else { 0 };
    let erase = [EraseMode::Progressive, EraseMode::FirstChunkImage, EraseMode::FirstChunkSlot];
    link.erase = erase[rng.below(3) as usize];
}

fn random_device(link: &LinkProfile, fault: Fault, seed: u64, rng: &mut Rng) -> DeviceOptions {
    let profile = DeviceProfile::ALL[rng.below(2) as usize];
    let large = rng.chance(0.5) || fault == Fault::TruncateOne;
    let mut device = link.fit(DeviceOptions::new(profile), large);
    device.seed = seed;
    device.image_size = rng.between(100, 2_000) as u32;
    device.version.minor = rng.between(0, 2) as u8;
    device.slot_size = if rng.chance(0.03) { 8_192 } else { 0x8000 };
    device.buf_count = [2, 3, 4, 4, 4, 8][rng.below(6) as usize];
    device.used_secondary = rng.chance(0.7);
    device.flash = if rng.chance(0.3) { FlashTiming::INSTANT } else { FlashTiming::NRF52840 };
    device.boot_us = rng.between(50, 5_000) * 1_000;
    device.params = rng.chance(0.7);
    device.bootloader_info &= rng.chance(0.7);
    device.slot_info &= rng.chance(0.7);
    device.legacy_rc = rng.chance(0.1);
    device.verbose_errors = rng.chance(0.2);
    device.frugal_list = rng.chance(0.3);
    device.image_check = profile == DeviceProfile::Zephyr44 && rng.chance(0.3);
    device.allow_erase_pending &= rng.chance(0.5);
    device.boot_mode = match rng.below(10) {
        0 => BootMode::OverwriteOnly,
        1 if profile == DeviceProfile::Zephyr44 => BootMode::DirectXip,
        2 if profile == DeviceProfile::Zephyr44 => BootMode::DirectXipRevert,
        3 if profile == DeviceProfile::Zephyr44 => BootMode::RamLoad,
        4 => BootMode::SwapScratch,
        _ => device.boot_mode,
    };
    device.revert_leaves_copy = rng.chance(0.1);
    if rng.chance(0.03) {
        device.fail_write_at = Some(rng.below(24_000) as u32);
    }
    device
}
