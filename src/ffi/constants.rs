//! The numbers of the ABI that are neither a status nor a finding. None ever changes its meaning.

/// The version of the ABI that this header describes.
pub const SMPFOTA_ABI_VERSION: u32 = 1;

/// A number that is not known, or that does not apply.
pub const SMPFOTA_UNKNOWN: u32 = 0xffff_ffff;

/// `smpfota_session_options.framing`: SMP frames as they are, as Bluetooth and UDP carry them.
pub const SMPFOTA_FRAMING_RAW: u32 = 0;
/// `smpfota_session_options.framing`: the console framing of SMP, for a UART and MCUboot's serial recovery.
pub const SMPFOTA_FRAMING_SERIAL: u32 = 1;

/// `smpfota_update_options.mode`: boot the new image on trial, confirm it once it runs.
pub const SMPFOTA_MODE_TEST_AND_CONFIRM: u32 = 0;
/// `smpfota_update_options.mode`: boot the new image on trial and leave it unconfirmed.
pub const SMPFOTA_MODE_TEST_ONLY: u32 = 1;
/// `smpfota_update_options.mode`: make the new image permanent before its first boot.
pub const SMPFOTA_MODE_CONFIRM_AT_ONCE: u32 = 2;
/// `smpfota_update_options.mode`: upload and verify, nothing else.
pub const SMPFOTA_MODE_UPLOAD_ONLY: u32 = 3;

/// `smpfota_update_options.flags`: erase the slot with a request of its own before the upload.
pub const SMPFOTA_UPDATE_ERASE_FIRST: u32 = 1;
/// `smpfota_update_options.flags`: refuse an image that is not newer than the running one.
pub const SMPFOTA_UPDATE_UPGRADE_ONLY: u32 = 2;
/// `smpfota_update_options.flags`: ask the caller's judgement of the new image before it is confirmed.
pub const SMPFOTA_UPDATE_HEALTH_CHECK: u32 = 4;
/// `smpfota_update_options.flags`: upload even what the device already lists.
pub const SMPFOTA_UPDATE_FORCE_UPLOAD: u32 = 8;

/// `smpfota_update_options.flags`: where an application answers for which a firmware loader takes images, reset the device into that
/// loader (reset with `boot_mode` 1, Zephyr 4.2) and go on there; otherwise that ends as `SMPFOTA_NOT_SUPPORTED`.
pub const SMPFOTA_UPDATE_ENTER_LOADER: u32 = 16;
/// `smpfota_update_options.flags`: only look. The device is asked what an update asks before its first byte, nothing is written, and
/// the result is what the update would do with each image.
pub const SMPFOTA_UPDATE_CHECK: u32 = 32;
/// `smpfota_update_options.flags`: send an image although another one that it depends on is neither on the device nor in the package in
/// the version that it needs.
pub const SMPFOTA_UPDATE_IGNORE_DEPENDENCIES: u32 = 64;
/// `smpfota_update_options.flags`: send a package although its manifest names another board than the device.
pub const SMPFOTA_UPDATE_IGNORE_BOARD: u32 = 128;
/// `smpfota_update_options.flags`: send an application although its security counter is lower than `security_counter`.
pub const SMPFOTA_UPDATE_IGNORE_SECURITY_COUNTER: u32 = 256;
/// `smpfota_update_options.flags`: send an image although its version is one that the bootloader would never start beside the one that
/// runs.
pub const SMPFOTA_UPDATE_IGNORE_VERSION: u32 = 512;
/// `smpfota_update_options.flags`: send an image although it is larger than its slot.
pub const SMPFOTA_UPDATE_IGNORE_SIZE: u32 = 2048;
/// `smpfota_update_options.flags`: send an image although the device lists no image of its number.
pub const SMPFOTA_UPDATE_IGNORE_IMAGE_NUMBER: u32 = 4096;
/// `smpfota_update_options.flags`: refuse an image that could not go back to the one before it, by what is known of the device before
/// the first byte.
pub const SMPFOTA_UPDATE_REQUIRE_WAY_BACK: u32 = 8192;

/// `smpfota_update_options.boot_mode`: not known.
pub const SMPFOTA_BOOT_MODE_UNKNOWN: u32 = 0;
/// `smpfota_update_options.boot_mode`: one slot.
pub const SMPFOTA_BOOT_MODE_SINGLE: u32 = 1;
/// `smpfota_update_options.boot_mode`: swap with scratch, by moving or with offset.
pub const SMPFOTA_BOOT_MODE_SWAP: u32 = 2;
/// `smpfota_update_options.boot_mode`: overwrite only.
pub const SMPFOTA_BOOT_MODE_OVERWRITE: u32 = 3;
/// `smpfota_update_options.boot_mode`: direct XIP.
pub const SMPFOTA_BOOT_MODE_DIRECT_XIP: u32 = 4;
/// `smpfota_update_options.boot_mode`: direct XIP with revert.
pub const SMPFOTA_BOOT_MODE_DIRECT_XIP_REVERT: u32 = 5;
/// `smpfota_update_options.boot_mode`: RAM load, with or without revert.
pub const SMPFOTA_BOOT_MODE_RAM_LOAD: u32 = 6;
/// `smpfota_update_options.boot_mode`: firmware loader.
pub const SMPFOTA_BOOT_MODE_FIRMWARE_LOADER: u32 = 7;

