//! Upload time beside the ideal time and the physical limit of the link, over 20 seeds of each link and both kinds of device.
//!
//! The upload alone is measured, from the first upload frame to the last acknowledgement, as the ideal time is.
//! With `HELD_OUT=1` the links that nothing was tuned on as well. Writes `target/bench/links.json`.

#[path = "../tests/support/drive.rs"]
mod drive;
mod support;

use drive::{Drive, End};
use serde_json::{Value, json};
use smpfota::simulator::{Scenario, fewest_frames};
use smpfota::{SessionOptions, UpdateMode, UpdateOptions};
use support::links::{Case, held_out, known};
use support::picture::{Bar, Course, Panel, bars as bars_of, courses};
use support::{IMAGE, median, round, seeds};

fn main() {
    println!(
        "{:<15} {:>5} {:<24} {:>8} {:>8} {:>8} {:>8} {:>6} {:>7} {:>6} {:>6} {:>5}",
        "link",
        "frame",
        "erase",
        "limit s",
        "ideal s",
        "median s",
        "p95 s",
        "ratio",
        "frames",
        "least",
        "failed",
        "wrong"
    );
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut cases = known();
    if support::number("HELD_OUT", 0) == 1 {
        cases.extend(held_out());
    }
    cases.retain(|case| case.name.contains(&only));
    let rows: Vec<Value> = cases.iter().map(measure).collect();
    support::write("links.json", &rows);
    let mut bars = Vec::new();
    for row in rows.iter().filter(|row| row["held_out"] == false) {
        let label = format!("{} {}", row["profile"].as_str().unwrap_or_default(), row["frame"]);
        for (kind, name) in ["limit_ms", "ideal_ms", "median_ms"].into_iter().enumerate() {
            let seconds = row[name].as_f64().unwrap_or(0.0) / 1e3;
            // The slowest would make all others a point.
            if row["ideal_ms"].as_f64().unwrap_or(0.0) < 1e6 {
                bars.push(Bar { label: label.clone(), seconds, kind });
            }
        }
    }
    let kinds = ["physical limit", "oracle", "smpfota"];
    support::draw("links.svg", &bars_of("409,600 bytes, one frame after another", &kinds, &bars));
    let panels: Vec<Panel> = cases.iter().filter(|case| !case.held_out).map(panel).collect();
    support::draw("courses.svg", &courses("409,600 bytes over time, seed 1", &kinds, &panels));
}

/// Bytes over time: the physical limit, the oracle and this library.
fn panel(case: &Case) -> Panel {
    let limit = vec![((case.limit_ms() * 1e3) as u64, IMAGE)];
    let erase = match case.erase() {
        "progressive" => ", by page",
        _ => "",
    };
    Panel {
        label: format!("{} {}{erase}", case.name, case.frame),
        courses: vec![limit, case.ideal_course(1), course(case)],
    }
}

fn course(case: &Case) -> Course {
    let mut drive = start(case, &case.scenario(1));
    let mut course = Vec::new();
    while drive.step().is_none() {
        let bytes = drive.session.progress(drive.now_ms()).bytes_acknowledged as u32;
        let began = drive.upload_from_us.unwrap_or(drive.now_us);
        if course.last().is_none_or(|(_, before)| bytes > *before) {
            course.push((drive.now_us - began, bytes));
        }
    }
    course
}

fn start(case: &Case, scenario: &Scenario) -> Drive {
    let session = SessionOptions { max_write: case.max_write(), ..SessionOptions::default() };
    let update = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
    Drive::update(scenario, session, update)
}

fn measure(case: &Case) -> Value {
    let (mut ideals, mut times, mut ratios, mut sent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut failed, mut wrong) = (0, 0);
    for seed in seeds(20, 1) {
        let scenario = case.scenario(seed);
        let mut drive = start(case, &scenario);
        let end = drive.run(24 * 3_600_000);
        let image = scenario.image();
        let right = drive.link.device().slot_bytes(0, 1).get(..image.len()) == Some(&image[..]);
        match end {
            End::Done if right => {}
            End::Done => wrong += 1,
            other => {
                failed += 1;
                println!("{} seed {seed}: {other:?}", case.name);
            }
        }
        let ideal = case.ideal_ms(seed);
        let time = drive.upload_to_us.saturating_sub(drive.upload_from_us.unwrap_or(0)) as f64 / 1e3;
        ideals.push(ideal);
        times.push(time);
        ratios.push(time / ideal);
        sent.push(drive.upload_frames as f64);
    }
    let (ideal, middle, ratio) = (median(&mut ideals), median(&mut times), median(&mut ratios));
    let p95 = times[times.len() * 95 / 100];
    let (frames, least) = (median(&mut sent), fewest_frames(case.frame, IMAGE));
    println!(
        "{:<15} {:>5} {:<24} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>6.3} {:>7} {:>6} {:>6} {:>5}",
        case.name,
        case.frame,
        case.erase(),
        case.limit_ms() / 1e3,
        ideal / 1e3,
        middle / 1e3,
        p95 / 1e3,
        ratio,
        frames,
        least,
        failed,
        wrong
    );
    json!({
        "profile": case.name, "frame": case.frame, "mode": "strict", "erase": case.erase(), "held_out": case.held_out,
        "window": case.window(), "limit_ms": case.limit_ms().round(), "ideal_ms": ideal.round(),
        "median_ms": middle.round(), "p95_ms": p95.round(), "ratio": round(ratio, 4),
        "frames_sent": frames, "frames_min": least, "failed": failed, "wrong_success": wrong,
    })
}
