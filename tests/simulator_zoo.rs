//! The quirks of the virtual device, each against its source: what it answers, and what a boot does.

mod simulator_support;

use ciborium::Value;
use simulator_support::*;
use smpfota::simulator::image::{Recipe, padded};
use smpfota::simulator::{
    AfterUpload, BootMode, DeviceOptions, EraseMode, FieldDevice, ImmutableBootloader, Listing, LoaderSetup,
    NetworkCore, RecoveryList, RecoveryRelease, RecoveryServer, VersionText, image,
};

fn bench(change: impl FnOnce(&mut DeviceOptions)) -> (Bench, Vec<u8>) {
    let mut options = options(NEW);
    options.boot_mode = BootMode::SwapMove;
    change(&mut options);
    (Bench::new(options), image::make((1, 1, 0), 3000, 7))
}

fn upload_to(bench: &mut Bench, number: u64, image: &[u8]) {
    for off in (0..image.len()).step_by(500) {
        let data = &image[off..image.len().min(off + 500)];
        let mut body = map([("image", number.into()), ("off", int(off)), ("data", bytes(data))]);
        if off == 0 {
            body.as_map_mut().unwrap().push((Value::Text("len".into()), int(image.len())));
        }
        let answer = bench.upload(body);
        assert!(answer.ends_with(&format!("off: {}}}", off + data.len())), "{answer}");
    }
}

fn in_recovery(recovery: RecoveryServer, images: u32) -> Bench {
    let (bench, _) = bench(|device| {
        device.recovery = true;
        device.params = false;
        device.images = images;
        device.quirks.recovery = recovery;
    });
    bench
}

fn version_in(bytes: &[u8]) -> String {
    image::header_version(bytes).map(|version| version.to_string()).unwrap_or_default()
}

#[test]
fn zephyr_3_4_keeps_pending_images_and_refuses_to_erase_what_is_blank() {
    let mut options = DeviceOptions { used_secondary: false, ..DeviceOptions::zephyr_3_4() };
    options.transport = smpfota::simulator::Transport::Udp;
    let mut bench = Bench::new(options);
    let image = image::make((1, 1, 0), 1000, 7);
    assert_eq!(bench.ask(WRITE, 1, 5, map([])), "{err: {group: 1, rc: 1}}");
    assert_eq!(bench.ask(READ, 1, 6, map([])), "{rc: 8}");
    let running = bench.device.slots()[0].hash.clone();
    assert_eq!(bench.set_state(&running, false), "{err: {group: 1, rc: 33}}");
    // Two requests in one datagram are answered one by one.
    let two: Vec<u8> = [frame(1, READ, 0, 7, 6, &[0xa0]), frame(1, READ, 0, 8, 6, &[0xa0])].concat();
    assert_eq!(bench.raw(&two).len(), 2);
    bench.upload_image(&image, 200);
    bench.set_state(hash_of(&image), false);
    assert_eq!(bench.ask(WRITE, 1, 5, map([])), "{err: {group: 1, rc: 9}}");
    assert_eq!(bench.upload(first(&image, 200)), "{err: {group: 1, rc: 9}}");
}

/// Behind a finished upload with progressive erase a late first chunk of up to 512 bytes changes nothing; a longer one
/// blanks what follows it in its page, and header, hash and mark look as before.
#[test]
fn a_late_first_chunk_leaves_a_list_that_looks_right() {
    for (length, spoils) in [(500, false), (2_300, true)] {
        let (mut bench, _) = bench(|device| {
            device.erase = EraseMode::Progressive;
            device.buf_size = 4_096;
        });
        let image = image::make((1, 1, 0), 12_000, 7);
        bench.upload_image(&image, 2_300);
        bench.upload(first(&image, length));
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0");
        let blank = &bench.device.slot_bytes(0, 1)[2_048..4_096];
        assert_eq!(blank.iter().all(|byte| *byte == 0xff), spoils);
        assert!(bench.set_state(hash_of(&image), false).starts_with("{images:"));
        bench.reset();
        assert_eq!(bench.device.counters().refused, u64::from(spoils));
    }
}

#[test]
fn a_server_that_misjudges_its_slots_writes_over_what_runs() {
    for filled in [false, true] {
        let (mut bench, image) = bench(|device| device.quirks.misjudges_slots = true);
        if filled {
            bench.device.preload(0, &image::make((0, 9, 0), 2000, 3));
        }
        let list = if filled { "0 1.0.0|1 0.9.0 ac+co" } else { "0 1.0.0" };
        assert_eq!(bench.list(), list);
        bench.upload_image(&image, 500);
        assert_eq!(bench.device.counters().written_running, 3000);
        assert!(bench.device.slot_bytes(0, 0).starts_with(&image));
    }
}

