//! Packages: several images in one update, and direct-XIP alternatives.

#[path = "../firmware_support/package.rs"]
mod package;

use std::cell::RefCell;
use std::rc::Rc;

use package::{Entry, archive};
use smpfota::simulator::{BootMode, DeviceProfile, EraseMode, Scenario};
use smpfota::{Phase, SessionOptions, Status, UpdateMode, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::*;

/// A `dfu_application.zip` of these entries: name, image number, direct-XIP slot, content.
pub fn zip(files: &[(&str, u32, Option<u32>, Vec<u8>)]) -> Vec<u8> {
    let listed: Vec<String> = files
        .iter()
        .map(|(name, image, slot, bytes)| {
            let slot = slot.map_or(String::new(), |slot| format!(r#""slot":"{slot}","#));
            let size = bytes.len();
            format!(
                r#"{{"type":"application","board":"nrf5340dk","soc":"nrf5340","load_address":66048,{slot}"image_index":"{image}","file":"{name}","size":{size},"modtime":1786861789}}"#
            )
        })
        .collect();
    let manifest = format!(r#"{{"format-version":1,"time":1786861789,"files":[{}]}}"#, listed.join(","));
    let mut entries = vec![Entry::new("manifest.json", manifest)];
    // The SDK stores, other tools deflate.
    entries.extend(files.iter().enumerate().map(|(index, (name, _, _, bytes))| {
        let entry = Entry::new(name, bytes.clone());
        if index == 0 { entry } else { entry.deflated() }
    }));
    archive(&entries)
}

/// An application of 1.1.0 and a network core of 2.1.0, in the wrong order.
pub fn two_cores() -> Vec<u8> {
    zip(&[("net.bin", 1, None, file((2, 1, 0), 21)), ("app.bin", 0, None, file((1, 1, 0), 11))])
}

/// A device with two images, both of 1.0.0, and buffers that hold the list of four slots.
pub fn two_images(test: impl Fn(Scenario)) {
    each(|scenario| {
        test(scenario.device(|device| {
            device.images = 2;
            device.buf_size = 1_024;
        }));
    });
}

#[test]
fn buffers_too_small_for_the_list_are_named() {
    two_images(|scenario| {
        let scenario = scenario.device(|device| device.buf_size = 256);
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        let failure = fails(&mut drive, Status::DeviceError, &["list its images", "NETBUF_SIZE"]);
        assert_eq!(failure.device.map(|device| device.code), Some(7));
    });
}

#[test]
fn a_package_of_one_image_is_an_image() {
    each(|scenario| {
        let zip = zip(&[("app.bin", 0, None, file((1, 1, 0), 11))]);
        let mut drive = start_with(&scenario, zip, UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], runs(&mut drive)), (&"updated".into(), "1.1.0".into()));
    });
}

#[test]
fn two_images_are_uploaded_in_order_marked_and_reset_once() {
    for options in [UpdateMode::TestAndConfirm, UpdateMode::ConfirmAtOnce] {
        two_images(|scenario| {
            let mut drive = start_with(&scenario, two_cores(), mode(options));
            let log = logged(&mut drive);
            let result = succeeds(&mut drive);
            assert_eq!(result["outcome"], "updated");
            assert_eq!(result["images"][0]["to"], "1.1.0");
            assert_eq!(result["images"][1]["to"], "2.1.0");
            assert_eq!(result["images"][1]["image"], 1);
            assert_eq!(result["uploaded_bytes"], 12_000);
            for image in 0..2 {
                assert_eq!(result["images"][image]["confirmed"], true, "image {image}");
                assert_eq!(result["images"][image]["from"], "1.0.0");
            }
            assert_eq!((boots(&drive), count(&log, Kind::Reset)), (1, 1));
            // The application first, then the network core; both before any mark, both marks before the reset.
            let order: Vec<(Kind, u64)> = log
                .borrow()
                .iter()
                .filter(|(_, kind, frame)| match kind {
                    Kind::Upload => number(&body(frame), "off") == Some(0),
                    Kind::SetState | Kind::Reset => true,
                    _ => false,
                })
                .map(|(_, kind, frame)| (*kind, number(&body(frame), "image").unwrap_or(0)))
                .collect();
            assert_eq!(order[..2], [(Kind::Upload, 0), (Kind::Upload, 1)]);
            assert_eq!(order[2..5], [(Kind::SetState, 0), (Kind::SetState, 0), (Kind::Reset, 0)]);
            // For good: another reset changes nothing.
            drive.link.device_mut().reboot(drive.now_us);
            let versions: Vec<String> =
                slots(&mut drive).into_iter().filter(|slot| slot.contains("/0 ")).collect();
            assert!(
                versions[0].starts_with("0/0 1.1.0") && versions[1].starts_with("1/0 2.1.0"),
                "{versions:?}"
            );
        });
    }
}

#[test]
fn progress_runs_over_all_images() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        let mut before = 0;
        let mut seen = [false; 2];
        while drive.step().is_none() {
            let progress = drive.session.progress(drive.now_ms());
            assert!(progress.bytes_acknowledged >= before, "{progress:?}");
            before = progress.bytes_acknowledged;
            assert_eq!(progress.bytes_total, 12_000);
            if progress.phase == Phase::Upload {
                assert_eq!(progress.image_count, 2);
                seen[progress.image_index as usize] = true;
                let own = progress.bytes_acknowledged / 6_000;
                assert!(own <= u64::from(progress.image_index) + 1, "{progress:?}");
            }
        }
        assert_eq!((before, seen), (12_000, [true; 2]));
    });
}

