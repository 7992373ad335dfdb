//! The command `smpfota`, run as its users run it.

#![allow(unsafe_code)]

use serde_json::Value;
use smpfota::simulator::{LinkKind, Scenario};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

fn smpfota(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smpfota")).args(arguments).output().expect("the command runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A place for the files of one test.
fn place(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The virtual device over UDP; it ends with the test.
struct Device {
    child: Child,
    address: String,
}

impl Device {
    fn start(arguments: &[&str]) -> Device {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "virtual_device"])
            .current_dir(root())
            .status();
        assert!(built.expect("cargo").success());
        let mut folder = PathBuf::from(env!("CARGO_BIN_EXE_smpfota"));
        folder.pop();
        let mut child = Command::new(folder.join("examples").join("virtual_device"))
            .args(["--udp", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the device runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Device { child, address }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn the_seed_thread_is_explained_with_its_figures() {
    let file = root().join("tests/traces/seed-thread.txt");
    let output = smpfota(&["explain", &file.display().to_string()]);
    let told = text(&output);
    for part in [
        "244",
        "245",
        "222",
        "160",
        "second image",
        "not the other slot",
        "replayed",
        "sequence byte",
        "wait for the answer",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(code(&output), 8);
    let output = smpfota(&["--json", "explain", "--verdict", &file.display().to_string()]);
    let verdict: Value = serde_json::from_str(&text(&output)).expect("JSON");
    assert_eq!(verdict["cause"], "FIRST_FRAME_ONLY");
}

#[test]
fn an_update_over_udp_with_loss_ends_well_and_its_recording_says_so() {
    let folder = place("update");
    let (image, record) = (folder.join("app.signed.bin"), folder.join("trace.txt"));
    std::fs::write(&image, Scenario::new(LinkKind::BleLocal).image_size(40_000).image()).expect("a file");
    let device = Device::start(&["--loss", "2"]);
    let link = ["--udp", &device.address];
    let image = image.display().to_string();
    let record = record.display().to_string();
    let update = [&["--json", "update", &image, "--record", &record, "--headers-only"][..], &link].concat();
    let output = smpfota(&update);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let result: Value = serde_json::from_str(&text(&output)).expect("JSON");
    assert_eq!(result["outcome"], "updated");

    let output = smpfota(&["--json", "explain", "--verdict", &record]);
    let verdict: Value = serde_json::from_str(&text(&output)).expect("JSON");
    assert_eq!((&verdict["cause"], code(&output)), (&"NOTHING_WRONG".into(), 0), "{verdict:#}");
    assert!(verdict["figures"]["round_trip_ms"]["count"].as_u64() > Some(10), "{verdict:#}");

    // Again: it is installed already, which is no failure.
    let output = smpfota(&[&["--json", "list"][..], &link].concat());
    assert_eq!(code(&output), 0);
    assert!(text(&output).contains("1.1.0"), "{}", text(&output));
    let output = smpfota(&[&["echo", "hello there"][..], &link].concat());
    assert!(text(&output).contains("hello there"));
    let output = smpfota(&[&["--json", "run", "parameters"][..], &link].concat());
    assert_eq!(code(&output), 0, "{}", text(&output));
}

#[cfg(target_os = "linux")]
mod serial {
    //! A device behind a pseudo-terminal.

    use super::*;
    use smpfota::simulator::{DeviceOptions, DeviceProfile, Transport, VirtualDevice};
    use std::ffi::{CStr, c_char, c_int};
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::FromRawFd;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    unsafe extern "C" {
        fn posix_openpt(flags: c_int) -> c_int;
        fn grantpt(terminal: c_int) -> c_int;
        fn unlockpt(terminal: c_int) -> c_int;
        fn ptsname_r(terminal: c_int, name: *mut c_char, length: usize) -> c_int;
    }

    /// Read and write, no controlling terminal, no waiting, and not inherited by the command.
    const FLAGS: c_int = 0o2 | 0o400 | 0o4000 | 0o2_000_000;

    pub struct Terminal {
        pub name: String,
        gone: Arc<AtomicBool>,
        device: Option<JoinHandle<()>>,
    }

    impl Terminal {
        /// A device behind a new terminal, which goes away when so many bytes have come.
        pub fn start(goes_after: usize) -> Terminal {
            let mut name = [0; 128];
            // SAFETY: the calls of POSIX in their order, with a buffer and its length.
            let (mut master, name) = unsafe {
                let terminal = posix_openpt(FLAGS);
                assert!(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
                assert_eq!(ptsname_r(terminal, name.as_mut_ptr(), name.len()), 0);
                (
                    File::from_raw_fd(terminal),
                    CStr::from_ptr(name.as_ptr()).to_str().expect("a path").to_owned(),
                )
            };
            let gone = Arc::new(AtomicBool::new(false));
            let over = gone.clone();
            let device = std::thread::spawn(move || {
                let options = DeviceOptions {
                    transport: Transport::Serial,
                    image_size: 16 * 1024,
                    boot_us: 300_000,
                    ..DeviceOptions::new(DeviceProfile::Zephyr44)
                };
                let mut device = VirtualDevice::new(options);
                let start = Instant::now();
                let now = || start.elapsed().as_micros() as u64;
                let mut buffer = [0; 4096];
                let mut came = 0;
                while !over.load(Ordering::Relaxed) && came < goes_after {
                    // Nothing there, or nobody has the other end open.
                    match master.read(&mut buffer) {
                        Ok(length) if length > 0 => {
                            came += length;
                            device.write(now(), &buffer[..length]);
                        }
                        _ => std::thread::sleep(Duration::from_millis(1)),
                    }
                    while let Some(bytes) = device.poll(now()) {
                        // A line that finds no room is lost, as on a wire.
                        master.write_all(&bytes).ok();
                    }
                }
            });
            Terminal { name, gone, device: Some(device) }
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            self.gone.store(true, Ordering::Relaxed);
            self.device.take().map(JoinHandle::join);
        }
    }

    #[test]
    fn a_serial_port_is_updated_and_recorded() {
        let folder = place("serial");
        let (image, record) = (folder.join("app.signed.bin"), folder.join("trace.pcapng"));
        std::fs::write(&image, Scenario::new(LinkKind::BleLocal).image_size(12_000).image()).expect("a file");
        let terminal = Terminal::start(usize::MAX);
        let output = smpfota(&["--json", "list", "--serial", &terminal.name]);
        assert_eq!(code(&output), 0, "{}", text(&output));
        let (image, record) = (image.display().to_string(), record.display().to_string());
        let output = smpfota(&[
            "--json",
            "update",
            &image,
            "--serial",
            &terminal.name,
            "--record",
            &record,
            "--headers-only",
        ]);
        assert_eq!(code(&output), 0, "{}", text(&output));
        let result: Value = serde_json::from_str(&text(&output)).expect("JSON");
        assert_eq!(result["outcome"], "updated");

        let recorded = std::fs::read(&record).expect("a recording");
        let body = std::fs::read(&image).expect("a file");
        assert!(
            !recorded.windows(24).any(|part| part == &body[2_000..2_024]),
            "the image is in the recording"
        );
        let output = smpfota(&["--json", "explain", "--verdict", &record]);
        let verdict: Value = serde_json::from_str(&text(&output)).expect("JSON");
        assert_eq!((&verdict["cause"], code(&output)), (&"NOTHING_WRONG".into(), 0), "{verdict:#}");
        assert_eq!(verdict["figures"]["uploads_complete"], 1, "{verdict:#}");
    }

    #[test]
    fn a_serial_port_that_goes_away_is_a_sentence() {
        let folder = place("serial-gone");
        let image = folder.join("app.signed.bin");
        std::fs::write(&image, Scenario::new(LinkKind::BleLocal).image_size(12_000).image()).expect("a file");
        let terminal = Terminal::start(3_000);
        let output = smpfota(&["update", &image.display().to_string(), "--serial", &terminal.name]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 1, "{told}");
        assert!(told.contains("the link to the device is gone"), "{told}");
    }
}

#[test]
fn exit_codes_follow_the_status() {
    let folder = place("codes");
    let zip = folder.join("no-image.bin");
    std::fs::write(&zip, b"hello, this is no image at all, whatever its name says").expect("a file");
    let zip = zip.display().to_string();
    for (arguments, expected, word) in [
        (&["explain", "/no/such/file"][..], 1, "No such file"),
        (&["list"], 2, "--udp"),
        (&["run", "nothing", "{}", "--udp", "127.0.0.1:9"], 2, "there is no such command"),
        (&["image", &zip], 3, "not a signed MCUboot image"),
        (&["list", "--serial", "/no/such/port"], 1, "/no/such/port"),
    ] {
        let output = smpfota(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), expected, "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
}

#[test]
fn the_completion_names_the_commands() {
    let output = smpfota(&["completion", "bash"]);
    assert_eq!(code(&output), 0);
    assert!(["explain", "update", "image", "list"].iter().all(|word| text(&output).contains(word)));
}
