//! What a row of the command table says.

use serde_json::Value;

use super::answer::Answer;
use crate::failure::Failure;
use crate::smp::{DeviceError, Op};

/// One command: where it goes, what it takes, how its answer is read.
pub(super) struct Spec {
    pub name: &'static str,
    pub op: Op,
    pub group: u16,
    pub command: u8,
    /// The shortest time an answer may take, in milliseconds.
    pub floor_ms: u32,
    /// Whether sending it twice does the same as sending it once.
    pub repeatable: bool,
    /// In the order in which they stand in the request.
    pub arguments: &'static [Argument],
    /// Entries of the request that are always the same; they come after the arguments.
    pub constants: &'static [(&'static str, Constant)],
    pub work: Work,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a command is done.
pub(super) enum Work {
    /// One request; its answer is the result.
    Ask(Read),
    /// One request, and a second one to the same address that completes the result.
    AskThen(Read, Follow),
    /// Many requests: a file to the device.
    Upload,
    /// Many requests: a file from the device.
    Download,
}

/// Turns an answer that is no error into the result.
pub(super) type Read = fn(&Answer<'_>) -> Result<Value, Failure>;

/// The second request of a command.
#[derive(Clone, Copy)]
pub(super) struct Follow {
    pub constants: &'static [(&'static str, Constant)],
    /// Puts the second answer, or the error instead of it, into the result of the first.
    pub merge: fn(&mut Value, Result<&Answer<'_>, DeviceError>) -> Result<(), Failure>,
}

/// A value that never changes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Constant {
    Flag(bool),
    Text(&'static str),
}

/// An argument in JSON, and its key in the request.
pub(super) struct Argument {
    /// The name in JSON. Byte strings are given as `name_hex` or `name_base64`.
    pub name: &'static str,
    /// The key in the request; empty for what stays in this library.
    pub key: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// What an argument may be. All ranges include both ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text of so many bytes of UTF-8, without NUL.
    Text(usize, usize),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An ISO 8601 date and time without a zone.
    DateTime,
    /// A whole number.
    Number(u64, u64),
    /// True or false.
    Flag,
    /// So many bytes, as `name_hex` or `name_base64`.
    Bytes(usize, usize),
    /// An image hash of 32, 48 or 64 bytes in hex, as the image list gives it.
    Hash,
    /// So many texts of at most so many bytes each.
    Texts(usize, usize, usize),
    /// So many whole numbers of at most this value.
    Numbers(usize, usize, u64),
}

pub(super) const fn required(name: &'static str, key: &'static str, kind: Kind) -> Argument {
    Argument { name, key, kind, required: true }
}

pub(super) const fn optional(name: &'static str, key: &'static str, kind: Kind) -> Argument {
    Argument { name, key, kind, required: false }
}

/// A name or a path of the device: what fits its buffers is the device's word, this only keeps it a name.
pub(super) const NAME: Kind = Kind::Text(1, 255);
