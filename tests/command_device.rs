//! Every command against the virtual device, through a session, in both profiles and both protocol versions.

mod command_support;

use std::collections::BTreeSet;

use command_support::device::Bench;
use serde_json::{Value, json};
use smpfota::simulator::{BootMode, DeviceOptions, DeviceProfile, VirtualDevice, image};
use smpfota::smp::Op;
use smpfota::{Command, SessionOptions, SmpVersion, Status};

/// What a command must come to.
enum Want {
    /// Exactly this result.
    Is(Value),
    /// A result that has at least these entries.
    Has(Value),
    /// The device's error, and the status made of it.
    Error(Status, Option<u16>, u32),
}
use Want::{Error, Has, Is};

type Step = (&'static str, Value, Want);

fn unsupported(name: &'static str, arguments: Value) -> Step {
    (name, arguments, Error(Status::NotSupported, None, 8))
}

fn bench(profile: DeviceProfile, version: SmpVersion) -> Bench {
    let options = DeviceOptions { boot_mode: BootMode::SwapMove, ..DeviceOptions::new(profile) };
    let mut device = VirtualDevice::new(options);
    device.preload(0, &image::make((2, 0, 0), 3_000, 7));
    Bench::new(SessionOptions { smp_version: version, ..SessionOptions::default() }, device)
}

fn hash_of(listing: &Value, slot: usize) -> String {
    listing["images"][slot]["hash"].as_str().expect("a hash").to_owned()
}

/// Runs the steps in order on one session, and returns which commands they were.
fn check(what: &str, bench: &mut Bench, steps: Vec<Step>) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    for (name, arguments, want) in steps {
        let outcome = bench.run(name, arguments.clone());
        let at = format!("{what}: {name} {arguments}");
        match (outcome, want) {
            (Ok(result), Is(expected)) => assert_eq!(result, expected, "{at}"),
            (Ok(result), Has(expected)) => {
                for (key, value) in expected.as_object().expect("an object") {
                    assert_eq!(&result[key], value, "{at}: {key} of {result}");
                }
            }
            (Err(failure), Error(status, group, code)) => {
                let device = failure.device.map(|error| (error.group, error.code));
                assert_eq!((failure.status, device), (status, Some((group, code))), "{at}: {failure}");
            }
            (Ok(result), Error(..)) => panic!("{at} came to {result}"),
            (Err(failure), _) => panic!("{at} failed: {failure:?}"),
        }
        seen.insert(name);
        bench.wait(100);
    }
    seen
}

/// What both profiles do alike.
fn common() -> Vec<Step> {
    let file = json!({ "name": "/lfs1/a.txt" });
    let content: String = (0..700).map(|n| format!("{:02x}", n % 251)).collect();
    vec![
        ("echo", json!({ "text": "hällo" }), Is(json!({ "text": "hällo" }))),
        ("parameters", json!({}), Is(json!({ "buf_size": 384, "buf_count": 4 }))),
        ("statistics_list", json!({}), Is(json!({ "groups": ["smp_svr_stats", "mcumgr"] }))),
        ("statistics_read", json!({ "name": "mcumgr" }), Has(json!({ "name": "mcumgr" }))),
        (
            "file_upload",
            json!({ "name": "/lfs1/a.txt", "content_hex": content }),
            Is(json!({ "name": "/lfs1/a.txt", "length": 700, "verified": "sha256" })),
        ),
        ("file_status", file.clone(), Is(json!({ "length": 700 }))),
        (
            "file_download",
            file.clone(),
            Is(json!({ "name": "/lfs1/a.txt", "length": 700, "content_hex": content, "verified": "sha256" })),
        ),
        ("file_hash", file.clone(), Has(json!({ "type": "crc32", "offset": 0, "length": 700 }))),
        (
            "file_hash",
            json!({ "name": "/lfs1/a.txt", "type": "sha256", "offset": 600, "length": 50 }),
            Has(json!({ "type": "sha256", "offset": 600, "length": 50, "checksum": null })),
        ),
        (
            "shell_execute",
            json!({ "argv": ["echo", "one", "two"] }),
            Is(json!({ "output": "one two\n", "exit_code": 0 })),
        ),
        // An exit code is no error, in neither profile.
        ("shell_execute", json!({ "argv": ["false"] }), Is(json!({ "output": "", "exit_code": -22 }))),
        ("zephyr_storage_erase", json!({}), Is(json!({}))),
    ]
}

