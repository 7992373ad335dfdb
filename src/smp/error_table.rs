//! What the error codes of devices mean.
//!
//! The numbers and names are those of the headers in Zephyr's `include/zephyr/mgmt/mcumgr/` (as of Zephyr 4.4, unless said),
//! without their prefixes. The sentences are ours.

use super::DeviceError;
use super::group;
use core::fmt;

/// The name and the meaning of an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The number.
    pub code: u32,
    /// The name without prefix, such as `NO_FREE_SLOT`.
    pub name: &'static str,
    /// One sentence: what it means and, where that helps, what to do.
    pub meaning: &'static str,
}

/// The table of one group.
type Codes = &'static [CodeInfo];

/// Name and meaning of a code; `None` for one that no table knows.
pub fn lookup(error: DeviceError) -> Option<&'static CodeInfo> {
    let (_, codes) = TABLES.iter().find(|(group, _)| *group == error.group)?;
    codes.iter().find(|info| info.code == error.code)
}

impl fmt::Display for DeviceError {
    /// Such as `group image, error 9 NO_FREE_SLOT: No slot is free: ...`, or `rc 8 NOT_SUPPORTED: ...` for a common code.
    /// A code that no table knows keeps its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            None => write!(f, "rc {}", self.code)?,
            Some(number) => match group::name(number) {
                Some(name) => write!(f, "group {name}, error {}", self.code)?,
                None => write!(f, "group {number}, error {}", self.code)?,
            },
        }
        match lookup(*self) {
            Some(info) => write!(f, " {}: {}", info.name, info.meaning),
            None => Ok(()),
        }
    }
}

const fn code(code: u32, name: &'static str, meaning: &'static str) -> CodeInfo {
    CodeInfo { code, name, meaning }
}

static TABLES: &[(Option<u16>, Codes)] = &[
    (None, RC_CODES),
    (Some(group::OS), OS_CODES),
    (Some(group::IMAGE), IMAGE_CODES),
    (Some(group::STATISTICS), STATISTICS_CODES),
    (Some(group::SETTINGS), SETTINGS_CODES),
    (Some(group::FILE), FILE_CODES),
    (Some(group::SHELL), SHELL_CODES),
    (Some(group::ENUMERATION), ENUMERATION_CODES),
    (Some(group::TRANSPORT), TRANSPORT_CODES),
    (Some(group::ZEPHYR_BASIC), ZEPHYR_BASIC_CODES),
];

/// `mgmt/mcumgr/mgmt/mgmt_defines.h`, `enum mcumgr_err_t`.
static RC_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(
        1,
        "UNKNOWN",
        "The device failed for a reason it does not name; old servers say so of most failures.",
    ),
    code(
        2,
        "NO_MEMORY",
        "The device has no buffer or memory for the request or its response; try again with fewer frames in flight.",
    ),
    code(3, "INVALID", "A field of the request is missing or has a value that the device does not take."),
    code(4, "TIMEOUT", "An operation inside the device timed out."),
    code(
        5,
        "NO_ENTRY",
        "There is no such item; servers before Zephyr 3.3 also say so when no slot is free for an upload.",
    ),
    code(
        6,
        "BAD_STATE",
        "The device's present state does not allow it: an image is pending or on trial, or the version rule forbids it.",
    ),
    code(7, "MESSAGE_SIZE", "The response does not fit the device's buffer."),
    code(8, "NOT_SUPPORTED", "The device does not know this group, command or operation."),
    code(
        9,
        "CORRUPT",
        "The frame is damaged: its header promises more bytes than arrived, or the body is not CBOR.",
    ),
    code(10, "BUSY", "The device is still occupied with another command; try again later."),
    code(11, "ACCESS_DENIED", "The application on the device denies access to this command."),
    code(12, "UNSUPPORTED_TOO_OLD", "The server no longer speaks this version of SMP; use version 2."),
    code(13, "UNSUPPORTED_TOO_NEW", "The server does not speak this version of SMP yet; use version 1."),
    code(14, "BRIDGED_CONNECTION_UNAVAILABLE", "The connection to the device behind this one is not up."),
];

