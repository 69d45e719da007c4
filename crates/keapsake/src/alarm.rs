//! Whoever runs the application hears of trouble with the connection once, soon, and once when it is over.
//!
//! Alarms follow the state of things, not events: [`conditions`] says what is so now, [`Alarms`] compares it with what
//! is raised in the store and tells the difference. So it does not matter which process looks, how often, or whether
//! one dies in between.
//!
//! - [`condition`]: what can be so, with severity, title and advice; one table.
//! - [`facts`]: which conditions hold now; a pure function.
//! - [`mod@skew`]: how far our clock is from a server's, read from an answer; a pure function.
//! - [`watchman`]: looks, compares, tells.
//! - [`channel`]: where alarms go: [`Log`], [`Metrics`], [`Webhook`], [`Command`], or the application's own.
//! - [`signature`]: how a receiver of the webhook knows who called.
//! - [`heartbeat`]: says that all is well to a service outside, which notices when that ends.
//! - `look`: what one look found.
//! - `ledger`: what is raised and who was told, in the store, and in memory while the store does not do it.
//! - `debts`: what a channel was not told because whoever had to is gone.
//! - `views`: what this process saw of what can differ between processes.
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
//! a receiver that must not act twice remembers it. `state` is `raised`, `recovered` or `replaced`. `connection` is
//! `null` for what is about the whole deployment: the clock, the database, the journal. That is told once, however many
//! connections there are.

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
mod look;
mod metrics;
mod views;
mod wait;
mod webhook;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::connection::ConnectionId;
use crate::store::{Store, StoreError};
pub use address::UnsafeAddress;
pub use channel::{Channel, ChannelError, ChannelName};
pub use command::Command;
pub use condition::{Condition, Severity};
pub use debts::GRACE;
pub use facts::{Facts, conditions};
pub use heartbeat::Heartbeat;
pub use log::Log;
pub use metrics::Metrics;
pub use signature::{SignatureError, verify};
pub use skew::skew;
pub use watchman::Alarms;
pub use webhook::{Webhook, WebhookError};

/// What is told: a condition began to hold, or ended. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Tells this alarm from all others; the same when it is told again.
    pub id: String,
    /// Which connection it is about; `None` for the whole deployment.
    #[serde(serialize_with = "name")]
    pub connection: Option<ConnectionId>,
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
    fn raised(subject: &ConnectionId, condition: Condition, since: Timestamp, words: String) -> Self {
        Self {
            severity: condition.severity(),
            advice: condition.advice(),
            words,
            ..Self::new(subject, condition, State::Raised, since, since)
        }
    }

    fn ended(
        subject: &ConnectionId,
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
        Self { words, ..Self::new(subject, condition, state, since, at) }
    }

    fn new(
        subject: &ConnectionId,
        condition: Condition,
        state: State,
        since: Timestamp,
        at: Timestamp,
    ) -> Self {
        Self {
            id: format!("{subject}/{condition}/{since}/{}", state.word()),
            connection: (!condition.kind().is_of_deployment()).then(|| subject.clone()),
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

    /// Under which name stores keep it.
    fn subject(&self) -> ConnectionId {
        self.connection.clone().unwrap_or_else(deployment)
    }

    /// As JSON, with the fields of the [module's description](self).
    pub fn to_json(&self) -> String {
        // Strings, times and words: there is nothing in it that serializing could stumble over.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The alarms that are raised for a connection and for the whole deployment, and since when.
///
/// # Errors
/// When the store does not say; try again later.
pub async fn raised(store: &dyn Store, id: &ConnectionId) -> Result<Vec<(Condition, Timestamp)>, StoreError> {
    let mut words = store.raised(id).await?;
    words.extend(store.raised(&deployment()).await?);
    let known = |(word, since): (String, Timestamp)| Some((Condition::from_word(&word)?, since));
    Ok(words.into_iter().filter_map(known).collect())
}

/// The name under which stores keep what is about the whole deployment.
fn deployment() -> ConnectionId {
    ConnectionId::new(":deployment").unwrap_or_else(|| unreachable!("it is a valid name"))
}

/// With the reference that serde asks for.
#[expect(clippy::ref_option, reason = "what `serialize_with` calls has this form")]
fn name<S: Serializer>(id: &Option<ConnectionId>, serializer: S) -> Result<S::Ok, S::Error> {
    id.as_ref().map(ConnectionId::as_str).serialize(serializer)
}
