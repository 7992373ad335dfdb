//! A `dfu_application.zip`: a manifest and the images that it lists.

use std::collections::HashSet;
use std::sync::Arc;

use super::archive::{Archive, without_manifest};
use super::manifest::{self, Package, PackageFile};
use super::{FileKind, FirmwareError, Image, MAX_IMAGE_LENGTH};

/// The greatest manifest, in bytes.
const MAX_MANIFEST: u64 = 256 * 1024;
const MANIFEST: &str = "manifest.json";

/// Reads the package: every image checked as a single one would be, in the order of upload.
pub(super) fn parse(bytes: &[u8]) -> Result<(Package, Vec<Image>), FirmwareError> {
    let mut archive = Archive::open(bytes)?;
    let Some(manifest) = archive.read(MANIFEST, MAX_MANIFEST) else {
        return Err(without_manifest(archive.names()));
    };
    let mut package = manifest::parse(&manifest?)?;
    if let Some(twice) = first_duplicate(&package.files) {
        return Err(damaged(format!("manifest.json lists {twice:?} twice")));
    }
    let mut found = Vec::with_capacity(package.files.len());
    for file in package.files.drain(..) {
        let image = read_image(&mut archive, &file).map_err(|error| in_package(&file, error))?;
        if let Some(size) = file.size
            && size != u64::from(image.length())
        {
            package.notes.push(format!(
                "manifest.json says that {:?} has {size} bytes, but it has {}: it was probably signed again since",
                file.file,
                image.length()
            ));
        }
        found.push(image);
    }
    bootloader_slots(&mut found);
    // Images in the order of their numbers, of alternatives the primary one first; else as listed.
    found.sort_by_key(|image| (image.image_number, image.slot));
    check_alternatives(&found)?;
    package.files = found.iter().filter_map(|image| image.origin.clone()).collect();
    let images = found;
    let listed = |name: &String| name == MANIFEST || package.files.iter().any(|file| file.file == *name);
    package.ignored = archive.names().filter(|name| !listed(name)).cloned().collect();
    Ok((package, images))
}

fn read_image(archive: &mut Archive<'_>, file: &Arc<PackageFile>) -> Result<Image, FirmwareError> {
    let name = &file.file;
    let Some(bytes) = archive.read(name, MAX_IMAGE_LENGTH) else {
        return Err(damaged(format!("manifest.json lists {name:?}, but the archive has no such entry")));
    };
    let mut image = Image::parse(bytes?.into())?;
    image.file = Some(name.clone());
    image.image_number = file.image_index;
    image.slot = file.half();
    image.origin = Some(Arc::clone(file));
    Ok(image)
}

fn first_duplicate(files: &[Arc<PackageFile>]) -> Option<&str> {
    let mut seen = HashSet::new();
    files.iter().map(|file| file.file.as_str()).find(|name| !seen.insert(*name))
}

/// SDKs before 3.0 tell the bootloader's two variants apart by where they run only: S0 lies below S1.
fn bootloader_slots(images: &mut [Image]) {
    let mut variants: Vec<&mut Image> = images.iter_mut().filter(|image| image.is_bootloader()).collect();
    let [first, second] = &mut variants[..] else { return };
    let missing = first.slot.is_none() || second.slot.is_none();
    let (Some(here), Some(there)) = (first.runs_at(), second.runs_at()) else { return };
    if missing && here != there && first.image_number == second.image_number {
        first.slot = Some(u32::from(here > there));
        second.slot = Some(u32::from(there > here));
    }
}

/// Two files for one image are alternatives only if each says for which half it was built.
fn check_alternatives(images: &[Image]) -> Result<(), FirmwareError> {
    for pair in images.windows(2) {
        let [first, second] = pair else { continue };
        if first.image_number != second.image_number {
            continue;
        }
        let name = |image: &Image| image.file.clone().unwrap_or_default();
        let (a, b) = (name(first), name(second));
        if first.is_bootloader() != second.is_bootloader() {
            return Err(FirmwareError::Unsupported {
                detail: format!(
                    "the package holds the bootloader and an application for the same image {} ({a:?} and {b:?}), and both would \
                     go to the same slot; open the two packages one after the other",
                    first.image_number
                ),
            });
        }
        let unplaced = first.slot.is_none() || second.slot.is_none();
        if unplaced && first.is_bootloader() {
            return Err(FirmwareError::Unsupported {
                detail: format!(
                    "the package updates the bootloader itself and does not say which of {a:?} and {b:?} suits the device; open \
                     the one built for the bootloader slot that is not in use"
                ),
            });
        }
        if unplaced || first.slot == second.slot {
            return Err(damaged(format!(
                "manifest.json lists {a:?} and {b:?} for the same image {} and the same slot; give each its image_index, or for \
                 direct-XIP halves its slot",
                first.image_number
            )));
        }
    }
    Ok(())
}

/// Says which file is meant, where the error does not already name it.
fn in_package(file: &PackageFile, error: FirmwareError) -> FirmwareError {
    let entry = file.file.clone();
    match error {
        FirmwareError::PackageMalformed { .. } | FirmwareError::PackageUnsafe { .. } => error,
        FirmwareError::NotAnImage(FileKind::SuitEnvelope) => FirmwareError::NotAnImage(FileKind::SuitPackage),
        // The manifest counts it for the immutable bootloader alone (sdk-nrf `cmake/sysbuild/b0_packaging.cmake`).
        FirmwareError::NotAnImage(FileKind::VectorTable)
            if file.version_b0.is_some() && file.version.is_none() =>
        {
            let source = Box::new(FirmwareError::NotAnImage(FileKind::ForImmutableBootloader));
            FirmwareError::InPackage { entry, source }
        }
        other => FirmwareError::InPackage { entry, source: Box::new(other) },
    }
}

fn damaged(detail: String) -> FirmwareError {
    FirmwareError::PackageMalformed { detail }
}
