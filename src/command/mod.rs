//! Single commands by name: JSON arguments in, a JSON result out.
//!
//! Every command is a row of a table by group. `docs/COMMANDS.md` lists them with arguments, results and sources.

mod answer;
mod arguments;
mod enumeration;
mod file;
mod image;
mod os;
mod settings;
mod shell;
mod spec;
mod statistics;
mod zephyr_basic;

use crate::json::json;
use serde_json::Value;

use crate::failure::Failure;
use crate::smp::hex::to_hex;
use crate::smp::{DeviceError, Op};
use crate::status::Status;
use crate::transfer::{Encoding, Goal};
use answer::Answer;
use arguments::Arguments;
use spec::{Spec, Work};

/// Every command, by group.
static TABLES: [&[Spec]; 8] = [
    os::COMMANDS,
    image::COMMANDS,
    statistics::COMMANDS,
    settings::COMMANDS,
    file::COMMANDS,
    shell::COMMANDS,
    enumeration::COMMANDS,
    zephyr_basic::COMMANDS,
];

fn rows() -> impl Iterator<Item = &'static Spec> {
    TABLES.into_iter().flatten()
}

/// A command of the table with its arguments, ready to be started on a session.
#[derive(Debug, Clone)]
pub struct Command {
    spec: &'static Spec,
    arguments: Arguments,
    body: Vec<u8>,
}

/// A name that is none, as it was asked for: printable, and bounded.
fn repeated(name: &str) -> String {
    const MOST: usize = 40;
    let shown: String = name.chars().take(MOST).collect();
    format!("{shown:?}{}", if shown.len() < name.len() { " and so on" } else { "" })
}

impl Command {
    /// The command `name` with `arguments`, a JSON object or null.
    ///
    /// Fails with [`Status::UnknownCommand`], or with [`Status::InvalidJson`] or [`Status::InvalidArgument`] for arguments
    /// that the command does not take, before anything is sent.
    pub fn new(name: &str, arguments: &Value) -> Result<Command, Failure> {
        let Some(spec) = rows().find(|spec| spec.name == name) else {
            let names: Vec<&str> = Command::names().collect();
            return Err(Failure::new(
                Status::UnknownCommand,
                format!("there is no such command as {}; there are {}.", repeated(name), names.join(", ")),
            ));
        };
        let arguments = Arguments::check(spec, arguments)?;
        let body = match spec.work {
            Work::Ask(_) | Work::AskThen(..) => arguments.body(spec),
            Work::Upload | Work::Download => Vec::new(),
        };
        Ok(Command { spec, arguments, body })
    }

    /// The command `file_upload` with the content as bytes beside the other arguments.
    ///
    /// Fails as [`Command::new`], and with [`Status::InvalidArgument`] for a content that is empty or larger than 16 MiB.
    pub fn upload(arguments: &Value, content: &[u8]) -> Result<Command, Failure> {
        let upload = rows().find(|spec| matches!(spec.work, Work::Upload));
        let spec = upload.ok_or(Failure::from(Status::UnknownCommand))?;
        Ok(Command { spec, arguments: Arguments::with_content(spec, arguments, content)?, body: Vec::new() })
    }

    /// The names of all commands, by group.
    pub fn names() -> impl Iterator<Item = &'static str> {
        rows().map(|spec| spec.name)
    }

    /// What the command takes: each argument with the names it may have in JSON, what it may be, and whether it must be
    /// given. `None` when there is no such command.
    pub fn describe(name: &str) -> Option<Value> {
        let spec = rows().find(|spec| spec.name == name)?;
        let arguments: Vec<Value> = spec
            .arguments
            .iter()
            .map(|argument| {
                json!({
                    "names": argument.spellings(),
                    "takes": argument.kind.describe(),
                    "required": argument.required,
                })
            })
            .collect();
        Some(json!({
            "name": spec.name,
            "op": spec.op as u8,
            "group": spec.group,
            "command": spec.command,
            "floor_ms": spec.floor_ms,
            "repeatable": spec.repeatable,
            "arguments": arguments,
        }))
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The body of the (first) request in CBOR; empty for the file transfers, which make many.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The result for an answer with this body, as the session reads it. The body holds no error.
    ///
    /// Fails with [`Status::Undecodable`] or [`Status::UnexpectedResponse`] for a body that is not an answer to the command,
    /// and for the commands that change an image's state also when the list in the answer does not show the change.
    pub fn read(&self, body: &[u8]) -> Result<Value, Failure> {
        match self.spec.work {
            Work::Ask(read) | Work::AskThen(read, _) => read(&self.answer(body)),
            Work::Upload | Work::Download => Err(Status::WrongState.into()),
        }
    }

    /// The second request of a command that makes two.
    pub(crate) fn follow_body(&self) -> Option<Vec<u8>> {
        match &self.spec.work {
            Work::AskThen(_, follow) => Some(arguments::constant_body(follow.constants)),
            _ => None,
        }
    }

    /// Completes the result with the answer to the second request.
    pub fn complete(&self, result: &mut Value, answer: Result<&[u8], DeviceError>) -> Result<(), Failure> {
        match &self.spec.work {
            Work::AskThen(_, follow) => match answer {
                Ok(body) => (follow.merge)(result, Ok(&self.answer(body))),
                Err(error) => (follow.merge)(result, Err(error)),
            },
            _ => Ok(()),
        }
    }

    fn answer<'a>(&'a self, body: &'a [u8]) -> Answer<'a> {
        Answer { command: self.spec.name, arguments: &self.arguments, body }
    }

    /// What a file transfer is to do; `None` for the other commands.
    pub(crate) fn goal(&self) -> Option<Goal> {
        let name = || self.arguments.text("name").unwrap_or_default().to_owned();
        let verify = self.arguments.flag("verify").unwrap_or(true);
        match self.spec.work {
            Work::Upload => {
                Some(Goal::Upload { name: name(), content: self.arguments.bytes("content")?, verify })
            }
            Work::Download => Some(Goal::Download {
                name: name(),
                most: self
                    .arguments
                    .number("max_length")
                    .map_or(crate::transfer::MOST_CONTENT, |n| n as usize),
                encoding: match self.arguments.text("encoding") {
                    Some("base64") => Encoding::Base64,
                    Some("raw") => Encoding::Raw,
                    _ => Encoding::Hex,
                },
                verify,
            }),
            _ => None,
        }
    }

    pub(crate) fn address(&self) -> (Op, u16, u8) {
        (self.spec.op, self.spec.group, self.spec.command)
    }

    /// The shortest time an answer may take, in milliseconds.
    pub(crate) fn floor_ms(&self) -> u32 {
        self.arguments.number("timeout_ms").map_or(self.spec.floor_ms, |limit| limit as u32)
    }

    /// Whether sending it twice does the same as sending it once.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.spec.repeatable
    }
}

/// The result of a raw request: the body of the answer as it came.
pub(crate) fn raw_result(group: u16, command: u8, body: &[u8]) -> Value {
    json!({ "operation": "request", "group": group, "command": command, "body": to_hex(body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_unique_and_of_one_style() {
        let rows: Vec<&Spec> = rows().collect();
        for (index, row) in rows.iter().enumerate() {
            assert!(row.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", row.name);
            for other in &rows[..index] {
                assert_ne!(row.name, other.name);
                let same =
                    (row.op as u8, row.group, row.command) == (other.op as u8, other.group, other.command);
                let states = [row.name, other.name].iter().all(|name| name.starts_with("image_"));
                assert!(!same || states, "{} and {} are the same request", row.name, other.name);
            }
            assert!(!row.op.is_response());
        }
    }
}
