//! MCUboot's serial recovery: it writes the slot that runs, knows no resume, no marks and no confirmation.

use smpfota::simulator::{DeviceProfile, Scenario, Transport};
use smpfota::{Framing, Phase, SessionOptions, Status, UpdateMode, UpdateOptions};

use crate::drive::{Drive, Passage};
use crate::kit::*;

/// A device in recovery mode; what boots afterwards is the application of either kind.
fn in_recovery(scenario: Scenario) -> Scenario {
    scenario.device(|device| device.recovery = true)
}

/// The same behind a console, which is how it is reached in the field.
fn over_serial(scenario: Scenario) -> (Scenario, SessionOptions) {
    let scenario = in_recovery(scenario).device(|device| {
        device.transport = Transport::Serial;
        device.buf_size = 1_024;
    });
    (scenario, SessionOptions { framing: Framing::Serial, ..SessionOptions::default() })
}

#[test]
fn an_update_over_serial_framing_ends_with_the_application_running() {
    for options in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce] {
        each(|scenario| {
            let (scenario, session) = over_serial(scenario);
            let mut drive = Drive::update(&scenario, session, mode(options));
            let result = succeeds(&mut drive);
            assert_eq!((&result["outcome"], &result["boot_mode"]), (&"updated".into(), &"recovery".into()));
            assert_eq!(result["images"][0]["from"], "1.0.0");
            assert_eq!(result["images"][0]["confirmed"], true);
            assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
        });
    }
}

#[test]
fn neither_marks_nor_confirmations_are_sent_there() {
    each(|scenario| {
        let options = UpdateOptions { erase_first: true, ..UpdateOptions::default() };
        let mut drive = start(&in_recovery(scenario), options);
        let log = logged(&mut drive);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        // The upload erases by itself, and the command may not be there.
        assert_eq!(
            (count(&log, Kind::SetState), count(&log, Kind::Erase), count(&log, Kind::Reset)),
            (0, 0, 1)
        );
    });
}

#[test]
fn upload_only_stays_in_recovery() {
    each(|scenario| {
        let (scenario, session) = over_serial(scenario);
        let mut drive = Drive::update(&scenario, session, mode(UpdateMode::UploadOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "uploaded");
        assert_eq!(boots(&drive), 0);
        assert_eq!(drive.link.device().slot_bytes(0, 0), scenario.image());
    });
}

#[test]
fn what_lies_there_already_is_only_started() {
    each(|scenario| {
        let scenario = in_recovery(scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.link.device_mut().install(&scenario.image()).unwrap();
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], drive.upload_frames, boots(&drive)), (&"updated".into(), 0, 1));
    });
}

/// Nothing bootable is listed at all.
#[test]
fn an_empty_device_is_filled() {
    each(|scenario| {
        let scenario = in_recovery(scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(|_, frame| {
            let mut list = body(frame);
            if kind(frame) == Kind::List && EMPTY.get() {
                EMPTY.set(false);
                set(&mut list, "images", ciborium::Value::Array(vec![]));
                return Passage::Changed(rewritten(frame, &list));
            }
            Passage::Through
        }));
        EMPTY.set(true);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

thread_local! {
    static EMPTY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The hash in the list is an option of MCUboot (`MCUBOOT_SERIAL_IMG_GRP_HASH`); then the version has to do until the
/// application tells the hash.
#[test]
fn a_list_without_hashes_will_do_until_the_application_answers() {
    each(|scenario| {
        let mut drive = start(&in_recovery(scenario), UpdateOptions::default());
        drive.on_answer = lists(|_, images| {
            for image in images {
                if entry(image, "active").is_none() {
                    image.as_map_mut().unwrap().retain(|(key, _)| key.as_text() != Some("hash"));
                }
            }
        });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

/// The list is optional too; the application's decides.
#[test]
fn a_recovery_without_a_list_is_verified_by_the_application() {
    each(|scenario| {
        let scenario = in_recovery(scenario);
        let without = |drive: &mut Drive| {
            drive.on_request = Some(Box::new(|_, frame| {
                // Up to the reset recovery answers.
                if kind(frame) == Kind::Reset {
                    LISTS.set(true);
                }
                if kind(frame) == Kind::List && !LISTS.get() { rc(frame, 8) } else { Passage::Through }
            }));
            LISTS.set(false);
        };
        let mut drive = start(&scenario, UpdateOptions::default());
        without(&mut drive);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        // Without the application's word there is nothing to promise.
        let mut drive = start(&scenario, mode(UpdateMode::UploadOnly));
        without(&mut drive);
        fails(&mut drive, Status::NotSupported, &["1.1.0", "list"]);
        assert_eq!(drive.upload_frames, 0);
    });
}

thread_local! {
    static LISTS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[test]
fn a_device_that_stays_in_recovery_is_named() {
    each(|scenario| {
        let mut drive = start(&in_recovery(scenario), UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| match kind(frame) {
            Kind::Reset => rc(frame, 0),
            _ => Passage::Through,
        }));
        fails(&mut drive, Status::NotSwapped, &["1.1.0", "recovery"]);
    });
}

#[test]
fn an_application_without_smp_does_not_return_from_recovery() {
    each(|scenario| {
        let mut drive = start(&in_recovery(scenario), UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Swap), None);
        drive.on_request = Some(Box::new(|_, _| Passage::Lost));
        fails(&mut drive, Status::DidNotReturn, &["1.1.0", "recovery", "SMP"]);
    });
}

/// Recovery knows no resume: an answer that is lost costs a new start, and the image is whole all the same.
#[test]
fn a_lost_first_answer_and_a_dropped_link_start_over() {
    each(|scenario| {
        let scenario = in_recovery(scenario);
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut lost = false;
        drive.on_answer = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::Upload && !lost {
                lost = true;
                return Passage::Lost;
            }
            Passage::Through
        }));
        while drive.session.progress(drive.now_ms()).bytes_acknowledged < 2_000 {
            assert_eq!(drive.step(), None);
        }
        drive.set_link(false);
        assert_eq!(drive.idle(5_000), None);
        drive.set_link(true);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(drive.link.device().slot_bytes(0, 0), scenario.image());
    });
}

#[test]
fn the_callers_slot_size_counts_in_recovery() {
    each(|scenario| {
        let options = UpdateOptions { slot_size: 5_999, ..UpdateOptions::default() };
        fails(&mut start(&in_recovery(scenario), options), Status::SlotTooSmall, &["6000", "5999"]);
    });
}

/// A server in recovery that tells the states (`MCUBOOT_SERIAL_IMG_GRP_IMAGE_STATE`) looks like an application until the
/// upload turns up in the slot that runs.
#[test]
fn recovery_with_image_states_is_found_out_by_where_the_upload_went() {
    for profile in DeviceProfile::ALL {
        let scenario = in_recovery(scenario(*profile));
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = lists(|_, images| {
            for image in images {
                if entry(image, "active").is_none() && number(image, "slot") == Some(0) {
                    for flag in ["bootable", "confirmed", "active"] {
                        set(image, flag, true.into());
                    }
                }
            }
        });
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!((runs(&mut drive), boots(&drive)), ("1.1.0".into(), 1));
    }
}
