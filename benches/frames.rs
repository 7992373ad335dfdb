//! What one upload chunk costs the library: `next_frame` and `feed`, through Rust and through the C ABI, and the
//! allocations of both; beside them the encoding and decoding of the same chunk by crate mcumgr-smp 0.8.
//!
//! Frames of 244 bytes, three in flight, one session after the other as in a busy process. Every figure is the median over
//! batches of 64 calls, so that what else the machine does hardly shows. Writes `target/bench/frames.json`.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use mcumgr_smp::SmpFrame;
use mcumgr_smp::application_management::{ImageWriter, WriteImageChunkResult};
use serde_json::json;
use smpfota::ffi;
use smpfota::recording::Form;
use smpfota::simulator::{
    DeviceOptions, DeviceProfile, FlashTiming, LinkKind, Scenario, VirtualDevice, image,
};
use smpfota::{Firmware, Next, Session, SessionOptions, Trace, UpdateOptions};

/// Counts what is allocated. One thread: load and store are enough, and cost next to nothing.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.store(ALLOCATIONS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.store(ALLOCATIONS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The size of the image; 1,868 chunks.
const IMAGE: usize = 409_600;
/// Calls in one measurement, each on a session of its own.
const BATCH: usize = 64;
const ROUNDS: usize = 6;

/// A session as its caller sees it.
trait Client {
    /// The length of the next write, or `None` when there is none.
    fn next(&mut self, now: u64, buffer: &mut [u8]) -> Option<usize>;
    fn feed(&mut self, now: u64, bytes: &[u8]);
}

impl Client for Session {
    #[inline(never)]
    fn next(&mut self, now: u64, buffer: &mut [u8]) -> Option<usize> {
        match self.next_frame(now, buffer) {
            Ok(Next::Write(length)) => Some(length),
            Ok(_) => None,
            Err(failure) => panic!("{failure}"),
        }
    }

    #[inline(never)]
    fn feed(&mut self, now: u64, bytes: &[u8]) {
        Session::feed(self, now, bytes);
    }
}

/// The same through the C ABI, by function pointers that the compiler cannot look through.
struct Handle {
    session: usize,
    next_frame: unsafe extern "C" fn(usize, u64, *mut u8, usize, *mut usize) -> i32,
    feed: unsafe extern "C" fn(usize, u64, *const u8, usize) -> i32,
}

impl Handle {
    fn open(image: usize) -> Handle {
        let mut session = 0;
        // SAFETY: pointers to live variables, or NULL.
        unsafe {
            assert_eq!(ffi::smpfota_session_open(std::ptr::null(), &mut session, std::ptr::null_mut()), 0);
            let started =
                ffi::smpfota_session_start_update(session, image, std::ptr::null(), std::ptr::null_mut());
            assert_eq!(started, 0);
        }
        Handle {
            session,
            next_frame: black_box(ffi::smpfota_session_next_frame),
            feed: black_box(ffi::smpfota_session_feed),
        }
    }
}

impl Client for Handle {
    #[inline(always)]
    fn next(&mut self, now: u64, buffer: &mut [u8]) -> Option<usize> {
        let mut length = 0;
        // SAFETY: a buffer with its length, and a live variable.
        let status =
            unsafe { (self.next_frame)(self.session, now, buffer.as_mut_ptr(), buffer.len(), &mut length) };
        assert!(status >= 0, "{status}");
        (status == 0).then_some(length)
    }

    #[inline(always)]
    fn feed(&mut self, now: u64, bytes: &[u8]) {
        // SAFETY: bytes with their length.
        let status = unsafe { (self.feed)(self.session, now, bytes.as_ptr(), bytes.len()) };
        assert_eq!(status, 0);
    }
}

/// The device's side of one session: what it has, and the answers that are due.
struct Device {
    /// Offset, sequence.
    due: std::collections::VecDeque<(u32, u8)>,
    off: u32,
}

/// The answer of a Zephyr 4.4 server: an indefinite map with the offset.
fn answer(off: u32, sequence: u8) -> [u8; 19] {
    let mut frame = [0x0b, 0, 0, 11, 0, 1, sequence, 1, 0xbf, 0x63, b'o', b'f', b'f', 0x1a, 0, 0, 0, 0, 0xff];
    frame[14..18].copy_from_slice(&off.to_be_bytes());
    frame
}

