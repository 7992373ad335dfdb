//! For every cause a trace that is as near to it as can be and shows it not; beside [`causes`](super::causes), where each is told.

use std::collections::BTreeSet;

use super::causes::table;
use super::packets;
use super::script::*;
use super::support::verdict;
use serde_json::Value;
use smpfota::Finding;

fn written(write: impl Fn(&mut Script)) -> Vec<u8> {
    let mut script = Script::default();
    write(&mut script);
    plain_hex(&script)
}

/// All causes that a verdict names.
fn told(verdict: &Value) -> BTreeSet<u64> {
    let also = verdict["also"].as_array().expect("a list");
    std::iter::once(&verdict["number"])
        .chain(also.iter().map(|also| &also["number"]))
        .filter_map(Value::as_u64)
        .collect()
}

fn names(verdict: &Value, finding: Finding) -> bool {
    verdict["cause"] == finding.name() || told(verdict).contains(&u64::from(finding.number()))
}

/// A link that went down and came up again while nothing was under way that it broke.
fn reconnect(anew: &str) -> Vec<u8> {
    let mut log = b"12:00:00.000 MTU changed to 247\n12:00:00.100 Notifications enabled\n".to_vec();
    log.extend(written(|s| {
        s.begun().upload(176, 976);
    }));
    log.extend(b"23:59:30.000 Disconnected, reason 0x13\n23:59:31.000 Connected to C5:61:0E:11:22:33\n");
    log.extend(anew.as_bytes());
    let mut script = Script::default();
    script.upload(976, 1_976);
    log.extend(plain_hex(&script));
    log
}

