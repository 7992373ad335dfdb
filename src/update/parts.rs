//! What belongs to a part of an update and lives only while it lasts.

use super::kinds::Address;
use super::listing::Listing;
use crate::failure::Failure;
use crate::upload::Upload;

/// Times, in the session's milliseconds.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub started_at: u64,
    /// When the question was asked whose answer came last.
    pub asked_at: u64,
    /// Nothing is sent before this time.
    pub not_before: u64,
    /// When the caller's limit for the whole update is over, in the caller's time, sleep included; time that the caller stopped does not
    /// count. 0 without a limit.
    pub limit_at: u64,
}

/// How an update ended, and when.
#[derive(Debug)]
pub(super) struct Outcome {
    pub at: u64,
    pub result: Result<(), Failure>,
}

/// What there is only once something was uploaded or is to be started.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// The latest list.
    pub listing: Option<Listing>,
    /// The latest one that came when nobody waited for it any more, or not as the answer.
    pub late: Option<Listing>,
    /// A mark or a confirmation that went unanswered: the failure where the list does not show that it was done.
    pub unanswered: Option<Failure>,
    /// From the last look before the first reset on.
    pub reboot: Option<Reboot>,
    /// From the first look at the new image on.
    pub trial: Option<Trial>,
}

/// What was tried, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Tries {
    pub uploads: u8,
    /// How often the link came up since the update moved on.
    pub links: u16,
    /// How many lives in a row ended with a chunk unanswered and the device answering other requests.
    pub vanished: u8,
    /// How many lives in a row heard something that was no answer.
    pub heard: u8,
    /// Upload whatever is listed.
    pub force: bool,
    /// The latest upload ended without the device's word that it has every byte.
    pub left_open: bool,
    /// A first chunk was sent more than once, so that one may arrive late.
    pub first_again: bool,
    /// The device may have reset by itself since the last look before the reset.
    pub list_is_stale: bool,
    /// How often the list was asked for anew because the host slept.
    pub looked_anew: u8,
    /// The server was asked where its upload stands since the last one.
    pub offset_asked: bool,
    /// The device answered a chunk after the upload was over, as it does to one that came late.
    pub stray_chunk: bool,
    /// The same from where a first chunk ends: then the device may have begun anew.
    pub stray_first: bool,
    /// The device went back in the middle of this upload: it may have begun another one, and taken these bytes for that.
    pub went_back: bool,
    /// The bootloader did not start what was uploaded, and it was uploaded once more.
    pub tried_anew: bool,
    /// The device does not let an image be marked for good, so it is tested and then confirmed.
    pub trial_only: bool,
    /// The caller was told to drop the link since the last answer.
    pub reset_asked: bool,
    /// The first question was not answered, so the list was asked for; and then the first question once more.
    pub list_first: bool,
    pub asked_again: bool,
    /// The device was waited for behind the upload, and behind its marks, to reset by itself.
    pub waited: bool,
    pub waited_marked: bool,
    /// The device was reset into its loader.
    pub entered_loader: bool,
}

/// An upload under way.
#[derive(Debug)]
pub(super) struct Sending {
    pub engine: Upload,
    pub address: Address,
    pub started_at: u64,
    /// How many bytes the device took of what was sent since then.
    pub bytes: u32,
    /// How far it was when the link came up.
    pub reached: u32,
}

/// The reset, the last look before it, and the wait for what runs after it.
#[derive(Debug, Default)]
pub(super) struct Reboot {
    /// When the list was asked for that was looked at before the reset.
    pub listed_at: u64,
    /// When the device was first asked, and when last.
    pub reset_at: u64,
    pub last_reset_at: u64,
    pub resets: u8,
    /// The caller is still to be told that the link may go.
    pub link_reset_due: bool,
    /// Something shows that the device may be back.
    pub back: bool,
    /// It was asked after the time that it has to come back.
    pub asked_late: bool,
}

impl Reboot {
    /// The device was asked in another process, whose times mean nothing here: it gets its time from `now` on.
    pub fn count_from(&mut self, now: u64) {
        (self.reset_at, self.last_reset_at) = (now, now);
    }
}

/// The new image runs.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// It was seen running.
    pub ran: bool,
    pub confirms: u8,
    pub health_until: u64,
    pub unhealthy: bool,
}

/// What the update did, over all its processes.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// The bytes that the device took of what was sent. What it had before is not among them.
    pub uploaded_bytes: u64,
    pub upload_ms: u32,
    pub swap_ms: u32,
    /// Where the device stood by its last word, and in which image of the file.
    pub reached: u32,
    pub reached_in: u16,
    /// What this process uploaded, without the upload under way, and how long that took.
    pub here_bytes: u32,
    pub here_ms: u32,
}

impl Totals {
    /// The device stood at `before`, 0 for not known, and stands at `after`. Returns how much of that it took of what was sent.
    ///
    /// `found`: it had a part of the image before the first chunk.
    pub fn moved(&mut self, before: u32, after: u32, found: bool) -> u32 {
        let from = match (before, self.reached) {
            (0, _) if !found => 0,
            // Nothing was sent before; what lies there is of somebody else.
            (_, 0) => after,
            (_, reached) => reached,
        };
        self.reached = after;
        let taken = after.saturating_sub(from);
        self.uploaded_bytes += u64::from(taken);
        taken
    }
}

/// A life that a snapshot began.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// When the device is asked without being asked for it.
    pub ask_at: u64,
}
