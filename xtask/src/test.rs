//! `cargo xtask test`: everything that has to pass before a change is taken.

mod outcome;
mod steps;
mod tools;

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;

use outcome::{Outcome, Report, seconds};
use steps::{STEPS, Step};
use tools::Tool;

/// Check everything: format, lints, builds, tests, documentation, the tour, licences, browsers.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run just this step; may be repeated.
    #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    only: Vec<String>,
    /// Show the steps and what they run.
    #[arg(long)]
    list: bool,
}

/// Runs the steps one after the other, whatever becomes of each, and tells how it went.
pub(crate) fn run(options: &Options) -> ExitCode {
    let steps: Vec<_> = STEPS.iter().filter(|step| options.wants(step)).collect();
    if options.list {
        for step in steps {
            list(step);
        }
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let mut report = Report::default();
    for (index, step) in steps.iter().enumerate() {
        println!("\n==> [{}/{}] {}: {}", index + 1, steps.len(), step.name, step.what);
        let begun = Instant::now();
        let outcome = attempt(step);
        println!("--> {} {outcome}, {}", step.name, seconds(begun.elapsed()));
        report.add(step, outcome, begun.elapsed());
    }
    report.print(started.elapsed());
    let complete_wanted = std::env::var("CI").is_ok_and(|value| value == "true");
    if report.passes(complete_wanted) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Options {
    fn wants(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

fn list(step: &Step) {
    println!("{:<12}{}", step.name, step.what);
    for line in step.lines {
        println!("{:<12}  {line}", "");
    }
}

/// Installs what the step needs and runs its lines up to the first that fails.
fn attempt(step: &'static Step) -> Outcome {
    if let Some(tool) = step.needs
        && !can_use(tool)
    {
        return Outcome::LeftOut(tool);
    }
    if let Some(tool) = step.wants {
        can_use(tool);
    }
    for line in step.lines {
        println!("  $ {line}");
        if let Err(error) = line.run() {
            println!("{error:#}");
            return Outcome::Failed;
        }
    }
    Outcome::Passed
}

/// Whether it is there, if need be after it was installed.
fn can_use(tool: &Tool) -> bool {
    if tool.is_there() {
        return true;
    }
    let installed = tool.install();
    if let Err(reason) = &installed {
        println!("{} is missing: {reason:#}", tool.name);
    }
    installed.is_ok()
}
