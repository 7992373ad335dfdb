//! Which version of the protocol requests carry.
//!
//! Version 2 first. A server that does not know it says so, or is silent; but silence may as well be the link's. So a version 1
//! that only silence led to is doubted: now and then a new request goes out in version 2 once, and every response in version
//! 2 ends the doubt.

use super::{Conversation, EventKind, SmpVersion};
use crate::smp::Version;

/// The doubt in version 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// After so many new requests version 2 is tried again; 0: version 1 is not in doubt.
    next: u8,
    /// New requests since the doubt began.
    seen: u8,
}

impl Conversation {
    /// Speaks the given version from now on, because the device asked for it. Returns whether that changed anything.
    pub fn adopt_version(&mut self, version: Version) -> bool {
        self.doubt = Doubt::default();
        self.change_version(version)
    }

    /// Nothing was ever answered: perhaps the server drops this version silently. Tries the other one.
    pub fn try_other_version(&mut self, now: u64) {
        match self.version {
            Version::V2 => self.fall_back(now),
            Version::V1 => self.note_version(now, Version::V2),
        }
    }

    /// Version 1 for now: version 2 was met with silence.
    pub fn fall_back(&mut self, now: u64) {
        self.note_version(now, Version::V1);
        // Each silence makes the next trial rarer: a server that knows version 1 alone costs little.
        self.doubt.next = self.doubt.next.saturating_mul(2).max(2);
        self.doubt.seen = 0;
    }

    /// A new request is about to be sent. Returns whether it tries version 2 again.
    pub fn retry_version(&mut self, now: u64) -> bool {
        if self.doubt.next == 0 || !self.answered {
            return false;
        }
        if self.version == Version::V2 {
            // The request that tried it was given up before anything came of it.
            return true;
        }
        self.doubt.seen = self.doubt.seen.saturating_add(1);
        if self.doubt.seen < self.doubt.next {
            return false;
        }
        self.note_version(now, Version::V2);
        self.version == Version::V2
    }

    /// A response carried this version in its header (Zephyr `smp.c` answers in that of the request).
    pub fn heard_version(&mut self, now: u64, version: u8) {
        if version == Version::V2 as u8 && self.doubt.next != 0 {
            self.doubt = Doubt::default();
            self.note_version(now, Version::V2);
        }
    }

    /// A snapshot does not say why version 1 is in use.
    pub(super) fn doubt_version(&mut self) {
        if self.version == Version::V1 && self.options.smp_version == SmpVersion::Auto {
            self.doubt.next = 1;
        }
    }

    fn note_version(&mut self, now: u64, version: Version) {
        if self.change_version(version) {
            self.note(now, EventKind::SmpVersion(version as u32 + 1));
        }
    }

    /// Changes the version, unless the caller fixed one. Returns whether that changed anything.
    fn change_version(&mut self, version: Version) -> bool {
        let changes = self.options.smp_version == SmpVersion::Auto && self.version != version;
        if changes {
            self.version = version;
        }
        changes
    }
}
