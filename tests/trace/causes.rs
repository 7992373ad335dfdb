//! Every cause from a trace that shows it.

use super::dresses::DRESSES;
use super::script::*;
use super::support::verdict;
use serde_json::Value;
use smpfota::Finding;
use std::collections::BTreeSet;

/// Conversations, and the cause that each is to be told.
pub fn table() -> Vec<(&'static str, Script, Finding)> {
    let mut rows = Vec::new();
    let mut row = |name, finding, write: &dyn Fn(&mut Script)| {
        let mut script = Script::default();
        write(&mut script);
        rows.push((name, script, finding));
    };
    let refused = |command, rc: usize, sequence| frame(3, 1, command, sequence, &map(&[("rc", number(rc))]));
    let current: &[(&[u8], &str, &[&str])] = &[(&OLD, "1.0.0", &["active", "confirmed"])];

    // H1 to H9 of the thread that this project began with.
    row(
        "H1: the second write is lost, the answers to later ones ask for it",
        Finding::FirstFrameOnly,
        &|s| {
            s.begun().ask(chunk(2, 176, 200)).wait(3_000).ask(chunk(3, 376, 200)).hear(taken(3, 176));
            s.ask(chunk(4, 576, 200)).hear(taken(4, 176));
        },
    );
    row(
        "H3: what follows the first chunk is cut, silence, then the old offset",
        Finding::FirstFrameOnly,
        &|s| {
            s.begun().ask(chunk(2, 176, 222)).wait(3_000).ask(chunk(3, 176, 222)).wait(3_000);
            s.ask(chunk(4, 176, 222)).wait(3_000).ask(chunk(5, 176, 222));
        },
    );
    row("H4: 222 bytes of data are kept while the offset grows", Finding::FrameTooLong, &|s| {
        s.ask(first_with(0, &image(160), &[("image", number(0)), ("upgrade", truth(false))]))
            .hear(taken(0, 160));
        s.ask(chunk(1, 160, 222)).hear(taken(1, 382)).ask(chunk(2, 382, 222)).wait(3_000);
        s.ask(chunk(3, 382, 222)).wait(3_000).ask(chunk(4, 382, 222));
    });
    row("H5: the answer to the first chunk comes again and again", Finding::ResponsesReplayed, &|s| {
        s.begun().ask(chunk(2, 176, 200)).hear(taken(0, 176)).ask(chunk(3, 176, 200)).hear(taken(0, 176));
        s.ask(chunk(4, 176, 200)).hear(taken(0, 176));
    });
    row("H7: the length of another frame in the header", Finding::HeaderLengthWrong, &|s| {
        let mut stale = first(0);
        stale[2..4].copy_from_slice(&100u16.to_be_bytes());
        s.ask(stale).hear(refused(1, 9, 0));
    });
    row("H8: nothing is answered any more", Finding::ServerStuck, &|s| {
        s.begun()
            .upload(176, 2_176)
            .ask(chunk(60, 2_176, 200))
            .wait(3_000)
            .ask(chunk(61, 2_176, 200))
            .wait(3_000);
        s.echo(false).wait(3_000).echo(false);
    });
    row("H9: binary through text", Finding::BinaryAsText, &|s| {
        let latin: String = first(0).iter().map(|byte| char::from(*byte)).collect();
        s.ask(latin.clone().into_bytes()).wait(3_000).ask(latin.into_bytes());
    });

    // Mistakes of clients.
    row("an upload to group 4", Finding::WrongCommand, &|s| {
        let mut elsewhere = first(0);
        elsewhere[5] = 4;
        s.ask(elsewhere).hear(frame(3, 4, 1, 0, &map(&[("rc", number(8))])));
    });
    row("data as text", Finding::FieldType, &|s| {
        s.ask(first_with(0, &image(64), &[("data", text("PbjzlgAAAAAAAgAA6AMAAA=="))]))
            .hear(refused(1, 3, 0));
    });
    row("sha as text", Finding::FieldType, &|s| {
        s.ask(first_with(0, &image(64), &[("sha", text(&"5a".repeat(32)))])).hear(refused(1, 3, 0));
    });
    row("off as text", Finding::FieldType, &|s| {
        s.ask(first_with(0, &image(64), &[("off", text("0"))])).hear(refused(1, 3, 0));
    });
    row("no len", Finding::LengthMissing, &|s| {
        s.ask(first_with(0, &image(64), &[("len", vec![])])).hear(refused(1, 3, 0));
    });
    row("a constant sequence number", Finding::SequenceConstant, &|s| {
        s.ask(first(0)).hear(taken(0, 176)).ask(chunk(0, 176, 200)).hear(taken(0, 176));
        s.ask(chunk(0, 376, 200)).hear(taken(0, 176)).ask(chunk(0, 576, 200)).hear(taken(0, 176));
    });
    row("never marked", Finding::NeverMarked, &|s| {
        s.listed(current).uploaded().reset().listed(current);
    });
    row("never reset", Finding::NeverReset, &|s| {
        let both: &[(&[u8], &str, &[&str])] =
            &[(&OLD, "1.0.0", &["active", "confirmed"]), (&NEW, "1.1.0", &["pending"])];
        s.listed(current).uploaded().marked(&NEW).listed(both);
    });
    row("reset in the middle of an upload", Finding::ResetMidway, &|s| {
        s.begun().upload(176, 2_176).reset().listed(current);
    });
    row("a zip sent as it is", Finding::NotAnImage, &|s| {
        let mut zip = image(176);
        zip[..4].copy_from_slice(b"PK\x03\x04");
        s.ask(first_with(0, &zip, &[])).hear(refused(1, 3, 0));
    });
    row("the file's SHA-256 as the image's hash", Finding::FileDigestAsHash, &|s| {
        s.uploaded();
        let body = map(&[("hash", bytes(&SHA)), ("confirm", truth(false))]);
        s.ask(frame(2, 1, 0, 200, &body)).hear(refused(0, 3, 200));
    });
    row("an image number that the device lacks", Finding::ImageNumberWrong, &|s| {
        s.ask(first_with(0, &image(170), &[("image", number(3))])).hear(refused(1, 5, 0));
    });
    row("the device's offset is not followed", Finding::OffsetIgnored, &|s| {
        s.begun().upload(176, 2_176);
        for n in 0..4u8 {
            s.ask(chunk(100 + n, 2_576 + 200 * usize::from(n), 200)).hear(taken(100 + n, 2_176));
        }
    });

    // Devices and links.
    row("the device restarts", Finding::DeviceRestarted, &|s| {
        s.begun().upload(176, 2_176).ask(chunk(50, 2_176, 200)).hear(taken(50, 0));
    });
    row("a chunk is lost again and again", Finding::ChunkLost, &|s| {
        s.begun()
            .upload(176, 2_176)
            .ask(chunk(60, 2_176, 200))
            .ask(chunk(61, 2_376, 200))
            .hear(taken(61, 2_176));
        s.ask(chunk(62, 2_176, 200)).ask(chunk(63, 2_376, 200)).hear(taken(63, 2_176));
    });
    row("the flash refuses", Finding::OffsetRepeats, &|s| {
        s.begun().upload(176, 2_176);
        for n in 0..4u8 {
            s.ask(chunk(100 + n, 2_176, 200)).hear(taken(100 + n, 2_176));
        }
    });
    row("no buffer", Finding::BuffersExhausted, &|s| {
        s.begun().upload(176, 976).ask(chunk(90, 976, 200)).hear(refused(1, 2, 90));
    });
    row("an error of the device", Finding::DeviceRefused, &|s| {
        s.begun().ask(chunk(1, 176, 200)).hear(refused(1, 1, 1));
    });
    row("large frames are lost, small ones pass", Finding::LargeFramesLost, &|s| {
        s.listed(current)
            .echo(true)
            .ask(first(9))
            .wait(40_000)
            .echo(true)
            .ask(first(11))
            .wait(40_000)
            .ask(first(12));
    });
    row("a first chunk behind the end", Finding::LateFirstFrame, &|s| {
        s.uploaded().ask(first(0)).hear(taken(0, 176));
    });
    row("writes are cut to 200 bytes", Finding::WritesCut, &|s| {
        for n in 0..3u8 {
            let mut cut = chunk(n, 176, 222);
            cut.truncate(200);
            s.ask(cut).wait(3_000);
        }
        s.echo(true);
    });
    row("answers are cut to 20 bytes", Finding::AnswersCut, &|s| {
        s.ask(first(0)).hear(taken(0, 176));
        for n in 1..4u8 {
            let mut cut = taken(n, 376);
            cut.truncate(20);
            s.ask(chunk(n, 176, 200)).hear(cut).wait(3_000);
        }
    });
    row("answers without a body", Finding::EmptyAnswers, &|s| {
        for n in 0..3u8 {
            s.ask(first(n)).hear(frame(3, 1, 1, n, &[])).wait(3_000);
        }
    });
    row("lists are lost, echoes are not", Finding::LongAnswersLost, &|s| {
        for n in 0..3u8 {
            s.ask(frame(0, 1, 0, 100 + n, &[0xa0])).wait(5_000).echo(true);
        }
    });
    row("nobody answers", Finding::NeverAnswered, &|s| {
        for _ in 0..4 {
            s.ask(first(0)).wait(40_000);
        }
    });
    row("the old image runs after the reset", Finding::BootloaderRefused, &|s| {
        s.listed(current).uploaded().marked(&NEW).reset().wait(20_000).listed(current);
    });
    row("answers to somebody else's echoes", Finding::ForeignResponses, &|s| {
        s.begun();
        for n in 0..4u8 {
            s.hear(frame(3, 0, 0, 200 + n, &map(&[("r", text("theirs"))])));
        }
        s.upload(176, 576);
    });
    row("the new image ran and the old one runs again", Finding::NoConfirmation, &|s| {
        let trial: &[(&[u8], &str, &[&str])] =
            &[(&NEW, "1.1.0", &["active"]), (&OLD, "1.0.0", &["confirmed"])];
        s.listed(current)
            .uploaded()
            .marked(&NEW)
            .reset()
            .wait(20_000)
            .listed(trial)
            .wait(60_000)
            .listed(current);
    });
    row("lists are empty before and after", Finding::NothingListed, &|s| {
        s.listed(&[]).uploaded().listed(&[]);
    });
    row("the new version runs with another hash", Finding::HashChanged, &|s| {
        let stored: &[(&[u8], &str, &[&str])] =
            &[(&OLD, "1.0.0", &["active", "confirmed"]), (&NEW, "1.1.0", &[])];
        let other: &[(&[u8], &str, &[&str])] = &[(&[0x77; 32], "1.1.0", &["active"])];
        s.listed(current).uploaded().listed(stored).marked(&NEW).reset().wait(20_000).listed(other);
    });
    row("no answer after the reset", Finding::NoReturn, &|s| {
        s.listed(current).uploaded().marked(&NEW).reset().wait(20_000);
        for n in 0..4u8 {
            s.ask(frame(0, 1, 0, 240 + n, &[0xa0])).wait(5_000);
        }
    });

    // Nothing wrong.
    row("a whole update", Finding::NothingWrong, &whole_update);
    row("a repaired loss, a duplicate, two answers the wrong way round", Finding::NothingWrong, &|s| {
        s.begun().ask(chunk(2, 176, 200)).ask(chunk(3, 376, 200)).hear(taken(3, 176)).ask(chunk(4, 176, 200));
        s.hear(taken(4, 376)).hear(taken(4, 376)).ask(chunk(5, 376, 200)).ask(chunk(6, 576, 200));
        s.hear(taken(6, 776)).hear(taken(5, 576)).upload(776, LEN);
    });
    row("the trace ends in the middle", Finding::NothingWrong, &|s| {
        s.begun().upload(176, 10_176);
    });
    rows
}

