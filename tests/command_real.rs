//! Every command against real servers: Zephyr 4.4.0 behind MCUboot in QEMU, over its console.
//!
//! They are started around these tests, which do nothing otherwise: one that swaps and reverts,
//! `tests/qemu/with_device.py -- cargo test --test command_real`, and one with every group,
//! `tests/qemu/with_all_groups.py -- cargo test --test command_real`, which MCUboot loads to RAM and which has MCUboot's serial
//! recovery; that one also in a newer build (`--newer`).

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ciborium::cbor;
use serde_json::{Value, json};
use smpfota::smp::{Op, group};
use smpfota::{
    Command, Failure, Firmware, Framing, Next, Session, SessionOptions, Status, UpdateMode, UpdateOptions,
};

/// The device in QEMU, over the TCP port of its console, and a session with it in real time.
struct Real {
    session: Session,
    stream: TcpStream,
    start: Instant,
    /// The commands that were run.
    seen: BTreeSet<String>,
}

impl Real {
    /// The device whose port is in this variable, where there is one.
    fn connect(variable: &str) -> Option<Real> {
        let port = std::env::var(variable).ok()?;
        let stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Real { session: Real::session(), stream, start: Instant::now(), seen: BTreeSet::new() })
    }

    /// One that knows nothing of the device yet.
    fn session() -> Session {
        // The server hangs on frames far above its buffer, so its word on the buffer decides, and 250 until then.
        let options =
            SessionOptions { framing: Framing::Serial, max_write: 250, ..SessionOptions::default() };
        Session::open(options).unwrap()
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn drive(&mut self) -> Result<Value, Failure> {
        let mut buffer = [0; 4_096];
        loop {
            let now = self.now();
            match self.session.next_frame(now, &mut buffer)? {
                Next::Write(length) => {
                    self.stream.write_all(&buffer[..length]).unwrap();
                    continue;
                }
                Next::Done => return Ok(self.session.result().unwrap()),
                _ => {}
            }
            let wait = self.session.deadline().unwrap().saturating_sub(now).clamp(1, 200);
            self.stream.set_read_timeout(Some(Duration::from_millis(wait))).unwrap();
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the device has gone"),
                Ok(length) => {
                    let now = self.now();
                    self.session.feed(now, &buffer[..length]);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn run(&mut self, name: &str, arguments: Value) -> Result<Value, Failure> {
        self.seen.insert(name.to_owned());
        self.session.start_command(Command::new(name, &arguments)?).unwrap();
        self.drive()
    }

    fn good(&mut self, name: &str, arguments: Value) -> Value {
        self.run(name, arguments).unwrap_or_else(|failure| panic!("{name}: {failure:?}"))
    }

    /// The device's error: its group, if it is one of a group, and the code.
    fn refused(&mut self, name: &str, arguments: Value) -> (Option<u16>, u32) {
        let failure = self.run(name, arguments).expect_err(name);
        failure.device.map(|error| (error.group, error.code)).unwrap_or_else(|| panic!("{name}: {failure:?}"))
    }

    fn upload(&mut self, path: &str) {
        let firmware = Arc::new(Firmware::read_file(path).unwrap());
        let options = UpdateOptions { mode: UpdateMode::UploadOnly, ..UpdateOptions::default() };
        self.session.start_update(firmware, options).unwrap();
        self.drive().expect("it uploads");
    }

    /// The whole update to the file in this variable, on a session of its own.
    fn update(&mut self, variable: &str) -> Value {
        let firmware = Firmware::read_file(std::env::var(variable).unwrap()).unwrap();
        self.session = Real::session();
        self.session.start_update(Arc::new(firmware), UpdateOptions::default()).unwrap();
        self.drive().unwrap_or_else(|failure| panic!("{variable}: {failure:?}"))
    }

    fn reset(&mut self) -> Value {
        assert_eq!(self.good("reset", json!({})), json!({}));
        std::thread::sleep(Duration::from_millis(1_500));
        self.good("image_list", json!({}))
    }
}

/// Version, active, confirmed and pending.
type Slot<'a> = (&'a str, bool, bool, bool);

fn slots(list: &Value) -> Vec<Slot<'_>> {
    fn slot(slot: &Value) -> Slot<'_> {
        let flag = |key: &str| slot[key].as_bool().unwrap();
        (slot["version"].as_str().unwrap(), flag("active"), flag("confirmed"), flag("pending"))
    }
    list["images"].as_array().unwrap().iter().map(slot).collect()
}

