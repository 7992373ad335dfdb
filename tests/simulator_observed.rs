//! The virtual device against what real Zephyr servers were seen to answer, request by request, as a table:
//! the request, the answer under header version 1, and under version 0. And the same requests to NCS 2.1.

mod simulator_support;

use ciborium::Value;
use simulator_support::*;
use smpfota::simulator::image;
use smpfota::simulator::{BootMode, DeviceOptions};

fn err(code: u16) -> String {
    format!("{{err: {{group: 1, rc: {code}}}}}")
}

fn image_of(version: (u8, u8, u16, u32), size: usize) -> Vec<u8> {
    image::make(version, size, 7)
}

fn upload_of(image: &[u8], changes: &[(&str, Option<Value>)]) -> Value {
    let Value::Map(mut entries) = first(image, 200) else { unreachable!() };
    for (key, value) in changes {
        entries.retain(|(k, _)| k.as_text() != Some(key));
        if let Some(value) = value {
            entries.push((Value::Text((*key).into()), value.clone()));
        }
    }
    Value::Map(entries)
}

/// One request to a fresh device under each protocol.
struct Case {
    what: &'static str,
    op: u8,
    group: u16,
    command: u8,
    body: Vec<u8>,
    /// Answers of Zephyr 4.4 under version 1 and 0, and of NCS 2.1.
    answers: [String; 3],
    change: fn(&mut DeviceOptions),
}

fn case(what: &'static str, request: (u8, u16, u8), body: Value, answers: [&str; 3]) -> Case {
    let (op, group, command) = request;
    let answers = answers.map(str::to_owned);
    Case { what, op, group, command, body: encode(&body), answers, change: |_| {} }
}

const UPLOAD: (u8, u16, u8) = (WRITE, 1, 1);
const STATE: (u8, u16, u8) = (WRITE, 1, 0);
const ERASE: (u8, u16, u8) = (WRITE, 1, 5);

