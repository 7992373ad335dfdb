//! What a file is that is not a signed MCUboot image: people hand over the wrong output of a build all the time, and
//! "not an image" alone does not tell them which one to take.

use super::VectorTable;
use super::header::{HEADER_LENGTH, MAGIC, MAGIC_V1};
use crate::Status;

/// The right file of a Zephyr or nRF Connect SDK build, for the advice.
macro_rules! take_signed {
    () => {
        "take zephyr.signed.bin (or app_update.bin, or dfu_application.zip) from the build folder"
    };
}

/// A kind of file that cannot be installed, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// No bytes.
    Empty,
    /// Every byte is 0xFF: erased flash.
    Erased,
    /// Every byte is 0.
    Zeros,
    /// An image of the format before MCUboot 1.0.
    ImageV1,
    /// An image signed with `--endian big`.
    BigEndianImage,
    /// An MCUboot image stands further on: merged.bin, or a dump of the flash.
    ImageInside(
        /// Where, in bytes from the start.
        u32,
    ),
    /// Header and body without the TLV area: what `imgtool sign --vector-to-sign payload` gives to a signing service.
    PreparedForSigning,
    /// A digest alone: what `imgtool sign --vector-to-sign digest` gives to a signing service.
    DigestToSign,
    /// The program without header and signature, linked for MCUboot (it begins with room for the header).
    UnsignedForBootloader,
    /// The program without header and signature: it begins with a vector table.
    VectorTable,
    /// The program of MCUboot itself.
    Bootloader,
    /// A program that an immutable bootloader (sdk-nrf `b0`) starts by itself, in a build without MCUboot.
    ForImmutableBootloader,
    /// Intel HEX.
    IntelHex,
    /// Motorola S-records.
    SRecord,
    /// ELF.
    Elf,
    /// UF2.
    Uf2,
    /// A package of the nRF5 SDK's DFU.
    Nrf5Package,
    /// A SUIT envelope.
    SuitEnvelope,
    /// A package of SUIT envelopes.
    SuitPackage,
    /// Several images behind a CBOR header, for sdk-nrf's library `dfu_multi_image`.
    DfuMultiImage,
    /// A zip archive without manifest.
    Zip,
    /// gzip.
    Gzip,
    /// Another archive or compressed file.
    Archive(
        /// Its name.
        &'static str,
    ),
    /// A firmware file of another bootloader or update system.
    OtherFirmware(
        /// Its name.
        &'static str,
    ),
    /// A program for a computer.
    HostProgram,
    /// JSON.
    Json,
    /// A web page.
    Html,
    /// A key or certificate.
    Pem,
    /// A pointer that Git LFS left in place of the file.
    GitLfsPointer,
    /// Text.
    Text,
    /// Encrypted as a whole.
    Encrypted(
        /// By what.
        &'static str,
    ),
    /// None of these.
    Unknown,
}

impl FileKind {
    /// Looks at the bytes. The most telling marks come first, guesses last.
    pub(super) fn of(bytes: &[u8]) -> FileKind {
        if bytes.is_empty() {
            return FileKind::Empty;
        }
        if bytes.iter().all(|byte| *byte == 0xff) {
            return FileKind::Erased;
        }
        if bytes.iter().all(|byte| *byte == 0) {
            return FileKind::Zeros;
        }
        by_magic(bytes)
            .or_else(|| by_text(bytes))
            .or_else(|| by_program(bytes))
            .or_else(|| image_inside(bytes).map(FileKind::ImageInside))
            .or_else(|| matches!(bytes.len(), 32 | 48 | 64).then_some(FileKind::DigestToSign))
            .unwrap_or(FileKind::Unknown)
    }

    /// The status that this kind gives.
    pub const fn status(self) -> Status {
        match self {
            FileKind::Nrf5Package => Status::LegacyPackage,
            FileKind::ImageV1 | FileKind::BigEndianImage | FileKind::SuitEnvelope | FileKind::SuitPackage => {
                Status::ImageUnsupported
            }
            _ => Status::NotAnImage,
        }
    }

