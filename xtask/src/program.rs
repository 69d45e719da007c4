//! A program of this project that runs while it is measured or tortured.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::project;

/// Nothing takes this long to start.
const STARTED_WITHIN: Duration = Duration::from_mins(1);

/// What configures our programs by their environment.
const OUR_VARIABLES: [&str; 4] = ["KEAP", "BUTTONPUSH", "SANDBOX", "DATABASE"];

/// Where a program is that was built as this one was.
pub(crate) fn path(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join(name)));
    beside.unwrap_or_else(|| project::root().join("target/release").join(name))
}

/// How a program is started, with nothing in its environment that configures it but what is given.
pub(crate) fn command(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(path(name));
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if OUR_VARIABLES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    command.args(arguments).envs(environment.iter().copied());
    command
}

/// A program that is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

/// What came of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Line(String),
    /// Nothing yet.
    Silence,
    /// It has ended, or closed its output.
    End,
}

impl Program {
    pub(crate) fn start(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::spawn(&mut command(name, arguments, environment))
    }

    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let input = child.stdin.take().context("the program has no input")?;
        let output = BufReader::new(child.stdout.take().context("the program has no output")?);
        let (sender, lines) = mpsc::channel();
        // So that a full pipe never holds it up, and its last words are there after it was killed.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { child, input, lines })
    }

    /// What follows this word at the beginning of a line; earlier lines are skipped.
    pub(crate) fn says(&mut self, word: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + STARTED_WITHIN;
        loop {
            match self.hear(deadline) {
                Heard::Line(line) => {
                    if let Some(rest) = line.strip_prefix(word) {
                        return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
                    }
                }
                Heard::Silence => bail!("the program did not say `{word}` in time"),
                Heard::End => bail!("the program ended before it said `{word}`"),
            }
        }
    }

    /// The next line, if there is one by then.
    pub(crate) fn hear(&self, until: Instant) -> Heard {
        match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    /// Gives it lines to read.
    pub(crate) fn tell(&mut self, lines: &str) -> anyhow::Result<()> {
        let told = self.input.write_all(format!("{lines}\n").as_bytes()).and_then(|()| self.input.flush());
        told.with_context(|| format!("the program does not hear `{lines}`"))
    }

    /// `kill -9`; what it said before can still be heard.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal by its name, as `STOP`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its memory at the moment, as people read it.
    pub(crate) fn memory(&self) -> anyhow::Result<String> {
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
pub(crate) fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is no http address"))?;
    let host = rest.split('/').next().unwrap_or_default();
    host.parse().with_context(|| format!("{url} has no numeric address"))
}

/// The path and query of a URL.
pub(crate) fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |start| &rest[start..])
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

    #[test]
    fn last_words_are_heard_after_the_end() {
        let mut program =
            Program::spawn(Command::new("sh").args(["-c", "read name; echo hello $name; exec sleep 60"]))
                .unwrap();
        assert_eq!(program.hear(Instant::now()), Heard::Silence);
        program.tell("you").unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        assert_eq!(program.hear(soon), Heard::Line("hello you".into()));
        program.kill().unwrap();
        assert_eq!(program.hear(soon), Heard::End);
    }
}
