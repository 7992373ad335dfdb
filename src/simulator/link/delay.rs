//! Delays of one direction. What a profile states is the round trip; each way gets half of it as its own draw.

use super::super::rng::Rng;

/// How long a round trip takes when nothing waits for anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RoundTrip {
    /// Evenly distributed in mean ± spread, µs (each way: half of both).
    Uniform {
        /// Middle, µs.
        mean_us: u64,
        /// Largest deviation, µs.
        spread_us: u64,
    },
    /// The sum of two equal lognormal ways with this median and 99th percentile, µs.
    Lognormal {
        /// Median, µs.
        p50_us: u64,
        /// 99th percentile, µs.
        p99_us: u64,
    },
    /// As `Lognormal`, but a delay resembles the one before it, as on a link that is slow for a while and then fast again.
    Drifting {
        /// Median, µs.
        p50_us: u64,
        /// 99th percentile, µs.
        p99_us: u64,
        /// How much of the deviation is that of the frame before, in per cent.
        kept: u8,
    },
}

impl RoundTrip {
    /// The middle of the distribution, µs.
    pub const fn typical_us(self) -> u64 {
        match self {
            RoundTrip::Uniform { mean_us, .. } => mean_us,
            RoundTrip::Lognormal { p50_us, .. } | RoundTrip::Drifting { p50_us, .. } => p50_us,
        }
    }
}

/// For the sum of two independent lognormal numbers exp(s·N): s, the median of the sum, and its 99th percentile
/// over its median. Computed by numerical integration; between two rows ln(ratio) is close to linear in s.
const SUM_OF_TWO: &[(f64, f64, f64)] = &[
    (0.2, 2.0198, 1.3923),
    (0.4, 2.0771, 1.9619),
    (0.6, 2.1684, 2.8201),
    (0.8, 2.2909, 4.1333),
    (1.0, 2.4432, 6.1480),
    (1.2, 2.6251, 9.2326),
    (1.4, 2.8376, 13.9419),
    (1.6, 3.0819, 21.1132),
    (1.8, 3.3604, 32.0115),
    (2.0, 3.6757, 48.5479),
];

/// Deviation and scale of one way, so that two of them have this median and this ratio of p99 to median.
fn one_way(p50: f64, ratio: f64) -> (f64, f64) {
    let rows = SUM_OF_TWO.windows(2);
    let row = rows.clone().find(|w| ratio <= w[1].2).or(rows.last());
    let Some(&[low, high]) = row else { return (0.0, p50 / 2.0) };
    let share = ((ratio.max(1.0).ln() - low.2.ln()) / (high.2.ln() - low.2.ln())).clamp(0.0, 1.0);
    let deviation = low.0 + share * (high.0 - low.0);
    let median = low.1 + share * (high.1 - low.1);
    (deviation, p50 / median)
}

/// The delays of one direction, each drawn for one frame.
#[derive(Debug, Clone)]
pub(super) struct Delays {
    rng: Rng,
    low_us: u64,
    span_us: u64,
    deviation: f64,
    scale: f64,
    kept: f64,
    latest: f64,
}

impl Delays {
    pub(super) fn new(round_trip: RoundTrip, rng: Rng) -> Delays {
        let mut delays =
            Delays { rng, low_us: 0, span_us: 0, deviation: 0.0, scale: 0.0, kept: 0.0, latest: 0.0 };
        match round_trip {
            RoundTrip::Uniform { mean_us, spread_us } => {
                delays.low_us = mean_us.saturating_sub(spread_us) / 2;
                delays.span_us = spread_us.min(mean_us);
            }
            RoundTrip::Lognormal { p50_us, p99_us } => {
                let p50 = p50_us.max(1) as f64;
                (delays.deviation, delays.scale) = one_way(p50, p99_us as f64 / p50);
            }
            RoundTrip::Drifting { p50_us, p99_us, kept } => {
                let p50 = p50_us.max(1) as f64;
                (delays.deviation, delays.scale) = one_way(p50, p99_us as f64 / p50);
                delays.kept = f64::from(kept.min(99)) / 100.0;
                delays.latest = delays.rng.normal();
            }
        }
        delays
    }

    /// The delay of the next frame, µs.
    pub(super) fn draw(&mut self) -> u64 {
        if self.scale == 0.0 {
            return self.low_us + self.rng.below(self.span_us + 1);
        }
        // Whole microseconds: differences in the last bit of ln and exp between machines do not show.
        let fresh = self.rng.normal();
        self.latest = self.kept * self.latest + (1.0 - self.kept * self.kept).sqrt() * fresh;
        (self.scale * (self.deviation * self.latest).exp()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(round_trip: RoundTrip) -> (f64, f64) {
        let mut down = Delays::new(round_trip, Rng::stream(5, 1));
        let mut up = Delays::new(round_trip, Rng::stream(5, 2));
        let mut trips: Vec<u64> = (0..200_000).map(|_| down.draw() + up.draw()).collect();
        trips.sort_unstable();
        (trips[100_000] as f64, trips[198_000] as f64)
    }

    #[test]
    fn lognormal_round_trips_have_the_stated_median_and_tail() {
        for (p50_us, p99_us) in [(300_000, 2_000_000), (2_000_000, 10_000_000), (100_000, 400_000)] {
            let (p50, p99) = quantiles(RoundTrip::Lognormal { p50_us, p99_us });
            assert!((p50 / p50_us as f64 - 1.0).abs() < 0.02, "{p50} {p50_us}");
            assert!((p99 / p99_us as f64 - 1.0).abs() < 0.04, "{p99} {p99_us}");
        }
    }

    #[test]
    fn drifting_delays_have_the_same_spread_and_resemble_their_neighbours() {
        let drifting = RoundTrip::Drifting { p50_us: 300_000, p99_us: 2_000_000, kept: 95 };
        let mut delays = Delays::new(drifting, Rng::new(3));
        let draws: Vec<f64> = (0..200_000).map(|_| (delays.draw() as f64).ln()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let spread = |lag: usize| {
            let products = draws.iter().zip(&draws[lag..]).map(|(a, b)| (a - mean) * (b - mean));
            products.sum::<f64>() / (draws.len() - lag) as f64
        };
        assert!((0.93..0.97).contains(&(spread(1) / spread(0))), "{}", spread(1) / spread(0));
        let mut sorted = draws.clone();
        sorted.sort_by(f64::total_cmp);
        let mut even = Delays::new(RoundTrip::Lognormal { p50_us: 300_000, p99_us: 2_000_000 }, Rng::new(4));
        let mut other: Vec<f64> = (0..200_000).map(|_| (even.draw() as f64).ln()).collect();
        other.sort_by(f64::total_cmp);
        assert!((sorted[100_000] - other[100_000]).abs() < 0.05);
        assert!((sorted[198_000] - other[198_000]).abs() < 0.15);
    }

    #[test]
    fn uniform_round_trips_stay_in_their_range() {
        let round_trip = RoundTrip::Uniform { mean_us: 60_000, spread_us: 15_000 };
        let mut delays = Delays::new(round_trip, Rng::new(1));
        let draws: Vec<u64> = (0..10_000).map(|_| delays.draw()).collect();
        assert!(draws.iter().all(|d| (22_500..=37_500).contains(d)));
        let mean = draws.iter().sum::<u64>() / 10_000;
        assert!((29_500..30_500).contains(&mean), "{mean}");
        let mut fixed = Delays::new(RoundTrip::Uniform { mean_us: 5_000, spread_us: 0 }, Rng::new(1));
        assert_eq!(fixed.draw() + fixed.draw(), 5_000);
    }
}
