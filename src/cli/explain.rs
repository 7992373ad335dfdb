//! `smpfota explain`: the lines of a trace and its verdict, for a reader.

use crate::exit::Ending;
use serde_json::{Value, json};
use smpfota::{Finding, Trace};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// The code for a trace that shows a cause.
const FOUND: u8 = 8;

pub fn run(file: &Path, verdict_alone: bool, json: bool) -> Result<ExitCode, Ending> {
    let name = file.display().to_string();
    let mut input: Box<dyn Read> = match name.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(std::fs::File::open(file).map_err(|error| Ending::io(&name, &error))?),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = |error: std::io::Error| Ending::io("the output", &error);
    let mut print = |line: String| -> Result<(), Ending> {
        if verdict_alone {
            return Ok(());
        }
        if json { writeln!(out, "{}", json!({ "line": line })) } else { writeln!(out, "{line}") }
            .map_err(written)
    };
    let mut trace = Trace::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = input.read(&mut buffer).map_err(|error| Ending::io(&name, &error))?;
        if length == 0 {
            break;
        }
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            rest = &rest[trace.feed(rest)..];
            while let Some(line) = trace.next_line() {
                print(line)?;
            }
        }
    }
    let verdict = trace.verdict();
    while let Some(line) = trace.next_line() {
        print(line)?;
    }
    if json { writeln!(out, "{verdict}") } else { write!(out, "{}", prose(&verdict)) }.map_err(written)?;
    out.flush().map_err(written)?;
    let nothing = verdict["cause"] == Finding::NothingWrong.name();
    Ok(if nothing { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The verdict as text.
fn prose(verdict: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!(
        "\n{} ({})\n  {}\n",
        text(&verdict["cause"]),
        text(&verdict["certainty"]),
        text(&verdict["says"])
    );
    let frames: Vec<String> =
        list(&verdict["evidence"]["frames"]).map(|mark| format!("#{}", mark["frame"])).collect();
    if !frames.is_empty() {
        out += &format!("  Evidence: {}\n", frames.join(", "));
    }
    out += &format!("  {}\n", text(&verdict["next_step"]));
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out += &format!("\n{title}\n");
            lines.iter().for_each(|line| out += &format!("  - {line}\n"));
        }
    };
    part("What the frames show", list(&verdict["points"]).map(text).collect());
    let case = |case: &Value| format!("{}: {}", text(&case["cause"]), text(&case["says"]));
    part("Besides", list(&verdict["also"]).map(case).collect());
    let ruled = |case: &Value| format!("{}: {}", text(&case["cause"]), text(&case["why"]));
    part("Ruled out", list(&verdict["ruled_out"]).map(ruled).collect());
    part("What this trace cannot decide", list(&verdict["undecided"]).map(text).collect());
    let phase =
        |phase: &Value| format!("{} (#{}): {}", text(&phase["phase"]), phase["frame"], text(&phase["state"]));
    part("How far it came", list(&verdict["phases"]).map(phase).collect());
    let figures = &verdict["figures"];
    let mut told = vec![format!("{} requests, {} answers", figures["requests"], figures["responses"])];
    if figures["round_trip_ms"].is_object() {
        let round_trip = &figures["round_trip_ms"];
        told.push(format!(
            "round trip {} ms in the middle, {} at most",
            round_trip["median"], round_trip["max"]
        ));
    }
    if let Some(rate) = figures["bytes_per_second"].as_u64() {
        told.push(format!("{rate} bytes per second"));
    }
    part("Figures", told);
    out
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
