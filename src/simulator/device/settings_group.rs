//! Group 3: settings, kept in RAM until they are saved. Not in NCS 2.1.

use std::collections::BTreeMap;

use super::answer::{Handled, Refusal, group, rc};
use super::cbor::{Args, Writer};
use super::server::{READ, Server, WRITE};

/// Keys must be shorter than this.
const NAME_LEN: usize = 32;
/// Longest value that is read out.
const VALUE_LEN: u32 = 32;
/// Names under which the application keeps settings.
const ROOTS: &[&str] = &["app", "bt", "id"];

/// Values in use, and values in flash.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    live: BTreeMap<String, Vec<u8>>,
    saved: BTreeMap<String, Vec<u8>>,
}

impl Settings {
    /// A reset loads what was saved.
    pub(super) fn restart(&mut self) {
        self.live = self.saved.clone();
    }

    /// Erases the storage partition; what is in use stays so.
    pub(super) fn erase(&mut self) {
        self.saved.clear();
    }
}

fn error(code: u16) -> Refusal {
    Refusal::Group { group: group::SETTINGS, code }
}

fn name<'a>(args: &'a Args, key: &str) -> Result<&'a str, Refusal> {
    let name = args.text(key)?.filter(|n| !n.is_empty()).ok_or(Refusal::Rc(rc::INVALID, None))?;
    if name.len() >= NAME_LEN { Err(error(2)) } else { Ok(name) }
}

fn known_root(name: &str) -> Result<(), Refusal> {
    let root = name.split('/').next().unwrap_or_default();
    if ROOTS.contains(&root) { Ok(()) } else { Err(error(5)) }
}

impl Server {
    pub(super) fn settings_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        let settings = &mut self.settings;
        match (command, op) {
            (0, READ) => {
                let args = Args::parse(body)?;
                let wanted = args.uint("max_size")?.unwrap_or(VALUE_LEN);
                let name = name(&args, "name")?;
                known_root(name)?;
                let value = settings.live.get(name).ok_or(error(3))?;
                let most = wanted.min(VALUE_LEN) as usize;
                writer.text("val");
                writer.bytes(&value[..value.len().min(most)]);
                if wanted > VALUE_LEN {
                    writer.uint_at("max_size", u64::from(VALUE_LEN));
                }
            }
            (0, WRITE) => {
                let args = Args::parse(body)?;
                let value = args.bytes("val")?.unwrap_or_default();
                let name = name(&args, "name")?;
                known_root(name)?;
                settings.live.insert(name.to_owned(), value.to_vec());
            }
            (1, WRITE) => {
                let args = Args::parse(body)?;
                let name = name(&args, "name")?;
                settings.saved.remove(name);
                settings.live.remove(name);
            }
            (2, WRITE) => {}
            (3, READ) => settings.live.extend(settings.saved.clone()),
            (3, WRITE) => settings.saved = settings.live.clone(),
            _ => return Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
        if self.options.legacy_rc {
            writer.uint_at("rc", 0);
        }
        Ok(0)
    }
}
