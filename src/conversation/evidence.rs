//! What was seen of the device and of the link that explains a failure, whichever operation it meets.
//!
//! Nothing here decides what is sent. It costs eight bytes as long as nothing is out of the ordinary.

use crate::failure::{Failure, Finding};
use crate::recording::Ring;
use crate::smp::header::{HEADER_LEN, Header};
use crate::smp::{DeviceError, mangled, reason};
use crate::status::Status;

/// So many answers in a row that are cut at the same length are no accident.
const CUT_IN_A_ROW: u16 = 3;
/// How long nothing but cut answers may come before nothing better is waited for, in milliseconds.
const CUT_FOR_MS: u64 = 20_000;
/// So many answers of a kind that makes no sense are named.
pub const ODD_IN_A_ROW: u8 = 3;
/// How long nothing but such answers may come, in milliseconds.
pub const ODD_FOR_MS: u32 = 5_000;
/// How long a link has to live without an answer to count, in milliseconds.
const IGNORED_FOR_MS: u32 = 5_000;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    seen: Option<Box<Seen>>,
    /// The length of the longest whole frame since the session opened.
    longest: u16,
    /// How many links lived, by the caller's word, without an answer to anything, since there was one.
    ignored_links: u8,
    /// Of [`LISTED`] and [`UNANSWERED`].
    flags: u8,
    /// The low half of the time when the present link came up.
    up_at: u32,
}

/// An image list arrived at some time.
const LISTED: u8 = 1;
/// The present link has had no answer yet.
const UNANSWERED: u8 = 2;
/// The device came back under another address, by the caller's word.
const MOVED: u8 = 4;
/// The caller said that the bonds are lost, and nothing was answered since.
const UNBONDED: u8 = 8;

/// How long somebody may take to pair anew before silence over a link without its bonds is called that.
const PAIRING_TAKES_MS: u64 = 45_000;

#[derive(Debug, Default)]
struct Seen {
    /// The last error that the device answered, and its own words for it.
    said: Option<(DeviceError, Box<str>)>,
    cut: Option<Cut>,
    /// How many pieces passed through a text encoding.
    mangled: u8,
    /// When the caller first said that the bonds are lost, of those times that no answer followed.
    unbonded_at: u64,
    /// What explains the failure of the operation.
    cause: Option<Finding>,
    /// What the caller wants to be recorded.
    recording: Option<Ring>,
}

/// Answers whose header announces more than arrives, always of the same length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// How many bytes arrive.
    pub length: u16,
    count: u16,
    first_at: u64,
    last_at: u64,
    /// Whether a longer one had come whole before.
    was_whole: bool,
}

impl Evidence {
    /// The device answered this error with this body.
    #[cold]
    pub fn refused(&mut self, error: DeviceError, body: &[u8]) {
        let said = reason::in_body(body).map(|words| (error, words));
        if said.is_some() || self.seen.is_some() {
            self.seen.get_or_insert_default().said = said;
        }
    }

    /// The device's own words for this error.
    pub fn words_for(&self, error: DeviceError) -> Option<&str> {
        let (said, words) = self.seen.as_ref()?.said.as_ref()?;
        (*said == error).then_some(&**words)
    }

    /// Another operation begins.
    pub fn forget_operation(&mut self) {
        let recording = self.seen.take().and_then(|seen| seen.recording);
        self.flags &= !(UNBONDED | MOVED);
        if recording.is_some() {
            self.seen = Some(Box::new(Seen { recording, ..Seen::default() }));
        }
    }

    /// Records from now on, or no more.
    pub fn record(&mut self, ring: Option<Ring>) {
        if ring.is_some() || self.seen.is_some() {
            self.seen.get_or_insert_default().recording = ring;
        }
    }

    /// The recording, if there is one.
    #[inline]
    pub fn recording(&self) -> Option<&Ring> {
        self.seen.as_ref()?.recording.as_ref()
    }

    /// The recording, if there is one.
    #[inline]
    pub fn recording_mut(&mut self) -> Option<&mut Ring> {
        self.seen.as_mut()?.recording.as_mut()
    }

    /// These bytes came in one piece, at `now`.
    #[inline]
    pub fn piece(&mut self, now: u64, bytes: &[u8]) {
        let [first, _, high, low, _, _, _, _, ..] = *bytes else { return };
        let announced = HEADER_LEN + usize::from(u16::from_be_bytes([high, low]));
        if announced > bytes.len() && matches!(first & 0xe7, 1 | 3) {
            self.short_piece(now, bytes);
        }
    }

