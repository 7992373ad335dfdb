//! Files that are no images: each is named for what it is, with what to take instead.

use smpfota::Status;
use smpfota::firmware::{FileKind, Firmware, FirmwareError};

fn kind(bytes: &[u8]) -> FileKind {
    match Firmware::parse(bytes.to_vec()) {
        Err(FirmwareError::NotAnImage(kind)) => kind,
        other => panic!("{other:?}"),
    }
}

fn program(stack: u32, reset: u32) -> Vec<u8> {
    let mut bytes = [stack.to_le_bytes(), reset.to_le_bytes()].concat();
    bytes.extend((0..4096u32).flat_map(|word| (word.wrapping_mul(0x9e37_79b9)).to_le_bytes()));
    bytes
}

#[test]
fn files_are_recognised() {
    let tar = [&[b'n'; 257][..], b"ustar\x0000", &[0; 300]].concat();
    let exe = [&b"MZ"[..], &[0x90; 100]].concat();
    for (bytes, expected) in [
        (&b""[..], FileKind::Empty),
        (&[0xff; 4096], FileKind::Erased),
        (&[0; 4096], FileKind::Zeros),
        (b"\x3c\xb8\xf3\x96 and more", FileKind::ImageV1),
        (b"\x96\xf3\xb8\x3d and more", FileKind::BigEndianImage),
        (b":020000040000FA\r\n:10000000", FileKind::IntelHex),
        (b"S0030000FC\n", FileKind::SRecord),
        (b"S315080000000000002009", FileKind::SRecord),
        (b"\x7fELF\x01\x01\x01", FileKind::Elf),
        (b"UF2\n\x57\x51\x5d\x9e\0\0\0\0", FileKind::Uf2),
        (b"\xd8\x6b\xa2\x02\x58", FileKind::SuitEnvelope),
        (b"\x14\0\xa1cimg\x81\xa2bid\0dsize\x19\x04\0", FileKind::DfuMultiImage),
        (b"\x14\0\xa1cimg\x01", FileKind::Unknown),
        (b"\x1f\x8b\x08\0\0\0\0\0", FileKind::Gzip),
        (b"BZh91AY&SY", FileKind::Archive("bzip2")),
        (b"\xfd7zXZ\0\0\x04", FileKind::Archive("xz")),
        (b"7z\xbc\xaf\x27\x1c\0\x04", FileKind::Archive("7-Zip")),
        (b"\x28\xb5\x2f\xfd\x04", FileKind::Archive("Zstandard")),
        (&tar, FileKind::Archive("tar")),
        (b"\x1e\xf1\xee\x0b\0\x01", FileKind::OtherFirmware("Zigbee OTA")),
        (b"\x1e\xf1\xee\x1b\0\x01", FileKind::OtherFirmware("Matter OTA")),
        (&exe, FileKind::HostProgram),
        (b"  {\"manifest\": {}}", FileKind::Json),
        (b"\xef\xbb\xbf{}", FileKind::Json),
        (b"<!DOCTYPE html><title>Sign in</title>", FileKind::Html),
        (b"-----BEGIN RSA PRIVATE KEY-----", FileKind::Pem),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", FileKind::GitLfsPointer),
        (b"Hello, world\n", FileKind::Text),
        (b"404: Not Found", FileKind::Text),
        (b"Salted__12345678\xff\0", FileKind::Encrypted("OpenSSL")),
        (b"age-encryption.org/v1\n-> X25519", FileKind::Encrypted("age")),
        (b"-----BEGIN PGP MESSAGE-----", FileKind::Encrypted("PGP")),
        (b"\x01\x02\x03\x04\x05", FileKind::Unknown),
        (b"\x3d\xb8\xf3", FileKind::Unknown),
        // Item 28: what an external signer is given.
        (&[0xe3; 32], FileKind::DigestToSign),
        (&[0xe3; 33], FileKind::Unknown),
    ] {
        assert_eq!(kind(bytes), expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    }
}

#[test]
fn programs_without_a_signature_are_recognised() {
    let plain = program(0x2000_8000, 0x0000_c1b5);
    assert_eq!(kind(&plain), FileKind::VectorTable);
    assert_eq!(kind(&program(0x2100_1000, 0x0100_8401)), FileKind::VectorTable);
    assert_eq!(kind(&program(0x2000_8000, 0x0800_0199)), FileKind::VectorTable);
    assert_eq!(kind(&program(0x2000_8000, 0x0000_c1b4)), FileKind::Unknown, "an even reset vector is none");
    assert_eq!(kind(&program(0x3000_8000, 0x0000_c1b5)), FileKind::Unknown, "no RAM there");

    for room in [0x200, 0x400, 0x800] {
        for filler in [0, 0xff] {
            let linked_for_mcuboot = [vec![filler; room], plain.clone()].concat();
            assert_eq!(kind(&linked_for_mcuboot), FileKind::UnsignedForBootloader, "{room} {filler}");
        }
    }
    let mut bootloader = plain.clone();
    bootloader.extend(b"*** Booting MCUboot v2.1.0 ***\0");
    assert_eq!(kind(&bootloader), FileKind::Bootloader);

    let mut merged = bootloader;
    merged.resize(0xc000, 0xff);
    merged.extend(b"\x3d\xb8\xf3\x96\0\0\0\0\0\x02\0\0");
    merged.resize(0xc400, 0);
    assert_eq!(kind(&merged), FileKind::ImageInside(0xc000));
}

#[test]
fn every_kind_says_what_it_is_and_what_to_do() {
    let all = [
        FileKind::Empty,
        FileKind::Erased,
        FileKind::Zeros,
        FileKind::ImageV1,
        FileKind::BigEndianImage,
        FileKind::ImageInside(0xc000),
        FileKind::UnsignedForBootloader,
        FileKind::VectorTable,
        FileKind::Bootloader,
        FileKind::ForImmutableBootloader,
        FileKind::IntelHex,
        FileKind::SRecord,
        FileKind::Elf,
        FileKind::Uf2,
        FileKind::Nrf5Package,
        FileKind::SuitEnvelope,
        FileKind::SuitPackage,
        FileKind::DfuMultiImage,
        FileKind::Zip,
        FileKind::Gzip,
        FileKind::Archive("xz"),
        FileKind::OtherFirmware("Matter OTA"),
        FileKind::HostProgram,
        FileKind::Json,
        FileKind::Html,
        FileKind::Pem,
        FileKind::GitLfsPointer,
        FileKind::Text,
        FileKind::Encrypted("age"),
        FileKind::Unknown,
    ];
    let mut sentences = std::collections::HashSet::new();
    for kind in all {
        let error = FirmwareError::NotAnImage(kind);
        let sentence = error.to_string();
        assert!(sentence.starts_with("this is not a signed MCUboot image but "), "{sentence}");
        assert!(sentence.contains(kind.advice()) && kind.advice().len() > 20, "{sentence}");
        assert!(sentences.insert(sentence));
        let expected = match kind {
            FileKind::Nrf5Package => Status::LegacyPackage,
            FileKind::ImageV1 | FileKind::BigEndianImage | FileKind::SuitEnvelope | FileKind::SuitPackage => {
                Status::ImageUnsupported
            }
            _ => Status::NotAnImage,
        };
        assert_eq!(error.status(), expected, "{kind:?}");
    }
}
