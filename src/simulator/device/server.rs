//! The SMP server: header rules, dispatch to the groups, and the shape of answers and errors.
//! Source: Zephyr `subsys/mgmt/mcumgr/smp/src/smp.c`, and its older form for NCS 2.1.

use super::answer::{Handled, Refusal, group, rc, translate, upload_reason};
use super::bootloader::Bootloader;
use super::cbor::Writer;
use super::files_group::Files;
use super::options::DeviceOptions;
use super::recovery::Recovery;
use super::request_log::LoggedRequest;
use super::settings_group::Settings;
use super::upload::Upload;

/// Header length.
pub(super) const HEADER: usize = 8;
/// Operation: read.
pub(super) const READ: u8 = 0;
/// Operation: write.
pub(super) const WRITE: u8 = 2;

/// A request's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u8,
    pub(super) op: u8,
    pub(super) length: usize,
    pub(super) group: u16,
    pub(super) sequence: u8,
    pub(super) command: u8,
}

impl Header {
    /// `None` for fewer than 8 bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
        let b = bytes.first_chunk::<HEADER>()?;
        Some(Header {
            version: b[0] >> 3 & 3,
            op: b[0] & 7,
            length: usize::from(u16::from_be_bytes([b[2], b[3]])),
            group: u16::from_be_bytes([b[4], b[5]]),
            sequence: b[6],
            command: b[7],
        })
    }
}

/// The application: every group's state, and the bootloader behind it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) options: DeviceOptions,
    pub(super) boot: Bootloader,
    pub(super) upload: Upload,
    pub(super) settings: Settings,
    pub(super) files: Files,
    pub(super) recovery: Recovery,
    /// Requests handled since the device was made.
    pub(super) requests: u64,
    /// Seconds since 1970 at the start of the run, once a client has set them.
    pub(super) clock: Option<i64>,
    /// Virtual time of the request being handled, µs.
    pub(super) now: u64,
    pub(super) reset_requested: bool,
    /// `boot_mode` of that reset.
    pub(super) boot_mode: u32,
    /// When the application resets the device by itself, µs.
    pub(super) resets_itself_at: Option<u64>,
    /// The server stopped for good.
    pub(super) hung: bool,
    /// This one request gets no answer.
    pub(super) silent: bool,
    /// Marks set so far, so that their order is known.
    pub(super) marks: u64,
    pub(super) written_running: u64,
    pub(super) log: Option<Vec<LoggedRequest>>,
}

impl Server {
    pub(super) fn new(options: DeviceOptions) -> Server {
        Server {
            boot: Bootloader::new(&options),
            upload: Upload::default(),
            settings: Settings::default(),
            files: Files::default(),
            recovery: Recovery::new(options.recovery),
            requests: 0,
            clock: None,
            now: 0,
            reset_requested: false,
            boot_mode: 0,
            resets_itself_at: None,
            hung: false,
            silent: false,
            marks: 0,
            written_running: 0,
            log: None,
            options,
        }
    }

    /// The slot that the server takes for the running one.
    pub(super) fn active(&self, image: usize) -> usize {
        let active = self.boot.pairs[image].active;
        if self.options.quirks.misjudges_slots { 1 - active } else { active }
    }

    /// Marks a slot for the next boot.
    pub(super) fn mark(&mut self, image: usize, slot: usize, permanent: bool) {
        self.marks += 1;
        let pair = &mut self.boot.pairs[image];
        pair.set_pending(slot, permanent);
        pair.marked = self.marks;
    }

    /// The last request of the log wrote to the flash.
    pub(super) fn log_write(&mut self, image: usize, slot: usize, bytes: usize) {
        if let Some(request) = self.log.as_mut().and_then(|log| log.last_mut()) {
            request.wrote = Some((image, slot, bytes));
        }
    }

    /// What a reset does to the server: everything in RAM is gone.
    pub(super) fn restart(&mut self) {
        self.upload.reset();
        self.settings.restart();
        self.files.restart();
        // Recovery is entered by a pin or a flag; the next boot is an ordinary one.
        self.recovery = Recovery::default();
        self.clock = None;
        self.reset_requested = false;
        self.resets_itself_at = None;
        self.hung = false;
    }

    /// An answer that holds nothing but an error of the server itself.
    pub(super) fn error(&self, header: &Header, code: u8) -> Vec<u8> {
        let mut frame = vec![0; HEADER];
        self.write_error(&mut frame, code, None);
        self.finish(&mut frame, header);
        frame
    }

    fn write_error(&self, frame: &mut Vec<u8>, code: u8, reason: Option<&str>) {
        frame.truncate(HEADER);
        let mut writer = Writer(frame);
        writer.map();
        writer.uint_at("rc", u64::from(code));
        if let Some(reason) = reason.filter(|_| self.options.verbose_errors) {
            writer.text_at("rsn", reason);
        }
        writer.end();
    }

