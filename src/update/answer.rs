//! What an answer means to the step that asked for it.

use super::plan::BootMode;
use super::step::{self, Step};
use super::{Listing, Update};
use crate::conversation::Conversation;
use crate::failure::Failure;
use crate::smp::DeviceError;
use crate::smp::error::rc;

impl Update {
    pub(super) fn answered(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        body: &[u8],
        error: Option<DeviceError>,
    ) {
        let result = match self.step {
            Step::Parameters => {
                if let (None, Some((size, count))) = (error, step::decode_parameters(body)) {
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
                if let (None, Some(mode)) = (error, step::decode_boot_mode(body)) {
                    self.boot = BootMode::from_number(mode);
                    self.boot_known = true;
                }
                self.enter(talk, now, Step::SlotInformation);
                Ok(())
            }
            Step::SlotInformation => {
                if error.is_none() {
                    self.slot_sizes = step::decode_slot_sizes(body);
                }
                self.enter(talk, now, Step::ListBefore);
                Ok(())
            }
            Step::Erase => match error {
                Some(error) => Err(step::refused(error, "to erase the slot")),
                None => {
                    self.enter(talk, now, Step::Upload);
                    Ok(())
                }
            },
            Step::Mark => self.marked(talk, now, error),
            Step::Reset => match error {
                // The reset hook of an application may refuse.
                Some(error) => Err(step::refused(error, "to reset")),
                None => {
                    self.begin_look(talk, now);
                    Ok(())
                }
            },
            Step::Confirm => {
                // Old servers answer success whatever happened (Zephyr issue 56617), so the list decides.
                if let Some(error) = error
                    && error.is_common(rc::ACCESS_DENIED)
                {
                    Err(step::refused(error, "to confirm the image"))
                } else {
                    self.enter(talk, now, Step::ListConfirmed);
                    Ok(())
                }
            }
            Step::ListBefore
            | Step::ListUploaded
            | Step::ListMarked
            | Step::Look
            | Step::ListHealthy
            | Step::ListConfirmed => match error {
                Some(error) => Err(step::refused(error, "to list its images")),
                None => Listing::decode(body).and_then(|listing| self.listed(talk, now, listing)),
            },
            Step::Upload | Step::HealthCheck => Ok(()),
        };
        if let Err(failure) = result {
            self.fail(now, failure);
        }
    }

    pub(super) fn listed(
        &mut self,
        talk: &mut Conversation,
        now: u64,
        listing: Listing,
    ) -> Result<(), Failure> {
        match self.step {
            Step::ListBefore => self.plan(talk, now, listing),
            Step::ListUploaded => self.verify_upload(talk, now, listing),
            Step::ListMarked => self.verify_marked(talk, now, listing),
            Step::Look => self.verify_boot(talk, now, listing),
            Step::ListHealthy => self.verify_before_confirm(talk, now, listing),
            Step::ListConfirmed => self.verify_confirmed(talk, now, listing),
            _ => Ok(()),
        }
    }
}