fn cases() -> Vec<Case> {
    let good = image_of((1, 1, 0, 0), 3000);
    let same = image_of((1, 0, 0, 9), 3000);
    let lower = image_of((0, 9, 0, 0), 3000);
    let huge = upload_of(&good, &[("len", Some(0x8001.into()))]);
    let mut bad_magic = good.clone();
    bad_magic[0] ^= 0xff;
    let [e8, e9, e10, e20, e21, e22, e23, e24, e27, e30, e33] =
        [8, 9, 10, 20, 21, 22, 23, 24, 27, 30, 33].map(err);
    let running = VirtualDeviceHash::of(&options(NEW));
    let mut cases = vec![
        case("bad magic", UPLOAD, first(&bad_magic, 200), [&e23, "{rc: 1}", "{rc: 3}"]),
        case("16 data bytes", UPLOAD, first(&good, 16), [&e22, "{rc: 3}", "{rc: 3}"]),
        case("no data", UPLOAD, upload_of(&good, &[("data", None)]), [&e22, "{rc: 3}", "{rc: 3}"]),
        case("no len", UPLOAD, upload_of(&good, &[("len", None)]), [&e21, "{rc: 3}", "{rc: 3}"]),
        case("no off", UPLOAD, upload_of(&good, &[("off", None)]), [&e20, "{rc: 3}", "{rc: 3}"]),
        case(
            "sha of 33 bytes",
            UPLOAD,
            upload_of(&good, &[("sha", Some(bytes(&[0; 33])))]),
            [&e24, "{rc: 3}", "{rc: 3}"],
        ),
        case(
            "image 200 on a single-image device",
            UPLOAD,
            upload_of(&good, &[("image", Some(200.into()))]),
            ["{off: 200}", "{off: 200}", "{rc: 0, off: 200}"],
        ),
        case(
            "upgrade with a lower version",
            UPLOAD,
            upload_of(&lower, &[("upgrade", Some(true.into()))]),
            [&e27, "{rc: 6}", "{rc: 6}"],
        ),
        case(
            "upgrade with another build number only",
            UPLOAD,
            upload_of(&same, &[("upgrade", Some(true.into()))]),
            [&e27, "{rc: 6}", "{rc: 6}"],
        ),
        case(
            "no upgrade with a lower version",
            UPLOAD,
            upload_of(&lower, &[("upgrade", Some(false.into()))]),
            ["{off: 200}", "{off: 200}", "{rc: 0, off: 200}"],
        ),
        case("len larger than the slot", UPLOAD, huge, [&e30, "{rc: 1}", "{rc: 0, off: 200}"]),
        case(
            "state of an unknown hash",
            STATE,
            map([("hash", bytes(&[5; 32]))]),
            [&e8, "{rc: 1}", "{rc: 3}"],
        ),
        case("test without a hash", STATE, map([("confirm", false.into())]), [&e24, "{rc: 3}", "{rc: 3}"]),
        case("hash of 4 bytes", STATE, map([("hash", bytes(&[5; 4]))]), [&e24, "{rc: 3}", "{rc: 3}"]),
        case("test of what runs", STATE, map([("hash", bytes(&running))]), [&e33, "{rc: 1}", "{rc: 1}"]),
        case("erase slot 0", ERASE, map([("slot", 0.into())]), [&e9, "{rc: 6}", "{rc: 6}"]),
        case("erase slot 9", ERASE, map([("slot", 9.into())]), [&e10, "{rc: 1}", "{rc: 1}"]),
        case("erase a blank secondary", ERASE, map([]), ["{}", "{}", "{rc: 0}"]),
        case("unknown group", (READ, 55, 0), map([]), ["{rc: 8}"; 3]),
        case("unknown command", (READ, 1, 55), map([]), ["{rc: 8}"; 3]),
        case("upload as a read", (READ, 1, 1), map([]), ["{rc: 8}"; 3]),
        case("reset", (WRITE, 0, 5), map([]), ["{}", "{}", "{rc: 0}"]),
        case(
            "bootloader info",
            (READ, 0, 8),
            map([]),
            ["{bootloader: \"MCUboot\"}", "{bootloader: \"MCUboot\"}", "{rc: 8}"],
        ),
        case(
            "bootloader mode",
            (READ, 0, 8),
            map([("query", "mode".into())]),
            ["{mode: 9}", "{mode: 9}", "{rc: 8}"],
        ),
        case(
            "bootloader, another question",
            (READ, 0, 8),
            map([("query", "x".into())]),
            ["{err: {group: 0, rc: 3}}", "{rc: 5}", "{rc: 8}"],
        ),
        case("parameters", (READ, 0, 6), map([]), ["{buf_size: 1024, buf_count: 4}"; 3]),
        case(
            "slot info",
            (READ, 1, 6),
            map([]),
            [
                "{images: [{image: 0, slots: [{slot: 0, size: 32768}, {slot: 1, size: 32768, upload_image_id: 0}]}]}",
                "{images: [{image: 0, slots: [{slot: 0, size: 32768}, {slot: 1, size: 32768, upload_image_id: 0}]}]}",
                "{rc: 8}",
            ],
        ),
    ];
    let mut add = |case: Case, change: fn(&mut DeviceOptions)| cases.push(Case { change, ..case });
    // Zephyr 3.1.99 does not know these modes; without a hash it has nothing to test.
    let unmarked = ["{rc: 8}", "{rc: 8}", "{rc: 3}"];
    add(case("any state on RAM load", STATE, map([]), unmarked), |o| o.boot_mode = BootMode::RamLoad);
    add(case("any state on direct XIP", STATE, map([]), unmarked), |o| o.boot_mode = BootMode::DirectXip);
    add(case("no parameters", (READ, 0, 6), map([]), ["{rc: 8}"; 3]), |o| o.params = false);
    add(case("no slot info", (READ, 1, 6), map([]), ["{rc: 8}"; 3]), |o| o.slot_info = false);
    add(
        case("erase a blank secondary on Zephyr 3.4", ERASE, map([]), [&err(1), "{rc: 1}", "{rc: 1}"]),
        |o| o.erase_blank_fails = true,
    );
    add(
        case(
            "bad magic, verbose",
            UPLOAD,
            first(&bad_magic, 200),
            [&e23, "{rc: 1, rsn: \"magic mismatch\"}", "{rc: 3, rsn: \"magic mismatch\"}"],
        ),
        |o| o.verbose_errors = true,
    );
    for (what, body) in [
        ("empty body", &[][..]),
        ("not a map", &[0x80]),
        ("malformed CBOR", &[0xa1, 0x63, b'o']),
        ("a key of the wrong type", &[0xa1, 0x63, b'o', b'f', b'f', 0x61, b'1']),
        ("a key twice", &[0xa2, 0x63, b'o', b'f', b'f', 1, 0x63, b'o', b'f', b'f', 2]),
        ("nested too deep", &[0x81; 60]),
    ] {
        let case = case(what, UPLOAD, Value::Null, ["{rc: 3}"; 3]);
        cases.push(Case { body: body.to_vec(), ..case });
    }
    cases
}

