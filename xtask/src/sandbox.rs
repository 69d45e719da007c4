//! A sandbox as a process, and its control interface.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::program::{Program, address};

/// A running sandbox.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) program: Program,
    pub(crate) control: Control,
    /// The service account key of its first account.
    pub(crate) key: String,
}

impl Sandbox {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut program = Program::start("keap-sandbox", &["--listen", "127.0.0.1:0"], &[])?;
        let control = Control(address(&program.says("keap-sandbox listening on ")?)?);
        let key = program.says("key ")?;
        Ok(Self { program, control, key })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.control.0)
    }

    /// As many connections as the system allows a program: thousands come at the same moment.
    pub(crate) fn allow_many_connections(&self) -> anyhow::Result<()> {
        let raise = r#"prlimit --pid "$0" --nofile="$(ulimit -Hn)""#;
        let status = Command::new("sh").args(["-c", raise, &self.program.id().to_string()]).status()?;
        ensure!(status.success(), "the sandbox may not have many files open: {status}");
        Ok(())
    }
}

/// The control interface of a sandbox. Each request has its own connection, because pauses are long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control(pub(crate) SocketAddr);

/// A grant, as the sandbox knows it: the truth about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: u64,
    /// Counts its pairs, from 1.
    pub(crate) generation: u64,
    /// How often a spent refresh token was used again.
    pub(crate) reuses: u64,
    pub(crate) is_revoked: bool,
}

/// How often a fault struck, and how often the request had its effect all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) requests: usize,
    pub(crate) applied: usize,
}

impl Control {
    /// Keap as if it were not there.
    pub(crate) fn take_keap_down(self) -> anyhow::Result<()> {
        self.add_fault(&json!({"kind": "drop", "path": "/crm"})).map(drop)
    }

    /// Keap is there again, and later, so that whoever waited for it tries again.
    pub(crate) fn bring_keap_back(self) -> anyhow::Result<()> {
        self.clear_faults()?;
        self.advance(3600)
    }

    pub(crate) fn lift_limits(self) -> anyhow::Result<()> {
        let none = json!({"second": null, "minute": null, "day": null});
        let tenant = json!({"minute": null, "day": null});
        self.set(&json!({"limits": {"client": none, "key": none, "tenant": tenant}}))
    }

    /// Changes settings; what is not named stays.
    pub(crate) fn set(self, settings: &Value) -> anyhow::Result<()> {
        self.post("settings", settings).map(drop)
    }

    /// Moves its clock forward.
    pub(crate) fn advance(self, seconds: u64) -> anyhow::Result<()> {
        self.post("clock", &json!({"advance_seconds": seconds})).map(drop)
    }

    /// Says the fault's number.
    pub(crate) fn add_fault(self, fault: &Value) -> anyhow::Result<u64> {
        self.post("faults", fault)?["id"].as_u64().context("the fault has no number")
    }

    pub(crate) fn clear_faults(self) -> anyhow::Result<()> {
        self.send("DELETE", "faults", "").map(drop)
    }

    /// What became of a fault that has not been cleared.
    pub(crate) fn struck(self, fault: u64) -> anyhow::Result<Struck> {
        let faults = self.get("faults")?;
        let faults = faults["faults"].as_array().context("there are no faults")?;
        let this = faults.iter().find(|this| this["id"] == fault).context("there is no such fault")?;
        let uses = this["uses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let applied = uses.iter().filter(|used| used["applied"] == true).count();
        Ok(Struck { requests: uses.len(), applied })
    }

    /// The latest grant.
    pub(crate) fn grant(self) -> anyhow::Result<Grant> {
        let grants = self.get("grants")?;
        let last = grants["grants"].as_array().and_then(|grants| grants.last());
        let last = last.context("nobody has allowed anything yet")?;
        let number = |name: &str| last[name].as_u64().with_context(|| format!("a grant has no {name}"));
        Ok(Grant {
            id: number("id")?,
            generation: number("generation")?,
            reuses: number("reuses")?,
            is_revoked: !last["revoked_at"].is_null(),
        })
    }

    /// What the person at the browser would do; returns where the browser is sent back to.
    pub(crate) fn consent(self, authorize_url: &str) -> anyhow::Result<String> {
        let consent = json!({"authorize_url": authorize_url, "account": "acme", "decision": "allow"});
        let answer = self.post("consent", &consent)?;
        Ok(answer["location"].as_str().context("the browser is not sent back")?.to_owned())
    }

    pub(crate) fn get(self, what: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.send("GET", what, "")?.body)?)
    }

    fn post(self, what: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.send("POST", what, &body.to_string())?.body)?)
    }

    fn send(self, method: &str, what: &str, body: &str) -> anyhow::Result<Answer> {
        let headers = "Content-Type: application/json\r\n";
        let path = format!("/_sandbox/{what}");
        let answer = Connection::open(self.0)?.send(method, &path, headers, body)?;
        ensure!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        Ok(answer)
    }
}
