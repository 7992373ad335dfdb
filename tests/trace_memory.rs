//! A trace of 100,000 frames passes in at most 4 MiB, whatever its form and the length of its lines.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use smpfota::Trace;

/// Counts for the thread that asks.
struct Counting;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
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

const FRAMES: u32 = 100_000;

/// An answer to an upload, or one too short to be anything else than an answer.
fn frame(number: u32, short: bool) -> Vec<u8> {
    if short {
        return vec![3, 0, 0, 2, 0, 1, number as u8, 1, 0xbf, 0xff];
    }
    let mut frame = vec![3, 0, 0, 15, 0, 1, number as u8, 1];
    frame.extend(b"\xbf\x62rc\x00\x63off\x1a");
    frame.extend((number * 200).to_be_bytes());
    frame.push(0xff);
    frame.resize(23, 0xff);
    frame
}

/// A frame as a notification in HCI data of at most 27 bytes, in records of btsnoop.
fn notified(number: u32) -> Vec<u8> {
    let frame = frame(number, false);
    let mut unit = [&[0x1b, 0x12, 0][..], &frame].concat();
    unit = [&(unit.len() as u16).to_le_bytes()[..], &[4, 0], &unit].concat();
    let mut records = Vec::new();
    // The file begins with its header.
    if number == 0 {
        records.extend(b"btsnoop\0\0\0\0\x01\0\0\x03\xea");
    }
    for (index, part) in unit.chunks(27).enumerate() {
        let boundary = if index == 0 { 0x20 } else { 0x10 };
        let packet = [&[2, 64, boundary, part.len() as u8, 0][..], part].concat();
        for field in [packet.len() as u32, packet.len() as u32, 1, 0, 0, number] {
            records.extend(field.to_be_bytes());
        }
        records.extend(packet);
    }
    records
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds what `write` says of each frame; the most bytes in use meanwhile, and how many lines came out.
fn peak(write: impl Fn(u32, &mut Vec<u8>)) -> (isize, u64) {
    let mut bytes = Vec::with_capacity(1 << 16);
    let before = IN_USE.get();
    PEAK.set(before);
    let mut trace = Trace::new();
    let mut lines = 0;
    for number in 0..FRAMES {
        bytes.clear();
        write(number, &mut bytes);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = trace.feed(rest);
            rest = &rest[taken..];
            while trace.next_line().is_some() {
                lines += 1;
            }
        }
    }
    let verdict = trace.verdict();
    while trace.next_line().is_some() {
        lines += 1;
    }
    assert_eq!(verdict["figures"]["frames"], FRAMES);
    (PEAK.get() - before, lines)
}

#[test]
fn a_hundred_thousand_frames_take_no_more_memory_than_a_few() {
    for (form, (most, lines)) in [
        (
            "a frame a line",
            peak(|number, out| out.extend(format!("{} < {}\n", number, hex(&frame(number, false))).bytes())),
        ),
        (
            "all frames in one line",
            peak(|number, out| out.extend(format!("\"{}\", ", hex(&frame(number, false))).bytes())),
        ),
        (
            "short frames in one line",
            peak(|number, out| out.extend(format!("{} | ", hex(&frame(number, true))).bytes())),
        ),
        ("frames as they are", peak(|number, out| out.extend(frame(number, false)))),
        ("a capture of a host", peak(|number, out| out.extend(notified(number)))),
    ] {
        println!("{form}: {most} bytes");
        assert!(most <= 4 << 20, "{form}: {most} bytes");
        assert_eq!(lines, u64::from(FRAMES), "{form}");
    }
}
