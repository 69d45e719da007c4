//! The project's own tasks. Run them as `cargo xtask`.

mod bench;
mod project;
mod test;

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
}

fn main() -> ExitCode {
    match CommandLine::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Bench => bench::run().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }),
    }
}
