//! A `dfu_application.zip`: a manifest and the images that it lists.

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
    // Images in the order of their numbers, of direct-XIP alternatives the primary one first; else as listed.
    package.files.sort_by_key(|file| (file.image_index, file.half()));
    check_alternatives(&package.files)?;
    let mut images = Vec::with_capacity(package.files.len());
    for file in &package.files {
        let image = read_image(&mut archive, file).map_err(|error| in_package(&file.file, error))?;
        images.push(image);
    }
    let listed = |name: &String| name == MANIFEST || package.files.iter().any(|file| file.file == *name);
    package.ignored = archive.names().iter().filter(|name| !listed(name)).cloned().collect();
    Ok((package, images))
}

fn read_image(archive: &mut Archive<'_>, file: &PackageFile) -> Result<Image, FirmwareError> {
    let name = &file.file;
    let Some(bytes) = archive.read(name, MAX_IMAGE_LENGTH) else {
        return Err(damaged(format!("manifest.json lists {name:?}, but the archive has no such entry")));
    };
    let bytes = bytes?;
    if let Some(size) = file.size
        && size != bytes.len() as u64
    {
        return Err(damaged(format!(
            "manifest.json says that {name:?} has {size} bytes, but it has {}",
            bytes.len()
        )));
    }
    let mut image = Image::parse(bytes.into())?;
    image.file = Some(name.clone());
    image.image_number = file.image_index;
    image.slot = file.half();
    Ok(image)
}

/// Two files for one image are alternatives only if each says for which half it was built.
fn check_alternatives(files: &[PackageFile]) -> Result<(), FirmwareError> {
    for pair in files.windows(2) {
        let [first, second] = pair else { continue };
        if first.file == second.file {
            return Err(damaged(format!("manifest.json lists {:?} twice", first.file)));
        }
        if first.image_index != second.image_index {
            continue;
        }
        if first.kind.as_deref() == Some("mcuboot") && first.slot.is_none() && second.slot.is_none() {
            return Err(FirmwareError::Unsupported {
                detail: format!(
                    "the package updates the bootloader itself and does not say which of {:?} and {:?} suits the device; open \
                     the one built for the bootloader slot that is not in use",
                    first.file, second.file
                ),
            });
        }
        if first.half().is_none() || first.half() == second.half() {
            return Err(damaged(format!(
                "manifest.json lists {:?} and {:?} for the same image {} and the same slot",
                first.file, second.file, first.image_index
            )));
        }
    }
    Ok(())
}

/// Says which file is meant, where the error does not already name it.
fn in_package(name: &str, error: FirmwareError) -> FirmwareError {
    match error {
        FirmwareError::PackageMalformed { .. } | FirmwareError::PackageUnsafe { .. } => error,
        FirmwareError::NotAnImage(FileKind::SuitEnvelope) => FirmwareError::NotAnImage(FileKind::SuitPackage),
        other => FirmwareError::InPackage { entry: name.to_owned(), source: Box::new(other) },
    }
}

fn damaged(detail: String) -> FirmwareError {
    FirmwareError::PackageMalformed { detail }
}
