//! Packages: every shape the SDK has written, and every way one can be bad.

mod firmware_support;

use firmware_support::Builder;
use firmware_support::package::{Entry, archive};
use serde_json::{Value, json};
use smpfota::Status;
use smpfota::firmware::{FileKind, Firmware, FirmwareError, Version};

fn image(version: (u8, u8, u16, u32)) -> Vec<u8> {
    Builder { version, ..Builder::default() }.build()
}

fn manifest(json: &Value) -> Entry {
    Entry::new("manifest.json", json.to_string())
}

fn files(files: Value) -> Entry {
    manifest(&json!({"format-version": 1, "time": 1, "files": files}))
}

fn parse(entries: &[Entry]) -> Firmware {
    Firmware::parse(archive(entries)).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(entries: &[Entry], status: Status, words: &[&str]) {
    refused_bytes(archive(entries), status, words);
}

fn refused_bytes(bytes: Vec<u8>, status: Status, words: &[&str]) {
    let error = Firmware::parse(bytes).expect_err("must be refused");
    let sentence = error.to_string();
    assert_eq!(error.status(), status, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

/// A valid package of one image, for tests that then spoil one thing.
fn good() -> [Entry; 2] {
    [files(json!([{"file": "a.bin"}])), Entry::new("a.bin", image((1, 0, 0, 0)))]
}

#[test]
fn a_package_of_application_and_network_core_is_read_in_order() {
    // The fields of a real nRF5340 package, listed in the wrong order.
    let (app, net) = (image((0, 0, 4, 0)), image((1, 0, 0, 0)));
    let text = json!({"format-version": 1, "time": 1_786_861_789u32, "name": "demo",
        "firmware": {"zephyr": {"revision": "abc"}, "nrf": {"revision": "def"}}, "files": [
        {"type": "application", "board": "board/nrf5340/cpunet", "soc": "nrf5340", "load_address": 16_812_032,
         "image_index": "1", "slot_index_primary": "3", "slot_index_secondary": "4", "version_MCUBOOT": null, "version": "7",
         "size": net.len(), "file": "ipc_radio.bin", "modtime": 1_786_861_789u32},
        {"type": "application", "board": "board", "soc": "nrf5340", "load_address": 66048, "image_index": "0",
         "slot_index_primary": "1", "slot_index_secondary": "2", "version_MCUBOOT": "0.0.4+0", "size": app.len(),
         "file": "app.signed.bin", "modtime": 1_786_861_789u32}]});
    let entries = [
        Entry::new("ipc_radio.bin", net.clone()).deflated(),
        Entry::new("app.signed.bin", app.clone()),
        manifest(&text),
        Entry::new("README.txt", "hello"),
    ];
    let firmware = parse(&entries);
    assert_eq!(firmware.images.len(), 2);
    let [first, second] = &firmware.images[..] else { unreachable!() };
    assert_eq!((first.image_number, first.file.as_deref()), (0, Some("app.signed.bin")));
    assert_eq!((second.image_number, second.file.as_deref()), (1, Some("ipc_radio.bin")));
    assert_eq!((&first.bytes[..], &second.bytes[..]), (&app[..], &net[..]));
    assert_eq!((first.slot, second.slot), (None, None));
    let package = firmware.package().unwrap();
    assert_eq!((package.format_version, package.name.as_deref()), (1, Some("demo")));
    assert_eq!(
        (package.zephyr_revision.as_deref(), package.nrf_revision.as_deref()),
        (Some("abc"), Some("def"))
    );
    assert_eq!(package.time, Some(1_786_861_789));
    assert_eq!(package.ignored, ["README.txt"]);
    assert_eq!(package.files[1].load_address, Some(16_812_032));
    let described = firmware.describe();
    assert_eq!(described["kind"], "package");
    assert_eq!(described["package"]["files"][0]["board"], "board");
    assert_eq!(described["package"]["files"][1]["other_version"], "7");
    assert_eq!(described["package"]["notes"], json!([]));
    assert_eq!(described["images"][1]["image"], 1);
}

#[test]
fn old_manifests_are_read() {
    // Format 0 of NCS 2.1: no image_index. Hexadecimal numbers without quotes are no JSON, but were written.
    let bytes = image((2, 1, 0, 0));
    let text = format!(
        r#"{{"format-version": 0, "time": 1600000000, "files": [{{"type": "application", "board": "b", "soc": "s",
           "load_address": 0x1f000, "file": "app_update.bin", "size": {}, "version_MCUBOOT": "2.1.0"}}]}}"#,
        bytes.len()
    );
    let firmware =
        parse(&[Entry::new("app_update.bin", bytes), Entry::new("manifest.json", text).deflated()]);
    assert_eq!(firmware.images[0].image_number, 0);
    assert_eq!(firmware.images[0].version, Version::new(2, 1, 0, 0));
    assert_eq!(firmware.package().unwrap().files[0].load_address, Some(0x1f000));
    assert_eq!(firmware.package().unwrap().format_version, 0);
}

