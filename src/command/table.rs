//! The commands, one row each.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::smp::cbor::Writer;
use crate::smp::group::{self, image, os};
use crate::smp::{Op, cbor};
use crate::status::Status;
use crate::update::Listing;

/// One command: where it goes, how its arguments are written and its answer is read.
pub(super) struct Spec {
    pub name: &'static str,
    pub op: Op,
    pub group: u16,
    pub command: u8,
    /// The shortest time an answer may take, in milliseconds.
    pub floor_ms: u32,
    /// Whether sending it twice does the same as sending it once.
    pub repeatable: bool,
    pub encode: fn(&Value) -> Result<Vec<u8>, Failure>,
    pub decode: fn(&[u8]) -> Result<Value, Failure>,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "image_list",
        op: Op::Read,
        group: group::IMAGE,
        command: image::STATE,
        floor_ms: 2_000,
        repeatable: true,
        encode: no_arguments,
        decode: |body| Ok(json!({ "images": Listing::decode(body)?.to_json() })),
    },
    Spec {
        name: "echo",
        op: Op::Write,
        group: group::OS,
        command: os::ECHO,
        floor_ms: 1_000,
        repeatable: true,
        encode: |arguments| {
            let text = text(arguments, "text")?;
            let mut body = vec![0; text.len() + 16];
            let mut writer = Writer::new(&mut body);
            writer.map(1).text("d").text(text);
            let length = writer.finish().unwrap_or(0);
            body.truncate(length);
            Ok(body)
        },
        decode: |body| {
            let mut text = None;
            cbor::entries(body, |key, value| {
                if key == "r" {
                    text = value.as_text().map(str::to_owned);
                }
            })
            .map_err(|error| {
                Failure::new(Status::Undecodable, format!("the echo cannot be read: {error}."))
            })?;
            let text =
                text.ok_or_else(|| Failure::new(Status::UnexpectedResponse, "the echo holds no text."))?;
            Ok(json!({ "text": text }))
        },
    },
    Spec {
        name: "reset",
        op: Op::Write,
        group: group::OS,
        command: os::RESET,
        floor_ms: 2_000,
        repeatable: false,
        encode: no_arguments,
        decode: |_| Ok(json!({})),
    },
];

pub(super) fn find(name: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.name == name)
}

fn no_arguments(arguments: &Value) -> Result<Vec<u8>, Failure> {
    match arguments.as_object().and_then(|object| object.keys().next()) {
        None => Ok(vec![0xa0]),
        Some(key) => {
            Err(Failure::new(Status::InvalidArgument, format!("the command takes no argument {key:?}.")))
        }
    }
}

fn text<'a>(arguments: &'a Value, key: &str) -> Result<&'a str, Failure> {
    arguments.get(key).and_then(Value::as_str).ok_or_else(|| {
        Failure::new(Status::InvalidArgument, format!("the command takes the argument {key:?}, a text."))
    })
}