    /// What the file is, with its article, to follow "not an image but".
    pub fn what(self) -> String {
        match self {
            FileKind::Empty => "an empty file".into(),
            FileKind::Erased => "nothing but 0xFF bytes, as erased flash reads".into(),
            FileKind::Zeros => "nothing but zero bytes".into(),
            FileKind::ImageV1 => "an image of the format before MCUboot 1.0 (magic 0x96f3b83c)".into(),
            FileKind::BigEndianImage => "an MCUboot image signed with --endian big".into(),
            FileKind::ImageInside(offset) => {
                format!(
                    "a larger flash image that holds an MCUboot image at offset {offset:#x} (merged.bin or a flash dump)"
                )
            }
            FileKind::PreparedForSigning => {
                "an image prepared for signing (imgtool sign --vector-to-sign payload): header and body, and nothing behind them"
                    .into()
            }
            FileKind::DigestToSign => {
                "as long as a digest is: what imgtool sign --vector-to-sign digest writes for a signing service".into()
            }
            FileKind::UnsignedForBootloader => {
                "an unsigned program for MCUboot (zephyr.bin: room for the header, no header)".into()
            }
            FileKind::VectorTable => "an unsigned program (it begins with an ARM vector table)".into(),
            FileKind::Bootloader => "the program of the MCUboot bootloader itself".into(),
            FileKind::ForImmutableBootloader => {
                "a program that the immutable bootloader (NSIB) starts by itself, from a build without MCUboot".into()
            }
            FileKind::IntelHex => "an Intel HEX file".into(),
            FileKind::SRecord => "a Motorola S-record file".into(),
            FileKind::Elf => "an ELF file (zephyr.elf is for the debugger)".into(),
            FileKind::Uf2 => "a UF2 file for a USB mass storage bootloader".into(),
            FileKind::Nrf5Package => "a DFU package of the nRF5 SDK (nrfutil pkg generate)".into(),
            FileKind::SuitEnvelope => "a SUIT envelope".into(),
            FileKind::SuitPackage => "a package of SUIT envelopes".into(),
            FileKind::DfuMultiImage => "a DFU multi-image package (dfu_multi_image.bin)".into(),
            FileKind::Zip => "a zip archive without manifest.json".into(),
            FileKind::Gzip => "a gzip-compressed file".into(),
            FileKind::Archive(name) => format!("a compressed file or archive ({name})"),
            FileKind::OtherFirmware(name) => format!("a firmware file of another kind ({name})"),
            FileKind::HostProgram => "a program for a computer".into(),
            FileKind::Json => "JSON text".into(),
            FileKind::Html => "a web page".into(),
            FileKind::Pem => "a key or certificate (PEM)".into(),
            FileKind::GitLfsPointer => "a Git LFS pointer, not the file it stands for".into(),
            FileKind::Text => "a text file".into(),
            FileKind::Encrypted(name) => format!("a file encrypted as a whole ({name})"),
            FileKind::Unknown => "a file of unknown kind (it does not begin with 3d b8 f3 96)".into(),
        }
    }