/// `smpfota_image_info.properties`: the image is encrypted.
pub const SMPFOTA_IMAGE_ENCRYPTED: u32 = 1;
/// `smpfota_image_info.properties`: the image is compressed.
pub const SMPFOTA_IMAGE_COMPRESSED: u32 = 2;
/// `smpfota_image_info.properties`: the file is padded to the size of a slot, with a trailer at its end.
pub const SMPFOTA_IMAGE_PADDED: u32 = 4;
/// `smpfota_image_info.properties`: the image came out of a package.
pub const SMPFOTA_IMAGE_PACKAGE: u32 = 8;

/// `smpfota_progress.phase`: no operation was started.
pub const SMPFOTA_PHASE_IDLE: u32 = 0;
/// `smpfota_progress.phase`: the session asks the device for its limits and its images.
pub const SMPFOTA_PHASE_DISCOVER: u32 = 1;
/// `smpfota_progress.phase`: the slot is being erased.
pub const SMPFOTA_PHASE_ERASE: u32 = 2;
/// `smpfota_progress.phase`: the image is being uploaded.
pub const SMPFOTA_PHASE_UPLOAD: u32 = 3;
/// `smpfota_progress.phase`: the image list is compared with what was uploaded.
pub const SMPFOTA_PHASE_VERIFY_UPLOAD: u32 = 4;
/// `smpfota_progress.phase`: the image is marked for the next boot.
pub const SMPFOTA_PHASE_MARK: u32 = 5;
/// `smpfota_progress.phase`: the device is told to reset.
pub const SMPFOTA_PHASE_RESET: u32 = 6;
/// `smpfota_progress.phase`: the bootloader is at work.
pub const SMPFOTA_PHASE_SWAP: u32 = 7;
/// `smpfota_progress.phase`: the device is asked which image runs.
pub const SMPFOTA_PHASE_VERIFY_BOOT: u32 = 8;
/// `smpfota_progress.phase`: the caller judges the new image.
pub const SMPFOTA_PHASE_HEALTH_CHECK: u32 = 9;
/// `smpfota_progress.phase`: the new image is being confirmed.
pub const SMPFOTA_PHASE_CONFIRM: u32 = 10;
/// `smpfota_progress.phase`: the operation has ended well.
pub const SMPFOTA_PHASE_DONE: u32 = 11;
/// `smpfota_progress.phase`: the operation has failed.
pub const SMPFOTA_PHASE_FAILED: u32 = 12;
/// `smpfota_progress.phase`: a single command or request is under way.
pub const SMPFOTA_PHASE_COMMAND: u32 = 13;

/// `smpfota_status_retry`: the status is no failure.
pub const SMPFOTA_RETRY_NONE: u32 = 0;
/// `smpfota_status_retry`: start the same operation again at once.
pub const SMPFOTA_RETRY_AT_ONCE: u32 = 1;
/// `smpfota_status_retry`: start it again later, as after a few minutes.
pub const SMPFOTA_RETRY_LATER: u32 = 2;
/// `smpfota_status_retry`: it ends the same way until somebody has changed something.
pub const SMPFOTA_RETRY_NEVER: u32 = 3;

/// `smpfota_session_left_with`: it cannot be told, or no update failed.
pub const SMPFOTA_LEFT_WITH_UNKNOWN: u32 = 0;
/// `smpfota_session_left_with`: the old image runs, and nothing will change that by itself.
pub const SMPFOTA_LEFT_WITH_OLD_IMAGE_RUNS: u32 = 1;
/// `smpfota_session_left_with`: the old image runs; the new one lies whole in its slot and waits to be marked.
pub const SMPFOTA_LEFT_WITH_NEW_IMAGE_STORED: u32 = 2;
/// `smpfota_session_left_with`: the old image runs, and the next reset starts the new one.
pub const SMPFOTA_LEFT_WITH_NEW_IMAGE_PENDING: u32 = 3;
/// `smpfota_session_left_with`: the new image runs on trial, and the next reset goes back to the old one.
pub const SMPFOTA_LEFT_WITH_ON_TRIAL: u32 = 4;

/// `smpfota_session_link` and `smpfota_device_link`: the link to the device is down.
pub const SMPFOTA_LINK_DOWN: u32 = 0;
/// `smpfota_session_link` and `smpfota_device_link`: the link to the device is up.
pub const SMPFOTA_LINK_UP: u32 = 1;
/// `smpfota_session_link`: one write now carries `value` bytes.
pub const SMPFOTA_LINK_MAX_WRITE: u32 = 2;

/// `smpfota_session_start_request`: a request that reads.
pub const SMPFOTA_OP_READ: u32 = 0;
/// `smpfota_session_start_request`: a request that writes.
pub const SMPFOTA_OP_WRITE: u32 = 2;

/// `smpfota_device_options.profile`: a Zephyr 4.4 server.
pub const SMPFOTA_PROFILE_ZEPHYR_4_4: u32 = 0;
/// `smpfota_device_options.profile`: the server of NCS 2.1 (Zephyr 3.1.99).
pub const SMPFOTA_PROFILE_NCS_2_1: u32 = 1;

/// `smpfota_device_options.flags`: the server puts frames together from several writes.
pub const SMPFOTA_DEVICE_REASSEMBLY: u32 = 1;
/// `smpfota_device_options.flags`: the server speaks the console framing.
pub const SMPFOTA_DEVICE_SERIAL: u32 = 2;