    fn finish(&self, frame: &mut [u8], header: &Header) {
        let op = if header.op == READ { 1 } else { 3 };
        let version = if self.options.is_new() { header.version.min(1) } else { 0 };
        let length = (frame.len() - HEADER) as u16;
        frame[0] = op | version << 3;
        frame[1] = 0;
        frame[2..4].copy_from_slice(&length.to_be_bytes());
        frame[4..6].copy_from_slice(&header.group.to_be_bytes());
        frame[6] = header.sequence;
        frame[7] = header.command;
    }

    /// Handles one request that has got a response buffer. Gives the answer (empty: none), whether the rest of the
    /// packet is looked at, and the time spent besides the usual.
    pub(super) fn handle(&mut self, now: u64, header: &Header, body: &[u8]) -> (Vec<u8>, bool, u64) {
        self.now = now;
        let mut frame = Vec::with_capacity(48);
        frame.resize(HEADER, 0);
        self.requests += 1;
        if let Some(log) = &mut self.log {
            log.push(LoggedRequest::new(now, self.recovery.active, header, body));
        }
        if self.recovery.active {
            let spent = self.recovery_request(header.group, header.op, header.command, body, &mut frame);
            if std::mem::take(&mut self.silent) || self.hung {
                return (Vec::new(), false, spent);
            }
            self.finish(&mut frame, header);
            return (frame, false, spent);
        }
        let new = self.options.is_new();
        if new && header.version > 1 {
            return (self.error(header, rc::TOO_NEW), false, 0);
        }
        if new && header.version == 0 && !self.options.smp_v1 {
            return (self.error(header, rc::TOO_OLD), false, 0);
        }
        if header.group == group::ECHO && self.options.echo_group && header.command == 0 {
            // A vendor group: its body needs not be CBOR.
            frame.extend_from_slice(body);
            self.finish(&mut frame, header);
            return (frame, true, 0);
        }
        frame.push(0xbf);
        let (mut goes_on, mut spent) = (true, 0);
        match self.dispatch(header, body, &mut Writer(&mut frame)) {
            Ok(time) => spent = time,
            Err(Refusal::Rc(code, reason)) => {
                self.write_error(&mut frame, code, reason);
                goes_on = false;
            }
            Err(Refusal::Group { group: of, code }) if !new || header.version == 0 => {
                let upload = (header.group, header.command) == (group::IMAGE, 1);
                let reason = upload_reason(code).filter(|_| upload);
                self.write_error(&mut frame, translate(of, code), reason);
                goes_on = false;
            }
            Err(Refusal::GroupKept { group, code }) if !new || header.version == 0 => {
                self.write_error(&mut frame, translate(group, code), None);
                goes_on = false;
            }
            Err(Refusal::Group { group, code }) => {
                frame.truncate(HEADER + 1);
                write_group_error(&mut Writer(&mut frame), group, code);
            }
            Err(Refusal::GroupKept { group, code }) => {
                write_group_error(&mut Writer(&mut frame), group, code);
            }
            Err(Refusal::Hang) => self.hung = true,
        }
        if goes_on {
            frame.push(0xff);
        }
        if frame.len() > self.options.buf_size as usize {
            self.write_error(&mut frame, rc::TOO_LARGE, None);
            goes_on = false;
        }
        self.finish(&mut frame, header);
        (frame, goes_on, spent)
    }

    fn dispatch(&mut self, header: &Header, body: &[u8], writer: &mut Writer<'_>) -> Handled {
        let (op, command) = (header.op, header.command);
        let off = self.options.quirks.switched_off;
        match header.group {
            group::OS if off.os_group => Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
            group::IMAGE if off.set_state && (op, command) == (WRITE, 0) => {
                Err(Refusal::Rc(rc::NOT_SUPPORTED, None))
            }
            group::OS => self.os_group(op, command, body, writer),
            group::IMAGE => self.image_group(op, command, body, writer),
            group::STATISTICS => self.statistics_group(op, command, body, writer),
            group::SETTINGS if self.options.is_new() => self.settings_group(op, command, body, writer),
            group::FILES => self.files_group(op, command, body, writer),
            group::SHELL => self.shell_group(op, command, body, writer),
            group::ENUMERATION if self.options.is_new() => self.enumeration_group(op, command, body, writer),
            group::BASIC => self.basic_group(op, command),
            _ => Err(Refusal::Rc(rc::NOT_SUPPORTED, None)),
        }
    }
}

fn write_group_error(writer: &mut Writer<'_>, group: u16, code: u16) {
    writer.text("err");
    writer.map();
    writer.uint_at("group", u64::from(group));
    writer.uint_at("rc", u64::from(code));
    writer.end();
}
