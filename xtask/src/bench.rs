//! `cargo xtask bench`: how fast and how big the release builds are, as a table in Markdown.
//!
//! The load comes from this program over plain keep-alive connections, so that it needs no more to be built than
//! `cargo xtask test` does.

mod browser;
mod buttonpush;
mod http;
mod numbers;
mod program;
mod sandbox;

use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

use anyhow::{Context as _, ensure};

use crate::project;
use numbers::Table;

const BUILDS: [&[&str]; 2] = [
    &["build", "--release", "-p", "buttonpush", "-p", "keap-sandbox"],
    &["build", "--release", "-p", "keapsake", "--example", "client_call_cost"],
];

/// Builds what is measured, measures it, and prints the table.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return build_and_run_in_release();
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

/// An unoptimised load generator would measure itself.
fn build_and_run_in_release() -> anyhow::Result<ExitCode> {
    for arguments in BUILDS {
        succeed(project::command("cargo").args(arguments))?;
    }
    succeed(project::command("cargo").args(["run", "--release", "--quiet", "-p", "xtask", "--", "bench"]))?;
    Ok(ExitCode::SUCCESS)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
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