struct VirtualDeviceHash;

impl VirtualDeviceHash {
    fn of(options: &DeviceOptions) -> Vec<u8> {
        smpfota::simulator::VirtualDevice::new(options.clone()).slots()[0].hash.clone()
    }
}

#[test]
fn every_request_of_the_table_gets_the_observed_answer() {
    for case in cases() {
        for (at, (profile, version)) in [(NEW, 1), (NEW, 0), (OLD, 0)].into_iter().enumerate() {
            let mut options = options(profile);
            (case.change)(&mut options);
            let mut bench = Bench::new(options);
            bench.version = version;
            let answer = bench.request(case.op, case.group, case.command, &case.body);
            assert_eq!(answer.body, case.answers[at], "{} ({profile:?}, version {version})", case.what);
            assert_eq!(answer.version, version, "{}", case.what);
        }
    }
}

#[test]
fn the_header_version_rules() {
    let echo = encode(&map([("d", "x".into())]));
    let mut bench = Bench::new(options(NEW));
    for version in [2, 3] {
        bench.version = version;
        let answer = bench.request(READ, 0, 0, &echo);
        assert_eq!((answer.version, answer.body.as_str()), (1, "{rc: 13}"));
    }
    let mut bench = Bench::new(DeviceOptions { smp_v1: false, ..options(NEW) });
    bench.version = 0;
    assert_eq!(bench.request(READ, 0, 0, &echo).body, "{rc: 12}");
    // The old server never looks at the version and answers with 0.
    let mut bench = Bench::new(options(OLD));
    for version in 0..4 {
        bench.version = version;
        let answer = bench.request(READ, 0, 0, &echo);
        assert_eq!((answer.version, answer.body.as_str()), (0, "{r: \"x\"}"));
    }
}

#[test]
fn answers_are_byte_for_byte_like_zcbor() {
    let mut bench = Bench::new(options(NEW));
    bench.version = 1;
    let erase = encode(&map([("slot", 0.into())]));
    let answer = bench.request(WRITE, 1, 5, &erase);
    assert_eq!(hex(&answer.raw[8..]), "bf63657272bf6567726f75700162726309ffff");
    bench.version = 0;
    assert_eq!(hex(&bench.request(WRITE, 1, 5, &erase).raw[8..]), "bf62726306ff");
    let image = image_of((1, 1, 0, 0), 3000);
    let answer = bench.request(WRITE, 1, 1, &encode(&first(&image, 400)));
    assert_eq!(hex(&answer.raw[8..]), "bf636f6666190190ff");
    // The answer of the thread that started the project, to a first chunk of 160 bytes.
    let mut bench = Bench::new(options(OLD));
    let answer = bench.request(WRITE, 1, 1, &encode(&first(&image, 160)));
    assert_eq!(hex(&answer.raw[8..]), "bf627263006 36f666618a0ff".replace(' ', ""));
}

