//! The program `virtual_device`, as other people's clients meet it: over UDP, with what its command line chooses.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Builds it, once.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "virtual_device"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.expect("cargo").success());
        // The folder of this test is `deps` in that of the profile.
        let mut folder = std::env::current_exe().expect("a path");
        folder.pop();
        folder.pop();
        folder.join("examples").join("virtual_device")
    })
}

struct Device {
    child: Child,
    socket: UdpSocket,
}

impl Device {
    fn start(arguments: &[&str]) -> Device {
        let mut child = Command::new(program())
            .args(["--udp", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the device runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(address).expect("an address");
        Device { child, socket }
    }

    /// The answer to this request, or `None` when the one to the echo behind it comes alone.
    fn ask(&self, sequence: u8, request: &[u8]) -> Option<Vec<u8>> {
        // Nobody waits here for something that does not come: the device answers in the order of the requests.
        self.socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let mut request = request.to_vec();
        request[6] = sequence;
        self.socket.send(&request).expect("sent");
        let mark = [0x08, 0, 0, 1, 0, 0, 0xff, 6, 0xa0];
        self.socket.send(&mark).expect("sent");
        let mut found = None;
        loop {
            let mut buffer = [0; 2_048];
            let length = self.socket.recv(&mut buffer).expect("the answer to the mark");
            match buffer[6] {
                0xff => return found,
                other if other == sequence => found = Some(buffer[..length].to_vec()),
                other => panic!("an answer to {other}"),
            }
        }
    }

    fn echo(&self, sequence: u8) -> Option<Vec<u8>> {
        self.ask(sequence, b"\x0a\x00\x00\x05\x00\x00\x00\x00\xa1\x61d\x61x")
    }

    /// A first chunk of 64 bytes, whose content nobody asks for before the end.
    fn first_chunk(&self, sequence: u8) -> Option<Vec<u8>> {
        let mut body = b"\xa3\x63off\x00\x63len\x19\x40\x00\x64data\x58\x40".to_vec();
        body.extend_from_slice(&[0x3d, 0xb8, 0xf3, 0x96]);
        body.resize(body.len() + 60, 0);
        let mut request = vec![0x0a, 0, 0, body.len() as u8, 0, 1, 0, 1];
        request.extend_from_slice(&body);
        self.ask(sequence, &request)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = Command::new(program()).args(arguments).output().expect("it runs");
    assert_eq!(status.code(), Some(2), "{arguments:?}");
    String::from_utf8(stderr).expect("a sentence")
}

#[test]
fn chosen_datagrams_are_lost_and_no_others() {
    // The marks are requests too, at every second place.
    let device = Device::start(&["--drop", "request:3,answer:4"]);
    let heard: Vec<bool> = (0..5).map(|n| device.echo(n).is_some()).collect();
    assert_eq!(heard, [true, false, false, true, true]);

    let device = Device::start(&["--drop", "chunk:2,chunk-answer:1"]);
    let heard: Vec<bool> = (0..4).map(|n| device.first_chunk(n).is_some()).collect();
    assert_eq!(heard, [false, false, true, true]);
}

#[test]
fn every_way_to_erase_and_every_time_of_the_flash_is_taken() {
    for mode in ["first-chunk", "first-chunk-slot", "progressive", "before"] {
        let device = Device::start(&["--erase", mode, "--flash-page-us", "100", "--flash-word-us", "1"]);
        assert!(device.first_chunk(1).is_some(), "{mode}");
    }
}

#[test]
fn a_page_takes_as_long_to_erase_as_the_command_line_says() {
    let device = Device::start(&["--flash-page-us", "200000"]);
    let start = std::time::Instant::now();
    assert!(device.first_chunk(1).is_some());
    // 16,384 bytes are four pages. How much longer a busy machine takes does not matter.
    assert!(start.elapsed() >= Duration::from_millis(800));
}

#[test]
fn what_the_command_line_cannot_mean_is_refused() {
    for (name, value) in
        [("--drop", "chunk"), ("--drop", "chunk:0"), ("--drop", "frame:1"), ("--erase", "never")]
    {
        let told = refused(&[name, value]);
        assert!(told.contains(name) && told.contains(value), "{told}");
    }
    assert!(refused(&["--flash-page-us", "fast"]).contains("--flash-page-us"));
}