fn hash_of(list: &Value, slot: usize) -> Value {
    json!({ "hash": list["images"][slot]["hash"] })
}

fn information(real: &mut Real) {
    assert_eq!(real.good("echo", json!({ "text": "hällo" })), json!({ "text": "hällo" }));
    assert_eq!(real.good("parameters", json!({})), json!({ "buf_size": 384, "buf_count": 4 }));
    assert_eq!(real.good("os_info", json!({})), json!({ "output": "Zephyr" }));
    let all = real.good("os_info", json!({ "format": "a" }));
    assert!(all["output"].as_str().unwrap().contains(" 4.4.0 "), "{all}");
    assert_eq!(real.refused("os_info", json!({ "format": "z" })), (Some(group::OS), 2));
    let tasks = real.good("task_statistics", json!({}));
    let tasks = tasks["tasks"].as_array().unwrap();
    assert!(tasks.iter().any(|task| task["priority"] == -1), "the system work queue is in {tasks:?}");
    assert_eq!(real.good("statistics_list", json!({})), json!({ "groups": ["smp_svr_stats"] }));
    let ticks = real.good("statistics_read", json!({ "name": "smp_svr_stats" }));
    assert!(ticks["fields"]["ticks"].is_u64(), "{ticks}");
    assert_eq!(real.refused("statistics_read", json!({ "name": "zz" })).0, Some(group::STATISTICS));
    assert_eq!(real.good("enumeration_count", json!({})), json!({ "count": 4 }));
    assert_eq!(real.good("enumeration_list", json!({})), json!({ "groups": [10, 1, 0, 2] }));
    assert_eq!(real.good("enumeration_single", json!({})), json!({ "group": 10, "last": false }));
    assert_eq!(real.good("enumeration_single", json!({ "index": 3 })), json!({ "group": 2, "last": true }));
    assert_eq!(real.refused("enumeration_single", json!({ "index": 4 })), (Some(group::ENUMERATION), 4));
    let details = real.good("enumeration_details", json!({ "groups": [2] }));
    assert_eq!(details, json!({ "groups": [{ "group": 2, "name": "stat mgmt", "handlers": 2 }] }));
    let slots = real.good("slot_info", json!({}));
    let size = |number: usize| slots["images"][0]["slots"][number]["size"].as_u64();
    assert_eq!((size(0), size(1)), (Some(104 << 10), Some(104 << 10)), "{slots}");
}

fn images(real: &mut Real) {
    let old = ("1.0.0", true, true, false);
    assert_eq!(real.refused("image_test", json!({ "hash": "ab".repeat(32) })), (Some(group::IMAGE), 8));
    assert_eq!(real.refused("image_erase", json!({ "slot": 9 })), (Some(group::IMAGE), 10));
    real.upload(&std::env::var("SMPFOTA_IMAGE_110").unwrap());
    let list = real.good("image_list", json!({}));
    assert_eq!(slots(&list), [old, ("1.1.0", false, false, false)]);
    let marked = real.good("image_test", hash_of(&list, 1));
    assert_eq!(slots(&marked), [old, ("1.1.0", false, false, true)]);
    // On trial, and back.
    let trial = real.reset();
    assert_eq!(slots(&trial), [("1.1.0", true, false, false), ("1.0.0", false, true, false)]);
    assert_eq!(slots(&real.reset())[0], old);
    // On trial, and confirmed.
    let list = real.good("image_list", json!({}));
    real.good("image_test", hash_of(&list, 1));
    assert_eq!(slots(&real.reset())[0], ("1.1.0", true, false, false));
    let confirmed = real.good("image_confirm", json!({}));
    assert_eq!(slots(&confirmed)[0], ("1.1.0", true, true, false));
    assert_eq!(slots(&real.reset())[0], ("1.1.0", true, true, false));
    assert_eq!(real.good("image_erase", json!({})), json!({}));
    assert_eq!(slots(&real.good("image_list", json!({}))), [("1.1.0", true, true, false)]);
}

