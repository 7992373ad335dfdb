//! Images made by the real imgtool (2.x and 1.x), with each kind of key and option, against what imgtool says of them.
//!
//! `tests/imgtool/run.sh` makes them; where they are missing the tests say so, and fail in CI.

use std::path::{Path, PathBuf};

use serde_json::Value;
use smpfota::firmware::{Firmware, HashCheck, Image};

/// The folder with the images, if they were made.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SMPFOTA_IMGTOOL_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/imgtool"), PathBuf::from);
    if folder.join("cases.json").is_file() && folder.join("old/cases.json").is_file() {
        return Some(folder);
    }
    let hint = format!("no images by imgtool in {}: run tests/imgtool/run.sh", folder.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{hint}");
    eprintln!("skipped: {hint}");
    None
}

/// The cases of one imgtool, with the folder of their files.
fn cases(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["cases"].as_array().unwrap().clone()
}

fn both() -> Vec<(PathBuf, Vec<Value>)> {
    let Some(folder) = folder() else { return Vec::new() };
    [folder.join("old"), folder].into_iter().map(|folder| (folder.clone(), cases(&folder))).collect()
}

fn open(folder: &Path, case: &Value) -> Image {
    let firmware = Firmware::read_file(folder.join(case["file"].as_str().unwrap()))
        .unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
    assert_eq!(firmware.images.len(), 1);
    firmware.images[0].clone()
}

fn named<'a>(cases: &'a [Value], name: &Value) -> &'a Value {
    cases.iter().find(|case| case["name"] == *name).unwrap()
}

#[test]
fn header_and_tlvs_are_those_that_dumpinfo_reads() {
    for (folder, cases) in both() {
        let accepted: Vec<_> = cases.iter().filter(|case| case["refused"].is_null()).collect();
        assert!(accepted.len() >= 40, "{} cases", accepted.len());
        for case in accepted {
            let name = &case["name"];
            let image = open(&folder, case);
            let theirs = &case["dumpinfo"]["header"];
            let number = |key: &str| theirs[key].as_u64().unwrap();
            assert_eq!(u64::from(image.header.load_address), number("load_addr"), "{name}");
            assert_eq!(u64::from(image.header.header_size), number("hdr_size"), "{name}");
            assert_eq!(u64::from(image.header.protected_tlv_size), number("protected_tlv_size"), "{name}");
            assert_eq!(u64::from(image.header.image_size), number("img_size"), "{name}");
            assert_eq!(u64::from(image.header.flags.0), number("flags"), "{name}");
            assert_eq!(image.header.flags.unknown(), 0, "{name}");
            // dumpinfo always writes the build number.
            let version = theirs["version"].as_str().unwrap();
            assert_eq!(image.version.to_string(), version.strip_suffix("+0").unwrap_or(version), "{name}");

            let area = &case["dumpinfo"]["tlv_area"];
            let theirs: Vec<_> = [("tlvs_prot", true), ("tlvs", false)]
                .into_iter()
                .flat_map(|(key, protected)| {
                    area[key].as_array().unwrap().iter().map(move |tlv| (protected, tlv))
                })
                .collect();
            assert_eq!(image.tlvs.len(), theirs.len(), "{name}");
            for (tlv, (protected, theirs)) in image.tlvs.iter().zip(theirs) {
                assert_eq!(u64::from(tlv.kind), theirs["type"].as_u64().unwrap(), "{name}");
                assert_eq!(tlv.protected, protected, "{name}");
                assert_eq!(hex(tlv.value(&image.bytes)), theirs["data"].as_str().unwrap(), "{name}");
                if theirs["type_name"] != "UNKNOWN" {
                    assert_eq!(tlv.name(), theirs["type_name"].as_str().unwrap(), "{name}");
                }
            }
            check_trailer(&image, case);
        }
    }
}

fn check_trailer(image: &Image, case: &Value) {
    let name = &case["name"];
    let theirs = &case["dumpinfo"]["trailer"];
    assert_eq!(image.is_padded(), case["padded"].is_u64(), "{name}");
    assert_eq!(image.is_padded(), theirs["magic"].is_string(), "{name}");
    if let Some(trailer) = image.padding.and_then(|padding| padding.trailer) {
        assert_eq!(Value::from(trailer.alignment), case["padded"], "{name}");
        assert_eq!(trailer.confirmed, theirs["image_ok"] == 1, "{name}");
        assert_eq!(trailer.confirmed, case["confirmed"] == true, "{name}");
        assert_eq!(image.length(), 0x20000, "{name}: as long as the slot");
    } else {
        assert_eq!(image.padding, None, "{name}");
    }
}

