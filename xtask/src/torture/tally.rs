//! The figures.

use std::collections::BTreeMap;
use std::fmt;

/// What was done and seen, counted by its name, and what should never have been.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<String, u64>,
    violations: Vec<Violation>,
}

/// Something that must never happen, and how to see it again.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) what: String,
    pub(super) replay: String,
}

impl Tally {
    pub(super) fn add(&mut self, name: impl Into<String>, count: u64) {
        *self.counts.entry(name.into()).or_default() += count;
    }

    /// Says so at once: the end may be hours away.
    pub(super) fn violation(&mut self, violation: Violation) {
        eprintln!("VIOLATION: {}\n  {}", violation.what, violation.replay);
        self.violations.push(violation);
    }

    pub(super) fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| What | How many |\n|---|---|")?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "| {name} | {count} |"))?;
        writeln!(f, "| violations | {} |", self.violations.len())?;
        for Violation { what, replay } in &self.violations {
            writeln!(f, "\nviolation: {what}\n  {replay}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_and_a_violation_says_how_to_see_it_again() {
        let mut tally = Tally::default();
        tally.add("kills", 2);
        tally.add("kills", 3);
        assert_eq!(tally.to_string(), "| What | How many |\n|---|---|\n| kills | 5 |\n| violations | 0 |\n");
        assert!(!tally.has_violations());
        tally.violation(Violation { what: "a pair was lost".into(), replay: "cargo xtask ...".into() });
        assert!(tally.has_violations());
        assert!(tally.to_string().ends_with("violation: a pair was lost\n  cargo xtask ...\n"));
    }
}