/// What this build of the server does not have must be told so.
fn absent(real: &mut Real) {
    for name in Command::names() {
        if real.seen.contains(name) {
            continue;
        }
        let arguments = match name {
            "date_time_set" => json!({ "date_time": "2026-02-28T23:59:58" }),
            "settings_read" | "settings_delete" | "file_status" | "file_hash" | "file_download" => {
                json!({ "name": "a" })
            }
            "settings_write" => json!({ "name": "a", "value_hex": "00" }),
            "file_upload" => json!({ "name": "a", "content_hex": "00" }),
            "shell_execute" => json!({ "argv": ["ls"] }),
            _ => json!({}),
        };
        let failure = real.run(name, arguments).expect_err(name);
        assert_eq!(failure.status, Status::NotSupported, "{name}: {failure:?}");
    }
}

#[test]
fn every_command_on_a_real_server() {
    let Some(mut real) = Real::connect("SMPFOTA_QEMU_PORT") else { return };
    information(&mut real);
    images(&mut real);
    absent(&mut real);
}

fn files(real: &mut Real) {
    let name = "/lfs1/data.bin";
    let content: String = (0..6_000).map(|n| format!("{:02x}", (n * 7 + n / 251) % 256)).collect();
    let (first, last) = content.split_at(4_000);
    // Over an older file, longer and then shorter; one chunk and many.
    for content in [&content, first, last, "00"] {
        let length = content.len() / 2;
        let result = real.good("file_upload", json!({ "name": name, "content_hex": content }));
        assert_eq!(result, json!({ "name": name, "length": length, "verified": "sha256" }));
        let result = real.good("file_download", json!({ "name": name }));
        let expected =
            json!({ "name": name, "length": length, "content_hex": content, "verified": "sha256" });
        assert!(result == expected, "{length} bytes came back otherwise");
        assert_eq!(real.good("file_status", json!({ "name": name })), json!({ "length": length }));
    }
    let checksum = real.good("file_hash", json!({ "name": name }));
    let expected = json!({
        "type": "crc32", "offset": 0, "length": 1, "hash_hex": "d202ef8d", "checksum": 0xd202_ef8d_u32,
    });
    assert_eq!(checksum, expected);
    assert_eq!(real.refused("file_hash", json!({ "name": name, "type": "md5" })), (Some(group::FILE), 13));
    let types = real.good("file_hash_types", json!({}));
    assert_eq!(types["types"].as_array().map(Vec::len), Some(2), "{types}");
    assert_eq!(real.good("file_close", json!({})), json!({}));
    assert_eq!(real.refused("file_status", json!({ "name": "/lfs1/none" })), (Some(group::FILE), 3));
    assert_eq!(real.refused("file_download", json!({ "name": "/lfs1/none" })), (Some(group::FILE), 3));
    let elsewhere = json!({ "name": "/nowhere/a", "content_hex": "00" });
    assert_eq!(real.refused("file_upload", elsewhere), (Some(group::FILE), 14));
}

/// The trap that the transfers step around: without the close, the file would hold the first chunk twice.
fn first_chunk_twice(real: &mut Real) {
    let name = "/lfs1/twice.bin";
    let chunk = cbor!({
        "off" => 0, "name" => name, "len" => 300, "data" => ciborium::Value::Bytes(vec![7; 100]),
    });
    let mut body = Vec::new();
    ciborium::into_writer(&chunk.unwrap(), &mut body).unwrap();
    let mut offset = || {
        real.session.start_request(Op::Write, group::FILE, 0, &body).unwrap();
        let answer = real.drive().unwrap()["body"].as_str().unwrap().to_owned();
        // A map of "off" and a one-byte number.
        u8::from_str_radix(&answer[answer.len() - 4..answer.len() - 2], 16).unwrap()
    };
    assert_eq!((offset(), offset()), (100, 200), "the device takes a first chunk twice for two chunks");
    real.good("file_close", json!({}));
    assert_eq!(real.good("file_status", json!({ "name": name })), json!({ "length": 200 }));
    let content = "5a".repeat(1_000);
    let result = real.good("file_upload", json!({ "name": name, "content_hex": content }));
    assert_eq!(result["verified"], "sha256");
}

