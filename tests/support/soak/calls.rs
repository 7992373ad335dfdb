//! A carrier that takes several writes in one call, between the session of a run and its link: it is late, loses calls, makes
//! some after those that follow, and some a second time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smpfota::SessionOptions;
use smpfota::simulator::rng::Rng;

/// The longest that a call takes to the gateway, that one of which nobody heard is late, and that a repeated one is, µs.
const LATEST_US: u64 = 1_500_000;
const OVERTAKEN_US: u64 = 30_000_000;
const AGAIN_US: u64 = 90_000_000;

/// The carrier of a run, where it is one.
#[derive(Debug)]
pub struct Calls {
    rng: Rng,
    /// The call that is being filled: the time after its first write, µs, and what is written.
    call: Vec<(u64, Vec<u8>)>,
    /// Writes on their way, in the order of their time.
    due: BinaryHeap<Reverse<(u64, u64, Vec<u8>)>>,
    number: u64,
    /// When the caller hears that its call came back.
    back_at: Option<u64>,
}

/// The figures of such a carrier, for some of the seeds.
pub fn draw(seed: u64, session: &mut SessionOptions) -> bool {
    let mut rng = Rng::stream(seed, 8_002);
    if !rng.chance(0.15) {
        return false;
    }
    session.batch_frames = [2, 8, 32, 128][rng.below(4) as usize];
    session.batch_bytes = if rng.chance(0.3) { rng.between(100, 20_000) as u32 } else { 0 };
    session.batch_gap_ms = rng.below(40) as u32;
    // Calls are lost, whatever the link does.
    session.retries = session.retries.max(4);
    true
}

impl Calls {
    pub fn new(seed: u64) -> Calls {
        let rng = Rng::stream(seed, 8_001);
        Calls { rng, call: Vec::new(), due: BinaryHeap::new(), number: 0, back_at: None }
    }

    /// Adds a write to the call.
    pub fn add(&mut self, delay_ms: u32, bytes: &[u8]) {
        let at = self.call.last().map_or(0, |(at, _)| at + u64::from(delay_ms) * 1_000);
        self.call.push((at, bytes.to_vec()));
    }

    /// Makes the call; the gateway listens for `wait_ms` behind its last write.
    pub fn make(&mut self, now: u64, wait_ms: u32) {
        let call = std::mem::take(&mut self.call);
        let Some((last, _)) = call.last() else { return };
        let at_once = self.rng.chance(0.02);
        // Given up by its caller, and executed among the writes of later ones.
        let overtaken = self.rng.chance(0.02);
        let start = now + self.rng.below(if overtaken { OVERTAKEN_US } else { LATEST_US });
        let end = start + last + u64::from(wait_ms) * 1_000;
        // Nobody hears of a lost one, and of some of the others neither.
        let lost = self.rng.chance(0.04);
        self.back_at =
            (!lost && !overtaken && self.rng.chance(0.9)).then_some(end + self.rng.below(LATEST_US));
        let again = self.rng.chance(0.03).then(|| start + self.rng.below(AGAIN_US));
        for start in [(!lost).then_some(start), again].into_iter().flatten() {
            for (at, bytes) in &call {
                self.number += 1;
                let at = if at_once { start } else { start + at };
                self.due.push(Reverse((at, self.number, bytes.clone())));
            }
        }
    }

    /// When something next happens.
    pub fn next(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, ..))| *at).into_iter().chain(self.back_at).min()
    }

    /// The next write that the gateway makes by now.
    pub fn write(&mut self, now: u64) -> Option<Vec<u8>> {
        self.due.peek().filter(|Reverse((at, ..))| *at <= now)?;
        self.due.pop().map(|Reverse((.., bytes))| bytes)
    }

    /// Whether the call came back by now.
    pub fn is_back(&mut self, now: u64) -> bool {
        self.back_at.take_if(|at| *at <= now).is_some()
    }
}
