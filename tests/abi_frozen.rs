//! Numbers and layouts that callers have compiled into their programs. A line here is added to, never changed.

mod abi_support;

use std::mem::offset_of;
use std::process::Command;

use abi_support::{Constant, cc, csharp_structs, header_enums, header_macros, root, run, scratch};
use smpfota::ffi::*;
use smpfota::{Finding, Status};

const STATUSES: &[(i32, &str)] = &[
    (0, "OK"),
    (1, "WAIT"),
    (2, "LINK_RESET"),
    (3, "DONE"),
    (4, "HEALTH_CHECK"),
    (5, "EMPTY"),
    (-1, "INVALID_HANDLE"),
    (-2, "NULL_POINTER"),
    (-3, "INVALID_ARGUMENT"),
    (-4, "STRUCT_SIZE"),
    (-5, "BUFFER_TOO_SMALL"),
    (-6, "BUSY"),
    (-7, "OPERATION_RUNNING"),
    (-8, "NO_OPERATION"),
    (-9, "WRONG_STATE"),
    (-10, "UNKNOWN_COMMAND"),
    (-11, "INVALID_JSON"),
    (-12, "TOO_MANY_HANDLES"),
    (-13, "SNAPSHOT_DAMAGED"),
    (-14, "SNAPSHOT_VERSION"),
    (-15, "SNAPSHOT_IMAGE"),
    (-16, "UNAVAILABLE"),
    (-17, "TIME_REFUSED"),
    (-100, "FILE_UNREADABLE"),
    (-101, "NOT_AN_IMAGE"),
    (-102, "IMAGE_TRUNCATED"),
    (-103, "IMAGE_HASH_MISSING"),
    (-104, "IMAGE_HASH_MISMATCH"),
    (-105, "IMAGE_MALFORMED"),
    (-106, "IMAGE_TOO_LARGE"),
    (-107, "LEGACY_PACKAGE"),
    (-108, "PACKAGE_MALFORMED"),
    (-109, "PACKAGE_UNSAFE"),
    (-110, "IMAGE_UNSUPPORTED"),
    (-200, "TIMEOUT"),
    (-201, "STALLED"),
    (-202, "UNDECODABLE"),
    (-203, "UNEXPECTED_RESPONSE"),
    (-204, "OFFSET_OUT_OF_RANGE"),
    (-205, "RESTART_LIMIT"),
    (-206, "LINK_LOST"),
    (-207, "FRAME_TOO_SMALL"),
    (-300, "DEVICE_ERROR"),
    (-301, "NOT_SUPPORTED"),
    (-302, "ACCESS_DENIED"),
    (-303, "DEVICE_BUSY"),
    (-304, "FLASH_FAILED"),
    (-305, "NO_FREE_SLOT"),
    (-400, "CANCELLED"),
    (-401, "REVERTED"),
    (-402, "NOT_SWAPPED"),
    (-403, "WRONG_IMAGE_RUNNING"),
    (-404, "DOWNGRADE_REFUSED"),
    (-405, "SLOT_TOO_SMALL"),
    (-406, "SLOT_IN_USE"),
    (-407, "NOT_LISTED"),
    (-408, "NOT_MARKED"),
    (-409, "NOT_CONFIRMED"),
    (-410, "DIGEST_MISMATCH"),
    (-411, "CONTRADICTION"),
    (-412, "DID_NOT_RETURN"),
    (-413, "HEALTH_CHECK_FAILED"),
    (-414, "UPLOAD_LOST"),
    (-415, "DEPENDENCY_UNMET"),
    (-500, "PANIC"),
];

