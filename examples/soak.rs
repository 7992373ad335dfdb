//! Simulated updates under random links, faults, devices, options and callers: what `make soak` runs.
//!
//! `cargo run --release --example soak -- --seeds 10000`; a seed alone: `-- --seed 137 --trace`.

#[path = "../tests/support/soak/mod.rs"]
mod soak;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use soak::plan::Plan;
use soak::tally::Tally;

/// How many of a hundred seeds get a device of the field where `--field` does not say.
const FIELD_PERCENT: u64 = 50;

const HELP: &str = "\
Simulated updates, each a seed: link, fault, device, options and caller follow from it.

  --seeds N      how many seeds (default 1000)
  --from K       the first seed (default 1)
  --threads T    how many threads (default 1)
  --field P      this share of the seeds, in percent, gets a device of the field (default 50)
  --table        also print which failures came how often, with an example of each, and every wrong seed
  --seed K       run this seed alone and say how it ended
  --trace        with --seed: print the run, frame by frame
  --help         this text

The last line counts how the runs ended; before it stands every seed with something wrong. The exit code is 1 then.";

struct Settings {
    seeds: u64,
    from: u64,
    threads: u64,
    /// The share of the devices of the field.
    field: f64,
    table: bool,
    seed: Option<u64>,
    trace: bool,
}

fn settings() -> Result<Option<Settings>, String> {
    let mut settings = Settings {
        seeds: 1_000,
        from: 1,
        threads: 1,
        field: FIELD_PERCENT as f64 / 100.0,
        table: false,
        seed: None,
        trace: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{name} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{name}: {value} is not a number"))
        };
        match name.as_str() {
            "--seeds" => settings.seeds = number()?,
            "--from" => settings.from = number()?,
            "--threads" => settings.threads = number()?.clamp(1, 64),
            "--seed" => settings.seed = Some(number()?),
            "--field" => settings.field = number()?.min(100) as f64 / 100.0,
            "--table" => settings.table = true,
            "--trace" => settings.trace = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("there is no option {name}; see --help")),
        }
    }
    Ok(Some(settings))
}

/// Runs the seeds of one thread: whatever is next, so that no thread ends early.
fn work(next: &AtomicU64, end: u64, field: f64) -> Tally {
    let mut tally = Tally::default();
    let mut buffer = vec![0; 65_536];
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return tally;
        }
        tally.run_drawn(seed, field, &mut buffer);
    }
}

fn main() -> ExitCode {
    let settings = match settings() {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = settings.seed {
        let verdict = soak::run(&Plan::drawn(seed, settings.field), &mut vec![0; 65_536], settings.trace);
        println!("{verdict:#?}");
        return ExitCode::from(u8::from(verdict.is_wrong() || verdict.absurd.is_some()));
    }
    // Panics are counted; their text stands with the seed.
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let next = AtomicU64::new(settings.from);
    let end = settings.from + settings.seeds;
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..settings.threads).map(|_| scope.spawn(|| work(&next, end, settings.field))).collect();
        for thread in threads {
            match thread.join() {
                Ok(part) => tally.merge(part),
                Err(_) => eprintln!("a thread of the soak itself panicked"),
            }
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    if settings.table {
        println!("{:>9} {:>9}  {:<9} {:<65} example", "runs", "arrived", "", "failure");
        for ((harmless, name), (count, seed, anyway)) in &tally.failures {
            let kind = if *harmless { "harmless" } else { "" };
            println!("{count:>9} {anyway:>9}  {kind:<9} {name:<65} {seed}");
        }
        println!(
            "{seconds:.1} s, {:.1} virtual years, {} steps, longest run {:.1} virtual hours",
            tally.virtual_ms as f64 / 31_557_600_000.0,
            tally.steps,
            tally.longest_ms as f64 / 3.6e6
        );
    }
    tally.wrong.sort_unstable();
    let shown = if settings.table { tally.wrong.len() } else { 100 };
    for (seed, why) in tally.wrong.iter().take(shown) {
        println!("seed {seed}: {why}");
    }
    if tally.wrong.len() > shown {
        println!("and {} more", tally.wrong.len() - shown);
    }
    println!("kinds: {}", tally.shares());
    println!("{}", tally.line());
    ExitCode::from(u8::from(!tally.is_clean()))
}
