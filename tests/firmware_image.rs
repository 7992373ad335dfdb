//! One image: what is read from it, and what each kind of damage is called.

mod firmware_support;

use firmware_support::{Builder, dependency};
use smpfota::Status;
use smpfota::firmware::{
    Dependency, Firmware, FirmwareError, HashCheck, HashKind, Image, ImageFlags, SignatureKind, Version,
};

fn parse(bytes: Vec<u8>) -> Image {
    let firmware = Firmware::parse(bytes).expect("a valid image");
    assert_eq!(firmware.images.len(), 1);
    firmware.images.into_iter().next().unwrap()
}

fn refuse(bytes: Vec<u8>) -> (Status, String) {
    let error = Firmware::parse(bytes).expect_err("must be refused");
    assert!((-199..=-100).contains(&error.status().number()), "{error:?}");
    (error.status(), error.to_string())
}

/// Refused with this status and a sentence that holds all of these words.
fn refused_as(bytes: Vec<u8>, status: Status, words: &[&str]) {
    let (found, sentence) = refuse(bytes);
    assert_eq!(found, status, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
    }
}

#[test]
fn a_plain_image_is_read_whole() {
    let builder = Builder { header_size: 0x200, load_address: 0xc000, flags: 0x100, ..Builder::default() };
    let bytes = builder.build();
    let image = parse(bytes.clone());
    assert_eq!(&image.bytes[..], &bytes[..]);
    assert_eq!(image.version, Version::new(1, 2, 3, 4));
    assert_eq!((image.image_number, image.slot, image.file.clone()), (0, None, None));
    assert_eq!(image.header.header_size, 0x200);
    assert_eq!(image.header.load_address, 0xc000);
    assert_eq!(image.header.image_size, 1000);
    assert_eq!(image.header.flags.names().collect::<Vec<_>>(), ["ROM_FIXED"]);
    assert_eq!(image.hash, HashKind::Sha256.compute(&builder.hashed()));
    assert_eq!(image.hash_check, HashCheck::Verified);
    assert_eq!(image.sha256, HashKind::Sha256.compute(&bytes).as_bytes());
    assert_ne!(image.sha256, image.hash.as_bytes());
    assert_eq!(image.running_hash(), &image.hash);
    assert_eq!(image.signature, SignatureKind::None);
    assert_eq!((image.length() as usize, image.content_length as usize), (bytes.len(), bytes.len()));
    assert_eq!(image.padding, None);
}

#[test]
fn each_hash_kind_covers_header_body_and_protected_tlvs() {
    for (tlv, kind) in [(0x10, HashKind::Sha256), (0x11, HashKind::Sha384), (0x12, HashKind::Sha512)] {
        let builder = Builder { hash: tlv, protected: vec![(0x50, vec![9, 0, 0, 0])], ..Builder::default() };
        let image = parse(builder.build());
        assert_eq!(image.hash, kind.compute(&builder.hashed()));
        assert_eq!(image.hash.kind(), kind);
        assert_eq!(image.security_counter, Some(9));
    }
}

#[test]
fn what_the_protected_area_says_is_read() {
    let builder = Builder {
        protected: vec![
            dependency(1, (2, 0, 7, 0)),
            dependency(2, (0, 1, 0, 99)),
            (0x60, vec![0xa0]),
            (0x74, (0..16).collect()),
            (0x00a0, b"vendor".to_vec()),
            (0x77a5, vec![]),
        ],
        ..Builder::default()
    };
    let image = parse(builder.build());
    assert_eq!(
        image.dependencies,
        [
            Dependency { image_number: 1, minimum: Version::new(2, 0, 7, 0) },
            Dependency { image_number: 2, minimum: Version::new(0, 1, 0, 99) },
        ]
    );
    assert_eq!(image.tlv_value(0xa0), Some(&b"vendor"[..]));
    assert_eq!(image.tlv_value(0x77a5), Some(&b""[..]));
    assert_eq!(image.tlv_value(0x77a6), None);
    let json = Firmware::parse(builder.build()).unwrap().describe();
    assert_eq!(json["images"][0]["vendor_uuid"], "00010203-0405-0607-0809-0a0b0c0d0e0f");
    assert_eq!(json["images"][0]["boot_record"], true);
    assert_eq!(json["images"][0]["dependencies"][0]["minimum_version"], "2.0.7");
    let names: Vec<_> =
        json["images"][0]["tlvs"].as_array().unwrap().iter().map(|tlv| tlv["name"].clone()).collect();
    assert_eq!(names, ["DEPENDENCY", "DEPENDENCY", "BOOT_RECORD", "UUID_VID", "VENDOR", "VENDOR", "SHA256"]);
}

