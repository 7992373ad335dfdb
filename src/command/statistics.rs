//! Group 2, statistics (Zephyr `stat_mgmt.c`; `smp_group_2.rst`).

use crate::json::json;
use serde_json::Map;

use super::answer;
use super::spec::{NAME, Spec, Work, required};
use crate::smp::Op;
use crate::smp::group::{self, statistics};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "statistics_list",
        op: Op::Read,
        group: group::STATISTICS,
        command: statistics::LIST,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            let names = answer.required("stat_list", answer::array)?;
            Ok(json!({ "groups": answer::elements(&names, answer::text) }))
        }),
    },
    Spec {
        name: "statistics_read",
        op: Op::Read,
        group: group::STATISTICS,
        command: statistics::READ,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[required("name", "name", NAME)],
        constants: &[],
        work: Work::Ask(|answer| {
            let fields = answer.required("fields", answer::map)?;
            let mut values = Map::new();
            let _ = fields.entries(|name, value| {
                if let Some(number) = answer::number(value) {
                    values.insert(name.to_owned(), number.into());
                }
            });
            Ok(json!({ "name": answer.optional("name", answer::text)?, "fields": values }))
        }),
    },
];
