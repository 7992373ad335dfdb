//! Figures of a trace in constant memory: round trips as a histogram, the rest counted.

use crate::json::json;
use serde_json::Value;

/// Steps within a factor of two; the error of a quantile is half a step, 3 %.
const STEPS: usize = 16;
const OCTAVES: usize = 24;

/// Durations in milliseconds, counted in steps that grow with them.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Box<[u32; STEPS * OCTAVES]>,
    count: u64,
    least: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: Box::new([0; STEPS * OCTAVES]), count: 0, least: u64::MAX, most: 0 }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, ms: u64) {
        let step = index(ms).min(self.counts.len() - 1);
        self.counts[step] = self.counts[step].saturating_add(1);
        self.count += 1;
        self.least = self.least.min(ms);
        self.most = self.most.max(ms);
    }

    /// The value below which so many of a thousand lie.
    pub(super) fn quantile(&self, thousandth: u64) -> Option<u64> {
        let wanted = (self.count * thousandth).div_ceil(1000).max(1);
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        })?;
        (self.count > 0).then(|| lower(step).clamp(self.least, self.most))
    }

    pub(super) fn describe(&self) -> Value {
        if self.count == 0 {
            return Value::Null;
        }
        json!({
            "count": self.count,
            "min": self.least,
            "median": self.quantile(500),
            "p95": self.quantile(950),
            "max": self.most,
        })
    }
}

/// The step of a duration: exact below [`STEPS`], then so many a factor of two.
fn index(ms: u64) -> usize {
    if ms < STEPS as u64 {
        return ms as usize;
    }
    let octave = (u64::BITS - 1 - ms.leading_zeros()) as usize - 4;
    STEPS * (octave + 1) + (ms >> octave) as usize - STEPS
}

/// The least duration of a step.
fn lower(step: usize) -> u64 {
    if step < STEPS {
        return step as u64;
    }
    let octave = step / STEPS - 1;
    ((step % STEPS + STEPS) as u64) << octave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_durations_fit_each_other() {
        for ms in [0, 1, 15, 16, 17, 31, 32, 33, 100, 1_000, 40_000, 1_000_000] {
            let step = index(ms);
            assert!(lower(step) <= ms && ms < lower(step + 1), "{ms}: {step}");
        }
    }

    #[test]
    fn quantiles_are_close() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|ms| histogram.add(ms));
        let median = histogram.quantile(500).expect("a median");
        assert!((480..=500).contains(&median), "{median}");
        assert_eq!(histogram.quantile(1_000).map(|most| most > 950), Some(true));
        assert_eq!(Histogram::default().quantile(500), None);
    }
}
