//! How a connection is, for people and monitors.

use jiff::Timestamp;

use super::record::{Account, Health, Link, Linked, LostReason, Position, Record, RestoredReason};
use super::schedule::REFRESH_LIFE;
use crate::clock::later;

/// A connection at one moment. Made by [`Keap::status`](crate::Keap::status).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The moment, on the SDK's clock.
    pub now: Timestamp,
    /// In which phase it is.
    pub phase: Phase,
    /// The Keap account, once known; also after disconnecting.
    pub account: Option<Account>,
    /// Which pair is held.
    pub position: Option<Position>,
    /// The times of the pair, while there is one.
    pub times: Option<Times>,
    /// Whether API calls can be made now.
    pub can_call: bool,
}

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No person has ever connected it.
    NotConnected,
    /// All is well.
    Connected,
    /// A refresh is on its way.
    Refreshing {
        /// Since when.
        since: Timestamp,
    },
    /// Keap does not answer; it is tried again by itself.
    Unreached {
        /// Since when.
        since: Timestamp,
        /// How often it was tried.
        attempts: u32,
    },
    /// A refresh got no usable answer; it is tried again by itself.
    Unconfirmed {
        /// Since when.
        since: Timestamp,
        /// How often it was tried.
        attempts: u32,
    },
    /// Keap refused the refresh token; it is asked again before that is believed.
    Suspect {
        /// Since when.
        since: Timestamp,
        /// Refusals so far.
        rejections: u32,
    },
    /// Keap does not accept the client id or secret.
    Misconfigured {
        /// Since when.
        since: Timestamp,
    },
    /// The store was restored from a backup or copied: nothing is refreshed until a person
    /// [adopts](crate::Keap::adopt) it or connects again.
    Restored {
        /// Since when.
        since: Timestamp,
        /// By what it was recognised.
        reason: RestoredReason,
    },
    /// A person has to connect again.
    NeedsReconnect {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: LostReason,
    },
    /// An administrator disconnected.
    Disconnected {
        /// Since when.
        since: Timestamp,
    },
    /// There is no OAuth connection: calls carry a Service Account Key or Personal Access Token.
    ApiKey,
}

/// The times of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the person authorized.
    pub connected_at: Timestamp,
    /// When the access token was issued.
    pub access_issued_at: Timestamp,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// When the next refresh is due.
    pub refresh_at: Timestamp,
    /// When the refresh token was issued.
    pub refresh_issued_at: Timestamp,
    /// When the refresh token ends if it is not used.
    pub refresh_expires_at: Timestamp,
}

impl Status {
    pub(crate) fn of(record: Option<&Record>, refreshing: Option<Timestamp>, now: Timestamp) -> Self {
        let linked = record.and_then(|record| match &record.link {
            Link::Linked(linked) => Some(linked),
            Link::Disconnected { .. } => None,
        });
        Self {
            now,
            phase: phase(record, refreshing),
            account: record.map(|record| record.account.clone()),
            position: record.map(|record| record.position),
            times: linked.map(Times::of),
            can_call: linked.is_some_and(|linked| linked.is_access_live(now)),
        }
    }

    pub(crate) fn of_api_key(now: Timestamp) -> Self {
        Self { now, phase: Phase::ApiKey, account: None, position: None, times: None, can_call: true }
    }
}

impl Phase {
    /// Its name for programs, as `needs-reconnect`. Never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotConnected => "not-connected",
            Self::Connected => "connected",
            Self::Refreshing { .. } => "refreshing",
            Self::Unreached { .. } => "unreached",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Suspect { .. } => "suspect",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Restored { .. } => "restored",
            Self::NeedsReconnect { .. } => "needs-reconnect",
            Self::Disconnected { .. } => "disconnected",
            Self::ApiKey => "api-key",
        }
    }

    /// Whether only a person can go on from here.
    pub fn needs_a_person(self) -> bool {
        matches!(
            self,
            Self::NotConnected
                | Self::NeedsReconnect { .. }
                | Self::Restored { .. }
                | Self::Disconnected { .. }
                | Self::Misconfigured { .. }
        )
    }
}

impl Times {
    fn of(linked: &Linked) -> Self {
        Self {
            connected_at: linked.connected_at,
            access_issued_at: linked.access_issued_at,
            access_expires_at: linked.access_expires_at,
            refresh_at: linked.refresh_at,
            refresh_issued_at: linked.refresh_issued_at,
            refresh_expires_at: later(linked.refresh_issued_at, REFRESH_LIFE),
        }
    }
}

fn phase(record: Option<&Record>, refreshing: Option<Timestamp>) -> Phase {
    let Some(record) = record else { return Phase::NotConnected };
    let linked = match &record.link {
        Link::Disconnected { since } => return Phase::Disconnected { since: *since },
        Link::Linked(linked) => linked,
    };
    let since = linked.health_since;
    match (linked.health, refreshing) {
        (Health::Lost(reason), _) => Phase::NeedsReconnect { since, reason },
        (Health::Well, Some(since)) => Phase::Refreshing { since },
        (Health::Well, None) => Phase::Connected,
        (Health::Unreached { attempts }, _) => Phase::Unreached { since, attempts },
        (Health::Unconfirmed { attempts, .. }, _) => Phase::Unconfirmed { since, attempts },
        (Health::Suspect { rejections, .. }, _) => Phase::Suspect { since, rejections },
        (Health::Restored(reason), _) => Phase::Restored { since, reason },
        (Health::Misconfigured, _) => Phase::Misconfigured { since },
    }
}
