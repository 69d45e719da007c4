//! Visits every state within larger bounds than the tests have; `cargo xtask torture` runs it.

use std::process::ExitCode;

use keapsake_simulation::model::{Bounds, check_all};

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> ExitCode {
    let summary = check_all(&Bounds::THOROUGH);
    println!("{summary}");
    if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
