//! The structs of the ABI: fixed-width fields, no padding, `struct_size` first, new fields at the end only.

use crate::failure::Failure;
#[cfg(test)]
use crate::status::Status;

/// A struct that begins with `struct_size` and may be longer or shorter in the caller's program.
///
/// # Safety
///
/// The type is `repr(C)`, begins with a `u32` for the size, has no padding and consists of plain numbers, so that any
/// bytes make a valid value.
pub(super) unsafe trait Growing: Copy {
    /// The least `struct_size` that makes sense of the struct.
    const SMALLEST: usize;
}

/// Why a call or an operation failed. Set `struct_size` to `sizeof(smpfota_error)` before the call.
///
/// It is written only when the call fails. The sentence is for a human reader: it says what is wrong and what to do.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct smpfota_error {
    /// The size of the struct in the caller's program, in bytes; at least 24.
    pub struct_size: u32,
    /// The status of the failed call or operation.
    pub status: i32,
    /// The group whose error table `code` is from; -1 for the common table, or when the device answered no error.
    pub group: i32,
    /// The error code that the device answered; -1 when it answered none.
    pub code: i32,
    /// What points to the cause: an `SMPFOTA_FINDING_...` number, 0 for nothing.
    pub finding: u32,
    /// The bytes of `text` that are filled, at most 487; the NUL behind them does not count.
    pub text_length: u32,
    /// The sentence in UTF-8 with a NUL behind it; a longer one is cut after a whole word. Where `struct_size` ends at this field there is
    /// no room for either.
    pub text: [u8; 488],
}

/// How a session speaks to its device. Fill it with `smpfota_session_options_init`, then change what is known.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct smpfota_session_options {
    /// The size of the struct in the caller's program, in bytes.
    pub struct_size: u32,
    /// `SMPFOTA_FRAMING_RAW`, or `SMPFOTA_FRAMING_SERIAL` for a console or UART.
    pub framing: u32,
    /// The bytes that one write to the device carries: ATT MTU - 3. Default 244.
    pub max_write: u32,
    /// The bytes of the largest SMP frame, header included; 0: learn it from the device (default).
    pub max_frame: u32,
    /// The most frames in flight; 0: learn it from the device (default).
    pub window: u32,
    /// The SMP version of requests: 0 find out (default), 1 or 2.
    pub smp_version: u32,
    /// Any number that differs between the sessions on one device: it decides where sequence numbers begin.
    pub nonce: u32,
    /// The expected round-trip time in milliseconds; 0: not known (default).
    pub rtt_hint_ms: u32,
    /// How long the first answer of an upload may take, while the device erases its slot, in milliseconds. Default 40,000.
    pub first_timeout_ms: u32,
    /// How long the last answer of an upload may take, while the device checks the whole image. Default 20,000.
    pub last_timeout_ms: u32,
    /// The least time that any other answer is waited for, in milliseconds.
    pub timeout_ms: u32,
    /// How often one request is sent again before the operation fails.
    pub retries: u32,
    /// How long an upload may stay where it is while the device answers, in milliseconds.
    pub stall_timeout_ms: u32,
    /// The least time between two writes in milliseconds, for carriers that limit their rate; 0: none (default).
    pub write_interval_ms: u32,
    /// Whether the device puts frames together from several writes: 0 find out (default), 1 yes, 2 no.
    pub reassembly: u32,
    /// Must be 0.
    pub reserved: u32,
    /// How many frames one call of the carrier takes, where it makes several writes in one call; at most 128. 0: no more than the
    /// device has buffers for (default). See `smpfota_session_next_write`.
    pub batch_frames: u32,
    /// How many bytes one such call takes, before the carrier encodes them; 0: without limit (default).
    pub batch_bytes: u32,
    /// The least time in milliseconds that the gateway keeps between two writes of a call anyway. Default 0.
    pub batch_gap_ms: u32,
    /// Must be 0.
    pub reserved2: u32,
}

/// What an update shall do. Fill it with `smpfota_update_options_init`, then change what is wanted.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct smpfota_update_options {
    /// The size of the struct in the caller's program, in bytes.
    pub struct_size: u32,
    /// An `SMPFOTA_MODE_...` number.
    pub mode: u32,
    /// Any of the `SMPFOTA_UPDATE_...` bits.
    pub flags: u32,
    /// How long the bootloader is expected to swap the images, in milliseconds: the device is not asked before.
    pub swap_estimate_ms: u32,
    /// How long the device may stay away after its reset, in milliseconds.
    pub swap_timeout_ms: u32,
    /// The bytes of the slot where the device cannot say; 0: not known (default).
    pub slot_size: u32,
    /// How long the caller may take to judge the new image, in milliseconds; with `SMPFOTA_UPDATE_HEALTH_CHECK` only.
    pub health_timeout_ms: u32,
    /// How long the whole update may take, in milliseconds; 0: no limit beyond those of its steps (default).
    pub deadline_ms: u32,
    /// How the bootloader starts images, an `SMPFOTA_BOOT_MODE_...` number, for devices that do not tell; what a device tells counts
    /// more. Default `SMPFOTA_BOOT_MODE_UNKNOWN`: then it is taken for one that swaps, until something else shows.
    pub boot_mode: u32,
    /// The security counter at which the device's roll-back protection stands for its application, as the caller knows it: an image with
    /// a lower one, or without one, is refused before its first byte. 0: not known (default).
    pub security_counter: u32,
    /// How long the device may take to reset by itself, or by somebody's hand, in milliseconds, at most a day: it is looked at so long behind
    /// the upload before it is marked, and once more where its server has no reset command. 0: not waited for (default).
    pub self_reset_ms: u32,
}

