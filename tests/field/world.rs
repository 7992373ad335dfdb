//! What the tests of this program share: devices with quirks, packages with any manifest, and a look at what was asked.

use ciborium::Value;
use smpfota::simulator::image::{self, Recipe};
use smpfota::simulator::{BootMode, DeviceOptions, LoggedRequest, Scenario};
use smpfota::{Failure, SessionOptions, Status, UpdateOptions};

use crate::drive::{Drive, End};
use crate::kit::{self, BOUND_MS};
use crate::package::{Entry, archive};

/// Seeds and sizes of the files below.
pub const LENGTH: usize = 6_000;

/// A new server in front of a bootloader that swaps, with buffers for a list of several images.
pub fn new(change: impl FnOnce(&mut DeviceOptions)) -> Scenario {
    kit::scenario(smpfota::simulator::DeviceProfile::Zephyr44).device(|device| {
        device.boot_mode = BootMode::SwapMove;
        device.buf_size = 1_024;
        change(device);
    })
}

/// The same behind NCS 2.1, which tells no boot mode and no slots.
pub fn old(change: impl FnOnce(&mut DeviceOptions)) -> Scenario {
    kit::scenario(smpfota::simulator::DeviceProfile::Ncs21).device(|device| {
        device.buf_size = 1_024;
        change(device);
    })
}

/// Both.
pub fn both(change: impl Fn(&mut DeviceOptions)) -> [Scenario; 2] {
    [new(&change), old(&change)]
}

/// An update of this file, ready to run, with the device's log of requests on.
pub fn start(scenario: &Scenario, file: Vec<u8>, options: UpdateOptions) -> Drive {
    let mut drive = Drive::new(SessionOptions::default(), scenario.build());
    drive.link.device_mut().log_requests();
    kit::again(&mut drive, file, options);
    drive
}

/// An image of 1.1.0.
pub fn application() -> Vec<u8> {
    image::make((1, 1, 0), LENGTH, 11)
}

/// An image of a network core, linked for its flash.
pub fn radio() -> Vec<u8> {
    let vectors = Some((0x2100_4000, 0x0100_8a01));
    Recipe { load_address: 0x0100_8800, vectors, ..Recipe::new((0, 0, 2), LENGTH, 21) }.make()
}

/// A third image.
pub fn third() -> Vec<u8> {
    image::make((3, 3, 3), LENGTH, 31)
}