/// The nearest miss of each cause.
fn near_misses() -> Vec<(Finding, &'static str, Vec<u8>)> {
    let mut rows = Vec::new();
    let mut row = |finding, name, trace: Vec<u8>| rows.push((finding, name, trace));
    let refused = |command, rc: usize, sequence| frame(3, 1, command, sequence, &map(&[("rc", number(rc))]));
    let old: &[(&[u8], &str, &[&str])] = &[(&OLD, "1.0.0", &["active", "confirmed"])];
    let trial: &[(&[u8], &str, &[&str])] = &[(&NEW, "1.1.0", &["active"]), (&OLD, "1.0.0", &["confirmed"])];
    let stored: &[(&[u8], &str, &[&str])] =
        &[(&OLD, "1.0.0", &["active", "confirmed"]), (&NEW, "1.1.0", &[])];
    let pending: &[(&[u8], &str, &[&str])] =
        &[(&OLD, "1.0.0", &["active", "confirmed"]), (&NEW, "1.1.0", &["pending"])];

    row(
        Finding::NeverAnswered,
        "one answer of four",
        written(|s| {
            s.ask(first(0)).wait(40_000).ask(first(0)).wait(40_000).ask(first(0)).hear(taken(0, 176));
        }),
    );
    row(
        Finding::LargeFramesLost,
        "a large chunk that passes at the second try",
        written(|s| {
            s.listed(old)
                .echo(true)
                .ask(first(9))
                .wait(40_000)
                .echo(true)
                .ask(first(11))
                .hear(taken(11, 176));
        }),
    );
    row(
        Finding::FirstFrameOnly,
        "the second chunk is lost once",
        written(|s| {
            s.begun()
                .ask(chunk(2, 176, 200))
                .wait(3_000)
                .ask(chunk(3, 176, 200))
                .hear(taken(3, 376))
                .upload(376, 976);
        }),
    );
    row(
        Finding::ResponsesReplayed,
        "one answer comes twice, and the next one is new",
        written(|s| {
            s.begun().hear(taken(0, 176)).upload(176, 976);
        }),
    );
    row(
        Finding::DeviceRestarted,
        "the client itself begins anew",
        written(|s| {
            s.begun().upload(176, 2_176);
            s.ask(first(90)).hear(taken(90, 2_176)).upload(2_176, LEN);
        }),
    );
    row(
        Finding::ServerStuck,
        "silence, and an echo is answered",
        written(|s| {
            s.begun()
                .upload(176, 2_176)
                .ask(chunk(60, 2_176, 200))
                .wait(3_000)
                .ask(chunk(61, 2_176, 200))
                .wait(3_000)
                .echo(true);
        }),
    );
    row(
        Finding::OffsetRepeats,
        "a chunk that is taken at the second try",
        written(|s| {
            s.begun().upload(176, 2_176).ask(chunk(100, 2_176, 200)).hear(taken(100, 2_176));
            s.upload(2_176, 3_176);
        }),
    );
    row(
        Finding::BuffersExhausted,
        "no buffer, and then one",
        written(|s| {
            s.begun().upload(176, 976).ask(chunk(90, 976, 200)).hear(refused(1, 2, 90)).upload(976, LEN);
        }),
    );
    row(
        Finding::NoReassembly,
        "rc 9 for a frame in one write",
        written(|s| {
            s.begun().ask(chunk(90, 176, 100)).hear(refused(1, 9, 90));
        }),
    );
    row(
        Finding::LinkDrops,
        "the link comes back",
        reconnect("23:59:32.000 MTU changed to 247\n23:59:32.100 Notifications enabled\n"),
    );
    row(
        Finding::LinkSettingsLost,
        "the settings are asked for again",
        reconnect("23:59:32.000 MTU changed to 247\n23:59:32.100 Notifications enabled\n"),
    );
    row(
        Finding::LateFirstFrame,
        "another upload behind the first one",
        written(|s| {
            s.uploaded()
                .ask(first_with(0, &image(160), &[("sha", bytes(&[9; 32]))]))
                .hear(taken(0, 160))
                .upload(160, LEN);
        }),
    );
    row(
        Finding::BootloaderRefused,
        "the old image runs, and nobody marked another",
        written(|s| {
            s.listed(old).reset().wait(20_000).listed(old);
        }),
    );
    row(
        Finding::NoConfirmation,
        "the old image runs, and the new one never did",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).reset().wait(20_000).listed(old);
        }),
    );
    row(
        Finding::OldServer,
        "an optional command is missing",
        written(|s| {
            s.ask(frame(0, 0, 8, 0, &[0xa0])).hear(frame(1, 0, 8, 0, &map(&[("rc", number(8))]))).listed(old);
        }),
    );
    row(
        Finding::ForeignResponses,
        "two answers of nobody among many",
        written(|s| {
            s.begun().hear(taken(200, 176)).hear(taken(201, 176)).upload(176, LEN);
        }),
    );
    row(
        Finding::SwapNotPerformed,
        "one reset, and the mark is there still",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).reset().wait(1_000).listed(pending);
        }),
    );
    row(
        Finding::AnswersCut,
        "one answer is cut, and comes whole",
        written(|s| {
            s.begun().ask(chunk(2, 176, 200)).hear(taken(2, 376)[..20].to_vec()).wait(3_000);
            s.ask(chunk(3, 176, 200)).hear(taken(3, 376)).upload(376, 976);
        }),
    );
    row(
        Finding::LongAnswersLost,
        "a list is lost once",
        written(|s| {
            s.ask(frame(0, 1, 0, 100, &[0xa0])).wait(5_000).echo(true).listed(old);
        }),
    );
    row(
        Finding::EmptyAnswers,
        "one empty answer",
        written(|s| {
            s.ask(first(0)).hear(frame(3, 1, 1, 0, &[])).wait(3_000).ask(first(1)).hear(taken(1, 176));
        }),
    );
    row(
        Finding::OffsetGarbled,
        "one answer that cannot be read, below 64 KiB",
        written(|s| {
            s.begun().ask(chunk(2, 176, 200)).hear(frame(3, 1, 1, 2, b"\xbf\x63off\x19\x01\xff")).wait(3_000);
            s.ask(chunk(3, 176, 200)).hear(taken(3, 376)).upload(376, 976);
        }),
    );
    row(Finding::PairingNeeded, "an ATT error of another kind", {
        let mut script = Script::default();
        script.begun();
        let mut units = packets::opening(0);
        units.extend(packets::units(&script));
        units.push(packets::error(90_000, 0x52, 0x12, 0x11));
        packets::btsnoop(1002, &packets::hci(&units, 0x40, b"\x01\x02\x03\x04\x05\xc6", 27))
    });
    row(
        Finding::BondsLost,
        "silence after the reset, and nobody saw the link come up",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).reset().wait(20_000);
            for n in 0..4u8 {
                s.ask(frame(0, 1, 0, 240 + n, &[0xa0])).wait(5_000);
            }
        }),
    );
    row(
        Finding::NothingListed,
        "lists are empty before, and not after",
        written(|s| {
            s.listed(&[]).uploaded().listed(&[(&NEW, "1.1.0", &[])]);
        }),
    );
    row(
        Finding::HashChanged,
        "another version runs after the reset",
        written(|s| {
            let other: &[(&[u8], &str, &[&str])] = &[(&[0x77; 32], "1.2.0", &["active"])];
            s.listed(old).uploaded().listed(stored).marked(&NEW).reset().wait(20_000).listed(other);
        }),
    );

    row(
        Finding::NothingWrong,
        "the very last answer is an error",
        written(|s| {
            s.begun().ask(chunk(1, 176, 200)).hear(refused(1, 1, 1));
        }),
    );
    row(Finding::NoSmp, "one frame among lines of text", {
        let mut log = b"hello\nthis is a log of something else\n".to_vec();
        log.extend(written(|s| {
            s.echo(true);
        }));
        log
    });
    row(Finding::Encrypted, "a capture that can be read", {
        let mut script = Script::default();
        script.begun().upload(176, 976);
        let mut units = packets::opening(0);
        units.extend(packets::units(&script));
        packets::btsnoop(1002, &packets::hci(&units, 0x40, b"\x01\x02\x03\x04\x05\xc6", 27))
    });
    row(Finding::TraceIncomplete, "the last line ends in its frame", {
        let mut log = written(|s| {
            s.begun().upload(176, 2_176);
        });
        log.truncate(log.len() - 40);
        log
    });
    row(
        Finding::NotWaited,
        "two chunks ahead, as the buffers allow",
        written(|s| {
            s.begun()
                .ask(chunk(2, 176, 200))
                .ask(chunk(3, 376, 200))
                .hear(taken(2, 376))
                .hear(taken(3, 576))
                .upload(576, 976);
        }),
    );
    row(
        Finding::FrameTooLong,
        "frames of that length pass",
        written(|s| {
            s.ask(first_with(0, &image(160), &[])).hear(taken(0, 160));
            s.ask(chunk(1, 160, 222)).hear(taken(1, 382)).ask(chunk(2, 382, 222)).hear(taken(2, 604));
        }),
    );
    row(
        Finding::HeaderLengthWrong,
        "a long frame with its own length",
        written(|s| {
            s.ask(first(0)).hear(refused(1, 9, 0));
        }),
    );
    row(
        Finding::BinaryAsText,
        "an image with c2 and c3 in it",
        written(|s| {
            let mut data = image(176);
            data[60..70].copy_from_slice(b"\xc3\xbf\xc2\x80\xc3\xa9\xc2\xb0\xc3\x83");
            s.ask(first_with(0, &data, &[])).hear(taken(0, 176)).upload(176, 976);
        }),
    );
    row(
        Finding::WrongCommand,
        "a command of another group that is meant",
        written(|s| {
            s.echo(true).begun().upload(176, 976);
        }),
    );
    row(
        Finding::FieldType,
        "rc 3 for fields of the right types",
        written(|s| {
            s.ask(first(0)).hear(refused(1, 3, 0));
        }),
    );
    row(
        Finding::LengthMissing,
        "len is missing behind the first chunk, as it should be",
        written(|s| {
            s.begun().ask(chunk(2, 176, 200)).hear(refused(1, 3, 2));
        }),
    );
    row(
        Finding::SequenceConstant,
        "the sequence number counts, and the device asks again",
        written(|s| {
            s.begun();
            for n in 2..6u8 {
                s.ask(chunk(n, 176, 200)).hear(taken(n, 176));
            }
        }),
    );
    row(
        Finding::NeverMarked,
        "marked after the list",
        written(|s| {
            s.listed(old)
                .uploaded()
                .listed(stored)
                .marked(&NEW)
                .reset()
                .wait(20_000)
                .listed(trial)
                .confirmed();
        }),
    );
    row(
        Finding::NeverReset,
        "the trace ends with a reset that nobody answered",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).ask(frame(2, 0, 5, 250, &[0xa0]));
        }),
    );
    row(
        Finding::ResetMidway,
        "reset behind the last byte",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).reset().wait(20_000).listed(trial).confirmed();
        }),
    );
    row(
        Finding::NotAnImage,
        "an image, and rc 3",
        written(|s| {
            s.ask(first_with(0, &image(176), &[])).hear(refused(1, 3, 0));
        }),
    );
    row(
        Finding::FileDigestAsHash,
        "the hash of the list, and rc 3",
        written(|s| {
            s.uploaded();
            s.ask(frame(2, 1, 0, 200, &map(&[("hash", bytes(&NEW)), ("confirm", truth(false))])))
                .hear(refused(0, 3, 200));
        }),
    );
    row(
        Finding::ImageNumberWrong,
        "rc 5 for image 0",
        written(|s| {
            s.ask(first_with(0, &image(170), &[("image", number(0))])).hear(refused(1, 5, 0));
        }),
    );
    row(
        Finding::OffsetIgnored,
        "the device asks again, and gets what it asks for",
        written(|s| {
            s.begun().upload(176, 2_176);
            s.ask(chunk(100, 2_576, 200))
                .hear(taken(100, 2_176))
                .ask(chunk(101, 2_176, 200))
                .hear(taken(101, 2_376));
            s.upload(2_376, 3_176);
        }),
    );
    row(
        Finding::DeviceRefused,
        "an error that is overcome",
        written(|s| {
            s.begun().ask(chunk(1, 176, 200)).hear(refused(1, 1, 1)).upload(176, LEN);
        }),
    );
    row(
        Finding::ChunkLost,
        "a chunk is lost once",
        written(|s| {
            s.begun().ask(chunk(60, 176, 200)).ask(chunk(61, 376, 200)).hear(taken(61, 176)).upload(176, LEN);
        }),
    );
    row(
        Finding::WritesCut,
        "one request is cut at the end of the trace",
        written(|s| {
            let mut cut = chunk(9, 976, 222);
            cut.truncate(200);
            s.begun().upload(176, 976).ask(cut);
        }),
    );
    row(
        Finding::NoReturn,
        "the device answers at the third question",
        written(|s| {
            s.listed(old).uploaded().marked(&NEW).reset().wait(20_000);
            s.ask(frame(0, 1, 0, 240, &[0xa0]))
                .wait(5_000)
                .ask(frame(0, 1, 0, 241, &[0xa0]))
                .wait(5_000)
                .listed(trial);
        }),
    );
    rows
}

