//! Group 63, Zephyr basic (Zephyr `zephyr_basic_mgmt.c`).

use super::answer;
use super::spec::{Spec, Work};
use crate::smp::Op;
use crate::smp::group::{self, zephyr_basic};

pub(super) static COMMANDS: &[Spec] = &[Spec {
    name: "zephyr_storage_erase",
    op: Op::Write,
    group: group::ZEPHYR_BASIC,
    command: zephyr_basic::ERASE_STORAGE,
    floor_ms: 30_000,
    repeatable: true,
    arguments: &[],
    constants: &[],
    work: Work::Ask(answer::nothing),
}];
