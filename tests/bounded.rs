//! Nothing from outside decides how much is allocated: the worst inputs, under an allocator that counts.

#![allow(unsafe_code)]

#[path = "../fuzz/src/stub.rs"]
#[allow(dead_code)]
mod stub;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use smpfota::smp::console::Decoder;
use smpfota::smp::reassembly::Reassembly;
use smpfota::smp::{Header, Op};
use smpfota::{Command, Firmware, Next, Session, SessionOptions, UpdateOptions};

/// Counts for the thread that asks, so that tests beside this one do not matter.
struct Counting;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize) {
    let _ = IN_USE.try_with(|in_use| {
        in_use.set(in_use.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(in_use.get())));
    });
}

// SAFETY: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes in use at a time while `work` runs, beyond those before it.
fn peak(work: impl FnOnce()) -> usize {
    let before = IN_USE.get();
    PEAK.set(before);
    LARGEST.set(0);
    work();
    (PEAK.get() - before) as usize
}

fn text(key: &str) -> Vec<u8> {
    [&[0x60 + key.len() as u8][..], key.as_bytes()].concat()
}

/// Bodies that promise much and hold little, and bodies that nest or repeat as deep as a frame allows.
fn worst_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let head = |major: u8| [&[major << 5 | 27][..], &[0xff; 8]].concat();
    let mut bodies = vec![
        ("a map of 2^64 entries", head(5)),
        ("an array of 2^64 items", [&[0xa1][..], &text("images"), &head(4)].concat()),
        ("a text of 2^64 bytes", [&[0xa1][..], &text("images"), &head(3)].concat()),
        ("a string of 2^64 bytes", [&[0xa1][..], &text("hash"), &head(2)].concat()),
        ("tags to the end", [&[0xa1][..], &text("r"), &[0xc1; 60_000][..]].concat()),
        ("arrays to the end", [&[0xa1][..], &text("images"), &[0x81; 60_000][..]].concat()),
        ("maps to the end", [&[0xa1][..], &text("images"), &[0xbf; 60_000][..]].concat()),
        (
            "chunks to the end",
            [&[0xbf][..], &text("output"), &[0x5f], &[0x41, 0][..].repeat(30_000)].concat(),
        ),
    ];
    let mut many = [&[0xbf][..], &text("images"), &[0x9f]].concat();
    while many.len() < 60_000 {
        many.extend([&[0xbf][..], &text("slot"), &[0], &text("version"), &text("1.0.0"), &[0xff]].concat());
    }
    many.extend([0xff, 0xff]);
    bodies.push(("images to the end", many));
    let mut keys = vec![0xbf];
    while keys.len() < 60_000 {
        keys.extend([&text("a")[..], &[0]].concat());
    }
    keys.push(0xff);
    bodies.push(("keys to the end", keys));
    bodies
}

#[test]
fn no_body_of_a_frame_allocates_more_than_a_few_times_its_length() {
    for (what, body) in worst_bodies() {
        for name in Command::names().chain(["update"]) {
            let mut session = Session::open(SessionOptions { max_write: 1_024, ..SessionOptions::default() })
                .expect("valid");
            if name == "update" {
                let firmware = stub::samples()[0].firmware.clone();
                session.start_update(firmware, UpdateOptions::default()).expect("nothing runs");
            } else {
                let Ok(command) = Command::new(name, &serde_json::Value::Null) else { continue };
                session.start_command(command).expect("nothing runs");
            }
            let mut buffer = [0; 1_024];
            let Ok(Next::Write(length)) = session.next_frame(0, &mut buffer) else {
                panic!("{name} sends nothing")
            };
            let answer = stub::respond(Header::decode(&buffer[..length]).expect("a header"), &body);
            let used = peak(|| {
                session.feed(0, &answer);
                let _ = (session.result(), session.failure());
            });
            // Ten bytes can be an object of JSON, which takes some hundred: linear, and never more.
            assert!(used <= 100 * answer.len() + 16_384, "{name}, {what}: {used} bytes for {}", answer.len());
        }
        let frame = stub::respond(
            Header { op: Op::Read, version: 1, flags: 0, length: 0, group: 1, sequence: 0, command: 0 },
            &body,
        );
        let used = peak(|| drop(smpfota::diagnose::explain(&frame).to_string()));
        assert!(used <= 8 << 20, "explain, {what}: {used} bytes for {}", frame.len());
    }
}

#[test]
fn a_length_that_is_only_claimed_allocates_nothing() {
    // A header that announces 65,535 bytes and brings none.
    let claim = [1, 0, 0xff, 0xff, 0, 0, 0, 0];
    let used = peak(|| {
        let mut reassembly = Reassembly::new(65_543);
        for now in 0..1_000 {
            reassembly.feed(now, &claim, |_| {});
        }
    });
    assert!(used <= 32_768, "{used} bytes");
    // A console packet that announces as much.
    let used = peak(|| {
        let mut decoder = Decoder::new(65_535);
        for _ in 0..1_000 {
            decoder.feed(b"\x06\x09//8A\n", |_| {});
        }
    });
    assert!(used <= 4_096, "{used} bytes");
}

#[test]
fn garbage_for_hours_is_not_kept() {
    let mut session = Session::open(SessionOptions::default()).expect("valid");
    session
        .start_command(Command::new("image_list", &serde_json::Value::Null).expect("a command"))
        .expect("idle");
    let mut noise = 0x1234_5678u32;
    let used = peak(|| {
        for now in 0..20_000 {
            let bytes: Vec<u8> = (0..200)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (noise >> 24) as u8
                })
                .collect();
            session.feed(now, &bytes);
        }
    });
    assert!(used <= 4 * 65_543, "{used} bytes");
}

#[test]
fn a_file_allocates_what_it_holds_and_not_what_it_claims() {
    // An image header that claims 4 GiB, and TLVs that claim 64 KiB.
    let mut image = stub::samples()[0].bytes.clone();
    image[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(peak(|| assert!(Firmware::parse(image.clone()).is_err())) <= 16_384);
    // A directory record that claims 65,535 entries.
    let mut zip = b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0".to_vec();
    assert!(peak(|| assert!(Firmware::parse(zip.clone()).is_err())) <= 65_536);
    // The same as zip64, with 2^64 entries of 2^64 bytes.
    let mut large = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    large.extend([0xff; 32]);
    large.extend(b"PK\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0");
    large.append(&mut zip);
    assert!(peak(|| assert!(Firmware::parse(large.clone()).is_err())) <= 65_536);
}
