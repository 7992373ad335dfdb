//! Reading the body of an answer.

use serde_json::Value as Json;

use super::arguments::Arguments;
use crate::failure::Failure;
use crate::smp::cbor::{self, Items, Value};
use crate::status::Status;

/// The answer to a command, and what was asked.
pub(super) struct Answer<'a> {
    pub command: &'static str,
    pub arguments: &'a Arguments,
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Visits the entries of the body.
    pub fn entries(&self, visit: impl FnMut(&'a str, Value<'a>)) -> Result<(), Failure> {
        cbor::entries(self.body, visit).map_err(|error| {
            Failure::new(
                Status::Undecodable,
                format!("the answer to {} cannot be read: {error}.", self.command),
            )
        })
    }

    /// The entry `key`, turned into what it must be by `take`; `None` when it is absent.
    pub fn optional<T>(&self, key: &str, take: fn(Value<'a>) -> Option<T>) -> Result<Option<T>, Failure> {
        let mut found = None;
        self.entries(|name, value| {
            if name == key {
                found = Some(take(value));
            }
        })?;
        match found {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.unexpected(key, "is not of its type")),
        }
    }

    /// The entry `key`, which must be there.
    pub fn required<T>(&self, key: &str, take: fn(Value<'a>) -> Option<T>) -> Result<T, Failure> {
        self.optional(key, take)?.ok_or_else(|| self.unexpected(key, "is missing"))
    }

    pub fn unexpected(&self, key: &str, what: &str) -> Failure {
        Failure::new(
            Status::UnexpectedResponse,
            format!("in the answer to {} the entry {key:?} {what}.", self.command),
        )
    }
}

pub(super) fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Unsigned(number) => Some(number),
        _ => None,
    }
}

/// A number that may be negative.
pub(super) fn integer(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Unsigned(number) => i64::try_from(number).ok(),
        Value::Negative(number) => i64::try_from(number).ok().map(|number| -1 - number),
        _ => None,
    }
}

pub(super) fn text(value: Value<'_>) -> Option<String> {
    value.as_text().map(str::to_owned)
}

pub(super) fn flag(value: Value<'_>) -> Option<bool> {
    value.as_bool()
}

pub(super) fn bytes<'a>(value: Value<'a>) -> Option<&'a [u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

pub(super) fn map<'a>(value: Value<'a>) -> Option<Items<'a>> {
    match value {
        Value::Map(items) => Some(items),
        _ => None,
    }
}

pub(super) fn array<'a>(value: Value<'a>) -> Option<Items<'a>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// An entry of a map inside the answer; what is absent or of another type is `None`.
///
/// The outer body was walked before, so the inner one cannot fail.
pub(super) fn entry<'a, T>(items: &Items<'a>, key: &str, take: fn(Value<'a>) -> Option<T>) -> Option<T> {
    let mut found = None;
    let _ = items.entries(|name, value| {
        if name == key {
            found = take(value);
        }
    });
    found
}

/// The elements of an array inside the answer that `take` knows.
pub(super) fn elements<'a, T>(items: &Items<'a>, mut take: impl FnMut(Value<'a>) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    let _ = items.elements(|value| found.extend(take(value)));
    found
}

/// The result of a command that has none.
pub(super) fn nothing(answer: &Answer<'_>) -> Result<Json, Failure> {
    answer.entries(|_, _| {})?;
    Ok(crate::json::json!({}))
}
