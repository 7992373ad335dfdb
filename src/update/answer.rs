//! What an answer means to the step that asked for it.

use super::step::{self, Step};
use super::{Listing, Update, kinds, told};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::error::rc;
use crate::smp::{DeviceError, group};
use crate::status::Status;
use crate::upload::refusal::code;

impl Update {
    pub(super) fn answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        body: &[u8],
        error: Option<DeviceError>,
    ) {
        self.returned(talk, now, true);
        let result = match self.step {
            Step::Parameters => {
                if let (None, Some((size, count))) = (error, told::decode_parameters(body)) {
                    talk.limits.learn_buffers(size, count);
                }
                self.enter(talk, now, Step::ReassemblyProbe);
                Ok(())
            }
            Step::ReassemblyProbe => {
                talk.limits.learn_reassembly(error.is_none());
                self.enter(talk, now, Step::BootMode);
                Ok(())
            }
            Step::BootMode => {
                if let (None, Some(mode)) = (error, told::decode_boot_mode(body)) {
                    self.told.learn_boot_mode(mode);
                }
                self.enter(talk, now, Step::SlotInformation);
                Ok(())
            }
            Step::SlotInformation => {
                if error.is_none() {
                    self.told.read_slots(body);
                }
                self.enter(talk, now, Step::ListBefore);
                Ok(())
            }
            Step::Erase => self.erased(talk, now, error),
            Step::Mark => self.marked(talk, now, error),
            Step::Reset => match error {
                Some(error) if error.is_common(rc::NOT_SUPPORTED) && self.wait_without_reset(talk, now) => {
                    Ok(())
                }
                Some(error) => Err(self.reset_refused(error)),
                None => {
                    self.begin_look(talk, now, Step::Look);
                    Ok(())
                }
            },
            Step::B0Slot => {
                self.told.b0_asked = true;
                self.told.b0_slot = error.map_or_else(|| told::decode_b0_slot(body), |_| None);
                self.enter(talk, now, Step::ListBefore);
                Ok(())
            }
            Step::B0SlotAfter => {
                self.told.b0_slot_after = Some(error.map_or_else(|| told::decode_b0_slot(body), |_| None));
                let listing = self.later().listing.take().unwrap_or_default();
                self.verify_boot(talk, now, listing)
            }
            Step::Board => {
                let board = error.map_or_else(|| told::decode_board(body), |_| None);
                self.board_told(talk, now, board)
            }
            Step::MarkProbe => {
                self.told.markless = Some(error.is_some_and(|error| error.is_common(rc::NOT_SUPPORTED)));
                self.enter(talk, now, Step::ListBefore);
                Ok(())
            }
            // Refused: the server knows no boot_mode, or its application does not want to leave.
            Step::EnterLoader => match error {
                Some(error) => Err(self.loader_refused(error)),
                None => {
                    self.begin_look(talk, now, Step::LookLoader);
                    Ok(())
                }
            },
            Step::Confirm => self.confirm_answered(talk, now, error, body),
            Step::ListBefore
            | Step::ListUploaded
            | Step::ListMarked
            | Step::Look
            | Step::LookLoader
            | Step::ListHealthy
            | Step::ListConfirmed => match error {
                Some(error) => self.no_list(talk, now, error),
                None => Listing::decode(body)
                    .and_then(|listing| self.listed(talk, now, listing.with_other_images_running())),
            },
            Step::StateUploaded | Step::StateMarked => {
                let offset = if error.is_none() { step::decode_offset(body) } else { None };
                self.verify_state(talk, now, offset)
            }
            Step::Upload | Step::HealthCheck => Ok(()),
        };
        if let Err(failure) = result {
            self.fail(now, failure);
        }
    }

    fn erased(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        error: Option<DeviceError>,
    ) -> Result<(), Failure> {
        let Some(error) = error else {
            self.enter(talk, now, Step::Upload);
            return Ok(());
        };
        let failure = step::refused(error, "to erase the slot");
        match (error.group, error.code) {
            // Zephyr 3.4 answers so when there was nothing to erase.
            (Some(group::IMAGE) | None, rc::UNKNOWN) if self.slot_is_empty() => {
                self.enter(talk, now, Step::Upload);
                Ok(())
            }
            (Some(group::IMAGE), code::NO_FREE_SLOT) | (None, rc::BAD_STATE) => {
                let mut failure = Failure { status: Status::SlotInUse, ..failure };
                failure.sentence.push_str(" The image in it is pending, or the way back from a trial. ");
                failure.sentence.push_str(kinds::STAYS_MARKED);
                Err(failure)
            }
            _ => Err(failure),
        }
    }

    /// Whether the device listed nothing in the slot that the image in hand goes to.
    fn slot_is_empty(&self) -> bool {
        let (Some(task), Some(before)) = (self.tasks.get(self.current as usize), self.before()) else {
            return false;
        };
        before.others(task.number).next().is_none()
    }

    fn listed(&mut self, talk: &mut Conversation, now: u64, listing: Listing) -> Result<(), Failure> {
        match self.step {
            Step::ListBefore => self.plan(talk, now, listing),
            Step::ListUploaded => self.verify_upload(talk, now, listing),
            Step::ListMarked => self.verify_marked(talk, now, listing),
            Step::Look => {
                self.told.unlisted = false;
                if self.listed_by_itself(talk, now, &listing) {
                    return Ok(());
                }
                self.verify_boot(talk, now, listing)
            }
            Step::LookLoader => self.loader_answered(talk, now, listing),
            Step::ListHealthy => self.verify_before_confirm(talk, now, listing),
            Step::ListConfirmed => self.verify_confirmed(talk, now, listing),
            _ => Ok(()),
        }
    }
}