/// What is known of one image of a file.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct smpfota_image_info {
    /// The size of the struct in the caller's program, in bytes; at least 8.
    pub struct_size: u32,
    /// How many images the file holds.
    pub image_count: u32,
    /// The image number on the device, 0 for the application.
    pub image_number: u32,
    /// The bytes that are uploaded.
    pub size: u32,
    /// The bytes of the image header.
    pub header_size: u32,
    /// The flags of the image header, as they stand there.
    pub flags: u32,
    /// The bits of the image hash: 256, 384 or 512.
    pub hash_kind: u32,
    /// The bytes of `hash` that are filled.
    pub hash_length: u32,
    /// The image hash of the TLV area, which the device lists.
    pub hash: [u8; 64],
    /// The SHA-256 of the whole file, which the upload sends.
    pub sha256: [u8; 32],
    /// The TLV type of the signature (MCUboot `image.h`, 0x20 to 0x2f), 0 for none.
    pub signature_kind: u32,
    /// How many other images this one depends on.
    pub dependency_count: u32,
    /// The version: major.
    pub version_major: u32,
    /// The version: minor.
    pub version_minor: u32,
    /// The version: revision.
    pub version_revision: u32,
    /// The version: build number.
    pub version_build: u32,
    /// Any of the `SMPFOTA_IMAGE_PROPERTY_...` bits.
    pub properties: u32,
    /// The slot that the image is built for (direct XIP), `SMPFOTA_UNKNOWN` for any.
    pub slot: u32,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct smpfota_progress {
    /// The size of the struct in the caller's program, in bytes; at least 8.
    pub struct_size: u32,
    /// An `SMPFOTA_PHASE_...` number.
    pub phase: u32,
    /// The bytes of all images that the device has, by its own word. After a restore it is the last word before; it stays where it
    /// is when the operation is cancelled or fails, and falls only where the device says that it has less.
    pub bytes_acknowledged: u64,
    /// The bytes of all images.
    pub bytes_total: u64,
    /// The current image, from 0.
    pub image_index: u32,
    /// How many images the update has.
    pub image_count: u32,
    /// The upload rate in bytes a second: what this process sent of the current image and the device took, since the upload of it began;
    /// between uploads and after them, of all that this process uploaded. What the device had before does not count. 0 where this
    /// process has uploaded nothing.
    pub bytes_per_second: u32,
    /// The time until the upload is complete, in milliseconds; `SMPFOTA_UNKNOWN` while unknown.
    pub eta_ms: u32,
    /// The smoothed round-trip time in milliseconds, 0 before the first measurement.
    pub rtt_ms: u32,
    /// How many frames may be in flight now.
    pub window: u32,
    /// The bytes of the largest frame in use.
    pub frame: u32,
    /// How many frames were sent again since the session opened, over all its processes.
    pub retransmissions: u32,
    /// How many received frames did not count: late, repeated, foreign or undecodable; over all processes as well.
    pub ignored: u32,
    /// How often the session asked for a new link, over all processes as well.
    pub link_resets: u32,
}

/// Which virtual device behind which link. Fill it with `smpfota_device_options_init`, then change what is wanted.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct smpfota_device_options {
    /// The size of the struct in the caller's program, in bytes; at least 24.
    pub struct_size: u32,
    /// The server on the device: an `SMPFOTA_PROFILE_...` number.
    pub profile: u32,
    /// The link: 0 none, or a number that `smpfota_simulator_link_name` knows.
    pub link: u32,
    /// The fault: 0 none, or a number that `smpfota_simulator_fault_name` knows.
    pub fault: u32,
    /// What delays, losses and faults are drawn from: the same seed, the same run.
    pub seed: u64,
    /// The bytes of each image slot; 0: as the profile has it.
    pub slot_size: u32,
    /// The bytes of each buffer of the server; 0: as the profile has it.
    pub buf_size: u32,
    /// How many buffers the server has; 0: as the profile has it.
    pub buf_count: u32,
    /// Any of the `SMPFOTA_DEVICE_FLAG_...` bits.
    pub flags: u32,
    /// The bytes that one notification of the device carries; 0: 244.
    pub max_write: u32,
    /// Must be 0.
    pub reserved: u32,
}

// The sizes of version 1. A struct may grow at its end; then a new size joins these, and SMALLEST stays.
const _: () = assert!(size_of::<smpfota_error>() == 512);
const _: () = assert!(size_of::<smpfota_session_options>() == 80);
const _: () = assert!(size_of::<smpfota_update_options>() == 44);
const _: () = assert!(size_of::<smpfota_image_info>() == 160);
const _: () = assert!(size_of::<smpfota_progress>() == 64);
const _: () = assert!(size_of::<smpfota_device_options>() == 48);

