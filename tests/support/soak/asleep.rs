//! A host that sleeps: a suspended laptop, a frozen process. What it does follows from the seed alone.

use smpfota::simulator::rng::Rng;

use super::plan::pick;

/// This share of all hosts sleeps.
const SLEEPERS: f64 = 0.1;
/// How long, in seconds.
const NAPS: [u64; 4] = [60, 200, 3_600, 3 * 86_400];

/// Whether the host of this seed sleeps.
pub fn draw(seed: u64) -> bool {
    Rng::stream(seed, 9_000).chance(SLEEPERS)
}

/// Whether a sleep may end less than half a minute after a limit of so many milliseconds: that is a carrier's time, and counts.
pub fn counts_in_full(limit_ms: u32) -> bool {
    NAPS.iter().any(|nap| (nap.saturating_sub(35)..=*nap).contains(&(u64::from(limit_ms) / 1_000)))
}

/// When a host sleeps.
pub struct Sleeper {
    rng: Rng,
    /// The share of steps before which it sleeps.
    share: f64,
    /// All of it, µs.
    pub slept_us: u64,
}

/// One sleep.
pub struct Nap {
    pub us: u64,
    /// On waking it asks before it feeds what has arrived.
    pub asks_first: bool,
}

impl Sleeper {
    pub fn new(seed: u64) -> Sleeper {
        let mut rng = Rng::stream(seed, 9_001);
        let share = pick(&mut rng, &[0.003, 0.03, 0.2]);
        Sleeper { rng, share, slept_us: 0 }
    }

    /// Whether it sleeps now.
    pub fn nap(&mut self) -> Option<Nap> {
        if !self.rng.chance(self.share) {
            return None;
        }
        let us = pick(&mut self.rng, &NAPS) * 1_000_000;
        self.slept_us += us;
        Some(Nap { us, asks_first: self.rng.chance(0.5) })
    }
}
