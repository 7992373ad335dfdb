//! `smpfota`: SMP at the desk, before any cloud is involved, with the same engine.
//!
//! This is a program, not part of the library: it opens files, sockets and serial ports, and reads clocks. Nothing in the
//! library knows of it.

mod drive;
mod exit;
mod explain;
mod link;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use exit::Ending;
use link::LinkArguments;
use serde_json::{Value, json};
use smpfota::{Command, Failure, Firmware, UpdateMode, UpdateOptions};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Firmware updates over SMP (MCUmgr), and what is wrong with them.
///
/// Exit codes: 0 done, 1 a file, a port or a socket, 2 the command line, 3 the image, 4 the conversation with the device, 5 an error
/// of the device, 6 the outcome of an update, 7 a defect here, 8 `explain` found a cause.
#[derive(Parser)]
#[command(version, name = "smpfota")]
struct Program {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Explain a trace: a log, a dump, JSON of a gateway, a recording.
    Explain {
        /// The file; `-` is the standard input.
        file: PathBuf,
        /// Print the verdict alone.
        #[arg(long)]
        verdict: bool,
    },
    /// Say what a file is, what it holds, whether it may be sent, and every hash.
    Image {
        /// A signed `.bin` or a `dfu_application.zip`.
        file: PathBuf,
    },
    /// List the images of a device.
    List {
        #[command(flatten)]
        link: LinkArguments,
    },
    /// Update a device.
    Update {
        /// A signed `.bin` or a `dfu_application.zip`.
        file: PathBuf,
        #[command(flatten)]
        link: LinkArguments,
        /// How far to go.
        #[arg(long, value_enum, default_value_t = Mode::TestAndConfirm)]
        mode: Mode,
        /// Erase the slot before the upload.
        #[arg(long)]
        erase: bool,
        /// Refuse an image that is not newer than the running one.
        #[arg(long)]
        upgrade_only: bool,
    },
    /// Send a text and get it back.
    Echo {
        /// The text.
        #[arg(default_value = "hello")]
        text: String,
        #[command(flatten)]
        link: LinkArguments,
    },
    /// Reset the device.
    Reset {
        #[command(flatten)]
        link: LinkArguments,
    },
    /// Run any command by its name; without a name, list the names.
    Run {
        /// The name, as in docs/COMMANDS.md.
        name: Option<String>,
        /// The arguments as a JSON object.
        #[arg(default_value = "{}")]
        arguments: String,
        #[command(flatten)]
        link: LinkArguments,
    },
    /// Print the completion script of a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How far an update goes.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    TestAndConfirm,
    TestOnly,
    ConfirmAtOnce,
    UploadOnly,
}

fn main() -> ExitCode {
    let program = Program::parse();
    match act(program.action, program.json) {
        Ok(code) => code,
        Err(ending) => ending.report(program.json),
    }
}

fn act(action: Action, json: bool) -> Result<ExitCode, Ending> {
    match action {
        Action::Explain { file, verdict } => return explain::run(&file, verdict, json),
        Action::Image { file } => show(&read_image(&file)?.describe(), json),
        Action::List { link } => show(&command("image_list", &json!({}), &link)?, json),
        Action::Update { file, link, mode, erase, upgrade_only } => {
            let options =
                UpdateOptions { mode: mode.into(), erase_first: erase, upgrade_only, ..Default::default() };
            let firmware = Arc::new(read_image(&file)?);
            let result = drive::run(&link, json, |session| session.start_update(firmware, options))?;
            show(&result, json);
        }
        Action::Echo { text, link } => show(&command("echo", &json!({ "text": text }), &link)?, json),
        Action::Reset { link } => show(&command("reset", &json!({}), &link)?, json),
        Action::Run { name: None, .. } => {
            let names: Vec<&str> = Command::names().collect();
            if json { println!("{}", json!(names)) } else { println!("{}", names.join("\n")) }
        }
        Action::Run { name: Some(name), arguments, link } => {
            let arguments = serde_json::from_str(&arguments)
                .map_err(|error| Ending::usage(format!("the arguments are not JSON: {error}")))?;
            show(&command(&name, &arguments, &link)?, json);
        }
        Action::Completion { shell } => {
            clap_complete::generate(shell, &mut Program::command(), "smpfota", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn command(name: &str, arguments: &Value, link: &LinkArguments) -> Result<Value, Ending> {
    let command = Command::new(name, arguments)?;
    drive::run(link, true, |session| session.start_command(command))
}

fn read_image(file: &std::path::Path) -> Result<Firmware, Ending> {
    let bytes = std::fs::read(file).map_err(|error| Ending::io(file.display(), &error))?;
    Ok(Firmware::parse(bytes).map_err(|error| Failure::new(error.status(), error.to_string()))?)
}

/// JSON as it is, or indented for a reader.
fn show(value: &Value, json: bool) {
    if json { println!("{value}") } else { println!("{value:#}") }
}

impl From<Mode> for UpdateMode {
    fn from(mode: Mode) -> UpdateMode {
        match mode {
            Mode::TestAndConfirm => UpdateMode::TestAndConfirm,
            Mode::TestOnly => UpdateMode::TestOnly,
            Mode::ConfirmAtOnce => UpdateMode::ConfirmAtOnce,
            Mode::UploadOnly => UpdateMode::UploadOnly,
        }
    }
}
