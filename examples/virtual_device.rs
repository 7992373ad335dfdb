//! A virtual Zephyr device that speaks SMP over UDP, in real time, for anybody's client to be pointed at.
//!
//! `cargo run --example virtual_device -- --udp 127.0.0.1:1337`

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use smpfota::simulator::rng::Rng;
use smpfota::simulator::{
    DeviceOptions, DeviceProfile, EraseMode, FieldDevice, FlashTiming, Transport, VirtualDevice,
};

const HELP: &str = "\
A virtual device (Zephyr SMP server and MCUboot) that speaks SMP over UDP.

  --udp HOST:PORT     where to listen (default 127.0.0.1:1337; port 0 takes a free one)
  --profile NAME      zephyr-4.4 (default) or ncs-2.1
  --delay-ms N        delay of every datagram, one way (default 0)
  --loss PERCENT      loss each way (default 0)
  --seed N            seed of the losses and of the running image (default 1)
  --buf-size N        bytes of a message buffer (default 2048)
  --buf-count N       number of message buffers (default 4)
  --frugal-list 0|1   1: the image list tells only what is not as usual, and fits small buffers (default 0)
  --slot-size N       bytes of a slot (default 487424)
  --flash-speed 0|1   0: flash takes no time (default); 1: the times of an nRF52840
  --flash-page-us N   time to erase a page of 4096 bytes (default: as --flash-speed)
  --flash-word-us N   time to write a word of 4 bytes (default: as --flash-speed)
  --erase MODE        first-chunk (default): the pages of the image, before the first chunk is answered;
                      first-chunk-slot: the whole slot; progressive: each page before the first write to it;
                      before: the slot is erased already
  --drop LIST         loses chosen datagrams, such as chunk:1,chunk-answer:3: the Nth request, answer, chunk of an
                      upload or chunk-answer since the start, each counted for itself, copies too
  --field NAME        a device of the field, one of the names below
  --help              this text

It boots version 1.0.0 and prints `listening on HOST:PORT` when it is ready. It keeps nothing when it ends.";

/// What the command line chose.
struct Settings {
    listen: String,
    delay: Duration,
    loss: f64,
    drops: Vec<Chosen>,
    seed: u64,
    device: DeviceOptions,
}

/// What a datagram is, as far as `--drop` can choose it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Request,
    Answer,
    Chunk,
    ChunkAnswer,
}

impl Sort {
    const ALL: [(&str, Sort); 4] = [
        ("request", Sort::Request),
        ("answer", Sort::Answer),
        ("chunk", Sort::Chunk),
        ("chunk-answer", Sort::ChunkAnswer),
    ];

    fn is(self, datagram: &[u8]) -> bool {
        let Some(&[op, _, _, _, g0, g1, _, command]) = datagram.first_chunk::<8>() else { return false };
        let (answer, write) = (op & 1 == 1, op & 2 == 2);
        let chunk = write && [g0, g1, command] == [0, 1, 1];
        match self {
            Sort::Request => !answer,
            Sort::Answer => answer,
            Sort::Chunk => chunk && !answer,
            Sort::ChunkAnswer => chunk && answer,
        }
    }
}

/// A datagram that is lost: so many more of its sort, and it is the one.
struct Chosen {
    sort: Sort,
    left: u64,
}

/// Whether this datagram is one of the chosen ones.
fn is_chosen(drops: &mut [Chosen], datagram: &[u8]) -> bool {
    let mut chosen = false;
    for drop in drops.iter_mut().filter(|drop| drop.left > 0 && drop.sort.is(datagram)) {
        drop.left -= 1;
        chosen |= drop.left == 0;
    }
    chosen
}

fn drops(text: &str) -> Result<Vec<Chosen>, String> {
    let one = |item: &str| {
        let (name, number) = item.split_once(':')?;
        let (_, sort) = Sort::ALL.into_iter().find(|(known, _)| *known == name)?;
        let left = number.parse().ok().filter(|left| *left > 0)?;
        Some(Chosen { sort, left })
    };
    let items = text.split(',').filter(|item| !item.is_empty());
    items.map(|item| one(item).ok_or(format!("--drop: {item} is not such as chunk:1; see --help"))).collect()
}