/// A package: for each file its name, what the manifest says of it besides name and size, and the bytes.
pub fn zip(files: &[(&str, &str, Vec<u8>)]) -> Vec<u8> {
    let listed: Vec<String> = files
        .iter()
        .map(|(name, keys, bytes)| format!(r#"{{{keys},"file":"{name}","size":{}}}"#, bytes.len()))
        .collect();
    let manifest = format!(r#"{{"format-version":1,"time":1786861789,"files":[{}]}}"#, listed.join(","));
    let mut entries = vec![Entry::new("manifest.json", manifest)];
    entries.extend(files.iter().map(|(name, _, bytes)| Entry::new(name, bytes.clone())));
    archive(&entries)
}

/// What the nRF Connect SDK writes of an image (`cmake/sysbuild/zip.cmake`), with its slots for recovery.
pub fn with_slots(image: u32) -> String {
    let (primary, secondary) = (image * 2 + 1, image * 2 + 2);
    format!(
        r#""type":"application","image_index":"{image}","slot_index_primary":"{primary}","slot_index_secondary":"{secondary}""#
    )
}

/// The same of an older SDK, without the slots.
pub fn without_slots(image: u32) -> String {
    format!(r#""type":"application","image_index":"{image}""#)
}

/// Application and network core, as the SDK packs them.
pub fn two_cores() -> Vec<u8> {
    zip(&[("app.bin", &with_slots(0), application()), ("net.bin", &with_slots(1), radio())])
}

/// A reset, an upload of a first chunk, a mark: what the device was asked, in order. Marks are told by the position of
/// their file's hash in `files`.
pub fn story(drive: &Drive, files: &[Vec<u8>]) -> Vec<String> {
    let number_of = |hash: &[u8]| files.iter().position(|file| hash_of(file) == hash);
    drive
        .link
        .device()
        .requests()
        .iter()
        .filter_map(|request| {
            let body: Value = ciborium::from_reader(&request.body[..]).ok()?;
            match (request.group, request.command, request.op) {
                (1, 1, 2) if kit::number(&body, "off") == Some(0) => {
                    Some(format!("upload {}", kit::number(&body, "image").unwrap_or(0)))
                }
                (1, 0, 2) => {
                    let hash =
                        kit::entry(&body, "hash").and_then(Value::as_bytes).map_or(&[][..], Vec::as_slice);
                    let confirm = kit::entry(&body, "confirm").and_then(Value::as_bool) == Some(true);
                    let what = if confirm { "confirm" } else { "test" };
                    Some(format!("{what} {}", number_of(hash).map_or("?".to_owned(), |n| n.to_string())))
                }
                (0, 5, 2) => Some("reset".to_owned()),
                _ => None,
            }
        })
        .collect()
}

/// The order of the marks before the first reset.
pub fn marks(drive: &Drive, files: &[Vec<u8>]) -> Vec<String> {
    let story = story(drive, files);
    let end = story.iter().position(|step| step == "reset").unwrap_or(story.len());
    let mark = |step: &&String| step.starts_with("test") || step.starts_with("confirm");
    story[..end].iter().filter(mark).map(|step| step.split(' ').next_back().unwrap().to_owned()).collect()
}

/// How often this was asked for.
pub fn count(drive: &Drive, op: u8, group: u16, command: u8) -> usize {
    let asked =
        |request: &&LoggedRequest| (request.op, request.group, request.command) == (op, group, command);
    drive.link.device().requests().iter().filter(asked).count()
}

/// Upload requests that reached the device.
pub fn upload_requests(drive: &Drive) -> Vec<&LoggedRequest> {
    let upload = |request: &&LoggedRequest| (request.op, request.group, request.command) == (2, 1, 1);
    drive.link.device().requests().iter().filter(upload).collect()
}

/// Uploads that were begun.
pub fn uploads(drive: &Drive) -> usize {
    upload_requests(drive)
        .iter()
        .filter(|request| {
            let body: Option<Value> = ciborium::from_reader(&request.body[..]).ok();
            body.is_some_and(|body| kit::number(&body, "off") == Some(0))
        })
        .count()
}

/// The hash TLV of a file whose hash is a SHA-256 and the first of its TLVs.
pub fn hash_of(file: &[u8]) -> Vec<u8> {
    image::inspect(file, 32).map(|info| info.hash).unwrap_or_default()
}

/// Runs to a failure of one of these statuses, whatever it says.
#[track_caller]
pub fn fails_as(drive: &mut Drive, statuses: &[Status]) -> Failure {
    match drive.run(drive.now_ms() + BOUND_MS) {
        End::Failed(failure) => {
            println!("{}: {}", failure.status.name(), failure.sentence);
            assert!(statuses.contains(&failure.status), "{}: {}", failure.status.name(), failure.sentence);
            failure
        }
        other => panic!("{other:?}: {:?}", drive.session.result()),
    }
}

/// Nothing was written to any slot.
#[track_caller]
pub fn untouched(drive: &Drive) {
    assert_eq!(upload_requests(drive).len(), 0, "no upload request may be sent");
    assert_eq!(count(drive, 2, 1, 5), 0, "nothing may be erased");
}

/// Runs to a good end without a claim, and checks that it says what could not be told of this image.
#[track_caller]
pub fn unverified(drive: &mut Drive, index: usize) -> serde_json::Value {
    let result = kit::succeeds(drive);
    assert_eq!(result["outcome"], "unverified", "{result}");
    let image = &result["images"][index];
    let remark = image["remark"].as_str().unwrap_or_default();
    println!("remark: {remark}");
    assert!(
        remark.len() > 40 && remark.ends_with('.'),
        "what was seen, what was not, how to look: {remark:?}"
    );
    assert!(image["confirmed"].is_null(), "{image}");
    result
}