#[test]
fn only_the_image_that_is_missing_is_uploaded() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        drive.link.device_mut().install(&file((1, 1, 0), 11)).unwrap();
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &6_000.into()));
        // And once more nothing at all.
        again(&mut drive, two_cores(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "already_installed");
    });
}

#[test]
fn a_second_image_that_the_bootloader_refuses_is_named() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        drive.on_request = Some(Box::new(|_, frame| {
            // The network core's chunks, by a body that the application does not have.
            if kind(frame) == Kind::Upload && IMAGE.with(|image| seen_image(image, frame)) == 1 {
                let off = number(&body(frame), "off").unwrap();
                if (2_000..2_300).contains(&off) {
                    let mut frame = frame.to_vec();
                    *frame.last_mut().unwrap() ^= 1;
                    return Passage::Changed(frame);
                }
            }
            Passage::Through
        }));
        fails(&mut drive, Status::NotSwapped, &["image 1", "2.1.0", "1.0.0"]);
    });
}

thread_local! {
    static IMAGE: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The image number of an upload; only first chunks tell it.
fn seen_image(image: &std::cell::Cell<u64>, frame: &[u8]) -> u64 {
    let body = body(frame);
    if number(&body, "off") == Some(0) {
        image.set(number(&body, "image").unwrap_or(0));
    }
    image.get()
}

#[test]
fn a_slot_too_small_for_one_image_is_told_before_any_is_sent() {
    let both = zip(&[
        ("app.bin", 0, None, file((1, 1, 0), 11)),
        ("net.bin", 1, None, smpfota::simulator::image::make((2, 1, 0), 9_000, 21)),
    ]);
    two_images(|scenario| {
        let scenario = scenario.device(|device| device.slot_size = 0x2000);
        let options = UpdateOptions { slot_size: 0x2000, ..UpdateOptions::default() };
        let mut drive = start_with(&scenario, both.clone(), options);
        fails(&mut drive, Status::SlotTooSmall, &["image 1", "2.1.0", "9000", "8192"]);
        assert_eq!(drive.upload_frames, 0);
    });
}

/// Erasing goes image by image, by the number of the slot over all images.
#[test]
fn each_slot_is_erased_before_its_upload() {
    two_images(|scenario| {
        let options = UpdateOptions { erase_first: true, ..UpdateOptions::default() };
        let mut drive = start_with(&scenario, two_cores(), options);
        let log = logged(&mut drive);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        let erased: Vec<Option<u64>> = log
            .borrow()
            .iter()
            .filter(|(_, kind, _)| *kind == Kind::Erase)
            .map(|(_, _, frame)| number(&body(frame), "slot"))
            .collect();
        assert_eq!(erased, [None, Some(3)]);
    });
}

#[test]
fn an_unhealthy_application_goes_back() {
    two_images(|scenario| {
        let options = UpdateOptions { health_check: true, ..UpdateOptions::default() };
        let mut drive = start_with(&scenario, two_cores(), options);
        drive.healthy = false;
        let words = ["1.1.0", "1.0.0 again", "2.1.0 of image 1 stays"];
        fails(&mut drive, Status::HealthCheckFailed, &words);
    });
}

fn halves() -> Vec<u8> {
    zip(&[
        ("primary.bin", 0, Some(0), file((1, 1, 0), 30)),
        ("secondary.bin", 0, Some(1), file((1, 1, 0), 31)),
    ])
}

fn newer_halves() -> Vec<u8> {
    zip(&[
        ("primary.bin", 0, Some(0), file((1, 2, 0), 40)),
        ("secondary.bin", 0, Some(1), file((1, 2, 0), 41)),
    ])
}

#[test]
fn of_two_halves_the_one_for_the_free_slot_is_chosen() {
    for boot in [BootMode::DirectXip, BootMode::DirectXipRevert] {
        let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = boot);
        let mut drive = start_with(&scenario, halves(), UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &6_000.into()));
        assert_eq!(result["images"].as_array().unwrap().len(), 1);
        assert_eq!(drive.link.device().slot_bytes(0, 1), file((1, 1, 0), 31));
        // The other half of the same version is installed as well as can be.
        again(&mut drive, halves(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "already_installed", "{boot:?}");
        // Now slot 1 runs, and the primary half is the one that fits.
        again(&mut drive, newer_halves(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(drive.link.device().slot_bytes(0, 0), file((1, 2, 0), 40));
        assert_eq!(runs(&mut drive), "1.2.0");
    }
}

#[test]
fn one_half_alone_fits_one_slot_only() {
    let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = BootMode::DirectXip);
    let primary = zip(&[("primary.bin", 0, Some(0), file((1, 1, 0), 30))]);
    let mut drive = start_with(&scenario, primary, UpdateOptions::default());
    fails(&mut drive, Status::ImageUnsupported, &["slot"]);
    assert_eq!(drive.upload_frames, 0);
}

/// A bootloader that swaps runs everything from slot 0, so the half built for slot 0 is the right one there.
#[test]
fn of_two_halves_a_bootloader_that_swaps_gets_the_primary() {
    let scenario = scenario(DeviceProfile::Zephyr44);
    let mut drive = start_with(&scenario, halves(), UpdateOptions::default());
    assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    assert_eq!(drive.link.device().slot_bytes(0, 0), file((1, 1, 0), 30));
}

/// A pause between the two uploads, and a link that goes down there.
#[test]
fn a_package_survives_a_link_that_drops_between_its_images() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        while drive.session.progress(drive.now_ms()).image_index == 0 {
            assert_eq!(drive.step(), None);
        }
        drive.set_link(false);
        assert_eq!(drive.idle(10_000), None);
        drive.set_link(true);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
    });
}

