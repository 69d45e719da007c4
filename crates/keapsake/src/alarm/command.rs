//! Alarms to a program of the operator's: one that sends mail, say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;

use super::Alarm;
use super::channel::{Channel, ChannelError};
use super::wait::wait;
use crate::clock::Clock;

/// A program that takes longer is killed.
const LONGEST_RUN: Duration = Duration::from_secs(30);

/// Runs a program for each alarm, with the alarm as JSON on its standard input. Exit status 0 means that it was told.
///
/// There is no shell, and nothing of the alarm is in the arguments. The program gets no environment but what
/// [`with_env`](Command::with_env) gives it, because the application's own may hold secrets. What it writes to standard
/// error goes where the application's goes; a program that runs longer than 30 seconds is killed.
pub struct Command {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    clock: Arc<dyn Clock>,
}

impl Command {
    /// This program with these arguments. Give its whole path: there is no `PATH` to search.
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            name: "command".into(),
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            clock,
        }
    }

    /// With another [name](Channel::name) than `command`: for more than one.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// With this variable in the program's environment.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    async fn run(&self, alarm: &Alarm) -> Result<(), ChannelError> {
        let mut child = self.spawn().map_err(|error| self.failed(&format!("cannot be started: {error}")))?;
        let json = alarm.to_json();
        let ended = tokio::select! {
            ended = feed(&mut child, json.as_bytes()) => Some(ended),
            () = wait(&*self.clock, LONGEST_RUN) => None,
        };
        match ended {
            Some(Ok(status)) if status.success() => Ok(()),
            Some(Ok(status)) => Err(self.failed(&format!("ended with {status}"))),
            Some(Err(error)) => Err(self.failed(&error.to_string())),
            None => {
                let _ = child.kill().await;
                Err(self.failed("took longer than 30 seconds and was killed"))
            }
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }

    fn failed(&self, what: &str) -> ChannelError {
        ChannelError::new(format!("`{}` {what}", self.program.display()))
    }
}

impl Channel for Command {
    fn name(&self) -> &str {
        &self.name
    }

    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>> {
        Box::pin(self.run(alarm))
    }
}

/// A program need not read what it gets: only how it ends counts.
async fn feed(child: &mut Child, json: &[u8]) -> std::io::Result<ExitStatus> {
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(json).await;
    }
    child.wait().await
}
