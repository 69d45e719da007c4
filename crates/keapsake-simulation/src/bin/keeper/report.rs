//! What it says: one JSON object a line, `says` names the kind.

use std::io::Write as _;

use jiff::Timestamp;
use keapsake::Keap;
use keapsake::connection::status::{Phase, Status};
use serde_json::{Value, json};

/// Says a line. Whoever read it is gone when that does not work, and then so is the use of this program.
pub(crate) fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// How the connection is, under this name.
pub(crate) fn say_status(says: &str, keap: &Keap) {
    let mut line = status(&keap.status());
    line["says"] = json!(says);
    say(&line);
}

fn status(status: &Status) -> Value {
    json!({
        "phase": word(status.phase),
        "lineage": status.position.map(|position| position.lineage),
        "generation": status.position.map(|position| position.generation),
        "can_call": status.can_call,
        "now": status.now.as_second(),
        "due": status.times.map(|times| Timestamp::as_second(times.refresh_at)),
    })
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::NotConnected => "not_connected",
        Phase::Connected => "connected",
        Phase::Refreshing { .. } => "refreshing",
        Phase::Unreached { .. } => "unreached",
        Phase::Unconfirmed { .. } => "unconfirmed",
        Phase::Suspect { .. } => "suspect",
        Phase::Misconfigured { .. } => "misconfigured",
        Phase::Restored { .. } => "restored",
        Phase::NeedsReconnect { .. } => "needs_reconnect",
        Phase::Disconnected { .. } => "disconnected",
        Phase::ApiKey => "api_key",
    }
}
