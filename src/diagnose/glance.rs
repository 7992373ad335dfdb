//! One frame read for a trace: its fields as plain values, its meaning in words, and what is odd about it.

use super::body::Item;
use super::finding::{Findings, Noticed};
use super::layout::{self, Seen};
use super::{meaning, request, response};
use crate::smp::{DeviceError, Op, group};
use std::borrow::Cow;

/// How many entries of an image list are kept.
const MAX_LISTED: usize = 8;

/// One entry of an image list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Listed {
    pub(crate) image: u64,
    pub(crate) slot: u64,
    pub(crate) version: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) pending: bool,
    pub(crate) confirmed: bool,
    pub(crate) active: bool,
    pub(crate) permanent: bool,
}

/// What a frame holds, as far as an update asks for it.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// All its bytes, header included.
    pub(crate) length: usize,
    /// The length of the body in the header.
    pub(crate) announced: usize,
    pub(crate) op: Option<Op>,
    pub(crate) group: u16,
    pub(crate) command: u8,
    pub(crate) sequence: Option<u8>,
    /// Whether the body is a whole map.
    pub(crate) whole: bool,
    /// A log shows only its first bytes, and says so.
    pub(crate) in_part: bool,
    /// The device's error.
    pub(crate) error: Option<DeviceError>,
    /// The device's own word for it, `rsn`.
    pub(crate) reason: Option<String>,
    pub(crate) off: Option<u64>,
    pub(crate) len: Option<u64>,
    /// How many bytes `data` holds.
    pub(crate) data: Option<u64>,
    pub(crate) image: Option<u64>,
    pub(crate) sha: Option<Vec<u8>>,
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) confirm: bool,
    pub(crate) digest_fits: Option<bool>,
    pub(crate) buf_size: Option<u64>,
    pub(crate) buf_count: Option<u64>,
    pub(crate) images: Option<Vec<Listed>>,
    /// One or two sentences.
    pub(crate) meaning: String,
    /// What is odd.
    pub(crate) noticed: Vec<Noticed>,
}

impl Glance {
    pub(crate) fn is_request(&self) -> bool {
        self.op.is_some_and(|op| !op.is_response())
    }

    pub(crate) fn is_response(&self) -> bool {
        self.op.is_some_and(Op::is_response)
    }

    /// Whether it is this command of the image group.
    pub(crate) fn is_image(&self, command: u8) -> bool {
        self.group == group::IMAGE && self.command == command
    }

    /// The offset behind the data of an upload request.
    pub(crate) fn end(&self) -> Option<u64> {
        self.off?.checked_add(self.data?)
    }
}

/// Reads the frame at the start of `bytes`; `None` when they are too few for a header. `serial` says that it came in console
/// lines, where the ATT MTU does not matter.
pub(crate) fn glance(bytes: &[u8], serial: bool) -> Option<Glance> {
    let runs = [Cow::Borrowed(bytes)];
    let mut findings = Findings::default();
    let (frames, _) = layout::split(&runs, &mut findings);
    let frame = frames.first()?;
    findings.at(Some(0));
    if frame.is_request() {
        request::examine(frame, serial, &mut findings);
    } else if frame.is_response() {
        response::examine(frame, &mut findings);
    }
    let mut glance = of(frame);
    glance.noticed = findings.into_list();
    glance.noticed.retain(|noticed| noticed.frame == Some(0));
    Some(glance)
}

fn of(frame: &Seen<'_>) -> Glance {
    let body = &frame.body;
    let number = |key: &str| body.get(key).and_then(Item::unsigned);
    let bytes = |key: &str| body.get(key).and_then(Item::bytes).map(<[u8]>::to_vec);
    Glance {
        in_part: false,
        length: frame.bytes.len(),
        announced: frame.announced,
        op: frame.op,
        group: frame.group,
        command: frame.command,
        sequence: Some(frame.sequence()),
        whole: body.is_exact_map(),
        error: frame.is_response().then(|| response::device_error(frame)).flatten(),
        reason: body.get("rsn").and_then(Item::text).map(|text| super::json::shortened(text, 96)),
        off: number("off"),
        len: number("len"),
        data: body.get("data").and_then(Item::bytes).map(|data| data.len() as u64),
        image: number("image"),
        sha: bytes("sha"),
        hash: bytes("hash"),
        confirm: body.get("confirm").and_then(Item::bool).unwrap_or(false),
        digest_fits: body.get("match").and_then(Item::bool),
        buf_size: number("buf_size"),
        buf_count: number("buf_count"),
        images: body
            .get("images")
            .map(|images| images.elements().iter().take(MAX_LISTED).map(listed).collect()),
        meaning: meaning::of(frame),
        noticed: Vec::new(),
    }
}

fn listed(image: &Item<'_>) -> Listed {
    let number = |key: &str| image.get(key).and_then(Item::unsigned).unwrap_or(0);
    let is = |key: &str| image.get(key).and_then(Item::bool).unwrap_or(false);
    let version = image.get("version").and_then(Item::text).unwrap_or("?");
    Listed {
        image: number("image"),
        slot: number("slot"),
        version: super::json::shortened(version, 32),
        hash: image.get("hash").and_then(Item::bytes).unwrap_or_default().to_vec(),
        pending: is("pending"),
        confirmed: is("confirmed"),
        active: is("active"),
        permanent: is("permanent"),
    }
}
