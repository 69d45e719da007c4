//! A minimal application that holds a connection: a real process, to be started, killed, paused and misled about the
//! time by `cargo xtask herd` and `cargo xtask torture`.
//!
//! It says what happens as JSON, a line each, on its standard output ([`report`]), and does what it is told, a line
//! each, on its standard input ([`order`]). It ends with its input.

mod application;
mod clock;
mod options;
mod order;
mod report;
mod witness;
mod work;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: &Options) -> anyhow::Result<()> {
    let application = application::start(options).await?;
    work::until_told_to_stop(application, options).await
}
