//! Where the project is, and cargo in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where tools are kept that are installed for this project only.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// A program that runs at the root and finds the project's own tools first.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(if program == "cargo" { cargo() } else { program.into() });
    command.current_dir(root()).env("PATH", search_path());
    command
}

/// Whether a program of this name can be run.
pub(crate) fn finds(program: &str) -> bool {
    env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

/// The cargo that runs this program.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn search_path() -> OsString {
    let own = tools().join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(own).chain(env::split_paths(&path))).unwrap_or(path)
}