#[test]
fn lengths_that_do_not_fit() {
    for profile in [NEW, OLD] {
        let mut bench = Bench::new(options(profile));
        let echo = frame(0, READ, 0, 1, 0, &encode(&map([("d", "x".into())])));
        let mut short = echo.clone();
        short[3] += 1;
        assert_eq!(bench.raw(&short), ["{rc: 9}"], "header length > body");
        let mut long = echo.clone();
        long.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(bench.raw(&long), ["{r: \"x\"}"], "header length < body");
        let two = [echo.clone(), echo.clone()].concat();
        assert_eq!(bench.raw(&two), ["{r: \"x\"}", "{r: \"x\"}"], "two requests in one packet");
        let bad_first = [frame(0, READ, 55, 1, 0, &[0xa0]), echo.clone()].concat();
        assert_eq!(bench.raw(&bad_first), ["{rc: 8}"], "an error ends the packet");
        assert!(bench.raw(&echo[..7]).is_empty(), "a runt");
        assert!(bench.raw(&[]).is_empty());
        assert_eq!(bench.raw(&echo), ["{r: \"x\"}"]);
    }
    let mut bench = Bench::new(options(NEW));
    assert_eq!(bench.raw(&frame(1, 1, 0, 1, 0, &[0xa0])), ["{rc: 8}"], "a response sent to the server");
}

#[test]
fn sizes_at_the_edge_of_the_buffer() {
    let mut bench = Bench::new(DeviceOptions { buf_size: 384, ..options(NEW) });
    let echo = |length: usize| {
        let text = "x".repeat(length - 8 - 1 - 2 - 3);
        frame(1, READ, 0, 1, 0, &encode(&map([("d", text.as_str().into())])))
    };
    // The answer is longer by the end mark of its map.
    assert_eq!(echo(383).len(), 383);
    assert!(bench.raw(&echo(383))[0].starts_with("{r:"));
    assert_eq!(bench.raw(&echo(384)), ["{rc: 7}"]);
    assert_eq!(bench.raw(&echo(385)), ["{rc: 9}"]);
    // Over Bluetooth a write that is too long for the buffer is dropped without a word.
    let mut bench = Bench::new(DeviceOptions {
        transport: smpfota::simulator::Transport::Ble,
        ..DeviceOptions::new(NEW)
    });
    assert!(bench.raw(&echo(385)).is_empty());
    assert_eq!(bench.device.counters().dropped_writes, 1);
}

#[test]
fn offsets_of_an_upload_under_way() {
    for (profile, rc) in [(NEW, ""), (OLD, "rc: 0, ")] {
        let off = |n: usize| format!("{{{rc}off: {n}}}");
        let image = image_of((1, 1, 0, 0), 3000);
        let chunk = |from: usize, to: usize| map([("off", int(from)), ("data", bytes(&image[from..to]))]);
        let mut bench = Bench::new(options(profile));
        assert_eq!(bench.upload(chunk(200, 400)), off(0), "no upload yet");
        assert_eq!(bench.upload(first(&image, 200)), off(200));
        assert_eq!(bench.upload(chunk(200, 400)), off(400));
        assert_eq!(bench.upload(chunk(200, 400)), off(400), "a duplicate");
        assert_eq!(bench.upload(chunk(700, 900)), off(400), "a gap");
        assert_eq!(bench.upload(chunk(400, 400)), off(400), "no data");
        assert_eq!(bench.upload(first(&image, 200)), off(400), "the first chunk again, same sha");
        assert_eq!(bench.device.upload(), Some((400, 3000)));
        let none = upload_of(&image, &[("sha", None)]);
        assert_eq!(bench.upload(none.clone()), off(200), "without sha it starts over");
        assert_eq!(bench.upload(none), off(200), "and again");
        let other = upload_of(&image, &[("sha", Some(bytes(&[1; 32])))]);
        assert_eq!(bench.upload(other), off(200), "another sha starts over");
        bench.upload_image(&image, 300);
        assert_eq!(bench.device.slot_bytes(0, 1), image);
        let again = bench.upload(chunk(2700, 3000));
        assert_eq!(again, off(if profile == NEW { 0 } else { 3000 }), "the last chunk again");
    }
}