/// The data in an upload frame: what follows the head of the last byte string.
fn data_length(frame: &[u8]) -> u32 {
    let at = frame.windows(5).position(|w| w == b"\x64data").expect("a chunk") + 5;
    match frame[at] {
        short @ 0x40..=0x57 => u32::from(short - 0x40),
        0x58 => u32::from(frame[at + 1]),
        _ => panic!("a chunk of 244 bytes"),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Measured {
    next_ns: f64,
    feed_ns: f64,
    allocations: f64,
}

/// Measures uploads of [`BATCH`] sessions side by side.
fn measure(open: impl Fn() -> Box<dyn Client>) -> Measured {
    let (mut next_ns, mut feed_ns) = (Vec::new(), Vec::new());
    let (mut allocated, mut chunks) = (0, 0);
    for _ in 0..ROUNDS {
        let mut clients: Vec<_> = (0..BATCH).map(|_| open()).collect();
        let mut devices: Vec<_> = (0..BATCH).map(|_| Device { due: Default::default(), off: 0 }).collect();
        let mut buffers = vec![[0u8; 244]; BATCH];
        let mut answers = [[0; 19]; BATCH];
        for (client, device) in clients.iter_mut().zip(&mut devices) {
            introduce(client.as_mut(), device);
        }
        let mut now = 1_000;
        // Not the last chunks: after them the image list is asked for.
        while devices[0].off + 2_000 < IMAGE as u32 {
            now += 1;
            for (device, answer) in devices.iter_mut().zip(&mut answers) {
                let (off, sequence) = device.due.pop_front().expect("three in flight");
                *answer = self::answer(off, sequence);
            }
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let start = Instant::now();
            for (client, answer) in clients.iter_mut().zip(&answers) {
                client.feed(now, black_box(answer));
            }
            let fed = Instant::now();
            for (client, buffer) in clients.iter_mut().zip(&mut buffers) {
                let length = client.next(now, buffer);
                assert_eq!(length, Some(244));
            }
            let end = Instant::now();
            allocated += ALLOCATIONS.load(Ordering::Relaxed) - before;
            chunks += BATCH as u64;
            feed_ns.push((fed - start).as_nanos() as f64 / BATCH as f64);
            next_ns.push((end - fed).as_nanos() as f64 / BATCH as f64);
            for (device, buffer) in devices.iter_mut().zip(&buffers) {
                device.off += data_length(buffer);
                device.due.push_back((device.off, buffer[6]));
            }
        }
    }
    Measured {
        next_ns: median(&mut next_ns),
        feed_ns: median(&mut feed_ns),
        allocations: allocated as f64 / chunks as f64,
    }
}

/// Brings a session to the point where three full chunks are in flight.
fn introduce(client: &mut dyn Client, device: &mut Device) {
    let options = DeviceOptions {
        buf_size: 244,
        flash: FlashTiming::INSTANT,
        ..DeviceOptions::new(DeviceProfile::Zephyr44)
    };
    let mut server = VirtualDevice::new(options);
    let mut buffer = [0; 244];
    for now in 0.. {
        while let Some(length) = client.next(now, &mut buffer) {
            let frame = &buffer[..length];
            if frame[4..6] == [0, 1] && frame[7] == 1 {
                device.off += data_length(frame);
                device.due.push_back((device.off, frame[6]));
            } else {
                server.write(now * 1_000, frame);
            }
        }
        match device.due.len() {
            1 => {
                let (off, sequence) = device.due.pop_front().expect("the first chunk");
                client.feed(now, &answer(off, sequence));
            }
            3 => return,
            _ => {}
        }
        while let Some(bytes) = server.poll((now + 1) * 1_000) {
            client.feed(now, &bytes);
        }
    }
}

/// The same chunks by mcumgr-smp: encode a frame, decode the answer.
fn measure_peer(image: &[u8]) -> (f64, f64) {
    let (mut encode_ns, mut decode_ns) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut writers: Vec<_> =
            (0..BATCH).map(|_| ImageWriter::new(Some(0), image.len(), Some(&[0; 32]), false)).collect();
        // Its caller chooses the chunk; 221 bytes make a frame of about 244.
        for data in image.chunks_exact(221) {
            let start = Instant::now();
            for writer in &mut writers {
                black_box(writer.write_chunk(black_box(data)).encode_with_cbor());
            }
            let end = Instant::now();
            encode_ns.push((end - start).as_nanos() as f64 / BATCH as f64);
            let bytes = answer(writers[0].offset as u32, writers[0].sequence);
            let start = Instant::now();
            for _ in 0..BATCH {
                let frame: SmpFrame<WriteImageChunkResult> =
                    SmpFrame::decode_with_cbor(black_box(&bytes)).expect("decodes");
                assert!(matches!(black_box(frame).data, WriteImageChunkResult::Ok(_)));
            }
            let end = Instant::now();
            decode_ns.push((end - start).as_nanos() as f64 / BATCH as f64);
        }
    }
    (median(&mut encode_ns), median(&mut decode_ns))
}

/// Explains recordings of an upload; seconds per megabyte of text, of hexadecimal in a log, and of pcapng.
fn measure_trace(firmware: &Arc<Firmware>) -> [f64; 3] {
    let mut session = Session::open(SessionOptions::default()).expect("defaults");
    session.start_update(firmware.clone(), UpdateOptions::default()).expect("defaults");
    session.record(8 << 20, false).expect("a capacity");
    let mut device = Device { due: Default::default(), off: 0 };
    introduce(&mut session, &mut device);
    let mut buffer = [0; 244];
    let mut now = 1_000;
    while device.off + 2_000 < IMAGE as u32 {
        now += 20;
        let (off, sequence) = device.due.pop_front().expect("three in flight");
        session.feed(now, &answer(off, sequence));
        assert_eq!(session.next(now, &mut buffer), Some(244));
        device.off += data_length(&buffer);
        device.due.push_back((device.off, buffer[6]));
    }
    let text = session.recording(Form::Text).expect("a recording");
    let log: String = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            let [time, arrow @ (">" | "<"), length, bytes] = parts[..] else { return None };
            let word = if arrow == ">" { "Sent" } else { "Received" };
            let spaced: Vec<&str> = (0..bytes.len() / 2).map(|at| &bytes[2 * at..2 * at + 2]).collect();
            Some(format!("[{time}] {word} {length} bytes: {}\n", spaced.join(" ")))
        })
        .collect();
    let pcapng = session.recording(Form::Pcapng).expect("a recording");
    [text, log.into_bytes(), pcapng].map(|file| {
        let mut seconds: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                let mut trace = Trace::new();
                let mut rest = &file[..];
                while !rest.is_empty() {
                    rest = &rest[trace.feed(rest)..];
                    while trace.next_line().is_some() {}
                }
                let verdict = trace.verdict();
                assert!(verdict["figures"]["frames"].as_u64() > Some(3_000));
                start.elapsed().as_secs_f64() / (file.len() as f64 / 1e6)
            })
            .collect();
        median(&mut seconds)
    })
}

