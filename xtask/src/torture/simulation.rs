//! The parts that are programs of their own: they print what they did, and fail on a violation.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use super::Turn;
use super::tally::{Tally, Violation};
use crate::program;

/// Seeds until the turn is over.
pub(super) fn run(turn: Turn, tally: &mut Tally) -> anyhow::Result<()> {
    let seconds = turn.until.saturating_duration_since(Instant::now()).as_secs().max(1);
    // Many seeds are lived through in a turn: those of the next turn are others.
    let first = turn.seed.saturating_mul(1_000_000);
    let (seeds, time) = (format!("{first}..{}", first.saturating_add(1)), format!("{seconds}s"));
    let report = carry_out(program::command("simulate", &["--for", &time, "--seeds", &seeds], &[]))?;
    tally.add("simulation: seeds", report.before(" seeds"));
    tally.add("simulation: virtual days", report.before(" virtual days"));
    if !report.is_good {
        let what = "the simulation found a violation; its seed is above".to_owned();
        let replay = "cargo run --release -p keapsake-simulation --bin simulate -- --seed SEED".to_owned();
        tally.violation(Violation { what, replay });
    }
    Ok(())
}

/// All states within larger bounds than the tests have.
pub(super) fn check_model(tally: &mut Tally) -> anyhow::Result<()> {
    let report = carry_out(program::command("check_model", &[], &[]))?;
    tally.add("model: states", report.before(" states"));
    if !report.is_good {
        let what = "the model comes into a state that must not be; the way there is above".to_owned();
        let replay = "cargo run --release -p keapsake-simulation --bin check_model".to_owned();
        tally.violation(Violation { what, replay });
    }
    Ok(())
}

/// What a program printed.
struct Report {
    text: String,
    is_good: bool,
}

impl Report {
    /// The number before these words.
    fn before(&self, words: &str) -> u64 {
        let (text, _) = self.text.split_once(words).unwrap_or_default();
        let number = text.rsplit(|c: char| !c.is_ascii_digit()).next();
        number.and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}

/// Its output is seen, too: there may be a seed in it.
fn carry_out(mut command: Command) -> anyhow::Result<Report> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{} does not start", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    eprint!("{text}");
    Ok(Report { text, is_good: output.status.success() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_what_a_program_prints() {
        let report = Report { text: "200 seeds, 9000 virtual days, 0 violations\n".into(), is_good: true };
        assert_eq!(report.before(" seeds"), 200);
        assert_eq!(report.before(" virtual days"), 9000);
        assert_eq!(report.before(" states"), 0);
    }
}
