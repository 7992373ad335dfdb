//! The devices of the field: each kind with its quirks, what is sent to it, and the truth about it.

use smpfota::simulator::image::{self, Recipe, Version};
use smpfota::simulator::rng::Rng;
use smpfota::simulator::{
    AfterUpload, BootMode, DeviceOptions, DeviceProfile, EraseMode, ImmutableBootloader, Listing,
    LoaderSetup, NetworkCore, RecoveryList, RecoveryRelease, RecoveryServer, Transport, VirtualDevice,
};
use smpfota::{Failure, Framing, Status, UpdateMode, UpdateOptions};

use super::goal::Goal;
use super::package::{Entry, archive};
use super::plan::{Other, Plan, pick};

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    SeveralImages,
    NetworkCore,
    NetworkCoreInSlot1,
    Recovery,
    MisjudgedSlots,
    MarksItself,
    NeverSwaps,
    ImmutableBootloader,
    HiddenRevert,
    LeftoverMark,
    ConfirmedTrailer,
    PoorList,
    Patch,
    EqualVersions,
    Loader,
    Zephyr34,
}

impl Kind {
    pub const ALL: [Kind; 16] = [
        Kind::SeveralImages,
        Kind::NetworkCore,
        Kind::NetworkCoreInSlot1,
        Kind::Recovery,
        Kind::MisjudgedSlots,
        Kind::MarksItself,
        Kind::NeverSwaps,
        Kind::ImmutableBootloader,
        Kind::HiddenRevert,
        Kind::LeftoverMark,
        Kind::ConfirmedTrailer,
        Kind::PoorList,
        Kind::Patch,
        Kind::EqualVersions,
        Kind::Loader,
        Kind::Zephyr34,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::SeveralImages => "several images",
            Kind::NetworkCore => "network core",
            Kind::NetworkCoreInSlot1 => "network core through slot 1",
            Kind::Recovery => "serial recovery",
            Kind::MisjudgedSlots => "misjudged slots",
            Kind::MarksItself => "marks or resets by itself",
            Kind::NeverSwaps => "never swaps",
            Kind::ImmutableBootloader => "immutable bootloader",
            Kind::HiddenRevert => "revert under another mode",
            Kind::LeftoverMark => "leftover mark",
            Kind::ConfirmedTrailer => "confirmed trailer",
            Kind::PoorList => "list without hashes",
            Kind::Patch => "patch",
            Kind::EqualVersions => "equal versions",
            Kind::Loader => "application and loader",
            Kind::Zephyr34 => "Zephyr 3.4",
        }
    }
}

/// One device of the field and what is sent to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhibit {
    pub kind: Kind,
    /// The file: an image or a package.
    pub file: Vec<u8>,
    pub goals: Vec<Goal>,
    /// What lies in the other slot of image 0 at first, and whether it is marked.
    before: Option<(Vec<u8>, bool)>,
}

fn exchanging(rng: &mut Rng) -> BootMode {
    pick(rng, &[BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset, BootMode::OverwriteOnly])
}

fn swapping(rng: &mut Rng) -> BootMode {
    pick(rng, &[BootMode::SwapMove, BootMode::SwapScratch, BootMode::SwapOffset])
}

