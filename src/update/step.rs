//! The steps of an update and the request that each of them makes.

use super::phase::Phase;
use crate::conversation::limits::Limits;
use crate::conversation::request::{Patience, Request};
use crate::failure::Failure;
use crate::firmware::Image;
use crate::smp::cbor::{self, Writer};
use crate::smp::error::rc;
use crate::smp::{DeviceError, Op, group};
use crate::status::Status;
use crate::upload::probe::echo_of;
use crate::upload::refusal::code;

/// What the update waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Step {
    Parameters = 0,
    ReassemblyProbe = 1,
    BootMode = 2,
    SlotInformation = 3,
    ListBefore = 4,
    Erase = 5,
    Upload = 6,
    ListUploaded = 7,
    Mark = 8,
    /// The list just before the reset.
    ListMarked = 9,
    Reset = 10,
    /// The list after the reset, asked until the device answers.
    Look = 11,
    HealthCheck = 12,
    /// The list after the health check.
    ListHealthy = 13,
    Confirm = 14,
    ListConfirmed = 15,
    /// Where the server's upload stands: before an upload alone is called done, and before the reset.
    StateUploaded = 16,
    StateMarked = 17,
    /// The slot that the immutable bootloader started MCUboot from, before the update and after the reset.
    B0Slot = 18,
    B0SlotAfter = 19,
    /// Whether the server has a command to mark with.
    MarkProbe = 20,
    /// The reset into the firmware loader, and the list until the loader answers.
    EnterLoader = 21,
    LookLoader = 22,
    /// The board, to compare it with that of the package.
    Board = 23,
}

/// An erase of a whole slot takes tens of seconds (nRF52840: 10 s and more).
const ERASE_FLOOR_MS: u32 = 75_000;
/// The image list reads every slot's header and TLVs.
const LIST_FLOOR_MS: u32 = 2_000;
/// Marking and confirming write the trailer and may erase a page.
const WRITE_FLOOR_MS: u32 = 3_000;

/// What a request depends on.
pub(crate) struct Context<'a> {
    pub image: Option<&'a Image>,
    /// How many bytes of it are sent.
    pub length: u32,
    /// Mark for good, without a trial.
    pub for_good: bool,
    /// The slot to erase, counted over all images; `None` leaves the choice to the server.
    pub slot: Option<u32>,
    /// So many resets may be asked for at once: a second one does no harm.
    pub resets: u32,
    /// So often the first question is asked before the list is asked for: every server has that.
    pub first_attempts: u32,
    /// Confirm by hash; otherwise whatever runs.
    pub by_hash: bool,
    pub ordinary: Patience,
    /// The present timeout of an answer.
    pub rtt: u32,
}

impl Step {
    /// The step with this number of a snapshot.
    pub const fn from_number(number: u8) -> Option<Step> {
        Some(match number {
            0 => Step::Parameters,
            1 => Step::ReassemblyProbe,
            2 => Step::BootMode,
            3 => Step::SlotInformation,
            4 => Step::ListBefore,
            5 => Step::Erase,
            6 => Step::Upload,
            7 => Step::ListUploaded,
            8 => Step::Mark,
            9 => Step::ListMarked,
            10 => Step::Reset,
            11 => Step::Look,
            12 => Step::HealthCheck,
            13 => Step::ListHealthy,
            14 => Step::Confirm,
            15 => Step::ListConfirmed,
            16 => Step::StateUploaded,
            17 => Step::StateMarked,
            18 => Step::B0Slot,
            19 => Step::B0SlotAfter,
            20 => Step::MarkProbe,
            21 => Step::EnterLoader,
            22 => Step::LookLoader,
            23 => Step::Board,
            _ => return None,
        })
    }