#[test]
fn an_application_marks_and_resets_by_itself() {
    for (permanent, after) in [(false, "0 1.1.0 ac|1 1.0.0 co"), (true, "0 1.1.0 ac+co|1 1.0.0")] {
        let marks = AfterUpload::MarksAndResets { permanent, after_us: 1_000_000 };
        let (mut bench, image) = bench(|device| device.quirks.after_upload = marks);
        bench.upload_image(&image, 500);
        while bench.device.counters().boots == 0 {
            bench.now = bench.device.next_event().expect("a reset to come");
            bench.listen();
        }
        assert_eq!(bench.list(), after);
    }
}

#[test]
fn a_bootloader_that_never_swaps_leaves_the_mark() {
    let (mut bench, image) = bench(|device| {
        device.quirks.never_swaps = true;
        device.allow_erase_pending = false;
    });
    bench.upload_image(&image, 500);
    bench.set_state(hash_of(&image), true);
    for _ in 0..3 {
        bench.reset();
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0 pe+pe");
    }
    assert_eq!(bench.ask(WRITE, 1, 5, map([])), "{err: {group: 1, rc: 9}}");
    assert_eq!(bench.upload(first(&image, 200)), "{err: {group: 1, rc: 9}}");
}

#[test]
fn the_network_core_is_taken_only_when_it_was_marked_first() {
    for (skips, first, updated) in [(true, 1, true), (true, 0, false), (false, 0, true)] {
        let (mut bench, application) = bench(|device| {
            device.images = 2;
            device.boot_mode = BootMode::OverwriteOnly;
            device.quirks.network_core =
                Some(NetworkCore::Image { number: 1, skipped_behind_application: skips });
        });
        let network = image::make((0, 0, 2), 2000, 9);
        assert_eq!(bench.list(), "0/0 1.0.0 ac+co", "its primary slot is never listed");
        upload_to(&mut bench, 0, &application);
        upload_to(&mut bench, 1, &network);
        let files = [&application, &network];
        for number in [first, 1 - first] {
            bench.set_state(hash_of(files[number]), true);
        }
        assert_eq!(bench.list(), "0/0 1.0.0 ac+co|0/1 1.1.0 pe+pe|1/1 0.0.2 pe+pe");
        bench.reset();
        let left = if updated { "0/0 1.1.0 ac+co" } else { "0/0 1.1.0 ac+co|1/1 0.0.2" };
        assert_eq!(bench.list(), left);
        assert_eq!(version_in(bench.device.network_core()), if updated { "0.0.2" } else { "1.0.0" });
    }
}

#[test]
fn the_network_core_goes_through_slot_1_of_the_application() {
    let network = Recipe {
        load_address: 0x0100_8800,
        vectors: Some((0x2100_4000, 0x0100_8a01)),
        ..Recipe::new((2, 0, 0), 2000, 9)
    }
    .make();
    for (mode, after) in
        [(BootMode::OverwriteOnly, "0 1.0.0 ac+co"), (BootMode::SwapMove, "0 1.0.0 ac+co|1 2.0.0")]
    {
        let (mut bench, application) = bench(|device| {
            device.boot_mode = mode;
            device.quirks.network_core = Some(NetworkCore::ThroughSlot1);
        });
        bench.upload_image(&network, 500);
        bench.set_state(hash_of(&network), true);
        bench.reset();
        assert_eq!(bench.list(), after);
        assert_eq!(bench.device.network_core(), network);
        // An application's image is started as ever.
        bench.upload_image(&application, 500);
        bench.set_state(hash_of(&application), true);
        bench.reset();
        assert!(bench.list().starts_with("0 1.1.0 ac+co"), "{}", bench.list());
    }
}

fn stage(version: (u8, u8, u16), slot: u32) -> Vec<u8> {
    let at = 0x8000 + slot * 0xc000;
    Recipe { vectors: Some((0x2000_4000, at + 0x201)), ..Recipe::new(version, 2000, u64::from(slot)) }.make()
}

