//! A fleet: what a session costs in memory, whether opening and closing stay flat, and whether threads wait for each other.
//!
//! Everything goes through the C ABI. Writes `target/bench/fleet.json`.

#![allow(unsafe_code)]

#[path = "../fuzz/src/stub.rs"]
#[allow(dead_code)]
mod stub;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;
use smpfota::ffi::*;
use smpfota::smp::Header;
use stub::{Sample, Stub, respond};

/// Counts the bytes in use, by what was asked for.
struct Counting;

static IN_USE: AtomicI64 = AtomicI64::new(0);
static COUNTS: AtomicBool = AtomicBool::new(false);

// SAFETY: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            IN_USE.fetch_add(layout.size() as i64, Relaxed);
        }
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTS.load(Relaxed) {
            IN_USE.fetch_sub(layout.size() as i64, Relaxed);
        }
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FLEET: usize = 100_000;
/// Chunks that each session of the fleet has had answered.
const CHUNKS: usize = 4;
const RUNS: usize = 9;

fn ok(status: i32) {
    assert_eq!(status, 0, "status {status}");
}

fn open() -> usize {
    let mut session = 0;
    // SAFETY: NULL stands for the defaults, and the handle has its place.
    ok(unsafe { smpfota_session_open(std::ptr::null(), &mut session, null_mut()) });
    session
}

fn open_image(bytes: &[u8]) -> usize {
    let mut image = 0;
    // SAFETY: pointer and length belong together.
    ok(unsafe { smpfota_image_open_bytes(bytes.as_ptr(), bytes.len(), &mut image, null_mut()) });
    image
}

fn start(session: usize, image: usize) {
    // SAFETY: NULL stands for the defaults.
    ok(unsafe { smpfota_session_start_update(session, image, std::ptr::null(), null_mut()) });
}

fn next_frame(session: usize, now: u64, buffer: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    // SAFETY: pointer and length belong together.
    let status =
        unsafe { smpfota_session_next_frame(session, now, buffer.as_mut_ptr(), buffer.len(), &mut length) };
    assert!(status >= 0, "status {status}");
    (status == 0).then_some(length)
}

fn feed(session: usize, now: u64, bytes: &[u8]) {
    // SAFETY: pointer and length belong together.
    ok(unsafe { smpfota_session_feed(session, now, bytes.as_ptr(), bytes.len()) });
}

fn is_chunk(frame: &[u8]) -> bool {
    frame[4..8].starts_with(&[0, 1]) && frame[7] == 1
}

/// Leads a session into the upload, until the device has so many chunks.
fn into_upload(session: usize, sample: &Sample, buffer: &mut [u8]) {
    let mut device = Stub::new(sample);
    // Frames of one write each: what a device without reassembly takes, and what the measured loop reads.
    device.buf_size = 244;
    device.slot_size = 16 << 20;
    let mut chunks = 0;
    let mut frame = Vec::new();
    while chunks < CHUNKS {
        // A frame may come in several writes.
        let length = next_frame(session, 0, buffer).expect("a frame");
        frame.extend_from_slice(&buffer[..length]);
        let Some(header) = Header::decode(&frame).filter(|header| header.frame_len() == frame.len()) else {
            continue;
        };
        chunks += usize::from(is_chunk(&frame));
        let answer = device.answer(&frame).expect("a request");
        feed(session, 0, &respond(header, &answer));
        frame.clear();
    }
}

fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<i64>().ok()).unwrap_or(0) * 4096
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds to open and close one more session beside those that are open.
fn open_close() -> f64 {
    const ROUND: u32 = 2_000;
    let runs = (0..25).map(|_| {
        let start = Instant::now();
        for _ in 0..ROUND {
            ok(smpfota_session_close(std::hint::black_box(open())));
        }
        start.elapsed().as_nanos() as f64 / f64::from(ROUND)
    });
    // The least of many: what the machine does besides only ever adds.
    runs.fold(f64::INFINITY, f64::min)
}

/// The offset after a chunk that is not the first: `a2 63 "off" N 64 "data" H ...`.
fn end_of(frame: &[u8]) -> u32 {
    let number = |at: usize| -> (u32, usize) {
        match frame[at] & 0x1f {
            24 => (u32::from(frame[at + 1]), at + 2),
            25 => (u32::from(u16::from_be_bytes([frame[at + 1], frame[at + 2]])), at + 3),
            26 => (u32::from_be_bytes([frame[at + 1], frame[at + 2], frame[at + 3], frame[at + 4]]), at + 5),
            small => (u32::from(small), at + 1),
        }
    };
    let (offset, at) = number(13);
    offset + number(at + 5).0
}

