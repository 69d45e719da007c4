//! What is checked, as a table.

use std::fmt;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use super::tools::{BROWSER, CARGO_DENY, CLIPPY, POSTGRES, RUSTFMT, Tool};
use crate::project;

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    /// How the step is chosen.
    pub(crate) name: &'static str,
    /// What it makes sure of.
    pub(crate) what: &'static str,
    /// What has to be installed.
    pub(crate) needs: Option<&'static Tool>,
    /// What is installed too, where that is possible: the step says itself what it is like without it.
    pub(crate) wants: Option<&'static Tool>,
    /// What it runs.
    pub(crate) lines: &'static [Line],
    /// What the step leaves open, for the end of the report.
    pub(crate) note: Option<&'static str>,
}

/// A run of cargo.
#[derive(Debug)]
pub(crate) struct Line {
    arguments: &'static [&'static str],
    /// Variables that are set for it; `None` takes one away.
    environment: &'static [(&'static str, Option<&'static str>)],
    /// Its output is looked through and must not have this in it.
    must_not_name: Option<&'static str>,
}

impl Line {
    const fn cargo(arguments: &'static [&'static str]) -> Self {
        Self { arguments, environment: &[], must_not_name: None }
    }

    const fn with(self, environment: &'static [(&'static str, Option<&'static str>)]) -> Self {
        Self { environment, ..self }
    }

    const fn must_not_name(self, word: &'static str) -> Self {
        Self { must_not_name: Some(word), ..self }
    }
}

/// Small ones; fifty processes with a hundred tasks each are what `cargo xtask herd` does by itself.
const HERDS: [Line; 4] = [
    Line::cargo(&herd("sqlite", "0s")),
    Line::cargo(&herd("sqlite", "1.5s")),
    Line::cargo(&herd("postgres", "0s")),
    Line::cargo(&herd("postgres", "1.5s")),
];

const fn herd(store: &'static str, latency: &'static str) -> [&'static str; 11] {
    [
        "xtask",
        "herd",
        "--dev",
        "--processes",
        "4",
        "--tasks",
        "10",
        "--store",
        store,
        "--token-latency",
        latency,
    ]
}

/// All steps, in their order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        what: "everything is formatted",
        needs: Some(&RUSTFMT),
        wants: None,
        lines: &[Line::cargo(&["fmt", "--all", "--check"])],
        note: None,
    },
    Step {
        name: "clippy",
        what: "no lint complains",
        needs: Some(&CLIPPY),
        wants: None,
        lines: &[Line::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])],
        note: None,
    },
    Step {
        name: "production",
        what: "ButtonPush builds without the sandbox and then has nothing of it",
        needs: None,
        wants: None,
        lines: &[
            Line::cargo(&["check", "-p", "buttonpush", "--no-default-features"]),
            Line::cargo(&["tree", "-p", "buttonpush", "--no-default-features", "-e", "normal"])
                .must_not_name("keap-sandbox"),
        ],
        note: None,
    },
    Step {
        name: "tests",
        what: "all tests, those in the documentation too, but no browser",
        needs: None,
        wants: Some(&POSTGRES),
        lines: &[Line::cargo(&["test", "--workspace", "--no-fail-fast"]).with(&[("KEAPSAKE_BROWSER", None)])],
        note: None,
    },
    Step {
        name: "doc",
        what: "the documentation builds and its links lead somewhere",
        needs: None,
        wants: None,
        lines: &[
            Line::cargo(&["doc", "--workspace", "--no-deps"]).with(&[("RUSTDOCFLAGS", Some("-Dwarnings"))])
        ],
        note: None,
    },
    Step {
        name: "tour",
        what: "the whole story against the sandbox",
        needs: None,
        wants: None,
        lines: &[Line::cargo(&["run", "-p", "buttonpush", "--", "tour"])],
        note: None,
    },
    Step {
        name: "herd",
        what: "of many processes with an expired token one refreshes it, once, and no caller fails",
        needs: Some(&POSTGRES),
        wants: None,
        lines: &HERDS,
        note: None,
    },
    Step {
        name: "kills",
        what: "a keeper that is killed again and again loses no connection that could be saved",
        needs: Some(&POSTGRES),
        wants: None,
        lines: &[Line::cargo(&[
            "xtask",
            "torture",
            "--dev",
            "--only",
            "kills-sqlite",
            "--only",
            "kills-postgres",
            "--for",
            "20s",
        ])],
        note: Some("more of it, with whatever else can happen: cargo xtask torture --for 1h"),
    },
    Step {
        name: "deny",
        what: "licences, banned crates and sources of all dependencies",
        needs: Some(&CARGO_DENY),
        wants: None,
        lines: &[Line::cargo(&["deny", "check", "licenses", "bans", "sources"])],
        note: Some("advisories were not looked up, they need the network: cargo deny check advisories"),
    },
    Step {
        name: "browser",
        what: "people's journeys in a real browser",
        needs: Some(&BROWSER),
        wants: None,
        lines: &[Line::cargo(&["test", "-p", "buttonpush", "--test", "browser"])
            .with(&[("KEAPSAKE_BROWSER", Some("required"))])],
        note: None,
    },
];

impl Line {
    /// Runs it; what it prints is seen at once, unless it has to be looked through.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut command = self.command();
        let Some(word) = self.must_not_name else {
            let status = command.status().context("cargo does not start")?;
            ensure!(status.success(), "`{self}` failed: {status}");
            return Ok(());
        };
        let output = command.output().context("cargo does not start")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("`{self}` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        match text.lines().find(|line| line.contains(word)) {
            Some(line) => bail!("`{self}` must not name {word}, but it says: {}", line.trim()),
            None => Ok(()),
        }
    }

    fn command(&self) -> Command {
        let mut command = project::command("cargo");
        command.args(self.arguments);
        for (name, value) in self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.environment {
            match value {
                Some(value) => write!(f, "{name}={value} ")?,
                None => write!(f, "env -u {name} ")?,
            }
        }
        write!(f, "cargo {}", self.arguments.join(" "))?;
        self.must_not_name.map_or(Ok(()), |word| write!(f, "   (must not name {word})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_have_the_same_name() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn a_line_reads_as_one_would_type_it() {
        let line = Line::cargo(&["test", "-p", "x"]).with(&[("A", Some("b")), ("C", None)]);
        assert_eq!(line.to_string(), "A=b env -u C cargo test -p x");
    }

    #[test]
    fn a_forbidden_word_in_the_output_fails() {
        let version = Line::cargo(&["--version"]);
        assert!(version.run().is_ok());
        assert!(Line::cargo(&["--version"]).must_not_name("nobody").run().is_ok());
        let error = Line::cargo(&["--version"]).must_not_name("cargo").run().unwrap_err();
        assert!(error.to_string().contains("must not name cargo"), "{error}");
    }
}