#[test]
fn the_first_bootloader_takes_the_variant_for_the_slot_that_does_not_run() {
    for own in [None, Some(1)] {
        let (mut bench, _) = bench(|device| {
            device.images = if own.is_some() { 2 } else { 1 };
            device.quirks.immutable_bootloader =
                Some(ImmutableBootloader { image: own, ..ImmutableBootloader::default() });
        });
        let query = map([("query", "active_b0_slot".into())]);
        let before = bench.list();
        assert_eq!(bench.ask(READ, 0, 8, query.clone()), "{active: 0}");
        let number = own.unwrap_or(0) as u64;
        // The one for the slot that runs: erased, whether it was marked or not.
        upload_to(&mut bench, number, &stage((2, 0, 0), 0));
        bench.reset();
        assert_eq!((bench.list(), bench.device.bootloader_slot()), (before.clone(), Some(0)));
        let right = stage((2, 0, 0), 1);
        upload_to(&mut bench, number, &right);
        bench.reset();
        assert_ne!(bench.list(), before, "without a mark it stays where it is");
        bench.set_state(hash_of(&right), true);
        bench.reset();
        assert_eq!((bench.list(), bench.device.bootloader_slot()), (before, Some(1)));
        assert_eq!(bench.ask(READ, 0, 8, query), "{active: 1}");
        assert_eq!(bench.device.bootloader_bytes(1), right);
    }
    let (mut bench, _) = bench(|device| {
        device.quirks.immutable_bootloader =
            Some(ImmutableBootloader { answers_query: false, ..ImmutableBootloader::default() });
    });
    let query = map([("query", "active_b0_slot".into())]);
    assert_eq!(bench.ask(READ, 0, 8, query), "{err: {group: 0, rc: 3}}");
}

#[test]
fn ram_load_with_revert_tells_the_mode_without() {
    let (mut bench, image) = bench(|device| {
        device.boot_mode = BootMode::DirectXipRevert;
        device.quirks.told_mode = Some(6);
    });
    assert_eq!(bench.ask(READ, 0, 8, map([("query", "mode".into())])), "{mode: 6}");
    bench.upload_image(&image, 500);
    bench.reset();
    assert_eq!(bench.list(), "0 1.0.0 ac+co", "an unmarked image is erased");
    bench.upload_image(&image, 500);
    bench.set_state(hash_of(&image), false);
    bench.reset();
    assert_eq!(bench.list(), "0 1.0.0 co|1 1.1.0 ac", "the trial");
}

#[test]
fn marks_left_behind_are_listed_where_the_bootloader_goes_by_the_version() {
    let (mut bench, _) = bench(|device| {
        device.boot_mode = BootMode::RamLoad;
        device.quirks.flags_by_marks = true;
    });
    bench.device.preload(0, &image::make((0, 9, 0), 2000, 3));
    bench.device.mark(0, false);
    for _ in 0..2 {
        assert_eq!(bench.list(), "0 1.0.0 ac+co|1 0.9.0 pe");
        bench.reset();
    }
}

#[test]
fn a_file_with_a_confirmed_trailer_is_marked_for_good_by_its_last_chunk() {
    for (confirmed, flags) in [(true, "pe+pe"), (false, "pe")] {
        let (mut bench, image) = bench(|_| {});
        let file = padded(&image, 0x8000, confirmed);
        assert_eq!(file.len(), 0x8000);
        bench.upload_image(&file, 900);
        assert_eq!(bench.list(), format!("0 1.0.0 ac+co|1 1.1.0 {flags}"));
    }
}

#[test]
fn lists_without_hashes_or_without_anything() {
    let shown = |listing: Listing, hash_len: usize| {
        let (mut bench, _) = bench(|device| {
            device.quirks.listing = listing;
            device.hash_len = hash_len;
        });
        let file = Recipe { hash_len, ..Recipe::new((1, 1, 0), 2000, 5) }.make();
        bench.device.preload(0, &file);
        bench.ask(READ, 1, 0, map([]))
    };
    assert!(!shown(Listing::WithoutHashes, 32).contains("hash"));
    assert_eq!(shown(Listing::Nothing, 32), "{images: [], splitStatus: 0}");
    assert_eq!(shown(Listing::Sha256Only, 64), "{images: [], splitStatus: 0}");
    assert!(shown(Listing::Full, 64).contains("1.1.0"));
}

#[test]
fn a_patch_installs_other_bytes_of_the_same_version() {
    let (mut bench, image) = bench(|device| device.quirks.installs_other_bytes = true);
    bench.upload_image(&image, 500);
    bench.set_state(hash_of(&image), true);
    bench.reset();
    let running = &bench.device.slots()[0];
    assert_eq!((running.version.to_string(), running.valid), ("1.1.0".into(), true));
    assert_ne!(running.hash, hash_of(&image));
}