/// Uploads one large image after the other until told to stop; counts the frames.
fn upload(image: usize, sample: &Sample, stop: &AtomicBool, frames: &AtomicU64) {
    let mut buffer = [0; 512];
    while !stop.load(Relaxed) {
        let session = open();
        start(session, image);
        into_upload(session, sample, &mut buffer);
        let mut answer = *b"\x0b\0\0\x0d\0\x01\0\x01\xa2\x62rc\0\x63off\x1a\0\0\0\0";
        answer[3] = answer.len() as u8 - 8;
        let mut count = 0;
        let mut now = 1;
        'image: while !stop.load(Relaxed) {
            let mut arrived = [(0u8, 0u32); 16];
            let mut waiting = 0;
            while let Some(length) = next_frame(session, now, &mut buffer) {
                if !is_chunk(&buffer[..length]) {
                    break 'image;
                }
                arrived[waiting] = (buffer[6], end_of(&buffer[..length]));
                waiting += 1;
            }
            for (sequence, end) in &arrived[..waiting] {
                answer[6] = *sequence;
                let at = answer.len() - 4;
                answer[at..].copy_from_slice(&end.to_be_bytes());
                feed(session, now, &answer);
            }
            count += waiting as u64;
            now += 1;
        }
        frames.fetch_add(count, Relaxed);
        ok(smpfota_session_close(session));
    }
}

/// Frames per second of so many threads, each with sessions of its own.
fn frames_per_s(threads: usize, image: usize, sample: &Sample) -> f64 {
    let (stop, frames) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| upload(image, sample, &stop, &frames));
        }
        std::thread::sleep(Duration::from_millis(700));
        stop.store(true, Relaxed);
    });
    frames.load(Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn large_sample() -> Sample {
    let bytes = smpfota::simulator::image::make((1, 1, 0), 8 << 20, 7);
    let firmware = smpfota::Firmware::parse(bytes.clone()).expect("an image of the simulator");
    let hash = firmware.images[0].hash.as_bytes().to_vec();
    Sample { firmware: firmware.into(), bytes, hash }
}

fn main() {
    println!("a Session itself takes {} bytes", size_of::<smpfota::Session>());
    let sample = large_sample();
    let image = open_image(&sample.bytes);
    let mut buffer = [0; 512];

    let mut sessions: Vec<usize> = Vec::with_capacity(FLEET);
    let mut times = serde_json::Map::new();
    let mut numbers = Vec::new();
    let before = resident();
    COUNTS.store(true, Relaxed);
    for count in [100, 10_000, FLEET] {
        while sessions.len() < count {
            let session = open();
            start(session, image);
            into_upload(session, &sample, &mut buffer);
            sessions.push(session);
        }
        let in_use = IN_USE.load(Relaxed);
        COUNTS.store(false, Relaxed);
        let time = open_close();
        COUNTS.store(true, Relaxed);
        println!(
            "{count:>7} sessions: {:>5} bytes each, {time:>5.0} ns to open and close",
            in_use / count as i64
        );
        times.insert(count.to_string(), json!(time.round()));
        numbers.push((in_use as f64 / count as f64, time));
    }
    COUNTS.store(false, Relaxed);
    let (bytes, slowest) = *numbers.last().expect("a fleet");
    println!("          {} bytes each of resident memory", (resident() - before) / FLEET as i64);
    for session in sessions {
        ok(smpfota_session_close(session));
    }

    let mut one = Vec::new();
    let mut ratios = Vec::new();
    let mut two = Vec::new();
    for _ in 0..RUNS {
        one.push(frames_per_s(1, image, &sample));
        two.push(frames_per_s(2, image, &sample));
        ratios.push(two[two.len() - 1] / one[one.len() - 1]);
    }
    let (one, two, ratio) = (median(one), median(two), median(ratios));
    println!("one thread {one:.0} frames/s, two {two:.0}: {ratio:.2} times");
    ok(smpfota_image_close(image));

    let report = json!({
        "sessions": FLEET,
        "bytes_per_session": bytes.ceil(),
        "frames_per_s_1_thread": one.round(),
        "frames_per_s_2_threads": two.round(),
        "open_close_ns": times,
    });
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder).expect("target/bench");
    std::fs::write(folder.join("fleet.json"), format!("{report:#}\n")).expect("fleet.json");
    let flat = slowest / numbers[0].1;
    for (what, holds) in [
        (format!("{bytes:.0} of at most 1024 bytes per session"), bytes <= 1024.0),
        (format!("open and close at 100,000 is {flat:.2} of at most 1.5 times that at 100"), flat <= 1.5),
        (format!("two threads give {ratio:.2} of at least 1.7 times the frames of one"), ratio >= 1.7),
    ] {
        println!("{} {what}", if holds { "ok  " } else { "MISS" });
    }
}
