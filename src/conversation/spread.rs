//! How measured times are spread, in a fixed number of counts: quantiles to within an eighth of their value.

/// Counts for four steps an octave, up to two minutes.
const STEPS: usize = 68;

/// A histogram of times in milliseconds. Nothing is allocated before the first.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    counts: Option<Box<[u16; STEPS]>>,
}

impl Spread {
    /// Counts one time.
    #[inline]
    pub fn add(&mut self, ms: u32) {
        let counts = self.counts.get_or_insert_with(|| Box::new([0; STEPS]));
        let step = step_of(ms);
        if counts[step] == u16::MAX {
            // The shape is what counts; halving keeps it.
            counts.iter_mut().for_each(|count| *count /= 2);
        }
        counts[step] += 1;
    }

    /// The time that `percent` of all are not above, in milliseconds; `None` without any.
    pub fn quantile(&self, percent: u32) -> Option<u32> {
        let counts = self.counts.as_deref()?;
        let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let wanted = (all * u64::from(percent)).div_ceil(100).max(1);
        let mut before = 0;
        for (step, count) in counts.iter().enumerate() {
            let count = u64::from(*count);
            if before + count >= wanted {
                let (low, high) = (u64::from(start_of(step)), u64::from(start_of(step + 1)));
                // As if the times of a step were spread evenly over it.
                return Some((low + (high - low) * (2 * (wanted - before) - 1) / (2 * count)) as u32);
            }
            before += count;
        }
        None
    }
}

/// The step that holds a time: 0 to 3 ms have one each, then four an octave.
fn step_of(ms: u32) -> usize {
    if ms < 4 {
        return ms as usize;
    }
    let octave = ms.ilog2() - 2;
    ((4 * octave + (ms >> octave)) as usize).min(STEPS - 1)
}

/// The first time of a step.
fn start_of(step: usize) -> u32 {
    match step as u32 {
        step @ 0..4 => step,
        step => (4 + step % 4) << (step / 4 - 1),
    }
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
        assert_eq!(step_of(u32::MAX), STEPS - 1);
    }

    #[test]
    fn quantiles_lie_within_an_eighth() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(50), None);
        spread.add(62);
        let only = spread.quantile(50).unwrap();
        assert!((55..70).contains(&only), "{only}");
        let mut spread = Spread::default();
        for ms in 1..=1_000 {
            spread.add(ms);
        }
        for (percent, truth) in [(5, 50), (50, 500), (95, 950)] {
            let told = spread.quantile(percent).unwrap();
            assert!(told.abs_diff(truth) * 8 <= truth, "{percent} % is {truth}, told {told}");
        }
        for _ in 0..200_000 {
            spread.add(7);
        }
        assert_eq!(spread.quantile(50), Some(7));
    }
}
