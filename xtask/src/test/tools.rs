//! Programs that steps need beside cargo, and how they are installed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};

use crate::project;

/// Something that may have to be installed.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What people call it.
    pub(crate) name: &'static str,
    /// How it is seen to be there.
    check: Check,
    /// How it is installed.
    install: Install,
}

#[derive(Debug)]
enum Check {
    /// This succeeds. A program that is found may still only say that it is not installed.
    Runs(&'static [&'static str]),
    /// One program of each of these groups is found.
    Finds(&'static [&'static [&'static str]]),
}

#[derive(Debug)]
enum Install {
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// A crate, beside what this project builds.
    Crate { name: &'static str, version: &'static str },
    /// Packages of Debian.
    Debian(&'static [&'static str]),
}

pub(crate) const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    check: Check::Runs(&["cargo", "fmt", "--version"]),
    install: Install::Component("rustfmt"),
};

pub(crate) const CLIPPY: Tool = Tool {
    name: "clippy",
    check: Check::Runs(&["cargo", "clippy", "--version"]),
    install: Install::Component("clippy"),
};

pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    check: Check::Runs(&["cargo", "deny", "--version"]),
    install: Install::Crate { name: "cargo-deny", version: "0.20.2" },
};

pub(crate) const BROWSER: Tool = Tool {
    name: "Chromium with its driver",
    check: Check::Finds(&[
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        &["chromedriver"],
    ]),
    install: Install::Debian(&["chromium", "chromium-driver", "fonts-dejavu-core"]),
};

/// Its server has its programs in a folder of its own in Debian; `pg_ctlcluster` tells that they are there.
pub(crate) const POSTGRES: Tool = Tool {
    name: "PostgreSQL",
    check: Check::Finds(&[&["psql"], &["pg_ctlcluster", "initdb"]]),
    install: Install::Debian(&["postgresql"]),
};

impl Tool {
    /// Whether it can be used.
    pub(crate) fn is_there(&self) -> bool {
        match self.check {
            Check::Runs(words) => succeeds_silently(words),
            Check::Finds(groups) => {
                groups.iter().all(|group| group.iter().any(|program| project::finds(program)))
            }
        }
    }

    /// Installs it, if that is possible here.
    pub(crate) fn install(&self) -> anyhow::Result<()> {
        if matches!(self.install, Install::Debian(_)) && !(is_root() && is_debian()) {
            bail!("it is installed by itself only for root on Debian");
        }
        println!("  installing {}", self.name);
        for words in self.install.lines() {
            run(&words)?;
        }
        ensure!(self.is_there(), "it is not there even after it was installed");
        Ok(())
    }

    /// What a person types to install it.
    pub(crate) fn advice(&self) -> String {
        let lines: Vec<_> = self.install.lines().iter().map(|words| words.join(" ")).collect();
        let advice = lines.join(" && ");
        match self.install {
            Install::Debian(_) => format!("{advice}   (as root on Debian; elsewhere its own way)"),
            Install::Component(_) | Install::Crate { .. } => advice,
        }
    }
}

impl Install {
    fn lines(&self) -> Vec<Vec<&'static str>> {
        match self {
            Self::Component(name) => vec![vec!["rustup", "component", "add", name]],
            Self::Crate { name, version } => {
                vec![vec![
                    "cargo",
                    "install",
                    name,
                    "--locked",
                    "--version",
                    version,
                    "--root",
                    "target/tools",
                ]]
            }
            Self::Debian(packages) => vec![
                vec!["apt-get", "update"],
                [&["apt-get", "install", "-y", "--no-install-recommends"], *packages].concat(),
            ],
        }
    }
}

fn succeeds_silently(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return true };
    let status =
        project::command(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn run(words: &[&str]) -> anyhow::Result<()> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    println!("  $ {}", words.join(" "));
    let status = project::command(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .with_context(|| format!("{program} does not start"))?;
    ensure!(status.success(), "`{}` failed: {status}", words.join(" "));
    Ok(())
}

/// Linux shows a process's files as those of its user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && project::finds("apt-get")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_says_how_it_is_installed() {
        let crates = "cargo install cargo-deny --locked --version 0.20.2 --root target/tools";
        assert_eq!(CARGO_DENY.advice(), crates);
        assert_eq!(CLIPPY.advice(), "rustup component add clippy");
        let packages =
            "apt-get install -y --no-install-recommends chromium chromium-driver fonts-dejavu-core";
        assert!(BROWSER.advice().starts_with(&format!("apt-get update && {packages}")));
    }

    fn tool(check: Check) -> Tool {
        Tool { name: "x", check, install: Install::Component("x") }
    }

    #[test]
    fn what_nobody_has_is_not_there() {
        assert!(tool(Check::Runs(&["cargo", "--version"])).is_there());
        assert!(!tool(Check::Runs(&["cargo", "no-such-command"])).is_there());
        assert!(!tool(Check::Runs(&["no-such-program"])).is_there());
        assert!(tool(Check::Finds(&[&["no-such-program", "env"]])).is_there());
        assert!(!tool(Check::Finds(&[&["env"], &["no-such-program"]])).is_there());
    }
}
