//! The whole ABI as data, for tools and for authors of bindings: what `include/smpfota.json` holds.
//!
//! Names, types and words come from the generated header and from the tables of the library; what a parameter means stands in
//! [`PARAMETERS`], since a header has no place for it.

use serde_json::{Value, json};
use smpfota::ffi::GROUPS;
use smpfota::{Finding, Status};

use super::HANDLES;

/// What a parameter means wherever it has this name; a name with a function in front of it goes first.
const PARAMETERS: &[(&str, &str)] = &[
    ("answers", "How many messages of the device end the call of the carrier."),
    ("arguments", "A JSON object in UTF-8; nothing for a command without arguments."),
    ("body", "The CBOR body of the request; nothing stands for the empty map in groups below 64."),
    ("buffer", "Where the bytes go."),
    ("bytes", "The bytes that come in."),
    ("capacity", "How many bytes the buffer holds; 0 asks for the length."),
    (
        "smpfota_session_record.capacity",
        "The bytes of memory for the recording: 1,024 to 67,108,864, or 0 to end it.",
    ),
    ("command", "The number of the command in its group, 0 to 255."),
    ("content", "The content of the file, 1 byte to 16 MiB."),
    (
        "deadline_ms",
        "When the next call is due, in milliseconds of the caller's clock; UINT64_MAX while nothing is.",
    ),
    ("decoder", "The decoder."),
    (
        "delay_ms",
        "How long after the write before it in the same call this one shall leave, in milliseconds.",
    ),
    ("device", "The virtual device."),
    ("error", "What went wrong, written only when the call fails."),
    ("smpfota_session_error.error", "Why the operation failed."),
    ("event", "An SMPFOTA_LINK_EVENT_... number."),
    ("expecting", "The file with what is expected of it."),
    ("fault", "The number of a fault, from 0."),
    ("finding", "An SMPFOTA_FINDING_... number."),
    ("flags", "0, or SMPFOTA_RECORD_HEADERS_ONLY."),
    ("form", "An SMPFOTA_RECORDING_... number."),
    ("frame", "A whole SMP frame, 1 to 65,533 bytes."),
    ("group", "The number of the group, 0 to 65,535."),
    ("hash", "The hash by which the device lists the image that shall run: 32, 48 or 64 bytes."),
    ("healthy", "1 where the new image is well, 0 where it is not."),
    ("image", "The firmware file."),
    (
        "smpfota_session_restore.image",
        "The file that the update was started with; 0 for a snapshot without an update.",
    ),
    ("index", "Which image of the file, from 0."),
    ("info", "What is known of the image."),
    ("left_with", "An SMPFOTA_LEFT_WITH_... number."),
    (
        "length",
        "How many bytes were written; of a buffer that is too small how many are needed. A NUL does not count.",
    ),
    ("link", "The number of a link, from 0."),
    ("max_frame", "The bytes of the largest frame that is taken, at most 65,533; 0 means that."),
    ("name", "The name of the command."),
    ("now_ms", "The caller's clock in milliseconds, from any origin; it does not go back."),
    ("offset", "Where to read, in bytes from the start of the file."),
    ("op", "SMPFOTA_OP_READ or SMPFOTA_OP_WRITE."),
    ("options", "What is known or wanted; NULL for the defaults."),
    (
        "smpfota_session_restore.options",
        "What is known of the way to the device; NULL for what the saved session knew.",
    ),
    ("smpfota_session_options_init.options", "The struct that receives the defaults."),
    ("smpfota_update_options_init.options", "The struct that receives the defaults."),
    ("smpfota_device_options_init.options", "The struct that receives the defaults."),
    ("path", "Where the file lies."),
    ("phase", "An SMPFOTA_PHASE_... number."),
    ("progress", "How far the operation is."),
    ("retry", "An SMPFOTA_RETRY_... number."),
    ("seed", "What the content is drawn from."),
    ("session", "The session."),
    ("size", "The bytes of the file, 76 to 16 MiB."),
    ("snapshot", "What smpfota_session_save gave."),
    ("status", "An SMPFOTA_... status."),
    ("struct_size", "The size of the struct in the caller's program, in bytes."),
    ("taken", "How many of the bytes were taken."),
    ("text", "Where the text goes: UTF-8, with a NUL behind it where there is room."),
    ("trace", "The trace."),
    ("value", "The bytes of one write, with SMPFOTA_LINK_EVENT_MAX_WRITE only."),
    ("version", "A version such as 1.2.3 or 1.2.3+4."),
    ("wait_ms", "How long to listen behind the last write, in milliseconds."),
];