#[test]
fn no_trace_is_told_what_it_only_resembles() {
    let mut wrong = Vec::new();
    for (finding, name, trace) in near_misses() {
        let verdict = verdict(&trace);
        if names(&verdict, finding) {
            wrong.push(format!("{}, {name}: {} {}", finding.name(), verdict["cause"], verdict["says"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Told where a link layer, a file or the session itself shows it; the file and the name of the test.
const TOLD_ELSEWHERE: &[(Finding, &str, &str)] = &[
    (Finding::NoSmp, "tests/trace/consequences.rs", "what_holds_no_smp_is_told_so"),
    (
        Finding::Encrypted,
        "tests/trace/captures.rs",
        "an_encrypted_sniff_is_told_so_and_where_to_record_instead",
    ),
    (Finding::TraceIncomplete, "tests/trace/consequences.rs", "a_log_that_cuts_its_lines_is_blamed_itself"),
    (Finding::LinkDrops, "tests/trace/consequences.rs", "a_link_that_stays_down_is_named"),
    (
        Finding::LinkSettingsLost,
        "tests/trace/consequences.rs",
        "an_mtu_that_is_not_asked_for_again_is_seen_where_the_log_tells_of_it",
    ),
    (Finding::PairingNeeded, "tests/trace/captures.rs", "an_error_that_asks_for_pairing_is_the_cause"),
    (Finding::OldServer, "tests/trace_live.rs", "what_merely_looks_odd_is_no_cause"),
    (
        Finding::SwapNotPerformed,
        "tests/trace_live.rs",
        "devices_of_the_field_are_named_live_and_in_the_recording",
    ),
    (
        Finding::OffsetGarbled,
        "tests/trace_live.rs",
        "devices_of_the_field_are_named_live_and_in_the_recording",
    ),
    (Finding::BondsLost, "tests/trace_live.rs", "devices_of_the_field_are_named_live_and_in_the_recording"),
    (
        Finding::NoReassembly,
        "tests/trace_live.rs",
        "devices_of_the_field_are_named_live_and_in_the_recording",
    ),
];

#[test]
fn every_finding_has_a_trace_that_shows_it_and_one_that_does_not() {
    let mut shown: BTreeSet<Finding> = BTreeSet::new();
    for (_, script, cause) in table() {
        let verdict = verdict(&plain_hex(&script));
        shown.insert(cause);
        shown.extend(Finding::ALL.iter().filter(|finding| names(&verdict, **finding)));
    }
    for (finding, file, test) in TOLD_ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).expect(file);
        assert!(text.contains(&format!("fn {test}()")), "{file} has no {test}");
        let words = [finding.name().to_owned(), format!("Finding::{finding:?}")];
        assert!(words.iter().any(|word| text.contains(word)), "{file} does not tell {}", finding.name());
        shown.insert(*finding);
    }
    let missed: BTreeSet<Finding> = near_misses().into_iter().map(|(finding, _, _)| finding).collect();
    for (set, what) in [(shown, "shown"), (missed, "nearly shown")] {
        let lacking: Vec<_> = Finding::ALL
            .iter()
            .filter(|finding| **finding != Finding::None && !set.contains(finding))
            .collect();
        assert!(lacking.is_empty(), "no trace is {what} for {lacking:?}");
    }
}