const FINDINGS: &[(u32, &str)] = &[
    (0, "NONE"),
    (1, "NEVER_ANSWERED"),
    (2, "LARGE_FRAMES_LOST"),
    (3, "FIRST_FRAME_ONLY"),
    (4, "RESPONSES_REPLAYED"),
    (5, "DEVICE_RESTARTED"),
    (6, "SERVER_STUCK"),
    (7, "OFFSET_REPEATS"),
    (8, "BUFFERS_EXHAUSTED"),
    (9, "NO_REASSEMBLY"),
    (10, "LINK_DROPS"),
    (11, "LATE_FIRST_FRAME"),
    (12, "BOOTLOADER_REFUSED"),
    (13, "NO_CONFIRMATION"),
    (14, "OLD_SERVER"),
    (15, "FOREIGN_RESPONSES"),
    (16, "SWAP_NOT_PERFORMED"),
    (17, "ANSWERS_CUT"),
    (18, "LONG_ANSWERS_LOST"),
    (19, "EMPTY_ANSWERS"),
    (20, "OFFSET_GARBLED"),
    (21, "PAIRING_NEEDED"),
    (22, "BONDS_LOST"),
    (23, "NOTHING_LISTED"),
    (24, "HASH_CHANGED"),
    (64, "NOTHING_WRONG"),
    (65, "NO_SMP"),
    (66, "ENCRYPTED"),
    (67, "TRACE_INCOMPLETE"),
    (68, "NOT_WAITED"),
    (69, "FRAME_TOO_LONG"),
    (70, "HEADER_LENGTH_WRONG"),
    (71, "BINARY_AS_TEXT"),
    (72, "WRONG_COMMAND"),
    (73, "FIELD_TYPE"),
    (74, "LENGTH_MISSING"),
    (75, "SEQUENCE_CONSTANT"),
    (76, "NEVER_MARKED"),
    (77, "NEVER_RESET"),
    (78, "RESET_MIDWAY"),
    (79, "NOT_AN_IMAGE"),
    (80, "FILE_DIGEST_AS_HASH"),
    (81, "IMAGE_NUMBER_WRONG"),
    (82, "OFFSET_IGNORED"),
    (83, "DEVICE_REFUSED"),
    (84, "CHUNK_LOST"),
    (85, "LINK_SETTINGS_LOST"),
    (86, "WRITES_CUT"),
    (87, "NO_RETURN"),
];

const RETRIES: &[(i32, &str)] = &[
    (0, "none"),
    (1, "none"),
    (2, "none"),
    (3, "none"),
    (4, "none"),
    (5, "none"),
    (-1, "never"),
    (-2, "never"),
    (-3, "never"),
    (-4, "never"),
    (-5, "never"),
    (-6, "at_once"),
    (-7, "later"),
    (-8, "never"),
    (-9, "never"),
    (-10, "never"),
    (-11, "never"),
    (-12, "later"),
    (-13, "never"),
    (-14, "never"),
    (-15, "never"),
    (-16, "never"),
    (-17, "never"),
    (-100, "never"),
    (-101, "never"),
    (-102, "never"),
    (-103, "never"),
    (-104, "never"),
    (-105, "never"),
    (-106, "never"),
    (-107, "never"),
    (-108, "never"),
    (-109, "never"),
    (-110, "never"),
    (-200, "later"),
    (-201, "later"),
    (-202, "never"),
    (-203, "never"),
    (-204, "later"),
    (-205, "later"),
    (-206, "later"),
    (-207, "never"),
    (-300, "never"),
    (-301, "never"),
    (-302, "never"),
    (-303, "later"),
    (-304, "later"),
    (-305, "never"),
    (-400, "never"),
    (-401, "never"),
    (-402, "never"),
    (-403, "never"),
    (-404, "never"),
    (-405, "never"),
    (-406, "never"),
    (-407, "never"),
    (-408, "later"),
    (-409, "at_once"),
    (-410, "later"),
    (-411, "never"),
    (-412, "later"),
    (-413, "never"),
    (-414, "at_once"),
    (-415, "never"),
    (-500, "never"),
];