/// Pointers that may be NULL without a length of 0.
const NULLABLE: [&str; 2] = ["error", "options"];

/// One comment of the header and what it stands in front of.
struct Item<'a> {
    doc: String,
    code: &'a str,
}

fn items(header: &str) -> Vec<Item<'_>> {
    let pieces = header.split("/**").skip(1);
    let items = pieces.filter_map(|piece| {
        let (comment, code) = piece.split_once("*/")?;
        let lines = comment.lines().map(|line| line.trim().trim_start_matches('*'));
        let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        Some(Item { doc: lines.join("\n").trim().to_owned(), code: code.trim_start() })
    });
    items.collect()
}

/// `type *name` as a type and a name.
fn declared(declaration: &str) -> (String, String) {
    let declaration = declaration.split_whitespace().collect::<Vec<_>>().join(" ").replace("struct ", "");
    let start = declaration.rfind([' ', '*']).expect("a type and a name") + 1;
    (declaration[..start].trim().to_owned(), declaration[start..].to_owned())
}

/// The bytes of a type, by the width of a pointer.
fn bytes_of(kind: &str) -> u64 {
    match kind {
        "uint8_t" | "char" => 1,
        "uint32_t" | "int32_t" => 4,
        "uint64_t" => 8,
        other => panic!("a field of a type that has no size of its own: {other}"),
    }
}

fn structs(items: &[Item<'_>]) -> Vec<Value> {
    let mut structs = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some((name, _)) =
            item.code.strip_prefix("typedef struct ").and_then(|rest| rest.split_once(" {"))
        else {
            continue;
        };
        let (mut offset, mut fields) = (0, Vec::new());
        for field in &items[index + 1..] {
            let (declaration, rest) = field.code.split_once(';').expect("a field ends");
            let (kind, name) = declared(declaration);
            let (name, count) = match name.split_once('[') {
                Some((name, count)) => {
                    (name.to_owned(), count.trim_end_matches(']').parse().expect("a number"))
                }
                None => (name, 1),
            };
            let size = bytes_of(&kind) * count;
            // No padding anywhere: the same wherever a struct aligns its fields.
            assert_eq!(offset % bytes_of(&kind), 0, "{name} is not aligned");
            fields.push(json!({
                "name": name,
                "type": kind,
                "count": count,
                "offset": { "32": offset, "64": offset },
                "size": { "32": size, "64": size },
                "doc": field.doc,
            }));
            offset += size;
            if rest.trim_start().starts_with('}') {
                break;
            }
        }
        let size = json!({ "32": offset, "64": offset });
        structs.push(json!({ "name": name, "doc": item.doc, "size": size, "fields": fields }));
    }
    structs
}

fn meaning(function: &str, name: &str) -> String {
    if let Some(of) = name.strip_suffix("_length") {
        return format!("The bytes of {of}; 0 where there is nothing, and then {of} is not looked at.");
    }
    let own = format!("{function}.{name}");
    let found = PARAMETERS.iter().find(|(key, _)| *key == own);
    let found = found.or_else(|| PARAMETERS.iter().find(|(key, _)| *key == name));
    found.unwrap_or_else(|| panic!("say in PARAMETERS what {own} means")).1.to_owned()
}