#[test]
fn a_loader_is_started_by_the_boot_mode_of_a_reset() {
    let (mut bench, image) = bench(|device| {
        device.boot_mode = BootMode::FirmwareLoader;
        device.quirks.loader = Some(LoaderSetup {
            application_lists: false,
            boot_mode: true,
            in_loader: false,
            bare_metal: false,
        });
    });
    assert_eq!(bench.ask(READ, 1, 0, map([])), "{rc: 8}");
    assert_eq!(bench.ask(READ, 0, 8, map([("query", "mode".into())])), "{mode: 7}");
    bench.reset();
    assert_eq!(bench.ask(READ, 1, 0, map([])), "{rc: 8}", "a plain reset starts the application");
    bench.ask(WRITE, 0, 5, map([("boot_mode", 1.into())]));
    assert_eq!(bench.list(), "0 1.0.0|1 0.9.0 ac+co");
    bench.upload_image(&image, 500);
    assert_eq!((bench.list(), bench.device.counters().written_running), ("0 1.1.0|1 0.9.0 ac+co".into(), 0));
    bench.reset();
    assert_eq!(bench.ask(READ, 1, 0, map([])), "{rc: 8}");
    assert_eq!(bench.device.running().unwrap().to_string(), "1.1.0");
}

#[test]
fn recovery_spells_versions_by_its_release() {
    for (text, build, shown) in [
        (VersionText::Short, 0, "1.1.0"),
        (VersionText::Short, 4, "1.1.0.4"),
        (VersionText::FourNumbers, 0, "1.1.0.0"),
        (VersionText::FourNumbers, 4, "1.1.0.4"),
        (VersionText::LostDot, 0, "1.1.0"),
        (VersionText::LostDot, 4, "1.1.04"),
    ] {
        let mut bench = in_recovery(RecoveryServer { version_text: text, ..RecoveryServer::default() }, 1);
        upload_to(&mut bench, 0, &image::make((1, 1, 0, build), 2000, 3));
        assert_eq!(bench.list(), format!("0 {shown}"));
    }
}

#[test]
fn the_old_recovery_tells_no_hash_and_forgets_the_image_number() {
    let mut bench = in_recovery(RecoveryServer::of(RecoveryRelease::V1_8), 2);
    let list = bench.ask(READ, 1, 0, map([]));
    assert!(!list.contains("hash") && list.contains("1.0.0.0"), "{list}");
    assert_eq!(bench.ask(READ, 1, 6, map([])), "{rc: 0}");
    for command in [0, 6, 8] {
        let body = encode(&map([("d", "x".into())]));
        assert_eq!(bench.raw(&frame(0, READ, 0, 1, command, &body)), Vec::<String>::new());
    }
    // The first chunk names image 1, the others nothing.
    let network = image::make((0, 0, 2), 1200, 9);
    for off in [0, 400, 800] {
        let mut body = map([("off", int(off)), ("data", bytes(&network[off..off + 400]))]);
        if off == 0 {
            let entries = body.as_map_mut().unwrap();
            entries.push((Value::Text("image".into()), 1.into()));
            entries.push((Value::Text("len".into()), int(network.len())));
        }
        bench.upload(body);
    }
    assert_eq!(bench.device.slot_bytes(1, 0).len(), 400);
    assert!(bench.device.slot_bytes(0, 0)[400..1200] != image::make((1, 0, 0), 4096, 1)[400..1200]);
}

#[test]
fn direct_upload_counts_slots() {
    for (number, place) in [(0, (0, 0)), (1, (0, 0)), (2, (0, 1)), (3, (1, 0)), (4, (1, 1))] {
        let direct = RecoveryServer { direct_upload: true, slot_info: true, ..RecoveryServer::default() };
        let mut bench = in_recovery(direct, 2);
        bench.device.log_requests();
        let image = image::make((3, 0, 0), 1000, 3);
        upload_to(&mut bench, number, &image);
        assert!(bench.device.slot_bytes(place.0, place.1).starts_with(&image), "{number}");
        assert_eq!(bench.device.requests()[0].wrote, Some((place.0, place.1, 500)));
        let info = bench.ask(READ, 1, 6, map([]));
        for id in 1..=4 {
            assert!(info.contains(&format!("upload_image_id: {id}")), "{info}");
        }
    }
    // Without it slot 1 carries the number, and slot 0 is written.
    let mut bench = in_recovery(RecoveryServer::of(RecoveryRelease::V2_2), 2);
    let info = bench.ask(READ, 1, 6, map([]));
    assert!(info.contains("{slot: 1, size: 32768, upload_image_id: 1}"), "{info}");
}

#[test]
fn recovery_with_flags_marks_the_second_slot() {
    let mut bench = in_recovery(RecoveryServer { flags: true, ..RecoveryServer::default() }, 1);
    let image = image::make((1, 1, 0), 2000, 3);
    bench.device.preload(0, &image);
    assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0");
    bench.set_state(hash_of(&image), false);
    assert_eq!(bench.list(), "0 1.0.0 co|1 1.1.0 pe");
    assert_eq!(bench.set_state(&[7; 32], false), "{rc: 5}");
}