/// Pairs of whole updates, one without and one with a recording.
const PAIRS: usize = 60;

/// What whole updates of the virtual device take without a recording, and by how much that is more with one.
struct Runs {
    /// Microseconds in the library, and of the whole run with the virtual link and device.
    library_us: f64,
    run_us: f64,
    /// The medians over the pairs.
    library_percent: f64,
    run_percent: f64,
}

/// Updates in pairs; which of a pair comes first changes from pair to pair.
fn measure_runs() -> Runs {
    let scenario = Scenario::new(LinkKind::BleLocal).image_size(IMAGE as u32);
    let firmware = Arc::new(Firmware::parse(scenario.image()).expect("an image"));
    let run = |recorded: bool| {
        let mut session = Session::open(SessionOptions::default()).expect("defaults");
        session.start_update(firmware.clone(), UpdateOptions::default()).expect("defaults");
        if recorded {
            session.record(64 * 1024, false).expect("a capacity");
        }
        let mut link = scenario.build();
        let mut buffer = [0; 244];
        let (mut now, mut spent) = (0, 0.0);
        let begin = Instant::now();
        loop {
            let start = Instant::now();
            let next = session.next_frame(now / 1_000, &mut buffer).expect("goes well");
            spent += start.elapsed().as_secs_f64();
            match next {
                Next::Write(length) => link.write(now, &buffer[..length]),
                Next::Done => return (spent * 1e6, begin.elapsed().as_secs_f64() * 1e6),
                _ => {
                    let deadline = session.deadline().map(|ms| ms * 1_000);
                    let next = [deadline, link.next_event()].into_iter().flatten().min().expect("something");
                    now = next.max(now + 1);
                    while let Some(bytes) = link.read(now) {
                        let start = Instant::now();
                        session.feed(now / 1_000, &bytes);
                        spent += start.elapsed().as_secs_f64();
                    }
                }
            }
        }
    };
    let (mut library, mut whole): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    let (mut library_percent, mut run_percent) = (Vec::new(), Vec::new());
    let percent = |before: f64, after: f64| (after / before - 1.0) * 100.0;
    for pair in 0..PAIRS {
        let first = run(pair % 2 == 1);
        let second = run(pair % 2 == 0);
        let (without, with) = if pair % 2 == 0 { (first, second) } else { (second, first) };
        library.push(without.0);
        whole.push(without.1);
        library_percent.push(percent(without.0, with.0));
        run_percent.push(percent(without.1, with.1));
    }
    Runs {
        library_us: median(&mut library),
        run_us: median(&mut whole),
        library_percent: median(&mut library_percent),
        run_percent: median(&mut run_percent),
    }
}