#[test]
fn numbers_may_be_text() {
    let bytes = image((1, 0, 0, 0));
    for (value, expected) in [
        (json!(2), 2),
        (json!("2"), 2),
        (json!("0x2"), 2),
        (json!(" 2 "), 2),
        (json!(null), 0),
        (json!(""), 0),
        (json!("255"), 255),
    ] {
        let size = bytes.len().to_string();
        let firmware = parse(&[
            manifest(
                &json!({"format-version": "1", "files": [{"file": "a.bin", "image_index": value, "size": size}]}),
            ),
            Entry::new("a.bin", bytes.clone()),
        ]);
        assert_eq!(firmware.images[0].image_number, expected, "{value}");
    }
    for value in
        [json!(-1), json!(1.5), json!("one"), json!("0x"), json!("+1"), json!([1]), json!(true), json!(256)]
    {
        refused(
            &[files(json!([{"file": "a.bin", "image_index": value}])), Entry::new("a.bin", bytes.clone())],
            Status::PackageMalformed,
            &["a.bin", "image_index"],
        );
    }
}

#[test]
fn direct_xip_alternatives_are_told_apart_by_slot() {
    let firmware = parse(&[
        files(json!([
            {"file": "net1.bin", "image_index": "1", "slot": "3", "version_MCUBOOT+XIP": "1.0.0+0"},
            {"file": "second.bin", "image_index": "0", "slot": "1", "version_MCUBOOT+XIP": "1.0.0+0"},
            {"file": "first.bin", "image_index": "0", "slot": "0", "version_MCUBOOT+XIP": "1.0.0+0"},
            {"file": "net0.bin", "image_index": "1", "slot": "2", "version_MCUBOOT+XIP": "1.0.0+0"},
        ])),
        Entry::new("first.bin", image((1, 0, 0, 0))),
        Entry::new("second.bin", image((1, 0, 0, 1))),
        Entry::new("net0.bin", image((1, 0, 0, 2))),
        Entry::new("net1.bin", image((1, 0, 0, 3))),
    ]);
    let order: Vec<_> = firmware
        .images
        .iter()
        .map(|image| (image.image_number, image.slot, image.file.as_deref().unwrap()))
        .collect();
    assert_eq!(
        order,
        [
            (0, Some(0), "first.bin"),
            (0, Some(1), "second.bin"),
            (1, Some(0), "net0.bin"),
            (1, Some(1), "net1.bin")
        ]
    );
    assert_eq!(firmware.alternatives(1).count(), 2);
    assert_eq!(firmware.alternatives(2).count(), 0);
    // The header decides about the version; the manifest's other opinion is noted.
    assert!(firmware.describe()["package"]["notes"].to_string().contains("second.bin"));
}

