//! What a process knows of a connection, and the token that calls use.

use http::HeaderValue;
use jiff::Timestamp;

use crate::connection::record::{Link, Position, Record};
use crate::secret::AccessToken;
use crate::store::Revision;

/// What this process knows of the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// As saved.
    pub(crate) seen: Option<Seen>,
    pub(super) access: Option<AccessToken>,
    /// The highest position that was seen: a store that is behind it has gone back.
    pub(super) newest: Position,
    /// A newer pair than the store holds; callers use it already, or still.
    pub(super) lent: Option<Lent>,
    /// The pair whose access token Keap refused; told to the store with the next change.
    pub(super) refused: Option<Position>,
    /// Since when a refresh is on its way here.
    pub(crate) refreshing: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Lent {
    pub(super) access: AccessToken,
    pub(super) position: Position,
    pub(super) expires_at: Timestamp,
}

/// A record as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

/// A token fit for calls.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) header: HeaderValue,
    pub(crate) token: AccessToken,
    pub(crate) position: Position,
    pub(super) expires_at: Timestamp,
}

/// What becomes of the access token that is known.
pub(super) enum Access {
    Keep,
    Is(Option<AccessToken>),
}

impl Known {
    pub(crate) fn record(&self) -> Option<&Record> {
        self.seen.as_ref().map(|seen| &seen.record)
    }

    pub(super) fn see(&mut self, seen: Seen, access: Access) {
        let position = seen.record.position;
        if let Access::Is(access) = access {
            self.access = access;
        }
        self.lent.take_if(|lent| lent.position <= position);
        self.newest = self.newest.max(position);
        self.seen = Some(seen);
    }

    /// The store has gone back; the access token that it has forgotten is good all the same.
    pub(super) fn lend_what_is_live(&mut self) {
        if let Some(live) = self.live() {
            let Live { token, position, expires_at, .. } = live;
            self.lent = Some(Lent { access: token, position, expires_at });
        }
    }

    /// Whether this is a pair that the store does not hold.
    pub(super) fn is_lent(&self, position: Position) -> bool {
        self.lent.as_ref().is_some_and(|lent| lent.position == position)
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.record().map(|record| record.position)
    }

    /// The token that calls may use until it ends, whatever the health.
    pub(super) fn live(&self) -> Option<Live> {
        let record = self.record()?;
        let Link::Linked(linked) = &record.link else { return None };
        if let Some(lent) = self.lent.as_ref().filter(|lent| self.refused != Some(lent.position)) {
            return Live::new(lent.access.clone(), lent.position, lent.expires_at);
        }
        if linked.access_refused || self.refused == Some(record.position) {
            return None;
        }
        Live::new(self.access.clone()?, record.position, linked.access_expires_at)
    }
}

impl Live {
    fn new(token: AccessToken, position: Position, expires_at: Timestamp) -> Option<Self> {
        // The tokens that are taken from an answer are printable: it is always a header.
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
        header.set_sensitive(true);
        Some(Self { header, token, position, expires_at })
    }
}
