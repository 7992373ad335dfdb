//! What an image depends on (MCUboot TLV 0x40) is compared before the first byte with what the device lists.

use ciborium::Value;
use smpfota::{Status, UpdateOptions};

use crate::firmware_support::{Builder, dependency};
use crate::kit::{Kind, count, each, fails, lists, logged, map, start_with, succeeds};

/// A 1.1.0 that needs image 1 in this version.
fn needs(version: (u8, u8, u16, u32)) -> Vec<u8> {
    Builder { version: (1, 1, 0, 0), protected: vec![dependency(1, version)], ..Builder::default() }.build()
}

fn looking(ignore_dependencies: bool) -> UpdateOptions {
    UpdateOptions { check_only: true, ignore_dependencies, ..UpdateOptions::default() }
}

/// Adds an image 1 that runs 1.0.0 to every list.
fn with_second_image(_: u64, images: &mut Vec<Value>) {
    let flag = |on: bool| Value::Bool(on);
    images.push(map(&[
        ("image", 1.into()),
        ("slot", 0.into()),
        ("version", "1.0.0".into()),
        ("hash", Value::Bytes(vec![7; 32])),
        ("bootable", flag(true)),
        ("confirmed", flag(true)),
        ("active", flag(true)),
    ]));
}

#[test]
fn a_dependency_that_is_not_met_is_refused_before_the_first_byte() {
    each(|scenario| {
        for check_only in [true, false] {
            let options = UpdateOptions { check_only, ..UpdateOptions::default() };
            let mut drive = start_with(&scenario, needs((2, 0, 0, 0)), options);
            drive.on_answer = lists(with_second_image);
            let log = logged(&mut drive);
            let words = ["needs image 1 in version 2.0.0", "the device runs version 1.0.0"];
            fails(&mut drive, Status::DependencyUnmet, &words);
            assert_eq!(count(&log, Kind::Upload), 0);
        }
    });
}

#[test]
fn what_is_met_unknown_or_overridden_is_no_reason() {
    each(|scenario| {
        // Met, also where the build number alone is lower.
        for version in [(1, 0, 0, 0), (0, 9, 9, 9), (1, 0, 0, 77)] {
            let mut drive = start_with(&scenario, needs(version), looking(false));
            drive.on_answer = lists(with_second_image);
            assert_eq!(succeeds(&mut drive)["images"][0]["action"], "upload");
        }
        // The device lists no image 1.
        let mut drive = start_with(&scenario, needs((2, 0, 0, 0)), looking(false));
        assert_eq!(succeeds(&mut drive)["images"][0]["action"], "upload");
        // By the caller's word.
        let mut drive = start_with(&scenario, needs((2, 0, 0, 0)), looking(true));
        drive.on_answer = lists(with_second_image);
        assert_eq!(succeeds(&mut drive)["images"][0]["action"], "upload");
    });
}