    /// What to do instead.
    pub const fn advice(self) -> &'static str {
        match self {
            FileKind::Empty | FileKind::Erased | FileKind::Zeros => {
                "the build, the download or the flash read failed, so get the file again"
            }
            FileKind::ImageV1 => "sign the program again with a current imgtool",
            FileKind::BigEndianImage => {
                "SMP servers read little-endian headers only: sign it without --endian big"
            }
            FileKind::ImageInside(_) => {
                concat!("it is for a programmer, not for an update: ", take_signed!())
            }
            FileKind::PreparedForSigning | FileKind::DigestToSign => {
                "take the output of the last step, imgtool sign with --fix-sig and --fix-sig-pubkey, which puts hash and signature \
                 into the image"
            }
            FileKind::UnsignedForBootloader | FileKind::VectorTable => {
                concat!("sign it with imgtool, or ", take_signed!())
            }
            FileKind::Bootloader => concat!("MCUboot is not updated this way: ", take_signed!()),
            FileKind::ForImmutableBootloader => {
                "its devices take updates in a way of their application's own, not as images over SMP; for a device with MCUboot take the \
                 dfu_application.zip of a build with MCUboot"
            }
            FileKind::IntelHex | FileKind::SRecord | FileKind::Elf | FileKind::Uf2 => take_signed!(),
            FileKind::Nrf5Package => {
                "it is for Nordic's legacy DFU bootloader and service, not for MCUboot and SMP: use nrfutil or Nordic's DFU \
                 library for such devices"
            }
            FileKind::SuitEnvelope | FileKind::SuitPackage => {
                "it is for devices with SUIT (nRF54H20), which take it through SMP group 66, not as an MCUboot image"
            }
            FileKind::DfuMultiImage => {
                "it is for applications that fetch it and take it apart themselves (Matter, Zigbee): open dfu_application.zip or the \
                 signed .bin files from the same build folder"
            }
            FileKind::Zip => {
                "take dfu_application.zip from the build folder, or unpack this archive and open the signed .bin in it"
            }
            FileKind::Gzip | FileKind::Archive(_) => {
                "unpack it and open the signed .bin or dfu_application.zip in it"
            }
            FileKind::OtherFirmware(_) => {
                "the device's own bootloader decides; SMP with MCUboot takes signed .bin images only"
            }
            FileKind::HostProgram => take_signed!(),
            FileKind::Json => "if this is manifest.json, open the zip package that it belongs to",
            FileKind::Html => {
                "the download gave a page (often a log-in) instead of the file: download it again"
            }
            FileKind::Pem => {
                "keep it secret if it is a private key, and open the image that was signed with it"
            }
            FileKind::GitLfsPointer => "fetch the real file with `git lfs pull`",
            FileKind::Text => take_signed!(),
            FileKind::Encrypted(_) => {
                "decrypt it first (an image encrypted for MCUboot has a plain header and could be used as it is)"
            }
            FileKind::Unknown => take_signed!(),
        }
    }
}

