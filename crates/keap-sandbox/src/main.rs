//! The `keap-sandbox` program: options in, a running sandbox out.

mod options;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use keap_sandbox::Sandbox;
use tracing_subscriber::EnvFilter;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}{}", cause(&error));
            ExitCode::FAILURE
        }
    }
}

/// What lies behind an error, in parentheses: the error itself is already a paragraph for people.
fn cause(error: &anyhow::Error) -> String {
    error.source().map(|cause| format!(" ({cause})")).unwrap_or_default()
}

#[tokio::main]
async fn run(options: &Options) -> anyhow::Result<()> {
    options.refuse_real_credentials()?;
    let sandbox = options.builder()?.start().await?;
    announce(&sandbox, options).context("the console could not be written")?;
    stop_signal().await?;
    sandbox.shutdown().await;
    Ok(())
}

/// The first line is for programs; the others are for people.
fn announce(sandbox: &Sandbox, options: &Options) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "keap-sandbox listening on {}", sandbox.url())?;
    writeln!(out, "This is a local Keap for development; nothing here reaches the real one.")?;
    writeln!(out, "sign-in  {}", options.sign_in())?;
    for (id, secret) in options.clients() {
        writeln!(out, "client   {id} with secret {secret}")?;
    }
    writeln!(out, "key      {}", sandbox.api_key())?;
    out.flush()
}

#[cfg(unix)]
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be waited for")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("signals cannot be waited for"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("signals cannot be waited for")
}