/// `os_mgmt.h`, `enum os_mgmt_err_code_t`.
static OS_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(
        2,
        "INVALID_FORMAT",
        "The format text of the information command has a letter that the device does not know.",
    ),
    code(3, "QUERY_YIELDS_NO_ANSWER", "The device does not know what the query asks for."),
    code(4, "RTC_NOT_SET", "The device's clock was never set."),
    code(5, "RTC_COMMAND_FAILED", "The device's clock failed."),
    code(6, "QUERY_RESPONSE_VALUE_NOT_VALID", "The device knows the query and has no valid answer to it."),
    code(7, "HEAP_STATS_FETCH_FAILED", "The statistics of the heap could not be read."),
];

/// `img_mgmt.h`, `enum img_mgmt_err_code_t`.
static IMAGE_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "FLASH_CONFIG_QUERY_FAIL", "The device could not read the layout of its flash."),
    code(3, "NO_IMAGE", "There is no image in the slot."),
    code(4, "NO_TLVS", "The image in the slot has no TLV area: it is not signed, or was written in part."),
    code(5, "INVALID_TLV", "The TLV area of the image in the slot is damaged."),
    code(6, "TLV_MULTIPLE_HASHES_FOUND", "The image in the slot has more than one hash."),
    code(7, "TLV_INVALID_SIZE", "A TLV of the image in the slot has an impossible size."),
    code(
        8,
        "HASH_NOT_FOUND",
        "No image on the device has this hash; give the hash of the image list, not the SHA-256 of the file.",
    ),
    code(9, "NO_FREE_SLOT", "No slot is free: the other one holds an image that is pending or on trial."),
    code(
        10,
        "FLASH_OPEN_FAILED",
        "The flash area of the slot could not be opened; maybe the device has no such slot.",
    ),
    code(11, "FLASH_READ_FAILED", "The flash could not be read."),
    code(12, "FLASH_WRITE_FAILED", "The flash could not be written."),
    code(13, "FLASH_ERASE_FAILED", "The flash could not be erased."),
    code(14, "INVALID_SLOT", "There is no such slot, or it cannot be used for this."),
    code(15, "NO_FREE_MEMORY", "The device has no memory left for the command."),
    code(16, "FLASH_CONTEXT_ALREADY_SET", "The device is already writing to its flash."),
    code(17, "FLASH_CONTEXT_NOT_SET", "The device has no flash area open: the upload was not begun."),
    code(18, "FLASH_AREA_DEVICE_NULL", "The flash device of the slot is missing."),
    code(19, "INVALID_PAGE_OFFSET", "The offset of a flash page is invalid."),
    code(20, "INVALID_OFFSET", "The request lacks `off`, which every chunk must carry."),
    code(21, "INVALID_LENGTH", "The request lacks `len`, which the first chunk must carry."),
    code(22, "INVALID_IMAGE_HEADER", "The first chunk is shorter than the 32 bytes of an image header."),
    code(
        23,
        "INVALID_IMAGE_HEADER_MAGIC",
        "The data does not begin with the magic number of MCUboot: it is not a signed image, or it was changed on the way.",
    ),
    code(24, "INVALID_HASH", "The hash or `sha` in the request has a wrong length."),
    code(25, "INVALID_FLASH_ADDRESS", "The image was linked for another address than that of the slot."),
    code(26, "VERSION_GET_FAILED", "The version of the running image could not be read."),
    code(
        27,
        "CURRENT_VERSION_IS_NEWER",
        "The running image is as new as this one or newer, and only an upgrade was asked for.",
    ),
    code(
        28,
        "IMAGE_ALREADY_PENDING",
        "Another image is already marked for the next boot; reset the device first.",
    ),
    code(
        29,
        "INVALID_IMAGE_VECTOR_TABLE",
        "The image's vector table does not fit the slot: it was linked for another place.",
    ),
    code(30, "INVALID_IMAGE_TOO_LARGE", "The image is larger than the slot."),
    code(31, "INVALID_IMAGE_DATA_OVERRUN", "More data came than `len` of the first chunk announced."),
    code(
        32,
        "IMAGE_CONFIRMATION_DENIED",
        "The device confirms only the image that is running; mark the new one for test, reset, then confirm.",
    ),
    code(
        33,
        "IMAGE_SETTING_TEST_TO_ACTIVE_DENIED",
        "This image is the one that is running; it needs no test.",
    ),
    code(34, "ACTIVE_SLOT_NOT_KNOWN", "The device cannot tell which slot it runs from."),
];

/// `stat_mgmt.h`, `enum stat_mgmt_err_code_t`.
static STATISTICS_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "INVALID_GROUP", "There is no statistics group of this name."),
    code(3, "INVALID_STAT_NAME", "There is no statistic of this name."),
    code(4, "INVALID_STAT_SIZE", "The statistic has a size that the server cannot send."),
    code(5, "WALK_ABORTED", "Reading the statistics was broken off."),
];

