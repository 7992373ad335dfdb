//! The virtual device against a real one: the same requests to both, and the answers must be the same bytes.
//!
//! The real one is Zephyr 4.4.0 behind MCUboot in QEMU. It is started around this test, which is not run otherwise:
//! `tests/qemu/with_device.py -- cargo test --test simulator_real`

mod simulator_support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ciborium::Value;
use simulator_support::*;
use smpfota::simulator::{BootMode, DeviceOptions, EraseMode, FlashTiming, Transport};
use smpfota::smp::console;

/// The device in QEMU, over the TCP port of its console.
struct Real {
    stream: TcpStream,
    decoder: console::Decoder,
}

impl Real {
    fn exchange(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let mut lines = Vec::new();
        console::encode(request, &mut lines);
        self.stream.write_all(&lines).unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        let mut buffer = [0; 4096];
        while Instant::now() < until {
            let length = match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the device has gone"),
                Ok(length) => length,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(error) => panic!("{error}"),
            };
            let mut answer = None;
            self.decoder.feed(&buffer[..length], |frame| answer = Some(frame.to_vec()));
            // An answer to an earlier request that was given up is not this one's.
            if let Some(answer) = answer.filter(|a| a.get(6) == request.get(6)) {
                return Some(answer);
            }
        }
        None
    }
}

/// Both devices, and what has differed so far.
struct Pair {
    real: Real,
    virtual_one: Bench,
    version: u8,
    sequence: u8,
    requests: usize,
    different: Vec<String>,
}

impl Pair {
    fn ask(&mut self, what: &str, op: u8, group: u16, command: u8, body: &[u8]) {
        self.sequence = self.sequence.wrapping_add(1);
        self.requests += 1;
        let request = frame(self.version, op, group, self.sequence, command, body);
        let real = self.real.exchange(&request).or_else(|| self.real.exchange(&request));
        self.virtual_one.device.write(self.virtual_one.now, &request);
        let ours = self.virtual_one.listen().pop();
        if real != ours {
            let show = |answer: &Option<Vec<u8>>| match answer {
                Some(raw) => format!("{:02x} {}", raw[0], parse(raw).body),
                None => "silence".into(),
            };
            self.different.push(format!(
                "{what} (version {}): real {}, virtual {}",
                self.version,
                show(&real),
                show(&ours)
            ));
        }
    }

    fn value(&mut self, what: &str, request: (u8, u16, u8), body: &Value) {
        let (op, group, command) = request;
        self.ask(what, op, group, command, &encode(body));
    }

    fn list(&mut self, what: &str) {
        self.ask(what, READ, 1, 0, &[0xa0]);
    }

    fn state(&mut self, what: &str, hash: &[u8], confirm: bool) {
        let hash = if hash.is_empty() { None } else { Some(("hash", bytes(hash))) };
        let entries = hash.into_iter().chain([("confirm", confirm.into())]);
        let entries = entries.map(|(k, v)| (Value::Text(k.into()), v)).collect();
        self.value(what, (WRITE, 1, 0), &Value::Map(entries));
    }

    fn upload(&mut self, image: &[u8]) {
        let mut off = 0;
        while off < image.len() {
            let end = image.len().min(off + if off == 0 { 150 } else { 215 });
            self.chunk("a chunk", image, off, end);
            off = end;
        }
    }

    fn chunk(&mut self, what: &str, image: &[u8], from: usize, to: usize) {
        let body = match from {
            0 => first(image, to),
            _ => map([("off", int(from)), ("data", bytes(&image[from..to]))]),
        };
        self.value(what, (WRITE, 1, 1), &body);
    }

    fn reset(&mut self) {
        self.ask("reset", WRITE, 0, 5, &[0xa0]);
        std::thread::sleep(Duration::from_millis(1_500));
    }
}

/// The first packet with fields replaced, or left out.
fn changed(image: &[u8], field: &str, value: Option<Value>) -> Value {
    let Value::Map(mut entries) = first(image, 120) else { unreachable!() };
    entries.retain(|(k, _)| k.as_text() != Some(field));
    entries.extend(value.map(|v| (Value::Text(field.into()), v)));
    Value::Map(entries)
}

/// The hash TLV of an image signed by imgtool, wherever it stands.
fn hash_tlv(image: &[u8]) -> Vec<u8> {
    let info = smpfota::simulator::image::inspect(image, 32).unwrap();
    info.hash
}

