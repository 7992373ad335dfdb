//! The carriers of the desk: UDP and a serial port.

use crate::exit::Ending;
use clap::Args;
use smpfota::{Framing, SessionOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::time::Duration;

/// The largest datagram that passes an Ethernet without fragments.
const LARGEST_DATAGRAM: u32 = 1_472;
/// What a console line holds at most; the session cuts its frames into such lines by itself.
const BUFFER: usize = 65_536;

/// Where the device is.
#[derive(Args)]
pub struct LinkArguments {
    /// A device that speaks SMP over UDP; the usual port is 1337.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "serial")]
    udp: Option<String>,
    /// A serial port with the console framing, such as /dev/ttyACM0 or COM3; MCUboot's serial recovery speaks the same.
    #[arg(long, value_name = "PORT")]
    serial: Option<String>,
    /// The speed of the serial port.
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
    /// Write what goes there, what comes back and what is decided into this file, as text or, if its name ends in .pcapng, as a capture;
    /// `smpfota explain` reads both.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Leave the data of the image out of the recording.
    #[arg(long, requires = "record")]
    pub headers_only: bool,
}

/// A carrier that is open.
pub enum Link {
    Udp(UdpSocket),
    Serial(Box<dyn serialport::SerialPort>),
}

impl LinkArguments {
    /// Opens the carrier, with the session options that fit it.
    pub fn open(&self) -> Result<(Link, SessionOptions), Ending> {
        match (&self.udp, &self.serial) {
            (Some(address), _) => {
                let name = if address.contains(':') { address.clone() } else { format!("{address}:1337") };
                let local = if name.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(local).map_err(|error| Ending::io("a socket", &error))?;
                socket.connect(&name).map_err(|error| Ending::io(&name, &error))?;
                let options = SessionOptions {
                    max_write: LARGEST_DATAGRAM,
                    reassembly: smpfota::Reassembly::No,
                    rtt_hint_ms: 200,
                    ..SessionOptions::default()
                };
                Ok((Link::Udp(socket), options))
            }
            (None, Some(port)) => {
                let open = serialport::new(port, self.baud).timeout(Duration::from_millis(1)).open();
                let port = open.map_err(|error| Ending::Io(serial_trouble(port, &error)))?;
                let options = SessionOptions {
                    framing: Framing::Serial,
                    rtt_hint_ms: 200,
                    ..SessionOptions::default()
                };
                Ok((Link::Serial(port), options))
            }
            (None, None) => Err(Ending::usage("say where the device is: --udp HOST:PORT or --serial PORT")),
        }
    }
}

fn serial_trouble(port: &str, error: &serialport::Error) -> String {
    use serialport::ErrorKind as Kind;
    match error.kind() {
        Kind::NoDevice => format!("{port}: there is no such port, or another program has it open ({error})"),
        Kind::Io(ErrorKind::NotFound) => format!("{port}: there is no such port"),
        Kind::Io(ErrorKind::PermissionDenied) => {
            format!("{port}: you may not open it; on Linux join the group that owns it (dialout)")
        }
        _ => format!("{port}: {error}"),
    }
}

impl Link {
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        match self {
            // A datagram that nobody took is lost, like any other.
            Link::Udp(socket) => match socket.send(bytes) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
                Err(error) => Err(Ending::io("the socket", &error)),
            },
            Link::Serial(port) => port.write_all(bytes).map_err(|error| gone(&error)),
        }
    }

    /// What comes within a time; none if nothing does.
    pub fn read(&mut self, wait: Duration) -> Result<Vec<u8>, Ending> {
        let mut buffer = vec![0; BUFFER];
        let wait = wait.max(Duration::from_millis(1));
        let read = match self {
            Link::Udp(socket) => {
                socket.set_read_timeout(Some(wait)).map_err(|error| Ending::io("the socket", &error))?;
                socket.recv(&mut buffer)
            }
            Link::Serial(port) => {
                port.set_timeout(wait).map_err(|error| Ending::io("the serial port", &error))?;
                port.read(&mut buffer)
            }
        };
        match read {
            Ok(0) if matches!(self, Link::Serial(_)) => Err(gone(&"it was closed")),
            Ok(length) => {
                buffer.truncate(length);
                Ok(buffer)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(Vec::new()),
                // Nobody listens there now; a device that reboots does not.
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                    std::thread::sleep(wait.min(Duration::from_millis(100)));
                    Ok(Vec::new())
                }
                _ => Err(gone(&error)),
            },
        }
    }
}

fn gone(error: &dyn std::fmt::Display) -> Ending {
    Ending::Io(format!(
        "the link to the device is gone: {error}. A USB port goes away when the device resets: wait and try again"
    ))
}
