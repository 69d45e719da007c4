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

use crate::directory::Directory;
use crate::{program, release};
use numbers::Table;

const BUILDS: &[&[&str]] = &[&["-p", "buttonpush", "-p", "keap-sandbox"], &["-p", "keapsake", "--examples"]];

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
    table.add("Processor time of an SDK client call", line_of("client_call_cost")?);
    measure_keeping(&mut table)?;
    let cores = available_parallelism().map_or(1, usize::from);
    println!("Measured over loopback; programs and load share {cores} processor cores.\n\n{table}");
    Ok(ExitCode::SUCCESS)
}

/// What it costs to keep connections alive; each row is a line of an example.
fn measure_keeping(table: &mut Table) -> anyhow::Result<()> {
    progress("keeping connections");
    let lines = lines_of("keeping_cost")?;
    let rows = [
        "A valid token, shared by two threads",
        "Watching connections, none of which is due",
        "Memory of an idle connection that is held",
    ];
    for (row, line) in rows.into_iter().zip(lines) {
        table.add(row, line);
    }
    progress("the journal");
    table.add("Journal: an answer made durable", lines_of("journal_append")?.join("; "));
    Ok(())
}

fn line_of(example: &str) -> anyhow::Result<String> {
    Ok(lines_of(example)?.join(" "))
}

/// The example measures, in a directory on this project's disk, and says it in lines.
fn lines_of(example: &str) -> anyhow::Result<Vec<String>> {
    let directory = Directory::new(example)?;
    let mut command = Command::new(program::path(&format!("examples/{example}")));
    let output = command.arg(directory.path()).output()?;
    ensure!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

/// Tells whoever waits; the table alone goes to the output.
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}
