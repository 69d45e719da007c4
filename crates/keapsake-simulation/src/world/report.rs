//! What a range of seeds came to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::record::Seen;
use super::run::Outcome;

/// So many violations are shown of a seed.
const MOST_SHOWN: u32 = 3;

/// What a range of seeds came to. Its text is for people: a few lines, and each violation with the seed that replays it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Seeds that were run.
    pub seeds: u64,
    /// Virtual days, all together.
    pub days: u64,
    /// How often each kind of thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// The seed and what happened in it that must never happen.
    pub violations: Vec<(u64, String)>,
    pub(super) seen: BTreeSet<Seen>,
}

impl Report {
    pub(super) fn add(&mut self, seed: u64, days: u64, outcome: Outcome) {
        self.seeds += 1;
        self.days += days;
        for (kind, count) in outcome.pages.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        self.violations.extend(outcome.pages.violations.into_iter().map(|what| (seed, what)));
        self.seen.extend(outcome.seen);
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.days += other.days;
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        self.violations.extend(other.violations);
        self.violations.sort();
        self.seen.extend(other.seen);
    }

    /// Whether nothing happened that must not.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn of_kind(&self, is_it: impl Fn(&Seen) -> bool) -> usize {
        self.seen.iter().filter(|seen| is_it(seen)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} virtual days, {} violations",
            self.seeds,
            self.days,
            self.violations.len()
        )?;
        let counts: Vec<_> = self.counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "{}", counts.join(", "))?;
        let steps = self.of_kind(|seen| matches!(seen, Seen::Step(..)));
        let phases = self.of_kind(|seen| matches!(seen, Seen::Phase(..)));
        writeln!(f, "events in states: {steps}; phases and replies of an attempt: {phases}")?;
        let mut shown = BTreeMap::new();
        for (seed, what) in &self.violations {
            let count: &mut u32 = shown.entry(seed).or_default();
            *count += 1;
            if *count <= MOST_SHOWN {
                writeln!(f, "seed {seed}: {what}")?;
            }
        }
        Ok(())
    }
}