#[test]
fn what_a_rejected_first_chunk_leaves() {
    let image = image_of((1, 1, 0, 0), 3000);
    let chunk = map([("off", 200.into()), ("data", bytes(&image[200..400]))]);
    for (profile, after) in [(NEW, "{off: 0}"), (OLD, "{rc: 0, off: 400}")] {
        let mut bench = Bench::new(options(profile));
        bench.upload(first(&image, 200));
        bench.upload(first(&image, 16));
        assert_eq!(bench.upload(chunk.clone()), after, "{profile:?}");
    }
}

#[test]
fn too_much_data_and_too_large_an_image() {
    let image = image_of((1, 1, 0, 0), 500);
    let over = map([("off", 400.into()), ("data", bytes(&[0; 101]))]);
    let mut bench = Bench::new(options(NEW));
    bench.upload(first(&image, 400));
    assert_eq!(bench.upload(over), err(31));
    assert_eq!(bench.device.upload(), None);
    // NCS 2.1 takes everything until the flash ends, and then falls silent (zephyr#60899).
    let mut bench = Bench::new(options(OLD));
    let image = image_of((1, 1, 0, 0), 0x8200);
    bench.upload(first(&image, 900));
    let mut off = 900;
    loop {
        let chunk = map([("off", int(off)), ("data", bytes(&image[off..(off + 900).min(image.len())]))]);
        bench.device.write(bench.now, &frame(0, WRITE, 1, 1, 1, &encode(&chunk)));
        match bench.answers().as_slice() {
            [] => break,
            [answer] => assert_eq!(answer.body, format!("{{rc: 0, off: {}}}", off + 900)),
            more => panic!("{more:?}"),
        }
        off += 900;
    }
    assert!(off > 0x7c00 && off < 0x8200, "{off}");
    assert!(bench.raw(&frame(0, READ, 0, 1, 0, &encode(&map([("d", "x".into())])))).is_empty());
    bench.device.reboot(bench.now);
    bench.listen();
    assert_eq!(bench.raw(&frame(0, READ, 0, 1, 0, &encode(&map([("d", "x".into())])))), ["{r: \"x\"}"]);
}

#[test]
fn an_image_that_is_already_there() {
    let image = image_of((1, 1, 0, 0), 3000);
    let mut bench = Bench::new(options(NEW));
    bench.upload_image(&image, 500);
    assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0");
    assert_eq!(bench.upload(first(&image, 400)), "{off: 400}");
    assert_eq!(bench.list(), "0 1.0.0 ac+co", "the slot is already erased");

    let checking = DeviceOptions { image_check: true, buf_size: 4096, ..options(NEW) };
    let mut bench = Bench::new(checking.clone());
    bench.upload(first(&image, 500));
    for from in (500..2500).step_by(500) {
        bench.upload(map([("off", int(from)), ("data", bytes(&image[from..from + 500]))]));
    }
    let last = map([("off", 2500.into()), ("data", bytes(&image[2500..]))]);
    assert_eq!(bench.upload(last.clone()), "{off: 3000, match: true}");
    assert_eq!(bench.upload(first(&image, 400)), "{off: 3000, match: true}");
    assert_eq!(bench.list(), "0 1.0.0 ac+co|1 1.1.0");

    let mut bench = Bench::new(checking);
    bench.upload(upload_of(&image, &[("sha", Some(bytes(&[9; 32]))), ("data", Some(bytes(&image[..2500])))]));
    let last_wrong = bench.upload(last);
    assert_eq!(last_wrong, "{off: 3000, match: false}", "a wrong declared sha");
}