    /// A piece that begins like a response and ends before it does: the rest may follow.
    #[cold]
    fn short_piece(&mut self, now: u64, bytes: &[u8]) {
        let usual = Header::decode(bytes).is_some_and(|header| header.version <= 1 && header.flags == 0);
        let Ok(length) = u16::try_from(bytes.len()) else { return };
        if !usual {
            return;
        }
        let was_whole = self.longest > length;
        let seen = self.seen.get_or_insert_default();
        match &mut seen.cut {
            Some(cut) if cut.length == length => {
                cut.count = cut.count.saturating_add(1);
                cut.last_at = now;
            }
            cut => *cut = Some(Cut { length, count: 1, first_at: now, last_at: now, was_whole }),
        }
    }

    /// Something came that is no frame.
    #[cold]
    pub fn no_frame(&mut self, bytes: &[u8]) {
        // A whole one, since half of one may look like anything.
        let whole = mangled::undone(bytes).is_some_and(|(before, _)| {
            Header::decode(&before)
                .is_some_and(|header| header.op.is_response() && header.frame_len() == before.len())
        });
        if whole {
            let seen = self.seen.get_or_insert_default();
            seen.mangled = seen.mangled.saturating_add(1);
        }
    }

    /// The operation ended in silence: what explains it beyond what its own course shows is kept, since time goes on.
    #[cold]
    pub fn conclude(&mut self, now: u64, answered: bool) {
        let mangled = self.seen.as_ref().is_some_and(|seen| seen.mangled >= ODD_IN_A_ROW);
        let unbonded = self.unbonded_until().is_some();
        let cause = if mangled {
            Finding::BinaryAsText
        } else if unbonded {
            Finding::PairingNeeded
        } else if answered && self.is_ignored(now) {
            // It answered over another link, and over this one nothing came.
            Finding::LinkSettingsLost
        } else {
            return;
        };
        self.seen.get_or_insert_default().cause = Some(cause);
    }

    /// What [`Evidence::conclude`] found.
    pub fn concluded(&self) -> Option<Finding> {
        self.seen.as_ref()?.cause
    }

    /// A whole frame of this length came.
    #[inline]
    pub fn whole(&mut self, length: usize) {
        let length = length.min(usize::from(u16::MAX)) as u16;
        self.longest = self.longest.max(length);
        if let Some(seen) = &mut self.seen
            && seen.cut.is_some_and(|cut| cut.length < length)
        {
            seen.cut = None;
        }
    }

    /// An answer was taken for one of ours.
    pub fn answered(&mut self) {
        self.ignored_links = 0;
        self.flags &= !(UNANSWERED | UNBONDED);
    }

    /// An image list was taken.
    pub fn listed(&mut self) {
        self.flags |= LISTED;
    }

    /// The caller says that the link is down, or up: then what one write and one notification carry is agreed upon anew.
    pub fn link(&mut self, now: u64, down: bool) {
        self.ignored_links = self.ignored_links.saturating_add(u8::from(self.is_ignored(now)));
        self.flags = self.flags & !UNANSWERED | if down { 0 } else { UNANSWERED };
        self.up_at = now as u32;
        if let Some(seen) = &mut self.seen {
            seen.cut = None;
        }
    }

    /// The caller says that the bonds are lost.
    #[cold]
    pub fn bonds_lost(&mut self, now: u64) {
        if self.flags & UNBONDED == 0 {
            self.flags |= UNBONDED;
            self.seen.get_or_insert_default().unbonded_at = now;
        }
    }

    /// When silence over a link without its bonds is no longer waited out; `None` where there is no word of that.
    pub fn unbonded_until(&self) -> Option<u64> {
        if self.flags & UNBONDED == 0 {
            return None;
        }
        self.seen.as_ref().map(|seen| seen.unbonded_at.saturating_add(PAIRING_TAKES_MS))
    }

    /// The caller says that the device came back under another address.
    pub fn moved(&mut self) {
        self.flags |= MOVED;
    }

    /// Whether the device came back under another address.
    pub fn has_moved(&self) -> bool {
        self.flags & MOVED != 0
    }

    /// Whether an image list ever arrived.
    pub fn has_listed(&self) -> bool {
        self.flags & LISTED != 0
    }

    /// Answers that are cut, if that is beyond doubt.
    pub fn cut(&self) -> Option<&Cut> {
        self.seen.as_ref()?.cut.as_ref().filter(|cut| cut.count >= CUT_IN_A_ROW)
    }

    /// When the last answer came that was cut, if that was since `since` and nothing has followed it.
    pub fn cut_since(&self, since: u64) -> Option<u64> {
        let cut = self.seen.as_ref()?.cut.as_ref()?;
        (cut.last_at >= since).then_some(cut.last_at)
    }

    /// When nothing better is waited for, where nothing but cut answers has come since `since`.
    pub fn hopeless_at(&self, since: u64) -> Option<u64> {
        self.cut().map(|cut| cut.first_at.max(since).saturating_add(CUT_FOR_MS))
    }