/// `settings_mgmt.h`, `enum settings_mgmt_ret_code_t`.
static SETTINGS_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "KEY_TOO_LONG", "The name of the setting is too long."),
    code(3, "KEY_NOT_FOUND", "There is no setting of this name."),
    code(4, "READ_NOT_SUPPORTED", "The setting cannot be read."),
    code(5, "ROOT_KEY_NOT_FOUND", "There is no branch of settings of this name."),
    code(6, "WRITE_NOT_SUPPORTED", "The setting cannot be written."),
    code(7, "DELETE_NOT_SUPPORTED", "The setting cannot be deleted."),
    code(8, "SAVE_NOT_SUPPORTED", "The setting cannot be saved."),
];

/// `fs_mgmt.h`, `enum fs_mgmt_err_code_t`.
static FILE_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "FILE_INVALID_NAME", "The file name is not valid."),
    code(3, "FILE_NOT_FOUND", "There is no such file."),
    code(4, "FILE_IS_DIRECTORY", "The name is that of a directory."),
    code(5, "FILE_OPEN_FAILED", "The file could not be opened."),
    code(6, "FILE_SEEK_FAILED", "The offset in the file could not be reached."),
    code(7, "FILE_READ_FAILED", "The file could not be read."),
    code(8, "FILE_TRUNCATE_FAILED", "The file could not be emptied."),
    code(9, "FILE_DELETE_FAILED", "The file could not be deleted."),
    code(10, "FILE_WRITE_FAILED", "The file could not be written; the file system may be full."),
    code(
        11,
        "FILE_OFFSET_NOT_VALID",
        "The offset is not the end of the file, whose length the response tells as `len`: it changed since the last chunk.",
    ),
    code(12, "FILE_OFFSET_LARGER_THAN_FILE", "The offset is behind the end of the file."),
    code(13, "CHECKSUM_HASH_NOT_FOUND", "The device does not have this kind of checksum or hash."),
    code(14, "MOUNT_POINT_NOT_FOUND", "There is no file system mounted at this path."),
    code(15, "READ_ONLY_FILESYSTEM", "The file system can only be read."),
    code(16, "FILE_EMPTY", "The file is empty."),
    code(17, "FILE_CLOSE_FAILED", "The file could not be closed."),
];

/// `shell_mgmt.h`, `enum shell_mgmt_err_code_t`.
static SHELL_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "COMMAND_TOO_LONG", "The command line is too long for the device."),
    code(3, "EMPTY_COMMAND", "The command line is empty."),
];

/// `enum_mgmt.h`, `enum enum_mgmt_err_code_t`.
static ENUMERATION_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "TOO_MANY_GROUP_ENTRIES", "The request names too many groups."),
    code(3, "INSUFFICIENT_HEAP_FOR_ENTRIES", "The device has no memory for the list."),
    code(4, "INDEX_TOO_LARGE", "The device has fewer groups than the index asks for."),
];

/// `transport_mgmt.h` of Zephyr 4.5, `enum transport_mgmt_ret_code_t`.
static TRANSPORT_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "TRANSPORT_MISSING_REQUIRED_FUNCTIONS", "The transport cannot be bridged."),
    code(3, "TRANSPORT_MISSING_INFO_FUNCTIONS", "The transport cannot tell about its bridging."),
    code(4, "INVALID_TRANSPORT", "There is no such transport."),
    code(5, "INVALID_MODE", "The transport does not have this mode."),
    code(6, "ALL_CONTEXTS_USED", "No further bridge can be opened."),
    code(7, "BOTH_TRANSPORT_AND_ALL_PARAMETERS", "The request names a transport and all transports at once."),
    code(8, "NOT_BRIDGED", "The transport is not bridged."),
    code(9, "SAME_BRIDGE_DEVICE_DISALLOWED", "The transport cannot be both ends of a bridge."),
    code(10, "TRANSPORT_INGOING_NOT_SUPPORTED", "The transport cannot be the near end of a bridge."),
    code(11, "TRANSPORT_OUTGOING_NOT_SUPPORTED", "The transport cannot be the far end of a bridge."),
    code(12, "INCOMING_TRANSPORT_ALREADY_BRIDGED", "The near transport is already bridged."),
    code(13, "OUTGOING_TRANSPORT_ALREADY_BRIDGED", "The far transport is already bridged."),
    code(14, "CONNECT_MISSING_PARAMETER", "The data for the connection lacks something."),
    code(15, "CONNECT_INVALID_PARAMETER", "The data for the connection has an invalid value."),
    code(
        16,
        "CONNECT_UNSUPPORTED_PARAMETER",
        "The data for the connection asks for something this device does not do.",
    ),
    code(17, "CONNECT_FAILED", "The connection to the device behind this one failed."),
];

