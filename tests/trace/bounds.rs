//! No trace is too long, too wide or too strange.

use super::script::*;
use super::support::{explained, explained_in};
use proptest::prelude::*;

#[test]
fn pieces_of_any_size_give_the_same() {
    let script = &super::causes::table()[0].1;
    for (form, write) in FORMS.iter().chain(super::dresses::DRESSES) {
        let bytes = write(script);
        let whole = explained(&bytes);
        for piece in [1, 7, 64, 65, 1000] {
            assert_eq!(explained_in(&bytes, piece), whole, "{form} in pieces of {piece}");
        }
    }
}

#[test]
fn one_line_of_any_length_is_read_to_its_end() {
    let mut script = Script::default();
    script.uploaded();
    let frames: Vec<String> = script
        .said
        .iter()
        .map(|said| {
            format!("[{}]", {
                let numbers: Vec<String> = said.bytes.iter().map(u8::to_string).collect();
                numbers.join(", ")
            })
        })
        .collect();
    let line = format!("{{\"frames\": [{}]}}", frames.join(", "));
    assert!(line.len() > 80_000 && !line.contains('\n'));
    let (lines, verdict) = explained(line.as_bytes());
    assert_eq!(lines.len(), script.said.len());
    assert_eq!((&verdict["cause"], &verdict["format"]["lines"]), (&"NOTHING_WRONG".into(), &1.into()));
}

#[test]
fn a_file_given_at_once_waits_until_its_lines_are_read() {
    let mut script = Script::default();
    script.uploaded();
    for (form, write) in FORMS.iter().chain(super::packets::FORMS).chain(super::dresses::DRESSES) {
        let bytes = write(&script);
        let mut trace = smpfota::Trace::new();
        let mut most = 0;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            rest = &rest[trace.feed(rest)..];
            let mut lines = 0;
            while trace.next_line().is_some() {
                lines += 1;
            }
            most = most.max(lines);
        }
        assert!(most < 600, "{form}: {most} lines at once");
    }
}

fn ends_in_a_report(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
    let (lines, verdict) = explained_in(bytes, piece);
    prop_assert!(verdict["cause"].is_string() && !verdict["says"].as_str().unwrap_or("").is_empty());
    prop_assert!(lines.iter().all(|line| !line.contains('\n')));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_change_to_a_capture_ends_in_a_report(
        form in 0..super::packets::FORMS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
        piece in 1usize..2_000,
    ) {
        let mut script = Script::default();
        script.begun().upload(176, 976).marked(&NEW).reset();
        let mut bytes = (super::packets::FORMS[form].1)(&script);
        for (at, byte) in changes {
            // The first bytes say what the file is.
            let at = 16 + at.index(bytes.len() - 16);
            bytes[at] = byte;
        }
        bytes.truncate(24 + cut.index(2 * bytes.len()));
        ends_in_a_report(&bytes, piece)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_change_to_a_log_ends_in_a_report(
        form in 0..super::dresses::DRESSES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'\\'), Just(b'"'), Just(b'['), Just(b'\n')]), 1..40),
        cut in any::<prop::sample::Index>(),
        piece in 1usize..2_000,
    ) {
        let mut script = Script::default();
        script.begun().upload(176, 976).marked(&NEW).reset();
        let mut bytes = (super::dresses::DRESSES[form].1)(&script);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(24 + cut.index(2 * bytes.len()));
        ends_in_a_report(&bytes, piece)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_end_in_a_report(
        parts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "[ -~]{0,60}\n".prop_map(String::into_bytes),
            (0usize..200, 0u8..8).prop_map(|(off, sequence)| (hex(&chunk(sequence, off, 20), " ") + "\n").into_bytes()),
            (0usize..200, 0u8..8).prop_map(|(off, sequence)| (hex(&taken(sequence, off), "") + "\n").into_bytes()),
        ], 0..30),
        piece in 1usize..200,
    ) {
        ends_in_a_report(&parts.concat(), piece)?;
    }
}