// SAFETY: each is repr(C), begins with a u32, has no padding (the sizes above are the sums of the fields) and consists
// of integers and arrays of integers.
unsafe impl Growing for smpfota_error {
    const SMALLEST: usize = smpfota_error::TEXT_OFFSET;
}
// SAFETY: as above.
unsafe impl Growing for smpfota_session_options {
    const SMALLEST: usize = 8;
}
// SAFETY: as above.
unsafe impl Growing for smpfota_update_options {
    const SMALLEST: usize = 8;
}
// SAFETY: as above.
unsafe impl Growing for smpfota_image_info {
    const SMALLEST: usize = 8;
}
// SAFETY: as above.
unsafe impl Growing for smpfota_progress {
    const SMALLEST: usize = 8;
}
// SAFETY: as above.
unsafe impl Growing for smpfota_device_options {
    const SMALLEST: usize = 24;
}

impl smpfota_error {
    /// Where the sentence begins.
    pub(super) const TEXT_OFFSET: usize = std::mem::offset_of!(smpfota_error, text);

    /// The failure, with as many whole words of its sentence as `room` bytes hold beside a NUL.
    pub(super) fn new(failure: &Failure, room: usize) -> smpfota_error {
        let mut text = [0; 488];
        let length = words_within(&failure.sentence, room.min(text.len()).saturating_sub(1));
        text[..length].copy_from_slice(&failure.sentence.as_bytes()[..length]);
        let (group, code) = match failure.device {
            Some(device) => {
                (device.group.map_or(-1, i32::from), i32::try_from(device.code).unwrap_or(i32::MAX))
            }
            None => (-1, -1),
        };
        smpfota_error {
            struct_size: size_of::<smpfota_error>() as u32,
            status: failure.status.number(),
            group,
            code,
            finding: failure.finding.number(),
            text_length: length as u32,
            text,
        }
    }

    /// What the caller hands in: the size and nothing else.
    #[cfg(test)]
    pub(super) fn empty() -> smpfota_error {
        smpfota_error::new(&Failure::new(Status::Ok, ""), 0)
    }

    /// The sentence.
    #[cfg(test)]
    pub(super) fn sentence(&self) -> &str {
        std::str::from_utf8(&self.text[..self.text_length as usize]).expect("UTF-8")
    }
}

/// How much of a text fits into so many bytes without a cut inside a word, or, where a word has no end for long, inside a character.
fn words_within(text: &str, most: usize) -> usize {
    /// More than any word; beyond it stands a path or the like.
    const LONG: usize = 64;
    if text.len() <= most {
        return text.len();
    }
    let fits = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let ends = |&end: &usize| text[end..].starts_with(char::is_whitespace);
    let words = (0..=fits).rev().filter(|&end| text.is_char_boundary(end)).find(ends);
    match words.map_or(0, |end| text[..end].trim_end().len()) {
        0 if fits > LONG => fits,
        words => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smp::DeviceError;

    #[test]
    fn a_long_sentence_is_cut_after_a_whole_word() {
        let sentence = "Größere Frames gehen verloren. ".repeat(30);
        let failure = Failure::new(Status::Timeout, sentence.trim_end());
        for room in 0..500 {
            let error = smpfota_error::new(&failure, room);
            let length = error.text_length as usize;
            assert!(length < room.clamp(1, 488) && error.text[length] == 0, "{room}");
            let rest = failure.sentence.strip_prefix(error.sentence()).expect("its beginning");
            assert!(length == 0 || rest.is_empty() || rest.starts_with(' '), "{room}: {}", error.sentence());
            // The next word did not fit.
            let next = rest.trim_start().find(' ').map_or(usize::MAX, |end| length + end + 1);
            assert!(length + 1 >= room.min(488) || next > room.min(488).saturating_sub(1), "{room}");
        }
    }

    #[test]
    fn a_word_without_end_is_cut_after_a_whole_character() {
        let failure = Failure::new(Status::Timeout, "ä".repeat(300));
        for room in 0..500 {
            let error = smpfota_error::new(&failure, room);
            let most = room.min(488).saturating_sub(1) & !1;
            assert_eq!(error.text_length as usize, if most > 64 { most } else { 0 });
            assert_eq!(error.sentence(), "ä".repeat(error.text_length as usize / 2));
        }
    }

    #[test]
    fn the_error_of_the_device_stands_beside_the_status() {
        let with = |group, code| {
            let failure = Failure::from(Status::DeviceError).with_device(DeviceError { group, code });
            let error = smpfota_error::new(&failure, 488);
            (error.status, error.group, error.code)
        };
        let status = Status::DeviceError.number();
        assert_eq!(with(Some(1), 27), (status, 1, 27));
        assert_eq!(with(None, 8), (status, -1, 8));
        assert_eq!(with(None, u32::MAX), (status, -1, i32::MAX));
        let error = smpfota_error::new(&Failure::from(Status::Timeout), 488);
        assert_eq!((error.group, error.code), (-1, -1));
    }
}
