//! Group 8, files (Zephyr `fs_mgmt.c`; `smp_group_8.rst`). The two transfers are in `src/transfer`.

use crate::json::json;
use serde_json::Value as Json;

use super::answer::{self, Answer};
use super::spec::{Argument, Kind, NAME, Spec, Work, optional, required};
use crate::failure::Failure;
use crate::smp::Op;
use crate::smp::cbor::Value;
use crate::smp::group::{self, file};
use crate::smp::hex::to_hex;
use crate::transfer::{FILE_FLOOR_MS, HASH_FLOOR_MS, MOST_CONTENT};

/// Whether the device's own hash of the file is compared after a transfer.
const VERIFY: Argument = optional("verify", "", Kind::Flag);

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "file_download",
        op: Op::Read,
        group: group::FILE,
        command: file::FILE,
        floor_ms: FILE_FLOOR_MS,
        repeatable: true,
        arguments: &[
            required("name", "name", NAME),
            optional("max_length", "", Kind::Number(1, MOST_CONTENT as u64)),
            optional("encoding", "", Kind::OneOf(&["hex", "base64", "raw"])),
            VERIFY,
        ],
        constants: &[],
        work: Work::Download,
    },
    Spec {
        name: "file_upload",
        op: Op::Write,
        group: group::FILE,
        command: file::FILE,
        floor_ms: FILE_FLOOR_MS,
        repeatable: true,
        arguments: &[
            required("name", "name", NAME),
            // Zephyr leaves an existing file as it is when it is sent nothing, so an empty file cannot be written.
            required("content", "", Kind::Bytes(1, MOST_CONTENT)),
            VERIFY,
        ],
        constants: &[],
        work: Work::Upload,
    },
    Spec {
        name: "file_status",
        op: Op::Read,
        group: group::FILE,
        command: file::STATUS,
        floor_ms: FILE_FLOOR_MS,
        repeatable: true,
        arguments: &[required("name", "name", NAME)],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "length": answer.required("len", answer::number)? }))),
    },
    Spec {
        name: "file_hash",
        op: Op::Read,
        group: group::FILE,
        command: file::HASH,
        floor_ms: HASH_FLOOR_MS,
        repeatable: true,
        arguments: &[
            required("name", "name", NAME),
            optional("type", "type", Kind::Text(1, 8)),
            optional("offset", "off", Kind::Number(0, u32::MAX as u64)),
            optional("length", "len", Kind::Number(1, u32::MAX as u64)),
        ],
        constants: &[],
        work: Work::Ask(hash),
    },
    Spec {
        name: "file_hash_types",
        op: Op::Read,
        group: group::FILE,
        command: file::HASH_TYPES,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| {
            let types = answer.required("types", answer::map)?;
            let mut list = Vec::new();
            let _ = types.entries(|name, value| list.extend(hash_type(name, value)));
            Ok(json!({ "types": list }))
        }),
    },
    Spec {
        name: "file_close",
        op: Op::Write,
        group: group::FILE,
        command: file::CLOSE,
        floor_ms: FILE_FLOOR_MS,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
];

/// A checksum comes as a number and a hash as bytes; both are given in hex, and the number beside it.
fn hash(answer: &Answer<'_>) -> Result<Json, Failure> {
    let kind = answer.required("type", answer::text)?;
    let (hex, number) = answer.required("output", |value| match value {
        Value::Bytes(bytes) => Some((to_hex(bytes), None)),
        Value::Unsigned(number) => Some((
            if number > u64::from(u32::MAX) { format!("{number:016x}") } else { format!("{number:08x}") },
            Some(number),
        )),
        _ => None,
    })?;
    Ok(json!({
        "type": kind,
        "offset": answer.optional("off", answer::number)?.unwrap_or(0),
        "length": answer.required("len", answer::number)?,
        "hash_hex": hex,
        "checksum": number,
    }))
}

/// `format` is 0 for a number and 1 for bytes.
fn hash_type(name: &str, value: Value<'_>) -> Option<Json> {
    let items = answer::map(value)?;
    let format = answer::entry(&items, "format", answer::number)?;
    Some(json!({
        "type": name,
        "format": if format == 0 { "number" } else { "bytes" },
        "size": answer::entry(&items, "size", answer::number),
    }))
}
