//! What speaks against an update before its first byte: each is refused with a sentence, and each is overridden by its name.

use serde_json::{Value, json};
use smpfota::simulator::{BootMode, DeviceProfile, Scenario, image};
use smpfota::{Failure, Status, UpdateMode, UpdateOptions};

use crate::drive::Passage;
use crate::firmware_support::Builder;
use crate::firmware_support::package::{Entry, archive};
use crate::kit::{
    self, Kind, body, count, each, entry, fails, file, kind, logged, mode, scenario, start_with, succeeds,
};

/// A package of these files: the board and the number of each, and its bytes.
fn package(files: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    let name = |number: &u32| format!("image_{number}.bin");
    let listed: Vec<String> = files
        .iter()
        .map(|(board, number, bytes)| {
            let (file, size) = (name(number), bytes.len());
            format!(r#"{{"type":"application","board":"{board}","image_index":"{number}","file":"{file}","size":{size}}}"#)
        })
        .collect();
    let manifest = format!(r#"{{"format-version":1,"time":1,"files":[{}]}}"#, listed.join(","));
    let mut entries = vec![Entry::new("manifest.json", manifest)];
    entries.extend(files.iter().map(|(_, number, bytes)| Entry::new(&name(number), bytes.clone())));
    archive(&entries)
}

fn new_server(board: &'static str) -> Scenario {
    scenario(DeviceProfile::Zephyr44).device(|device| device.board = board)
}

fn looking(options: UpdateOptions) -> UpdateOptions {
    UpdateOptions { check_only: true, ..options }
}

/// Refused by check and update alike, with these words, and without a write.
#[track_caller]
fn refused(
    scenario: &Scenario,
    file: &[u8],
    options: UpdateOptions,
    status: Status,
    words: &[&str],
) -> Failure {
    let mut sentences = Vec::new();
    for options in [looking(options), options] {
        let mut drive = start_with(scenario, file.to_vec(), options);
        let log = logged(&mut drive);
        sentences.push(fails(&mut drive, status, words));
        let writes = [Kind::SetState, Kind::Upload, Kind::Erase, Kind::Reset];
        assert!(log.borrow().iter().all(|(_, kind, _)| !writes.contains(kind)));
    }
    assert_eq!(sentences[0].sentence, sentences[1].sentence);
    sentences.remove(0)
}

/// What a check finds against the first image, by name.
#[track_caller]
fn against(scenario: &Scenario, file: &[u8], options: UpdateOptions) -> Vec<String> {
    let mut drive = start_with(scenario, file.to_vec(), looking(options));
    let plan = succeeds(&mut drive);
    let found = plan["images"][0]["against"].as_array().expect("a list").clone();
    for one in &found {
        assert!(one["sentence"].as_str().is_some_and(|sentence| sentence.len() > 40), "{plan}");
        assert!(
            Status::ALL.iter().any(|status| (json!(status.name()), json!(status.number()))
                == (one["name"].clone(), one["status"].clone())),
            "{plan}"
        );
    }
    found.iter().map(|one| one["objection"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn another_board_is_refused_where_the_device_tells_its_own() {
    let zip = package(&[("nrf5340dk/nrf5340/cpuapp", 0, file((1, 1, 0), 1))]);
    let here = new_server("nrf52840dk/nrf52840");
    let words = ["nrf5340dk/nrf5340/cpuapp", "nrf52840dk/nrf52840", "1.1.0", "ignore_board"];
    refused(&here, &zip, UpdateOptions::default(), Status::ImageUnsupported, &words);
    let options = UpdateOptions { ignore_board: true, ..UpdateOptions::default() };
    assert_eq!(against(&here, &zip, options), ["board"]);
    let mut drive = start_with(&here, zip.clone(), options);
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    // NCS 2.1 has no such command, and a virtual device says that it is none.
    let old = scenario(DeviceProfile::Ncs21);
    for scenario in [old, new_server("virtual device"), new_server("")] {
        assert!(against(&scenario, &zip, options).is_empty());
        assert_eq!(
            succeeds(&mut start_with(&scenario, zip.clone(), UpdateOptions::default()))["outcome"],
            "updated"
        );
    }
}

/// The same board under another name, another core, revision or variant.
#[test]
fn the_same_board_under_another_name_is_no_mismatch() {
    for (package_says, device_says) in [
        ("nrf5340dk", "nrf5340dk/nrf5340/cpuapp"),
        ("nrf5340dk/nrf5340/cpuapp/ns", "nrf5340dk/nrf5340/cpuapp"),
        ("nrf5340dk_nrf5340_cpuapp", "nrf5340dk/nrf5340/cpuapp"),
        ("nrf9160dk/nrf9160/ns", "nrf9160dk@0.14.0/nrf9160/ns"),
        ("nrf9160dk_nrf9160ns", "nrf9160dk_nrf9160_ns"),
    ] {
        let zip = package(&[(package_says, 0, file((1, 1, 0), 1))]);
        let mut drive = start_with(&new_server(device_says), zip, looking(UpdateOptions::default()));
        assert_eq!(succeeds(&mut drive)["images"][0]["against"], json!([]));
    }
}

#[test]
fn a_package_for_two_cores_is_no_mismatch() {
    for (application, core) in [
        ("nrf5340dk/nrf5340/cpuapp", "nrf5340dk/nrf5340/cpunet"),
        ("nrf5340dk_nrf5340_cpuapp", "nrf5340dk_nrf5340_cpunet"),
        ("thingy53/nrf5340/cpuapp", "another_radio"),
    ] {
        let scenario = new_server(application).device(|device| (device.images, device.buf_size) = (2, 1_024));
        let zip = package(&[(application, 0, file((1, 1, 0), 1)), (core, 1, file((1, 1, 1), 2))]);
        let mut drive = start_with(&scenario, zip, looking(UpdateOptions::default()));
        assert_eq!(succeeds(&mut drive)["images"][1]["against"], json!([]));
    }
}

fn asked_for_board(log: &kit::Log) -> usize {
    let asks = |frame: &[u8]| (frame[0] & 7, frame[5], frame[7]) == (0, 0, 7);
    log.borrow().iter().filter(|(_, _, frame)| asks(frame)).count()
}

/// It is asked for once, by its letter alone, and only where there is something to compare it with and to be done.
#[test]
fn the_board_is_asked_for_only_where_it_decides() {
    let image = file((1, 1, 0), 1);
    let zip = package(&[("nrf5340dk", 0, image.clone())]);
    let there = new_server("nrf5340dk/nrf5340/cpuapp");
    let mut drive = start_with(&there, zip.clone(), UpdateOptions::default());
    let log = logged(&mut drive);
    succeeds(&mut drive);
    assert_eq!(asked_for_board(&log), 1);
    let frame = log.borrow().iter().find(|(_, _, frame)| (frame[5], frame[7]) == (0, 7)).unwrap().2.clone();
    assert_eq!(entry(&body(&frame), "format").and_then(|format| format.as_text()), Some("i"));
    // What runs already, a file without a board, and an override.
    log.borrow_mut().clear();
    kit::again(&mut drive, zip.clone(), UpdateOptions::default());
    assert_eq!(succeeds(&mut drive)["outcome"], "already_installed");
    for (file, ignore_board) in [(image, false), (zip.clone(), true)] {
        let options = UpdateOptions { ignore_board, ..UpdateOptions::default() };
        let mut drive = start_with(&there, file, options);
        let log = logged(&mut drive);
        succeeds(&mut drive);
        assert_eq!(asked_for_board(&log), 0);
    }
    assert_eq!(asked_for_board(&log), 0);
}

/// A server that is silent about it, or answers nonsense, tells nothing.
#[test]
fn silence_about_the_board_is_got_over() {
    let zip = package(&[("nrf5340dk", 0, file((1, 1, 0), 1))]);
    for answer in [None, Some(kit::map(&[])), Some(kit::map(&[("output", 7.into())]))] {
        let mut drive = start_with(&new_server("nrf52840dk"), zip.clone(), UpdateOptions::default());
        drive.on_request = Some(Box::new(move |_, frame| match (frame[5], frame[7], &answer) {
            (0, 7, None) => Passage::Lost,
            (0, 7, Some(body)) => Passage::Answered(kit::answer(frame, body)),
            _ => Passage::Through,
        }));
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    }
}

/// An application of 1.1.0 with this security counter.
fn counting(counter: Option<u32>) -> Vec<u8> {
    let protected = counter.map(|counter| (0x50, counter.to_le_bytes().to_vec())).into_iter().collect();
    Builder { version: (1, 1, 0, 0), protected, ..Builder::default() }.build()
}

#[test]
fn a_security_counter_below_the_devices_is_refused() {
    each(|scenario| {
        let at = |security_counter| UpdateOptions { security_counter, ..UpdateOptions::default() };
        for (counter, needed, words) in [
            (Some(4), 5, "the security counter 4"),
            (None, 1, "no security counter"),
            (Some(0), u32::MAX, "counter 0"),
        ] {
            let words = [words, "1.1.0", &format!("{needed}"), "ignore_security_counter"];
            refused(&scenario, &counting(counter), at(needed), Status::DowngradeRefused, &words);
            let options = UpdateOptions { ignore_security_counter: true, ..at(needed) };
            assert_eq!(against(&scenario, &counting(counter), options), ["security_counter"]);
            let mut drive = start_with(&scenario, counting(counter), options);
            assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        }
        for (counter, needed) in [(Some(5), 5), (Some(6), 5), (None, 0), (Some(0), 0)] {
            assert!(against(&scenario, &counting(counter), at(needed)).is_empty());
        }
    });
}

/// Each image has a counter of its own, and the caller tells that of the application.
#[test]
fn the_counter_of_the_application_is_not_that_of_another_image() {
    let scenario = new_server("").device(|device| (device.images, device.buf_size) = (2, 1_024));
    let zip = package(&[("", 0, counting(Some(9))), ("", 1, counting(Some(1)))]);
    let options = UpdateOptions { security_counter: 9, ..looking(UpdateOptions::default()) };
    assert_eq!(succeeds(&mut start_with(&scenario, zip, options))["outcome"], "checked");
}

#[test]
fn what_would_never_start_is_refused_and_can_be_sent_all_the_same() {
    for boot in [BootMode::DirectXip, BootMode::DirectXipRevert, BootMode::RamLoad] {
        let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = boot);
        for version in [(0, 9, 0), (1, 0, 0)] {
            let image = image::make(version, 6_000, 77);
            let words = ["would never start", "ignore_version"];
            refused(&scenario, &image, UpdateOptions::default(), Status::DowngradeRefused, &words);
            let options = UpdateOptions { ignore_version: true, ..UpdateOptions::default() };
            assert_eq!(against(&scenario, &image, options), ["version"]);
            let mut drive = start_with(&scenario, image, options);
            let log = logged(&mut drive);
            // It is sent, and the bootloader does what it does.
            let end = drive.run(drive.now_ms() + kit::BOUND_MS);
            assert!(matches!(end, crate::drive::End::Failed(_)), "{end:?}");
            assert!(count(&log, Kind::Upload) > 10);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_can_be_sent_all_the_same() {
    each(|scenario| {
        let image = scenario.image();
        let small = UpdateOptions { slot_size: 5_999, ..UpdateOptions::default() };
        let words = ["6000 bytes", "takes 5999", "ignore_size"];
        refused(&scenario, &image, small, Status::SlotTooSmall, &words);
        let options = UpdateOptions { ignore_size: true, ..small };
        assert_eq!(against(&scenario, &image, options), ["size"]);
        // The figure was wrong.
        assert_eq!(succeeds(&mut start_with(&scenario, image, options))["outcome"], "updated");
    });
}

#[test]
fn a_number_that_the_device_lacks_is_refused_and_can_be_sent_all_the_same() {
    each(|scenario| {
        let zip = package(&[("", 1, file((1, 1, 0), 1))]);
        let words = ["for image 1", "the device has", "ignore_image_number"];
        refused(&scenario, &zip, UpdateOptions::default(), Status::ImageUnsupported, &words);
        let options = UpdateOptions { ignore_image_number: true, ..UpdateOptions::default() };
        assert_eq!(against(&scenario, &zip, options), ["image_number"]);
        let mut drive = start_with(&scenario, zip, options);
        let sent = std::rc::Rc::new(std::cell::Cell::new(None));
        let seen = sent.clone();
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::Upload && seen.get().is_none() {
                seen.set(kit::number(&body(frame), "image"));
            }
            Passage::Through
        }));
        drive.run(drive.now_ms() + kit::BOUND_MS);
        assert_eq!(sent.get(), Some(1));
    });
}

/// A way back that was asked for by its name: refused where there is none, and told by every check.
#[test]
fn no_way_back_is_refused_where_one_was_asked_for() {
    let asked = |mode| UpdateOptions { require_way_back: true, ..kit::mode(mode) };
    for (boot, way) in [
        (BootMode::SwapMove, "until_confirmed"),
        (BootMode::SwapOffset, "until_confirmed"),
        (BootMode::DirectXipRevert, "until_confirmed"),
        // Some builds have marks and do not tell.
        (BootMode::DirectXip, "unknown"),
        (BootMode::RamLoad, "unknown"),
        (BootMode::OverwriteOnly, "none"),
        (BootMode::FirmwareLoader, "none"),
    ] {
        let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = boot);
        let image = scenario.image();
        let mut drive = start_with(&scenario, image.clone(), looking(UpdateOptions::default()));
        assert_eq!(succeeds(&mut drive)["images"][0]["way_back"], way, "{boot:?}");
        let mut drive = start_with(&scenario, image.clone(), looking(mode(UpdateMode::UploadOnly)));
        assert_eq!(succeeds(&mut drive)["images"][0]["way_back"], Value::Null);
        for update in [UpdateMode::TestAndConfirm, UpdateMode::TestOnly] {
            if way == "none" {
                let words = ["asked for a way back", "1.1.0", "it stays"];
                refused(&scenario, &image, asked(update), Status::NotSupported, &words);
            } else {
                succeeds(&mut start_with(&scenario, image.clone(), asked(update)));
            }
        }
        // What is only uploaded starts nothing.
        assert_eq!(
            succeeds(&mut start_with(&scenario, image, asked(UpdateMode::UploadOnly)))["outcome"],
            "uploaded"
        );
    }
    let firmware = smpfota::Firmware::parse(file((1, 1, 0), 1)).unwrap();
    let mut session = smpfota::Session::open(smpfota::SessionOptions::default()).unwrap();
    let refused = session.start_update(firmware.into(), asked(UpdateMode::ConfirmAtOnce)).unwrap_err();
    assert_eq!(refused.status, Status::InvalidArgument);
    assert!(refused.sentence.contains("require_way_back"), "{refused}");
}

/// A device that tells nothing is presumed to swap; a trial of it is not ruled out.
#[test]
fn an_untold_way_back_is_none_that_is_refused() {
    let scenario = scenario(DeviceProfile::Ncs21);
    let options = UpdateOptions { require_way_back: true, ..UpdateOptions::default() };
    let mut drive = start_with(&scenario, scenario.image(), looking(options));
    assert_eq!(succeeds(&mut drive)["images"][0]["way_back"], "unknown");
    assert_eq!(succeeds(&mut start_with(&scenario, scenario.image(), options))["outcome"], "updated");
}

/// What was overridden stays so in another process.
#[test]
fn overrides_are_restored() {
    let zip = package(&[("nrf5340dk", 0, counting(Some(1)))]);
    let scenario = new_server("nrf52840dk");
    let options = UpdateOptions {
        ignore_board: true,
        ignore_security_counter: true,
        ignore_size: true,
        security_counter: 7,
        slot_size: 100,
        ..looking(UpdateOptions::default())
    };
    let mut drive = start_with(&scenario, zip.clone(), options);
    drive.step();
    let saved = drive.session.snapshot().unwrap();
    let firmware = smpfota::Firmware::parse(zip).unwrap();
    drive.session = smpfota::Session::restore(&saved, Some(firmware.into()), None).unwrap();
    let plan = succeeds(&mut drive);
    let against: Vec<_> =
        plan["images"][0]["against"].as_array().unwrap().iter().map(|one| one["objection"].clone()).collect();
    assert_eq!(against, ["board", "security_counter", "size"], "{plan}");
}