/// When the device erases, and whether its second slot holds anything before.
fn erase(name: &str) -> Result<(EraseMode, bool), String> {
    match name {
        "first-chunk" => Ok((EraseMode::FirstChunkImage, true)),
        "first-chunk-slot" => Ok((EraseMode::FirstChunkSlot, true)),
        "progressive" => Ok((EraseMode::Progressive, true)),
        "before" => Ok((EraseMode::FirstChunkImage, false)),
        _ => Err(format!("--erase: there is no {name}; see --help")),
    }
}

fn settings() -> Result<Option<Settings>, String> {
    let mut values = HashMap::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = arguments.next().ok_or(format!("{name} needs a value; see --help"))?;
        values.insert(name, value);
    }
    let mut take = |name: &str, default: &str| values.remove(name).unwrap_or(default.to_owned());
    let number = |name: &str, text: String, most: u64| match text.parse::<u64>() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(format!("{name}: {text} is not a number from 0 to {most}")),
    };
    let profile = take("--profile", "zephyr-4.4");
    let profile = DeviceProfile::from_name(&profile).ok_or(format!("--profile: there is no {profile}"))?;
    let loss = take("--loss", "0");
    let loss = loss
        .parse::<f64>()
        .ok()
        .filter(|l| (0.0..=100.0).contains(l))
        .ok_or(format!("--loss: {loss} is not a number from 0 to 100"))?;
    let seed = number("--seed", take("--seed", "1"), u64::MAX)?;
    let slow = number("--flash-speed", take("--flash-speed", "0"), 1)? == 1;
    let field = take("--field", "");
    let speed = if slow { FlashTiming::NRF52840 } else { FlashTiming::INSTANT };
    let (page, word) = (speed.erase_page_us.to_string(), speed.write_word_us.to_string());
    let (erase, used_secondary) = erase(&take("--erase", "first-chunk"))?;
    let mut device = DeviceOptions {
        transport: Transport::Udp,
        seed,
        image_size: 32 * 1024,
        buf_size: number("--buf-size", take("--buf-size", "2048"), 65_535)?.max(64) as u32,
        buf_count: number("--buf-count", take("--buf-count", "4"), 1_000)?.max(2) as u32,
        frugal_list: number("--frugal-list", take("--frugal-list", "0"), 1)? == 1,
        slot_size: number("--slot-size", take("--slot-size", "487424"), 64 << 20)?.max(65_536) as u32,
        flash: FlashTiming {
            erase_page_us: number("--flash-page-us", take("--flash-page-us", &page), 60_000_000)?,
            write_word_us: number("--flash-word-us", take("--flash-word-us", &word), 1_000_000)?,
            ..speed
        },
        erase,
        used_secondary,
        ..DeviceOptions::new(profile)
    };
    if !field.is_empty() {
        FieldDevice::from_name(&field).ok_or(format!("--field: there is no {field}"))?.apply(&mut device);
    }
    let settings = Settings {
        listen: take("--udp", "127.0.0.1:1337"),
        delay: Duration::from_millis(number("--delay-ms", take("--delay-ms", "0"), 600_000)?),
        loss: loss / 100.0,
        drops: drops(&take("--drop", ""))?,
        seed,
        device,
    };
    match values.keys().next() {
        Some(unknown) => Err(format!("there is no option {unknown}; see --help")),
        None => Ok(Some(settings)),
    }
}

/// Something on its way, by due time and order.
enum Travelling {
    ToDevice(SocketAddr, Vec<u8>),
    ToClient(SocketAddr, Vec<u8>),
}