    pub const fn phase(self) -> Phase {
        match self {
            Step::Parameters
            | Step::ReassemblyProbe
            | Step::BootMode
            | Step::SlotInformation
            | Step::ListBefore
            | Step::B0Slot
            | Step::MarkProbe
            | Step::EnterLoader
            | Step::LookLoader
            | Step::Board => Phase::Discover,
            Step::Erase => Phase::Erase,
            Step::Upload => Phase::Upload,
            Step::ListUploaded | Step::StateUploaded => Phase::VerifyUpload,
            Step::Mark | Step::ListMarked | Step::StateMarked => Phase::Mark,
            Step::Reset => Phase::Reset,
            Step::Look | Step::B0SlotAfter => Phase::Swap,
            Step::HealthCheck | Step::ListHealthy => Phase::HealthCheck,
            Step::Confirm | Step::ListConfirmed => Phase::Confirm,
        }
    }

    /// What is asked for, in the words of a failure.
    pub const fn what(self) -> &'static str {
        match self {
            Step::Parameters => "parameters",
            Step::ReassemblyProbe => "echo",
            Step::BootMode => "bootloader information",
            Step::SlotInformation => "slot information",
            Step::Erase => "erase",
            Step::Upload | Step::HealthCheck => "upload",
            Step::StateUploaded | Step::StateMarked => "upload state",
            Step::Mark | Step::MarkProbe => "test",
            Step::Reset | Step::EnterLoader => "reset",
            Step::B0Slot | Step::B0SlotAfter => "bootloader slot",
            Step::Board => "OS information",
            Step::Confirm => "confirm",
            Step::ListBefore
            | Step::ListUploaded
            | Step::ListMarked
            | Step::Look
            | Step::LookLoader
            | Step::ListHealthy
            | Step::ListConfirmed => "image list",
        }
    }

    /// Whether the step takes the device down, or waits for it to come back.
    pub const fn resets(self) -> bool {
        self.is_reset() || self.awaits_return()
    }

    /// Whether there is a plan in this step.
    pub const fn needs_tasks(self) -> bool {
        !matches!(
            self,
            Step::Parameters
                | Step::ReassemblyProbe
                | Step::BootMode
                | Step::SlotInformation
                | Step::ListBefore
                | Step::B0Slot
                | Step::MarkProbe
                | Step::EnterLoader
                | Step::LookLoader
                | Step::Board
        )
    }

    pub const fn is_reset(self) -> bool {
        matches!(self, Step::Reset | Step::EnterLoader)
    }

    /// Whether the step asks until the device answers.
    pub const fn awaits_return(self) -> bool {
        matches!(self, Step::Look | Step::LookLoader)
    }

    /// The request of the step; `None` for the two that make none.
    pub fn request(self, context: &Context<'_>, limits: &Limits) -> Option<Request> {
        let ordinary = context.ordinary;
        let at_least = |floor_ms: u32| Patience { floor_ms: ordinary.floor_ms.max(floor_ms), ..ordinary };
        let read = |group, command, patience| {
            Request::new(Op::Read, group, command, body(|w| _ = w.map(0)), patience)
        };
        Some(match self {
            Step::Parameters => {
                let attempts = ordinary.attempts.min(context.first_attempts);
                read(group::OS, group::os::PARAMETERS, Patience { attempts, ..at_least(1_000) })
            }
            Step::ReassemblyProbe => {
                echo_of(limits.reassembly_probe_len(), Patience { attempts: 4, ..at_least(1_000) })
            }
            Step::BootMode => Request::new(
                Op::Read,
                group::OS,
                group::os::BOOTLOADER,
                body(|w| _ = w.map(1).text("query").text("mode")),
                at_least(1_000),
            ),
            Step::B0Slot | Step::B0SlotAfter => Request::new(
                Op::Read,
                group::OS,
                group::os::BOOTLOADER,
                body(|w| _ = w.map(1).text("query").text("active_b0_slot")),
                at_least(1_000),
            ),
            Step::Board => Request::new(
                Op::Read,
                group::OS,
                group::os::INFORMATION,
                body(|w| _ = w.map(1).text("format").text("i")),
                Patience { attempts: ordinary.attempts.min(3), ..at_least(1_000) },
            ),
            // Nothing can be tested without a hash: refused as invalid where there is the command (`img_mgmt_state_write`).
            Step::MarkProbe => state_write(None, false, at_least(1_000)),
            Step::SlotInformation => read(group::IMAGE, group::image::SLOT_INFORMATION, at_least(1_000)),
            Step::ListBefore
            | Step::ListUploaded
            | Step::ListMarked
            | Step::ListHealthy
            | Step::ListConfirmed => read(group::IMAGE, group::image::STATE, at_least(LIST_FLOOR_MS)),
            // Asked once and again by the step itself, since the device may be away.
            Step::Look | Step::LookLoader => read(
                group::IMAGE,
                group::image::STATE,
                Patience { floor_ms: context.rtt.clamp(1_000, 10_000), attempts: 1 },
            ),
            Step::Erase => Request::new(
                Op::Write,
                group::IMAGE,
                group::image::ERASE,
                body(|w| match context.slot {
                    Some(slot) => _ = w.map(1).text("slot").unsigned(u64::from(slot)),
                    None => _ = w.map(0),
                }),
                Patience { attempts: 3, ..at_least(ERASE_FLOOR_MS) },
            ),
            Step::Mark => state_write(
                context.image.map(|image| image.hash.as_bytes()),
                context.for_good,
                at_least(WRITE_FLOOR_MS),
            ),
            Step::Confirm => state_write(
                context.image.filter(|_| context.by_hash).map(|image| image.running_hash().as_bytes()),
                true,
                at_least(WRITE_FLOOR_MS),
            ),
            // Sent once where images run on trial: a second reset that arrives after the swap would revert it.
            Step::Reset => Request::new(
                Op::Write,
                group::OS,
                group::os::RESET,
                body(|w| _ = w.map(0)),
                Patience { attempts: context.resets, ..at_least(2_000) },
            ),
            Step::EnterLoader => Request::new(
                Op::Write,
                group::OS,
                group::os::RESET,
                body(|w| _ = w.map(1).text("boot_mode").unsigned(1)),
                Patience { attempts: context.resets, ..at_least(2_000) },
            ),
            // A chunk behind the end: the server drops it and answers with its own offset (`img_mgmt_upload_inspect`).
            Step::StateUploaded | Step::StateMarked => Request::new(
                Op::Write,
                group::IMAGE,
                group::image::UPLOAD,
                body(|w| {
                    let behind = context.length.saturating_add(1);
                    w.map(2).text("off").unsigned(u64::from(behind)).text("data").bytes(&[]);
                }),
                Patience { attempts: ordinary.attempts.min(4), ..at_least(1_000) },
            ),
            Step::Upload | Step::HealthCheck => return None,
        })
    }
}

