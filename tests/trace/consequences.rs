//! What follows from the traces that people have: each rule, and what goes wrong without it.

use super::causes::whole_update;
use super::script::*;
use super::support::{explained, verdict};

fn written(write: impl Fn(&mut Script)) -> Script {
    let mut script = Script::default();
    write(&mut script);
    script
}

#[test]
fn a_frame_that_one_log_says_three_times_is_no_duplicate() {
    let script = written(whole_update);
    let verdict = verdict(&phone(&script));
    let figures = &verdict["figures"];
    assert_eq!(verdict["cause"], "NOTHING_WRONG");
    assert_eq!(figures["frames"], script.said.len());
    assert_eq!((&figures["repeated_requests"], &figures["repeated_answers"]), (&0.into(), &0.into()));
    assert!(figures["told_again_by_the_log"].as_u64() > Some(script.said.len() as u64));
}

#[test]
fn the_same_line_again_is_a_duplicate() {
    let script = written(|s| {
        s.begun().ask(chunk(2, 176, 200)).hear(taken(2, 376)).hear(taken(2, 376));
    });
    for form in [plain_hex, phone, recording, method_json] {
        assert_eq!(verdict(&form(&script))["figures"]["repeated_answers"], 1);
    }
}

#[test]
fn one_direction_alone_is_no_finding() {
    let both = written(whole_update);
    for to_device in [true, false] {
        let mut half = both.clone();
        half.said.retain(|said| said.to_device == to_device);
        let verdict = verdict(&plain_hex(&half));
        assert_eq!(verdict["cause"], "NOTHING_WRONG", "{verdict:#}");
        let word = if to_device { "Only requests" } else { "Only answers" };
        assert!(verdict["undecided"].to_string().contains(word), "{verdict:#}");
    }
}

#[test]
fn a_list_in_two_notifications_is_one_answer() {
    let script = written(|s| {
        s.listed(&[
            (&OLD, "1.0.0-with-a-long-name", &["active", "confirmed"]),
            (&NEW, "1.1.0-with-a-long-name", &["pending"]),
        ]);
    });
    assert!(script.said[1].bytes.len() > 200);
    let mut log = String::new();
    for said in &script.said {
        let word = if said.to_device { "write" } else { "notification" };
        for piece in said.bytes.chunks(182) {
            log += &format!("{word} {}\n", hex(piece, ":"));
        }
    }
    let (lines, verdict) = explained(log.as_bytes());
    assert_eq!((lines.len(), &verdict["figures"]["responses"]), (2, &1.into()));
    assert!(lines[1].contains("2 pieces") && lines[1].contains("version 1.1.0"), "{}", lines[1]);
}

#[test]
fn an_mtu_that_is_not_asked_for_again_is_seen_where_the_log_tells_of_it() {
    let mut log = String::from("12:00:00.000 MTU changed to 247\n12:00:00.100 Notifications enabled\n");
    let script = written(|s| {
        s.begun().upload(176, 976);
    });
    log += &String::from_utf8(plain_hex(&script)).expect("text");
    log += "23:53:30.000 Disconnected, reason 0x13\n23:53:31.000 Connected to C5:61:0E:11:22:33\n";
    for n in 0..3u8 {
        log += &format!("23:53:{} Sent 224 bytes: {}\n", 32 + 3 * n, hex(&chunk(100 + n, 976, 200), " "));
    }
    let verdict = verdict(log.as_bytes());
    assert_eq!(verdict["cause"], "LINK_SETTINGS_LOST", "{verdict:#}");
    assert!(
        verdict["says"].as_str().expect("text").contains("the MTU of 247 was not asked for again"),
        "{verdict:#}"
    );
}

#[test]
fn a_link_that_stays_down_is_named() {
    let script = written(|s| {
        s.begun().upload(176, 976);
    });
    let log =
        String::from_utf8(plain_hex(&script)).expect("text") + "23:59:30.000 Disconnected, reason 0x08\n";
    let verdict = verdict(log.as_bytes());
    assert_eq!(verdict["cause"], "LINK_DROPS", "{verdict:#}");
}

#[test]
fn a_log_that_cuts_its_lines_is_blamed_itself() {
    let script = written(|s| {
        s.begun().upload(176, 2_176);
    });
    let text = String::from_utf8(plain_hex(&script)).expect("text");
    let cut: String = text.lines().map(|line| line[..line.len().min(120)].to_owned() + "\n").collect();
    let verdict = verdict(cut.as_bytes());
    assert_eq!(verdict["cause"], "TRACE_INCOMPLETE", "{verdict:#}");
    assert!(verdict["says"].as_str().expect("text").contains("column 120"), "{verdict:#}");
}

#[test]
fn times_without_a_date_go_on_across_midnight() {
    // The script's clock starts 400 s before midnight.
    let script = written(|s| {
        s.begun().wait(395_000).upload(176, 10_176);
    });
    let log = plain_hex(&script);
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("\n23:59:") && text.contains("\n00:00:"));
    let verdict = verdict(&log);
    assert_eq!(verdict["figures"]["round_trip_ms"]["max"], 100, "{verdict:#}");
}