fn images(bench: &mut Bench, what: &str) {
    let list = bench.run("image_list", json!({})).expect("a list");
    assert_eq!(list["images"].as_array().map(Vec::len), Some(2), "{what}: {list}");
    assert_eq!((&list["images"][0]["active"], &list["images"][0]["confirmed"]), (&json!(true), &json!(true)));
    let list = bench.run("image_test", json!({ "hash": hash_of(&list, 1) })).expect("it is marked");
    assert_eq!(
        (&list["images"][1]["pending"], &list["images"][1]["permanent"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(bench.run("reset", json!({})).expect("it resets"), json!({}), "{what}");
    bench.wait(120_000);
    let trial = bench.run("image_list", json!({})).expect("a list");
    assert_eq!(trial["images"][0]["version"], "2.0.0", "{what}: {trial}");
    assert_eq!(
        (&trial["images"][0]["active"], &trial["images"][0]["confirmed"]),
        (&json!(true), &json!(false))
    );
    let list = bench.run("image_confirm", json!({})).expect("it is confirmed");
    assert_eq!((&list["images"][0]["active"], &list["images"][0]["confirmed"]), (&json!(true), &json!(true)));
    // And by hash, for good.
    let list =
        bench.run("image_confirm", json!({ "hash": hash_of(&list, 1) })).expect("it is marked for good");
    assert_eq!(
        (&list["images"][1]["pending"], &list["images"][1]["permanent"]),
        (&json!(true), &json!(true))
    );
    bench.run("reset", json!({ "force": true, "boot_mode": 0 })).expect("it resets");
    bench.wait(120_000);
    let list = bench.run("image_list", json!({})).expect("a list");
    assert_eq!(
        (&list["images"][0]["version"], &list["images"][0]["confirmed"]),
        (&json!("1.0.0"), &json!(true))
    );
    bench.run("image_erase", json!({})).expect("it erases");
    let list = bench.run("image_list", json!({})).expect("a list");
    assert_eq!(list["images"].as_array().map(Vec::len), Some(1), "{what}: {list}");
}

const IMAGE_COMMANDS: [&str; 5] = ["image_list", "image_test", "image_confirm", "image_erase", "reset"];

fn new_only() -> Vec<Step> {
    vec![
        (
            "bootloader_info",
            json!({}),
            Is(
                json!({ "bootloader": "MCUboot", "mode": 3, "mode_name": "swap_move", "no_downgrade": false }),
            ),
        ),
        ("os_info", json!({}), Is(json!({ "output": "Zephyr" }))),
        ("os_info", json!({ "format": "vs" }), Is(json!({ "output": "Zephyr 4.4.0" }))),
        ("date_time_set", json!({ "date_time": "2026-02-28T23:59:58" }), Is(json!({}))),
        ("date_time_get", json!({}), Is(json!({ "date_time": "2026-02-28T23:59:58" }))),
        (
            "memory_pool_statistics",
            json!({}),
            Is(json!({ "pools": [
                { "name": "pkts", "block_size": 392, "blocks": 4, "free": 2, "least_free": 0 },
            ] })),
        ),
        (
            "slot_info",
            json!({}),
            Has(json!({ "images": [{
                "image": 0,
                "max_image_size": null,
                "slots": [
                    { "slot": 0, "size": 0x77000, "upload_image_id": null, "error": null },
                    { "slot": 1, "size": 0x77000, "upload_image_id": 0, "error": null },
                ],
            }] })),
        ),
        ("settings_write", json!({ "name": "app/a", "value_base64": "AQID" }), Is(json!({}))),
        ("settings_read", json!({ "name": "app/a" }), Is(json!({ "value_hex": "010203", "max_size": null }))),
        (
            "settings_read",
            json!({ "name": "app/a", "max_size": 99 }),
            Is(json!({ "value_hex": "010203", "max_size": 32 })),
        ),
        ("settings_commit", json!({}), Is(json!({}))),
        ("settings_save", json!({}), Is(json!({}))),
        ("settings_write", json!({ "name": "app/a", "value_hex": "" }), Is(json!({}))),
        ("settings_load", json!({}), Is(json!({}))),
        ("settings_read", json!({ "name": "app/a" }), Is(json!({ "value_hex": "010203", "max_size": null }))),
        ("settings_delete", json!({ "name": "app/a" }), Is(json!({}))),
        (
            "file_hash_types",
            json!({}),
            Is(json!({ "types": [
                { "type": "crc32", "format": "number", "size": 4 },
                { "type": "sha256", "format": "bytes", "size": 32 },
            ] })),
        ),
        ("file_close", json!({}), Is(json!({}))),
        ("enumeration_count", json!({}), Is(json!({ "count": 8 }))),
        ("enumeration_list", json!({}), Is(json!({ "groups": [63, 9, 2, 8, 3, 10, 0, 1] }))),
        ("enumeration_single", json!({}), Is(json!({ "group": 63, "last": false }))),
        ("enumeration_single", json!({ "index": 7 }), Is(json!({ "group": 1, "last": true }))),
        (
            "enumeration_details",
            json!({ "groups": [0, 3] }),
            Is(json!({ "groups": [
                { "group": 3, "name": "settings mgmt", "handlers": 4 },
                { "group": 0, "name": "os mgmt", "handlers": 9 },
            ] })),
        ),
    ]
}

fn task_statistics(bench: &mut Bench, what: &str) {
    let result = bench.run("task_statistics", json!({})).expect("statistics");
    let tasks = result["tasks"].as_array().expect("tasks");
    let smp = tasks.iter().find(|task| task["name"] == "mcumgr smp").expect("the server's own task");
    assert_eq!(
        (&smp["priority"], &smp["stack_size"], &smp["stack_used"]),
        (&json!(3), &json!(512), &json!(248))
    );
    assert_eq!(smp["last_check_in"].as_u64().or(Some(0)), Some(0), "{what}: {smp}");
}

#[test]
fn every_command_on_zephyr_4_4_in_both_protocol_versions() {
    for version in [SmpVersion::V2, SmpVersion::V1, SmpVersion::Auto] {
        let what = format!("Zephyr 4.4, {version:?}");
        let mut bench = bench(DeviceProfile::Zephyr44, version);
        let mut seen = check(&what, &mut bench, common());
        seen.extend(check(&what, &mut bench, new_only()));
        task_statistics(&mut bench, &what);
        images(&mut bench, &what);
        seen.extend(IMAGE_COMMANDS);
        seen.insert("task_statistics");
        let all: BTreeSet<&str> = Command::names().collect();
        assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "not tested");
    }
}

#[test]
fn every_command_on_ncs_2_1() {
    for version in [SmpVersion::Auto, SmpVersion::V1] {
        let what = format!("NCS 2.1, {version:?}");
        let mut bench = bench(DeviceProfile::Ncs21, version);
        let mut seen = check(&what, &mut bench, common());
        let missing = [
            "bootloader_info",
            "os_info",
            "date_time_get",
            "memory_pool_statistics",
            "slot_info",
            "settings_commit",
            "settings_load",
            "settings_save",
            "file_hash_types",
            "file_close",
            "enumeration_count",
            "enumeration_list",
            "enumeration_single",
            "enumeration_details",
        ];
        let mut steps: Vec<Step> = missing.into_iter().map(|name| unsupported(name, json!({}))).collect();
        steps.extend([
            unsupported("date_time_set", json!({ "date_time": "2026-02-28T23:59:58" })),
            unsupported("settings_read", json!({ "name": "app/a" })),
            unsupported("settings_write", json!({ "name": "app/a", "value_hex": "00" })),
            unsupported("settings_delete", json!({ "name": "app/a" })),
        ]);
        seen.extend(check(&what, &mut bench, steps));
        task_statistics(&mut bench, &what);
        images(&mut bench, &what);
        seen.extend(IMAGE_COMMANDS);
        seen.insert("task_statistics");
        let all: BTreeSet<&str> = Command::names().collect();
        assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "not tested");
    }
}

#[test]
fn errors_of_every_group_arrive_with_group_code_and_name_or_as_rc_in_version_1() {
    let cases = [
        ("os_info", json!({ "format": "z" }), 0, 2, 3, "INVALID_FORMAT"),
        ("date_time_get", json!({}), 0, 4, 5, "RTC_NOT_SET"),
        ("image_test", json!({ "hash": "ab".repeat(32) }), 1, 8, 1, "HASH_NOT_FOUND"),
        ("image_erase", json!({ "slot": 9 }), 1, 10, 1, "FLASH_OPEN_FAILED"),
        ("statistics_read", json!({ "name": "none" }), 2, 3, 5, "INVALID_STAT_NAME"),
        ("settings_read", json!({ "name": "app/none" }), 3, 3, 5, "KEY_NOT_FOUND"),
        ("settings_write", json!({ "name": "other/a", "value_hex": "00" }), 3, 5, 1, "ROOT_KEY_NOT_FOUND"),
        ("file_status", json!({ "name": "/lfs1/none" }), 8, 3, 5, "FILE_NOT_FOUND"),
        ("file_hash", json!({ "name": "/lfs1/none", "type": "md5" }), 8, 13, 3, "CHECKSUM_HASH_NOT_FOUND"),
        ("file_download", json!({ "name": "/lfs1/none" }), 8, 3, 5, "FILE_NOT_FOUND"),
        (
            "file_upload",
            json!({ "name": "/other/a", "content_hex": "00" }),
            8,
            14,
            5,
            "MOUNT_POINT_NOT_FOUND",
        ),
        ("shell_execute", json!({ "argv": [""] }), 9, 3, 3, "EMPTY_COMMAND"),
        ("enumeration_single", json!({ "index": 99 }), 10, 4, 1, "INDEX_TOO_LARGE"),
    ];
    for (name, arguments, group, code, rc, text) in cases {
        let mut new = bench(DeviceProfile::Zephyr44, SmpVersion::Auto);
        let failure = new.run(name, arguments.clone()).expect_err(name);
        let device = failure.device.map(|error| (error.group, error.code));
        assert_eq!(device, Some((Some(group), code)), "{name}: {failure}");
        assert!(failure.sentence.contains(text), "{name}: {failure}");
        let mut old = bench(DeviceProfile::Zephyr44, SmpVersion::V1);
        let failure = old.run(name, arguments).expect_err(name);
        assert_eq!(
            failure.device.map(|error| (error.group, error.code)),
            Some((None, rc)),
            "{name}: {failure}"
        );
    }
}

#[test]
fn a_raw_request_reaches_any_group() {
    for profile in [DeviceProfile::Zephyr44, DeviceProfile::Ncs21] {
        let options = DeviceOptions { echo_group: true, ..DeviceOptions::new(profile) };
        let mut bench = Bench::new(SessionOptions::default(), VirtualDevice::new(options));
        // A vendor's group, whose body needs not be CBOR.
        let result = bench.request(Op::Write, 128, 0, &[0xff, 1, 2]).expect("it answers");
        assert_eq!(result, json!({ "operation": "request", "group": 128, "command": 0, "body": "ff0102" }));
        // A vendor's group that this device lacks (SUIT, 66) is asked all the same, and its error comes back.
        let failure = bench.request(Op::Read, 66, 0, &[]).expect_err("no such group");
        let device = failure.device.map(|error| (error.group, error.code));
        assert_eq!((failure.status, device), (Status::NotSupported, Some((None, 8))), "{failure}");
        // A known one: an empty body stands for the empty map.
        let result = bench.request(Op::Read, 0, 6, &[]).expect("it answers");
        let body = result["body"].as_str().expect("a body");
        assert!(body.starts_with("bf") && body.ends_with("ff"), "{result}");
        let failure = bench.request(Op::Read, 200, 1, &[]).expect_err("no such group");
        assert_eq!(failure.status, Status::NotSupported, "{failure}");
        let failure = bench.request(Op::ReadResponse, 0, 6, &[]).expect_err("no request");
        assert_eq!(failure.status, Status::InvalidArgument, "{failure}");
    }
}
