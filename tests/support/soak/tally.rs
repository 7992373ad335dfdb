//! Many runs counted.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::plan::Plan;
use super::{Outcome, Verdict, run};

/// How many runs ended how.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub runs: u64,
    pub updated: u64,
    pub clear_failure: u64,
    pub wrong_success: u64,
    pub hung: u64,
    pub panics: u64,
    /// Successes that say what cannot be told.
    pub unverified: u64,
    /// Bytes written to slots that ran.
    pub written_running: u64,
    /// Failures although the goal was reached, and could be known to be.
    pub false_failure: u64,
    /// Runs of each kind of device.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Failures that must not be; see [`Verdict::absurd`].
    pub absurd: u64,
    /// Seed and reason of everything wrong.
    pub wrong: Vec<(u64, String)>,
    /// Failures by harmlessness, kind of the field, status and finding: how many, an example, and how often the device was updated anyway.
    pub failures: BTreeMap<(bool, String), (u64, u64, u64)>,
    pub virtual_ms: u64,
    pub steps: u64,
    pub longest_ms: u64,
}

impl Tally {
    /// The line of `make soak`.
    pub fn line(&self) -> String {
        format!(
            "runs={} updated={} clear_failure={} wrong_success={} hung={} panics={} written_running={} false_failure={}",
            self.runs,
            self.updated,
            self.clear_failure,
            self.wrong_success,
            self.hung,
            self.panics,
            self.written_running,
            self.false_failure
        )
    }

    /// The share of each kind of device, the most frequent first.
    pub fn shares(&self) -> String {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), **name));
        let share = |count: u64| 100.0 * count as f64 / self.runs.max(1) as f64;
        let named = kinds.iter().map(|(name, count)| format!("{name} {:.1} %", share(**count)));
        named.collect::<Vec<_>>().join(", ")
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong.is_empty()
    }

    /// Runs one seed with an ordinary device and counts it.
    pub fn run(&mut self, seed: u64, buffer: &mut [u8]) {
        self.run_drawn(seed, 0.0, buffer);
    }

    /// Runs one seed, whose device is one of the field with this chance, and counts it.
    pub fn run_drawn(&mut self, seed: u64, field: f64, buffer: &mut [u8]) {
        let plan = Plan::drawn(seed, field);
        *self.kinds.entry(plan.kind()).or_default() += 1;
        let verdict = catch_unwind(AssertUnwindSafe(|| run(&plan, buffer, false)));
        let verdict = verdict.unwrap_or_else(|panic| Verdict {
            outcome: Outcome::Panicked(
                panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default(),
            ),
            harmless: false,
            absurd: None,
            updated_anyway: false,
            false_failure: None,
            written_running: 0,
            virtual_ms: 0,
            steps: 0,
        });
        let of_the_field = plan.exhibit.is_some().then(|| plan.kind());
        self.add(seed, &verdict, of_the_field);
    }

    fn add(&mut self, seed: u64, verdict: &Verdict, kind: Option<&str>) {
        self.runs += 1;
        self.virtual_ms += verdict.virtual_ms;
        self.steps += verdict.steps;
        self.longest_ms = self.longest_ms.max(verdict.virtual_ms);
        self.written_running += verdict.written_running;
        if verdict.written_running > 0 {
            self.wrong.push((seed, format!("{} bytes written over what ran", verdict.written_running)));
        }
        if let Some(why) = verdict.false_failure {
            self.false_failure += 1;
            self.wrong.push((seed, format!("false failure, {why}: {:?}", verdict.outcome)));
        }
        match &verdict.outcome {
            Outcome::Updated => self.updated += 1,
            Outcome::Unverified => {
                self.updated += 1;
                self.unverified += 1;
            }
            Outcome::Failed(failure) => {
                self.clear_failure += 1;
                let kind = kind.map_or(String::new(), |kind| format!("{kind}: "));
                let name = format!("{kind}{} {}", failure.status.name(), failure.finding.name());
                let entry = self.failures.entry((verdict.harmless, name)).or_insert((0, seed, 0));
                entry.0 += 1;
                entry.2 += u64::from(verdict.updated_anyway);
                if let Some(why) = verdict.absurd {
                    self.absurd += 1;
                    self.wrong.push((seed, format!("absurd failure, {why}: {failure}")));
                }
            }
            Outcome::WrongSuccess(why) => {
                self.wrong_success += 1;
                self.wrong.push((seed, format!("wrong success: {why}")));
            }
            Outcome::Hung(why) => {
                self.hung += 1;
                self.wrong.push((seed, format!("hung: {why}")));
            }
            Outcome::Panicked(why) => {
                self.panics += 1;
                self.wrong.push((seed, format!("panic: {why}")));
            }
        }
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Tally) {
        self.runs += other.runs;
        self.updated += other.updated;
        self.clear_failure += other.clear_failure;
        self.wrong_success += other.wrong_success;
        self.hung += other.hung;
        self.panics += other.panics;
        self.unverified += other.unverified;
        self.written_running += other.written_running;
        self.false_failure += other.false_failure;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.absurd += other.absurd;
        self.virtual_ms += other.virtual_ms;
        self.steps += other.steps;
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.wrong.extend(other.wrong);
        for (key, (count, seed, anyway)) in other.failures {
            let entry = self.failures.entry(key).or_insert((0, seed, 0));
            entry.0 += count;
            entry.1 = entry.1.min(seed);
            entry.2 += anyway;
        }
    }
}