#[test]
fn alternatives_that_nobody_can_choose_from_are_refused() {
    let entries = |list: Value| {
        [files(list), Entry::new("a.bin", image((1, 0, 0, 0))), Entry::new("b.bin", image((1, 0, 0, 1)))]
    };
    for list in [
        json!([{"file": "a.bin"}, {"file": "b.bin"}]),
        json!([{"file": "a.bin", "slot": 1}, {"file": "b.bin", "slot": 1}]),
        json!([{"file": "a.bin", "slot": 1}, {"file": "b.bin"}]),
        json!([{"file": "a.bin", "slot": 2, "image_index": 1}, {"file": "b.bin", "slot": 0, "image_index": 1}]),
    ] {
        refused(&entries(list), Status::PackageMalformed, &["a.bin", "b.bin", "same slot"]);
    }
    refused(
        &entries(json!([{"file": "a.bin", "slot": 3, "image_index": 0}, {"file": "b.bin", "slot": 0}])),
        Status::PackageMalformed,
        &["a.bin", "slot 3", "image_index 0"],
    );
    refused(
        &entries(json!([{"file": "a.bin"}, {"file": "a.bin", "image_index": 1}])),
        Status::PackageMalformed,
        &["a.bin", "twice"],
    );
    // Both places of the bootloader, and nothing that tells them apart.
    refused(
        &entries(json!([{"file": "a.bin", "type": "mcuboot"}, {"file": "b.bin", "type": "mcuboot"}])),
        Status::ImageUnsupported,
        &["bootloader", "a.bin", "b.bin"],
    );
    refused(
        &entries(json!([{"file": "a.bin", "type": "mcuboot"}, {"file": "b.bin", "type": "application"}])),
        Status::ImageUnsupported,
        &["bootloader", "application", "a.bin", "b.bin", "one after the other"],
    );
}

#[test]
fn the_two_variants_of_the_bootloader_are_told_apart() {
    let entries =
        |list: Value| [files(list), Entry::new("s1.bin", at(0x1c201)), Entry::new("s0.bin", at(0xc201))];
    for list in [
        // Since nRF Connect SDK 3.0.
        json!([{"file": "s1.bin", "type": "mcuboot", "slot": "1"}, {"file": "s0.bin", "type": "mcuboot", "slot": "0"}]),
        // Before it: told apart by the load address.
        json!([{"file": "s1.bin", "type": "mcuboot", "load_address": 0x1c000},
               {"file": "s0.bin", "type": "mcuboot", "load_address": "0xc000"}]),
        // An expression that CMake never resolved: the vector table tells.
        json!([{"file": "s1.bin", "type": "mcuboot", "load_address": "$<TARGET_PROPERTY:partition_manager,PM_S1_ADDRESS>"},
               {"file": "s0.bin", "type": "mcuboot", "load_address": "$<TARGET_PROPERTY:partition_manager,PM_S0_ADDRESS>"}]),
    ] {
        let firmware = parse(&entries(list.clone()));
        let found: Vec<_> = firmware
            .images
            .iter()
            .map(|image| (image.file.as_deref().unwrap(), image.slot, image.is_bootloader()))
            .collect();
        assert_eq!(found, [("s0.bin", Some(0), true), ("s1.bin", Some(1), true)], "{list}");
    }
    let alone = parse(&[
        files(
            json!([{"file": "s1.bin", "type": "mcuboot", "version_MCUBOOT": "0.0.4+0", "version_B0": "2"}]),
        ),
        Entry::new("s1.bin", at(0x1c201)),
    ]);
    let image = &alone.images[0];
    assert!(image.is_bootloader() && image.slot.is_none() && !image.is_network_core());
    let origin = image.origin.as_deref().unwrap();
    assert_eq!((origin.version_b0.as_deref(), origin.version.as_deref()), (Some("2"), Some("0.0.4+0")));
}

/// An image whose program begins with a vector table of this reset vector.
fn at(reset: u32) -> Vec<u8> {
    let stack = if reset < 0x0100_0000 { 0x2000_4000u32 } else { 0x2100_4000 };
    let mut body = [stack.to_le_bytes(), reset.to_le_bytes()].concat();
    body.resize(1_000, 0x5a);
    Builder { body, ..Builder::default() }.build()
}