fn body(write: impl Fn(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 128];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer);
    let length = writer.finish().unwrap_or(0);
    buffer[..length].to_vec()
}

fn state_write(hash: Option<&[u8]>, confirm: bool, patience: Patience) -> Request {
    let bytes = body(|w| {
        w.map(1 + usize::from(hash.is_some()));
        if let Some(hash) = hash {
            w.text("hash").bytes(hash);
        }
        w.text("confirm").bool(confirm);
    });
    Request::new(Op::Write, group::IMAGE, group::image::STATE, bytes, patience)
}

/// `off` of the answer to a chunk.
pub(crate) fn decode_offset(body: &[u8]) -> Option<u32> {
    let mut offset = None;
    cbor::entries(body, |key, value| {
        if key == "off" {
            offset = value.as_u32();
        }
    })
    .ok()?;
    offset
}

/// The failure for an error answer; `what` completes "the device refused".
pub(crate) fn refused(error: DeviceError, what: &str) -> Failure {
    let status = match (error.group, error.code) {
        (None, rc::NOT_SUPPORTED) => Status::NotSupported,
        (None, rc::ACCESS_DENIED) => Status::AccessDenied,
        (None, rc::NO_MEMORY | rc::BUSY) => Status::DeviceBusy,
        (Some(group::IMAGE), code::FLASH_OPEN_FAILED..=code::FLASH_ERASE_FAILED) => Status::FlashFailed,
        (Some(group::IMAGE), code::IMAGE_ALREADY_PENDING) => Status::SlotInUse,
        _ => Status::DeviceError,
    };
    Failure::new(status, format!("the device refused {what} ({error}).")).with_device(error)
}
