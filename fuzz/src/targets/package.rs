//! Packages: any bytes after a zip's first ones, and well-formed archives with the fuzzer's manifest, names and files.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::bytes::Bytes;
use super::super::stub::samples;
use super::mcuboot_image::parse;

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    match bytes.byte() & 3 {
        0 => parse([b"PK\x03\x04", bytes.0].concat()),
        1 => parse(bytes.0.to_vec()),
        _ => {
            if let Some(file) = archive(&mut bytes) {
                parse(file);
            }
        }
    }
}

fn archive(bytes: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let style = bytes.byte();
    let method = if style & 1 == 0 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    let options = SimpleFileOptions::default().compression_method(method);
    // The files first: an image of the simulator under a name that a manifest can guess, and others with any content.
    for index in 0..style >> 1 & 3 {
        zip.start_file(format!("{index}.bin"), options).ok()?;
        zip.write_all(&samples()[usize::from(index) % 3].bytes).ok()?;
    }
    for _ in 0..style >> 3 & 3 {
        let (name_length, length) = (usize::from(bytes.byte() & 31), usize::from(bytes.byte()));
        let name = String::from_utf8_lossy(bytes.take(name_length)).into_owned();
        zip.start_file(name, options).ok()?;
        zip.write_all(bytes.take(length)).ok()?;
    }
    let damage = (style & 0x80 != 0).then(|| (bytes.u32() as usize, bytes.byte()));
    zip.start_file("manifest.json", options).ok()?;
    zip.write_all(bytes.0).ok()?;
    let mut file = zip.finish().ok()?.into_inner();
    if let Some((at, change)) = damage {
        let length = file.len();
        file[at % length] ^= change;
    }
    Some(file)
}