#[test]
fn where_an_image_runs_is_told_by_its_vector_table_and_by_the_manifest() {
    // Item 14: the network core's update of a build without a package.
    let net = Firmware::parse(at(0x0100_8a01)).unwrap();
    assert!(net.images[0].is_network_core());
    assert_eq!(net.images[0].vector_table().unwrap().reset, 0x0100_8a01);
    assert_eq!(net.describe()["images"][0]["network_core"], true);
    let app = Firmware::parse(at(0x1_0201)).unwrap();
    assert!(!app.images[0].is_network_core());
    assert!(app.images[0].origin.is_none() && app.images[0].load_address().is_none());
    let listed = parse(&[
        files(
            json!([{"file": "a.bin", "image_index": "0", "slot_index_primary": "1", "slot_index_secondary": "2",
                      "load_address": 66048, "board": "b", "soc": "s", "type": "application"},
                     {"file": "b.bin", "image_index": "1", "slot_index_primary": "3", "slot_index_secondary": "what",
                      "load_address": "0x01008800"}]),
        ),
        Entry::new("a.bin", at(0x1_0201)),
        Entry::new("b.bin", image((1, 0, 0, 0))),
    ]);
    let [app, net] = &listed.images[..] else { unreachable!() };
    assert!(!app.is_network_core() && net.is_network_core());
    let origin = app.origin.as_deref().unwrap();
    assert_eq!((origin.slot_index_primary, origin.slot_index_secondary), (Some(1), Some(2)));
    assert_eq!((origin.board.as_deref(), origin.soc.as_deref()), (Some("b"), Some("s")));
    assert_eq!((origin.kind.as_deref(), app.load_address()), (Some("application"), Some(66048)));
    let origin = net.origin.as_deref().unwrap();
    assert_eq!((origin.slot_index_primary, origin.slot_index_secondary), (Some(3), None));
    assert!(listed.describe()["package"]["notes"].to_string().contains("slot_index_secondary"));
}

#[test]
fn a_padded_image_can_be_had_without_its_padding() {
    let mut tail = vec![0xff; 200];
    tail[200 - 24] = 1;
    tail[200 - 16..].copy_from_slice(&[
        0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80,
    ]);
    let padded = Firmware::parse(Builder { tail, ..Builder::default() }.build()).unwrap();
    let bare = Firmware::parse(Builder::default().build()).unwrap();
    let (padded, bare) = (&padded.images[0], &bare.images[0]);
    assert!(padded.trailer().unwrap().confirmed && bare.trailer().is_none());
    assert_eq!(padded.content(), &bare.bytes[..]);
    let cut = padded.without_padding();
    assert_eq!((&cut.bytes, cut.sha256, cut.padding), (&bare.bytes, bare.sha256, None));
    assert_eq!((cut.hash, cut.is_padded()), (padded.hash, false));
}