#[test]
fn a_package_starts_where_an_earlier_session_ended() {
    two_images(|scenario| {
        let mut drive = Drive::new(SessionOptions::default(), scenario.build());
        again(&mut drive, two_cores(), UpdateOptions::default());
        while drive.session.progress(drive.now_ms()).bytes_acknowledged < 8_000 {
            assert_eq!(drive.step(), None);
        }
        drive.session.cancel(drive.now_ms());
        let frames = drive.upload_frames;
        again(&mut drive, two_cores(), UpdateOptions::default());
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert!(drive.upload_frames - frames < frames, "{} after {frames}", drive.upload_frames - frames);
    });
}

/// Image 1 is on trial and cannot be confirmed over SMP; the reset that image 0 needs would take it back unnoticed.
#[test]
fn an_image_on_trial_is_not_lost_by_the_reset_of_another() {
    let network = file((2, 1, 0), 21);
    two_images(|scenario| {
        let running = smpfota::simulator::image::make((1, 0, 0), 4_096, 1);
        let first = zip(&[("app.bin", 0, None, running), ("net.bin", 1, None, network.clone())]);
        let mut drive = start_with(&scenario, first, mode(UpdateMode::TestOnly));
        assert_eq!(succeeds(&mut drive)["outcome"], "on_trial");
        again(&mut drive, two_cores(), UpdateOptions::default());
        fails(&mut drive, Status::SlotInUse, &["2.1.0 of image 1", "trial", "1.1.0 of image 0"]);
        assert_eq!(boots(&drive), 1);
    });
}

