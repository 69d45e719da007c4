//! Whoever runs the application hears of trouble with the connection once, soon, and once when it is over.
//!
//! Alarms follow the state of things, not events: [`conditions`] says what is so now, [`Alarms`] compares it with what
//! is raised in the store and tells the difference. So it does not matter which process looks, how often, or whether
//! one dies in between.
//!
//! - [`condition`]: what can be so, with severity, title and advice; one table.
//! - [`facts`]: which conditions hold now; a pure function.
//! - [`skew`]: how far our clock is from a server's, read from an answer; a pure function.
//! - [`watchman`]: looks, compares, tells.
//! - [`channel`]: where alarms go: [`Log`], [`Metrics`], [`Webhook`], [`Command`], or the application's own.
//! - [`signature`]: how a receiver of the webhook knows who called.
//! - [`heartbeat`]: says that all is well to a service outside, which notices when that ends.
//! - `ledger`: what is raised and who was told, in the store, and in memory while the store does not do it.
//! - `debts`: what a channel was not told because whoever had to is gone.
//! - `courier`: one channel's queue and its task.
//!
//! # The alarm as JSON
//! What [`Webhook`] and [`Command`] hand over, and what [`Alarm`] serializes to. Fields may be added, none goes away:
//! ```json
//! {
//!   "id": "main/needs_reconnect/2026-11-24T10:30:00Z/raised",
//!   "connection": "main",
//!   "condition": "needs_reconnect",
//!   "state": "raised",
//!   "severity": "error",
//!   "title": "The connection to Keap has to be made again",
//!   "words": "Keap refused the refresh token again and again, as became certain at 2026-11-24 10:30 UTC. ...",
//!   "advice": "Connect again in the panel, with the same Keap account.",
//!   "since": "2026-11-24T10:30:00Z",
//!   "at": "2026-11-24T10:30:00Z"
//! }
//! ```
//! `id` is the same when one alarm is told again, which can happen when a process dies in the very moment of telling:
//! a receiver that must not act twice remembers it. `state` is `raised`, `recovered` or `replaced`.

pub mod channel;
pub mod condition;
pub mod facts;
pub mod heartbeat;
pub mod signature;
pub mod skew;
pub mod watchman;

mod address;
mod command;
mod courier;
mod debts;
mod ledger;
mod log;
mod metrics;
mod wait;
mod webhook;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::connection::ConnectionId;
pub use address::UnsafeAddress;
pub use channel::{Channel, ChannelError};
pub use command::Command;
pub use condition::{Condition, Severity};
pub use debts::GRACE;
pub use facts::{Facts, conditions};
pub use heartbeat::Heartbeat;
pub use log::Log;
pub use metrics::Metrics;
pub use signature::{SignatureError, verify};
pub use skew::skew;
pub use watchman::{Alarms, ChannelName};
pub use webhook::{Webhook, WebhookError};

/// What is told: a condition began to hold, or ended. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Tells this alarm from all others; the same when it is told again.
    pub id: String,
    /// Which connection it is about.
    #[serde(serialize_with = "name")]
    pub connection: ConnectionId,
    /// What is or was so.
    pub condition: Condition,
    /// Whether it began or ended.
    pub state: State,
    /// How urgent this is; the end of a condition is [`Severity::Info`].
    pub severity: Severity,
    /// The condition in a few words.
    pub title: &'static str,
    /// What is so, and until when there is time.
    pub words: String,
    /// What to do; empty when there is nothing to do.
    pub advice: &'static str,
    /// When the condition was first seen, to the millisecond.
    pub since: Timestamp,
    /// When it began or ended.
    pub at: Timestamp,
}

/// Whether a condition began or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It began to hold.
    Raised,
    /// It is over.
    Recovered,
    /// It turned into another condition of its kind, which is raised beside this: nothing is over yet.
    Replaced,
}

impl State {
    /// The word it is written as.
    pub fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Recovered => "recovered",
            Self::Replaced => "replaced",
        }
    }
}

impl Alarm {
    fn raised(connection: &ConnectionId, condition: Condition, since: Timestamp, words: String) -> Self {
        Self {
            severity: condition.severity(),
            advice: condition.advice(),
            words,
            ..Self::new(connection, condition, State::Raised, since, since)
        }
    }

    fn ended(
        connection: &ConnectionId,
        condition: Condition,
        state: State,
        since: Timestamp,
        at: Timestamp,
    ) -> Self {
        let is = match state {
            State::Replaced => "It has turned into something else, which is told beside this.",
            State::Raised | State::Recovered => "This is over.",
        };
        let words = format!("{is} It began at {} and ended at {}.", facts::moment(since), facts::moment(at));
        Self { words, ..Self::new(connection, condition, state, since, at) }
    }

    fn new(
        connection: &ConnectionId,
        condition: Condition,
        state: State,
        since: Timestamp,
        at: Timestamp,
    ) -> Self {
        Self {
            id: format!("{connection}/{condition}/{since}/{}", state.word()),
            connection: connection.clone(),
            condition,
            state,
            severity: Severity::Info,
            title: condition.title(),
            words: String::new(),
            advice: "",
            since,
            at,
        }
    }

    /// As JSON, with the fields of the [module's description](self).
    pub fn to_json(&self) -> String {
        // Strings, times and words: there is nothing in it that serializing could stumble over.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn name<S: Serializer>(id: &ConnectionId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.as_str())
}
