//! For every finding of a session one drive that is told it and one, as near as can be, that is not.

use serde_json::json;
use smpfota::simulator::{FieldDevice, image};
use smpfota::{Command, Finding, LinkEvent, Phase, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::{self, BOUND_MS, Kind, body, kind, number, set, start, start_with};

fn plain() -> smpfota::simulator::Scenario {
    kit::scenario(smpfota::simulator::DeviceProfile::Zephyr44)
}

fn begin() -> Drive {
    start(&plain().image_size(20_000), UpdateOptions::default())
}

fn of_the_field(name: &str) -> Drive {
    let device = FieldDevice::from_name(name).expect(name);
    start(&plain().device(|options| device.apply(options)), UpdateOptions::default())
}

/// What it is told in the end.
fn told(mut drive: Drive) -> Finding {
    match drive.run(drive.now_ms() + BOUND_MS) {
        End::Failed(failure) => failure.finding,
        End::Done => Finding::None,
        End::Hung => panic!("hung"),
    }
}

fn requests(mut look: impl FnMut(&[u8]) -> Passage + 'static) -> Drive {
    let mut drive = begin();
    drive.on_request = Some(Box::new(move |_, frame| look(frame)));
    drive
}

fn answers(mut look: impl FnMut(&[u8]) -> Passage + 'static) -> Drive {
    let mut drive = begin();
    drive.on_answer = Some(Box::new(move |_, frame| look(frame)));
    drive
}

fn is_chunk(frame: &[u8]) -> bool {
    (frame[5], frame[7]) == (1, 1)
}

/// The same answer with another offset.
fn instead(frame: &[u8], off: u64) -> Passage {
    let mut changed = body(frame);
    set(&mut changed, "off", off.into());
    Passage::Changed(kit::rewritten(frame, &changed))
}

/// Answers of chunks beyond this offset go through `change` so often.
fn beyond(off: u64, mut times: u32, change: impl Fn(&[u8]) -> Passage + 'static) -> Drive {
    answers(move |frame| {
        let there = is_chunk(frame) && number(&body(frame), "off").is_some_and(|told| told > off);
        if !there || times == 0 {
            return Passage::Through;
        }
        times -= 1;
        change(frame)
    })
}

/// A refusal of the first chunks.
fn refused(code: u64, mut times: u32) -> Drive {
    requests(move |frame| {
        if !is_chunk(frame) || times == 0 {
            return Passage::Through;
        }
        times -= 1;
        kit::rc(frame, code)
    })
}

/// The link goes down in the middle of the upload, for so long.
fn down_for(ms: u64) -> Drive {
    let mut drive = begin();
    assert_eq!(drive.run_to(Phase::Upload), None);
    drive.set_link(false);
    if ms > 0 {
        assert_eq!(drive.idle(ms), None);
        drive.set_link(true);
    }
    drive
}

/// A byte of the image is changed on its way, so that the bootloader does not start it.
fn damaged() -> Drive {
    let mut chunks = 0;
    requests(move |frame| {
        chunks += u32::from(is_chunk(frame));
        if !is_chunk(frame) || chunks % 20 != 10 {
            return Passage::Through;
        }
        let mut changed = frame.to_vec();
        if let Some(last) = changed.last_mut() {
            *last ^= 0x40;
        }
        Passage::Changed(changed)
    })
}

/// After the reset the list shows this version with a hash of nobody.
fn runs_as(version: &'static str) -> Drive {
    let mut drive = begin();
    drive.on_answer = kit::lists(move |_, images| {
        let new = |slot: &ciborium::Value| {
            kit::entry(slot, "version").and_then(|v| v.as_text()) == Some("1.1.0")
                && kit::entry(slot, "active").and_then(|a| a.as_bool()) == Some(true)
        };
        for slot in images.iter_mut().filter(|slot| new(slot)) {
            set(slot, "version", version.into());
            set(slot, "hash", vec![7u8; 32].into());
        }
    });
    drive
}

/// A command that the server refuses with this code.
fn command(code: u64) -> Drive {
    let mut drive = Drive::new(smpfota::SessionOptions::default(), plain().build());
    let command = Command::new("image_list", &json!({})).expect("a command");
    drive.session.start_command(command).expect("nothing runs");
    drive.on_request = Some(Box::new(move |_, frame| kit::rc(frame, code)));
    drive
}

/// A reboot in this phase.
fn reboots_in(phase: Phase) -> Drive {
    let mut drive = begin();
    assert_eq!(drive.run_to(phase), None);
    drive.link.device_mut().reboot(drive.now_us);
    drive
}

/// An image whose bytes look like those of a text that went through UTF-8.
fn like_text() -> Drive {
    let scenario = plain();
    let recipe = image::Recipe::new((1, 1, 0), 6_000, 3);
    let file = (0..200u64)
        .map(|seed| image::Recipe { seed, ..recipe.clone() }.make())
        .find(|file| file.windows(2).filter(|two| matches!(two, [0xc2 | 0xc3, 0x80..=0xbf])).count() > 1)
        .expect("such an image");
    start_with(&scenario, file, UpdateOptions::default())
}

fn reconnected(answered: bool) -> Drive {
    let mut drive = begin();
    assert_eq!(drive.run_to(Phase::Upload), None);
    while drive.upload_frames < 5 {
        assert_eq!(drive.step(), None);
    }
    drive.session.link(drive.now_ms(), LinkEvent::Down);
    drive.now_us += 1_000_000;
    drive.session.link(drive.now_ms(), LinkEvent::Up);
    if !answered {
        drive.on_answer = Some(Box::new(|_, _| Passage::Lost));
    }
    drive
}

/// A finding, a drive that is told it, and one that is not.
type Pair = (Finding, fn() -> Drive, fn() -> Drive);

const PAIRS: &[Pair] = &[
    (
        Finding::LargeFramesLost,
        || requests(|frame| if frame.len() > 90 { Passage::Lost } else { Passage::Through }),
        // The first two large ones alone.
        || {
            let mut left = 2;
            requests(move |frame| match frame.len() > 90 && left > 0 {
                true => {
                    left -= 1;
                    Passage::Lost
                }
                false => Passage::Through,
            })
        },
    ),
    (
        Finding::FirstFrameOnly,
        || {
            let mut chunks = 0;
            requests(move |frame| {
                chunks += u32::from(is_chunk(frame));
                if chunks > 1 && is_chunk(frame) { Passage::Lost } else { Passage::Through }
            })
        },
        // The third and all behind it.
        || {
            let mut chunks = 0;
            requests(move |frame| {
                chunks += u32::from(is_chunk(frame));
                if chunks > 3 && is_chunk(frame) { Passage::Lost } else { Passage::Through }
            })
        },
    ),
    (
        Finding::ResponsesReplayed,
        || {
            let mut first = None;
            answers(move |frame| match (&first, is_chunk(frame)) {
                (_, false) => Passage::Through,
                (None, true) => {
                    first = Some(frame.to_vec());
                    Passage::Through
                }
                (Some(first), true) => Passage::Changed(first.clone()),
            })
        },
        // Every answer comes twice.
        || answers(|frame| if is_chunk(frame) { Passage::Twice } else { Passage::Through }),
    ),
    (
        Finding::OffsetRepeats,
        || beyond(5_000, u32::MAX, |frame| instead(frame, 5_000)),
        || beyond(5_000, 2, |frame| instead(frame, 5_000)),
    ),
    (Finding::BuffersExhausted, || refused(2, u32::MAX), || refused(2, 5)),
    // What is refused goes out in one write.
    (Finding::NoReassembly, many_writes, || refused(9, u32::MAX)),
    (Finding::LinkDrops, || down_for(0), || down_for(20_000)),
    // The mark stays and nothing is swapped; or the bootloader looks at the image and drops the mark.
    (Finding::BootloaderRefused, damaged, || of_the_field("never-swaps")),
    (Finding::SwapNotPerformed, || of_the_field("never-swaps"), damaged),
    // The device reboots in the trial, or the image never ran.
    (Finding::NoConfirmation, || reboots_in(Phase::Confirm), damaged),
    (Finding::DeviceRestarted, forgets, || reboots_in(Phase::Upload)),
    (Finding::OldServer, || command(8), || command(3)),
    (
        Finding::NothingListed,
        || of_the_field("empty-list"),
        // The running image alone.
        || {
            let mut drive = begin();
            drive.on_answer =
                kit::lists(|_, images| images.retain(|slot| kit::number(slot, "slot") == Some(0)));
            drive
        },
    ),
    (Finding::HashChanged, || runs_as("1.1.0"), || runs_as("1.2.0")),
    (
        Finding::BinaryAsText,
        || {
            answers(|frame| {
                let text: String = frame.iter().map(|byte| char::from(*byte)).collect();
                Passage::Changed(text.into_bytes())
            })
        },
        like_text,
    ),
    (Finding::LinkSettingsLost, || reconnected(false), || reconnected(true)),
];

/// A write of 20 bytes that the device does not put together with the next.
fn many_writes() -> Drive {
    let scenario = plain().link(|link| link.max_write = 20).device(|device| device.max_write = 20);
    let options = smpfota::SessionOptions {
        max_write: 20,
        max_frame: 200,
        reassembly: smpfota::Reassembly::Yes,
        ..smpfota::SessionOptions::default()
    };
    Drive::update(&scenario, options, UpdateOptions::default())
}

/// A device that forgets its upload again and again.
fn forgets() -> Drive {
    let mut drive = beyond(10_000, u32::MAX, |frame| instead(frame, 0));
    let mut again = 0u8;
    drive.on_request = Some(Box::new(move |_, frame| {
        if kind(frame) != Kind::Upload {
            return Passage::Through;
        }
        let mut chunk = body(frame);
        let Some(sha) = kit::entry(&chunk, "sha").and_then(|sha| sha.as_bytes().cloned()) else {
            return Passage::Through;
        };
        again += 1;
        let other: Vec<u8> = sha.iter().map(|byte| byte ^ again).collect();
        set(&mut chunk, "sha", other.into());
        Passage::Changed(kit::rewritten(frame, &chunk))
    }));
    drive
}

#[test]
fn every_pair_is_told_apart() {
    let mut wrong = Vec::new();
    for (finding, given, near) in PAIRS {
        let (given, near) = (told(given()), told(near()));
        if given != *finding || near == *finding {
            wrong.push(format!("{finding:?}: told {given:?}, and the near miss {near:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The file of a test, below tests/, and its name.
type Held = (&'static str, &'static str);

/// Pairs that other tests hold: where each is given, and where it is not.
const HELD: &[(Finding, Held, Held)] = &[
    (
        Finding::NeverAnswered,
        NEAR,
        ("field_words/near_misses", "pairing_is_guessed_only_where_the_link_was_seen_to_come_up"),
    ),
    (
        Finding::PairingNeeded,
        NEAR,
        ("field_words/near_misses", "pairing_is_guessed_only_where_the_link_was_seen_to_come_up"),
    ),
    (
        Finding::BondsLost,
        ("field_words/near_misses", "bonds_are_called_lost_only_where_the_link_came_up_after_the_reset"),
        ("field_words/near_misses", "bonds_are_called_lost_only_where_the_link_came_up_after_the_reset"),
    ),
    (
        Finding::ServerStuck,
        ("field_words/near_misses", "a_server_that_answers_not_even_an_echo_is_stuck"),
        ("field_words/near_misses", "a_server_that_answers_echoes_is_not_stuck"),
    ),
    (Finding::AnswersCut, CASES, ("field_words/near_misses", "answers_in_pieces_are_not_cut")),
    (Finding::LongAnswersLost, CASES, ("field_words/near_misses", "a_list_that_came_before_is_not_too_long")),
    (Finding::EmptyAnswers, CASES, ("field_words/near_misses", "two_empty_answers_are_got_over")),
    (
        Finding::OffsetGarbled,
        CASES,
        ("field_words/near_misses", "garbage_from_the_first_chunk_on_is_no_garbled_offset"),
    ),
    (
        Finding::LateFirstFrame,
        ("trace_live", "devices_of_the_field_are_named_live_and_in_the_recording"),
        ("update/ends", "an_upload_that_is_never_listed_ends_as_such"),
    ),
];
const NEAR: Held = ("field_words/near_misses", "pairing_is_guessed_only_where_the_link_was_seen_to_come_up");
/// The table of the hopeless cases stands in a file of its own.
const CASES: Held =
    ("field_words/hopeless", "every_hopeless_case_is_told_within_a_minute_of_its_first_evidence");

/// What no session is told: it does not look at what others do.
const OF_TRACES_ALONE: &[Finding] = &[Finding::None, Finding::ForeignResponses];
/// Causes of clients that a session tells as well.
const TOLD_TOO: &[Finding] = &[Finding::BinaryAsText, Finding::LinkSettingsLost];

#[test]
fn every_finding_of_a_session_has_its_pair() {
    let held = |(file, test): Held| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
        let text = std::fs::read_to_string(path.with_extension("rs")).expect(file);
        assert!(text.contains(&format!("fn {test}()")), "{file} has no {test}");
    };
    for (_, given, near) in HELD {
        held(*given);
        held(*near);
    }
    for finding in Finding::ALL.iter().filter(|finding| finding.number() < 64 || TOLD_TOO.contains(finding)) {
        let pairs = PAIRS.iter().filter(|pair| pair.0 == *finding).count()
            + HELD.iter().filter(|pair| pair.0 == *finding).count();
        let wanted = usize::from(!OF_TRACES_ALONE.contains(finding));
        assert_eq!(pairs, wanted, "{finding:?}");
    }
}
