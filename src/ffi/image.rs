//! Firmware files: opened once, described, shared by any number of sessions.

use std::ffi::c_char;
use std::sync::Arc;

use super::constants::{
    SMPFOTA_IMAGE_PROPERTY_COMPRESSED, SMPFOTA_IMAGE_PROPERTY_ENCRYPTED, SMPFOTA_IMAGE_PROPERTY_PACKAGE,
    SMPFOTA_IMAGE_PROPERTY_PADDED, SMPFOTA_UNKNOWN,
};
use super::guard::{guard, guard_explained};
use super::handles::{Kind, Table};
use super::pointers::{BufferOut, Named, Out, StructOut, input, named_text, size_t};
use super::structs::{smpfota_error, smpfota_image_info};
use super::types::smpfota_image;
use crate::failure::Failure;
use crate::firmware::{Expected, Firmware, FirmwareError, Image, ImageHash, Version};
use crate::status::Status;

/// Images are read only, so any number of threads may be in one at once.
static IMAGES: Table<Arc<Firmware>> = Table::new(Kind::Image);

/// The caller's share of an image, for a session that keeps it.
pub(super) fn share(image: smpfota_image) -> Result<Arc<Firmware>, Status> {
    IMAGES.with_ref(image, Arc::clone)
}

fn keep(parsed: Result<Firmware, FirmwareError>) -> Result<usize, Failure> {
    let firmware = parsed.map_err(|error| Failure::new(error.status(), error.to_string()))?;
    Ok(IMAGES.open(Arc::new(firmware))?)
}

/// Opens a firmware file: a signed MCUboot image (`.bin`) or a `dfu_application.zip`. Its content decides, not its name.
///
/// `path` has `path_length` bytes of UTF-8, without NUL. The whole file is read and checked before the call returns, at
/// most 64 MiB. `*image` receives the handle, which belongs to the caller until `smpfota_image_close`.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_FILE_UNREADABLE` or another status of the image range (-100 to -199), with a
/// sentence in `error` that says what the file is instead; `SMPFOTA_NULL_POINTER`, `SMPFOTA_INVALID_ARGUMENT` when the
/// path is empty or no UTF-8, `SMPFOTA_STRUCT_SIZE` or `SMPFOTA_TOO_MANY_HANDLES`. Any thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_image_open_file(
    path: *const c_char,
    path_length: size_t,
    image: *mut smpfota_image,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let handle = Out::new(image).named("image")?;
            let path = named_text(path, path_length, "path")?;
            if path.is_empty() {
                return Err(Failure::new(Status::InvalidArgument, "The path is empty."));
            }
            handle.set(keep(Firmware::read_file(path))?);
            Ok(Status::Ok)
        })
    }
}

/// Opens a firmware file that the caller has in memory. See `smpfota_image_open_file`.
///
/// `bytes` has `bytes_length` bytes, at most 64 MiB; they are copied.
///
/// Returns what `smpfota_image_open_file` returns, except `SMPFOTA_FILE_UNREADABLE` and `SMPFOTA_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_image_open_bytes(
    bytes: *const u8,
    bytes_length: size_t,
    image: *mut smpfota_image,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let handle = Out::new(image).named("image")?;
            let bytes = input(bytes, bytes_length).named("bytes")?;
            // Copied only if it can be a file at all.
            let fits = bytes.len() as u64 <= crate::firmware::MAX_FILE_LENGTH;
            let parsed = if fits {
                Firmware::parse(bytes.to_vec())
            } else {
                let limit = crate::firmware::MAX_FILE_LENGTH;
                Err(FirmwareError::TooLarge { length: bytes.len() as u64, limit })
            };
            handle.set(keep(parsed)?);
            Ok(Status::Ok)
        })
    }
}

/// The same file, where what shall run in the end is not what is sent: a delta, or an image that the device makes into another one. An
/// update of `*expecting` succeeds when the device runs what is named here.
///
/// `index` counts the images of the file from 0. Either `hash` has `hash_length` bytes (32, 48 or 64), by which the device lists the
/// image that runs, or `version` has `version_length` bytes of text such as `1.2.3` or `1.2.3+4`; the other one is NULL with length 0. The
/// bytes of the file are shared, not copied. `*expecting` receives a handle of its own, which belongs to the caller until
/// `smpfota_image_close`; `image` stays as it was. A session that is restored needs the image opened and named like this again.
///
/// Returns `SMPFOTA_OK`; `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`, `SMPFOTA_TOO_MANY_HANDLES`;
/// `SMPFOTA_INVALID_ARGUMENT` for an index outside the file, a hash of another length, a text that is no version, both or neither. Any
/// thread, any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_image_expect(
    image: smpfota_image,
    index: u32,
    hash: *const u8,
    hash_length: size_t,
    version: *const c_char,
    version_length: size_t,
    expecting: *mut smpfota_image,
    error: *mut smpfota_error,
) -> i32 {
    // SAFETY: the module's contract, here and inside.
    unsafe {
        guard_explained(error, || {
            let handle = Out::new(expecting).named("expecting")?;
            let hash = input(hash, hash_length).named("hash")?;
            let version = named_text(version, version_length, "version")?;
            let firmware = share(image).named("image")?;
            let firmware = Firmware::clone(&firmware).expecting(index as usize, expected(hash, version)?);
            let firmware = firmware.map_err(|error| invalid(&error.to_string()))?;
            handle.set(IMAGES.open(Arc::new(firmware))?);
            Ok(Status::Ok)
        })
    }
}

