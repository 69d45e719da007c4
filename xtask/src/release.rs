//! Running in release what is asked for in a debug build.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};

use crate::project;

/// Builds these optimised, then runs this program again, optimised too, with the same arguments.
pub(crate) fn run_again(builds: &[&[&str]]) -> anyhow::Result<ExitCode> {
    for arguments in builds {
        succeed(project::command("cargo").args(["build", "--release", "--quiet"]).args(*arguments))?;
    }
    let again: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut command = project::command("cargo");
    command.args(["run", "--release", "--quiet", "-p", "xtask", "--"]).args(again);
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds these as this program was built, when it is not optimised.
pub(crate) fn build_alike(arguments: &[&str]) -> anyhow::Result<()> {
    succeed(project::command("cargo").args(["build", "--quiet"]).args(arguments))
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