fn main() {
    let bytes = image::make((1, 1, 0), IMAGE, 7);
    let firmware = Arc::new(Firmware::parse(bytes.clone()).expect("an image"));
    let rust = measure(|| {
        let mut session = Session::open(SessionOptions::default()).expect("defaults");
        session.start_update(firmware.clone(), UpdateOptions::default()).expect("defaults");
        Box::new(session)
    });
    let mut image = 0;
    // SAFETY: bytes with their length, a live variable, and no error wanted.
    let opened = unsafe {
        ffi::smpfota_image_open_bytes(bytes.as_ptr(), bytes.len(), &mut image, std::ptr::null_mut())
    };
    assert_eq!(opened, 0);
    let c = measure(|| Box::new(Handle::open(image)));
    let recorded = measure(|| {
        let mut session = Session::open(SessionOptions::default()).expect("defaults");
        session.start_update(firmware.clone(), UpdateOptions::default()).expect("defaults");
        session.record(16 * 1024, false).expect("a capacity");
        Box::new(session)
    });
    let runs = measure_runs();
    let traces = measure_trace(&firmware);
    let (peer_encode_ns, peer_decode_ns) = measure_peer(&bytes);
    println!(
        "{:<24} {:>14} {:>10} {:>10} {:>12}",
        "ns per 244-byte chunk", "encode / next", "decode / feed", "together", "allocations"
    );
    let row = |name: &str, one: f64, two: f64, allocations: Option<f64>| {
        let allocations = allocations.map_or_else(|| "-".to_owned(), |n| n.to_string());
        println!("{name:<24} {one:>14.1} {two:>13.1} {:>10.1} {allocations:>12}", one + two);
    };
    row("Rust API", rust.next_ns, rust.feed_ns, Some(rust.allocations));
    row("C ABI", c.next_ns, c.feed_ns, Some(c.allocations));
    row("recorded, 16 KiB", recorded.next_ns, recorded.feed_ns, Some(recorded.allocations));
    row("mcumgr-smp 0.8", peer_encode_ns, peer_decode_ns, None);
    println!(
        "an update of 400 KiB: {:.0} us in the library, {:+.1} % recorded; the run {:.0} us, {:+.1} % recorded",
        runs.library_us, runs.library_percent, runs.run_us, runs.run_percent
    );
    for (form, seconds) in ["a recording", "hexadecimal in a log", "pcapng"].into_iter().zip(traces) {
        println!("a trace explained, {form}: {:.1} ms per MB", seconds * 1e3);
    }
    let round = |ns: f64| (ns * 10.0).round() / 10.0;
    let figures = json!({
        "next_frame_ns": round(rust.next_ns), "feed_ns": round(rust.feed_ns),
        "c_next_frame_ns": round(c.next_ns), "c_feed_ns": round(c.feed_ns),
        "allocs_per_chunk": rust.allocations.max(c.allocations),
        "recorded_next_frame_ns": round(recorded.next_ns), "recorded_feed_ns": round(recorded.feed_ns),
        "recorded_allocs_per_chunk": recorded.allocations,
        "library_us": round(runs.library_us), "recorded_library_percent": round(runs.library_percent),
        "run_us": round(runs.run_us), "recorded_run_percent": round(runs.run_percent),
        "trace_s_per_mb": (traces[0] * 1e4).round() / 1e4, "trace_log_s_per_mb": (traces[1] * 1e4).round() / 1e4,
        "trace_pcapng_s_per_mb": (traces[2] * 1e4).round() / 1e4,
        "peer_encode_ns": round(peer_encode_ns), "peer_decode_ns": round(peer_decode_ns),
    });
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&path).expect("a folder to write to");
    let text = serde_json::to_string_pretty(&figures).expect("JSON");
    std::fs::write(path.join("frames.json"), text + "\n").expect("written");
}