#[test]
fn dependencies_outside_the_protected_area_do_not_count() {
    let builder = Builder {
        unprotected: vec![dependency(1, (1, 0, 0, 0)), (0x50, vec![1, 0, 0, 0])],
        ..Builder::default()
    };
    let image = parse(builder.build());
    assert_eq!(image.dependencies, []);
    assert_eq!(image.security_counter, None);
}

#[test]
fn signatures_are_told_apart() {
    for (kinds, hash, expected) in [
        (&[][..], 0x10, SignatureKind::None),
        (&[0x01, 0x20][..], 0x10, SignatureKind::Rsa2048),
        (&[0x01, 0x23][..], 0x10, SignatureKind::Rsa3072),
        (&[0x01, 0x21][..], 0x10, SignatureKind::EcdsaP224),
        (&[0x01, 0x22][..], 0x10, SignatureKind::EcdsaP256),
        (&[0x01, 0x22][..], 0x11, SignatureKind::EcdsaP384),
        (&[0x02, 0x24][..], 0x10, SignatureKind::Ed25519),
        (&[0x25, 0x02, 0x24][..], 0x12, SignatureKind::Ed25519Pure),
        (&[0x26][..], 0x10, SignatureKind::Unknown(0x26)),
    ] {
        let unprotected = kinds.iter().map(|kind| (*kind, vec![1; 8])).collect();
        let image = parse(Builder { hash, unprotected, ..Builder::default() }.build());
        assert_eq!(image.signature, expected, "{kinds:x?}");
        assert_eq!(image.signature.tlv_type(), kinds.last().copied().unwrap_or(0), "{kinds:x?}");
    }
}

#[test]
fn an_encrypted_image_says_that_its_hash_cannot_be_checked() {
    let mut builder = Builder { flags: ImageFlags::ENCRYPTED_AES128, ..Builder::default() };
    builder.unprotected = vec![(0x33, vec![5; 80])];
    let clear = builder.build();
    assert_eq!(parse(clear.clone()).hash_check, HashCheck::Verified);
    let mut encrypted = clear.clone();
    encrypted[32..1032].iter_mut().for_each(|byte| *byte ^= 0x5a);
    let image = parse(encrypted);
    assert_eq!(image.hash_check, HashCheck::Encrypted);
    assert_eq!(image.hash, HashKind::Sha256.compute(&builder.hashed()));
    assert!(image.is_encrypted());
    builder.unprotected.clear();
    refused_as(builder.build(), Status::ImageMalformed, &["encrypted", "key"]);
    builder.flags |= ImageFlags::ENCRYPTED_AES256;
    refused_as(builder.build(), Status::ImageMalformed, &["AES-128", "AES-256"]);
}

#[test]
fn a_compressed_image_runs_under_another_hash() {
    let inner = HashKind::Sha256.compute(b"inner");
    let flags = ImageFlags::COMPRESSED_LZMA2 | ImageFlags::COMPRESSED_ARM_THUMB;
    let protected = vec![(0x70, 5000u32.to_le_bytes().to_vec()), (0x71, inner.as_bytes().to_vec())];
    let builder = Builder { flags, protected, ..Builder::default() };
    let image = parse(builder.build());
    assert!(image.is_compressed());
    assert_eq!(image.running_hash(), &inner);
    assert_ne!(image.hash, inner);
    let json = Firmware::parse(builder.build()).unwrap().describe();
    assert_eq!(json["images"][0]["decompressed_size"], 5000);
    let without = Builder { protected: vec![], ..builder.clone() };
    refused_as(without.build(), Status::ImageMalformed, &["compressed", "hash"]);
    let short = Builder { protected: vec![(0x71, vec![0; 48])], ..builder.clone() };
    refused_as(short.build(), Status::ImageMalformed, &["48 bytes", "32"]);
    let both = Builder { flags: ImageFlags::COMPRESSED_LZMA1 | ImageFlags::COMPRESSED_LZMA2, ..builder };
    refused_as(both.build(), Status::ImageMalformed, &["LZMA1", "LZMA2"]);
}

