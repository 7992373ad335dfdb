//! The loop: what the session wants to send goes out, what comes is fed, in real time.

use crate::exit::Ending;
use crate::link::LinkArguments;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use smpfota::recording::Form;
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
    let mut record = Record::open(arguments, &mut session)?;
    start(&mut session)?;
    let bar = bar(quiet);
    let begin = Instant::now();
    let now = || u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut buffer = vec![0; 65_536];
    loop {
        let next = session.next_frame(now(), &mut buffer);
        record.take(&mut session)?;
        match next? {
            Next::Write(length) => {
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

/// The memory that a recording takes on its way to the file.
const RING: usize = 1 << 20;
/// Longer than any entry in either form.
const PART: usize = 256 * 1024;

/// The file that a run is recorded in, if it is.
struct Record {
    file: Option<std::fs::File>,
    form: Form,
    name: String,
}

impl Record {
    /// Opens the file: pcapng where its name ends so, else text.
    fn open(arguments: &LinkArguments, session: &mut Session) -> Result<Record, Ending> {
        let Some(path) = &arguments.record else {
            return Ok(Record { file: None, form: Form::Text, name: String::new() });
        };
        let name = path.display().to_string();
        let form =
            if path.extension().is_some_and(|end| end == "pcapng") { Form::Pcapng } else { Form::Text };
        let file = std::fs::File::create(path).map_err(|error| Ending::io(&name, &error))?;
        session.record(RING, arguments.headers_only)?;
        Ok(Record { file: Some(file), form, name })
    }

    /// Writes what the session recorded since the last time.
    fn take(&mut self, session: &mut Session) -> Result<(), Ending> {
        let Some(file) = &mut self.file else { return Ok(()) };
        loop {
            let part = session.drain_recording(self.form, PART)?;
            if part.is_empty() {
                return Ok(());
            }
            file.write_all(&part).map_err(|error| Ending::io(&self.name, &error))?;
        }
    }
}
