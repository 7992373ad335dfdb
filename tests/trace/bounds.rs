//! No trace is too long, too wide or too strange.

use super::script::*;
use super::support::{explained, explained_in};
use proptest::prelude::*;

#[test]
fn pieces_of_any_size_give_the_same() {
    let script = &super::causes::table()[0].1;
    for (form, write) in FORMS {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
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
        let (lines, verdict) = explained_in(&parts.concat(), piece);
        prop_assert!(verdict["cause"].is_string() && !verdict["says"].as_str().unwrap_or("").is_empty());
        prop_assert!(lines.iter().all(|line| !line.contains('\n')));
    }
}
