//! What the benchmarks in virtual time share: the links, the counting, and where the figures go.

// Each benchmark uses a part of this.
#![allow(dead_code)]

pub mod links;
pub mod picture;

use serde_json::Value;

/// Bytes of the image that is uploaded everywhere.
pub const IMAGE: u32 = 409_600;

/// A number from the environment.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The seeds of this run: `SEEDS` of them from `FROM` on.
pub fn seeds(count: u64, from: u64) -> std::ops::Range<u64> {
    let from = number("FROM", from);
    from..from + number("SEEDS", count)
}

/// The middle of these numbers, which it sorts.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[half - 1] + values[half]) / 2.0 } else { values[half] }
}

/// So many digits behind the point.
pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// Writes a picture to `target/bench/`; docs/ has a copy of it.
pub fn draw(name: &str, svg: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&path).expect("a folder to write to");
    std::fs::write(path.join(name), svg).expect("written");
}

/// Writes the rows to `target/bench/`.
pub fn write(name: &str, rows: &[Value]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&path).expect("a folder to write to");
    let text = serde_json::to_string_pretty(rows).expect("JSON");
    std::fs::write(path.join(name), text + "\n").expect("written");
}