fn shell_and_settings(real: &mut Real) {
    let result = real.good("shell_execute", json!({ "argv": ["kernel", "version"] }));
    assert_eq!(result["exit_code"], 0);
    assert!(result["output"].as_str().unwrap().contains("Zephyr version 4.4."), "{result}");
    let result = real.good("shell_execute", json!({ "argv": ["no-such-command"] }));
    assert_eq!(result["exit_code"], -8, "{result}");
    // Nothing in this build keeps a setting, so all but commit and load answer errors of the group.
    let setting = json!({ "name": "a/b" });
    assert_eq!(real.refused("settings_read", setting.clone()), (Some(group::SETTINGS), 5));
    assert_eq!(
        real.refused("settings_write", json!({ "name": "a/b", "value_hex": "01" })),
        (Some(group::SETTINGS), 5)
    );
    assert_eq!(real.refused("settings_delete", setting), (Some(group::SETTINGS), 3));
    assert_eq!(real.good("settings_commit", json!({})), json!({}));
    assert_eq!(real.good("settings_load", json!({})), json!({}));
    assert_eq!(real.refused("settings_save", json!({})), (Some(group::SETTINGS), 8));
}

/// Version, slot, active and confirmed of the image that runs, from the list of an update's result.
fn running(list: &Value) -> Value {
    let running = list.as_array().unwrap().iter().find(|image| image["active"] == true).expect("one runs");
    json!([running["version"], running["slot"], running["confirmed"]])
}

/// MCUboot loads the newest image to RAM, from either slot. The server does not tell the mode: that there is no command to mark
/// an image shows it.
fn ram_load(real: &mut Real) {
    let result = real.update("SMPFOTA_QEMU_ALL_110");
    assert_eq!((&result["outcome"], &result["images"][0]["to"]), (&json!("updated"), &json!("1.1.0")));
    assert_eq!(running(&result["before"]), json!(["0.0.0", 0, true]));
    assert_eq!(running(&result["after"]), json!(["1.1.0", 1, true]));
    let result = real.update("SMPFOTA_QEMU_ALL_110");
    assert_eq!(result["outcome"], "already_installed");
}

/// MCUboot's serial recovery, entered by the boot mode of a reset: it writes slot 0, whose image is then the newest.
fn serial_recovery(real: &mut Real) {
    assert_eq!(real.good("reset", json!({ "boot_mode": 1 })), json!({}));
    let result = real.update("SMPFOTA_QEMU_ALL_120");
    assert_eq!((&result["outcome"], &result["boot_mode"]), (&json!("updated"), &json!("recovery")));
    assert_eq!(
        (&result["images"][0]["from"], &result["images"][0]["to"]),
        (&json!("0.0.0"), &json!("1.2.0"))
    );
    // Before it the recovery answered, which knows no flags; after it the application.
    assert_eq!(result["before"].as_array().map(Vec::len), Some(2), "{result}");
    assert!(result["before"][0]["active"] == false && result["before"][1]["active"] == false, "{result}");
    assert_eq!(running(&result["after"]), json!(["1.2.0", 0, true]));
}

#[test]
fn every_group_on_a_real_server() {
    let Some(mut real) = Real::connect("SMPFOTA_QEMU_ALL_PORT") else { return };
    let buf_size = if std::env::var_os("SMPFOTA_QEMU_ALL_NEWER").is_some() { 384 } else { 400 };
    assert_eq!(real.good("parameters", json!({})), json!({ "buf_size": buf_size, "buf_count": 4 }));
    files(&mut real);
    first_chunk_twice(&mut real);
    shell_and_settings(&mut real);
    assert_eq!(real.good("enumeration_count", json!({})), json!({ "count": 8 }));
    assert_eq!(real.good("zephyr_storage_erase", json!({})), json!({}));
    ram_load(&mut real);
    serial_recovery(&mut real);
}