/// Some network cores have no list of what they run: then nothing is claimed.
#[test]
fn an_image_that_is_not_listed_after_the_reset_is_not_called_installed() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        assert_eq!(drive.run_to(Phase::Swap), None);
        drive.on_answer = lists(|_, images| images.retain(|image| number(image, "image") == Some(0)));
        fails(&mut drive, Status::Contradiction, &["image 1", "2.1.0"]);
    });
}

/// The first mark is refused although it is there: the second image is marked all the same.
#[test]
fn a_refused_mark_that_is_there_does_not_leave_the_next_image_unmarked() {
    two_images(|scenario| {
        let old = is_old(&scenario);
        let mut drive = start_with(&scenario, two_cores(), UpdateOptions::default());
        drive.on_answer = Some(Box::new(move |_, frame| {
            if kind(frame) == Kind::SetState && !REFUSED.replace(true) {
                let error = map(&[("group", 1.into()), ("rc", 28.into())]);
                let body = if old { map(&[("rc", 6.into())]) } else { map(&[("err", error)]) };
                return Passage::Changed(rewritten(frame, &body));
            }
            Passage::Through
        }));
        REFUSED.set(false);
        assert_eq!(succeeds(&mut drive)["outcome"], "updated");
        assert_eq!(boots(&drive), 1);
    });
}

thread_local! {
    static REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[test]
fn of_two_halves_one_counts_in_the_progress() {
    let scenario = scenario(DeviceProfile::Zephyr44).device(|device| device.boot_mode = BootMode::DirectXip);
    let mut drive = start_with(&scenario, halves(), UpdateOptions::default());
    assert_eq!(drive.session.progress(0).bytes_total, 6_000);
    succeeds(&mut drive);
    assert_eq!(drive.session.progress(drive.now_ms()).bytes_total, 6_000);
}

#[test]
fn two_images_go_on_trial_together_and_back_together() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), mode(UpdateMode::TestOnly));
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], boots(&drive)), (&"on_trial".into(), 1));
        assert_eq!(running(&mut drive), ["0/0 1.1.0", "1/0 2.1.0"]);
        drive.link.device_mut().reboot(drive.now_us);
        assert_eq!(running(&mut drive), ["0/0 1.0.0", "1/0 1.0.0"]);
    });
}

#[test]
fn two_images_are_only_uploaded_where_that_was_asked_for() {
    two_images(|scenario| {
        let mut drive = start_with(&scenario, two_cores(), mode(UpdateMode::UploadOnly));
        let log = logged(&mut drive);
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"uploaded".into(), &12_000.into()));
        assert_eq!((boots(&drive), count(&log, Kind::SetState)), (0, 0));
        assert_eq!(running(&mut drive), ["0/0 1.0.0", "1/0 1.0.0"]);
        // A full update goes on from there.
        again(&mut drive, two_cores(), UpdateOptions::default());
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["uploaded_bytes"]), (&"updated".into(), &0.into()));
        assert_eq!(running(&mut drive), ["0/0 1.1.0", "1/0 2.1.0"]);
    });
}

