//! The other groups of the virtual device, as a table of conversations: request, answer, request, answer.

mod simulator_support;

use ciborium::Value;
use simulator_support::*;
use smpfota::simulator::image;
use smpfota::simulator::{DeviceOptions, Transport, VirtualDevice};

type Step = ((u8, u16, u8), Value, &'static str);

fn talk(what: &str, options: DeviceOptions, version: u8, steps: Vec<Step>) {
    let mut bench = Bench::new(options);
    bench.version = version;
    for (at, ((op, group, command), body, answer)) in steps.into_iter().enumerate() {
        assert_eq!(bench.ask(op, group, command, body), answer, "{what}, step {at}");
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

#[test]
fn os_group() {
    let date = "2026-02-28T23:59:58";
    talk(
        "os",
        options(NEW),
        1,
        vec![
            ((READ, 0, 0), map([("d", text("hi"))]), "{r: \"hi\"}"),
            ((WRITE, 0, 0), map([("d", text(""))]), "{r: \"\"}"),
            ((WRITE, 0, 0), map([("d", 1.into())]), "{rc: 3}"),
            ((READ, 0, 7), map([]), "{output: \"Zephyr\"}"),
            ((READ, 0, 7), map([("format", text("vs"))]), "{output: \"Zephyr 4.4.0\"}"),
            ((READ, 0, 7), map([("format", text("z"))]), "{err: {group: 0, rc: 2}}"),
            ((READ, 0, 3), map([]), "{pkts: {blksiz: 392, nblks: 4, nfree: 2, min: 0}}"),
            ((READ, 0, 4), map([]), "{err: {group: 0, rc: 4}}"),
            ((WRITE, 0, 4), map([("datetime", text("yesterday"))]), "{rc: 3}"),
            ((WRITE, 0, 4), map([("datetime", text(date))]), "{}"),
            ((READ, 0, 4), map([]), "{datetime: \"2026-02-28T23:59:58\"}"),
            ((WRITE, 0, 6), map([]), "{rc: 8}"),
            ((READ, 0, 1), map([]), "{rc: 8}"),
        ],
    );
    talk(
        "os, version 0",
        options(NEW),
        0,
        vec![((READ, 0, 4), map([]), "{rc: 5}"), ((READ, 0, 7), map([("format", text("z"))]), "{rc: 3}")],
    );
    talk(
        "os, NCS 2.1",
        options(OLD),
        0,
        vec![
            ((WRITE, 0, 0), map([("d", text("hi"))]), "{r: \"hi\"}"),
            ((READ, 0, 3), map([]), "{rc: 8}"),
            ((READ, 0, 4), map([]), "{rc: 8}"),
            ((READ, 0, 7), map([]), "{rc: 8}"),
        ],
    );
    for profile in [NEW, OLD] {
        let mut bench = Bench::new(options(profile));
        let answer = bench.ask(READ, 0, 2, map([]));
        let start = "{tasks: {mcumgr smp: {prio: 3, tid: 0, state: 4, stksiz: 512, stkuse: 248, runtime: ";
        assert!(answer.starts_with(start), "{answer}");
        let mut bench = Bench::new(DeviceOptions { buf_size: 384, ..options(profile) });
        assert!(bench.ask(READ, 0, 2, map([])).starts_with(start), "it fits the usual buffer");
    }
}

#[test]
fn statistics_group() {
    let name = |name: &str| map([("name", text(name))]);
    talk(
        "statistics",
        options(NEW),
        1,
        vec![
            ((READ, 2, 1), map([]), "{stat_list: [\"smp_svr_stats\", \"mcumgr\"]}"),
            ((READ, 2, 0), name("mcumgr"), "{name: \"mcumgr\", fields: {requests: 2, upload_off: 0}}"),
            ((READ, 2, 0), name("none"), "{err: {group: 2, rc: 3}}"),
            ((READ, 2, 0), map([]), "{rc: 3}"),
            ((WRITE, 2, 0), name("mcumgr"), "{rc: 8}"),
        ],
    );
    talk("statistics, version 0", options(NEW), 0, vec![((READ, 2, 0), name("none"), "{rc: 5}")]);
    talk(
        "statistics, NCS 2.1",
        options(OLD),
        0,
        vec![
            ((READ, 2, 1), map([]), "{rc: 0, stat_list: [\"smp_svr_stats\", \"mcumgr\"]}"),
            ((READ, 2, 0), name("smp_svr_stats"), "{rc: 0, name: \"smp_svr_stats\", fields: {ticks: 0}}"),
            ((READ, 2, 0), name("none"), "{rc: 1}"),
        ],
    );
}

#[test]
fn settings_group() {
    let name = |name: &str| map([("name", text(name))]);
    let value = |key: &str, value: &[u8]| map([("name", text(key)), ("val", bytes(value))]);
    talk(
        "settings",
        options(NEW),
        1,
        vec![
            ((READ, 3, 0), name("app/a"), "{err: {group: 3, rc: 3}}"),
            ((WRITE, 3, 0), value("app/a", &[1, 2, 3]), "{}"),
            ((READ, 3, 0), name("app/a"), "{val: h'010203'}"),
            ((READ, 3, 0), map([("name", text("app/a")), ("max_size", 2.into())]), "{val: h'0102'}"),
            (
                (READ, 3, 0),
                map([("name", text("app/a")), ("max_size", 99.into())]),
                "{val: h'010203', max_size: 32}",
            ),
            ((WRITE, 3, 0), value("other/a", &[1]), "{err: {group: 3, rc: 5}}"),
            ((READ, 3, 0), name(&"x".repeat(32)), "{err: {group: 3, rc: 2}}"),
            ((READ, 3, 0), name(""), "{rc: 3}"),
            ((WRITE, 3, 2), map([]), "{}"),
            ((WRITE, 3, 3), map([]), "{}"),
            ((WRITE, 3, 0), value("app/b", &[4]), "{}"),
            ((WRITE, 0, 5), map([]), "{}"),
            ((READ, 3, 0), name("app/a"), "{val: h'010203'}"),
            ((READ, 3, 0), name("app/b"), "{err: {group: 3, rc: 3}}"),
            ((WRITE, 3, 1), name("app/a"), "{}"),
            ((READ, 3, 0), name("app/a"), "{err: {group: 3, rc: 3}}"),
            ((READ, 3, 3), map([]), "{}"),
            ((READ, 3, 2), map([]), "{rc: 8}"),
        ],
    );
    talk(
        "settings, version 0",
        options(NEW),
        0,
        vec![((READ, 3, 0), name("app/a"), "{rc: 5}"), ((READ, 3, 0), name(&"x".repeat(32)), "{rc: 3}")],
    );
    talk("settings, NCS 2.1", options(OLD), 0, vec![((READ, 3, 0), name("app/a"), "{rc: 8}")]);
    talk(
        "storage",
        options(NEW),
        1,
        vec![
            ((WRITE, 3, 0), value("app/a", &[1]), "{}"),
            ((WRITE, 3, 3), map([]), "{}"),
            ((WRITE, 63, 0), map([]), "{}"),
            ((READ, 3, 0), name("app/a"), "{val: h'01'}"),
            ((WRITE, 0, 5), map([]), "{}"),
            ((READ, 3, 0), name("app/a"), "{err: {group: 3, rc: 3}}"),
            ((READ, 63, 0), map([]), "{rc: 8}"),
        ],
    );
}

#[test]
fn files_group() {
    let name = |name: &str| map([("name", text(name))]);
    let put = |off: usize, len: Option<usize>, data: &[u8]| {
        let mut entries =
            vec![(text("name"), text("/lfs1/a")), (text("off"), int(off)), (text("data"), bytes(data))];
        entries.extend(len.map(|len| (text("len"), int(len))));
        Value::Map(entries)
    };
    let get_at = |off: usize| map([("name", text("/lfs1/a")), ("off", int(off))]);
    let hash =
        |kind: &str, off: usize| map([("name", text("/lfs1/a")), ("type", text(kind)), ("off", int(off))]);
    talk(
        "files",
        options(NEW),
        1,
        vec![
            ((READ, 8, 1), name("/lfs1/a"), "{err: {group: 8, rc: 3}}"),
            ((READ, 8, 0), get_at(0), "{err: {group: 8, rc: 3}}"),
            ((WRITE, 8, 0), put(0, None, b"123"), "{rc: 3}"),
            ((WRITE, 8, 0), put(0, Some(9), b"12345"), "{off: 5}"),
            ((WRITE, 8, 0), put(3, None, b"xx"), "{len: 5, err: {group: 8, rc: 11}}"),
            ((WRITE, 8, 0), put(5, None, b"6789"), "{off: 9}"),
            ((READ, 8, 1), name("/lfs1/a"), "{len: 9}"),
            ((READ, 8, 0), get_at(0), "{off: 0, data: h'31323334..'9, len: 9}"),
            ((READ, 8, 0), get_at(4), "{off: 4, data: h'3536373839'}"),
            ((READ, 8, 0), get_at(10), "{err: {group: 8, rc: 6}}"),
            ((READ, 8, 2), hash("", 0), "{type: \"crc32\", len: 9, output: 3421780262}"),
            ((READ, 8, 2), hash("sha256", 0), "{type: \"sha256\", len: 9, output: h'15e2b0d3..'32}"),
            ((READ, 8, 2), hash("crc32", 4), "{type: \"crc32\", off: 4, len: 5, output: 320708720}"),
            ((READ, 8, 2), hash("md5", 0), "{err: {group: 8, rc: 13}}"),
            ((READ, 8, 2), hash("crc32", 9), "{err: {group: 8, rc: 12}}"),
            ((READ, 8, 3), map([]), "{types: {crc32: {format: 0, size: 4}, sha256: {format: 1, size: 32}}}"),
            ((WRITE, 8, 4), map([]), "{}"),
            ((READ, 8, 1), name("/lfs1"), "{err: {group: 8, rc: 4}}"),
            (
                (WRITE, 8, 0),
                map([("name", text("/sd/a")), ("off", int(0)), ("len", int(1))]),
                "{err: {group: 8, rc: 14}}",
            ),
            ((READ, 8, 1), name(""), "{rc: 3}"),
            ((WRITE, 0, 5), map([]), "{}"),
            ((READ, 8, 1), name("/lfs1/a"), "{len: 9}"),
        ],
    );
    talk(
        "files, NCS 2.1",
        options(OLD),
        0,
        vec![
            ((READ, 8, 1), name("/lfs1/a"), "{rc: 5}"),
            ((WRITE, 8, 0), put(0, Some(3), b"123"), "{rc: 0, off: 3}"),
            ((READ, 8, 0), get_at(0), "{rc: 0, off: 0, data: h'313233', len: 3}"),
            ((READ, 8, 3), map([]), "{rc: 8}"),
        ],
    );
    // A download comes in pieces that fit the buffer.
    let mut bench = Bench::new(DeviceOptions { buf_size: 384, ..options(NEW) });
    for off in (0..1000).step_by(250) {
        bench.ask(WRITE, 8, 0, put(off, Some(1000), &[7; 250]));
    }
    let (mut off, mut rounds) = (0, 0);
    while off < 1000 {
        let answer = bench.request(READ, 8, 0, &encode(&get_at(off)));
        assert!(answer.raw.len() <= 384);
        let value: Value = ciborium::from_reader(&answer.raw[8..]).unwrap();
        off += get(&value, "data").unwrap().as_bytes().unwrap().len();
        rounds += 1;
    }
    assert_eq!((off, rounds), (1000, 3));
}

#[test]
fn shell_enumeration_and_vendor_groups() {
    let words = |words: &[&str]| map([("argv", Value::Array(words.iter().map(|w| text(w)).collect()))]);
    talk(
        "shell",
        options(NEW),
        1,
        vec![
            ((WRITE, 9, 0), words(&["echo", "a", "b"]), "{o: \"a b\\n\", ret: 0}"),
            ((WRITE, 9, 0), words(&["kernel", "version"]), "{o: \"Zephyr version 4.4.0\\n\", ret: 0}"),
            ((WRITE, 9, 0), words(&["nonsense"]), "{o: \"nonsense: command not found\\n\", ret: -8}"),
            ((WRITE, 9, 0), words(&[]), "{err: {group: 9, rc: 3}}"),
            ((WRITE, 9, 0), words(&[&"x".repeat(300)]), "{err: {group: 9, rc: 2}}"),
            ((WRITE, 9, 0), map([]), "{rc: 3}"),
            ((READ, 9, 0), words(&["echo"]), "{rc: 8}"),
        ],
    );
    talk(
        "shell, NCS 2.1",
        options(OLD),
        0,
        vec![
            ((WRITE, 9, 0), words(&["echo", "a"]), "{o: \"a\\n\", rc: 0}"),
            ((WRITE, 9, 0), words(&[]), "{rc: 3}"),
        ],
    );
    talk(
        "enumeration",
        options(NEW),
        1,
        vec![
            ((READ, 10, 0), map([]), "{count: 8}"),
            ((READ, 10, 1), map([]), "{groups: [63, 9, 2, 8, 3, 10, 0, 1]}"),
            ((READ, 10, 2), map([("index", int(0))]), "{group: 63}"),
            ((READ, 10, 2), map([("index", int(7))]), "{group: 1, end: true}"),
            ((READ, 10, 2), map([("index", int(8))]), "{err: {group: 10, rc: 4}}"),
            (
                (READ, 10, 3),
                map([("groups", Value::Array(vec![1.into(), 0.into()]))]),
                "{groups: [{group: 0, name: \"os mgmt\", handlers: 9}, {group: 1, name: \"img mgmt\", handlers: 7}]}",
            ),
        ],
    );
    talk("enumeration, NCS 2.1", options(OLD), 0, vec![((READ, 10, 0), map([]), "{rc: 8}")]);
    talk("no vendor group", options(NEW), 1, vec![((READ, 128, 0), map([]), "{rc: 8}")]);
    let mut bench = Bench::new(DeviceOptions { echo_group: true, ..options(NEW) });
    bench.device.write(0, &frame(1, READ, 128, 5, 0, b"not CBOR"));
    assert_eq!(bench.listen(), [frame(1, 1, 128, 5, 0, b"not CBOR")]);
}

#[test]
fn serial_recovery_writes_the_running_slot() {
    let image = image::make((3, 0, 0), 2002, 5);
    let recovery = DeviceOptions { recovery: true, buf_size: 4096, ..options(NEW) };
    let mut bench = Bench::new(recovery);
    let chunk = |from: usize, to: usize| map([("off", int(from)), ("data", bytes(&image[from..to]))]);
    assert_eq!(bench.list(), "0 1.0.0");
    assert_eq!(bench.upload(first(&image, 402)), "{rc: 0, off: 400}", "the odd rest is asked for again");
    assert_eq!(bench.upload(chunk(402, 800)), "{rc: 0, off: 400}", "another offset");
    assert_eq!(bench.upload(chunk(400, 800)), "{rc: 0, off: 800}");
    assert_eq!(bench.upload(first(&image, 400)), "{rc: 0, off: 400}", "no resume by hash: it starts over");
    assert_eq!(bench.upload(chunk(400, 2002)), "{rc: 0, off: 2002}");
    assert_eq!(bench.upload(chunk(400, 402)), "{rc: 0, off: 2002}");
    assert_eq!(bench.upload(map([("off", int(2002)), ("data", bytes(&[1]))])), "{rc: 3}", "overrun");
    assert_eq!(bench.upload(map([("data", bytes(&[1]))])), "{rc: 3}");
    assert_eq!(bench.ask(READ, 0, 8, map([])), "{rc: 8}");
    assert_eq!(bench.set_state(hash_of(&image), true), "{rc: 8}");
    assert_eq!(bench.list(), "0 3.0.0");
    assert_eq!(bench.ask(WRITE, 0, 5, map([])), "{rc: 0}");
    assert_eq!(bench.list(), "0 3.0.0 ac+co", "the application runs");
}

#[test]
fn smp_over_a_noisy_console() {
    // Written down byte by byte: an echo of "hi" in one line, from the published framing rules.
    let line = b"\x06\x09ABAKAAAGAAABAKFhZGJoaaWv\n";
    let serial = DeviceOptions { transport: Transport::Serial, ..DeviceOptions::new(NEW) };
    let mut device = VirtualDevice::new(DeviceOptions { console_noise: false, ..serial.clone() });
    device.write(0, b"uart:~$ some typing\r\n");
    device.write(0, &line[..7]);
    device.write(0, &line[7..]);
    let mut wire = Vec::new();
    while let Some(at) = device.next_event() {
        while let Some(piece) = device.poll(at) {
            wire.extend(piece);
        }
    }
    let text = String::from_utf8_lossy(&wire).into_owned();
    assert!(text.starts_with("\x06\x09") && text.ends_with('\n'), "{text:?}");
    assert_eq!(text.lines().count(), 1);
    // The limit is the buffer less the length and the CRC; above it, silence.
    assert_eq!(device.counters().answers, 1);
    let mut noisy = VirtualDevice::new(serial);
    let mut lines = 0;
    for n in 0..50 {
        noisy.write(n * 1_000_000, line);
        while let Some(piece) = noisy.poll(n * 1_000_000 + 900_000) {
            lines += piece.iter().filter(|b| **b == b'\n').count();
        }
    }
    assert!(lines > 60, "log lines among the answers: {lines}");
}