fn parameter(function: &str, kind: &str, name: &str, all: &[(String, String)]) -> Value {
    let has = |wanted: &str| all.iter().any(|(_, name)| name == wanted);
    let target = kind.trim_start_matches("const ").trim_end_matches(" *");
    let is_pointer = kind.ends_with('*');
    let is_handle = HANDLES.contains(&target);
    let is_struct = target.starts_with("smpfota_") && !is_handle;
    let direction = match (is_pointer, kind.starts_with("const ")) {
        (false, _) | (true, true) => "in",
        // Their struct_size is read.
        (true, false) if is_struct && !function.ends_with("_init") => "in_out",
        (true, false) => "out",
    };
    let own_length = format!("{name}_length");
    let length = if has(&own_length) { Some(own_length) } else { None };
    let close = || format!("{}_close", target);
    let ownership = match (is_handle, is_pointer, direction) {
        (true, true, _) => format!("The handle belongs to the caller until {}.", close()),
        (true, false, _) if function == close() => "The handle is closed.".to_owned(),
        (true, false, _) => "The handle stays the caller's.".to_owned(),
        (_, true, "in") => "Memory of the caller, read during the call and not kept.".to_owned(),
        (_, true, "in_out") => {
            "Memory of the caller, of which struct_size bytes are read and written during the call."
                .to_owned()
        }
        (_, true, _) => "Memory of the caller, written during the call and not kept.".to_owned(),
        _ => "By value.".to_owned(),
    };
    json!({
        "name": name,
        "type": kind,
        "direction": direction,
        "ownership": ownership,
        "may_be_null": is_pointer && (length.is_some() || name == "buffer" || name == "text"
            || NULLABLE.contains(&name) && !function.ends_with("_init") && function != "smpfota_session_error"),
        "length": length.or_else(|| (matches!(name, "buffer" | "text")).then(|| "capacity".to_owned())),
        "doc": meaning(function, name),
    })
}

fn functions(items: &[Item<'_>]) -> Vec<Value> {
    let functions = items.iter().filter_map(|item| {
        let declaration = item.code.strip_prefix("SMPFOTA_API")?.split_once(");")?.0;
        let (front, list) = declaration.split_once('(')?;
        let must_use = front.contains("SMPFOTA_MUST_USE");
        let (returns, name) = declared(front.replace("SMPFOTA_MUST_USE", "").trim());
        let list = list.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "void");
        let all: Vec<(String, String)> = list.map(declared).collect();
        let parameters: Vec<Value> =
            all.iter().map(|(kind, parameter_name)| parameter(&name, kind, parameter_name, &all)).collect();
        Some(json!({
            "name": name,
            "doc": item.doc,
            "returns": returns,
            "must_use": must_use,
            "parameters": parameters,
        }))
    });
    functions.collect()
}

fn constants() -> Vec<Value> {
    let statuses: Vec<Value> = Status::ALL
        .iter()
        .map(|status| json!({ "name": format!("SMPFOTA_{}", status.name()), "value": status.number(), "doc": status.text() }))
        .collect();
    let findings: Vec<Value> = Finding::ALL
        .iter()
        .map(|finding| {
            let doc = if *finding == Finding::None { "Nothing beyond the status." } else { finding.advice() };
            json!({ "name": format!("SMPFOTA_FINDING_{}", finding.name()), "value": finding.number(), "doc": doc })
        })
        .collect();
    let mut groups = vec![
        json!({ "group": "smpfota_status", "type": "int32_t", "doc": "What a call returns: 0 and above a normal outcome, below 0 an error.", "constants": statuses }),
        json!({ "group": "smpfota_finding", "type": "uint32_t", "doc": "What points to the cause of a failure.", "constants": findings }),
    ];
    for group in GROUPS {
        let constants: Vec<Value> = group
            .constants
            .iter()
            .map(|constant| {
                let lines: Vec<&str> = constant.doc.iter().map(|line| line.trim()).collect();
                json!({ "name": constant.name, "value": constant.number, "doc": lines.join(" "), "old_name": constant.old_name })
            })
            .collect();
        groups.push(json!({ "group": group.name, "type": "uint32_t", "doc": group.doc.trim(), "constants": constants }));
    }
    groups
}

/// The file, out of the header that the sources give.
pub fn json_of(header: &str) -> String {
    let items = items(header);
    let handles: Vec<Value> = items
        .iter()
        .filter_map(|item| {
            let name = item.code.strip_prefix("typedef uintptr_t ")?.split_once(';')?.0;
            Some(json!({ "name": name, "type": "uintptr_t", "close": format!("{name}_close"), "doc": item.doc }))
        })
        .collect();
    let abi = json!({
        "library": "smpfota",
        "version": env!("CARGO_PKG_VERSION"),
        "abi_version": smpfota::ffi::SMPFOTA_ABI_VERSION,
        "unknown": { "name": "SMPFOTA_UNKNOWN", "type": "uint32_t", "value": smpfota::ffi::SMPFOTA_UNKNOWN },
        "handles": handles,
        "constants": constants(),
        "structs": structs(&items),
        "functions": functions(&items),
    });
    serde_json::to_string_pretty(&abi).expect("numbers and text") + "\n"
}
