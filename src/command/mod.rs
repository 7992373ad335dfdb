//! Single commands by name: JSON arguments in, one request, a JSON result out.

mod table;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::smp::Op;
use crate::status::Status;
use table::Spec;

/// A command of the table with its arguments, ready to be started on a session.
#[derive(Debug, Clone)]
pub struct Command {
    spec: &'static Spec,
    body: Vec<u8>,
}

impl Command {
    /// The command `name` with `arguments`, a JSON object or null.
    ///
    /// Fails with [`Status::UnknownCommand`], or with [`Status::InvalidJson`] or [`Status::InvalidArgument`] for arguments
    /// that the command does not take, before anything is sent.
    pub fn new(name: &str, arguments: &Value) -> Result<Command, Failure> {
        let Some(spec) = table::find(name) else {
            let names: Vec<&str> = table::COMMANDS.iter().map(|spec| spec.name).collect();
            return Err(Failure::new(
                Status::UnknownCommand,
                format!("there is no command {name:?}; there are {}.", names.join(", ")),
            ));
        };
        if !arguments.is_object() && !arguments.is_null() {
            return Err(Failure::new(Status::InvalidJson, "the arguments of a command are a JSON object."));
        }
        Ok(Command { spec, body: (spec.encode)(arguments)? })
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    pub(crate) fn address(&self) -> (Op, u16, u8) {
        (self.spec.op, self.spec.group, self.spec.command)
    }

    pub(crate) fn floor_ms(&self) -> u32 {
        self.spec.floor_ms
    }

    pub(crate) fn attempts(&self, retries: u32) -> u32 {
        if self.spec.repeatable { retries } else { 1 }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn read(&self, body: &[u8]) -> Result<Value, Failure> {
        (self.spec.decode)(body)
    }
}

/// The result of a raw request: the body of the answer as it came.
pub(crate) fn raw_result(group: u16, command: u8, body: &[u8]) -> Value {
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "operation": "request", "group": group, "command": command, "body": hex })
}