#[test]
fn a_stale_offset_after_an_erase() {
    // zephyr#51798: the old server goes on where it was, and leaves a hole.
    let image = image_of((1, 1, 0, 0), 3000);
    for (profile, answer) in [(NEW, "{off: 200}"), (OLD, "{rc: 0, off: 1200}")] {
        let mut bench = Bench::new(options(profile));
        bench.upload(first(&image, 600));
        bench.upload(map([("off", 600.into()), ("data", bytes(&image[600..1200]))]));
        bench.ask(WRITE, 1, 5, map([]));
        assert_eq!(bench.upload(first(&image, 200)), answer, "{profile:?}");
    }
}

#[test]
fn a_flash_write_that_fails() {
    let image = image_of((1, 1, 0, 0), 3000);
    for (profile, failed, after) in
        [(NEW, err(12), "{off: 0}"), (OLD, "{rc: 1}".to_owned(), "{rc: 0, off: 800}")]
    {
        let mut bench = Bench::new(DeviceOptions { fail_write_at: Some(1100), ..options(profile) });
        bench.upload(first(&image, 800));
        let chunk = |from: usize| map([("off", int(from)), ("data", bytes(&image[from..from + 800]))]);
        assert_eq!(bench.upload(chunk(800)), failed);
        assert_eq!(bench.upload(chunk(100)), after);
        if profile == OLD {
            assert_eq!(bench.upload(chunk(800)), "{rc: 1}", "only a first chunk helps");
        }
        bench.upload_image(&image, 800);
        assert_eq!(bench.device.slot_bytes(0, 1), image);
    }
}

#[test]
fn the_buffer_pool() {
    let image = image_of((1, 1, 0, 0), 3000);
    let send = |bench: &mut Bench, offs: &[usize]| {
        for (sequence, off) in offs.iter().enumerate() {
            let chunk = map([("off", int(*off)), ("data", bytes(&image[*off..off + 100]))]);
            bench.device.write(bench.now, &frame(1, WRITE, 1, sequence as u8, 1, &encode(&chunk)));
        }
        bench.answers().into_iter().map(|a| (a.sequence, a.body)).collect::<Vec<_>>()
    };
    let said = |list: &[(u8, &str)]| list.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>();
    let start = |options: DeviceOptions| {
        let mut bench = Bench::new(options);
        bench.upload(first(&image, 100));
        bench
    };
    let four = options(NEW);
    let mut bench = start(four.clone());
    assert_eq!(
        send(&mut bench, &[100, 200, 300]),
        said(&[(0, "{off: 200}"), (1, "{off: 300}"), (2, "{off: 400}")])
    );
    let mut bench = start(four.clone());
    let rest = [(0, "{rc: 2}"), (1, "{off: 100}"), (2, "{off: 100}"), (3, "{off: 100}")];
    assert_eq!(send(&mut bench, &[100, 200, 300, 400]), said(&rest), "four at once");
    let mut bench = start(four);
    assert_eq!(send(&mut bench, &[100, 200, 300, 400, 500, 600]), said(&rest), "the rest in silence");
    assert_eq!(bench.device.counters().no_buffer, 2);
    let mut bench = start(DeviceOptions { buf_count: 2, wake_us: 0, ..options(NEW) });
    // The request is taken up at once and holds two buffers.
    bench.device.write(
        bench.now,
        &frame(1, WRITE, 1, 0, 1, &encode(&map([("off", 100.into()), ("data", bytes(&image[100..200]))]))),
    );
    assert!(bench.device.poll(bench.now).is_none());
    assert_eq!(send(&mut bench, &[200]), said(&[(0, "{off: 200}")]), "two buffers: the second is lost");
}