#[test]
fn a_padded_image_is_recognised() {
    let magic =
        [0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80];
    let mut tail = vec![0xff; 200];
    tail.extend(magic);
    let plain = Builder::default().build().len() as u32;
    let image = parse(Builder { tail: tail.clone(), ..Builder::default() }.build());
    assert!(image.is_padded());
    assert_eq!((image.content_length, image.length()), (plain, plain + 216));
    let trailer = image.padding.unwrap().trailer.unwrap();
    assert_eq!((trailer.alignment, trailer.confirmed), (8, false));
    tail[200 - 8] = 1;
    let image = parse(Builder { tail: tail.clone(), ..Builder::default() }.build());
    assert!(image.padding.unwrap().trailer.unwrap().confirmed);

    // 32-byte alignment: the magic number is padded to 32 bytes, and the flag stands 32 bytes before that.
    let mut tail = vec![0xff; 200];
    tail.extend([
        0x20, 0, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a,
    ]);
    tail[216 - 64] = 1;
    let trailer = parse(Builder { tail, ..Builder::default() }.build()).padding.unwrap().trailer.unwrap();
    assert_eq!((trailer.alignment, trailer.confirmed), (32, true));

    // No alignment that MCUboot knows: these bytes only look like a trailer.
    let mut tail = vec![0xff; 200];
    tail.extend([
        0x07, 0, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a,
    ]);
    assert!(!parse(Builder { tail, ..Builder::default() }.build()).is_padded());

    let image = parse(Builder { tail: vec![1, 2, 3], ..Builder::default() }.build());
    assert!(!image.is_padded());
    assert_eq!(image.padding.unwrap().length, 3);
}

#[test]
fn every_truncation_is_refused_and_says_how_much_is_missing() {
    let bytes = Builder {
        protected: vec![(0x50, vec![1, 0, 0, 0])],
        unprotected: vec![(1, vec![7; 32])],
        ..Builder::default()
    }
    .build();
    for length in 0..bytes.len() {
        let (status, sentence) = refuse(bytes[..length].to_vec());
        if length == bytes.len() - 76 {
            // Cut just behind the protected area it is what an external signer is given (item 28).
            assert_eq!(status, Status::NotAnImage, "{length}: {sentence}");
            assert!(sentence.contains("--vector-to-sign"), "{sentence}");
        } else if length >= 4 {
            assert_eq!(status, Status::ImageTruncated, "{length}: {sentence}");
        } else {
            assert_eq!(status, Status::NotAnImage, "{length}: {sentence}");
        }
    }
    let length = bytes.len();
    refused_as(bytes[..length - 5].to_vec(), Status::ImageTruncated, &["5 of at least", &length.to_string()]);
    refused_as(bytes[..500].to_vec(), Status::ImageTruncated, &["544 of at least 1044"]);
}

#[test]
fn a_wrong_hash_names_both() {
    let mut bytes = Builder::default().build();
    let stated = HashKind::Sha256.compute(&Builder::default().hashed()).to_string();
    bytes[100] ^= 1;
    let computed = HashKind::Sha256.compute(&bytes[..1032]).to_string();
    refused_as(bytes, Status::ImageHashMismatch, &["SHA-256", &stated[..8], &computed[..8]]);
}

