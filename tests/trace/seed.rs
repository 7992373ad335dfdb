//! The thread that this project began with gets the answer that the forum could not give.

use super::support::explained_in;

const SEED: &[u8] = include_bytes!("../traces/seed-thread.txt");

#[test]
fn the_seed_thread_is_answered() {
    let (lines, verdict) = explained_in(SEED, 100);
    println!("{}\n{verdict:#}", lines.join("\n"));
    // The MTU, five requests, two answers; the same answer in words is no further one.
    assert_eq!(lines.len(), 8);
    assert_eq!((&verdict["cause"], &verdict["certainty"]), (&"FIRST_FRAME_ONLY".into(), &"possible".into()));
    let text = verdict.to_string();
    for part in [
        "are both 244 bytes long: both fit",
        "With 222 bytes of data at offset 382 the chunk #4 takes 245 bytes",
        "the second image of the device",
        "not the other slot",
        "never reached the server, or that the first answer was replayed",
        "The sequence byte of that answer decides which",
        "wait for the answer to each chunk, and send the chunk at offset 160 again",
        "NOT_WAITED",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
