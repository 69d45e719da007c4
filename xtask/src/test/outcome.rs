//! How the steps went, and what that means for the whole.

use std::fmt;
use std::time::Duration;

use super::steps::Step;
use super::tools::Tool;

/// How one step went.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// Something is wrong.
    Failed,
    /// It could not run, because this is missing.
    LeftOut(&'static Tool),
}

/// How all of them went.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    step: &'static Step,
    outcome: Outcome,
    took: Duration,
}

impl Report {
    pub(crate) fn add(&mut self, step: &'static Step, outcome: Outcome, took: Duration) {
        self.rows.push(Row { step, outcome, took });
    }

    /// Whether all is well. A step that was left out counts as a failure where everything has to run.
    pub(crate) fn passes(&self, complete_wanted: bool) -> bool {
        self.rows.iter().all(|row| match row.outcome {
            Outcome::Passed => true,
            Outcome::Failed => false,
            Outcome::LeftOut(_) => !complete_wanted,
        })
    }

    /// The table, what was left out, and how to repeat what failed.
    pub(crate) fn print(&self, took: Duration) {
        println!("\n{:<12}{:<10}{:>9}", "step", "result", "time");
        for row in &self.rows {
            println!("{:<12}{:<10}{:>9}", row.step.name, row.outcome.to_string(), seconds(row.took));
        }
        println!("{:<12}{:<10}{:>9}", "all", "", seconds(took));
        self.print_notes();
        self.print_failures();
    }

    fn print_notes(&self) {
        for row in &self.rows {
            match (row.outcome, row.step.note) {
                (Outcome::LeftOut(tool), _) => {
                    println!("\n{} was left out: {} is missing. Install it with", row.step.name, tool.name);
                    println!("  {}", tool.advice());
                }
                (_, Some(note)) => println!("\n{}: {note}", row.step.name),
                (_, None) => {}
            }
        }
    }

    fn print_failures(&self) {
        for row in self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed)) {
            println!("\n{} failed. Repeat just that with\n  cargo xtask test --only {0}", row.step.name);
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
            Self::LeftOut(_) => "left out",
        })
    }
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::steps::STEPS;
    use super::super::tools::BROWSER;
    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let mut report = Report::default();
        for outcome in outcomes {
            report.add(&STEPS[0], *outcome, Duration::ZERO);
        }
        report
    }

    #[test]
    fn a_failure_fails_everywhere() {
        let report = report(&[Outcome::Passed, Outcome::Failed]);
        assert!(!report.passes(false));
        assert!(!report.passes(true));
    }

    #[test]
    fn what_was_left_out_fails_only_where_everything_has_to_run() {
        let report = report(&[Outcome::Passed, Outcome::LeftOut(&BROWSER)]);
        assert!(report.passes(false));
        assert!(!report.passes(true));
    }
}
