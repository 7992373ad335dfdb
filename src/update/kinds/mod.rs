//! What an image needs on a device: a file for each kind of bootloader or image, behind one interface.
//!
//! The walk of an update asks its kind and never knows which one it is. A kind belongs to an image, not to a device: a network
//! core lies beside an application. [`find`] finds it out; what is learnt on the way may correct it.

mod bootloader;
mod find;
mod in_place;
mod loader;
mod network_core;
mod overwrite;
mod presumed;
mod recovery;
mod rules;
mod single;
mod swap;
mod words;

pub(crate) use find::{WithoutList, behind_loader, boot_name, kind_of, open_question, without_list};
pub(crate) use rules::STAYS_MARKED;
pub(crate) use words::{loader_needed, running};

use super::listing::{ListedSlot, Listing};
use super::options::UpdateOptions;
use super::plan::{Action, Task};
use super::step::Step;
use super::told::Told;
use crate::failure::Failure;
use crate::firmware::{Firmware, Image};
use crate::smp::DeviceError;

/// One image, and what is known of the device at one moment.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub firmware: &'a Firmware,
    pub image: &'a Image,
    /// The number of the image on the device.
    pub number: u32,
    pub listing: &'a Listing,
    pub told: &'a Told,
    pub options: &'a UpdateOptions,
    /// Upload whatever is listed.
    pub force: bool,
}

impl<'a> View<'a> {
    /// The slot that runs.
    pub fn active(&self) -> Option<&'a ListedSlot> {
        self.listing.active(self.number)
    }

    /// The slots that do not run.
    pub fn others(&self) -> impl Iterator<Item = &'a ListedSlot> {
        self.listing.others(self.number)
    }

    /// The slot with this number, whether it runs or not.
    pub fn slot(&self, slot: u32) -> Option<&'a ListedSlot> {
        self.listing.slots.iter().find(|listed| listed.image == self.number && listed.slot == slot)
    }

    /// The slot that runs, if it runs this image.
    pub fn running(&self) -> Option<&'a ListedSlot> {
        self.active().filter(|slot| rules::runs(self.image, slot))
    }

    /// The same with another list.
    pub fn with(&self, listing: &'a Listing) -> View<'a> {
        View { listing, ..*self }
    }
}

/// Which of several files for one image is the right one.
pub(crate) enum Fit {
    This,
    Other,
}

/// How an upload names its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    pub number: u32,
    /// Otherwise in the first chunk, and there only if it is not 0.
    pub in_every_chunk: bool,
    /// Whether the device may be asked to refuse what is not newer.
    pub upgrade: bool,
}

/// What an erase before the upload names.
pub(crate) enum Erase {
    /// There is nothing to erase with a command.
    Nothing,
    /// The slot that the server chooses by itself.
    Servers,
    /// A slot, counted over all images (Zephyr `img_mgmt_erase`).
    Slot(u32),
}

/// What a list from before the reset shows of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// The list shows neither that it lies there nor that it does not.
    Untold,
    No,
}

/// How an image is marked for the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The bootloader chooses by itself.
    Nothing,
    Trial,
    ForGood,
}

/// Where an image stands in the last look before the reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It runs already, and stays.
    Runs,
    /// It runs already, and a reset would take it back.
    OnTrial,
    /// It waits for the reset.
    Waits,
    /// It lies there without the mark that it needs.
    Unmarked,
    Gone,
}

/// Why it cannot be told that an image runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doubt {
    /// The device does not list what runs, by its kind.
    NotShown = 1,
    /// The device lists versions without hashes.
    NoHash = 2,
    /// What answers has no image list.
    NoList = 3,
}

impl Doubt {
    /// The doubt with this number of a snapshot.
    pub const fn from_number(number: u8) -> Option<Doubt> {
        Some(match number {
            1 => Doubt::NotShown,
            2 => Doubt::NoHash,
            3 => Doubt::NoList,
            _ => return None,
        })
    }
}

/// What the device shows of an image after the reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    Yes,
    /// Nothing shows that the device reset.
    NotYet,
    Untold(Doubt),
    No,
    /// It is the bootloader's own slot that tells; it has to be asked for.
    AskB0,
}

/// Whether a running image stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Confirmed,
    OnTrial,
    /// There is nothing to confirm, as far as the device shows.
    Untold,
}

