//! Headers and bodies in words, as clients print their own structures.

use super::causes::table;
use super::script::*;
use super::support::verdict;

/// Header and what the body says of an offset, by name.
fn told(said: &Said, line: impl Fn([u64; 6], Option<u64>) -> String) -> String {
    let b = &said.bytes;
    let two = |at: usize| u64::from(u16::from_be_bytes([b[at], b[at + 1]]));
    let off = b.windows(4).position(|part| part == b"\x63off").map(|at| match b[at + 4] {
        small @ 0..=0x17 => u64::from(small),
        0x18 => u64::from(b[at + 5]),
        _ => u64::from(u16::from_be_bytes([b[at + 5], b[at + 6]])),
    });
    let header =
        [u64::from(b[0] & 7), u64::from(b[0] >> 3), two(2), two(4), u64::from(b[6]), u64::from(b[7])];
    format!("12:00:{:02}.{:03} {}\n", said.ms / 1000 % 60, said.ms % 1000, line(header, off))
}

fn log(script: &Script, line: impl Fn(&Said, [u64; 6], Option<u64>) -> String) -> Vec<u8> {
    script
        .said
        .iter()
        .map(|said| told(said, |header, off| line(said, header, off)))
        .collect::<String>()
        .into_bytes()
}

const OPS: [&str; 4] = ["READ", "READ_RSP", "WRITE", "WRITE_RSP"];

/// Data classes of Python.
fn python(script: &Script) -> Vec<u8> {
    log(script, |said, [op, version, len, group, seq, command], off| {
        let body = off.map_or(String::new(), |off| format!(", off={off}"));
        format!(
            "DEBUG {} header=Header(op=<OP.{}: {op}>, version=<Version.V{}: {version}>, flags=<Flag.UNUSED: 0>, length={len}, group_id={group}, sequence={seq}, command_id={command}){body}",
            if said.to_device { "sending" } else { "received" },
            OPS[op as usize],
            version + 1
        )
    })
}

/// Structures of Go.
fn go(script: &Script) -> Vec<u8> {
    log(script, |said, [op, _, len, group, seq, command], off| {
        let word = if said.to_device { "Tx NMP request" } else { "Received nmp rsp" };
        let body = off.map_or(String::new(), |off| format!(" Rc:0 Off:{off}"));
        format!(
            "level=debug msg=\"{word}: &{{NmpBase:{{hdr:{{Op:{op} Flags:0 Len:{len} Group:{group} Seq:{seq} Id:{command}}}}}{body}}}\""
        )
    })
}

/// Structures of Swift.
fn swift(script: &Script) -> Vec<u8> {
    log(script, |said, [op, version, len, group, seq, command], off| {
        let word = if said.to_device { "Sending" } else { "Received" };
        let body = off.map_or(String::new(), |off| format!(" payload: [\"off\": {off}]"));
        format!(
            "{word} McuMgrHeader(version: {version}, op: {op}, flags: 0, length: {len}, group: {group}, sequenceNumber: {seq}, commandId: {command}){body}"
        )
    })
}

/// Structures of Rust.
fn rust(script: &Script) -> Vec<u8> {
    log(script, |said, [op, version, len, group, seq, command], off| {
        let word = if said.to_device { "send" } else { "recv" };
        let op = ["Read", "ReadResponse", "Write", "WriteResponse"][op as usize];
        let body = off.map_or(String::new(), |off| format!(" body: Upload {{ off: {off} }}"));
        format!(
            "{word} SmpFrame {{ version: V{version}, op: {op}, flags: 0, data_length: {len}, group: {group}, sequence: {seq}, command_id: {command}{body} }}"
        )
    })
}

#[test]
fn headers_in_the_words_of_any_client_are_read() {
    let forms: [Form; 4] = [("Python", python), ("Go", go), ("Swift", swift), ("Rust", rust)];
    let mut wrong = Vec::new();
    for (name, script, cause) in table() {
        if !["H1", "H5", "H8"].iter().any(|start| name.starts_with(start)) {
            continue;
        }
        for (form, write) in forms {
            let verdict = verdict(&write(&script));
            if verdict["cause"] != cause.name() || verdict["figures"]["frames"] != script.said.len() {
                wrong.push(format!(
                    "{name}, {form}: {} {} {}",
                    verdict["cause"], verdict["says"], verdict["figures"]["frames"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
