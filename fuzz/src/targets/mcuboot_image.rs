//! MCUboot images: any bytes, and bytes dressed as an image whose hash fits, so that the fuzzer gets behind the checks.

use sha2::{Digest, Sha256};
use smpfota::Firmware;

use super::super::bytes::Bytes;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    if bytes.byte() & 1 == 0 {
        parse(bytes.0.to_vec());
    } else {
        parse(dress(&mut bytes));
    }
}

/// Parses, and checks what must hold of every file that is accepted.
pub fn parse(file: Vec<u8>) {
    let length = file.len();
    match Firmware::parse(file) {
        Ok(firmware) => {
            assert!(!firmware.images.is_empty() && firmware.images.len() <= smpfota::firmware::MAX_IMAGES);
            let described = firmware.describe().to_string();
            assert!(described.len() < 64 * 1024 + 16 * length, "{} bytes of description", described.len());
            for image in &firmware.images {
                assert_eq!(image.bytes[..4], [0x3d, 0xb8, 0xf3, 0x96]);
                assert_eq!(image.sha256[..], Sha256::digest(&image.bytes)[..]);
                assert!(
                    image.tlvs.iter().all(|tlv| tlv.value(&image.bytes).len() == usize::from(tlv.length))
                );
            }
        }
        Err(error) => {
            assert!((-199..=-100).contains(&error.status().number()), "{error:?}");
            assert!(error.to_string().len() < 4_000);
        }
    }
}

/// An image with the fuzzer's header fields, body and TLVs, whose lengths and SHA-256 fit.
fn dress(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let header_size = 32 + u16::from(bytes.byte());
    let mut flags = u32::from(bytes.u16());
    if bytes.byte() & 3 != 0 {
        flags &= !0x0c; // mostly not encrypted
    }
    let version = bytes.take(8).to_vec();
    let body_length = usize::from(bytes.u16() % 600);
    let body = bytes.take(body_length);
    let protected = tlvs(bytes);
    let protected_size = if protected.is_empty() { 0 } else { protected.len() as u16 + 4 };
    let mut file = vec![0x3d, 0xb8, 0xf3, 0x96];
    file.extend([0; 4]);
    file.extend(header_size.to_le_bytes());
    file.extend(protected_size.to_le_bytes());
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(flags.to_le_bytes());
    file.extend(version);
    file.resize(usize::from(header_size), 0);
    file.extend(body);
    if protected_size > 0 {
        file.extend(0x6908u16.to_le_bytes());
        file.extend(protected_size.to_le_bytes());
        file.extend(protected);
    }
    let hash = Sha256::digest(&file);
    let mut unprotected = vec![0x10, 0, 32, 0];
    unprotected.extend(hash);
    unprotected.extend(tlvs(bytes));
    file.extend(0x6907u16.to_le_bytes());
    file.extend((unprotected.len() as u16 + 4).to_le_bytes());
    file.extend(unprotected);
    file.extend(bytes.0);
    file
}

fn tlvs(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut area = Vec::new();
    for _ in 0..bytes.byte() % 8 {
        let kind = bytes.u16();
        let length = usize::from(bytes.byte());
        let value = bytes.take(length);
        area.extend(kind.to_le_bytes());
        area.extend((value.len() as u16).to_le_bytes());
        area.extend(value);
    }
    area
}
