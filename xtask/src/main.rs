//! The project's own tasks. Run them as `cargo xtask`.

mod bench;
mod directory;
mod duration;
mod herd;
mod http;
mod keeper;
mod postgres;
mod program;
mod project;
mod random;
mod release;
mod sandbox;
mod test;
mod torture;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Test(test::Options),
    /// Measure release builds: latency with Keap up and down, memory, start-up, and what an SDK call costs.
    Bench,
    Herd(herd::Options),
    Torture(torture::Options),
}

fn main() -> ExitCode {
    match CommandLine::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Bench => shown(bench::run()),
        Task::Herd(options) => shown(herd::run(&options)),
        Task::Torture(options) => shown(torture::run(&options)),
    }
}

fn shown(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
