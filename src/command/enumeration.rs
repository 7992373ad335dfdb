//! Group 10, enumeration of groups (Zephyr `enum_mgmt.c`; `smp_group_10.rst`). Since Zephyr 4.0.

use crate::json::json;

use super::answer;
use super::spec::{Kind, Spec, Work, optional};
use crate::smp::Op;
use crate::smp::group::{self, enumeration};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "enumeration_count",
        op: Op::Read,
        group: group::ENUMERATION,
        command: enumeration::COUNT,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "count": answer.required("count", answer::number)? }))),
    },
    Spec {
        name: "enumeration_list",
        op: Op::Read,
        group: group::ENUMERATION,
        command: enumeration::LIST,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            let groups = answer.required("groups", answer::array)?;
            Ok(json!({ "groups": answer::elements(&groups, answer::number) }))
        }),
    },
    Spec {
        name: "enumeration_single",
        op: Op::Read,
        group: group::ENUMERATION,
        command: enumeration::SINGLE,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[optional("index", "index", Kind::Number(0, 65_535))],
        constants: &[],
        work: Work::Ask(|answer| {
            Ok(json!({
                "group": answer.required("group", answer::number)?,
                "last": answer.optional("end", answer::flag)?.unwrap_or(false),
            }))
        }),
    },
    Spec {
        name: "enumeration_details",
        op: Op::Read,
        group: group::ENUMERATION,
        command: enumeration::DETAILS,
        floor_ms: 1_000,
        repeatable: true,
        arguments: &[optional("groups", "groups", Kind::Numbers(1, 64, 65_535))],
        constants: &[],
        work: Work::Ask(|answer| {
            let groups = answer.required("groups", answer::array)?;
            let groups = answer::elements(&groups, |value| {
                let items = answer::map(value)?;
                Some(json!({
                    "group": answer::entry(&items, "group", answer::number)?,
                    "name": answer::entry(&items, "name", answer::text),
                    "handlers": answer::entry(&items, "handlers", answer::number),
                }))
            });
            Ok(json!({ "groups": groups }))
        }),
    },
];
