//! A look before the first byte: it writes nothing, and the update then does what it said.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use smpfota::simulator::DeviceProfile;
use smpfota::{Session, Status, UpdateMode, UpdateOptions};

use crate::kit::{self, Kind, again, body, each, entry, fails, file, logged, number, start, succeeds};

fn looking(options: UpdateOptions) -> UpdateOptions {
    UpdateOptions { check_only: true, ..options }
}

/// What an update did, by its requests: uploaded to which number, marked how.
fn done(log: &kit::Log) -> (Option<u64>, &'static str) {
    let log = log.borrow();
    let first = log.iter().find(|(_, kind, _)| *kind == Kind::Upload);
    let uploaded = first.map(|(_, _, frame)| number(&body(frame), "image").unwrap_or(0));
    let mark = log
        .iter()
        .take_while(|(_, kind, _)| *kind != Kind::Reset)
        .find(|(_, kind, _)| *kind == Kind::SetState);
    let marked = match mark.map(|(_, _, frame)| entry(&body(frame), "confirm").and_then(|c| c.as_bool())) {
        None => "none",
        Some(Some(true)) => "for_good",
        Some(_) => "trial",
    };
    (uploaded, marked)
}

#[test]
fn a_check_writes_nothing_and_the_update_agrees_with_it() {
    for mode in
        [UpdateMode::TestAndConfirm, UpdateMode::TestOnly, UpdateMode::ConfirmAtOnce, UpdateMode::UploadOnly]
    {
        each(|scenario| {
            let options = UpdateOptions { mode, ..UpdateOptions::default() };
            let mut drive = start(&scenario, looking(options));
            let log = logged(&mut drive);
            let plan = succeeds(&mut drive);
            let writes = [Kind::SetState, Kind::Upload, Kind::Erase, Kind::Reset];
            assert!(log.borrow().iter().all(|(_, kind, _)| !writes.contains(kind)), "{:?}", log.borrow());
            assert_eq!(drive.link.device().counters().written_running, 0);
            assert_eq!((&plan["operation"], &plan["outcome"]), (&json!("check"), &json!("checked")));
            assert_eq!(
                plan["counts"]["phases"].as_object().unwrap().keys().collect::<Vec<_>>(),
                ["discover"]
            );
            let planned = &plan["images"][0];
            assert_eq!(planned["action"], "upload", "{plan}");
            assert_eq!((&planned["from"], &planned["to"]), (&json!("1.0.0"), &json!("1.1.0")));

            again(&mut drive, scenario.image(), options);
            log.borrow_mut().clear();
            let result = succeeds(&mut drive);
            let (uploaded, marked) = done(&log);
            assert_eq!(planned["upload_number"].as_u64(), uploaded);
            assert_eq!(planned["mark"], marked, "{plan}");
            let end = match result["outcome"].as_str().unwrap() {
                "updated" => "confirmed",
                other => other,
            };
            assert_eq!(planned["end"], end, "{result}");
        });
    }
}

#[test]
fn what_is_installed_needs_nothing() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        succeeds(&mut drive);
        again(&mut drive, scenario.image(), looking(UpdateOptions::default()));
        let plan = succeeds(&mut drive);
        assert_eq!(plan["images"][0]["action"], "nothing", "{plan}");
        assert_eq!(plan["images"][0]["upload_bytes"], Value::Null);
    });
}

/// Behind an application without image group all that can be planned is the reset into its loader.
#[test]
fn an_update_that_enters_a_loader_is_planned_as_such() {
    let loader = smpfota::simulator::FieldDevice::from_name("loader").unwrap();
    let scenario = kit::scenario(DeviceProfile::Zephyr44).device(|device| loader.apply(device));
    let options = UpdateOptions { enter_loader: true, ..UpdateOptions::default() };
    let mut drive = start(&scenario, looking(options));
    let planned = &succeeds(&mut drive)["images"][0];
    assert_eq!(planned["action"], "enter_loader", "{planned}");
    assert_eq!((&planned["upload_number"], &planned["way_back"]), (&Value::Null, &Value::Null));
    again(&mut drive, scenario.image(), options);
    assert_eq!(succeeds(&mut drive)["outcome"], "unverified");
}

/// Without a way back nothing is planned to end on trial, and what cannot be erased with a command is not.
#[test]
fn a_plan_promises_no_trial_where_there_is_none() {
    let over = |device: &mut smpfota::simulator::DeviceOptions| {
        device.boot_mode = smpfota::simulator::BootMode::OverwriteOnly;
    };
    let scenario = kit::scenario(DeviceProfile::Zephyr44).device(over);
    let options = UpdateOptions { mode: UpdateMode::TestOnly, ..UpdateOptions::default() };
    let planned = succeeds(&mut start(&scenario, looking(options)))["images"][0].clone();
    assert_eq!((&planned["end"], &planned["way_back"]), (&json!("confirmed"), &json!("none")));

    let recovery = smpfota::simulator::FieldDevice::from_name("recovery-1.9").unwrap();
    let scenario = kit::scenario(DeviceProfile::Ncs21).device(|device| recovery.apply(device));
    let options = UpdateOptions { erase_first: true, ..UpdateOptions::default() };
    let planned = succeeds(&mut start(&scenario, looking(options)))["images"][0].clone();
    assert_eq!((&planned["kind"], &planned["erase_first"]), (&json!("recovery"), &json!(false)));
}

/// What the update would refuse before its first byte, the check refuses with the same words.
#[test]
fn a_refusal_is_the_updates_own() {
    each(|scenario| {
        let options = UpdateOptions { upgrade_only: true, ..UpdateOptions::default() };
        let mut sentences = Vec::new();
        for options in [looking(options), options] {
            let mut drive = kit::start_with(&scenario, file((0, 9, 0), 1), options);
            sentences.push(fails(&mut drive, Status::DowngradeRefused, &[]).sentence);
        }
        assert_eq!(sentences[0], sentences[1]);
    });
}

/// A check that another process goes on with stays a check.
#[test]
fn a_restored_check_writes_nothing() {
    let scenario = kit::scenario(DeviceProfile::Zephyr44);
    let mut drive = start(&scenario, looking(UpdateOptions::default()));
    assert!(drive.send().is_none());
    let saved = drive.session.snapshot().unwrap();
    let firmware = smpfota::Firmware::parse(scenario.image()).unwrap();
    drive.session = Session::restore(&saved, Some(std::sync::Arc::new(firmware)), None).unwrap();
    let writes = Rc::new(RefCell::new(0));
    let count = writes.clone();
    drive.on_request = Some(Box::new(move |_, frame| {
        let kind = kit::kind(frame);
        *count.borrow_mut() +=
            u32::from([Kind::SetState, Kind::Upload, Kind::Erase, Kind::Reset].contains(&kind));
        crate::drive::Passage::Through
    }));
    assert_eq!(succeeds(&mut drive)["operation"], "check");
    assert_eq!(*writes.borrow(), 0);
}