/// Whether an image that runs can still be taken back for the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// Until it is confirmed.
    UntilConfirmed,
    /// Too little is known of the bootloader.
    Unknown,
    None,
}

/// What is asked between the upload and the reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LastLook {
    Nothing,
    List,
    /// The list, and then where the server's upload stands: a late first chunk may have begun it anew behind a good list.
    ListAndOffset,
}

/// How the server of a kind gets to run an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub last_look: LastLook,
    /// How often the reset may be sent in a row without an answer; a second one that arrives in a trial takes it back.
    pub resets: u32,
}

/// An update that ended without its image running.
pub(crate) struct Ended<'a> {
    pub view: View<'a>,
    /// The list before the update, where it was seen by this process.
    pub before: Option<&'a Listing>,
    /// The version that ran before.
    pub from: &'a str,
    /// "version 1.2.3", with the image's number where there are several.
    pub title: String,
    /// How often the device was asked to reset.
    pub resets: u8,
    /// The new image was seen running.
    pub ran: bool,
    /// It was marked in a way that lets it go back.
    pub on_trial: bool,
}

/// What an image needs on a device. The provided methods are those of an image that waits beside the running one until it is
/// marked and the device reset.
pub(crate) trait Kind: Sync {
    /// The number in a snapshot. It never changes.
    fn code(&self) -> u8;

    /// The name of the boot mode, as the result gives it.
    fn name(&self) -> &'static str;

    /// Whether this file is the right one among several for the same image.
    fn fit(&self, view: &View<'_>) -> Result<Fit, Failure> {
        rules::half(view, 0)
    }

    /// What is left to do for the image, from the list before anything is sent. `Err` is a contradiction or a refusal: nothing is
    /// written then.
    fn plan(&self, view: &View<'_>) -> Result<Action, Failure>;

    /// The slot that runs, by a list from before the reset.
    fn runs_in<'a>(&self, view: &View<'a>) -> Option<&'a ListedSlot> {
        view.active()
    }

    /// The slot whose image is replaced.
    fn replaced<'a>(&self, view: &View<'a>) -> Option<&'a ListedSlot> {
        view.active()
    }

    /// Where the upload goes.
    fn address(&self, view: &View<'_>) -> Result<Address, Failure> {
        Ok(Address { number: view.number, in_every_chunk: false, upgrade: view.options.upgrade_only })
    }

    /// What is erased before the upload, if the caller wants that.
    fn erase(&self, view: &View<'_>) -> Erase {
        rules::other_slot(view)
    }

    /// What an upload that failed died of, where the kind knows more.
    fn upload_failed(&self, _view: &View<'_>, failure: Failure) -> Failure {
        failure
    }

    /// The action after an upload that is not looked for in a list; `told` says that the device has every byte by its own word.
    fn after_upload(&self, _view: &View<'_>, _told: bool) -> Option<Action> {
        None
    }

    /// Whether a list from before the reset shows the image where it was uploaded to.
    fn stored(&self, view: &View<'_>) -> Stored {
        rules::stored_in(view.others(), view.image)
    }

    /// What is left to do once the image is listed, and what its kind turns out to be. `before` is the list before the upload.
    fn landed(&self, view: &View<'_>, before: Option<&Listing>) -> (Action, &'static dyn Kind);

    /// How the image is marked; `trial_only` says that the device refused to mark it for good.
    fn mark(&self, view: &View<'_>, trial_only: bool) -> Mark {
        rules::mark(view, trial_only, true)
    }

    /// Whether the image could go back, by what is known before the upload.
    fn way_back(&self, view: &View<'_>) -> WayBack {
        if self.mark(view, false) == Mark::Trial { WayBack::UntilConfirmed } else { WayBack::None }
    }

    /// What is asked before anything is written, where the package is for a board; `None` where the server could not know it.
    fn board_question(&self) -> Option<Step> {
        Some(Step::Board)
    }

    /// What the kind turns out to be when the server has no command to mark with.
    fn without_marks(&self) -> &'static dyn Kind;

    /// What the kind turns out to be when the server took the mark.
    fn with_marks(&self) -> &'static dyn Kind;

    /// What the kind turns out to be by the list that shows the image running.
    fn once_it_runs(&self, _view: &View<'_>) -> Option<&'static dyn Kind> {
        None
    }

    /// What is left to do for an image that lay there unmarked before the update, once the server has shown that it has no command to mark with.
    fn unmarked(&self, _view: &View<'_>) -> Action {
        Action::Boot
    }

    /// Where the image stands just before the reset.
    fn standing(&self, view: &View<'_>) -> Standing {
        rules::standing(view, self.stored(view), self.hold(view))
    }

    fn manner(&self, _view: &View<'_>) -> Manner {
        Manner { last_look: LastLook::ListAndOffset, resets: 1 }
    }

    /// What the device shows of the image after the reset.
    fn ran(&self, view: &View<'_>, before: Option<&Listing>) -> Ran {
        let _ = before;
        rules::ran_when_marked(view)
    }

    /// What is shown by a device that answers after the reset and has no image list; `None` where that is an error.
    fn ran_unlisted(&self) -> Option<Ran> {
        None
    }

    /// Whether the image, once it runs, stays.
    fn hold(&self, view: &View<'_>) -> Hold {
        rules::hold(view)
    }

    /// Whether the image, once it runs, stays, where no list was seen.
    fn hold_unseen(&self) -> Hold {
        Hold::Untold
    }

    /// The refusal of a confirmation; `None` when the kind has a trial, so that the list decides.
    fn confirm_refused(&self, _error: DeviceError) -> Option<Hold> {
        None
    }

    /// The failure of a device that was asked often enough and shows no sign of a reset; `None` where it may have reset and
    /// chosen the old image again.
    fn never_reset(&self, ended: &Ended<'_>) -> Option<Failure> {
        Some(words::swap_not_performed(ended))
    }

    /// The failure of a device that did reset and does not run the image.
    fn failed(&self, ended: &Ended<'_>) -> Failure {
        words::not_running(ended, false)
    }

    /// Why a device may stay away after the reset.
    fn away(&self) -> &'static str {
        "It may still be swapping, or neither image starts SMP. Read its image list before another update."
    }

    /// What waits for the reset.
    fn waiting(&self) -> &'static str {
        "uploaded and marked"
    }

    /// What was seen of an image that cannot be told to run, what was not, and how to look.
    fn remark(&self, image: &Image, number: u32, doubt: Doubt) -> String {
        words::remark(image, number, doubt)
    }
}