/// A package of these files, each with what the manifest says of it.
fn zip(files: &[(String, String, &[u8])]) -> Vec<u8> {
    let listed: Vec<String> = files
        .iter()
        .map(|(name, keys, bytes)| format!(r#"{{{keys},"file":"{name}","size":{}}}"#, bytes.len()))
        .collect();
    let manifest = format!(r#"{{"format-version":1,"time":1786861789,"files":[{}]}}"#, listed.join(","));
    let mut entries = vec![Entry::new("manifest.json", manifest)];
    entries.extend(files.iter().map(|(name, _, bytes)| Entry::new(name, *bytes)));
    archive(&entries)
}

fn numbered(goals: &[Goal], with_slots: bool) -> Vec<u8> {
    let files: Vec<_> = goals
        .iter()
        .map(|goal| {
            let number = goal.number();
            let mut keys = format!(r#""type":"application","image_index":"{number}""#);
            if with_slots {
                let (primary, secondary) = (number * 2 + 1, number * 2 + 2);
                keys += &format!(r#","slot_index_primary":"{primary}","slot_index_secondary":"{secondary}""#);
            }
            (format!("image_{number}.bin"), keys, goal.bytes())
        })
        .collect();
    zip(&files)
}

/// An image linked for the network core's flash.
fn radio(size: usize, seed: u64) -> Vec<u8> {
    let vectors = Some((0x2100_4000, 0x0100_8a01));
    Recipe { load_address: 0x0100_8800, vectors, ..Recipe::new((0, 0, 2), size, seed) }.make()
}

/// The mode that the package without marks has: everything but upload only.
fn boots(options: &UpdateOptions) -> bool {
    options.mode != UpdateMode::UploadOnly
}

impl Exhibit {
    /// Makes the plan's device one of the field.
    pub fn draw(plan: &mut Plan, rng: &mut Rng) {
        let kind = pick(rng, &Kind::ALL);
        let seed = plan.seed;
        let size = rng.between(1_500, 12_000) as usize;
        let device = &mut plan.scenario.device;
        device.version = Version::from((1, 0, 0));
        device.slot_size = 0x8000;
        device.boot_mode = swapping(rng);
        device.bootloader_info = device.profile == DeviceProfile::Zephyr44 && rng.chance(0.7);
        plan.scenario.image_version = Version::from((1, 1, 0));
        plan.scenario.image_size = size as u32;
        plan.update.slot_size = 0;
        plan.other = Other::Nothing;
        plan.installed = false;
        plan.two_images = false;
        let application = image::make((1, 1, 0), size, seed ^ 0x5eed);
        let mut exhibit = Exhibit {
            kind,
            file: application.clone(),
            goals: vec![Goal::Runs { number: 0, bytes: application }],
            before: None,
        };
        exhibit.fit(plan, size, rng);
        let device = &mut plan.scenario.device;
        if device.images > 1 {
            // The list of several images does not fit small buffers.
            device.buf_size = device.buf_size.max(2_048);
        }
        plan.exhibit = Some(exhibit);
    }

    /// The other images of a device with several.
    fn add_images(&mut self, count: u32, seed: u64) {
        for number in 1..count as usize {
            let bytes =
                image::make((1, 1, number as u16), 1_500 + 500 * number, seed ^ (0x2222 + number as u64));
            self.goals.push(Goal::Runs { number, bytes });
        }
    }

    fn fit(&mut self, plan: &mut Plan, size: usize, rng: &mut Rng) {
        let seed = plan.seed;
        let device = &mut plan.scenario.device;
        let new = device.profile == DeviceProfile::Zephyr44;
        match self.kind {
            Kind::SeveralImages => {
                device.images = rng.between(2, 3) as u32;
                device.boot_mode = exchanging(rng);
                self.add_images(device.images, seed);
                self.file = numbered(&self.goals, rng.chance(0.5));
            }
            Kind::NetworkCore => {
                device.images = rng.between(2, 3) as u32;
                device.boot_mode = BootMode::OverwriteOnly;
                device.quirks.network_core =
                    Some(NetworkCore::Image { number: 1, skipped_behind_application: rng.chance(0.7) });
                self.add_images(device.images, seed);
                self.goals[1] = Goal::Radio { number: 1, bytes: radio(size, seed ^ 0x2d10) };
                if rng.chance(0.2) {
                    self.goals = vec![self.goals[1].clone()];
                }
                self.file = numbered(&self.goals, rng.chance(0.7));
            }
            Kind::NetworkCoreInSlot1 => {
                device.boot_mode = pick(rng, &[BootMode::OverwriteOnly, BootMode::SwapMove]);
                device.quirks.network_core = Some(NetworkCore::ThroughSlot1);
                let bytes = radio(size, seed ^ 0x2d10);
                self.goals = vec![Goal::Radio { number: 0, bytes: bytes.clone() }];
                self.file = bytes;
            }
            Kind::Recovery => self.fit_recovery(plan, size, rng),
            Kind::MisjudgedSlots => {
                *device = DeviceOptions {
                    profile: DeviceProfile::Zephyr44,
                    bootloader_info: true,
                    ..device.clone()
                };
                device.boot_mode = exchanging(rng);
                device.quirks.misjudges_slots = true;
                if rng.chance(0.5) {
                    self.before = Some((image::make((0, 9, 0), 2_000, seed ^ 0x3333), false));
                }
            }
            Kind::MarksItself => {
                let permanent = rng.chance(0.3);
                let after_us = rng.below(6_000_000);
                device.quirks.after_upload = match rng.chance(0.7) {
                    true => AfterUpload::MarksAndResets { permanent, after_us },
                    false => AfterUpload::Marks { permanent },
                };
            }
            Kind::NeverSwaps => {
                device.boot_mode = exchanging(rng);
                device.quirks.never_swaps = true;
            }
            Kind::ImmutableBootloader => {
                let active = rng.below(2) as usize;
                let first = ImmutableBootloader {
                    active,
                    answers_query: new && rng.chance(0.7),
                    ..ImmutableBootloader::default()
                };
                device.bootloader_info |= first.answers_query;
                device.quirks.immutable_bootloader = Some(first);
                let stage = |slot: u32| {
                    let at = 0x8000 + slot * 0xc000;
                    let vectors = Some((0x2000_4000, at + 0x201));
                    Recipe { vectors, ..Recipe::new((2, 0, 0), size, seed ^ u64::from(slot)) }.make()
                };
                let right = 1 - active;
                let slots = if rng.chance(0.7) { vec![0, 1] } else { vec![right as u32] };
                let stages: Vec<(u32, Vec<u8>)> = slots.into_iter().map(|slot| (slot, stage(slot))).collect();
                let files: Vec<_> = stages
                    .iter()
                    .map(|(slot, bytes)| {
                        let at = 0x8000 + slot * 0xc000;
                        let keys = format!(
                            r#""type":"mcuboot","load_address":{at},"version_MCUBOOT":"2.0.0+0","slot":"{slot}""#
                        );
                        (format!("s{slot}.bin"), keys, bytes.as_slice())
                    })
                    .collect();
                self.file = zip(&files);
                let mut stages: Vec<_> =
                    stages.into_iter().map(|(slot, bytes)| (slot as usize, bytes)).collect();
                stages.sort_by_key(|(slot, _)| *slot != right);
                self.goals = vec![Goal::Stage { number: 0, stages }];
            }
            Kind::HiddenRevert => {
                *device = DeviceOptions {
                    profile: DeviceProfile::Zephyr44,
                    bootloader_info: true,
                    ..device.clone()
                };
                device.boot_mode = BootMode::DirectXipRevert;
                device.quirks.told_mode = Some(pick(rng, &[4, 6]));
            }
            Kind::LeftoverMark => {
                *device = DeviceOptions {
                    profile: DeviceProfile::Zephyr44,
                    bootloader_info: true,
                    ..device.clone()
                };
                device.boot_mode = BootMode::RamLoad;
                device.quirks.flags_by_marks = true;
                device.allow_erase_pending = true;
                self.before = Some((image::make((0, 9, 0), 2_000, seed ^ 0x3333), true));
            }
            Kind::ConfirmedTrailer => {
                device.erase = pick(rng, &[EraseMode::FirstChunkImage, EraseMode::FirstChunkSlot]);
                self.file = image::padded(&self.file, device.slot_size as usize, true);
            }
            Kind::PoorList => {
                device.quirks.listing =
                    pick(rng, &[Listing::WithoutHashes, Listing::Nothing, Listing::Sha256Only]);
                device.boot_mode = exchanging(rng);
                if device.quirks.listing == Listing::Sha256Only {
                    device.hash_len = pick(rng, &[48, 64]);
                }
                let recipe =
                    Recipe { hash_len: device.hash_len, ..Recipe::new((1, 1, 0), size, seed ^ 0x5eed) };
                self.file = recipe.make();
                self.goals = vec![Goal::Runs { number: 0, bytes: self.file.clone() }];
            }
            Kind::Patch => {
                device.boot_mode = exchanging(rng);
                device.quirks.installs_other_bytes = true;
                self.goals =
                    vec![Goal::Patched { bytes: self.file.clone(), version: Version::from((1, 1, 0)) }];
            }
            Kind::EqualVersions => {
                *device = DeviceOptions {
                    profile: DeviceProfile::Zephyr44,
                    bootloader_info: true,
                    ..device.clone()
                };
                device.boot_mode =
                    pick(rng, &[BootMode::DirectXip, BootMode::DirectXipRevert, BootMode::RamLoad]);
                self.file = image::make((1, 0, 0, pick(rng, &[0, 7])), size, seed ^ 0x5eed);
                self.goals = vec![Goal::Runs { number: 0, bytes: self.file.clone() }];
            }
            Kind::Loader => {
                *device = DeviceOptions {
                    profile: DeviceProfile::Zephyr44,
                    bootloader_info: true,
                    ..device.clone()
                };
                device.boot_mode = BootMode::FirmwareLoader;
                plan.update.enter_loader = rng.chance(0.5);
                let (application_lists, in_loader) = (rng.chance(0.3), rng.chance(0.6));
                device.quirks.loader = Some(LoaderSetup {
                    application_lists,
                    boot_mode: rng.chance(0.8),
                    // An application that serves images itself is no reason to go elsewhere.
                    in_loader: in_loader || application_lists,
                    bare_metal: rng.chance(0.4),
                });
            }
            Kind::Zephyr34 => {
                let like = DeviceOptions::zephyr_3_4();
                *device = DeviceOptions { profile: like.profile, ..device.clone() };
                (device.slot_info, device.allow_erase_pending, device.erase_blank_fails) =
                    (false, false, true);
            }
        }
    }

    fn fit_recovery(&mut self, plan: &mut Plan, size: usize, rng: &mut Rng) {
        use RecoveryRelease::{Between, V1_8, V1_9, V1_10, V2_0, V2_2};
        let seed = plan.seed;
        let device = &mut plan.scenario.device;
        let release = pick(rng, &[V1_8, V1_9, V1_10, Between, V2_0, V2_2]);
        let mut server = RecoveryServer::of(release);
        server.hashes &= rng.chance(0.7);
        server.direct_upload = rng.chance(0.5);
        server.slot_info &= rng.chance(0.8);
        server.lists_slot_1 = rng.chance(0.8);
        server.flags = matches!(release, V2_0 | V2_2) && rng.chance(0.2);
        server.hashes |= server.flags;
        server.echo &= rng.chance(0.7);
        server.list = match rng.below(20) {
            0 => RecoveryList::Refused,
            1 => RecoveryList::Crashes,
            _ => RecoveryList::Answered,
        };
        device.recovery = true;
        device.boot_mode = exchanging(rng);
        device.images = pick(rng, &[1, 1, 2, 3]);
        device.quirks.recovery = server;
        if rng.chance(0.5) {
            device.transport = Transport::Serial;
            device.buf_size = device.buf_size.max(1_024);
            plan.session.framing = Framing::Serial;
        }
        if device.images == 1 {
            let encrypted = rng.chance(0.2);
            let version = (1, 1, 0, pick(rng, &[0, 0, 4]));
            self.file = Recipe { encrypted, ..Recipe::new(version, size, seed ^ 0x5eed) }.make();
            self.goals = vec![Goal::Runs { number: 0, bytes: self.file.clone() }];
            if server.lists_slot_1 && rng.chance(0.2) {
                self.before = Some((self.file.clone(), false));
            }
            return;
        }
        self.add_images(device.images, seed);
        self.file = numbered(&self.goals, rng.chance(0.5));
    }

    /// What the device holds before the update.
    pub fn prepare(&self, device: &mut VirtualDevice) {
        if let Some((bytes, marked)) = &self.before {
            device.preload(0, bytes);
            if *marked {
                device.mark(0, false);
            }
        }
    }

    /// The device can show whether this goal is reached.
    pub fn can_tell(&self, device: &DeviceOptions, goal: &Goal) -> bool {
        let quirks = &device.quirks;
        match goal {
            Goal::Radio { .. } => false,
            Goal::Stage { .. } => quirks.immutable_bootloader.is_some_and(|first| first.answers_query),
            Goal::Patched { .. } => false,
            Goal::Runs { .. } => {
                quirks.listing == Listing::Full && quirks.loader.is_none_or(|loader| loader.application_lists)
            }
        }
    }

    /// Why a failure must not be.
    pub fn absurd(
        &self,
        plan: &Plan,
        failure: &Failure,
        options: &UpdateOptions,
        harmless: bool,
    ) -> Option<&'static str> {
        if failure.sentence.is_empty() || failure.sentence.len() > 700 {
            return Some("its sentence is empty or endless");
        }
        match failure.status {
            Status::Panic => return Some("a panic"),
            _ if failure.status.number() > -100 && failure.status != Status::InvalidArgument => {
                return Some("the caller is not to blame");
            }
            _ => {}
        }
        // A second update with other options meets what the first one left; what it may say is too much to tell apart.
        if !harmless || plan.caller.again {
            return None;
        }
        let device = &plan.scenario.device;
        let several = plan.goals().len() > 1 || plan.goals()[0].number() > 0;
        let expected = match (self.kind, failure.status) {
            (_, Status::HealthCheckFailed) => plan.caller.health != super::plan::Health::Good,
            (_, Status::DidNotReturn) if options.swap_timeout_ms < 60_000 => true,
            // Servers confirm a running image only if it is their own.
            (_, Status::NotConfirmed) => several && options.mode == UpdateMode::TestAndConfirm,
            (Kind::MisjudgedSlots, Status::Contradiction) => true,
            (Kind::NeverSwaps, Status::NotSwapped | Status::SlotInUse) => boots(options),
            (Kind::Patch, Status::WrongImageRunning) => boots(options),
            (Kind::PoorList, Status::ImageUnsupported | Status::NotListed | Status::NotSupported) => true,
            // It cannot read the version that runs.
            (Kind::PoorList, Status::DeviceError) => options.upgrade_only,
            (Kind::ConfirmedTrailer, Status::ImageUnsupported) => true,
            (Kind::EqualVersions, Status::DowngradeRefused) => true,
            // A higher build was forced on a bootloader that does not compare builds.
            (Kind::EqualVersions, Status::NotMarked | Status::NotSwapped) => options.force_upload,
            (Kind::ImmutableBootloader, Status::ImageUnsupported) => true,
            (Kind::Loader, Status::NotSupported | Status::NotSwapped) => true,
            // A reset that was to start the loader and starts the application, since only a pin does.
            (Kind::Loader, Status::DidNotReturn) => device.quirks.loader.is_some_and(|l| !l.boot_mode),
            // Without slot information no number of an image beside the first is certain.
            (Kind::Recovery, Status::ImageUnsupported) => {
                several && !(device.quirks.recovery.slot_info && device.quirks.recovery.direct_upload)
            }
            // The package's numbers are for direct upload; a build without it has no such image.
            (Kind::Recovery, Status::DeviceError) => several && !device.quirks.recovery.direct_upload,
            // Nothing could verify an upload that is not to be started.
            (Kind::Recovery, Status::NotSupported | Status::NotListed) => !boots(options),
            // A bootloader that crashed says nothing more.
            (Kind::Recovery, Status::Timeout) => device.quirks.recovery.list == RecoveryList::Crashes,
            (Kind::Recovery, Status::SlotInUse) => device.quirks.recovery.flags,
            (Kind::MarksItself, Status::SlotInUse) => options.erase_first || options.health_check,
            // An image that is older by its own counting than what runs beside it.
            (Kind::NetworkCoreInSlot1 | Kind::NetworkCore, Status::DowngradeRefused) => options.upgrade_only,
            _ => false,
        };
        if expected { None } else { Some("nothing was out of the ordinary") }
    }
}