#[test]
fn contradictions_are_named() {
    let image = |change: fn(&mut Builder)| {
        let mut builder = Builder::default();
        change(&mut builder);
        builder.build()
    };
    refused_as(image(|b| b.hash = 0), Status::ImageHashMissing, &["no hash TLV", "imgtool"]);
    refused_as(image(|b| b.body.clear()), Status::ImageMalformed, &["0 bytes"]);
    refused_as(image(|b| b.header_size = 31), Status::ImageMalformed, &["31 bytes"]);
    refused_as(
        image(|b| b.unprotected.push((0x10, vec![0; 32]))),
        Status::ImageMalformed,
        &["more than one hash"],
    );
    refused_as(
        image(|b| {
            b.hash = 0;
            b.unprotected.push((0x11, vec![0; 32]));
        }),
        Status::ImageMalformed,
        &["SHA-384", "32 bytes", "48"],
    );
    refused_as(
        image(|b| b.protected.push((0x40, vec![0; 11]))),
        Status::ImageMalformed,
        &["dependency", "11 bytes"],
    );
    refused_as(
        image(|b| b.protected.push((0x50, vec![0; 8]))),
        Status::ImageMalformed,
        &["security counter", "8 bytes"],
    );
    // A hash in the protected area alone is not the one that devices look for.
    refused_as(
        image(|b| {
            b.hash = 0;
            b.protected.push((0x10, vec![0; 32]));
        }),
        Status::ImageHashMissing,
        &[],
    );

    let patched = |at: usize, byte: u8| {
        let mut bytes = Builder { protected: vec![(0x50, vec![1, 0, 0, 0])], ..Builder::default() }.build();
        bytes[at] = byte;
        bytes
    };
    // The protected area begins at 1032: magic, total 12, one entry of 8 bytes; the unprotected one at 1044, total 40.
    refused_as(patched(1034, 13), Status::ImageMalformed, &["announces 12 bytes", "says 13"]);
    refused_as(patched(10, 13), Status::ImageMalformed, &["announces 13 bytes", "says 12"]);
    refused_as(patched(1032, 0x09), Status::ImageMalformed, &["announces 12 bytes", "0x6909"]);
    refused_as(patched(1044, 0x08), Status::ImageMalformed, &["offset 1044", "0x6908"]);
    refused_as(
        patched(1038, 5),
        Status::ImageMalformed,
        &["TLV 0x0050 of 5 bytes", "protected TLV area of 12"],
    );
    refused_as(patched(1038, 3), Status::ImageMalformed, &["1 bytes that are no TLV"]);
    refused_as(patched(1046, 3), Status::ImageMalformed, &["3 bytes long"]);
    refused_as(patched(1046, 39), Status::ImageMalformed, &["TLV 0x0010 of 32 bytes"]);
    refused_as(patched(1046, 41), Status::ImageTruncated, &["1 of at least"]);
    refused_as(patched(1047, 0xff), Status::ImageTruncated, &[]);
}

#[test]
fn lengths_near_the_end_of_their_range_are_harmless() {
    for (header_size, image_size) in
        [(u16::MAX, u32::MAX), (32, u32::MAX), (u16::MAX, 1), (32, u32::MAX - 31)]
    {
        let mut bytes = Builder::default().build();
        bytes[8..10].copy_from_slice(&header_size.to_le_bytes());
        bytes[12..16].copy_from_slice(&image_size.to_le_bytes());
        refused_as(bytes, Status::ImageTruncated, &["missing"]);
    }
}

#[test]
fn an_image_of_more_than_16_mib_is_refused() {
    let bytes = Builder { body: vec![0x55; 16 * 1024 * 1024], ..Builder::default() }.build();
    refused_as(bytes, Status::ImageTooLarge, &["16777216"]);
    let largest = Builder { body: vec![0x55; 16 * 1024 * 1024 - 72], ..Builder::default() }.build();
    assert_eq!(largest.len(), 16 * 1024 * 1024);
    parse(largest);
    refused_as(vec![0; 64 * 1024 * 1024 + 1], Status::ImageTooLarge, &["67108865"]);
    // What a large file is matters more than how large it is: an ELF with debug information easily has 20 MiB.
    let mut elf = b"\x7fELF\x01\x01\x01".to_vec();
    elf.resize(20 * 1024 * 1024, 0x11);
    refused_as(elf, Status::NotAnImage, &["ELF", "zephyr.signed.bin"]);
}

#[test]
fn files_are_read_by_path() {
    let folder = std::env::temp_dir().join(format!("smpfota-firmware-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("name says nothing.hex");
    std::fs::write(&path, Builder::default().build()).unwrap();
    let read = Firmware::read_file(&path).unwrap();
    assert_eq!(read.images[0].version, Version::new(1, 2, 3, 4));
    let missing = Firmware::read_file(folder.join("missing.bin")).unwrap_err();
    assert_eq!(missing.status(), Status::FileUnreadable);
    assert!(missing.to_string().contains("missing.bin"), "{missing}");
    assert_eq!(Firmware::read_file(&folder).unwrap_err().status(), Status::FileUnreadable);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn images_share_their_bytes_when_cloned() {
    let image = parse(Builder::default().build());
    let clone = image.clone();
    assert!(std::sync::Arc::ptr_eq(&image.bytes, &clone.bytes));
}

#[test]
fn errors_stay_small_and_comparable() {
    assert!(size_of::<FirmwareError>() <= 64, "{}", size_of::<FirmwareError>());
    assert_eq!(Firmware::parse(vec![]).unwrap_err(), Firmware::parse(vec![]).unwrap_err());
}
