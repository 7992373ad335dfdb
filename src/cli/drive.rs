//! The loop: what the session wants to send goes out, what comes is fed, in real time.

use crate::exit::Ending;
use crate::link::LinkArguments;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use smpfota::trace::{FIRST_LINE, Recorder};
use smpfota::{Failure, Next, Phase, Session};
use std::io::Write;
use std::time::{Duration, Instant};

/// No longer is waited without a look at the progress.
const MOST_WAIT: Duration = Duration::from_millis(250);

/// Runs one operation to its end; its result.
pub fn run(
    arguments: &LinkArguments,
    quiet: bool,
    start: impl FnOnce(&mut Session) -> Result<(), Failure>,
) -> Result<Value, Ending> {
    let (mut link, mut options) = arguments.open()?;
    // Any number that differs from run to run will do.
    options.nonce = std::process::id();
    let mut session = Session::open(options)?;
    start(&mut session)?;
    let mut record = Record::open(arguments)?;
    let bar = bar(quiet);
    let begin = Instant::now();
    let now = || u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut buffer = vec![0; 65_536];
    loop {
        match session.next_frame(now(), &mut buffer)? {
            Next::Write(length) => {
                record.line(|recorder| recorder.sent(now(), &buffer[..length]))?;
                link.write(&buffer[..length])?;
                continue;
            }
            Next::Done => {
                bar.finish_and_clear();
                return Ok(session.result().unwrap_or(Value::Null));
            }
            // A desk has no link to drop; the session goes on asking.
            Next::LinkReset | Next::Wait => {}
            Next::HealthCheck => session.health(now(), true)?,
        }
        let progress = session.progress(now());
        if progress.bytes_total > 0 {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes_acknowledged);
        }
        bar.set_message(phase(progress.phase));
        let due = session.deadline().unwrap_or(0).saturating_sub(now());
        let bytes = link.read(Duration::from_millis(due).min(MOST_WAIT))?;
        if !bytes.is_empty() {
            record.line(|recorder| recorder.received(now(), &bytes))?;
            session.feed(now(), &bytes);
        }
    }
}

fn phase(phase: Phase) -> String {
    format!("{phase:?}").to_lowercase()
}

fn bar(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = "{msg:14} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The file that a run is recorded in, if it is.
struct Record {
    file: Option<std::io::BufWriter<std::fs::File>>,
    recorder: Recorder,
    name: String,
}

impl Record {
    fn open(arguments: &LinkArguments) -> Result<Record, Ending> {
        let name = arguments.record.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let file = match &arguments.record {
            Some(path) => {
                let file = std::fs::File::create(path).map_err(|error| Ending::io(&name, &error))?;
                Some(std::io::BufWriter::new(file))
            }
            None => None,
        };
        let mut record = Record { file, recorder: Recorder { headers_only: arguments.headers_only }, name };
        record.line(|_| format!("{FIRST_LINE}\n"))?;
        Ok(record)
    }

    fn line(&mut self, line: impl FnOnce(&Recorder) -> String) -> Result<(), Ending> {
        match &mut self.file {
            Some(file) => file
                .write_all(line(&self.recorder).as_bytes())
                .map_err(|error| Ending::io(&self.name, &error)),
            None => Ok(()),
        }
    }
}
