//! Arguments in JSON, checked against what a command takes, and written into its request.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::spec::{Argument, Constant, Kind, Spec};
use crate::failure::Failure;
use crate::smp::cbor::{self, Writer};
use crate::smp::hex::from_hex;
use crate::status::Status;
use crate::transfer::MOST_CONTENT;

/// One checked value.
#[derive(Debug, Clone)]
enum Given {
    Text(String),
    Number(u64),
    Flag(bool),
    Bytes(Arc<[u8]>),
    Texts(Vec<String>),
    Numbers(Vec<u64>),
}

/// The checked arguments of a command.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    given: Vec<(&'static str, Given)>,
}

impl Arguments {
    /// Checks that `json` (an object or null) is what the command takes.
    ///
    /// [`Status::InvalidJson`] for anything but an object, [`Status::InvalidArgument`] for an unknown name, a missing
    /// argument, a wrong type or a value outside its range; the sentence names the argument.
    pub fn check(spec: &Spec, json: &Value) -> Result<Arguments, Failure> {
        Arguments::check_beside(spec, json, None)
    }

    /// As [`Arguments::check`], with the argument of bytes given beside the JSON.
    pub fn with_content(spec: &Spec, json: &Value, content: &[u8]) -> Result<Arguments, Failure> {
        let takes = spec.arguments.iter().find_map(|argument| match argument.kind {
            Kind::Bytes(least, most) => Some((argument.name, least..=most)),
            _ => None,
        });
        let Some((name, _)) = takes.filter(|(_, range)| range.contains(&content.len())) else {
            let sentence = format!("content has {} bytes and must have 1 to {MOST_CONTENT}.", content.len());
            return Err(Failure::new(Status::InvalidArgument, sentence));
        };
        Arguments::check_beside(spec, json, Some((name, Given::Bytes(content.into()))))
    }