/// `zephyr_basic.h`, `enum zephyr_basic_group_err_code_t`.
static ZEPHYR_BASIC_CODES: Codes = &[
    code(0, "OK", "No error."),
    code(1, "UNKNOWN", "The command failed for a reason the device does not name."),
    code(2, "FLASH_OPEN_FAILED", "The storage area could not be opened."),
    code(3, "FLASH_CONFIG_QUERY_FAIL", "The device could not read the layout of its flash."),
    code(4, "FLASH_ERASE_FAILED", "The storage area could not be erased."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(group: Option<u16>, code: u32) -> Option<&'static str> {
        lookup(DeviceError { group, code }).map(|info| info.name)
    }

    #[test]
    fn the_numbers_are_those_of_zephyr() {
        for (group, code, expected) in [
            (None, 0, "OK"),
            (None, 8, "NOT_SUPPORTED"),
            (None, 13, "UNSUPPORTED_TOO_NEW"),
            (None, 14, "BRIDGED_CONNECTION_UNAVAILABLE"),
            (Some(group::OS), 3, "QUERY_YIELDS_NO_ANSWER"),
            (Some(group::OS), 7, "HEAP_STATS_FETCH_FAILED"),
            (Some(group::IMAGE), 9, "NO_FREE_SLOT"),
            (Some(group::IMAGE), 18, "FLASH_AREA_DEVICE_NULL"),
            (Some(group::IMAGE), 27, "CURRENT_VERSION_IS_NEWER"),
            (Some(group::IMAGE), 34, "ACTIVE_SLOT_NOT_KNOWN"),
            (Some(group::STATISTICS), 5, "WALK_ABORTED"),
            (Some(group::SETTINGS), 8, "SAVE_NOT_SUPPORTED"),
            (Some(group::FILE), 11, "FILE_OFFSET_NOT_VALID"),
            (Some(group::FILE), 17, "FILE_CLOSE_FAILED"),
            (Some(group::SHELL), 3, "EMPTY_COMMAND"),
            (Some(group::ENUMERATION), 4, "INDEX_TOO_LARGE"),
            (Some(group::TRANSPORT), 17, "CONNECT_FAILED"),
            (Some(group::ZEPHYR_BASIC), 4, "FLASH_ERASE_FAILED"),
        ] {
            assert_eq!(name(group, code), Some(expected), "{group:?} {code}");
        }
    }

    #[test]
    fn a_code_that_no_table_knows_keeps_its_number() {
        for (group, code, text) in [
            (None, 256, "rc 256"),
            (None, u32::MAX, "rc 4294967295"),
            (Some(group::IMAGE), 35, "group image, error 35"),
            (Some(group::LOG), 1, "group log, error 1"),
            (Some(4711), 9, "group 4711, error 9"),
        ] {
            assert_eq!(name(group, code), None);
            assert_eq!(DeviceError { group, code }.to_string(), text);
        }
    }

    #[test]
    fn a_known_code_is_told_with_name_and_meaning() {
        let error = DeviceError { group: Some(group::IMAGE), code: 9 };
        assert_eq!(
            error.to_string(),
            "group image, error 9 NO_FREE_SLOT: No slot is free: the other one holds an image that is pending or on trial."
        );
        let text = DeviceError::common(8).to_string();
        assert!(text.starts_with("rc 8 NOT_SUPPORTED: The device does not know"), "{text}");
    }

    #[test]
    fn tables_have_no_gap_names_are_capitals_and_meanings_are_sentences() {
        for (group, codes) in TABLES {
            for (position, info) in codes.iter().enumerate() {
                assert_eq!(info.code as usize, position, "{group:?} {info:?}");
                assert!(
                    info.name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'_')),
                    "{group:?} {info:?}"
                );
                assert!(info.meaning.ends_with('.') && info.meaning.len() < 160, "{group:?} {info:?}");
            }
        }
    }
}