#[test]
fn manifests_that_cannot_be_followed_are_refused() {
    let bad = |text: &str, words: &[&str]| {
        refused(
            &[Entry::new("manifest.json", text), Entry::new("a.bin", image((1, 0, 0, 0)))],
            Status::PackageMalformed,
            words,
        );
    };
    bad("", &["not JSON"]);
    bad("{", &["not JSON"]);
    bad("[]", &["not a JSON object"]);
    bad("{}", &["files"]);
    bad(r#"{"files": {}}"#, &["files"]);
    bad(r#"{"files": []}"#, &["no file"]);
    bad(r#"{"files": [1]}"#, &["entry 0"]);
    bad(r#"{"files": [{"size": 1}]}"#, &["entry 0", "\"file\""]);
    bad(r#"{"format-version": 2, "files": [{"file": "a.bin"}]}"#, &["format-version 2"]);
    bad(&format!(r#"{{"files": [{}{{}}]}}"#, "{},".repeat(32)), &["33 files"]);
    bad(&"[".repeat(100_000), &["not JSON"]);
    bad(r#"{"files": [{"file": "b.bin"}]}"#, &["b.bin", "no such entry"]);
    refused(
        &[Entry::new("manifest.json", vec![b' '; 256 * 1024 + 1])],
        Status::PackageUnsafe,
        &["manifest.json", "262145"],
    );
    refused(
        &[Entry::new("manifest.json", b"{\"a\": \"\xff\"}".to_vec())],
        Status::PackageMalformed,
        &["UTF-8"],
    );
    let with_mark =
        [Entry::new("manifest.json", "\u{feff}{\"files\": [{\"file\": \"a.bin\"}]}"), good()[1].clone()];
    assert_eq!(parse(&with_mark).images.len(), 1);
}

#[test]
fn packages_of_other_systems_are_named() {
    let nrf5 = json!({"manifest": {"application": {"bin_file": "app.bin", "dat_file": "app.dat"}}});
    let entries = [manifest(&nrf5), Entry::new("app.bin", "x"), Entry::new("app.dat", "y")];
    refused(&entries, Status::LegacyPackage, &["nRF5 SDK", "nrfutil"]);
    for file in [json!({"file": "root.suit"}), json!({"file": "a.bin", "type": "suit-envelope"})] {
        refused(&[files(json!([file]))], Status::ImageUnsupported, &["SUIT"]);
    }
    let plain = Firmware::parse(archive(&[Entry::new("zephyr.signed.bin", "x")])).unwrap_err();
    assert_eq!(plain, FirmwareError::NotAnImage(FileKind::Zip));
    refused(
        &[Entry::new("build/manifest.json", "{}")],
        Status::PackageMalformed,
        &["build/manifest.json", "folder"],
    );
    refused(&[], Status::NotAnImage, &["zip archive without manifest.json"]);
}

#[test]
fn what_is_wrong_with_an_image_names_its_file() {
    let with = |bytes: Vec<u8>| [files(json!([{"file": "a.bin"}])), Entry::new("a.bin", bytes)];
    let whole = image((1, 0, 0, 0));
    let mut changed = whole.clone();
    changed[50] ^= 1;
    refused(&with(changed), Status::ImageHashMismatch, &["\"a.bin\"", "SHA-256"]);
    refused(&with(whole[..500].to_vec()), Status::ImageTruncated, &["\"a.bin\"", "missing"]);
    refused(&with(vec![]), Status::NotAnImage, &["\"a.bin\"", "empty file"]);
    refused(&with(b":020000040000FA\r\n".to_vec()), Status::NotAnImage, &["\"a.bin\"", "Intel HEX"]);
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["../a.bin", "/a.bin", "C:a.bin", "a\\b.bin", "a\0.bin", "x/../../a.bin", "./../b"] {
        let shown = format!("{name:?}");
        let mut entries = good().to_vec();
        entries.push(Entry::new(name, "x"));
        refused(&entries, Status::PackageUnsafe, &[&shown]);
        refused(
            &[files(json!([{"file": name}])), Entry::new("a.bin", image((1, 0, 0, 0)))],
            Status::PackageUnsafe,
            &[&shown],
        );
    }
    let mut inside = good().to_vec();
    inside[0] = files(json!([{"file": "folder/a.bin"}]));
    inside[1].name = b"folder/a.bin".to_vec();
    inside.push(Entry { mode: 0o040_755, ..Entry::new("folder/", "") });
    assert_eq!(parse(&inside).images.len(), 1);
}

#[test]
fn entries_that_are_no_plain_files_are_refused() {
    let mut link = good();
    link[1].mode = 0o120_777;
    refused(&link, Status::PackageUnsafe, &["a.bin", "symbolic link"]);
    let mut device = good();
    device[1].mode = 0o060_644;
    refused(&device, Status::PackageUnsafe, &["a.bin", "neither a file nor a folder"]);
    let mut encrypted = good();
    encrypted[1].flags = 1;
    refused(&encrypted, Status::PackageUnsafe, &["a.bin", "encrypted"]);
    let mut method = good();
    method[1].method = 12;
    refused(&method, Status::PackageMalformed, &["a.bin", "stored and deflated"]);
    let mut twice = good().to_vec();
    twice.push(twice[1].clone());
    refused(&twice, Status::PackageUnsafe, &["a.bin", "twice"]);
}

#[test]
fn entries_of_the_wrong_size_or_content_are_refused() {
    let mut bomb = good();
    bomb[1].declared_size = Some(100);
    let mut deflated_bomb = bomb.clone();
    deflated_bomb[1] = deflated_bomb[1].clone().deflated();
    for entries in [bomb, deflated_bomb] {
        let error = Firmware::parse(archive(&entries)).unwrap_err();
        assert!(matches!(error.status(), Status::PackageMalformed | Status::PackageUnsafe), "{error}");
        assert!(error.to_string().contains("a.bin"), "{error}");
    }
    let mut short = good();
    short[1].declared_size = Some(short[1].data.len() as u32 + 1);
    short[1] = short[1].clone().deflated();
    refused(&short, Status::PackageMalformed, &["a.bin"]);
    let mut crc = good();
    crc[1].declared_crc = Some(1);
    refused(&crc, Status::PackageMalformed, &["a.bin"]);
    let mut garbage = good();
    garbage[1] = Entry { stored: Some(vec![0xff; 64]), method: 8, ..garbage[1].clone() };
    refused(&garbage, Status::PackageMalformed, &["a.bin"]);
    let mut large = good();
    large[1].declared_size = Some(16 * 1024 * 1024 + 1);
    refused(&large, Status::PackageUnsafe, &["a.bin", "16777217"]);
    // Five entries that together would unpack to more than 64 MiB; none of them is one that the manifest lists.
    let mut total = good().to_vec();
    total.extend(
        (0..5)
            .map(|i| Entry { declared_size: Some(16 * 1024 * 1024), ..Entry::new(&format!("{i}.dat"), "x") }),
    );
    refused(&total, Status::PackageUnsafe, &["3.dat", "67108864"]);
    let many: Vec<_> = (0..257).map(|i| Entry::new(&format!("{i}"), "")).collect();
    refused(&many, Status::PackageUnsafe, &["256 entries"]);
}

#[test]
fn a_real_bomb_stops_early() {
    // 16 MiB of zeros, compressed a thousandfold; declared as what it is it unpacks, but is no image.
    let zeros = vec![0u8; 16 * 1024 * 1024];
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, data) in [("manifest.json", &br#"{"files": [{"file": "a.bin"}]}"#[..]), ("a.bin", &zeros)] {
        writer.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut writer, data).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert!(bytes.len() < 100_000);
    refused_bytes(bytes.clone(), Status::NotAnImage, &["a.bin", "zero bytes"]);
    // The same stream, declared as 1000 bytes.
    let mut lying = bytes;
    let size = (16u32 * 1024 * 1024).to_le_bytes();
    let places: Vec<_> = (0..lying.len() - 4).filter(|at| lying[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    let error = Firmware::parse(lying).unwrap_err();
    assert!(matches!(error.status(), Status::PackageMalformed | Status::PackageUnsafe), "{error}");
    assert!(error.to_string().contains("a.bin"), "{error}");
}

#[test]
fn every_truncation_of_a_package_is_refused() {
    let bytes = archive(&good());
    for length in 0..bytes.len() {
        let error = Firmware::parse(bytes[..length].to_vec()).expect_err("must be refused");
        assert!((-199..=-100).contains(&error.status().number()), "{length}: {error}");
        if length > 60 {
            assert_eq!(error.status(), Status::PackageMalformed, "{length}: {error}");
        }
    }
    refused_bytes(bytes[..bytes.len() - 30].to_vec(), Status::PackageMalformed, &["cut off"]);
}

#[test]
fn zip_signatures_inside_of_an_image_mean_nothing() {
    // Encrypted or compressed images hold every four bytes sooner or later; these stand in the end of the file as well.
    let mut body = Vec::new();
    for signature in [b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04"] {
        body.extend(signature);
        body.extend((1..40u8).map(|byte| byte.wrapping_mul(201)));
    }
    let bytes = Builder { body, ..Builder::default() }.build();
    let firmware = parse(&[files(json!([{"file": "a.bin"}])), Entry::new("a.bin", bytes.clone())]);
    assert_eq!(&firmware.images[0].bytes[..], &bytes[..]);
}

#[test]
fn declared_counts_allocate_nothing() {
    let mut bytes = archive(&good());
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].copy_from_slice(&[1, 1, 1, 1]);
    refused_bytes(bytes, Status::PackageUnsafe, &["256 entries"]);
    let mut zip64 = archive(&good());
    zip64.splice(end..end, *b"PK\x06\x07................");
    refused_bytes(zip64, Status::PackageMalformed, &["zip64"]);
    // A second end record, in the comment of the first: the reader would find it first.
    let mut second = archive(&good());
    second[end + 20] = 22;
    second.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0");
    refused_bytes(second, Status::PackageUnsafe, &["256 entries"]);
}