/// List, upload, mark, reset, list, confirm.
pub fn whole_update(s: &mut Script) {
    let before: &[(&[u8], &str, &[&str])] = &[(&OLD, "1.0.0", &["active", "confirmed"])];
    let after: &[(&[u8], &str, &[&str])] = &[(&NEW, "1.1.0", &["active"]), (&OLD, "1.0.0", &["confirmed"])];
    s.listed(before).uploaded().marked(&NEW).reset().wait(20_000).listed(after).confirmed();
}

#[test]
fn every_trace_is_told_its_cause() {
    let mut wrong = Vec::new();
    for (name, script, cause) in table() {
        let verdict = verdict(&plain_hex(&script));
        if verdict["cause"] != cause.name() {
            wrong.push(format!(
                "{name}: {} instead of {}: {}",
                verdict["cause"],
                cause.name(),
                verdict["says"]
            ));
        } else {
            assert_eq!(verdict["next_step"], cause.advice(), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_evidence_names_frames_that_are_there() {
    for (name, script, cause) in table() {
        let verdict = verdict(&plain_hex(&script));
        let frames = verdict["evidence"]["frames"].as_array().expect("frames");
        assert!(!frames.is_empty(), "{name}");
        for frame in frames {
            let number = frame["frame"].as_u64().expect("a number");
            assert!((1..=script.said.len() as u64).contains(&number), "{name}: {number}");
            assert!(frame["line"].as_u64() >= Some(1) && !frame["time_ms"].is_null(), "{name}");
        }
        let ruled_out = verdict["ruled_out"].as_array().expect("a list");
        assert!(ruled_out.iter().all(|row| row["cause"] != cause.name()), "{name}");
    }
}

/// Causes that need a link layer, or a file, to be seen: they have tests of their own.
const ELSEWHERE: &[Finding] = &[
    Finding::None,
    Finding::NoSmp,
    Finding::Encrypted,
    Finding::TraceIncomplete,
    Finding::LinkDrops,
    Finding::LinkSettingsLost,
    Finding::OldServer,
];

#[test]
fn the_table_of_traces_covers_the_causes() {
    let mut told: BTreeSet<Finding> = table().into_iter().map(|(_, _, cause)| cause).collect();
    // What is told beside a cause counts too.
    for (_, script, _) in table() {
        let verdict = verdict(&plain_hex(&script));
        let also =
            verdict["also"].as_array().expect("a list").iter().filter_map(|also| also["number"].as_u64());
        told.extend(also.filter_map(|number| Finding::from_number(number as u32)));
    }
    let missing: Vec<&str> = Finding::ALL
        .iter()
        .filter(|finding| !told.contains(finding) && !ELSEWHERE.contains(finding))
        .map(|finding| finding.name())
        .collect();
    println!("not from a written trace: {missing:?}");
    let ours =
        Finding::ALL.iter().filter(|finding| finding.number() >= 64 && missing.contains(&finding.name()));
    assert_eq!(ours.count(), 0, "{missing:?}");
}

#[test]
fn the_same_conversation_has_the_same_verdict_in_every_form() {
    let told = |value: &Value| {
        let frames = value["evidence"]["frames"].as_array().expect("frames");
        let frames: Vec<u64> = frames.iter().filter_map(|frame| frame["frame"].as_u64()).collect();
        (value["cause"].clone(), value["next_step"].clone(), value["says"].clone(), frames)
    };
    let mut wrong = Vec::new();
    for (name, script, _) in table() {
        // Bytes that went through a text are other bytes in each form.
        if name.starts_with("H9") {
            continue;
        }
        // A console frame has a checksum and a stream of frames nothing but lengths: neither can hold half a frame. A phone
        // tells it in words first, whole.
        let whole_only = name.contains("are cut");
        let expected = told(&verdict(&recording(&script)));
        // Without its marks a console frame is known by two lengths that agree.
        let honest = script.said.iter().all(|said| {
            said.bytes.len() >= 8
                && said.bytes.len() == 8 + usize::from(u16::from_be_bytes([said.bytes[2], said.bytes[3]]))
        });
        for (form, write) in FORMS.iter().chain(DRESSES) {
            if !honest && *form == "a copied console" {
                continue;
            }
            if whole_only
                && (matches!(*form, "console lines" | "frames as they are" | "a console in carets")
                    || form.starts_with("a phone"))
            {
                continue;
            }
            let verdict = verdict(&write(&script));
            if told(&verdict) != expected {
                wrong.push(format!("{name}, {form}: {:?} instead of {expected:?}", told(&verdict)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
