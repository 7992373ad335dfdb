//! How a request can end, and what becomes of a group's error on its way to a client of the old protocol.

use super::cbor::Malformed;

/// Groups of the server.
pub(super) mod group {
    pub(in super::super) const OS: u16 = 0;
    pub(in super::super) const IMAGE: u16 = 1;
    pub(in super::super) const STATISTICS: u16 = 2;
    pub(in super::super) const SETTINGS: u16 = 3;
    pub(in super::super) const FILES: u16 = 8;
    pub(in super::super) const SHELL: u16 = 9;
    pub(in super::super) const ENUMERATION: u16 = 10;
    pub(in super::super) const BASIC: u16 = 63;
    pub(in super::super) const ECHO: u16 = 128;
}

/// mcumgr_err_t, as far as the server sends it.
pub(super) mod rc {
    pub(in super::super) const UNKNOWN: u8 = 1;
    pub(in super::super) const NO_MEMORY: u8 = 2;
    pub(in super::super) const INVALID: u8 = 3;
    pub(in super::super) const NO_ENTRY: u8 = 5;
    pub(in super::super) const BAD_STATE: u8 = 6;
    pub(in super::super) const TOO_LARGE: u8 = 7;
    pub(in super::super) const NOT_SUPPORTED: u8 = 8;
    pub(in super::super) const CORRUPT: u8 = 9;
    pub(in super::super) const BUSY: u8 = 10;
    pub(in super::super) const TOO_OLD: u8 = 12;
    pub(in super::super) const TOO_NEW: u8 = 13;
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `{rc: n}` in every version, with the reason that verbose builds add.
    Rc(u8, Option<&'static str>),
    /// `{err: {group, rc}}` in version 2, translated for version 1.
    Group { group: u16, code: u16 },
    /// As before, and what the handler had written so far stays.
    GroupKept { group: u16, code: u16 },
    /// The server hangs.
    Hang,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Refusal {
        Refusal::Rc(rc::INVALID, None)
    }
}

/// What a handler gives back: the time it took besides the usual, µs.
pub(super) type Handled = Result<u64, Refusal>;

/// The rc that a version 1 client gets for a group's error code.
pub(super) fn translate(of: u16, code: u16) -> u8 {
    match (of, code) {
        (group::IMAGE, 3 | 4) => rc::NO_ENTRY,
        (group::IMAGE, 9 | 27 | 28) => rc::BAD_STATE,
        (group::IMAGE, 15) => rc::NO_MEMORY,
        (group::IMAGE, 14 | 19 | 20 | 21 | 22 | 24 | 25) => rc::INVALID,
        (group::OS, 2) => rc::INVALID,
        (group::OS, 3 | 4) => rc::NO_ENTRY,
        (group::STATISTICS, 2 | 3) => rc::NO_ENTRY,
        (group::STATISTICS, 4) => rc::INVALID,
        (group::SETTINGS, 2) => rc::INVALID,
        (group::SETTINGS, 3 | 4) => rc::NO_ENTRY,
        (group::FILES, 2 | 13) => rc::INVALID,
        (group::FILES, 3 | 14) => rc::NO_ENTRY,
        (group::SHELL, 2 | 3) => rc::INVALID,
        (group::ENUMERATION, 2) => rc::INVALID,
        _ => rc::UNKNOWN,
    }
}

/// The reason text that verbose builds add to an upload error for a version 1 client.
pub(super) fn upload_reason(code: u16) -> Option<&'static str> {
    Some(match code {
        9 => "no slot",
        12 => "fa write fail",
        20..=22 => "header malformed",
        23 => "magic mismatch",
        27 => "downgrade",
        30 => "img too large",
        31 => "data overrun",
        _ => return None,
    })
}
