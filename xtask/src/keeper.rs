//! The keeper program: a small application that holds a connection, and tells what it does.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::program::{self, Heard, Program};

/// What has to be built where keepers run.
pub(crate) const PROGRAMS: &[&str] =
    &["-p", "keap-sandbox", "--bin", "keap-sandbox", "-p", "keapsake-simulation", "--bin", "keeper"];

/// A start takes over what the dead left, on a machine that may be busy with fifty others.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// How a keeper is started.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) sandbox: &'a str,
    pub(crate) store: &'a str,
    pub(crate) journal: &'a Path,
    pub(crate) key: &'a Path,
    /// Where its log goes.
    pub(crate) log: &'a Path,
    /// How far its clock is ahead of the machine's.
    pub(crate) ahead: i64,
    /// How many tasks call at the signal.
    pub(crate) tasks: u32,
    /// Calls it makes by itself.
    pub(crate) call_every: Option<Duration>,
}

/// A running one.
#[derive(Debug)]
pub(crate) struct Keeper {
    program: Program,
    /// What it has told so far.
    pub(crate) told: Told,
}

/// What a keeper has told about its refreshes and its connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Refreshes that left.
    pub(crate) sent: u64,
    /// Those that were granted.
    pub(crate) granted: u64,
    /// Granted ones whose answer was durable: from there on nothing may lose it.
    pub(crate) kept: u64,
    /// Calls that it made by itself, and those of them that failed.
    pub(crate) calls: u64,
    pub(crate) failed_calls: u64,
    /// How the connection was, last.
    pub(crate) phase: String,
    pub(crate) generation: u64,
    /// How long until the next refresh is due, in seconds by its own clock.
    pub(crate) due_in: i64,
}

impl Keeper {
    pub(crate) fn start(setting: &Setting<'_>) -> anyhow::Result<Self> {
        let (journal, key) = (setting.journal.to_string_lossy(), setting.key.to_string_lossy());
        let (ahead, tasks) = (setting.ahead.to_string(), setting.tasks.to_string());
        let mut arguments = vec!["--sandbox", setting.sandbox, "--store", setting.store];
        arguments.extend([
            "--journal",
            &*journal,
            "--key",
            &*key,
            "--clock-offset",
            &ahead,
            "--tasks",
            &tasks,
        ]);
        let every = setting.call_every.map(|every| every.as_millis().to_string());
        if let Some(every) = &every {
            arguments.extend(["--call-every", every]);
        }
        let log = File::options().create(true).append(true).open(setting.log)?;
        let mut command = program::command("keeper", &arguments, &[]);
        Ok(Self { program: Program::spawn(command.stderr(log))?, told: Told::default() })
    }

    pub(crate) fn is_ready(&mut self) -> anyhow::Result<()> {
        self.wait_for("ready", READY_WITHIN).map(drop)
    }

    pub(crate) fn tell(&mut self, order: &str) -> anyhow::Result<()> {
        self.program.tell(order)
    }

    /// Its clock jumps by so many seconds.
    pub(crate) fn jump(&mut self, seconds: i64) -> anyhow::Result<()> {
        self.told.due_in -= seconds;
        self.tell(&format!("jump {seconds}"))
    }

    /// Waits until it says this.
    pub(crate) fn wait_for(&mut self, says: &str, within: Duration) -> anyhow::Result<Value> {
        let deadline = Instant::now() + within;
        loop {
            match self.hear(deadline)? {
                Some(line) if line["says"] == says => return Ok(line),
                Some(_) => {}
                None => bail!("a keeper did not say `{says}` within {within:?}"),
            }
        }
    }

    /// Listens for so long, at most until what it has told satisfies. Says whether it does.
    pub(crate) fn listen(
        &mut self,
        longest: Duration,
        satisfies: impl Fn(&Told) -> bool,
    ) -> anyhow::Result<bool> {
        let deadline = Instant::now() + longest;
        while !satisfies(&self.told) {
            if self.hear(deadline)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `kill -9`; returns what it had told up to then.
    pub(crate) fn kill(mut self) -> anyhow::Result<Told> {
        self.program.kill()?;
        let soon = Instant::now() + Duration::from_secs(10);
        while let Heard::Line(line) = self.program.hear(soon) {
            self.told.note(&serde_json::from_str(&line)?);
        }
        Ok(self.told)
    }

    /// Ends as a program should.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.tell("stop")?;
        self.wait_for("stopped", READY_WITHIN).map(drop)
    }

    /// `kill -STOP`: as if the machine were suspended.
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.program.signal("STOP")
    }

    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        self.program.signal("CONT")
    }

    /// The next line by then, noted.
    fn hear(&mut self, until: Instant) -> anyhow::Result<Option<Value>> {
        match self.program.hear(until) {
            Heard::Line(line) => {
                let line = serde_json::from_str(&line).with_context(|| format!("a keeper said {line}"))?;
                self.told.note(&line);
                Ok(Some(line))
            }
            Heard::Silence => Ok(None),
            Heard::End => bail!("a keeper ended by itself; its log says why"),
        }
    }
}

impl Told {
    /// Whether it knows that a person has to connect again.
    pub(crate) fn is_lost(&self) -> bool {
        self.phase == "needs_reconnect"
    }

    fn note(&mut self, line: &Value) {
        match line["says"].as_str().unwrap_or_default() {
            "sent" => self.sent += 1,
            "answered" => self.granted += u64::from(line["status"] == 200),
            "kept" => self.kept += 1,
            "called_by_itself" => {
                self.calls += 1;
                self.failed_calls += u64::from(line["ok"] == false);
            }
            "ready" | "status" | "connected" | "stopped" => self.note_status(line),
            _ => {}
        }
    }

    fn note_status(&mut self, line: &Value) {
        line["phase"].as_str().unwrap_or_default().clone_into(&mut self.phase);
        self.generation = line["generation"].as_u64().unwrap_or_default();
        self.due_in = line["due"].as_i64().unwrap_or_default() - line["now"].as_i64().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_keeper_tells_is_counted() {
        let mut told = Told::default();
        for line in [
            json!({"says": "ready", "phase": "connected", "generation": 3, "now": 100, "due": 40}),
            json!({"says": "sent"}),
            json!({"says": "answered", "status": 400}),
            json!({"says": "answered", "status": 200}),
            json!({"says": "kept"}),
            json!({"says": "called_by_itself", "ok": false}),
        ] {
            told.note(&line);
        }
        assert_eq!((told.sent, told.granted, told.kept), (1, 1, 1));
        assert_eq!((told.calls, told.failed_calls), (1, 1));
        assert_eq!((told.phase.as_str(), told.generation, told.due_in), ("connected", 3, -60));
    }
}
