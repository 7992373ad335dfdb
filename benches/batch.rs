//! Upload time over a carrier that takes several writes in one call, as an IoT Hub direct method does: 300 ms there and back,
//! one call in a hundred over 2 s, one in two hundred lost and half of those executed; 50 ms and 60 kB/s between the gateway
//! and the device.
//!
//! The upload alone is measured. Over 40 seeds from 101 on, which nothing was tuned on. Writes `target/bench/batch.json`.

#[path = "../tests/support/calls.rs"]
mod calls;
mod support;

use calls::{CallDrive, End};
use serde_json::{Value, json};
use smpfota::simulator::{
    CallProfile, EraseMode, LinkKind, RoundTrip, Scenario, fewest_frames, physical_limit_us,
};
use smpfota::{SessionOptions, UpdateMode, UpdateOptions};
use support::picture::{Bar, Course, Panel, bars as bars_of, courses};
use support::{IMAGE, median, round, seeds};

/// When the device erases.
#[derive(Clone, Copy)]
enum Erase {
    Before,
    FirstChunk,
    Progressive,
}

impl Erase {
    fn name(self) -> &'static str {
        match self {
            Erase::Before => "before",
            Erase::FirstChunk => "first chunk",
            Erase::Progressive => "progressive",
        }
    }
}

fn main() {
    println!(
        "{:>8} {:>5} {:>6} {:<12} {:>8} {:>8} {:>6} {:>7} {:>6} {:>7} {:>6} {:>5}",
        "per call",
        "frame",
        "gap ms",
        "erase",
        "median s",
        "p95 s",
        "calls",
        "frames",
        "least",
        "dropped",
        "failed",
        "wrong"
    );
    let mut rows = Vec::new();
    for frame in [244, 2_475] {
        for erase in [Erase::Before, Erase::FirstChunk, Erase::Progressive] {
            for per_call in [0, 8, 32, 128] {
                rows.push(measure(per_call, frame, 10, erase));
            }
        }
    }
    support::write("batch.json", &rows);
    let kinds = ["window alone", "8 per call", "32 per call", "128 per call"];
    let bars: Vec<Bar> = rows.iter().map(bar).collect();
    support::draw("batch.svg", &bars_of("409,600 bytes over direct methods", &kinds, &bars));
    let panels: Vec<Panel> = [Erase::Before, Erase::FirstChunk, Erase::Progressive].map(panel).into();
    let kinds = ["window alone", "32 per call", "128 per call", "physical limit"];
    support::draw("calls.svg", &courses("409,600 bytes over direct methods, seed 101", &kinds, &panels));
}

/// Bytes over time; the limit is that of the link behind the gateway and of one call.
fn panel(erase: Erase) -> Panel {
    let scenario = scenario(244, erase, 101);
    let limit = physical_limit_us(&scenario.link, &scenario.device, 244, IMAGE) + 300_000;
    let mut courses: Vec<Course> = [0, 32, 128].map(|per_call| course(&scenario, per_call)).into();
    courses.push(vec![(limit, IMAGE)]);
    Panel { label: format!("244 bytes, erase {}", erase.name()), courses }
}

fn course(scenario: &Scenario, per_call: u32) -> Course {
    let mut drive = start(scenario, per_call, 10);
    let mut course = Vec::new();
    while drive.step().is_none() {
        let bytes = drive.session.progress(drive.now_us / 1_000).bytes_acknowledged as u32;
        let began = drive.upload_from_us.unwrap_or(drive.now_us);
        if course.last().is_none_or(|(_, before)| bytes > *before) {
            course.push((drive.now_us - began, bytes));
        }
    }
    course
}

fn start(scenario: &Scenario, per_call: u32, gap_ms: u64) -> CallDrive {
    let update = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    let carrier = CallProfile::direct_method(gap_ms * 1_000);
    let session =
        SessionOptions { batch_frames: per_call, batch_gap_ms: gap_ms as u32, ..SessionOptions::default() };
    CallDrive::update(scenario, carrier, session, update)
}

fn bar(row: &Value) -> Bar {
    let per_call = row["per_call"].as_u64().unwrap_or(0);
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Bar {
        label: format!("{} bytes, erase {}", row["frame"], text("erase")),
        seconds: row["seconds"].as_f64().unwrap_or(0.0),
        kind: match per_call {
            0 => 0,
            8 => 1,
            32 => 2,
            _ => 3,
        },
    }
}

/// `per_call` frames in one call; 0: the window alone, as for any other carrier.
fn measure(per_call: u32, frame: u32, gap_ms: u64, erase: Erase) -> Value {
    let (mut times, mut calls, mut sent, mut dropped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut failed, mut wrong) = (0, 0);
    for seed in seeds(40, 101) {
        let scenario = scenario(frame, erase, seed);
        let mut drive = start(&scenario, per_call, gap_ms);
        let end = drive.run(24 * 3_600_000);
        let image = scenario.image();
        let device = drive.calls.link().device();
        let right = device.slot_bytes(0, 1).get(..image.len()) == Some(&image[..]);
        match end {
            End::Done if right => {}
            End::Done => wrong += 1,
            other => {
                failed += 1;
                println!("per call {per_call}, {}, seed {seed}: {other:?}", erase.name());
            }
        }
        let counters = device.counters();
        times.push(drive.upload_to_us.saturating_sub(drive.upload_from_us.unwrap_or(0)) as f64 / 1e6);
        calls.push(drive.upload_calls as f64);
        sent.push(drive.upload_frames as f64);
        dropped.push((counters.no_buffer + counters.no_response_buffer) as f64);
    }
    let seconds = median(&mut times);
    let p95 = times[times.len() * 95 / 100];
    let (calls, sent, dropped) = (median(&mut calls), median(&mut sent), median(&mut dropped));
    let least = fewest_frames(frame, IMAGE);
    let (label, name) = (if per_call == 0 { "window".into() } else { per_call.to_string() }, erase.name());
    println!(
        "{label:>8} {frame:>5} {gap_ms:>6} {name:<12} {seconds:>8.1} {p95:>8.1} {calls:>6} {sent:>7} {least:>6} \
         {dropped:>7} {failed:>6} {wrong:>5}"
    );
    json!({
        "mode": if per_call == 0 { "strict" } else { "batch" }, "per_call": per_call, "frame": frame, "gap_ms": gap_ms,
        "erase": name, "seconds": round(seconds, 1), "p95_seconds": round(p95, 1), "calls": calls,
        "frames_sent": sent, "frames_min": least, "dropped": dropped, "failed": failed, "wrong_success": wrong,
    })
}

fn scenario(frame: u32, erase: Erase, seed: u64) -> Scenario {
    let mode = match erase {
        Erase::Progressive => EraseMode::Progressive,
        _ => EraseMode::FirstChunkImage,
    };
    let mut scenario = Scenario::new(LinkKind::None).seed(seed).image_size(IMAGE).link(|link| {
        link.round_trip = RoundTrip::Uniform { mean_us: 50_000, spread_us: 15_000 };
        link.bandwidth = 60_000;
        link.erase = mode;
    });
    scenario.device = scenario.link.fit(scenario.device, frame > 244);
    scenario.device.used_secondary = !matches!(erase, Erase::Before);
    scenario
}