/// Bootloaders of nRF Connect SDK 2.6 to 3.4 skip a network core that is marked after the application (NCSDK-34106), and a mark cannot be
/// taken back.
pub(crate) fn check_order(firmware: &Firmware, tasks: &[Task]) -> Result<(), Failure> {
    let unmarked = |task: &&Task| matches!(task.action, Action::Upload | Action::Mark);
    let core =
        tasks.iter().filter(unmarked).find(|task| task.kind.code() == network_core::NETWORK_CORE.code());
    let marked = tasks.iter().find(|task| task.number == 0 && task.action == Action::Boot);
    match (core, marked) {
        (Some(core), Some(application)) => Err(words::marked_too_early(firmware, application, core)),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for dyn Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every kind, for snapshots.
static ALL: &[&dyn Kind] = &[
    &presumed::PRESUMED,
    &swap::SWAP,
    &overwrite::OVERWRITE,
    &in_place::DIRECT_XIP,
    &in_place::DIRECT_XIP_WITHOUT_MARKS,
    &in_place::DIRECT_XIP_WITH_REVERT,
    &in_place::RAM_LOAD,
    &in_place::RAM_LOAD_WITHOUT_MARKS,
    &in_place::RAM_LOAD_WITH_REVERT,
    &single::SINGLE,
    &loader::LOADER,
    &recovery::RECOVERY,
    &network_core::NETWORK_CORE,
    &bootloader::BOOTLOADER,
];

/// The names that the kinds have in a result, each once.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = ALL.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The kind with this number of a snapshot.
pub(crate) fn from_code(code: u8) -> Option<&'static dyn Kind> {
    ALL.iter().copied().find(|kind| kind.code() == code)
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_frozen() {
        let codes: Vec<_> = ALL.iter().map(|kind| (kind.code(), kind.name())).collect();
        assert_eq!(
            codes,
            [
                (0, "unknown"),
                (2, "swap"),
                (3, "overwrite"),
                (4, "direct_xip"),
                (9, "direct_xip"),
                (5, "direct_xip_revert"),
                (6, "ram_load"),
                (10, "ram_load"),
                (11, "ram_load_revert"),
                (1, "single"),
                (7, "firmware_loader"),
                (8, "recovery"),
                (12, "network_core"),
                (13, "bootloader"),
            ]
        );
    }
}
