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
    let (from, time) = (turn.seed.to_string(), format!("{seconds}s"));
    let succeeded = carry_out(program::command("simulate", &["--for", &time, "--from", &from], &[]), tally)?;
    tally.add("simulation: runs", 1);
    if !succeeded {
        let what = "the simulation found a violation; the seed is above".to_owned();
        let replay = "cargo run --release -p keapsake-simulation --bin simulate -- --seed N".to_owned();
        tally.violation(Violation { what, replay });
    }
    Ok(())
}

/// All states within larger bounds than the tests have.
pub(super) fn check_model(tally: &mut Tally) -> anyhow::Result<()> {
    if !carry_out(program::command("check_model", &[], &[]), tally)? {
        let what = "the model has a state that must not be; the way to it is above".to_owned();
        let replay = "cargo run --release -p keapsake-simulation --bin check_model".to_owned();
        tally.violation(Violation { what, replay });
    }
    Ok(())
}

fn carry_out(mut command: Command, tally: &mut Tally) -> anyhow::Result<bool> {
    let output = command.stderr(Stdio::inherit()).output().context("a program does not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let _ = tally;
    Ok(output.status.success())
}
