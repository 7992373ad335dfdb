//! The commands of the groups with the fields of their requests (Zephyr `doc/services/device_mgmt/smp_groups/`).

use crate::smp::{Op, group};

/// What a field of a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Bool,
    Text,
    Bytes,
    Any,
}

type Fields = &'static [(&'static str, Kind)];

/// What a command does as a read or as a write, and the fields of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action {
    /// An infinitive, to stand behind "to".
    pub(super) meaning: &'static str,
    pub(super) fields: Fields,
}

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    group: u16,
    number: u8,
    pub(super) name: &'static str,
    pub(super) read: Option<Action>,
    pub(super) write: Option<Action>,
}

impl Command {
    /// What the command does as this operation; a response is of the kind of its request.
    pub(super) fn action(&self, op: Op) -> Option<&Action> {
        match op {
            Op::Read | Op::ReadResponse => self.read.as_ref(),
            Op::Write | Op::WriteResponse => self.write.as_ref(),
        }
    }
}

/// The command with this number in this group.
pub(super) fn find(group: u16, number: u8) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.group == group && command.number == number)
}

const fn is(meaning: &'static str, fields: Fields) -> Option<Action> {
    Some(Action { meaning, fields })
}

const fn reads(group: u16, number: u8, name: &'static str, read: Option<Action>) -> Command {
    Command { group, number, name, read, write: None }
}

const fn writes(group: u16, number: u8, name: &'static str, write: Option<Action>) -> Command {
    Command { group, number, name, read: None, write }
}

const fn both(
    group: u16,
    number: u8,
    name: &'static str,
    read: Option<Action>,
    write: Option<Action>,
) -> Command {
    Command { group, number, name, read, write }
}

use Kind::{Any, Bool, Bytes, Text, Unsigned};

static COMMANDS: &[Command] = &[
    both(
        group::OS,
        group::os::ECHO,
        "echo",
        is("send the text back", &[("d", Text)]),
        is("send the text back", &[("d", Text)]),
    ),
    reads(group::OS, group::os::TASK_STATISTICS, "task statistics", is("list the tasks", &[])),
    reads(group::OS, group::os::MEMORY_POOL_STATISTICS, "memory pools", is("list the memory pools", &[])),
    both(
        group::OS,
        group::os::DATE_TIME,
        "date and time",
        is("tell the date and time", &[]),
        is("set the date and time", &[("datetime", Text)]),
    ),
    writes(
        group::OS,
        group::os::RESET,
        "reset",
        is("reset the device", &[("force", Bool), ("boot_mode", Unsigned)]),
    ),
    reads(group::OS, group::os::PARAMETERS, "parameters", is("tell the size and number of its buffers", &[])),
    reads(group::OS, group::os::INFORMATION, "information", is("tell what runs on it", &[("format", Text)])),
    reads(
        group::OS,
        group::os::BOOTLOADER,
        "bootloader",
        is("tell about its bootloader", &[("query", Text)]),
    ),
    both(
        group::IMAGE,
        group::image::STATE,
        "state",
        is("list the images", &[]),
        is("mark or confirm an image", &[("hash", Bytes), ("confirm", Bool)]),
    ),
    writes(
        group::IMAGE,
        group::image::UPLOAD,
        "upload",
        is(
            "write a chunk of an image",
            &[
                ("image", Unsigned),
                ("len", Unsigned),
                ("off", Unsigned),
                ("sha", Bytes),
                ("data", Bytes),
                ("upgrade", Bool),
            ],
        ),
    ),
    writes(group::IMAGE, group::image::ERASE, "erase", is("erase a slot", &[("slot", Unsigned)])),
    reads(
        group::IMAGE,
        group::image::SLOT_INFORMATION,
        "slot information",
        is("tell the sizes of the slots", &[]),
    ),
    reads(group::STATISTICS, 0, "statistics", is("tell a group of statistics", &[("name", Text)])),
    reads(group::STATISTICS, 1, "list of statistics", is("list the groups of statistics", &[])),
    both(
        group::SETTINGS,
        0,
        "setting",
        is("tell a setting", &[("name", Text), ("max_size", Unsigned)]),
        is("set a setting", &[("name", Text), ("val", Bytes)]),
    ),
    writes(group::SETTINGS, 1, "delete setting", is("delete a setting", &[("name", Text)])),
    writes(group::SETTINGS, 2, "commit settings", is("put the settings into force", &[])),
    both(
        group::SETTINGS,
        3,
        "load or save settings",
        is("load the settings", &[]),
        is("save the settings", &[("name", Text)]),
    ),
    both(
        group::FILE,
        0,
        "file",
        is("read a piece of a file", &[("name", Text), ("off", Unsigned)]),
        is(
            "write a piece of a file",
            &[("name", Text), ("off", Unsigned), ("data", Bytes), ("len", Unsigned)],
        ),
    ),
    reads(group::FILE, 1, "file status", is("tell the size of a file", &[("name", Text)])),
    reads(
        group::FILE,
        2,
        "file checksum",
        is(
            "compute a checksum of a file",
            &[("name", Text), ("type", Text), ("off", Unsigned), ("len", Unsigned)],
        ),
    ),
    reads(group::FILE, 3, "kinds of checksum", is("list the kinds of checksum", &[])),
    writes(group::FILE, 4, "close file", is("close the open file", &[])),
    writes(group::SHELL, 0, "shell command", is("run a shell command", &[("argv", Any)])),
    reads(group::ENUMERATION, 0, "number of groups", is("count its groups", &[])),
    reads(group::ENUMERATION, 1, "list of groups", is("list its groups", &[])),
    reads(group::ENUMERATION, 2, "group by index", is("tell the number of a group", &[("index", Unsigned)])),
    reads(group::ENUMERATION, 3, "details of groups", is("tell the names of groups", &[("groups", Any)])),
    writes(group::ZEPHYR_BASIC, 0, "erase storage", is("erase the storage area", &[])),
];