#[test]
fn an_encrypted_image_is_not_listed_but_boots() {
    let file = Recipe { encrypted: true, ..Recipe::new((1, 1, 0), 2000, 5) }.make();
    let mut bench = in_recovery(RecoveryServer::of(RecoveryRelease::V2_0), 1);
    upload_to(&mut bench, 0, &file);
    assert_eq!(bench.list(), "");
    bench.reset();
    assert_eq!(bench.list(), "0 1.1.0 ac+co");
    // Some builds crash over the list.
    let crashes = RecoveryServer { list: RecoveryList::Crashes, ..RecoveryServer::default() };
    let mut bench = in_recovery(crashes, 1);
    assert_eq!(bench.raw(&frame(0, READ, 1, 1, 0, &[0xa0])), Vec::<String>::new());
    assert!(bench.device.is_frozen());
}

#[test]
fn recovery_hands_the_network_core_its_image_as_it_arrives() {
    let (mut bench, _) = bench(|device| {
        device.recovery = true;
        device.images = 2;
        device.boot_mode = BootMode::OverwriteOnly;
        device.quirks.network_core =
            Some(NetworkCore::Image { number: 1, skipped_behind_application: false });
        device.quirks.recovery =
            RecoveryServer { direct_upload: true, ..RecoveryServer::of(RecoveryRelease::V2_2) };
    });
    let network = image::make((0, 0, 2), 1000, 9);
    assert_eq!(bench.list(), "0/0 1.0.0|1/0 0.0.0", "its header is made up");
    upload_to(&mut bench, 3, &network);
    assert_eq!(bench.list(), "0/0 1.0.0|1/0 0.0.0");
    assert_eq!(bench.device.network_core(), network);
    assert_eq!(bench.ask(WRITE, 0, 5, map([])), "{rc: 10}", "it still copies");
    bench.now += 2_000_000;
    bench.reset();
    assert_eq!(bench.list(), "0/0 1.0.0 ac+co");
}

/// nRF Connect SDK Bare Metal shows the loader as if it were on trial, and its application as the only image there is.
#[test]
fn a_bare_metal_loader_looks_like_a_trial() {
    let (mut bench, image) = bench(|device| {
        device.boot_mode = BootMode::FirmwareLoader;
        device.quirks.loader =
            Some(LoaderSetup { application_lists: true, boot_mode: true, in_loader: true, bare_metal: true });
    });
    assert_eq!(bench.list(), "0 1.0.0 co|1 0.9.0 ac");
    assert_eq!(bench.set_state(hash_of(&image), true), "{rc: 8}");
    bench.upload_image(&image, 500);
    bench.reset();
    assert_eq!(bench.list(), "0 1.1.0 ac");
}

/// Zephyr 4.3 and 4.4 read the marks of RAM load with revert as those of a bootloader that swaps.
#[test]
fn a_trial_of_ram_load_looks_confirmed_and_cannot_be() {
    for (permanent, during) in [(false, "0 1.0.0 pe|1 1.1.0 ac+co"), (true, "0 1.0.0 pe+pe|1 1.1.0 ac+co")] {
        let (mut bench, image) = bench(|device| {
            device.boot_mode = BootMode::DirectXipRevert;
            device.quirks.told_mode = Some(6);
            device.quirks.flags_by_marks = true;
        });
        bench.upload_image(&image, 500);
        bench.set_state(hash_of(&image), permanent);
        bench.reset();
        assert_eq!(bench.list(), during);
        let confirmed = bench.set_state(hash_of(&image), true);
        assert_eq!(confirmed, "{err: {group: 1, rc: 28}}");
        bench.reset();
        let running = bench.device.running().unwrap().to_string();
        assert_eq!(running, if permanent { "1.1.0" } else { "1.0.0" });
    }
}

#[test]
fn every_device_of_the_field_has_a_name_and_answers() {
    for device in FieldDevice::ALL {
        assert_eq!(FieldDevice::from_name(device.name).map(|found| found.about), Some(device.about));
        let mut options = options(NEW);
        device.apply(&mut options);
        assert_ne!(options, self::options(NEW), "{}", device.name);
        let mut bench = Bench::new(options);
        assert_eq!(bench.ask(WRITE, 0, 0, map([("d", "here".into())])), "{r: \"here\"}", "{}", device.name);
    }
    assert!(FieldDevice::from_name("a toaster").is_none());
}