struct Program {
    settings: Settings,
    socket: UdpSocket,
    arrived: Receiver<Datagram>,
    device: VirtualDevice,
    rng: Rng,
    start: Instant,
    travelling: BTreeMap<(u64, u64), Travelling>,
    number: u64,
    /// Who asked, by what the answer repeats of the request: group, sequence, command.
    askers: HashMap<[u8; 4], SocketAddr>,
}

impl Program {
    fn now(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    fn send_later(&mut self, what: Travelling) {
        let (Travelling::ToDevice(_, bytes) | Travelling::ToClient(_, bytes)) = &what;
        let chosen = is_chosen(&mut self.settings.drops, bytes);
        if self.rng.chance(self.settings.loss) || chosen {
            return;
        }
        self.number += 1;
        let due = self.now() + self.settings.delay.as_micros() as u64;
        self.travelling.insert((due, self.number), what);
    }

    /// Moves everything that is due.
    fn step(&mut self) {
        let now = self.now();
        while let Some(entry) = self.travelling.first_entry().filter(|e| e.key().0 <= now) {
            match entry.remove() {
                Travelling::ToDevice(from, bytes) => {
                    if let Some(&[_, _, _, _, g0, g1, sequence, command]) = bytes.first_chunk::<8>() {
                        self.askers.insert([g0, g1, sequence, command], from);
                    }
                    self.device.write(now, &bytes);
                }
                // A client that is gone is no reason to stop.
                Travelling::ToClient(to, bytes) => drop(self.socket.send_to(&bytes, to)),
            }
        }
        while let Some(answer) = self.device.poll(now) {
            let Some(&[_, _, _, _, g0, g1, sequence, command]) = answer.first_chunk::<8>() else { continue };
            if let Some(to) = self.askers.get(&[g0, g1, sequence, command]).copied() {
                self.send_later(Travelling::ToClient(to, answer));
            }
        }
    }

    /// Waits for a datagram, but no longer than until something is due.
    fn receive(&mut self) -> std::io::Result<()> {
        let travelling = self.travelling.first_key_value().map(|((due, _), _)| *due);
        let due = [travelling, self.device.next_event()].into_iter().flatten().min();
        let wait = due.map_or(100_000, |due| due.saturating_sub(self.now())).clamp(50, 100_000);
        match self.arrived.recv_timeout(Duration::from_micros(wait)) {
            Ok(datagram) => {
                let (from, bytes) = datagram?;
                self.send_later(Travelling::ToDevice(from, bytes));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(ErrorKind::BrokenPipe.into()),
        }
        Ok(())
    }
}

type Datagram = std::io::Result<(SocketAddr, Vec<u8>)>;

/// Takes datagrams on a thread of its own: the timeout of a socket is rounded up to 10 ms on some systems, that of a channel
/// is exact.
fn listen(socket: UdpSocket) -> Receiver<Datagram> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        loop {
            let datagram = match socket.recv_from(&mut buffer) {
                Ok((length, from)) => Ok((from, buffer[..length].to_vec())),
                Err(error) => match error.kind() {
                    // On some systems the echo of a client that is gone.
                    ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused | ErrorKind::Interrupted => {
                        continue;
                    }
                    _ => Err(error),
                },
            };
            let failed = datagram.is_err();
            if sender.send(datagram).is_err() || failed {
                return;
            }
        }
    });
    receiver
}

fn run(settings: Settings) -> std::io::Result<()> {
    let socket = UdpSocket::bind(&settings.listen)?;
    println!("listening on {}", socket.local_addr()?);
    let mut program = Program {
        device: VirtualDevice::new(settings.device.clone()),
        rng: Rng::new(settings.seed),
        start: Instant::now(),
        travelling: BTreeMap::new(),
        number: 0,
        askers: HashMap::new(),
        arrived: listen(socket.try_clone()?),
        socket,
        settings,
    };
    loop {
        program.receive()?;
        program.step();
    }
}

fn main() -> ExitCode {
    let settings = match settings() {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            println!("{HELP}\n\nDevices of the field:");
            for device in FieldDevice::ALL {
                println!("  {:<23} {}", device.name, device.about);
            }
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
