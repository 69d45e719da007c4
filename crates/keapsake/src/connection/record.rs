//! What is known of a connection. No secrets and no I/O: tokens live sealed beside it in the store.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a connection stands in its history of token pairs. Every write of tokens is fenced by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// Counts authorizations by a person, from 1.
    pub lineage: u64,
    /// Counts token pairs within the lineage, from 1.
    pub generation: u64,
}

impl Position {
    /// The first pair of the next authorization.
    #[must_use]
    pub fn next_lineage(self) -> Self {
        Self { lineage: self.lineage + 1, generation: 1 }
    }

    /// The next pair of the same authorization.
    #[must_use]
    pub fn next_generation(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }

    /// What the first pair of the next authorization follows on: generation 0, of which there are no tokens.
    #[must_use]
    pub fn before_next_lineage(self) -> Self {
        Self { lineage: self.lineage + 1, generation: 0 }
    }

    /// Before any authorization.
    pub const NONE: Self = Self { lineage: 0, generation: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.lineage, self.generation)
    }
}

/// A connection that was made at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which pair the store holds.
    pub position: Position,
    /// The Keap account; remembered after disconnecting, so that another one is noticed.
    pub account: Account,
    /// Whether there are tokens, and how they are.
    pub link: Link,
}

impl Record {
    /// When something is to be done about it; `None` when only a person can go on from here.
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.link {
            Link::Disconnected { .. } => None,
            Link::Linked(linked) => match linked.health {
                Health::Lost(_) | Health::Restored(_) => None,
                _ => Some(linked.refresh_at),
            },
        }
    }
}

/// A Keap account (a tenant).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its host, as `acme.infusionsoft.com`.
    pub host: Option<String>,
    /// The company's name, as `Acme Toys`.
    pub name: Option<String>,
}

impl Account {
    /// The short name: `acme` of `acme.infusionsoft.com`.
    pub fn short(&self) -> Option<&str> {
        self.host.as_deref()?.split('.').next()
    }

    /// Whether the two are known to be different accounts.
    pub fn differs_from(&self, other: &Self) -> bool {
        matches!((&self.host, &other.host), (Some(ours), Some(theirs)) if ours != theirs)
    }
}

impl fmt::Display for Account {
    /// `Acme Toys (acme)`, or as much of it as is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.short()) {
            (Some(name), Some(short)) => write!(f, "{name} ({short})"),
            (Some(name), None) => f.write_str(name),
            (None, Some(short)) => f.write_str(short),
            (None, None) => f.write_str("a Keap account"),
        }
    }
}

/// Whether a connection has tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// An administrator disconnected; the tokens are gone.
    Disconnected {
        /// Since when.
        since: Timestamp,
    },
    /// There is a pair.
    Linked(Linked),
}

/// The times of the pair at hand, and how the connection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// When the person authorized.
    pub connected_at: Timestamp,
    /// When the request that brought the access token was started.
    pub access_issued_at: Timestamp,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// Whether Keap refused the access token before its time.
    pub access_refused: bool,
    /// When the request that brought the refresh token was started; it lives 45 days from here.
    pub refresh_issued_at: Timestamp,
    /// When the next refresh is due.
    pub refresh_at: Timestamp,
    /// How the connection is.
    pub health: Health,
    /// Since when it is like that.
    pub health_since: Timestamp,
}

impl Linked {
    /// Whether API calls can be made now. A live access token is used whatever the health.
    pub fn is_access_live(&self, now: Timestamp) -> bool {
        !self.access_refused && now < self.access_expires_at
    }
}

/// How a connection with tokens is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// All is well.
    Well,
    /// Keap could not be reached (or was too busy) for the last so many attempts. Nothing is lost by it.
    Unreached {
        /// Attempts without reaching Keap.
        attempts: u32,
    },
    /// A refresh was sent and no usable answer came: Keap may or may not have spent the refresh token.
    Unconfirmed {
        /// Attempts that ended like this.
        attempts: u32,
        /// When the last one ended.
        ended_at: Timestamp,
        /// What is done about it when it is due.
        next: Next,
    },
    /// Keap said that the refresh token is not good. Not believed at once: several refusals over time decide.
    Suspect {
        /// Refusals so far.
        rejections: u32,
        /// When the first one came.
        first_rejected_at: Timestamp,
    },
    /// Keap does not accept the client id or secret. The tokens are kept.
    Misconfigured,
    /// The store was restored from a backup or copied: its refresh token may be spent, or another deployment may
    /// use it. Nothing is refreshed until a person decides or a newer pair turns up.
    Restored(RestoredReason),
    /// The connection is over; a person has to authorize again.
    Lost(LostReason),
}

/// What follows an unconfirmed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The refresh token is tried again.
    Retry,
    /// The old access token is asked whether it is still accepted.
    Probe,
}

/// By what a restored or copied store was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoredReason {
    /// The journal has seen a newer pair than the store holds.
    Older,
    /// The store is another copy of the data than the one it was written in.
    Copied,
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// Keap refused the refresh token again and again: the access was removed in Keap, or the token was used
    /// somewhere else.
    Rejected,
    /// The refresh token was not used for 45 days.
    Expired,
}