/// The enums beside `smpfota_status` and `smpfota_finding`: names and numbers, without their prefix `SMPFOTA_`.
#[rustfmt::skip]
const GROUPS: &[(&str, &[(&str, u32)])] = &[
    ("smpfota_framing", &[
        ("FRAMING_RAW", 0),
        ("FRAMING_SERIAL", 1),
    ]),
    ("smpfota_update_mode", &[
        ("MODE_TEST_AND_CONFIRM", 0),
        ("MODE_TEST_ONLY", 1),
        ("MODE_CONFIRM_AT_ONCE", 2),
        ("MODE_UPLOAD_ONLY", 3),
    ]),
    ("smpfota_update_flag", &[
        ("UPDATE_ERASE_FIRST", 1),
        ("UPDATE_UPGRADE_ONLY", 2),
        ("UPDATE_HEALTH_CHECK", 4),
        ("UPDATE_FORCE_UPLOAD", 8),
        ("UPDATE_ENTER_LOADER", 16),
        ("UPDATE_CHECK", 32),
        ("UPDATE_IGNORE_DEPENDENCIES", 64),
        ("UPDATE_IGNORE_BOARD", 128),
        ("UPDATE_IGNORE_SECURITY_COUNTER", 256),
        ("UPDATE_IGNORE_VERSION", 512),
        ("UPDATE_IGNORE_SIZE", 2048),
        ("UPDATE_IGNORE_IMAGE_NUMBER", 4096),
        ("UPDATE_REQUIRE_WAY_BACK", 8192),
    ]),
    ("smpfota_boot_mode", &[
        ("BOOT_MODE_UNKNOWN", 0),
        ("BOOT_MODE_SINGLE", 1),
        ("BOOT_MODE_SWAP", 2),
        ("BOOT_MODE_OVERWRITE", 3),
        ("BOOT_MODE_DIRECT_XIP", 4),
        ("BOOT_MODE_DIRECT_XIP_REVERT", 5),
        ("BOOT_MODE_RAM_LOAD", 6),
        ("BOOT_MODE_FIRMWARE_LOADER", 7),
    ]),
    ("smpfota_image_property", &[
        ("IMAGE_PROPERTY_ENCRYPTED", 1),
        ("IMAGE_PROPERTY_COMPRESSED", 2),
        ("IMAGE_PROPERTY_PADDED", 4),
        ("IMAGE_PROPERTY_PACKAGE", 8),
    ]),
    ("smpfota_phase", &[
        ("PHASE_IDLE", 0),
        ("PHASE_DISCOVER", 1),
        ("PHASE_ERASE", 2),
        ("PHASE_UPLOAD", 3),
        ("PHASE_VERIFY_UPLOAD", 4),
        ("PHASE_MARK", 5),
        ("PHASE_RESET", 6),
        ("PHASE_SWAP", 7),
        ("PHASE_VERIFY_BOOT", 8),
        ("PHASE_HEALTH_CHECK", 9),
        ("PHASE_CONFIRM", 10),
        ("PHASE_DONE", 11),
        ("PHASE_FAILED", 12),
        ("PHASE_COMMAND", 13),
    ]),
    ("smpfota_retry", &[
        ("RETRY_NONE", 0),
        ("RETRY_AT_ONCE", 1),
        ("RETRY_LATER", 2),
        ("RETRY_NEVER", 3),
    ]),
    ("smpfota_left_with", &[
        ("LEFT_WITH_UNKNOWN", 0),
        ("LEFT_WITH_OLD_IMAGE_RUNS", 1),
        ("LEFT_WITH_NEW_IMAGE_STORED", 2),
        ("LEFT_WITH_NEW_IMAGE_PENDING", 3),
        ("LEFT_WITH_ON_TRIAL", 4),
    ]),
    ("smpfota_link_event", &[
        ("LINK_EVENT_DOWN", 0),
        ("LINK_EVENT_UP", 1),
        ("LINK_EVENT_MAX_WRITE", 2),
        ("LINK_EVENT_NEW_ADDRESS", 4),
        ("LINK_EVENT_BONDS_LOST", 5),
    ]),
    ("smpfota_op", &[
        ("OP_READ", 0),
        ("OP_WRITE", 2),
    ]),
    ("smpfota_device_profile", &[
        ("PROFILE_ZEPHYR_4_4", 0),
        ("PROFILE_NCS_2_1", 1),
    ]),
    ("smpfota_device_flag", &[
        ("DEVICE_FLAG_REASSEMBLY", 1),
        ("DEVICE_FLAG_SERIAL", 2),
    ]),
    ("smpfota_record_flag", &[
        ("RECORD_HEADERS_ONLY", 1),
    ]),
    ("smpfota_recording_form", &[
        ("RECORDING_TEXT", 0),
        ("RECORDING_PCAPNG", 1),
    ]),
];

