//! Whatever the bytes: no panic, and nothing is called valid that is not.

mod firmware_support;

use firmware_support::package::{Entry, archive};
use firmware_support::{Builder, dependency};
use proptest::collection::vec;
use proptest::prelude::*;
use smpfota::firmware::{Firmware, HashCheck, Image, MAX_IMAGES, Version};

/// The part of a file that its own header says is hashed, computed without the code under test.
fn hashed_length(bytes: &[u8]) -> usize {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let size = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
    u16_at(8) + size + u16_at(10)
}

/// What must hold of every image that was accepted, from whatever bytes.
fn check_accepted(image: &Image) {
    let bytes = &image.bytes[..];
    assert_eq!(bytes[..4], [0x3d, 0xb8, 0xf3, 0x96]);
    let hashed = hashed_length(bytes);
    let fits = image.hash == image.hash.kind().compute(&bytes[..hashed]);
    assert_eq!(fits, image.hash_check == HashCheck::Verified);
    assert!(fits || bytes[16] & 0x0c != 0, "only an encrypted image may have a hash that cannot be checked");
    assert!(
        bytes[hashed..image.content_length as usize]
            .windows(image.hash.as_bytes().len())
            .any(|window| window == image.hash.as_bytes())
    );
    assert_eq!(image.version, Version::from_bytes(bytes[20..28].try_into().unwrap()));
    for tlv in &image.tlvs {
        assert_eq!(tlv.value(bytes).len(), usize::from(tlv.length));
    }
}

fn check_anything(bytes: Vec<u8>) -> Option<Firmware> {
    match Firmware::parse(bytes) {
        Ok(firmware) => {
            assert!((1..=MAX_IMAGES).contains(&firmware.images.len()));
            firmware.images.iter().for_each(check_accepted);
            assert!(firmware.describe()["images"].as_array().is_some_and(|images| !images.is_empty()));
            Some(firmware)
        }
        Err(error) => {
            assert!((-199..=-100).contains(&error.status().number()));
            assert!(error.to_string().len() < 2000);
            None
        }
    }
}

prop_compose! {
    fn builders()(
        header_size in 32u16..600,
        body in vec(any::<u8>(), 1..500),
        hash in prop_oneof![Just(0x10u16), Just(0x11), Just(0x12)],
        version in any::<(u8, u8, u16, u32)>(),
        counter in proptest::option::of(any::<u32>()),
        needs in proptest::option::of(any::<(u8, (u8, u8, u16, u32))>()),
        vendor in vec((0xa0u16..=0xfe, vec(any::<u8>(), 0..40)), 0..4),
        signature in proptest::option::of((0x20u16..0x26, vec(any::<u8>(), 0..80))),
        encrypted in proptest::option::of(prop_oneof![Just(4u32), Just(8)]),
        tail in vec(any::<u8>(), 0..40),
    ) -> Builder {
        let mut protected: Vec<_> = vendor;
        protected.extend(counter.map(|counter| (0x50, counter.to_le_bytes().to_vec())));
        protected.extend(needs.map(|(image, version)| dependency(image, version)));
        let mut unprotected: Vec<_> = signature.into_iter().collect();
        unprotected.extend(encrypted.map(|_| (0x33, vec![3; 80])));
        Builder {
            header_size, body, hash, version, protected, unprotected, tail,
            flags: encrypted.unwrap_or(0),
            ..Builder::default()
        }
    }
}

/// One change to some bytes: positions are fractions, so that they fit any length.
#[derive(Debug, Clone)]
enum Change {
    Set(f64, u8),
    Flip(f64, u8),
    Insert(f64, Vec<u8>),
    Remove(f64, usize),
    Truncate(f64),
    Copy(f64, f64, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let place = |fraction: f64| ((fraction * length as f64) as usize).min(length - 1);
        match self {
            Change::Set(at, value) => bytes[place(*at)] = *value,
            Change::Flip(at, bit) => bytes[place(*at)] ^= 1 << (bit % 8),
            Change::Insert(at, data) => {
                let at = place(*at);
                bytes.splice(at..at, data.iter().copied());
            }
            Change::Remove(at, count) => {
                let at = place(*at);
                bytes.drain(at..(at + count).min(length));
            }
            Change::Truncate(at) => bytes.truncate(place(*at)),
            Change::Copy(from, to, count) => {
                let (from, to) = (place(*from), place(*to));
                let count = (*count).min(length - from).min(length - to);
                bytes.copy_within(from..from + count, to);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    let place = || 0f64..1.0;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, value)| Change::Set(at, value)),
        (place(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (place(), vec(any::<u8>(), 1..20)).prop_map(|(at, data)| Change::Insert(at, data)),
        (place(), 1usize..200).prop_map(|(at, count)| Change::Remove(at, count)),
        place().prop_map(Change::Truncate),
        (place(), place(), 1usize..100).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ]
}

/// Bytes that get past the first checks more often than plain noise.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(vec![0x3d, 0xb8, 0xf3, 0x96, 0, 0, 0, 0, 32, 0]),
        Just(b"PK\x03\x04".to_vec()),
        Just(b"PK\x05\x06".to_vec()),
        Just(vec![0; 32]),
        Just(vec![]),
    ];
    (start, vec(prop_oneof![3 => any::<u8>(), 1 => Just(0), 1 => Just(0xff)], 0..400))
        .prop_map(|(start, rest)| [start, rest].concat())
}