#[test]
fn files_that_begin_in_the_middle_or_end_in_a_frame_are_taken_as_they_are() {
    let script = written(|s| {
        s.begun().upload(176, 10_176);
    });
    let mut middle = script.clone();
    middle.said.drain(..20);
    let begins = verdict(&plain_hex(&middle));
    assert_eq!(begins["cause"], "NOTHING_WRONG", "{begins:#}");
    assert!(begins["undecided"].to_string().contains("begins in the middle of an upload"));
    let log = plain_hex(&script);
    let ends = verdict(&log[..log.len() - 40]);
    assert_eq!(ends["cause"], "NOTHING_WRONG", "{ends:#}");
}

#[test]
fn without_the_sequence_byte_nobody_decides() {
    let log = "TX {\"len\": 5000, \"off\": 0, \"sha\": \"WlpaWg==\", \"data\": \"PbjzlgAAAAAAAgAA6AMAAA==\"}\n\
               RX {\"rc\": 0, \"off\": 16}\nTX {\"off\": 16, \"data\": \"AAAAAAAAAAAAAAAA\"}\nRX {\"rc\": 0, \"off\": 16}\n\
               TX {\"off\": 16, \"data\": \"AAAAAAAAAAAAAAAA\"}\nRX {\"rc\": 0, \"off\": 16}\n";
    let verdict = verdict(log.as_bytes());
    assert_eq!(
        (&verdict["cause"], &verdict["certainty"]),
        (&"FIRST_FRAME_ONLY".into(), &"possible".into()),
        "{verdict:#}"
    );
    assert!(verdict["undecided"].to_string().contains("only the sequence byte"), "{verdict:#}");
}

#[test]
fn bodies_alone_in_hexadecimal_are_read_and_decide_no_sequence() {
    let mut log = String::new();
    for (number, (request, answer)) in [
        (first(0), taken(0, 176)),
        (chunk(1, 176, 200), taken(1, 176)),
        (chunk(2, 176, 200), taken(2, 176)),
        (chunk(3, 176, 200), taken(3, 176)),
    ]
    .into_iter()
    .enumerate()
    {
        log += &format!("[12:00:0{number}] sent: {}\n", hex(&request[8..], ""));
        log += &format!("[12:00:0{number}] received: {}\n", hex(&answer[8..], " "));
    }
    let (lines, verdict) = explained(log.as_bytes());
    assert_eq!((lines.len(), &verdict["figures"]["requests"]), (8, &4.into()), "{lines:#?}");
    assert_eq!(
        (&verdict["cause"], &verdict["certainty"]),
        (&"FIRST_FRAME_ONLY".into(), &"possible".into()),
        "{verdict:#}"
    );
    assert!(verdict["undecided"].to_string().contains("only the sequence byte"), "{verdict:#}");
}

#[test]
fn what_holds_no_smp_is_told_so() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"hello\nthis is a log of something else\n", "log without the bytes"),
        (b"01 02 03 04 05 06 07 08 09 0a\n", "none is an SMP frame"),
        (b"PK\x03\x04 and so on", "a zip archive"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
    ] {
        let verdict = verdict(bytes);
        assert_eq!(verdict["cause"], "NO_SMP");
        assert!(verdict["says"].as_str().expect("text").contains(word), "{verdict:#}");
    }
}

#[test]
fn what_a_device_says_neither_ends_a_line_nor_commands_a_terminal() {
    let script = written(|s| {
        s.listed(&[(&OLD, "1.0\n\u{1b}[31m\u{202e}0", &["active", "confirmed"])])
            .uploaded()
            .marked(&NEW)
            .reset();
        s.listed(&[(&OLD, "1.0\n\u{1b}[31m\u{202e}0", &["active", "confirmed"])]);
    });
    let (lines, verdict) = explained(&plain_hex(&script));
    let says = format!("{}{}", lines.join(" "), verdict["says"].as_str().expect("a sentence"));
    assert!(!says.chars().any(|c| c.is_control() || c == '\u{202e}'), "{says:?}");
    assert!(says.contains("1.0\u{fffd}\u{fffd}[31m\u{fffd}0"), "{says}");
}

/// Registers, addresses, numbers and dumps of something else.
#[test]
fn other_logs_hold_no_smp() {
    let bytes: Vec<u8> =
        (0..40_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 & (n >> 9) as u8).collect();
    let rows = |row: &dyn Fn(usize, &[u8]) -> String| -> String {
        bytes.chunks(16).enumerate().map(|(n, part)| row(16 * n, part) + "\n").collect()
    };
    let octal = rows(&|at, part| format!("{at:07o} {}", hex(part, " ")));
    let canonical = rows(&|at, part| format!("{at:08x}  {}  |................|", hex(part, " ")));
    let lines = "rax: 0000000000000000 rbx: 00007ffd1234abcd rcx: 0000000000000001\n\
        08000000-08040000 r-xp 00000000 08:01 1234 /usr/bin/app\n\
          401020:\t0000000000000020  0000000000000000   A       0     0     8\n\
        00:00:00.123456 IP 10.0.0.1.443 > 10.0.0.2.50000: Flags [.], ack 1, win 501, length 0\n\
        matrix = [\n  1, 2, 3,\n  4, 5, 6\n]\n\
        \"sizes\": [1, 2, 3, 4, 5, 6, 7, 8]\n\
        it's a test of 'quotes' and \"more \\\"nested\\\" quotes\" and \\x41\n\
        ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 AgAAAAEAAAD\n\
        progress: 10% 20% 30% %02d\n";
    for text in [octal.as_str(), &canonical, lines] {
        let (told, verdict) = explained(text.as_bytes());
        assert_eq!((&verdict["cause"], told.len()), (&"NO_SMP".into(), 0), "{told:?}");
    }
}
