//! Everything that is known of a file, as JSON.

use crate::json::json;
use serde_json::{Map, Value};

use super::digest::hex;
use super::{Firmware, FirmwareKind, HashCheck, Image, Package, Tlv, Version};

/// How many bytes of a TLV are shown; longer ones are cut, for signatures say nothing to a reader.
const SHOWN_TLV_BYTES: usize = 64;

impl Firmware {
    /// Everything known of the file: an object with `kind`, `size`, `images` and, for a package, `package`.
    pub fn describe(&self) -> Value {
        let mut all = Map::new();
        all.insert("size".into(), json!(self.file_length));
        all.insert("images".into(), self.images.iter().map(describe_image).collect());
        match &self.kind {
            FirmwareKind::Image => all.insert("kind".into(), json!("image")),
            FirmwareKind::Package(package) => {
                all.insert("package".into(), describe_package(package, &self.images));
                all.insert("kind".into(), json!("package"))
            }
        };
        Value::Object(all)
    }
}

fn describe_package(package: &Package, images: &[Image]) -> Value {
    let files: Vec<Value> = package
        .files
        .iter()
        .map(|file| {
            json!({
                "file": file.file,
                "type": file.kind,
                "board": file.board,
                "soc": file.soc,
                "load_address": file.load_address,
                "image_index": file.image_index,
                "slot": file.slot,
                "slot_index_primary": file.slot_index_primary,
                "slot_index_secondary": file.slot_index_secondary,
                "version": file.version,
                "version_b0": file.version_b0,
                "other_version": file.other_version,
                "partition": file.partition,
            })
        })
        .collect();
    // The header decides; a manifest that says otherwise is worth a word.
    let versions = package
        .files
        .iter()
        .zip(images)
        .filter(|(file, image)| {
            file.version.as_deref().and_then(Version::parse).is_some_and(|version| version != image.version)
        })
        .map(|(file, image)| {
            let stated = file.version.as_deref().unwrap_or_default();
            format!(
                "the manifest gives {:?} version {stated}, but its header says {}",
                file.file, image.version
            )
        });
    let notes: Vec<String> = package.notes.iter().cloned().chain(versions).collect();
    json!({
        "format_version": package.format_version,
        "name": package.name,
        "time": package.time,
        "zephyr_revision": package.zephyr_revision,
        "nrf_revision": package.nrf_revision,
        "files": files,
        "ignored": package.ignored,
        "notes": notes,
    })
}

fn describe_image(image: &Image) -> Value {
    let header = &image.header;
    json!({
        "image": image.image_number,
        "slot": image.slot,
        "file": image.file,
        "bootloader": image.is_bootloader(),
        "network_core": image.is_network_core(),
        "load_address": image.load_address(),
        "size": image.bytes.len(),
        "content_size": image.content_length,
        "version": image.version.to_string(),
        "hash": {
            "kind": image.hash.kind().to_string(),
            "value": image.hash.to_string(),
            "verified": image.hash_check == HashCheck::Verified,
            "note": match image.hash_check {
                HashCheck::Verified => "fits header, body and protected TLVs",
                HashCheck::Encrypted => "is that of the image before encryption, so only the device can check it",
            },
        },
        "running_hash": image.running_hash().to_string(),
        "sha256": hex(&image.sha256),
        "header": {
            "size": header.header_size,
            "load_address": header.load_address,
            "body_size": header.image_size,
            "protected_tlv_size": header.protected_tlv_size,
            "flags": header.flags.0,
            "flag_names": header.flags.names().collect::<Vec<_>>(),
            "unknown_flags": header.flags.unknown(),
        },
        "encrypted": image.is_encrypted(),
        "compressed": image.is_compressed(),
        "decompressed_size": u32_tlv(image, Tlv::DECOMP_SIZE),
        "signature": image.signature.name(),
        "dependencies": image.dependencies.iter().map(|dependency| json!({
            "image": dependency.image_number,
            "minimum_version": dependency.minimum.to_string(),
        })).collect::<Vec<_>>(),
        "security_counter": image.security_counter,
        "boot_record": image.tlv_value(Tlv::BOOT_RECORD).is_some(),
        "vendor_uuid": uuid_tlv(image, Tlv::UUID_VID),
        "class_uuid": uuid_tlv(image, Tlv::UUID_CID),
        "key_hash": image.tlv_value(Tlv::KEYHASH).map(hex),
        "padding": image.padding.map(|padding| json!({
            "size": padding.length,
            "trailer": padding.trailer.map(|trailer| json!({
                "alignment": trailer.alignment,
                "confirmed": trailer.confirmed,
            })),
        })),
        "tlvs": image.tlvs.iter().map(|tlv| describe_tlv(tlv, &image.bytes)).collect::<Vec<_>>(),
        "notes": notes(image),
    })
}

fn describe_tlv(tlv: &Tlv, file: &[u8]) -> Value {
    let value = tlv.value(file);
    json!({
        "type": tlv.kind,
        "name": tlv.name(),
        "protected": tlv.protected,
        "offset": tlv.offset,
        "size": tlv.length,
        "value": hex(&value[..value.len().min(SHOWN_TLV_BYTES)]),
    })
}

fn u32_tlv(image: &Image, kind: u16) -> Option<u32> {
    Some(u32::from_le_bytes(image.tlv_value(kind)?.try_into().ok()?))
}

/// RFC 9562 text: 8-4-4-4-12 digits, bytes in the order of the TLV.
fn uuid_tlv(image: &Image, kind: u16) -> Option<String> {
    let value = image.tlv_value(kind)?;
    if value.len() != 16 {
        return None;
    }
    let digits = hex(value);
    Some([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

/// What is no error but surprises people.
fn notes(image: &Image) -> Vec<String> {
    let mut notes = Vec::new();
    let flags = image.header.flags;
    if let Some(padding) = image.padding {
        notes.push(match padding.trailer {
            Some(trailer) if trailer.confirmed => "signed with --confirm: the file ends in a slot trailer that already \
                confirms the image, so a bootloader that swaps installs it at its next start and for good"
                .to_owned(),
            Some(_) => "signed with --pad: the file is as long as a slot and ends in a slot trailer that already asks for \
                the swap; an update needs an image without padding"
                .to_owned(),
            None => format!("{} bytes follow the last TLV; the hash does not cover them", padding.length),
        });
    }
    if image.hash_check == HashCheck::Encrypted {
        notes.push("encrypted: its hash cannot be checked before the device has it".to_owned());
    } else if flags.is_encrypted() {
        notes.push(
            "marked as encrypted but in the clear (imgtool --clear): made for the primary slot".to_owned(),
        );
    }
    if image.is_compressed() {
        notes.push("compressed: once it runs, the device lists it by another hash (running_hash)".to_owned());
    }
    if flags.has(super::ImageFlags::NON_BOOTABLE) {
        notes.push("marked as not bootable".to_owned());
    }
    if flags.unknown() != 0 {
        notes.push(format!("the flags {:#x} are not known", flags.unknown()));
    }
    if image.signature == super::SignatureKind::None {
        notes.push("not signed: only a bootloader that checks no signature boots it".to_owned());
    }
    notes
}
