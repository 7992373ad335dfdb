//! Packages as their builders write them: what Nordic's builders of all versions, its phone libraries and common
//! archivers make opens as the table says, and what does not open is named for what it is.
//!
//! The manifests are built as sdk-nrf's `scripts/bootloader/generate_zip.py` builds them, out of the `key=value` arguments that
//! `cmake/*.cmake`, `modules/mcuboot/CMakeLists.txt` and `cmake/sysbuild/*.cmake` pass to it in the release that a row names. A file
//! named in the comment of a row is one of sdk-nrf, unless it says otherwise.

mod firmware_support;

use firmware_support::Builder;
use firmware_support::package::{Entry, archive};
use serde_json::{Map, Value, json};
use smpfota::Status;
use smpfota::firmware::Firmware;

/// What a row of the table expects: for each image its number, slot and file, or the status and words of the refusal.
type Expected<'a> = Result<&'a [(u32, Option<u32>, &'a str)], (Status, &'a [&'a str])>;

/// An image whose program starts at `reset`.
fn program(reset: u32, build: u32) -> Vec<u8> {
    let stack: u32 = if (0x0100_0000..0x0104_0000).contains(&reset) { 0x2100_4000 } else { 0x2000_4000 };
    let mut body = [stack.to_le_bytes(), (reset | 1).to_le_bytes()].concat();
    body.resize(700, 0x3c);
    Builder { version: (2, 0, 0, build), body, ..Builder::default() }.build()
}

fn app() -> Vec<u8> {
    program(0x1_0200, 0)
}

fn net() -> Vec<u8> {
    program(0x0100_8a00, 1)
}

/// What `generate_zip.py` puts into `manifest.json`: an argument that begins with the name of a file belongs to that file, any
/// other to all; a value that begins with 0x becomes a number, any other stays text.
fn manifest(format: u32, files: &[(&str, &[u8])], arguments: &[&str], extra: Value) -> Value {
    let mut shared = Map::new();
    let mut special: Vec<Map<String, Value>> = vec![Map::new(); files.len()];
    for argument in arguments {
        let (key, text) = argument.split_once('=').unwrap();
        let value = match text.strip_prefix("0x") {
            Some(digits) => json!(u64::from_str_radix(digits, 16).unwrap()),
            None => json!(text),
        };
        let mut own = false;
        for (index, (name, _)) in files.iter().enumerate() {
            if let Some(rest) = key.strip_prefix(name) {
                special[index].insert(rest.into(), value.clone());
                own = true;
            }
        }
        if !own {
            shared.insert(key.into(), value);
        }
    }
    let files: Vec<Value> = files
        .iter()
        .zip(special)
        .map(|((name, bytes), special)| {
            let mut merged = shared.clone();
            merged.extend(special);
            merged.insert("size".into(), json!(bytes.len()));
            merged.insert("file".into(), json!(name));
            merged.insert("modtime".into(), json!(1_700_000_000));
            Value::Object(merged)
        })
        .collect();
    let mut all = json!({"format-version": format, "time": 1_700_000_000, "files": files});
    for (key, value) in extra.as_object().unwrap() {
        all[key] = value.clone();
    }
    all
}

/// A package of the SDK's builder: the files in order, then the manifest.
fn sdk(format: u32, files: &[(&str, Vec<u8>)], arguments: &[&str]) -> Vec<u8> {
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    let meta = json!({"firmware": {"zephyr": {"revision": "4f1b2c"}, "nrf": {"revision": null}}});
    let text = manifest(format, &borrowed, arguments, meta);
    pack(files, &text)
}

fn pack(files: &[(&str, Vec<u8>)], manifest: &Value) -> Vec<u8> {
    let mut entries: Vec<Entry> = files.iter().map(|(name, bytes)| Entry::new(name, bytes.clone())).collect();
    entries.push(Entry::new("manifest.json", serde_json::to_string_pretty(manifest).unwrap()));
    archive(&entries)
}

/// A package of one application with these fields in its record of the manifest, and `top` beside the files.
fn one(fields: Value, top: Value) -> Vec<u8> {
    let mut file = json!({"file": "app.bin", "type": "application", "board": "b", "soc": "s",
        "size": app().len(), "modtime": 1, "version_MCUBOOT": "2.0.0"});
    for (key, value) in fields.as_object().unwrap() {
        file[key] = value.clone();
    }
    let mut all = json!({"format-version": 0, "time": 1, "files": [file]});
    for (key, value) in top.as_object().unwrap() {
        all[key] = value.clone();
    }
    pack(&[("app.bin", app())], &all)
}

/// Two files with these records.
fn two(first: Value, second: Value) -> Vec<u8> {
    let files = [("a.bin", app()), ("b.bin", program(0x8_0200, 2))];
    let record = |name: &str, fields: &Value| {
        let mut file = json!({"file": name, "type": "application"});
        for (key, value) in fields.as_object().unwrap() {
            file[key] = value.clone();
        }
        file
    };
    pack(&files, &json!({"format-version": 1, "files": [record("a.bin", &first), record("b.bin", &second)]}))
}

/// What sdk-nrf's `scripts/bootloader/dfu_multi_image_tool.py` writes: the length of a CBOR header in two bytes, the header with a number
/// and a size for each file, the files.
fn multi_image(files: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let listed: Vec<Value> = files.iter().map(|(id, bytes)| json!({"id": id, "size": bytes.len()})).collect();
    let mut header = Vec::new();
    ciborium::into_writer(&json!({"img": listed}), &mut header).unwrap();
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let contents: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    [&length[..], &header, &contents].concat()
}

/// A program with what the immutable bootloader checks, and no header of MCUboot.
fn by_b0(reset: u32) -> Vec<u8> {
    program(reset, 0)[32..].to_vec()
}

/// The same entries under other names, as archivers write them.
fn renamed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    archive(&entries.iter().map(|(name, bytes)| Entry::new(name, *bytes)).collect::<Vec<_>>())
}

#[expect(clippy::too_many_lines, reason = "a table of packages, one row each")]
fn table() -> Vec<(&'static str, Vec<u8>, Expected<'static>)> {
    let single: Expected<'static> = Ok(&[(0, None, "app.bin")]);
    let listed = json!({"format-version": 0, "files": [{"file": "app.bin"}]}).to_string();
    let listed = listed.as_bytes();
    let app_bytes = app();
    let app_bytes = &app_bytes[..];
    let s0 = program(0xc200, 0);
    let s1 = program(0x1_c200, 0);
    vec![
        (
            // cmake/fw_zip.cmake, cmake/mcuboot.cmake
            "SDK 1.3: no image_index, a hexadecimal address",
            sdk(0, &[("app_update.bin", app())], &["type=application", "board=nrf9160dk_nrf9160ns", "soc=nRF9160", "load_address=0xc200", "version_MCUBOOT=2.0.0"]),
            Ok(&[(0, None, "app_update.bin")]),
        ),
        (
            "before that: an address that is no JSON",
            renamed(&[("app.bin", app_bytes), ("manifest.json", br#"{"format-version": 0, "files": [{"file": "app.bin", "load_address": 0x1f000, "size": "x"}]}"#)]),
            single,
        ),
        (
            // modules/mcuboot/CMakeLists.txt, NRF53_UPGRADE_NETWORK_CORE
            "SDK 2.1, nRF5340: both cores",
            sdk(0, &[("app_update.bin", app()), ("net_core_app_update.bin", net())], &["type=application", "board=b", "soc=s",
                "app_update.binload_address=0x10200", "app_update.binimage_index=0", "app_update.binslot_index_primary=1",
                "app_update.binslot_index_secondary=2", "app_update.binversion_MCUBOOT=2.0.0",
                "net_core_app_update.binimage_index=1", "net_core_app_update.binslot_index_primary=3",
                "net_core_app_update.binslot_index_secondary=4", "net_core_app_update.binload_address=0x1008800",
                "net_core_app_update.binboard=nrf5340dk_nrf5340_cpunet", "net_core_app_update.binversion=1"]),
            Ok(&[(0, None, "app_update.bin"), (1, None, "net_core_app_update.bin")]),
        ),
        (
            "the network core alone",
            sdk(0, &[("net_core_app_update.bin", net())], &["type=application", "net_core_app_update.binimage_index=1"]),
            Ok(&[(1, None, "net_core_app_update.bin")]),
        ),
        (
            // modules/mcuboot/CMakeLists.txt, BOOT_BUILD_DIRECT_XIP_VARIANT
            "SDK 2.5: direct XIP",
            sdk(0, &[("app_update.bin", app()), ("mcuboot_secondary_app_update.bin", program(0x8_0200, 2))], &["type=application",
                "app_update.binload_address=0x10200", "app_update.binversion_MCUBOOT+XIP=2.0.0", "app_update.binslot=0",
                "mcuboot_secondary_app_update.binload_address=0x80200", "mcuboot_secondary_app_update.binslot=1",
                "mcuboot_secondary_app_update.binversion_MCUBOOT+XIP=2.0.0"]),
            Ok(&[(0, Some(0), "app_update.bin"), (0, Some(1), "mcuboot_secondary_app_update.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake; generate_zip.py with --format-version
            "SDK 2.7, sysbuild: format 1",
            sdk(1, &[("app.bin", app())], &["type=application", "app.binload_address=66048", "app.binimage_index=0",
                "app.binslot_index_primary=1", "app.binslot_index_secondary=2", "app.binversion_MCUBOOT=2.0.0+0"]),
            single,
        ),
        (
            // cmake/sysbuild/zip.cmake, as in 2.9
            "SDK 2.8: named after the signed file",
            sdk(1, &[("app.signed.bin", app())], &["type=application", "app.signed.binimage_index=0"]),
            Ok(&[(0, None, "app.signed.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake, SB_CONFIG_BOOT_ENCRYPTION
            "an encrypted application",
            sdk(1, &[("app.signed.encrypted.bin", Builder { flags: 4, unprotected: vec![(0x31, vec![7; 24])], ..Builder::default() }.build())],
                &["type=application", "app.signed.encrypted.binimage_index=0"]),
            Ok(&[(0, None, "app.signed.encrypted.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake, SB_CONFIG_QSPI_XIP_SPLIT_IMAGE
            "QSPI XIP: one application in two images",
            sdk(1, &[("app.internal.bin", app()), ("app.external.bin", program(0x1000_0200, 1))], &["type=application",
                "app.internal.binimage_index=0", "app.internal.binslot_index_primary=1", "app.external.binimage_index=2",
                "app.external.binslot_index_primary=5", "app.external.binslot_index_secondary=6"]),
            Ok(&[(0, None, "app.internal.bin"), (2, None, "app.external.bin")]),
        ),
        (
            "QSPI XIP and direct XIP together",
            sdk(1, &[("app.internal.bin", app()), ("app.external.bin", program(0x1000_0200, 1)),
                ("mcuboot_secondary_app.internal.bin", program(0x8_0200, 2)), ("mcuboot_secondary_app.external.bin", program(0x1080_0200, 3))],
                &["type=application", "app.internal.binimage_index=0", "app.internal.binslot=0", "app.external.binimage_index=1",
                  "app.external.binslot=2", "mcuboot_secondary_app.internal.binimage_index=0", "mcuboot_secondary_app.internal.binslot=1",
                  "mcuboot_secondary_app.external.binimage_index=1", "mcuboot_secondary_app.external.binslot=3"]),
            Ok(&[(0, Some(0), "app.internal.bin"), (0, Some(1), "mcuboot_secondary_app.internal.bin"),
                 (1, Some(0), "app.external.bin"), (1, Some(1), "mcuboot_secondary_app.external.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake, SB_CONFIG_DFU_ZIP_WIFI_FW_PATCH
            "a Wi-Fi patch beside both cores, without version and address",
            sdk(1, &[("app.bin", app()), ("ipc_radio.bin", net()), ("nrf70.bin", program(0x2000, 5))], &["type=application",
                "app.binimage_index=0", "ipc_radio.binimage_index=1", "nrf70.binimage_index=2", "nrf70.binslot_index_primary=5"]),
            Ok(&[(0, None, "app.bin"), (1, None, "ipc_radio.bin"), (2, None, "nrf70.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake without the partition manager
            "nRF54H20: application and radio for direct XIP",
            sdk(1, &[("app.bin", app()), ("mcuboot_secondary_app.bin", program(0x8_0200, 2)), ("ipc_radio.bin", program(0x9_0200, 3)),
                ("ipc_radio_secondary_app.bin", program(0xa_0200, 4))], &["type=application", "app.binimage_index=0", "app.binslot=0",
                "mcuboot_secondary_app.binimage_index=0", "mcuboot_secondary_app.binslot=1", "ipc_radio.binimage_index=1", "ipc_radio.binslot=2",
                "ipc_radio_secondary_app.binimage_index=1", "ipc_radio_secondary_app.binslot=3"]),
            Ok(&[(0, Some(0), "app.bin"), (0, Some(1), "mcuboot_secondary_app.bin"),
                 (1, Some(0), "ipc_radio.bin"), (1, Some(1), "ipc_radio_secondary_app.bin")]),
        ),
        (
            "the radio of it without image_index",
            sdk(1, &[("ipc_radio.bin", app()), ("ipc_radio_secondary_app.bin", program(0x8_0200, 2))],
                &["type=application", "ipc_radio.binslot=2", "ipc_radio_secondary_app.binslot=3"]),
            Ok(&[(1, Some(0), "ipc_radio.bin"), (1, Some(1), "ipc_radio_secondary_app.bin")]),
        ),
        (
            // cmake/mcuboot.cmake, modules/mcuboot/CMakeLists.txt: dfu_mcuboot.zip
            "the bootloader, before SDK 3.0: told apart by address",
            sdk(0, &[("signed_by_mcuboot_and_b0_s0_image_update.bin", s0.clone()), ("signed_by_mcuboot_and_b0_s1_image_update.bin", s1.clone())],
                &["type=mcuboot", "signed_by_mcuboot_and_b0_s0_image_update.binload_address=0xc000",
                  "signed_by_mcuboot_and_b0_s1_image_update.binload_address=0x1c000", "version_MCUBOOT=2.0.0", "version_B0=2"]),
            Ok(&[(0, Some(0), "signed_by_mcuboot_and_b0_s0_image_update.bin"), (0, Some(1), "signed_by_mcuboot_and_b0_s1_image_update.bin")]),
        ),
        (
            // cmake/sysbuild/b0_mcuboot_signing.cmake, as in 2.9
            "the same, and S1 listed first with addresses as text",
            sdk(1, &[("signed_by_mcuboot_and_b0_s1_image.bin", s1.clone()), ("signed_by_mcuboot_and_b0_mcuboot.bin", s0.clone())],
                &["type=mcuboot", "signed_by_mcuboot_and_b0_mcuboot.binload_address=49152",
                  "signed_by_mcuboot_and_b0_s1_image.binload_address=114688"]),
            Ok(&[(0, Some(0), "signed_by_mcuboot_and_b0_mcuboot.bin"), (0, Some(1), "signed_by_mcuboot_and_b0_s1_image.bin")]),
        ),
        (
            "the bootloader since SDK 3.0",
            sdk(1, &[("signed_by_mcuboot_and_b0_mcuboot.bin", s0.clone()), ("signed_by_mcuboot_and_b0_s1_image.bin", s1.clone())],
                &["type=mcuboot", "signed_by_mcuboot_and_b0_mcuboot.binslot=0", "signed_by_mcuboot_and_b0_s1_image.binslot=1"]),
            Ok(&[(0, Some(0), "signed_by_mcuboot_and_b0_mcuboot.bin"), (0, Some(1), "signed_by_mcuboot_and_b0_s1_image.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake, SB_CONFIG_DFU_ZIP_WIFI_FW_PATCH without NETCORE_APP_UPDATE
            "a Wi-Fi patch beside one core: it is image 1 then",
            sdk(1, &[("app.bin", app()), ("nrf70.bin", program(0x2000, 5))], &["type=application", "board=nrf7002dk/nrf5340/cpuapp",
                "app.binimage_index=0", "app.binslot_index_primary=1", "app.binslot_index_secondary=2", "nrf70.binimage_index=1",
                "nrf70.binslot_index_primary=3", "nrf70.binslot_index_secondary=4"]),
            Ok(&[(0, None, "app.bin"), (1, None, "nrf70.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake, SB_CONFIG_MCUBOOT_SIGN_MERGED_BINARY: the radio is in the same file, so none is listed
            "nRF54H20: application and radio signed as one, for direct XIP",
            sdk(1, &[("app.signed.bin", program(0x0e0b_0800, 0)), ("mcuboot_secondary_app.signed.bin", program(0x0e12_0800, 1))],
                &["type=application", "board=nrf54h20dk/nrf54h20/cpuapp", "app.signed.binload_address=0xe0b0000",
                  "app.signed.binversion_MCUBOOT+XIP=2.0.0+0", "app.signed.binimage_index=0", "app.signed.binslot=0",
                  "mcuboot_secondary_app.signed.binload_address=0xe120000", "mcuboot_secondary_app.signed.binimage_index=0",
                  "mcuboot_secondary_app.signed.binslot=1", "mcuboot_secondary_app.signed.binversion_MCUBOOT+XIP=2.0.0+0"]),
            Ok(&[(0, Some(0), "app.signed.bin"), (0, Some(1), "mcuboot_secondary_app.signed.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake without SB_CONFIG_SECURE_BOOT_NETCORE: `version` is that of MCUboot there
            "a radio that MCUboot itself starts",
            sdk(1, &[("app.signed.bin", program(0x0e0b_0800, 0)), ("ipc_radio.bin", program(0x0e0a_0800, 1))],
                &["type=application", "app.signed.binload_address=0xe0b0000", "app.signed.binimage_index=0",
                  "app.signed.binslot_index_primary=1", "app.signed.binslot_index_secondary=2", "ipc_radio.binimage_index=1",
                  "ipc_radio.binslot_index_primary=3", "ipc_radio.binslot_index_secondary=4", "ipc_radio.binload_address=0xe0a0000",
                  "ipc_radio.binversion=2.0.0+1", "ipc_radio.binboard=nrf54h20dk/nrf54h20/cpurad", "ipc_radio.binsoc=nrf54h20"]),
            Ok(&[(0, None, "app.signed.bin"), (1, None, "ipc_radio.bin")]),
        ),
        (
            // cmake/sysbuild/zip.cmake: only the application's name tells that both are encrypted
            "an encrypted application and an encrypted radio",
            sdk(1, &[("app.signed.encrypted.bin", Builder { flags: 4, unprotected: vec![(0x32, vec![7; 113])], ..Builder::default() }.build()),
                     ("ipc_radio.bin", Builder { flags: 4, unprotected: vec![(0x32, vec![8; 113])], version: (1, 2, 3, 5), ..Builder::default() }.build())],
                &["type=application", "app.signed.encrypted.binimage_index=0", "ipc_radio.binimage_index=1"]),
            Ok(&[(0, None, "app.signed.encrypted.bin"), (1, None, "ipc_radio.bin")]),
        ),
        (
            // cmake/dfu_extra.cmake (2025): any signed file, under a number of the application's choice
            "an extra image that is no program",
            sdk(1, &[("app.signed.bin", app()), ("model.bin", Builder { body: vec![0x55; 900], ..Builder::default() }.build())],
                &["type=application", "app.signed.binimage_index=0", "app.signed.binslot_index_primary=1",
                  "app.signed.binslot_index_secondary=2", "model.binimage_index=3", "model.binslot_index_primary=7",
                  "model.binslot_index_secondary=8"]),
            Ok(&[(0, None, "app.signed.bin"), (3, None, "model.bin")]),
        ),
        (
            // cmake/sysbuild/image_signing_installer.cmake (2026): dfu_fw_loader_installer.zip, with versions of its own and no number
            "a firmware loader and its installer",
            sdk(1, &[("fw_loader_installer.signed.bin", Builder { flags: 0x100, load_address: 0xc000, ..Builder::default() }.build())],
                &["type=application", "board=b", "soc=s", "version_INSTALLER=", "version_FW_LOADER=1.2.3+4"]),
            Ok(&[(0, None, "fw_loader_installer.signed.bin")]),
        ),
        (
            // cmake/sysbuild/b0_mcuboot_signing.cmake at c0899afb (2024): with an immutable bootloader on the network core alone its program is
            // packed as dfu_mcuboot.zip, with the leftovers of S1 and addresses that are empty
            "a network core that is called the bootloader",
            sdk(1, &[("signed_by_mcuboot_and_b0_ipc_radio.bin", net())], &["type=mcuboot", "board=nrf5340dk/nrf5340/cpuapp",
                "signed_by_mcuboot_and_b0_ipc_radio.binload_address=", "signed_by_mcuboot_and_b0_s1_image.binload_address=",
                "version_MCUBOOT=2.0.0+1", "version_B0="]),
            Ok(&[(0, None, "signed_by_mcuboot_and_b0_ipc_radio.bin")]),
        ),
        (
            // cmake/sysbuild/b0_mcuboot_signing.cmake without SB_CONFIG_SECURE_BOOT_BUILD_S1_VARIANT_IMAGE
            "one variant only, and a leftover argument of the other",
            sdk(1, &[("signed_by_mcuboot_and_b0_mcuboot.bin", s0.clone())],
                &["type=mcuboot", "signed_by_mcuboot_and_b0_mcuboot.binload_address=0xc000", "signed_by_mcuboot_and_b0_s1_image.binload_address=0x1c000"]),
            Ok(&[(0, None, "signed_by_mcuboot_and_b0_mcuboot.bin")]),
        ),
        (
            "an address that CMake never worked out",
            sdk(1, &[("app.bin", app())], &["type=application", "app.binload_address=$<TARGET_PROPERTY:partition_manager,PM_APP_ADDRESS>"]),
            single,
        ),
        ("an address that is empty", sdk(1, &[("app.bin", app())], &["type=application", "app.binload_address="]), single),
        (
            // generate_zip.py makes a number only of what begins with 0x; SB_CONFIG_MCUBOOT_*_IMAGE_NUMBER is -1 where the build has none
            "a number of an image that the build does not have",
            sdk(1, &[("app.bin", app())], &["type=application", "app.binimage_index=-1"]),
            Err((Status::PackageMalformed, &["app.bin", "image_index", "-1"])),
        ),
        ("numbers where the SDK writes texts", one(json!({"image_index": 1, "slot_index_primary": 3, "load_address": 294_912}), json!({})), Ok(&[(1, None, "app.bin")])),
        ("a version that nobody kept up, as in manifests written by hand", one(json!({"version_MCUBOOT": "0.0.0+0"}), json!({})), single),
        ("a name to show", one(json!({}), json!({"name": "Thermostat 2.0"})), single),
        ("revisions that are missing", one(json!({}), json!({"firmware": {"zephyr": null}})), single),
        ("`image` as a number, as Nordic's library for iOS reads it", one(json!({"image": 1}), json!({})), Ok(&[(1, None, "app.bin")])),
        ("`partition` as the number of the image", one(json!({"partition": "1"}), json!({})), Ok(&[(1, None, "app.bin")])),
        ("`partition` as a name", one(json!({"partition": "mcuboot_secondary"}), json!({})), single),
        ("both names of the number, in agreement", one(json!({"image": 1, "image_index": "1"}), json!({})), Ok(&[(1, None, "app.bin")])),
        (
            "both names of the number, in disagreement",
            one(json!({"image": 1, "image_index": "0"}), json!({})),
            Err((Status::PackageMalformed, &["app.bin", "image_index is 0", "image is 1"])),
        ),
        ("a time with a fraction", one(json!({}), json!({"time": 1_700_000_000.5})), single),
        ("an address below zero", one(json!({"load_address": -1}), json!({})), single),
        ("a slot that is no number", one(json!({"slot": "primary"}), json!({})), single),
        ("signed again by the vendor: another size", one(json!({"size": 10}), json!({})), single),
        ("no size, board or type at all", one(json!({"size": null, "board": null, "type": null}), json!({})), single),
        ("keys that nobody knows", one(json!({"x": {"y": [1, null]}, "serial_recovery_index": "1"}), json!({"build": {"id": 7}})), single),
        (
            "a format of the future",
            one(json!({}), json!({"format-version": 2})),
            Err((Status::PackageMalformed, &["format-version 2", "too old"])),
        ),
        ("bsdtar with ./*", renamed(&[("./app.bin", app_bytes), ("./manifest.json", listed)]), single),
        ("bsdtar with a folder", renamed(&[("./", b""), ("./app.bin", app_bytes), ("./manifest.json", listed)]), single),
        (
            "the same, and the manifest names it that way too",
            renamed(&[("./app.bin", app_bytes), ("./manifest.json", br#"{"files": [{"file": "./app.bin"}]}"#)]),
            single,
        ),
        (
            "a Mac's archive: resource forks beside the files",
            renamed(&[("app.bin", app_bytes), ("__MACOSX/", b""), ("__MACOSX/._app.bin", b"\0\x05"), ("manifest.json", listed), (".DS_Store", b"x")]),
            single,
        ),
        (
            "the hex file, a licence and a folder beside them",
            renamed(&[("app.hex", b":020000040000FA"), ("LICENSE", b"x"), ("docs/", b""), ("docs/notes.txt", b"x"), ("app.bin", app_bytes), ("manifest.json", listed)]),
            single,
        ),
        (
            "a manifest edited on Windows",
            renamed(&[("app.bin", app_bytes), ("manifest.json", b"\xef\xbb\xbf{\r\n \"files\": [{\"file\": \"app.bin\"}]\r\n}\r\n")]),
            single,
        ),
        (
            "the same name in two spellings",
            renamed(&[("app.bin", app_bytes), ("./app.bin", b"x"), ("manifest.json", listed)]),
            Err((Status::PackageUnsafe, &["app.bin", "twice"])),
        ),
        (
            "a name that leads outside",
            renamed(&[("app.bin", app_bytes), ("./../app.bin", b"x"), ("manifest.json", listed)]),
            Err((Status::PackageUnsafe, &["./../app.bin", "outside"])),
        ),
        (
            "files zipped with their folder",
            renamed(&[("dfu/app.bin", app_bytes), ("dfu/manifest.json", listed)]),
            Err((Status::PackageMalformed, &["dfu/manifest.json", "not their folder"])),
        ),
        (
            "SUIT, nRF54H20 of SDK 2.7 to 2.9",
            sdk(1, &[("app.bin", app()), ("root.suit", b"\xd8\x6b\xa2\x02".to_vec())], &["root.suittype=suit-envelope", "app.bintype=cache"]),
            Err((Status::ImageUnsupported, &["SUIT", "group 66"])),
        ),
        (
            // cmake/sysbuild/suit.cmake, suit_utilities.cmake: dfu_suit.zip
            "SUIT with a cache partition, all but the envelope called bin",
            sdk(1, &[("dfu_cache_partition_1.bin", vec![0xbf; 300]), ("root.suit", b"\xd8\x6b\xa2\x02".to_vec())],
                &["type=bin", "board=nrf54h20dk/nrf54h20/cpuapp", "root.suittype=suit-envelope"]),
            Err((Status::ImageUnsupported, &["SUIT", "group 66"])),
        ),
        (
            "a SUIT envelope under another name",
            sdk(1, &[("app.bin", b"\xd8\x6b\xa2\x02\x58\x20".to_vec())], &["type=application"]),
            Err((Status::ImageUnsupported, &["SUIT"])),
        ),
        (
            "the nRF5 SDK",
            renamed(&[("app.bin", b"x"), ("app.dat", b"y"), ("manifest.json", br#"{"manifest": {"application": {"bin_file": "app.bin", "dat_file": "app.dat"}}}"#)]),
            Err((Status::LegacyPackage, &["nRF5 SDK", "nrfutil"])),
        ),
        (
            // subsys/bootloader/cmake/sign.cmake, BUILD_S1_VARIANT without BOOTLOADER_MCUBOOT
            "an application that the immutable bootloader starts, without MCUboot",
            sdk(0, &[("signed_by_b0_s0_image.bin", by_b0(0xc200)), ("signed_by_b0_s1_image.bin", by_b0(0x8_c200))],
                &["type=application", "signed_by_b0_s0_image.binload_address=0xc000", "signed_by_b0_s1_image.binload_address=0x8c000",
                  "version_B0=3"]),
            Err((Status::NotAnImage, &["signed_by_b0_s0_image.bin", "immutable bootloader", "without MCUboot"])),
        ),
        (
            // cmake/sysbuild/b0_packaging.cmake
            "the same of sysbuild, with slots",
            sdk(1, &[("signed_by_b0_app.bin", by_b0(0xc200)), ("signed_by_b0_s1_image.bin", by_b0(0x8_c200))], &["type=application",
                "signed_by_b0_app.binload_address=0xc000", "signed_by_b0_app.binimage_index=0", "signed_by_b0_app.binslot=0",
                "signed_by_b0_app.binversion_B0=3", "signed_by_b0_s1_image.binload_address=0x8c000",
                "signed_by_b0_s1_image.binimage_index=0", "signed_by_b0_s1_image.binslot=1", "signed_by_b0_s1_image.binversion_B0=3"]),
            Err((Status::NotAnImage, &["signed_by_b0_app.bin", "immutable bootloader", "without MCUboot"])),
        ),
        (
            "an unsigned program beside a manifest that tells of MCUboot",
            sdk(1, &[("app.bin", by_b0(0xc200))], &["type=application", "version_MCUBOOT=2.0.0", "version_B0=3"]),
            Err((Status::NotAnImage, &["app.bin", "vector table", "imgtool"])),
        ),
        (
            // subsys/bootloader/cmake/packaging.cmake: for Matter and Zigbee, and for devices that fetch their update themselves
            "dfu_multi_image.bin: both cores",
            multi_image(&[(0, app()), (1, net())]),
            Err((Status::NotAnImage, &["DFU multi-image", "dfu_application.zip"])),
        ),
        (
            // the same, with the bootloader's two variants as -2 and -1
            "dfu_multi_image.bin with the bootloader",
            multi_image(&[(0, app()), (-2, s0.clone()), (-1, s1.clone())]),
            Err((Status::NotAnImage, &["DFU multi-image", "dfu_application.zip"])),
        ),
        (
            // cmake/sysbuild/suit.cmake, SB_CONFIG_SUIT_MULTI_IMAGE_PACKAGE_BUILD
            "dfu_multi_image.bin of SUIT",
            multi_image(&[(0, b"\xd8\x6b\xa2\x02".to_vec()), (2, vec![0xbf; 300])]),
            Err((Status::NotAnImage, &["DFU multi-image"])),
        ),
        (
            "dfu_multi_image.bin packed by hand",
            renamed(&[("app.bin", &multi_image(&[(0, app())])), ("manifest.json", listed)]),
            Err((Status::NotAnImage, &["app.bin", "DFU multi-image"])),
        ),
        (
            "prepared for signing, packed too early",
            sdk(1, &[("app.bin", Builder::default().hashed())], &["type=application"]),
            Err((Status::NotAnImage, &["app.bin", "--vector-to-sign", "--fix-sig"])),
        ),
        (
            "two files for the same place",
            two(json!({}), json!({})),
            Err((Status::PackageMalformed, &["a.bin", "b.bin", "same image 0"])),
        ),
        (
            "a number that is none",
            one(json!({"image_index": "one"}), json!({})),
            Err((Status::PackageMalformed, &["app.bin", "image_index", "one"])),
        ),
        (
            "a slot of another image",
            two(json!({"image_index": "0", "slot": "2"}), json!({"image_index": "1", "slot": "3"})),
            Err((Status::PackageMalformed, &["a.bin", "slot 2", "image_index 0"])),
        ),
        (
            "bootloader and application in one",
            two(json!({"type": "mcuboot"}), json!({})),
            Err((Status::ImageUnsupported, &["bootloader", "a.bin", "b.bin"])),
        ),
    ]
}

#[test]
fn packages_open_or_are_refused_as_the_table_says() {
    let table = table();
    assert!(table.len() >= 40, "{} packages", table.len());
    for (name, bytes, expected) in &table {
        match (Firmware::parse(bytes.clone()), expected) {
            (Ok(firmware), Ok(images)) => {
                let found: Vec<_> = firmware
                    .images
                    .iter()
                    .map(|image| (image.image_number, image.slot, image.file.as_deref().unwrap()))
                    .collect();
                assert_eq!(&found[..], *images, "{name}");
                let package = firmware.package().unwrap();
                let files: Vec<_> = package.files.iter().map(|file| &*file.file).collect();
                assert_eq!(files, images.iter().map(|image| image.2).collect::<Vec<_>>(), "{name}");
            }
            (Err(error), Err((status, words))) => {
                let sentence = error.to_string();
                assert_eq!(error.status(), *status, "{name}: {sentence}");
                for word in *words {
                    assert!(sentence.contains(word), "{name}: {word:?} is not in: {sentence}");
                }
            }
            (Ok(_), Err((status, _))) => panic!("{name}: opened, but {status:?} was expected"),
            (Err(error), Ok(_)) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn what_was_left_out_of_a_manifest_is_noted() {
    for (bytes, word) in [
        (one(json!({"load_address": -1}), json!({})), "load_address"),
        (one(json!({}), json!({"time": 1.5})), "time"),
        (one(json!({"size": 10}), json!({})), "signed again"),
    ] {
        let firmware = Firmware::parse(bytes).unwrap();
        let notes = firmware.describe()["package"]["notes"].to_string();
        assert!(notes.contains(word), "{word}: {notes}");
        assert_eq!(firmware.package().unwrap().notes.len(), 1, "{notes}");
    }
    let plain = Firmware::parse(one(json!({}), json!({}))).unwrap();
    assert_eq!(plain.describe()["package"]["notes"], json!([]));
}

/// What runs on the network core is no bootloader, whatever its package says: MCUboot runs on the application's core alone.
#[test]
fn a_network_core_is_told_from_the_bootloader_by_its_vectors() {
    let package =
        |bytes| sdk(1, &[("a.bin", bytes)], &["type=mcuboot", "version_MCUBOOT=2.0.0", "version_B0="]);
    for (bytes, bootloader) in [(net(), false), (program(0xc200, 0), true)] {
        let firmware = Firmware::parse(package(bytes)).unwrap();
        let image = &firmware.images[0];
        assert_eq!((image.is_bootloader(), image.is_network_core()), (bootloader, !bootloader));
    }
}
