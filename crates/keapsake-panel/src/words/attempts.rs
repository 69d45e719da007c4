//! What was tried, and how it ended.

use keapsake::connection::history::{Entry, Kind, Outcome};

/// What was tried, in a word.
pub(crate) fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Authorization => "Connecting",
        Kind::Refresh => "Renewal",
        Kind::Disconnection => "Disconnecting",
    }
}

/// How it ended, in a few words.
pub(crate) fn outcome(entry: &Entry) -> &'static str {
    let Some(ending) = &entry.ending else { return "Running" };
    match (entry.kind, ending.outcome) {
        (Kind::Authorization, Outcome::Done) => "Connected",
        (Kind::Refresh, Outcome::Done) => "Renewed",
        (Kind::Disconnection, Outcome::Done) => "Disconnected",
        (Kind::Authorization, Outcome::Rejected) => "No access given",
        (_, Outcome::NotSent) => "Keap not reached",
        (_, Outcome::Throttled) => "Keap asked to wait",
        (_, Outcome::Unconfirmed) => "No usable answer",
        (_, Outcome::Rejected) => "Refused",
        (_, Outcome::Misconfigured) => "Client id or secret refused",
        (_, Outcome::Superseded) => "Came too late",
        (_, Outcome::OtherAccount) => "Another account",
    }
}

/// Whether that is good, bad or neither, for the eye.
pub(crate) fn tone(entry: &Entry) -> &'static str {
    match entry.ending.as_ref().map(|ending| ending.outcome) {
        None => "busy",
        Some(Outcome::Done) => "good",
        Some(Outcome::NotSent | Outcome::Throttled | Outcome::Unconfirmed) => "warn",
        Some(Outcome::Superseded) => "idle",
        Some(Outcome::Rejected | Outcome::Misconfigured | Outcome::OtherAccount) => "bad",
    }
}

/// Whether Keap was reached the last time, and had too much to do.
pub(crate) fn was_asked_to_wait(newest_first: &[Entry]) -> bool {
    let mut renewals = newest_first.iter().filter(|entry| entry.kind == Kind::Refresh);
    let last = renewals.find_map(|entry| entry.ending.as_ref());
    last.is_some_and(|ending| ending.outcome == Outcome::Throttled)
}