#[test]
fn an_image_whose_late_first_chunk_comes_while_the_next_is_uploaded_is_uploaded_anew() {
    // Later chunks name no image: the server takes those of the second image for the first one, and the list stays as it was.
    for late_at in [3, 6] {
        for mode_in_use in [UpdateMode::UploadOnly, UpdateMode::TestAndConfirm] {
            two_images(|scenario| {
                let scenario = scenario.device(|device| device.erase = EraseMode::Progressive);
                // The longer one, so that its end stays.
                let app = smpfota::simulator::image::make((1, 1, 0), 30_000, 11);
                let files =
                    zip(&[("app.bin", 0, None, app.clone()), ("net.bin", 1, None, file((2, 1, 0), 21))]);
                let mut drive = start_with(&scenario, files, mode(mode_in_use));
                // The first chunks, and how many chunks followed the latest of them.
                let sent = Rc::new(RefCell::new((Vec::new(), 0)));
                let seen = sent.clone();
                drive.on_request = Some(Box::new(move |_, frame| {
                    if frame[4..6] == [0, 1] && frame[7] == 1 {
                        let (firsts, followed) = &mut *seen.borrow_mut();
                        *followed += 1;
                        if frame.windows(4).any(|bytes| bytes == b"\x63sha") {
                            firsts.push(frame.to_vec());
                            *followed = 0;
                        }
                    }
                    Passage::Through
                }));
                let mut late = true;
                let end = loop {
                    if let Some(end) = drive.step() {
                        break end;
                    }
                    let (firsts, followed) = &*sent.borrow();
                    if firsts.len() == 2 && *followed >= late_at && std::mem::take(&mut late) {
                        let now = drive.now_us;
                        drive.link.device_mut().write(now, &firsts[0]);
                    }
                    assert!(drive.now_ms() < 3_600_000, "hung");
                };
                assert_eq!(end, End::Done);
                assert!(!late, "the copy came");
                for (image, bytes) in [app, file((2, 1, 0), 21)].iter().enumerate() {
                    let slot = usize::from(mode_in_use == UpdateMode::UploadOnly);
                    let held = drive.link.device().slot_bytes(image, slot);
                    let same = held.get(..bytes.len()) == Some(&bytes[..]);
                    assert!(
                        same,
                        "image {image}, {mode_in_use:?}, {late_at} chunks: {:?}",
                        slots(&mut drive)
                    );
                }
            });
        }
    }
}

/// What lies in slot 0 of each image.
fn running(drive: &mut Drive) -> Vec<String> {
    let first = |slot: &String| slot.contains("/0 ");
    let version = |slot: String| slot.split(' ').take(2).collect::<Vec<_>>().join(" ");
    slots(drive).into_iter().filter(first).map(version).collect()
}

/// NCS 2.1 and older: no image number, numbers outside of quotes in hexadecimal. Deflated by another tool.
#[test]
fn a_package_of_the_old_format_is_installed() {
    each(|scenario| {
        let image = file((1, 1, 0), 11);
        let manifest = format!(
            r#"{{"format-version": 0, "time": 1600000000, "files": [{{"type": "application", "board": "nrf52840dk_nrf52840",
               "soc": "nRF52840_xxAA", "load_address": 0x1f000, "file": "app_update.bin", "size": {},
               "version_MCUBOOT": "1.1.0"}}]}}"#,
            image.len()
        );
        let zip = archive(&[
            Entry::new("app_update.bin", image).deflated(),
            Entry::new("manifest.json", manifest).deflated(),
        ]);
        let mut drive = start_with(&scenario, zip, UpdateOptions::default());
        assert_eq!((&succeeds(&mut drive)["outcome"], runs(&mut drive)), (&"updated".into(), "1.1.0".into()));
    });
}

/// Halves are built for direct XIP alone; that a server does not tell the mode, as NCS 2.1 never does, changes nothing.
#[test]
fn of_two_halves_a_device_that_tells_no_mode_gets_the_one_for_the_free_slot() {
    each(|scenario| {
        let scenario = scenario.device(|device| device.bootloader_info = false);
        let mut drive = start_with(&scenario, halves(), mode(UpdateMode::UploadOnly));
        let result = succeeds(&mut drive);
        assert_eq!((&result["outcome"], &result["boot_mode"]), (&"uploaded".into(), &"unknown".into()));
        assert!(drive.link.device().slot_bytes(0, 1) == file((1, 1, 0), 31), "not the half for slot 1");
    });
}