    fn check_beside(
        spec: &Spec,
        json: &Value,
        beside: Option<(&'static str, Given)>,
    ) -> Result<Arguments, Failure> {
        let empty = Map::new();
        let object = match json {
            Value::Null => &empty,
            Value::Object(object) => object,
            _ => {
                return Err(Failure::new(
                    Status::InvalidJson,
                    "the arguments of a command are a JSON object.",
                ));
            }
        };
        let mut known = 0;
        let beside_name = beside.as_ref().map(|(name, _)| *name);
        let mut given: Vec<(&'static str, Given)> = beside.into_iter().collect();
        for argument in spec.arguments.iter().filter(|argument| Some(argument.name) != beside_name) {
            if let Some((value, spellings)) = argument.take(spec, object)? {
                known += spellings;
                given.push((argument.name, value));
            } else if argument.required {
                return Err(refused(
                    spec,
                    format!("needs the argument {}, {}", argument.spelling(), argument.kind.describe()),
                ));
            }
        }
        if known != object.len()
            && let Some(unknown) = object
                .keys()
                .find(|key| !spec.arguments.iter().any(|a| Some(a.name) != beside_name && a.is_spelt(key)))
        {
            return Err(refused(spec, format!("takes no argument {unknown:?}")));
        }
        Ok(Arguments { given })
    }

    fn get(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Given::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Given::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Given::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub fn bytes(&self, name: &str) -> Option<Arc<[u8]>> {
        match self.get(name) {
            Some(Given::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The body of the request.
    pub fn body(&self, spec: &Spec) -> Vec<u8> {
        let sent: Vec<(&str, &Given)> = spec
            .arguments
            .iter()
            .filter(|argument| !argument.key.is_empty())
            .filter_map(|argument| Some((argument.key, self.get(argument.name)?)))
            .collect();
        cbor::encode(|writer| {
            writer.map(sent.len() + spec.constants.len());
            for (key, value) in &sent {
                writer.text(key);
                value.write(writer);
            }
            write_constants(writer, spec.constants);
        })
    }
}

/// A body of nothing but constants.
pub(super) fn constant_body(constants: &[(&str, Constant)]) -> Vec<u8> {
    cbor::encode(|writer| {
        writer.map(constants.len());
        write_constants(writer, constants);
    })
}

fn write_constants(writer: &mut Writer<'_>, constants: &[(&str, Constant)]) {
    for (key, constant) in constants {
        writer.text(key);
        match constant {
            Constant::Flag(flag) => writer.bool(*flag),
            Constant::Text(text) => writer.text(text),
        };
    }
}

impl Given {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Given::Text(text) => _ = writer.text(text),
            Given::Number(number) => _ = writer.unsigned(*number),
            Given::Flag(flag) => _ = writer.bool(*flag),
            Given::Bytes(bytes) => _ = writer.bytes(bytes),
            Given::Texts(texts) => {
                writer.array(texts.len());
                texts.iter().for_each(|text| _ = writer.text(text));
            }
            Given::Numbers(numbers) => {
                writer.array(numbers.len());
                numbers.iter().for_each(|number| _ = writer.unsigned(*number));
            }
        }
    }
}

impl Argument {
    /// The names under which it may stand in the object.
    pub(super) fn spellings(&self) -> Vec<String> {
        match self.kind {
            Kind::Bytes(..) => vec![format!("{}_hex", self.name), format!("{}_base64", self.name)],
            _ => vec![self.name.to_owned()],
        }
    }

    fn spelling(&self) -> String {
        let spellings: Vec<String> =
            self.spellings().iter().map(|spelling| format!("{spelling:?}")).collect();
        spellings.join(" or ")
    }

    fn is_spelt(&self, key: &str) -> bool {
        self.spellings().iter().any(|spelling| spelling == key)
    }

    /// Its value in the object and how many entries of the object it took; `None` when it is not there.
    fn take(&self, spec: &Spec, object: &Map<String, Value>) -> Result<Option<(Given, usize)>, Failure> {
        let found: Vec<(String, &Value)> = self
            .spellings()
            .into_iter()
            .filter_map(|spelling| object.get(&spelling).map(|value| (spelling, value)))
            .collect();
        match found.as_slice() {
            [] => Ok(None),
            [(spelling, value)] => match self.kind.read(value, spelling.ends_with("_base64")) {
                Some(given) => Ok(Some((given, 1))),
                None => Err(refused(
                    spec,
                    format!("takes as {spelling:?} {}, not {}", self.kind.describe(), self.kind.shown(value)),
                )),
            },
            _ => Err(refused(spec, format!("takes {}, not both", self.spelling()))),
        }
    }
}

impl Kind {
    /// The value as the sentence shows it: never a text itself, which may be a secret, nor a number where none belongs.
    fn shown(self, value: &Value) -> String {
        match value {
            Value::Array(_) => "that list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::String(text) => format!("that text of {} bytes", text.len()),
            Value::Number(_) if !matches!(self, Kind::Number(..)) => "a number".to_owned(),
            other => other.to_string(),
        }
    }

    fn read(self, value: &Value, base64: bool) -> Option<Given> {
        Some(match self {
            Kind::Text(least, most) => Given::Text(text(value, least, most)?.to_owned()),
            Kind::OneOf(texts) => Given::Text(value.as_str().filter(|text| texts.contains(text))?.to_owned()),
            Kind::DateTime => Given::Text(value.as_str().filter(|text| is_date_time(text))?.to_owned()),
            Kind::Number(least, most) => {
                Given::Number(value.as_u64().filter(|number| (least..=most).contains(number))?)
            }
            Kind::Flag => Given::Flag(value.as_bool()?),
            Kind::Bytes(least, most) => {
                let text = value.as_str()?;
                // Looked at before anything is allocated for it.
                if text.len() > 2 * most + 4 {
                    return None;
                }
                let bytes = if base64 { BASE64_STANDARD.decode(text).ok()? } else { from_hex(text)? };
                Given::Bytes(Arc::from(Some(bytes).filter(|b| (least..=most).contains(&b.len()))?))
            }
            Kind::Hash => {
                let bytes = value.as_str().filter(|text| matches!(text.len(), 64 | 96 | 128))?;
                Given::Bytes(Arc::from(from_hex(bytes)?))
            }
            Kind::Texts(least, most, longest) => {
                let texts = value.as_array().filter(|texts| (least..=most).contains(&texts.len()))?;
                let texts = texts.iter().map(|value| Some(text(value, 0, longest)?.to_owned()));
                Given::Texts(texts.collect::<Option<_>>()?)
            }
            Kind::Numbers(least, most, largest) => {
                let numbers = value.as_array().filter(|numbers| (least..=most).contains(&numbers.len()))?;
                let numbers = numbers.iter().map(|value| value.as_u64().filter(|number| *number <= largest));
                Given::Numbers(numbers.collect::<Option<_>>()?)
            }
        })
    }

    /// What it may be, to complete a sentence.
    pub(super) fn describe(self) -> String {
        match self {
            Kind::Text(least, most) => format!("a text of {least} to {most} bytes"),
            Kind::OneOf(texts) => format!("one of {texts:?}"),
            Kind::DateTime => "a date and time without zone such as \"2026-01-31T23:59:58\"".to_owned(),
            Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Bytes(least, most) => format!("{least} to {most} bytes in hex or base64"),
            Kind::Hash => "an image hash of 32, 48 or 64 bytes in hex".to_owned(),
            Kind::Texts(least, most, longest) => {
                format!("a list of {least} to {most} texts of at most {longest} bytes each")
            }
            Kind::Numbers(least, most, largest) => {
                format!("a list of {least} to {most} whole numbers up to {largest}")
            }
        }
    }
}

fn text(value: &Value, least: usize, most: usize) -> Option<&str> {
    // Servers keep texts as C strings, so a NUL would cut them silently.
    value.as_str().filter(|text| (least..=most).contains(&text.len()) && !text.contains('\0'))
}

/// `yyyy-MM-ddTHH:mm:ss` and an optional fraction, 19 to 25 characters as Zephyr takes them
/// (`os_mgmt.c`, `RTC_DATETIME_MAX_STRING_SIZE`). A zone is refused because servers ignore it.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = (19..=25).contains(&bytes.len())
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            19 => *byte == b'.' && bytes.len() > 20,
            _ => byte.is_ascii_digit(),
        });
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let within = |from, to, least, most| number(from, to).is_some_and(|n| (least..=most).contains(&n));
    shape
        && within(0, 4, 1900, 9999)
        && within(5, 7, 1, 12)
        && within(8, 10, 1, 31)
        && within(11, 13, 0, 23)
        && within(14, 16, 0, 59)
        && within(17, 19, 0, 59)
}

fn refused(spec: &Spec, what: String) -> Failure {
    Failure::new(Status::InvalidArgument, format!("the command {} {what}.", spec.name))
}