fn expected(hash: &[u8], version: &str) -> Result<Expected, Failure> {
    match (hash, version) {
        (&[], "") => Err(invalid("Name the hash or the version that shall run.")),
        (hash, "") => ImageHash::from_bytes(hash).map(Expected::Hash).ok_or_else(|| {
            invalid(&format!("The hash has {} bytes; image hashes have 32, 48 or 64.", hash.len()))
        }),
        (&[], version) => Version::parse(version)
            .map(Expected::Version)
            .ok_or_else(|| invalid(&format!("{version:?} is no version; write it as 1.2.3 or 1.2.3+4."))),
        _ => Err(invalid("Name either the hash or the version that shall run, not both.")),
    }
}

fn invalid(sentence: &str) -> Failure {
    Failure::new(Status::InvalidArgument, sentence)
}

/// What is known of one image of the file.
///
/// `index` counts from 0; `image_count` of any answer says how many there are. Set `info->struct_size` to
/// `sizeof(smpfota_image_info)` before the call.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_INVALID_HANDLE`, `SMPFOTA_NULL_POINTER`, `SMPFOTA_STRUCT_SIZE`, or
/// `SMPFOTA_INVALID_ARGUMENT` for an index outside the file. Several threads may ask at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_image_info_get(
    image: smpfota_image,
    index: u32,
    info: *mut smpfota_image_info,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { StructOut::new(info) }?;
        let info = IMAGES.with_ref(image, |firmware| {
            firmware.images.get(index as usize).map(|image| info_of(firmware, image))
        })?;
        out.set(&info.ok_or(Status::InvalidArgument)?);
        Ok(Status::Ok)
    })
}

/// Everything that is known of the file as a JSON object: `kind`, `size`, `images` with header, hash, TLVs and notes,
/// and for a package `package`.
///
/// `text`, `capacity` and `length` as with `smpfota_version`. The keys may become more; none changes its meaning.
///
/// Returns `SMPFOTA_OK`, `SMPFOTA_BUFFER_TOO_SMALL`, `SMPFOTA_INVALID_HANDLE` or `SMPFOTA_NULL_POINTER`. Several
/// threads may ask at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smpfota_image_describe(
    image: smpfota_image,
    text: *mut c_char,
    capacity: size_t,
    length: *mut size_t,
) -> i32 {
    guard(|| {
        // SAFETY: the module's contract.
        let out = unsafe { BufferOut::text(text, capacity, length) }?;
        let firmware = share(image)?;
        out.put(firmware.describe().to_string().as_bytes())
    })
}

/// Closes an image. Sessions that use it keep their share, so it may be closed as soon as the last one has started.
///
/// Returns `SMPFOTA_OK` or `SMPFOTA_INVALID_HANDLE`. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn smpfota_image_close(image: smpfota_image) -> i32 {
    guard(|| IMAGES.close(image).map(|()| Status::Ok))
}

fn info_of(firmware: &Firmware, image: &Image) -> smpfota_image_info {
    let mut hash = [0; 64];
    let hash_bytes = image.hash.as_bytes();
    hash[..hash_bytes.len()].copy_from_slice(hash_bytes);
    let properties = [
        (image.is_encrypted(), SMPFOTA_IMAGE_PROPERTY_ENCRYPTED),
        (image.is_compressed(), SMPFOTA_IMAGE_PROPERTY_COMPRESSED),
        (image.is_padded(), SMPFOTA_IMAGE_PROPERTY_PADDED),
        (firmware.package().is_some(), SMPFOTA_IMAGE_PROPERTY_PACKAGE),
    ];
    smpfota_image_info {
        struct_size: size_of::<smpfota_image_info>() as u32,
        image_count: firmware.images.len() as u32,
        image_number: image.image_number,
        size: image.length(),
        header_size: u32::from(image.header.header_size),
        flags: image.header.flags.0,
        hash_kind: image.hash.kind().bits(),
        hash_length: hash_bytes.len() as u32,
        hash,
        sha256: image.sha256,
        signature_kind: image.signature.tlv_type().into(),
        dependency_count: image.dependencies.len() as u32,
        version_major: image.version.major.into(),
        version_minor: image.version.minor.into(),
        version_revision: image.version.revision.into(),
        version_build: image.version.build,
        properties: properties.iter().filter(|(holds, _)| *holds).map(|(_, bit)| bit).sum(),
        slot: image.slot.unwrap_or(SMPFOTA_UNKNOWN),
    }
}
