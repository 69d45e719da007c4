//! `cargo xtask bench`: how fast and how big the release builds are, as a table in Markdown.
//!
//! The load comes from this program over plain keep-alive connections, so that it needs no more to be built than
//! `cargo xtask test` does.

mod browser;
mod buttonpush;
mod numbers;
mod sandbox;

use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

use anyhow::ensure;

use crate::{program, release};
use numbers::Table;

const BUILDS: &[&[&str]] =
    &[&["-p", "buttonpush", "-p", "keap-sandbox"], &["-p", "keapsake", "--example", "client_call_cost"]];

/// Builds what is measured, measures it, and prints the table.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        // An unoptimised load generator would measure itself.
        return release::run_again(BUILDS);
    }
    let mut table = Table::default();
    buttonpush::measure(&mut table)?;
    sandbox::measure(&mut table)?;
    progress("calls through the SDK");
    table.add("Processor time of an SDK client call", client_call_cost()?);
    let cores = available_parallelism().map_or(1, usize::from);
    println!("Measured over loopback; programs and load share {cores} processor cores.\n\n{table}");
    Ok(ExitCode::SUCCESS)
}

/// The example measures and says it in a line.
fn client_call_cost() -> anyhow::Result<String> {
    let output = Command::new(program::path("examples/client_call_cost")).output()?;
    ensure!(output.status.success(), "client_call_cost: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Tells whoever waits; the table alone goes to the output.
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}