/// Marks at fixed places that mean one thing only.
fn by_magic(bytes: &[u8]) -> Option<FileKind> {
    let found = match bytes {
        [0x7f, b'E', b'L', b'F', ..] => FileKind::Elf,
        [b'U', b'F', b'2', b'\n', 0x57, 0x51, 0x5d, 0x9e, ..] => FileKind::Uf2,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => FileKind::Zip,
        [0x1f, 0x8b, ..] => FileKind::Gzip,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => FileKind::Archive("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => FileKind::Archive("xz"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => FileKind::Archive("7-Zip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => FileKind::Archive("Zstandard"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => FileKind::Archive("RAR"),
        // A SUIT envelope is CBOR tag 107 around a map (draft-ietf-suit-manifest, section 5).
        [0xd8, 0x6b, 0xa0..=0xbf, ..] => FileKind::SuitEnvelope,
        // Two bytes of length, then the map {"img": [...]}.
        [_, _, 0xa1, 0x63, b'i', b'm', b'g', 0x80..=0x9f, ..] => FileKind::DfuMultiImage,
        [0x1e, 0xf1, 0xee, 0x0b, ..] => FileKind::OtherFirmware("Zigbee OTA"),
        [0x1e, 0xf1, 0xee, 0x1b, ..] => FileKind::OtherFirmware("Matter OTA"),
        [0xeb, 0x17, 0xa6, 0x03, ..] => FileKind::OtherFirmware("Silicon Labs GBL"),
        [b'D', b'f', b'u', b'S', b'e', 1, ..] => FileKind::OtherFirmware("ST DfuSe"),
        [b'S', b'a', b'l', b't', b'e', b'd', b'_', b'_', ..] => FileKind::Encrypted("OpenSSL"),
        _ if bytes.starts_with(b"age-encryption.org/") => FileKind::Encrypted("age"),
        _ if bytes.starts_with(b"-----BEGIN PGP MESSAGE") => FileKind::Encrypted("PGP"),
        _ if bytes.starts_with(b"-----BEGIN ") => FileKind::Pem,
        _ if bytes.starts_with(b"version https://git-lfs") => FileKind::GitLfsPointer,
        _ if bytes.starts_with(&MAGIC_V1.to_le_bytes()) => FileKind::ImageV1,
        _ if bytes.starts_with(&MAGIC.to_be_bytes()) => FileKind::BigEndianImage,
        _ if bytes.get(257..262) == Some(b"ustar") => FileKind::Archive("tar"),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => FileKind::HostProgram,
        [b'M', b'Z', ..] if bytes.len() > 64 => FileKind::HostProgram,
        _ => return None,
    };
    Some(found)
}

/// Files that are text from the first to the last of their leading bytes.
fn by_text(bytes: &[u8]) -> Option<FileKind> {
    let lead = &bytes[..bytes.len().min(512)];
    let lead = lead.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lead);
    let text = lead.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..=0xff))
        && lead.iter().filter(|byte| **byte >= 0x80).count() * 4 <= lead.len();
    if !text {
        return None;
    }
    let trimmed = lead.trim_ascii_start();
    let hex_digits =
        |from: usize| trimmed.get(from..from + 8).is_some_and(|run| run.iter().all(u8::is_ascii_hexdigit));
    let begins =
        |word: &[u8]| trimmed.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    Some(match trimmed.first() {
        Some(b':') if hex_digits(1) => FileKind::IntelHex,
        Some(b'S') if trimmed.get(1).is_some_and(u8::is_ascii_digit) && hex_digits(2) => FileKind::SRecord,
        Some(b'{' | b'[') => FileKind::Json,
        Some(b'<') if begins(b"<!doctype html") || begins(b"<html") => FileKind::Html,
        _ => FileKind::Text,
    })
}

/// Raw programs for Cortex-M: initial stack pointer in RAM, then an odd (Thumb) reset vector.
fn by_program(bytes: &[u8]) -> Option<FileKind> {
    // imgtool's usual header sizes: the room that CONFIG_ROM_START_OFFSET leaves, zero or erased.
    for room in [0x200usize, 0x400, 0x800, 0x1000, HEADER_LENGTH] {
        let (Some(head), Some(rest)) = (bytes.get(..room), bytes.get(room..)) else { continue };
        let blank = head.iter().all(|byte| *byte == 0) || head.iter().all(|byte| *byte == 0xff);
        if blank && is_vector_table(rest) {
            return Some(FileKind::UnsignedForBootloader);
        }
    }
    if !is_vector_table(bytes) {
        return None;
    }
    if let Some(offset) = image_inside(bytes) {
        return Some(FileKind::ImageInside(offset));
    }
    // What MCUboot prints when it starts and when it jumps (boot/zephyr/main.c, Zephyr's boot banner).
    let says = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    if says(b"Booting MCUboot") || says(b"Jumping to the first image slot") {
        return Some(FileKind::Bootloader);
    }
    Some(FileKind::VectorTable)
}

fn is_vector_table(bytes: &[u8]) -> bool {
    VectorTable::of(bytes).is_some()
}

/// The offset of a header inside a larger flash image: the magic number at an aligned place and a header that makes sense.
fn image_inside(bytes: &[u8]) -> Option<u32> {
    let magic = MAGIC.to_le_bytes();
    (0x100..bytes.len().saturating_sub(HEADER_LENGTH)).step_by(0x100).find_map(|at| {
        let header = bytes.get(at..)?.first_chunk::<HEADER_LENGTH>()?;
        let header_size = u16::from_le_bytes([header[8], header[9]]);
        let fits = header.starts_with(&magic) && usize::from(header_size) >= HEADER_LENGTH;
        fits.then(|| u32::try_from(at).ok()).flatten()
    })
}