    /// Whether the link came up a while ago, by the caller's word, and nothing was answered since.
    pub fn is_ignored(&self, now: u64) -> bool {
        self.flags & UNANSWERED != 0 && (now as u32).wrapping_sub(self.up_at) >= IGNORED_FOR_MS
    }

    /// What points to the cause where nothing was ever answered.
    pub fn never_answered(&self, now: u64) -> Finding {
        // Once may be the link that was up all the time.
        let links = self.ignored_links + u8::from(self.is_ignored(now));
        if links > 1 { Finding::PairingNeeded } else { Finding::NeverAnswered }
    }
}

impl Cut {
    /// The failure that tells it; `what` says what did not succeed, as a whole sentence.
    #[cold]
    pub fn failure(&self, what: &str, now: u64) -> Failure {
        let length = self.length;
        let since = if self.was_whole {
            format!(
                ", since {} s ago; longer ones came whole before",
                now.saturating_sub(self.first_at).div_ceil(1_000)
            )
        } else {
            ", from the first long one on".to_owned()
        };
        Failure::new(
            Status::Timeout,
            format!(
                "{what} Answers arrive cut at {length} bytes (ATT MTU {}){since}.",
                u32::from(length) + 3
            ),
        )
        .with_finding(Finding::AnswersCut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response that announces 300 bytes behind its header, of which `length` in all are there.
    fn cut_at(length: usize) -> Vec<u8> {
        let mut bytes = vec![1, 0, 1, 44, 0, 1, 7, 0];
        bytes.resize(length, 0x61);
        bytes
    }

    #[test]
    fn three_cut_alike_are_no_accident_and_a_longer_one_is_the_proof() {
        let mut seen = Evidence::default();
        for now in [0, 2_000, 4_000] {
            assert!(seen.cut().is_none());
            seen.piece(now, &cut_at(20));
            seen.whole(18);
        }
        assert_eq!((seen.cut().unwrap().length, seen.hopeless_at(0)), (20, Some(20_000)));
        assert_eq!(seen.hopeless_at(3_000), Some(23_000));
        let told = seen.cut().unwrap().failure("It failed.", 4_000);
        assert!(told.sentence.contains("cut at 20 bytes (ATT MTU 23), from the first"), "{told}");
        // A frame in two pieces came whole in the end.
        seen.whole(308);
        assert!(seen.cut().is_none());
        for now in [10_000, 11_000, 12_000] {
            seen.piece(now, &cut_at(20));
        }
        let told = seen.cut().unwrap().failure("It failed.", 12_000);
        assert!(told.sentence.contains("since 2 s ago"), "{told}");
        seen.link(12_000, false);
        assert!(seen.cut().is_none());
    }

    #[test]
    fn pieces_of_changing_length_and_other_bytes_are_no_evidence() {
        let mut seen = Evidence::default();
        for length in [20, 21, 20, 21, 20, 21, 8, 9] {
            seen.piece(0, &cut_at(length));
        }
        for _ in 0..9 {
            seen.piece(0, b"\x02\0\x01\x2c\0\x01\x07\0abc");
            seen.piece(0, b"\x01\x77\x01\x2c\0\x01\x07\0abc");
            seen.piece(0, b"\x01\0\x01");
            seen.piece(0, b"\x01\0\0\x03\0\x01\x07\0abc");
        }
        assert!(seen.cut().is_none());
        assert!(seen.seen.as_ref().is_none_or(|seen| seen.said.is_none()));
    }

    #[test]
    fn a_link_that_comes_up_again_and_again_unanswered_asks_for_pairing() {
        let mut seen = Evidence::default();
        let told = |seen: &Evidence, now| (seen.never_answered(now), seen.is_ignored(now));
        assert_eq!(told(&seen, 99_000), (Finding::NeverAnswered, false));
        // A link that merely flaps says nothing.
        for now in 0..20 {
            seen.link(now * 1_000, now % 2 == 1);
        }
        assert_eq!(told(&seen, 99_000), (Finding::NeverAnswered, false));
        seen.link(100_000, false);
        assert_eq!(told(&seen, 104_000), (Finding::NeverAnswered, false));
        assert_eq!(told(&seen, 105_000), (Finding::NeverAnswered, true));
        seen.link(110_000, true);
        seen.link(111_000, false);
        assert_eq!(told(&seen, 112_000), (Finding::NeverAnswered, false));
        assert_eq!(told(&seen, 120_000), (Finding::PairingNeeded, true));
        seen.answered();
        assert_eq!(told(&seen, 130_000), (Finding::NeverAnswered, false));
    }
}
