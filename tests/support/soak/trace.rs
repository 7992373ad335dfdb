//! What a replayed run prints.

use std::cell::{Cell, RefCell};

use super::console;
use super::plan::Plan;

thread_local! {
    /// How much of a frame is still to come, each way.
    static LEFT: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
    /// The console lines of a packet so far, each way.
    static LINES: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

pub fn plan(plan: &Plan) {
    println!("{plan:#?}");
}

/// One write or notification in a line; console lines once a packet is whole.
pub fn bytes(now_us: u64, way: &str, bytes: &[u8]) {
    let side = usize::from(way.starts_with('<'));
    let Some((is_first, decoded)) = console::line(bytes) else { return frame(now_us, way, bytes) };
    let packet = LINES.with_borrow_mut(|lines| {
        if is_first {
            lines[side].clear();
        }
        lines[side].extend(decoded);
        lines[side].clone()
    });
    if packet.len() > 4 && packet.len() == 2 + usize::from(u16::from_be_bytes([packet[0], packet[1]])) {
        frame(now_us, way, &packet[2..packet.len() - 2]);
    }
}

fn frame(now_us: u64, way: &str, bytes: &[u8]) {
    let seconds = now_us as f64 / 1e6;
    let side = usize::from(way.starts_with('<'));
    let mut left = LEFT.get();
    if left[side] >= bytes.len() {
        left[side] -= bytes.len();
        LEFT.set(left);
        return;
    }
    if let [_, _, high, low, ..] = bytes {
        left[side] = (8 + usize::from(u16::from_be_bytes([*high, *low]))).saturating_sub(bytes.len());
        LEFT.set(left);
    }
    let [op, _, high, low, g0, g1, sequence, command, body @ ..] = bytes else {
        println!("{seconds:>12.3} {way} {} bytes", bytes.len());
        return;
    };
    let (group, length) = (u16::from_be_bytes([*g0, *g1]), u16::from_be_bytes([*high, *low]));
    let mut text = format!(
        "{seconds:>12.3} {way} {:>4} bytes op {} v{} len {length} group {group} command {command} seq {sequence}",
        bytes.len(),
        op & 7,
        op >> 3 & 3
    );
    let value: Result<ciborium::Value, _> = ciborium::from_reader(body);
    if let Ok(ciborium::Value::Map(entries)) = value {
        for (key, value) in entries {
            let key = key.as_text().unwrap_or("?").to_owned();
            match value {
                ciborium::Value::Bytes(bytes) => text += &format!(" {key}:[{}]", bytes.len()),
                ciborium::Value::Integer(n) => text += &format!(" {key}:{}", i128::from(n)),
                ciborium::Value::Array(items) => {
                    for item in items {
                        text += "\n              ";
                        for (key, value) in item.as_map().into_iter().flatten() {
                            let key = key.as_text().unwrap_or("?");
                            match value {
                                ciborium::Value::Bytes(bytes) => {
                                    text += &format!(" {key}:{:02x?}", bytes.get(..4).unwrap_or(bytes));
                                }
                                ciborium::Value::Bool(false) => {}
                                ciborium::Value::Bool(true) => text += &format!(" {key}"),
                                ciborium::Value::Text(value) => text += &format!(" {key}:{value}"),
                                ciborium::Value::Integer(n) => text += &format!(" {key}:{}", i128::from(*n)),
                                _ => text += &format!(" {key}"),
                            }
                        }
                    }
                }
                other => text += &format!(" {key}:{other:?}"),
            }
        }
    }
    println!("{text}");
}