/// What the names of 0.1.0 stand for, as long as they are there.
const OLD_NAMES: &[(&str, &str)] = &[
    ("IMAGE_ENCRYPTED", "IMAGE_PROPERTY_ENCRYPTED"),
    ("IMAGE_COMPRESSED", "IMAGE_PROPERTY_COMPRESSED"),
    ("IMAGE_PADDED", "IMAGE_PROPERTY_PADDED"),
    ("IMAGE_PACKAGE", "IMAGE_PROPERTY_PACKAGE"),
    ("LINK_DOWN", "LINK_EVENT_DOWN"),
    ("LINK_UP", "LINK_EVENT_UP"),
    ("LINK_MAX_WRITE", "LINK_EVENT_MAX_WRITE"),
    ("DEVICE_REASSEMBLY", "DEVICE_FLAG_REASSEMBLY"),
    ("DEVICE_SERIAL", "DEVICE_FLAG_SERIAL"),
];

/// Fields as (name, offset, size).
type Fields = Vec<(String, usize, usize)>;

/// A field as a literal: name, offset, size.
type Field = (&'static str, usize, usize);

/// The structs of version 1: name, size, fields.
#[rustfmt::skip]
const LAYOUTS: &[(&str, usize, &[Field])] = &[
    ("smpfota_error", 512, &[
        ("struct_size", 0, 4), ("status", 4, 4), ("group", 8, 4), ("code", 12, 4), ("finding", 16, 4),
        ("text_length", 20, 4), ("text", 24, 488),
    ]),
    ("smpfota_session_options", 80, &[
        ("struct_size", 0, 4), ("framing", 4, 4), ("max_write", 8, 4), ("max_frame", 12, 4),
        ("window", 16, 4), ("smp_version", 20, 4), ("nonce", 24, 4), ("rtt_hint_ms", 28, 4),
        ("first_timeout_ms", 32, 4), ("last_timeout_ms", 36, 4), ("timeout_ms", 40, 4), ("retries", 44, 4),
        ("stall_timeout_ms", 48, 4), ("write_interval_ms", 52, 4), ("reassembly", 56, 4),
        ("reserved", 60, 4), ("batch_frames", 64, 4), ("batch_bytes", 68, 4), ("batch_gap_ms", 72, 4),
        ("reserved2", 76, 4),
    ]),
    ("smpfota_update_options", 44, &[
        ("struct_size", 0, 4), ("mode", 4, 4), ("flags", 8, 4), ("swap_estimate_ms", 12, 4),
        ("swap_timeout_ms", 16, 4), ("slot_size", 20, 4), ("health_timeout_ms", 24, 4),
        ("deadline_ms", 28, 4), ("boot_mode", 32, 4), ("security_counter", 36, 4),
        ("self_reset_ms", 40, 4),
    ]),
    ("smpfota_image_info", 160, &[
        ("struct_size", 0, 4), ("image_count", 4, 4), ("image_number", 8, 4), ("size", 12, 4),
        ("header_size", 16, 4), ("flags", 20, 4), ("hash_kind", 24, 4), ("hash_length", 28, 4),
        ("hash", 32, 64), ("sha256", 96, 32), ("signature_kind", 128, 4), ("dependency_count", 132, 4),
        ("version_major", 136, 4), ("version_minor", 140, 4), ("version_revision", 144, 4),
        ("version_build", 148, 4), ("properties", 152, 4), ("slot", 156, 4),
    ]),
    ("smpfota_progress", 64, &[
        ("struct_size", 0, 4), ("phase", 4, 4), ("bytes_acknowledged", 8, 8), ("bytes_total", 16, 8),
        ("image_index", 24, 4), ("image_count", 28, 4), ("bytes_per_second", 32, 4), ("eta_ms", 36, 4),
        ("rtt_ms", 40, 4), ("window", 44, 4), ("frame", 48, 4), ("retransmissions", 52, 4),
        ("ignored", 56, 4), ("link_resets", 60, 4),
    ]),
    ("smpfota_device_options", 48, &[
        ("struct_size", 0, 4), ("profile", 4, 4), ("link", 8, 4), ("fault", 12, 4), ("seed", 16, 8),
        ("slot_size", 24, 4), ("buf_size", 28, 4), ("buf_count", 32, 4), ("flags", 36, 4),
        ("max_write", 40, 4), ("reserved", 44, 4),
    ]),
];

fn size_of_field<S, F>(_: impl Fn(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! layout {
    ($name:ident { $($field:ident),* }) => {
        (
            stringify!($name),
            size_of::<$name>(),
            vec![$((
                stringify!($field).to_owned(),
                offset_of!($name, $field),
                size_of_field(|whole: &$name| &whole.$field),
            )),*],
        )
    };
}

fn rust_layouts() -> Vec<(&'static str, usize, Fields)> {
    vec![
        layout!(smpfota_error { struct_size, status, group, code, finding, text_length, text }),
        layout!(smpfota_session_options {
            struct_size,
            framing,
            max_write,
            max_frame,
            window,
            smp_version,
            nonce,
            rtt_hint_ms,
            first_timeout_ms,
            last_timeout_ms,
            timeout_ms,
            retries,
            stall_timeout_ms,
            write_interval_ms,
            reassembly,
            reserved,
            batch_frames,
            batch_bytes,
            batch_gap_ms,
            reserved2
        }),
        layout!(smpfota_update_options {
            struct_size,
            mode,
            flags,
            swap_estimate_ms,
            swap_timeout_ms,
            slot_size,
            health_timeout_ms,
            deadline_ms,
            boot_mode,
            security_counter,
            self_reset_ms
        }),
        layout!(smpfota_image_info {
            struct_size,
            image_count,
            image_number,
            size,
            header_size,
            flags,
            hash_kind,
            hash_length,
            hash,
            sha256,
            signature_kind,
            dependency_count,
            version_major,
            version_minor,
            version_revision,
            version_build,
            properties,
            slot
        }),
        layout!(smpfota_progress {
            struct_size,
            phase,
            bytes_acknowledged,
            bytes_total,
            image_index,
            image_count,
            bytes_per_second,
            eta_ms,
            rtt_ms,
            window,
            frame,
            retransmissions,
            ignored,
            link_resets
        }),
        layout!(smpfota_device_options {
            struct_size,
            profile,
            link,
            fault,
            seed,
            slot_size,
            buf_size,
            buf_count,
            flags,
            max_write,
            reserved
        }),
    ]
}

fn owned(fields: &[Field]) -> Fields {
    fields.iter().map(|(name, offset, size)| ((*name).to_owned(), *offset, *size)).collect()
}

#[test]
fn what_may_be_done_about_a_status_is_frozen() {
    let now: Vec<(i32, &str)> =
        Status::ALL.iter().map(|status| (status.number(), status.retry().name())).collect();
    assert_eq!(now, RETRIES);
    // Only a failure can be tried again.
    assert!(RETRIES.iter().all(|(number, name)| (*name == "none") == (*number >= 0)));
}

#[test]
fn what_a_failure_leaves_behind_is_frozen() {
    use smpfota::LeftWith;
    let now: Vec<(u32, &str)> = LeftWith::ALL.iter().map(|left| (*left as u32, left.name())).collect();
    let names = ["unknown", "old_image_runs", "new_image_stored", "new_image_pending", "on_trial"];
    assert_eq!(now, (0..).zip(names).collect::<Vec<_>>());
    // One row a phase: what a timeout there leaves behind.
    use smpfota::Phase::*;
    let phases =
        [Discover, Erase, Upload, VerifyUpload, Mark, Reset, Swap, VerifyBoot, HealthCheck, Confirm, Command];
    let left = phases.map(|phase| LeftWith::of(Status::Timeout, phase) as u32);
    assert_eq!(left, [1, 1, 1, 1, 0, 3, 0, 0, 4, 4, 0]);
    // And what is said of the ends that name it themselves.
    for (status, phase, left) in [
        (Status::Reverted, VerifyBoot, LeftWith::OldImageRuns),
        (Status::NotSwapped, VerifyBoot, LeftWith::OldImageRuns),
        (Status::WrongImageRunning, VerifyBoot, LeftWith::Unknown),
        (Status::Contradiction, Discover, LeftWith::OldImageRuns),
        (Status::DowngradeRefused, Discover, LeftWith::OldImageRuns),
        // Another image waits for the next reset, or runs until then.
        (Status::SlotInUse, Discover, LeftWith::Unknown),
        (Status::SlotInUse, Erase, LeftWith::Unknown),
        (Status::SlotInUse, Reset, LeftWith::Unknown),
        (Status::NoFreeSlot, Upload, LeftWith::Unknown),
        (Status::NotListed, VerifyUpload, LeftWith::OldImageRuns),
        (Status::UploadLost, Mark, LeftWith::OldImageRuns),
        (Status::NotMarked, Mark, LeftWith::NewImageStored),
        (Status::NotConfirmed, Confirm, LeftWith::OnTrial),
        (Status::DidNotReturn, Swap, LeftWith::Unknown),
        (Status::DidNotReturn, Reset, LeftWith::Unknown),
        (Status::HealthCheckFailed, VerifyBoot, LeftWith::OldImageRuns),
        (Status::HealthCheckFailed, HealthCheck, LeftWith::OnTrial),
    ] {
        assert_eq!(LeftWith::of(status, phase), left, "{} in {}", status.name(), phase.name());
    }
}

#[test]
fn status_numbers_are_frozen() {
    let now: Vec<_> = Status::ALL.iter().map(|status| (status.number(), status.name())).collect();
    assert_eq!(now, STATUSES);
    for (number, name) in STATUSES {
        assert_eq!(Status::from_number(*number).map(Status::name), Some(*name));
    }
}

#[test]
fn finding_numbers_are_frozen() {
    let now: Vec<_> = Finding::ALL.iter().map(|finding| (finding.number(), finding.name())).collect();
    assert_eq!(now, FINDINGS);
}

#[test]
fn structs_have_the_frozen_layout_in_rust() {
    let now = rust_layouts();
    assert_eq!(now.len(), LAYOUTS.len());
    for ((name, size, fields), (frozen_name, frozen_size, frozen_fields)) in now.iter().zip(LAYOUTS) {
        assert_eq!((name, size), (frozen_name, frozen_size));
        assert_eq!(*fields, owned(frozen_fields), "{name}");
        // Nothing is missing from the table, and no padding hides between the fields.
        assert_eq!(fields.iter().map(|(_, _, size)| size).sum::<usize>(), *size, "{name}");
    }
}

#[test]
fn structs_have_the_frozen_layout_in_c() {
    let mut source = String::from("#include <stdio.h>\n#include <smpfota.h>\nint main(void) {\n");
    for (name, _, fields) in LAYOUTS {
        source += &format!("    printf(\"{name} %zu\\n\", sizeof(struct {name}));\n");
        for (field, _, _) in *fields {
            source += &format!(
                "    printf(\"{field} %zu %zu\\n\", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));\n"
            );
        }
    }
    source += "    return 0;\n}\n";
    let file = scratch("layout.c", &source);
    let program = file.with_extension("");
    run(cc()
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .args([&program, &file]));
    let mut expected = String::new();
    for (name, size, fields) in LAYOUTS {
        expected += &format!("{name} {size}\n");
        for (field, offset, size) in *fields {
            expected += &format!("{field} {offset} {size}\n");
        }
    }
    assert_eq!(run(&mut Command::new(program)), expected);
}

/// Lays the fields out one after the other, each at a multiple of its size, as `LayoutKind.Sequential` does.
#[test]
fn structs_have_the_frozen_layout_in_csharp() {
    let structs = csharp_structs();
    assert_eq!(structs.len(), LAYOUTS.len());
    for (name, size, fields) in LAYOUTS {
        let mut end = 0usize;
        let mut laid = Fields::new();
        for (field, kind, count) in &structs[*name] {
            let unit = match kind.as_str() {
                "byte" => 1,
                "int" | "uint" => 4,
                "ulong" => 8,
                other => panic!("{name}.{field} is of type {other}, which has no fixed width"),
            };
            let start = end.next_multiple_of(unit);
            end = start + unit * count;
            laid.push((field.clone(), start, unit * count));
        }
        assert_eq!(laid, owned(fields), "{name}");
        assert_eq!(end, *size, "{name}");
    }
}

#[test]
fn the_enums_of_the_header_are_frozen() {
    let mut frozen: Vec<(String, Vec<Constant>)> = vec![
        (
            "smpfota_status".into(),
            STATUSES.iter().map(|(number, name)| (format!("SMPFOTA_{name}"), i64::from(*number))).collect(),
        ),
        (
            "smpfota_finding".into(),
            FINDINGS
                .iter()
                .map(|(number, name)| (format!("SMPFOTA_FINDING_{name}"), i64::from(*number)))
                .collect(),
        ),
    ];
    frozen.extend(GROUPS.iter().map(|(name, constants)| {
        let constants =
            constants.iter().map(|(name, number)| (format!("SMPFOTA_{name}"), i64::from(*number)));
        ((*name).to_owned(), constants.collect())
    }));
    assert_eq!(header_enums(), frozen);
}

#[test]
fn the_macros_of_the_header_are_frozen() {
    let now: Vec<(String, String)> = header_macros()
        .into_iter()
        .filter(|(name, _)| {
            !["SMPFOTA_VERSION", "SMPFOTA_API", "SMPFOTA_MUST_USE"]
                .iter()
                .any(|other| name.starts_with(other))
        })
        .collect();
    let mut frozen = vec![("SMPFOTA_UNKNOWN".to_owned(), "UINT32_MAX".to_owned())];
    frozen.extend(OLD_NAMES.iter().map(|(old, new)| (format!("SMPFOTA_{old}"), format!("SMPFOTA_{new}"))));
    frozen.push(("SMPFOTA_ABI_VERSION".to_owned(), "1".to_owned()));
    assert_eq!(now, frozen);
    assert_eq!((SMPFOTA_UNKNOWN, SMPFOTA_ABI_VERSION), (u32::MAX, 1));
}

/// A reader of a log, or of a completion list, must not take a flag for a status.
#[test]
fn no_flag_or_event_begins_as_a_status_does() {
    for (group, constants) in GROUPS {
        let first = constants[0].0;
        let shared = (0..first.len()).rev().map(|end| &first[..=end]).find(|prefix| {
            prefix.ends_with('_') && constants.iter().all(|(name, _)| name.starts_with(prefix))
        });
        let prefix = shared.unwrap_or_else(|| panic!("{group} has a prefix"));
        for (_, status) in STATUSES {
            assert!(!status.starts_with(prefix), "{status} begins as the constants of {group} do");
        }
    }
}