#[test]
fn hashes_are_those_that_imgtool_verifies() {
    for (folder, cases) in both() {
        for case in cases.iter().filter(|case| case["refused"].is_null()) {
            let name = &case["name"];
            let image = open(&folder, case);
            assert_eq!(u64::from(image.hash.kind().bits()), case["hash"].as_u64().unwrap(), "{name}");
            // imgtool cannot check an encrypted image either; everything else it must find valid, as we do.
            let verified = case["verify"]["ok"] == true;
            assert_eq!(image.hash_check == HashCheck::Verified, verified, "{name}");
            assert_eq!(
                verified,
                case["encrypted"] == false || name.as_str().unwrap().starts_with("clear-"),
                "{name}"
            );
            if let Some(digest) = case["verify"]["digest"].as_str() {
                assert_eq!(image.hash.to_string(), digest, "{name}");
            }
            if let Some(plain) = case.get("plain") {
                // The same image left in the clear: its verified hash is what the encrypted one carries.
                let plain = open(&folder, named(&cases, plain));
                assert_eq!(plain.hash_check, HashCheck::Verified, "{name}");
                assert_eq!(image.hash, plain.hash, "{name}");
                assert_ne!(image.bytes, plain.bytes, "{name}");
            }
        }
    }
}

#[test]
fn what_was_asked_of_imgtool_is_found() {
    for (folder, cases) in both() {
        for case in cases.iter().filter(|case| case["refused"].is_null()) {
            let name = &case["name"];
            let image = open(&folder, case);
            assert_eq!(image.signature.name(), case["signature"].as_str().unwrap(), "{name}");
            assert_eq!(image.is_encrypted(), case["encrypted"] == true, "{name}");
            assert_eq!(image.is_compressed(), case["compressed"] == true, "{name}");
            assert_eq!(
                image.security_counter,
                case["security_counter"].as_u64().map(|count| count as u32),
                "{name}"
            );
            let dependencies: Vec<_> = image
                .dependencies
                .iter()
                .map(|dependency| {
                    serde_json::json!([dependency.image_number, dependency.minimum.to_string()])
                })
                .collect();
            assert_eq!(
                Value::from(dependencies),
                *case.get("dependencies").unwrap_or(&Value::Array(vec![])),
                "{name}"
            );
            match case.get("decompressed") {
                Some(plain) => {
                    assert_eq!(*image.running_hash(), open(&folder, named(&cases, plain)).hash, "{name}");
                }
                None if !image.is_compressed() => assert_eq!(*image.running_hash(), image.hash, "{name}"),
                None => assert_ne!(*image.running_hash(), image.hash, "{name}"),
            }
            let path = folder.join(case["file"].as_str().unwrap());
            let described = &Firmware::read_file(path).unwrap().describe()["images"][0];
            for key in ["vendor_uuid", "class_uuid", "decompressed_size"] {
                assert_eq!(described[key], *case.get(key).unwrap_or(&Value::Null), "{name}");
            }
            let options = case["options"].as_array().unwrap();
            assert_eq!(described["boot_record"], options.contains(&Value::from("--boot-record")), "{name}");
        }
    }
}

#[test]
fn what_no_device_takes_is_refused() {
    let mut count = 0;
    for (folder, cases) in both() {
        for case in cases.iter().filter(|case| !case["refused"].is_null()) {
            let error = Firmware::read_file(folder.join(case["file"].as_str().unwrap())).unwrap_err();
            assert_eq!(error.status().name(), case["refused"].as_str().unwrap(), "{error}");
            count += 1;
        }
    }
    assert!(count == 4 || folder().is_none(), "{count}");
}

#[test]
fn a_changed_byte_is_found_in_every_image() {
    for (folder, cases) in both() {
        for case in cases.iter().filter(|case| case["refused"].is_null()) {
            let image = open(&folder, case);
            let hashed = image.header.hashed_length() as usize;
            for at in (0..hashed).step_by(97) {
                let mut bytes = image.bytes.to_vec();
                bytes[at] ^= 0x10;
                let parsed = Firmware::parse(bytes);
                // Of an image that is marked as encrypted the hash cannot be checked, and that is what must be said.
                let hidden = image.is_encrypted();
                let found = match &parsed {
                    Err(_) => true,
                    Ok(firmware) => hidden && firmware.images[0].hash_check == HashCheck::Encrypted,
                };
                assert!(found, "{} at {at}", case["name"]);
            }
        }
    }
}

#[test]
fn packages_written_by_pythons_zipfile_are_read() {
    let Some(folder) = folder() else { return };
    for name in ["stored", "deflated", "streamed"] {
        let firmware = Firmware::read_file(folder.join(format!("package-{name}.zip"))).unwrap();
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        assert_eq!(firmware.images.len(), 2, "{name}");
        assert_eq!(&firmware.images[0].bytes[..], read("key-ecdsa-p256.bin"), "{name}");
        assert_eq!(&firmware.images[1].bytes[..], read("key-rsa-2048.bin"), "{name}");
        assert_eq!(firmware.images[1].image_number, 1, "{name}");
        assert_eq!(firmware.describe()["package"]["notes"], serde_json::json!([]), "{name}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
