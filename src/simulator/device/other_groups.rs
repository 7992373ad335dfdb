//! The small groups: shell (9), enumeration (10) and Zephyr basic (63).

use super::answer::{Handled, Refusal, group, rc};
use super::cbor::{Args, Writer};
use super::server::{READ, Server, WRITE};

/// Longest command line, with its end.
const LINE_LEN: usize = 256;

/// Group, name and number of command slots, in the order of registration.
const GROUPS: &[(u16, &str, u64)] = &[
    (group::BASIC, "zephyr basic mgmt", 1),
    (group::SHELL, "shell mgmt", 1),
    (group::STATISTICS, "stat mgmt", 2),
    (group::FILES, "fs mgmt", 5),
    (group::SETTINGS, "settings mgmt", 4),
    (group::ENUMERATION, "enum mgmt", 4),
    (group::OS, "os mgmt", 9),
    (group::IMAGE, "img mgmt", 7),
];

impl Server {
    pub(super) fn shell_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        if (command, op) != (0, WRITE) {
            return Err(Refusal::Rc(rc::NOT_SUPPORTED, None));
        }
        let args = Args::parse(body)?;
        let words = args.texts("argv")?.ok_or(Refusal::Rc(rc::INVALID, None))?;
        let line = words.join(" ");
        let new = self.options.is_new();
        let refuse = |code| match code {
            _ if new => Refusal::Group { group: group::SHELL, code },
            _ => Refusal::Rc(rc::INVALID, None),
        };
        if line.len() + 1 >= LINE_LEN {
            return Err(refuse(2));
        }
        if line.is_empty() {
            return Err(refuse(3));
        }
        let (output, result) = match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["kernel", "version"] => {
                (format!("Zephyr version {}\n", if new { "4.4.0" } else { "3.1.99" }), 0)
            }
            ["kernel", "uptime"] => (format!("Uptime: {} ms\n", self.now / 1_000), 0),
            ["echo", words @ ..] => (format!("{}\n", words.join(" ")), 0),
            ["false"] => (String::new(), -22),
            [first, ..] => (format!("{first}: command not found\n"), -8),
            [] => (String::new(), -8),
        };
        writer.text_at("o", &output);
        writer.text(if new { "ret" } else { "rc" });
        writer.int(result);
        Ok(0)
    }

    fn groups(&self) -> impl Iterator<Item = &'static (u16, &'static str, u64)> {
        GROUPS.iter()
    }

    pub(super) fn enumeration_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        match (command, op) {
            (0, READ) => writer.uint_at("count", self.groups().count() as u64),
            (1, READ) => {
                writer.text("groups");
                writer.list();
                self.groups().for_each(|(number, ..)| writer.uint(u64::from(*number)));
                writer.end();
            }
            (2, READ) => {
                let index = Args::parse(body)?.uint("index")?.unwrap_or(0) as usize;
                let too_large = Refusal::Group { group: group::ENUMERATION, code: 4 };
                let (number, ..) = self.groups().nth(index).ok_or(too_large)?;
                writer.uint_at("group", u64::from(*number));
                if index + 1 == self.groups().count() {
                    writer.flag_at("end", true, false);
                }
            }
            (3, READ) => {
                let wanted = Args::parse(body)?.uints("groups")?.unwrap_or_default();
                writer.text("groups");
                writer.list();
                for (number, name, handlers) in self.groups() {
                    if wanted.is_empty() || wanted.contains(&u32::from(*number)) {
                        writer.map();
                        writer.uint_at("group", u64::from(*number));
                        writer.text_at("name", name);
                        writer.uint_at("handlers", *handlers);
                        writer.end();
                    }
                }
                writer.end();
            }
            _ => return Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
        Ok(0)
    }

    pub(super) fn basic_group(&mut self, op: u8, command: u8) -> Handled {
        if (command, op) != (0, WRITE) {
            return Err(Refusal::Rc(rc::NOT_SUPPORTED, None));
        }
        self.settings.erase();
        // The storage partition of the boards concerned has 8 pages.
        Ok(8 * self.options.flash.erase_page_us)
    }
}
