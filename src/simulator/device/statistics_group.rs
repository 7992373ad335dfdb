//! Group 2: statistics. The numbers are the server's own.

use super::answer::{Handled, Refusal, group, rc};
use super::cbor::{Args, Writer};
use super::server::{READ, Server};

const GROUPS: &[&str] = &["smp_svr_stats", "mcumgr"];

impl Server {
    pub(super) fn statistics_group(
        &mut self,
        op: u8,
        command: u8,
        body: &[u8],
        writer: &mut Writer<'_>,
    ) -> Handled {
        match (command, op) {
            (0, READ) => self.statistics_show(body, writer),
            (1, READ) => {
                if self.options.rc_on_success() {
                    writer.uint_at("rc", 0);
                }
                writer.text("stat_list");
                writer.list();
                GROUPS.iter().for_each(|name| writer.text(name));
                writer.end();
                Ok(0)
            }
            _ => Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
    }

    fn statistics_show(&self, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let args = Args::parse(body)?;
        let name = args.text("name")?.filter(|n| !n.is_empty()).ok_or(Refusal::Rc(rc::INVALID, None))?;
        let fields: &[(&str, u64)] = match name {
            "smp_svr_stats" => &[("ticks", self.now / 1_000_000)],
            "mcumgr" => &[("requests", self.requests), ("upload_off", self.upload.off as u64)],
            _ if self.options.is_new() => return Err(Refusal::Group { group: group::STATISTICS, code: 3 }),
            _ => return Err(Refusal::Rc(rc::UNKNOWN, None)),
        };
        if self.options.rc_on_success() {
            writer.uint_at("rc", 0);
        }
        writer.text_at("name", name);
        writer.text("fields");
        writer.map();
        for (key, value) in fields {
            writer.uint_at(key, *value);
        }
        writer.end();
        Ok(0)
    }
}
