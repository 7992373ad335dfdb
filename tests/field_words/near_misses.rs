//! What is as near as can be to a finding and must not be given it.

use smpfota::simulator::{DeviceProfile, LinkKind, Scenario};
use smpfota::{Finding, LinkEvent, SessionOptions, Status, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::{BOUND_MS, Kind, each, fails_with, kind, start, succeeds};

/// Answers that come in pieces of 20 bytes, all of them: nothing is cut.
#[test]
fn answers_in_pieces_are_not_cut() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut answers = 0;
        drive.on_answer = Some(Box::new(move |_, frame| {
            answers += 1;
            // Now and then the rest is lost, but never three times in a row.
            let kept = if answers % 9 < 2 { frame.len().min(20) } else { frame.len() };
            Passage::Changed(frame[..kept].to_vec())
        }));
        succeeds(&mut drive);
    });
}

/// The list came before; that it is lost later is not for its length.
#[test]
fn a_list_that_came_before_is_not_too_long() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut lists = 0;
        drive.on_answer = Some(Box::new(move |_, frame| {
            lists += u32::from((frame[5], frame[7]) == (1, 0));
            if lists > 1 && (frame[5], frame[7]) == (1, 0) { Passage::Lost } else { Passage::Through }
        }));
        fails_with(&mut drive, Status::Timeout, Finding::None, &["image list", "An echo was answered"]);
    });
}

#[test]
fn two_empty_answers_are_got_over() {
    each(|scenario| {
        for wanted in [(1, 0), (1, 1)] {
            let mut drive = start(&scenario, UpdateOptions::default());
            let mut left = 2;
            drive.on_answer = Some(Box::new(move |_, frame| {
                if (frame[5], frame[7]) != wanted || left == 0 {
                    return Passage::Through;
                }
                left -= 1;
                let mut header = frame[..8].to_vec();
                header[2..4].fill(0);
                Passage::Changed(header)
            }));
            succeeds(&mut drive);
            assert_eq!(drive.session.counts().undecodable, 2);
        }
    });
}

/// What cannot be read from the first chunk on is no offset that became too large.
#[test]
fn garbage_from_the_first_chunk_on_is_no_garbled_offset() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_answer = Some(Box::new(|_, frame| {
            if (frame[5], frame[7]) != (1, 1) {
                return Passage::Through;
            }
            let mut changed = frame.to_vec();
            changed[8] = 0x1c;
            Passage::Changed(changed)
        }));
        fails_with(
            &mut drive,
            Status::Undecodable,
            Finding::None,
            &["no CBOR map", "from the first chunk on"],
        );
    });
}

/// Silence may end, so it is waited for longer than the cases without hope; then it is called what it is.
#[test]
fn a_server_that_answers_not_even_an_echo_is_stuck() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut dead = false;
        drive.on_request = Some(Box::new(move |_, frame| {
            dead |= kind(frame) == Kind::List;
            if dead { Passage::Lost } else { Passage::Through }
        }));
        fails_with(&mut drive, Status::Timeout, Finding::ServerStuck, &["image list", "not even an echo"]);
    });
}

/// Where no echo was sent, or one was answered, nobody says that the server is stuck.
#[test]
fn a_server_that_answers_echoes_is_not_stuck() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request =
            Some(Box::new(
                |_, frame| {
                    if kind(frame) == Kind::Parameters { Passage::Lost } else { Passage::Through }
                },
            ));
        // The device never answers its parameters; whatever comes of it, it is not called stuck.
        if let End::Failed(failure) = drive.run(BOUND_MS) {
            assert_ne!(failure.finding, Finding::ServerStuck, "{failure}");
        }
    });
}

fn never_answered(links: u32) -> Finding {
    let scenario = Scenario::new(LinkKind::None).profile(DeviceProfile::Zephyr44).image_size(6_000);
    let mut drive = Drive::update(&scenario, SessionOptions::default(), UpdateOptions::default());
    drive.on_request = Some(Box::new(|_, _| Passage::Lost));
    for link in 0..links {
        if link > 0 {
            drive.session.link(drive.now_ms(), LinkEvent::Down);
        }
        drive.session.link(drive.now_ms(), LinkEvent::Up);
        drive.idle(10_000);
    }
    match drive.run(BOUND_MS) {
        End::Failed(failure) => failure.finding,
        other => panic!("{other:?}"),
    }
}

/// Item 20: a link that comes up twice while nothing is answered asks for pairing; one that was merely up says nothing.
#[test]
fn pairing_is_guessed_only_where_the_link_was_seen_to_come_up() {
    assert_eq!(never_answered(0), Finding::NeverAnswered);
    assert_eq!(never_answered(1), Finding::NeverAnswered);
    assert_eq!(never_answered(2), Finding::PairingNeeded);
}

/// Item 20: after the reset the link comes up and nothing is answered.
#[test]
fn bonds_are_called_lost_only_where_the_link_came_up_after_the_reset() {
    for comes_up in [false, true] {
        each(|scenario| {
            let mut drive = start(&scenario, UpdateOptions::default());
            let mut reset = false;
            drive.on_request = Some(Box::new(move |_, frame| {
                let lost = reset;
                reset |= kind(frame) == Kind::Reset;
                if lost { Passage::Lost } else { Passage::Through }
            }));
            assert_eq!(drive.run_to(smpfota::Phase::Swap), None);
            drive.session.link(drive.now_ms(), LinkEvent::Down);
            if comes_up {
                drive.idle(4_000);
                drive.session.link(drive.now_ms(), LinkEvent::Up);
            }
            let finding = if comes_up { Finding::BondsLost } else { Finding::None };
            fails_with(&mut drive, Status::DidNotReturn, finding, &["1.1.0"]);
            assert_eq!(drive.session.failure_json().unwrap()["left_with"], "unknown");
        });
    }
}
