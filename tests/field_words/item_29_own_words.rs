//! Item 29: servers built with `CONFIG_MCUMGR_SMP_VERBOSE_ERR_RESPONSE` say in words why they refuse (`rsn`).

use smpfota::smp::Op;
use smpfota::{SessionOptions, Status, UpdateOptions};

use crate::drive::{Drive, End, Passage};
use crate::kit::{self, Kind, each, fails, kind, map, start};

/// Refuses the first chunk with `rc` and these words.
fn refusing(words: &str) -> impl FnMut(u64, &[u8]) -> Passage + 'static {
    let words = words.to_owned();
    move |_, frame| {
        if kind(frame) != Kind::Upload {
            return Passage::Through;
        }
        let body = map(&[("rc", 6.into()), ("rsn", words.clone().into())]);
        Passage::Answered(kit::answer(frame, &body))
    }
}

#[test]
fn the_devices_words_stand_in_the_sentence_and_beside_it() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(refusing("pending")));
        let failure = fails(&mut drive, Status::SlotInUse, &["The device says: pending."]);
        assert_eq!(failure.reason.as_deref(), Some("pending"));
        let json = drive.session.failure_json().unwrap();
        assert_eq!(json["reason"], "pending");
        assert_eq!(json["device"]["reason"], "pending");
        assert_eq!(json["device"]["code"], 6);
        assert_eq!(json["name"], "SLOT_IN_USE");
        assert_eq!(
            json["left_with"], "unknown",
            "what is pending is another image, and the next reset starts it"
        );
    });
}

#[test]
fn words_of_any_kind_are_bounded_and_printable() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        drive.on_request = Some(Box::new(refusing(&"\u{1b}[2J\r\n\u{202e}".repeat(100))));
        let failure = fails(&mut drive, Status::SlotInUse, &["The device says: ?[2J"]);
        let words = failure.reason.unwrap();
        assert_eq!(words.len(), 96);
        assert!(words.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{words:?}");
    });
}

/// Where the device gave no words, or gave them for another error than the one that ended it, none are told.
#[test]
fn words_for_something_else_are_not_told() {
    each(|scenario| {
        let mut drive = start(&scenario, UpdateOptions::default());
        let mut busy = 2;
        drive.on_request = Some(Box::new(move |_, frame| {
            if kind(frame) != Kind::Upload {
                return Passage::Through;
            }
            // Busy first, with words; then the refusal, without.
            busy -= 1;
            let entries = match busy {
                0.. => vec![("rc", 10.into()), ("rsn", "later".into())],
                _ => vec![("rc", 6.into())],
            };
            Passage::Answered(kit::answer(frame, &map(&entries)))
        }));
        let failure = fails(&mut drive, Status::SlotInUse, &[]);
        assert_eq!(failure.reason, None);
        assert!(!failure.sentence.contains("says"), "{}", failure.sentence);
        assert_eq!(drive.session.failure_json().unwrap()["reason"], serde_json::Value::Null);
    });
}

#[test]
fn a_single_request_tells_them_too() {
    let scenario = kit::scenario(smpfota::simulator::DeviceProfile::Zephyr44);
    let mut drive = Drive::new(SessionOptions::default(), scenario.build());
    drive.session.start_request(Op::Write, 1, 5, b"").unwrap();
    drive.on_request = Some(Box::new(|_, frame| {
        let body = map(&[("rc", 1.into()), ("rsn", "flash is asleep".into())]);
        Passage::Answered(kit::answer(frame, &body))
    }));
    let End::Failed(failure) = drive.run(kit::BOUND_MS) else { panic!("must fail") };
    assert_eq!(failure.reason.as_deref(), Some("flash is asleep"));
    // The words belong to that request alone.
    drive.session.start_request(Op::Write, 1, 5, b"").unwrap();
    drive.on_request = Some(Box::new(|_, frame| kit::rc(frame, 1)));
    let End::Failed(failure) = drive.run(2 * kit::BOUND_MS) else { panic!("must fail") };
    assert_eq!(failure.reason, None);
}
