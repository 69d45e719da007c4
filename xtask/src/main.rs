//! The project's own tasks. Run them as `cargo xtask`.

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
}

fn main() -> ExitCode {
    match CommandLine::parse().task {
        Task::Test(options) => test::run(&options),
    }
}
