//! The measured round trip and the retransmission timeout (RFC 6298).

use super::spread::Spread;

/// Smoothed round-trip time and its variation, in milliseconds.
///
/// Every transmission has a sequence number of its own, so each matched answer belongs to one transmission and Karn's rule
/// (RFC 6298 section 3) is kept without leaving samples out.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    /// SRTT times 8; 0 before the first sample.
    smoothed8: u32,
    /// RTTVAR times 4.
    variation4: u32,
    hint: u32,
    /// All measurements since they were last forgotten.
    spread: Spread,
}

/// A hint up to this one is not doubted, in milliseconds.
const PLAUSIBLE_HINT: u32 = 300;
/// The longest timeout in milliseconds; longer answers are a matter of the stall limit.
const MOST: u32 = 60_000;

impl RoundTrip {
    /// Starts from the caller's hint.
    pub fn new(hint_ms: u32) -> RoundTrip {
        RoundTrip { smoothed8: 0, variation4: 0, hint: hint_ms, spread: Spread::default() }
    }

    /// How all measurements of the present operation are spread.
    pub const fn spread(&self) -> &Spread {
        &self.spread
    }

    /// Another operation begins; what was learnt of the link stays.
    pub(crate) fn forget_spread(&mut self) {
        self.spread = Spread::default();
    }

    /// Takes one measurement (RFC 6298 section 2).
    #[inline]
    pub fn sample(&mut self, ms: u32) {
        let ms = ms.min(10 * MOST);
        self.spread.add(ms);
        if self.smoothed8 == 0 {
            self.smoothed8 = (ms * 8).max(1);
            self.variation4 = ms * 2;
        } else {
            let difference = (self.smoothed8 / 8).abs_diff(ms);
            self.variation4 = self.variation4 - self.variation4 / 4 + difference;
            self.smoothed8 = (self.smoothed8 - self.smoothed8 / 8 + ms).max(1);
        }
    }

    /// Takes an answer that the device worked on for a while: the round trip is no longer than it took. It says little about
    /// the next answer, so it only cuts down a hint far above it.
    pub fn narrow_hint(&mut self, ms: u32) {
        self.hint = self.hint.min(ms.saturating_mul(3).max(PLAUSIBLE_HINT));
    }

    /// The smoothed round trip, or the hint before the first measurement.
    pub const fn smoothed(&self) -> u32 {
        if self.smoothed8 == 0 { self.hint } else { self.smoothed8 / 8 }
    }

    /// The smoothed deviation; half the hint before the first measurement.
    pub const fn variation(&self) -> u32 {
        if self.smoothed8 == 0 { self.hint / 2 } else { self.variation4 / 4 }
    }

    /// Whether anything was measured.
    pub const fn is_measured(&self) -> bool {
        self.smoothed8 != 0
    }

    /// The retransmission timeout: SRTT + 4 RTTVAR, at least 1 and at most 60,000 ms.
    pub fn timeout(&self) -> u32 {
        (self.smoothed() + self.variation() * 4).clamp(1, MOST)
    }

    /// The figures to keep in a snapshot.
    pub(crate) const fn parts(&self) -> (u32, u32) {
        (self.smoothed8, self.variation4)
    }

    /// Takes the figures of a snapshot.
    pub(crate) fn restore(&mut self, smoothed8: u32, variation4: u32) {
        self.smoothed8 = smoothed8.min(MOST * 80);
        self.variation4 = variation4.min(MOST * 80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_gives_way_to_the_first_measurement() {
        let mut rtt = RoundTrip::new(1_000);
        assert_eq!((rtt.smoothed(), rtt.timeout()), (1_000, 3_000));
        rtt.sample(60);
        assert_eq!((rtt.smoothed(), rtt.timeout()), (60, 60 + 4 * 30));
    }

    #[test]
    fn a_hint_far_above_the_first_answers_is_cut_down() {
        for (hint, took, then) in
            [(20_000, 60, 300), (20_000, 2_000, 6_000), (1_000, 60, 300), (300, 9_000, 300)]
        {
            let mut rtt = RoundTrip::new(hint);
            rtt.narrow_hint(took);
            assert_eq!(rtt.smoothed(), then, "{hint} {took}");
            assert!(!rtt.is_measured());
        }
    }

    #[test]
    fn a_steady_link_closes_in_on_its_round_trip() {
        let mut rtt = RoundTrip::new(1_000);
        for _ in 0..200 {
            rtt.sample(300);
        }
        assert!((295..=300).contains(&rtt.smoothed()), "{}", rtt.smoothed());
        assert!(rtt.timeout() < 330, "{}", rtt.timeout());
    }

    #[test]
    fn no_sample_can_break_the_bounds() {
        let mut rtt = RoundTrip::new(1);
        for ms in [0, u32::MAX, 0, u32::MAX, 5] {
            rtt.sample(ms);
            assert!((1..=MOST).contains(&rtt.timeout()));
        }
    }
}
