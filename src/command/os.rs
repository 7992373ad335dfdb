//! Group 0, operating system (Zephyr `os_mgmt.c`; `smp_group_0.rst`).

use crate::json::json;
use serde_json::Value as Json;

use super::answer::{self, Answer};
use super::spec::{Constant, Follow, Kind, Spec, Work, optional, required};
use crate::failure::Failure;
use crate::smp::cbor::Value;
use crate::smp::group::{self, os};
use crate::smp::{DeviceError, Op};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "echo",
        op: Op::Write,
        group: group::OS,
        command: os::ECHO,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[required("text", "d", Kind::Text(0, 65_000))],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "text": answer.required("r", answer::text)? }))),
    },
    Spec {
        name: "reset",
        op: Op::Write,
        group: group::OS,
        command: os::RESET,
        floor_ms: 2_000,
        repeatable: false,
        // The documentation calls `force` a number; servers decode a boolean and ignore anything else.
        arguments: &[
            optional("force", "force", Kind::Flag),
            optional("boot_mode", "boot_mode", Kind::Number(0, 255)),
        ],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "parameters",
        op: Op::Read,
        group: group::OS,
        command: os::PARAMETERS,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            Ok(json!({
                "buf_size": answer.required("buf_size", answer::number)?,
                "buf_count": answer.required("buf_count", answer::number)?,
            }))
        }),
    },
    Spec {
        name: "bootloader_info",
        op: Op::Read,
        group: group::OS,
        command: os::BOOTLOADER,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::AskThen(
            |answer| {
                Ok(json!({
                    "bootloader": answer.required("bootloader", answer::text)?,
                    "mode": None::<u32>,
                    "mode_name": None::<&str>,
                    "no_downgrade": false,
                }))
            },
            Follow { constants: &[("query", Constant::Text("mode"))], merge: merge_mode },
        ),
    },
    Spec {
        name: "os_info",
        op: Op::Read,
        group: group::OS,
        command: os::INFORMATION,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[optional("format", "format", Kind::Text(1, 32))],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "output": answer.required("output", answer::text)? }))),
    },
    Spec {
        name: "date_time_get",
        op: Op::Read,
        group: group::OS,
        command: os::DATE_TIME,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "date_time": answer.required("datetime", answer::text)? }))),
    },
    Spec {
        name: "date_time_set",
        op: Op::Write,
        group: group::OS,
        command: os::DATE_TIME,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[required("date_time", "datetime", Kind::DateTime)],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "task_statistics",
        op: Op::Read,
        group: group::OS,
        command: os::TASK_STATISTICS,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            let tasks = answer.required("tasks", answer::map)?;
            let mut list = Vec::new();
            let _ = tasks.entries(|name, value| list.extend(task(name, value)));
            Ok(json!({ "tasks": list }))
        }),
    },
    Spec {
        name: "memory_pool_statistics",
        op: Op::Read,
        group: group::OS,
        command: os::MEMORY_POOL_STATISTICS,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            // The pools stand in the body itself, by their names.
            let mut pools = Vec::new();
            answer.entries(|name, value| pools.extend(pool(name, value)))?;
            Ok(json!({ "pools": pools }))
        }),
    },
];

/// A bootloader that does not tell its mode is none the worse for it.
fn merge_mode(result: &mut Json, answer: Result<&Answer<'_>, DeviceError>) -> Result<(), Failure> {
    let Ok(answer) = answer else { return Ok(()) };
    if let Some(mode) = answer.optional("mode", answer::integer)? {
        result["mode"] = mode.into();
        result["mode_name"] = mode_name(mode).into();
    }
    result["no_downgrade"] = answer.optional("no-downgrade", answer::flag)?.unwrap_or(false).into();
    Ok(())
}

/// MCUboot `boot_status.h`, `enum mcuboot_mode`.
fn mode_name(mode: i64) -> Option<&'static str> {
    Some(match mode {
        -1 => "unknown",
        0 => "single_slot",
        1 => "swap_scratch",
        2 => "overwrite_only",
        3 => "swap_move",
        4 => "direct_xip",
        5 => "direct_xip_with_revert",
        6 => "ram_load",
        7 => "firmware_loader",
        8 => "single_slot_ram_load",
        9 => "swap_offset",
        _ => return None,
    })
}

/// Servers leave out what they were not built to tell. Stacks are counted in words of 4 bytes.
fn task(name: &str, value: Value<'_>) -> Option<Json> {
    let items = answer::map(value)?;
    let number = |key| answer::entry(&items, key, answer::number);
    Some(json!({
        "name": name,
        "priority": answer::entry(&items, "prio", answer::integer).map(priority),
        "id": number("tid"),
        "state": number("state"),
        "stack_used": number("stkuse"),
        "stack_size": number("stksiz"),
        "context_switches": number("cswcnt"),
        "run_time": number("runtime"),
        "last_check_in": number("last_checkin"),
        "next_check_in": number("next_checkin"),
    }))
}

/// Without `CONFIG_MCUMGR_GRP_OS_TASKSTAT_SIGNED_PRIORITY` a negative priority arrives as an unsigned 32-bit number.
fn priority(number: i64) -> i64 {
    match u32::try_from(number) {
        Ok(unsigned) => i64::from(unsigned as i32),
        Err(_) => number,
    }
}

fn pool(name: &str, value: Value<'_>) -> Option<Json> {
    let items = answer::map(value)?;
    let number = |key| answer::entry(&items, key, answer::number);
    Some(json!({
        "name": name,
        // The documentation and the servers write `blksiz`, some clients `blksize`.
        "block_size": number("blksiz").or(number("blksize")),
        "blocks": number("nblks"),
        "free": number("nfree"),
        "least_free": number("min"),
    }))
}
