//! Upload time over the ideal time of the link, over 20 seeds of each profile and both kinds of device.
//!
//! The upload alone is measured, from the first upload frame to the last acknowledgement, as the ideal time is.
//! Writes `target/bench/links.json`.

#[path = "../tests/support/drive.rs"]
mod drive;

use drive::{Drive, End};
use serde_json::json;
use smpfota::simulator::{LinkKind, Scenario, ideal_time_for};
use smpfota::{SessionOptions, UpdateMode, UpdateOptions};

const SEEDS: u64 = 20;
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(SEEDS)
}
const IMAGE: u32 = 409_600;

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[half - 1] + values[half]) / 2.0 } else { values[half] }
}

fn main() {
    let mut rows = Vec::new();
    println!(
        "{:<14} {:>5} {:>6} {:>10} {:>10} {:>10} {:>6} {:>11} {:>10} {:>6} {:>5}",
        "profile",
        "frame",
        "window",
        "ideal s",
        "median s",
        "p95 s",
        "ratio",
        "frames sent",
        "frames min",
        "failed",
        "wrong"
    );
    let only = std::env::var("ONLY").unwrap_or_default();
    for kind in [LinkKind::BleLocal, LinkKind::GatewayLan, LinkKind::IothubMethod, LinkKind::CellularBad] {
        if !kind.name().contains(&only) {
            continue;
        }
        for large in [false, true] {
            let (mut ideals, mut times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            let (mut sent, mut least) = (Vec::new(), 0.0);
            let (mut failed, mut wrong) = (0, 0);
            let mut frame = 244;
            for seed in 1..=seeds() {
                let mut scenario = Scenario::new(kind).seed(seed).image_size(IMAGE);
                if large {
                    scenario = scenario.large();
                    frame = 2475;
                }
                let ideal = ideal_time_for(&scenario.link, scenario.device.clone(), frame, 3, seed, IMAGE)
                    .expect("the oracle uploads") as f64
                    / 1e3;
                let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
                let mut drive = Drive::update(&scenario, SessionOptions::default(), options);
                let end = drive.run(24 * 3_600_000);
                let image = scenario.image();
                let right = drive.link.device().slot_bytes(0, 1).get(..image.len()) == Some(&image[..]);
                match end {
                    End::Done if right => {}
                    End::Done => wrong += 1,
                    other => {
                        failed += 1;
                        println!("{} seed {seed}: {other:?}", kind.name());
                    }
                }
                let time =
                    (drive.upload_to_us.saturating_sub(drive.upload_from_us.unwrap_or(0))) as f64 / 1e3;
                ideals.push(ideal);
                times.push(time);
                ratios.push(time / ideal);
                sent.push(drive.upload_frames as f64);
                // First chunk, then ever fuller ones: what the oracle sends.
                least = f64::from(frames_min(frame));
            }
            let p95 = {
                times.sort_by(f64::total_cmp);
                times[times.len() * 95 / 100]
            };
            let row = json!({
                "profile": kind.name(), "frame": frame, "window": 3,
                "ideal_ms": median(&mut ideals).round(), "median_ms": median(&mut times).round(), "p95_ms": p95.round(),
                "ratio": (median(&mut ratios) * 1e4).round() / 1e4,
                "frames_sent": median(&mut sent), "frames_min": least, "failed": failed, "wrong_success": wrong,
            });
            println!(
                "{:<14} {:>5} {:>6} {:>10.1} {:>10.1} {:>10.1} {:>6.3} {:>11} {:>10} {:>6} {:>5}",
                kind.name(),
                frame,
                3,
                row["ideal_ms"].as_f64().unwrap_or(0.0) / 1e3,
                row["median_ms"].as_f64().unwrap_or(0.0) / 1e3,
                p95 / 1e3,
                row["ratio"].as_f64().unwrap_or(0.0),
                row["frames_sent"],
                row["frames_min"],
                failed,
                wrong,
            );
            rows.push(row);
        }
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&path).expect("a folder to write to");
    let text = serde_json::to_string_pretty(&rows).expect("JSON");
    std::fs::write(path.join("links.json"), text + "\n").expect("written");
}

/// The fewest frames of this size that carry the image.
fn frames_min(frame: u32) -> u32 {
    let (mut offset, mut frames) = (0u32, 0);
    while offset < IMAGE {
        // 8 header, 1 map, 4 "off", 5 "data"; the first also 5 + 4 "len", 4 + 34 "sha".
        let head = |n: u32| match n {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            _ => 5,
        };
        let room = frame - 18 - head(offset) - if offset == 0 { 47 } else { 0 };
        offset += (1..=room).rev().find(|data| data + head(*data) <= room).unwrap_or(1);
        frames += 1;
    }
    frames
}
