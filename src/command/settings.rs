//! Group 3, settings (Zephyr `settings_mgmt.c`; `smp_group_3.rst`). Since Zephyr 3.4.

use crate::json::json;

use super::answer;
use super::spec::{Kind, NAME, Spec, Work, optional, required};
use crate::smp::Op;
use crate::smp::group::{self, settings};
use crate::smp::hex::to_hex;

/// Loading and saving go through the flash.
const STORAGE_FLOOR_MS: u32 = 10_000;

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "settings_read",
        op: Op::Read,
        group: group::SETTINGS,
        command: settings::READ_WRITE,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[
            required("name", "name", NAME),
            optional("max_size", "max_size", Kind::Number(1, 65_535)),
        ],
        constants: &[],
        work: Work::Ask(|answer| {
            Ok(json!({
                "value_hex": to_hex(answer.required("val", answer::bytes)?),
                "max_size": answer.optional("max_size", answer::number)?,
            }))
        }),
    },
    Spec {
        name: "settings_write",
        op: Op::Write,
        group: group::SETTINGS,
        command: settings::READ_WRITE,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[required("name", "name", NAME), required("value", "val", Kind::Bytes(0, 65_000))],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "settings_delete",
        op: Op::Write,
        group: group::SETTINGS,
        command: settings::DELETE,
        floor_ms: STORAGE_FLOOR_MS,
        repeatable: true,
        arguments: &[required("name", "name", NAME)],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "settings_commit",
        op: Op::Write,
        group: group::SETTINGS,
        command: settings::COMMIT,
        floor_ms: STORAGE_FLOOR_MS,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "settings_load",
        op: Op::Read,
        group: group::SETTINGS,
        command: settings::LOAD_SAVE,
        floor_ms: STORAGE_FLOOR_MS,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "settings_save",
        op: Op::Write,
        group: group::SETTINGS,
        command: settings::LOAD_SAVE,
        floor_ms: STORAGE_FLOOR_MS,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
];
