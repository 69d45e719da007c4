//! The `buttonpush` program: reads the command line and the settings, starts, and waits to be stopped.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use buttonpush::config::{Config, SETTINGS, Sources};
use buttonpush::start::{Running, start};
use buttonpush::tour;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Each password takes 19 MiB for a moment. The system's allocator keeps such blocks, ten of them after ten sign-ups;
/// this one gives them back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// People sign up, press a button, and Keap knows.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    /// A TOML file with settings.
    #[arg(long, env = "BUTTONPUSH_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the application (what happens without a command).
    Serve,
    /// Go through the whole story against the built-in sandbox, as a browser would.
    Tour,
    /// List every setting and what it means.
    Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(CommandLine::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(line: CommandLine) -> anyhow::Result<()> {
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(Config::load(Sources::of_process(line.config))?).await,
        Command::Tour => tour::run().await,
        Command::Settings => {
            list_settings();
            Ok(())
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    write_log(&config.log)?;
    if let Some(advice) = config.advice() {
        tracing::warn!("{advice}");
    }
    let stopped = stop_signal()?;
    let running = start(config).await?;
    introduce(&running);
    stopped.await;
    running.stop().await
}

/// Says where everything is, one line each.
fn introduce(running: &Running) {
    println!("ButtonPush   {}", running.origin);
    if let Some(link) = &running.administrator_link {
        println!("Admin link   {link}  (works once, for 30 minutes)");
    }
    if let Some(sandbox) = &running.sandbox {
        println!("Sandbox      {sandbox}");
    }
}

fn list_settings() {
    for (name, meaning) in SETTINGS {
        println!("{:<30}{}", name.to_uppercase(), meaning.trim());
    }
}

fn write_log(filter: &str) -> anyhow::Result<()> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .finish();
    tracing::subscriber::set_global_default(subscriber).context("the log cannot be set up")
}

/// Resolves at Ctrl-C or when the system asks the program to end. Listening begins before the start does.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
