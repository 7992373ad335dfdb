//! How measured times are spread, in a few bytes: quantiles to within a fifth of their value.

/// Counts for two steps an octave, from 16 ms to 65 s; what lies outside counts with the first and the last.
const STEPS: usize = 24;
/// Octaves below the first step.
const FIRST_OCTAVE: u32 = 4;

/// A histogram of times in milliseconds. It forgets slowly: when a count is full all are halved.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    counts: [u8; STEPS],
}

impl Spread {
    /// Counts one time.
    #[inline]
    pub fn add(&mut self, ms: u32) {
        let count = &mut self.counts[step_of(ms)];
        *count += 1;
        if *count == u8::MAX {
            self.counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
        }
    }

    /// The time that `percent` of all are not above, in milliseconds; `None` without any.
    pub fn quantile(&self, percent: u32) -> Option<u32> {
        let all: u32 = self.counts.iter().map(|count| u32::from(*count)).sum();
        let wanted = (all * percent).div_ceil(100).max(1);
        let mut before = 0;
        for (step, count) in self.counts.iter().enumerate() {
            let count = u32::from(*count);
            if before + count >= wanted {
                let (low, high) = (start_of(step), start_of(step + 1));
                // As if the times of a step were spread evenly over it.
                return Some(low + (high - low) * (2 * (wanted - before) - 1) / (2 * count));
            }
            before += count;
        }
        None
    }
}

/// The step that holds a time.
fn step_of(ms: u32) -> usize {
    let Some(octave) = ms.max(1).ilog2().checked_sub(FIRST_OCTAVE) else { return 0 };
    let first = 2 * octave as usize;
    if first >= STEPS {
        return STEPS - 1;
    }
    // The second half of an octave begins at about the square root of two.
    first + usize::from(ms >= start_of(first + 1))
}

/// The first time of a step.
const fn start_of(step: usize) -> u32 {
    let octave = 1u32 << (FIRST_OCTAVE + step as u32 / 2);
    if step.is_multiple_of(2) { octave } else { octave + octave * 53 / 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_join_without_a_gap() {
        for step in 0..STEPS - 1 {
            assert_eq!(step_of(start_of(step)), step);
            assert_eq!(step_of(start_of(step + 1) - 1), step);
        }
        assert_eq!((step_of(0), step_of(u32::MAX)), (0, STEPS - 1));
    }

    #[test]
    fn quantiles_lie_within_a_fifth() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(50), None);
        spread.add(62);
        let only = spread.quantile(50).unwrap();
        assert!(only.abs_diff(62) * 5 <= 62, "{only}");
        let mut spread = Spread::default();
        for ms in (1..=1_000).map(|n| n * 617 % 1_000) {
            spread.add(ms);
        }
        for (percent, truth) in [(5, 50), (50, 500), (95, 950)] {
            let told = spread.quantile(percent).unwrap();
            assert!(told.abs_diff(truth) * 5 <= truth, "{percent} % is {truth}, told {told}");
        }
        for _ in 0..10_000 {
            spread.add(300);
        }
        let told = spread.quantile(50).unwrap();
        assert!(told.abs_diff(300) * 5 <= 300, "{told}");
    }
}