fn refusals(pair: &mut Pair, image: &[u8]) {
    let upload = (WRITE, 1, 1);
    let mut bad = image.to_vec();
    bad[0] ^= 0xff;
    for (what, body) in [
        ("bad magic", first(&bad, 120)),
        ("16 bytes", first(image, 16)),
        ("no data", changed(image, "data", None)),
        ("no len", changed(image, "len", None)),
        ("no off", changed(image, "off", None)),
        ("sha of 33", changed(image, "sha", Some(bytes(&[1; 33])))),
        ("too large", changed(image, "len", Some(int(0x1a001)))),
        ("upgrade to a higher version", changed(image, "upgrade", Some(true.into()))),
        ("image 200", changed(image, "image", Some(int(200)))),
    ] {
        pair.value(what, upload, &body);
    }
    for (what, op, group, command, body) in [
        ("malformed", WRITE, 1, 1, &[0xa1, 0x63, b'o'][..]),
        ("an array", WRITE, 1, 1, &[0x80]),
        ("nothing", WRITE, 1, 1, &[]),
        ("a key twice", WRITE, 1, 1, &[0xa2, 0x63, b'o', b'f', b'f', 1, 0x63, b'o', b'f', b'f', 2]),
        ("state of nothing", WRITE, 1, 0, &[]),
        ("list of nothing", READ, 1, 0, &[]),
        ("erase of nothing", WRITE, 1, 5, &[]),
        ("upload as a read", READ, 1, 1, &[0xa0]),
        ("unknown group", READ, 55, 0, &[0xa0]),
        ("unknown command", READ, 1, 55, &[0xa0]),
        ("a response", 1, 1, 0, &[0xa0]),
        ("another response", 3, 0, 0, &[0xa0]),
        ("operation 5", 5, 0, 0, &[0xa0]),
        ("echo without d", READ, 0, 0, &[0xa0]),
        ("echo of a number", READ, 0, 0, &[0xa1, 0x61, b'd', 1]),
        ("parameters", READ, 0, 6, &[0xa0]),
        ("bootloader", READ, 0, 8, &[0xa0]),
        ("information", READ, 0, 7, &[0xa0]),
        ("slot info", READ, 1, 6, &[0xa0]),
    ] {
        pair.ask(what, op, group, command, body);
    }
    pair.value("information z", (READ, 0, 7), &map([("format", "z".into())]));
    pair.value("statistics of nobody", (READ, 2, 0), &map([("name", "zz".into())]));
    for slot in [0, 9] {
        pair.value("erase", (WRITE, 1, 5), &map([("slot", int(slot))]));
    }
    pair.state("unknown hash", &[5; 32], false);
    pair.state("short hash", &[5; 4], false);
    pair.state("test without a hash", &[], false);
    pair.state("confirm what runs", &[], true);
}

fn offsets(pair: &mut Pair, image: &[u8]) {
    pair.chunk("a first chunk", image, 0, 120);
    pair.chunk("the next", image, 120, 220);
    pair.chunk("a duplicate", image, 120, 220);
    pair.chunk("a gap", image, 700, 800);
    pair.chunk("no data", image, 220, 220);
    pair.chunk("the first again", image, 0, 120);
    pair.value("another sha", (WRITE, 1, 1), &changed(image, "sha", Some(bytes(&[7; 32]))));
    pair.value("no sha", (WRITE, 1, 1), &changed(image, "sha", None));
    pair.chunk("the next", image, 120, 220);
    pair.chunk("a refused first chunk", image, 0, 16);
    pair.chunk("after it", image, 220, 320);
    pair.value("a short length", (WRITE, 1, 1), &changed(image, "len", Some(int(200))));
    pair.chunk("too much data", image, 120, 220);
    pair.chunk("after it", image, 120, 220);
}

#[test]
fn the_virtual_device_answers_like_the_real_one() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let stream =
        TcpStream::connect(("127.0.0.1", variable("SMPFOTA_QEMU_PORT").parse::<u16>().unwrap())).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let image = |name: &str| std::fs::read(variable(name)).unwrap();
    let (old, new) = (image("SMPFOTA_IMAGE_100"), image("SMPFOTA_IMAGE_110"));
    let mut virtual_one = Bench::new(DeviceOptions {
        transport: Transport::Udp,
        slot_size: 0x1a000,
        flash: FlashTiming::INSTANT,
        erase: EraseMode::FirstChunkImage,
        boot_mode: BootMode::SwapOffset,
        bootloader_info: false,
        verbose_errors: true,
        ..DeviceOptions::new(NEW)
    });
    virtual_one.device.install(&old).unwrap();
    let real = Real { stream, decoder: console::Decoder::new(4096) };
    let mut pair = Pair { real, virtual_one, version: 1, sequence: 0, requests: 0, different: Vec::new() };
    let hash = hash_tlv(&new);

    for version in [1, 0] {
        pair.version = version;
        pair.list("fresh");
        refusals(&mut pair, &new);
        offsets(&mut pair, &new);
        pair.ask("erase", WRITE, 1, 5, &[0xa0]);
        pair.list("erased");
    }
    pair.version = 1;
    pair.upload(&new);
    pair.chunk("the last again", &new, new.len() - 50, new.len());
    pair.list("uploaded");
    pair.state("test", &hash, false);
    pair.state("test again", &hash, false);
    pair.state("confirm what is to be tested", &hash, true);
    pair.state("confirm what runs", &[], true);
    pair.reset();
    pair.list("on trial");
    pair.chunk("upload on trial", &new, 0, 120);
    pair.ask("erase on trial", WRITE, 1, 5, &[0xa0]);
    pair.state("test of what runs", &hash, false);
    pair.reset();
    pair.list("taken back");
    pair.state("test", &hash, false);
    pair.reset();
    pair.list("on trial again");
    pair.state("confirm", &[], true);
    pair.list("confirmed");
    pair.reset();
    pair.list("still confirmed");
    pair.value("upgrade to the same version", (WRITE, 1, 1), &changed(&new, "upgrade", Some(true.into())));
    // A flipped bit in the body: marked like any other, never booted.
    let mut damaged = old;
    damaged[1000] ^= 1;
    pair.upload(&damaged);
    pair.list("damaged");
    pair.state("mark the damaged one", &hash_tlv(&damaged), true);
    pair.chunk("upload over what is pending", &new, 0, 120);
    pair.list("destroyed");
    pair.upload(&damaged);
    pair.state("mark the damaged one", &hash_tlv(&damaged), false);
    pair.reset();
    pair.list("refused by the bootloader");

    let Pair { requests, different, .. } = pair;
    assert!(
        different.is_empty(),
        "{} of {requests} answers differ:\n{}",
        different.len(),
        different.join("\n")
    );
    println!("{requests} requests, the same answers");
}
