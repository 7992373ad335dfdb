//! Group 9, shell (Zephyr `shell_mgmt.c`; `smp_group_9.rst`).

use crate::json::json;
use serde_json::Value as Json;

use super::answer::{self, Answer};
use super::spec::{Kind, Spec, Work, optional, required};
use crate::failure::Failure;
use crate::smp::Op;
use crate::smp::cbor::Value;
use crate::smp::group::{self, shell};

pub(super) static COMMANDS: &[Spec] = &[Spec {
    name: "shell_execute",
    op: Op::Write,
    group: group::SHELL,
    command: shell::EXECUTE,
    // The server answers when the command has ended.
    floor_ms: 30_000,
    repeatable: false,
    arguments: &[
        required("argv", "argv", Kind::Texts(1, 64, 1_024)),
        optional("timeout_ms", "", Kind::Number(1, 86_400_000)),
    ],
    constants: &[],
    work: Work::Ask(executed),
}];

/// The exit code is `ret`, on old servers `rc`. Output in pieces, as servers before Zephyr 3.0 send it, is not put together.
fn executed(answer: &Answer<'_>) -> Result<Json, Failure> {
    let output = answer.required("o", |value| match value {
        Value::Text(text) => Some(Some(text.to_owned())),
        Value::Other => Some(None),
        _ => None,
    })?;
    let code = match answer.optional("ret", answer::integer)? {
        Some(code) => code,
        None => answer.required("rc", answer::integer)?,
    };
    Ok(json!({ "output": output, "exit_code": code }))
}
