//! A release binary that runs while it is measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;

use crate::project;

/// Where a release build is.
pub(super) fn path(name: &str) -> PathBuf {
    // This program is a release build itself.
    let beside = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join(name)));
    beside.unwrap_or_else(|| project::root().join("target/release").join(name))
}

/// A program that is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it with nothing in its environment that configures it but what is given.
    pub(super) fn start(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(path(name));
        for (variable, _) in std::env::vars_os() {
            let text = variable.to_string_lossy();
            if ["KEAP", "BUTTONPUSH", "SANDBOX", "DATABASE"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&variable);
            }
        }
        command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let output = child.stdout.take().context("the program has no output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    /// What follows this word at the beginning of a line; earlier lines are skipped.
    pub(super) fn says(&mut self, word: &str) -> anyhow::Result<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line)? > 0 {
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
            }
            line.clear();
        }
        anyhow::bail!("the program ended before it said `{word}`")
    }

    /// Its memory at the moment, as people read it.
    pub(super) fn memory(&self) -> anyhow::Result<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(format!("{:.1} MiB", f64::from(kib) / 1024.0))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `http://127.0.0.1:1234`, whatever path follows.
pub(super) fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is no http address"))?;
    let host = rest.split('/').next().unwrap_or_default();
    host.parse().with_context(|| format!("{url} has no numeric address"))
}

/// The path and query of a URL.
pub(super) fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |start| &rest[start..])
}

/// A new directory on the disk of this project, removed when this is dropped.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new(name: &str) -> anyhow::Result<Self> {
        let path = project::root().join("target/bench").join(format!("{}-{name}", std::process::id()));
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = "http://127.0.0.1:81/admin/first?token=x";
        assert_eq!(address(url).unwrap(), "127.0.0.1:81".parse().unwrap());
        assert_eq!(path_of(url), "/admin/first?token=x");
        assert_eq!(path_of("http://127.0.0.1:81"), "/");
        assert!(address("https://a.example").is_err());
    }
}