/// JSON of the shape of a manifest, with wrong values everywhere.
fn manifests() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[[]]".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<u32>().prop_map(|number| format!("{number:#x}")),
        "[a-z0-9./\\\\:x+]{0,8}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("\"a.bin\"".to_owned()),
        (0u8..4).prop_map(|number| number.to_string()),
    ];
    let key = prop_oneof![
        Just("file"),
        Just("size"),
        Just("image_index"),
        Just("slot"),
        Just("load_address"),
        Just("type"),
        Just("version_MCUBOOT"),
        Just("board")
    ];
    let file = vec((key, value.clone()), 0..6).prop_map(|pairs| {
        let body: Vec<_> = pairs.iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
        format!("{{\"file\": \"a.bin\", {}}}", body.join(", ")).replace(", }", "}")
    });
    (vec(file, 0..3), value).prop_map(|(files, version)| {
        format!("{{\"format-version\": {version}, \"files\": [{}]}}", files.join(", "))
    })
}

fn package(builder: &Builder) -> (Vec<u8>, Vec<Vec<u8>>) {
    let other = Builder { version: (9, 9, 9, 9), ..builder.clone() };
    let images = vec![builder.build(), other.build()];
    let manifest = r#"{"format-version": 1, "files": [{"file": "a.bin", "image_index": "0"}, {"file": "b.bin", "image_index": "1"}]}"#;
    let bytes = archive(&[
        Entry::new("a.bin", images[0].clone()),
        Entry::new("b.bin", images[1].clone()).deflated(),
        Entry::new("manifest.json", manifest),
    ]);
    (bytes, images)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_handled(bytes in likely_bytes()) {
        check_anything(bytes);
    }

    #[test]
    fn what_the_builder_makes_is_read_back(builder in builders()) {
        let firmware = check_anything(builder.build()).expect("a valid image");
        let image = &firmware.images[0];
        prop_assert_eq!(image.hash_check, HashCheck::Verified);
        prop_assert_eq!(image.header.header_size, builder.header_size);
        prop_assert_eq!(image.header.image_size as usize, builder.body.len());
        prop_assert_eq!(image.tlvs.iter().filter(|tlv| tlv.protected).count(), builder.protected.len());
        prop_assert_eq!(image.bytes.len() - image.content_length as usize, builder.tail.len());
    }

    #[test]
    fn a_changed_bit_in_the_hashed_part_is_never_valid(builder in builders(), at in 0f64..1.0, bit in 0u8..8) {
        let mut bytes = builder.build();
        let hashed = builder.hashed().len();
        let at = (at * hashed as f64) as usize;
        bytes[at] ^= 1 << bit;
        if let Some(firmware) = check_anything(bytes) {
            // Of an encrypted image only the device can tell; it must be said.
            prop_assert_eq!(firmware.images[0].hash_check, HashCheck::Encrypted);
            prop_assert!(builder.flags != 0, "byte {} was not noticed", at);
        }
    }

    #[test]
    fn a_truncated_image_is_never_valid(builder in builders(), at in 0f64..1.0) {
        let plain = Builder { tail: Vec::new(), ..builder };
        let mut bytes = plain.build();
        bytes.truncate((at * bytes.len() as f64) as usize);
        prop_assert!(check_anything(bytes).is_none());
    }

    #[test]
    fn changed_images_are_handled(builder in builders(), changes in vec(changes(), 1..6)) {
        let mut bytes = builder.build();
        let before = builder.hashed();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        if let Some(firmware) = check_anything(bytes) {
            let image = &firmware.images[0];
            if image.hash_check == HashCheck::Verified {
                prop_assert_eq!(&image.bytes[..before.len()], &before[..], "another image was called valid");
            }
        }
    }

    #[test]
    fn changed_packages_are_handled(builder in builders(), changes in vec(changes(), 1..6)) {
        let (mut bytes, images) = package(&builder);
        prop_assert!(check_anything(bytes.clone()).is_some());
        changes.iter().for_each(|change| change.apply(&mut bytes));
        if let Some(firmware) = check_anything(bytes) {
            for image in &firmware.images {
                prop_assert!(images.iter().any(|original| original[..] == image.bytes[..]), "an image was made up");
            }
        }
    }

    #[test]
    fn any_manifest_is_handled(manifest in manifests(), noise in vec(changes(), 0..3)) {
        let mut manifest = manifest.into_bytes();
        noise.iter().for_each(|change| change.apply(&mut manifest));
        check_anything(archive(&[Entry::new("a.bin", Builder::default().build()), Entry::new("manifest.json", manifest)]));
    }
}
