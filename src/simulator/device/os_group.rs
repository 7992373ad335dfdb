//! Group 0: echo, task and memory statistics, date and time, reset, parameters, information.

use super::answer::{Handled, Refusal, group, rc};
use super::cbor::{Args, Writer};
use super::options::BootMode;
use super::server::{READ, Server, WRITE};

/// Name, priority, state, stack size and stack used (in words), context switches. As many as fit 384 bytes.
const THREADS: &[(&str, i64, u64, u64, u64, u64)] = &[
    ("mcumgr smp", 3, 4, 512, 248, 3_318),
    ("sysworkq", -1, 2, 512, 156, 604),
    ("idle", 15, 0, 80, 21, 9_000),
];

fn os_error(code: u16) -> Refusal {
    Refusal::Group { group: group::OS, code }
}

impl Server {
    pub(super) fn os_group(&mut self, op: u8, command: u8, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let new = self.options.is_new();
        match (command, op) {
            (0, READ | WRITE) => {
                let args = Args::parse(body)?;
                writer.text_at("r", args.text("d")?.unwrap_or_default());
            }
            (2, READ) => self.task_statistics(writer),
            (3, READ) if new => memory_statistics(writer),
            (4, READ) if new => match self.date_text() {
                Some(date) => writer.text_at("datetime", &date),
                None => return Err(os_error(4)),
            },
            (4, WRITE) if new => {
                let args = Args::parse(body)?;
                let date = args.text("datetime")?.and_then(seconds_of);
                self.clock =
                    Some(date.ok_or(Refusal::Rc(rc::INVALID, None))? - (self.now / 1_000_000) as i64);
            }
            (5, WRITE) => {
                // An empty body is fine here, whatever else is not.
                let asked = Args::parse(body).ok().and_then(|a| a.uint("boot_mode").ok().flatten());
                self.boot_mode = asked.unwrap_or(0);
                self.reset_requested = true;
                if self.options.rc_on_success() {
                    writer.uint_at("rc", 0);
                }
            }
            (6, READ) if self.options.params => {
                writer.uint_at("buf_size", u64::from(self.options.buf_size));
                writer.uint_at("buf_count", u64::from(self.options.buf_count));
            }
            (7, READ) if new => self.information(body, writer)?,
            (8, READ) if self.options.bootloader_info => self.bootloader(body, writer)?,
            _ => return Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
        Ok(0)
    }

    fn task_statistics(&self, writer: &mut Writer<'_>) {
        writer.text("tasks");
        writer.map();
        for (number, (name, priority, state, size, used, switches)) in THREADS.iter().enumerate() {
            writer.text(name);
            writer.map();
            writer.text("prio");
            writer.int(*priority);
            writer.uint_at("tid", number as u64);
            writer.uint_at("state", *state);
            writer.uint_at("stksiz", *size);
            writer.uint_at("stkuse", *used);
            writer.uint_at("runtime", self.now / 1_000 / (number as u64 + 1));
            writer.uint_at("cswcnt", *switches);
            writer.uint_at("last_checkin", 0);
            writer.uint_at("next_checkin", 0);
            writer.end();
        }
        writer.end();
    }

    fn information(&self, body: &[u8], writer: &mut Writer<'_>) -> Result<(), Refusal> {
        let args = Args::parse(body)?;
        let format = args.text("format")?.unwrap_or("s");
        let format = if format.is_empty() { "s" } else { format };
        let parts: &[(char, &str)] = &[
            ('s', "Zephyr"),
            ('n', "virtual-device"),
            ('r', "v4.4.0"),
            ('v', "4.4.0"),
            ('b', "Jan  1 2026 00:00:00"),
            ('m', "arm"),
            ('p', "cortex-m4"),
            ('i', self.options.board),
            ('o', "Zephyr"),
        ];
        if format.chars().any(|c| c != 'a' && parts.iter().all(|(letter, _)| *letter != c)) {
            return Err(os_error(2));
        }
        // The order is the server's, whatever order the letters have.
        let wanted = |letter| format.contains('a') || format.contains(letter);
        let parts: Vec<&str> = parts.iter().filter(|(l, _)| wanted(*l)).map(|(_, text)| *text).collect();
        writer.text_at("output", &parts.join(" "));
        Ok(())
    }

    fn bootloader(&self, body: &[u8], writer: &mut Writer<'_>) -> Result<(), Refusal> {
        let args = Args::parse(body)?;
        match args.text("query")? {
            None | Some("") => writer.text_at("bootloader", "MCUboot"),
            Some("mode") => {
                writer.text("mode");
                let told = self.options.quirks.told_mode;
                writer.int(told.unwrap_or(self.options.boot_mode.number()));
                if self.options.downgrade_prevention && self.options.boot_mode == BootMode::OverwriteOnly {
                    writer.flag_at("no-downgrade", true, false);
                }
            }
            Some("active_b0_slot") => {
                let answers = self.options.quirks.immutable_bootloader.is_some_and(|b| b.answers_query);
                let stages = self.boot.stages.as_ref().filter(|_| answers).ok_or(os_error(3))?;
                writer.uint_at("active", stages.active() as u64);
            }
            Some(_) => return Err(os_error(3)),
        }
        Ok(())
    }

    fn date_text(&self) -> Option<String> {
        let seconds = self.clock? + (self.now / 1_000_000) as i64;
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
    }
}

fn memory_statistics(writer: &mut Writer<'_>) {
    writer.text("pkts");
    writer.map();
    for (key, value) in [("blksiz", 392), ("nblks", 4), ("nfree", 2), ("min", 0)] {
        writer.uint_at(key, value);
    }
    writer.end();
}

/// Days since 1970 to year, month, day of the Gregorian calendar.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Seconds since 1970 of `yyyy-MM-ddTHH:mm:ss`, with an optional fraction.
fn seconds_of(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_at_checked(19)?;
    if !(fraction.is_empty() || fraction.starts_with('.')) {
        return None;
    }
    let shape = whole.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T' || byte == b' ',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let number = |from: usize, to: usize| whole[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !((1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    (date_of(days) == (year, month, day)).then_some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::{date_of, seconds_of};

    #[test]
    fn dates_go_both_ways() {
        assert_eq!(seconds_of("1970-01-01T00:00:00"), Some(0));
        assert_eq!(seconds_of("2026-02-28T12:30:45.5"), Some(1_772_281_845));
        assert_eq!(date_of(seconds_of("2024-02-29T00:00:00").unwrap() / 86_400), (2024, 2, 29));
        for bad in
            ["", "2026-02-30T00:00:00", "2026-13-01T00:00:00", "2026-01-01T24:00:00", "20260101T000000Z000"]
        {
            assert_eq!(seconds_of(bad), None, "{bad}");
        }
    }
}
