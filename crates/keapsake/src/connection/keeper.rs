//! The one place in this process that owns a connection's tokens.
//!
//! Everything known is published on a `watch`; every change is first saved in the store, fenced by the position,
//! and then published. Callers only ever wait on the watch: nothing a caller does can cancel a refresh.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, watch};

use super::ConnectionId;
use super::record::{Health, Link, LostReason, Position, Record};
use super::schedule::Dice;
use super::status::Status;
use super::step::{Event, step};
use crate::clock::{Clock, until};
use crate::error::Error;
use crate::oauth::Application;
use crate::oauth::answer::TokenPair;
use crate::randomness::{self, Randomness};
use crate::secret::{AccessToken, RefreshToken};
use crate::store::seal::{Field, Place, Sealer};
use crate::store::{SealedPair, Store, StoreError, Stored};
use crate::transport::Transport;

/// A caller whose token is being renewed waits at most this long.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

pub(crate) struct Keeper {
    pub(crate) id: ConnectionId,
    pub(crate) application: Application,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Sealer,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    /// What is known, as saved; only that Keap refused the access token is known here before it is saved.
    pub(crate) known: watch::Sender<Known>,
    /// Wakes the refresher.
    pub(crate) nudge: Notify,
    /// Held while the record is changed, never across a request.
    pub(crate) writing: Mutex<()>,
}

/// What this process knows of the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) record: Option<Record>,
    pub(crate) access: Option<AccessToken>,
    /// Since when a refresh is on its way.
    pub(crate) refreshing: Option<Timestamp>,
}

/// A token fit for a call, and which one it is.
pub(crate) struct Usable {
    pub(crate) token: AccessToken,
    pub(crate) position: Position,
}

impl Keeper {
    pub(crate) fn dice(&self) -> Dice {
        Dice::from_le_bytes(randomness::bytes(&*self.randomness))
    }

    pub(crate) fn status(&self) -> Status {
        let known = self.known.borrow();
        Status::of(known.record.as_ref(), known.refreshing, self.clock.now())
    }

    /// Takes over what the store has.
    pub(crate) async fn reload(&self) -> Result<(), StoreError> {
        let stored = self.store.load(&self.id).await?;
        self.adopt(stored)
    }

    pub(crate) fn adopt(&self, stored: Option<Stored>) -> Result<(), StoreError> {
        let (record, access) = match stored {
            None => (None, None),
            Some(stored) => {
                let position = stored.record.position;
                let access = stored.tokens.map(|pair| self.open_access(position, &pair)).transpose()?;
                (Some(stored.record), access)
            }
        };
        self.known.send_modify(|known| {
            known.record = record;
            known.access = access;
        });
        Ok(())
    }

    /// The record after an event, from what is known now.
    pub(crate) fn after(&self, event: &Event) -> Option<Record> {
        step(self.known.borrow().record.as_ref(), event, self.clock.now(), self.dice())
    }

    pub(crate) fn seal(&self, position: Position, pair: &TokenPair, refresh: &RefreshToken) -> SealedPair {
        let seal = |field, secret| {
            let place = Place { connection: &self.id, position, field };
            self.sealer.seal(place, secret, &*self.randomness)
        };
        SealedPair {
            access: seal(Field::Access, pair.access.expose()),
            refresh: seal(Field::Refresh, refresh.expose()),
        }
    }

    fn open_access(&self, position: Position, pair: &SealedPair) -> Result<AccessToken, StoreError> {
        let place = Place { connection: &self.id, position, field: Field::Access };
        let text =
            self.sealer.open(place, &pair.access).map_err(|error| StoreError::new(error.to_string()))?;
        Ok(AccessToken::new(text.as_str()))
    }

    pub(crate) fn open_refresh(
        &self,
        position: Position,
        pair: &SealedPair,
    ) -> Result<RefreshToken, StoreError> {
        let place = Place { connection: &self.id, position, field: Field::Refresh };
        let text =
            self.sealer.open(place, &pair.refresh).map_err(|error| StoreError::new(error.to_string()))?;
        Ok(RefreshToken::new(text.as_str()))
    }

    /// A token for a call, newer than `refused` when that one was turned away. Waits a little while one is on
    /// its way.
    pub(crate) async fn usable(&self, refused: Option<Position>) -> Result<Usable, Error> {
        if let Some(position) = refused {
            self.note_refused(position);
        }
        let give_up_at = crate::clock::later(self.clock.now(), LONGEST_WAIT);
        let mut known = self.known.subscribe();
        loop {
            let answer = self.look(&known.borrow_and_update());
            match answer {
                Look::Usable(usable) => return Ok(usable),
                Look::Never(error) => return Err(error),
                Look::Wait => {}
            }
            self.nudge.notify_one();
            let left = until(self.clock.now(), give_up_at);
            if left.is_zero() {
                return Err(Error::renewing(
                    "the access token is being renewed; try again shortly",
                    LONGEST_WAIT,
                ));
            }
            // Waiting here is the caller's own; the refresh goes on whether or not anybody waits.
            tokio::select! {
                _ = known.changed() => {}
                () = self.clock.sleep_until(give_up_at) => {}
            }
        }
    }

    fn look(&self, known: &Known) -> Look {
        let now = self.clock.now();
        let (record, linked) = match &known.record {
            None => return Look::Never(not_connected("it has not been connected to Keap yet")),
            Some(Record { link: Link::Disconnected { .. }, .. }) => {
                return Look::Never(not_connected("it was disconnected from Keap"));
            }
            Some(record @ Record { link: Link::Linked(linked), .. }) => (record, linked),
        };
        if let (true, Some(token)) = (linked.is_access_live(now), &known.access) {
            return Look::Usable(Usable { token: token.clone(), position: record.position });
        }
        let wait = until(now, linked.refresh_at).max(Duration::from_secs(1));
        match linked.health {
            Health::Lost(LostReason::Rejected) => {
                Look::Never(not_connected("Keap no longer accepts the connection"))
            }
            Health::Lost(LostReason::Expired) => {
                Look::Never(not_connected("the connection was not used for 45 days and has ended"))
            }
            Health::Well => Look::Wait,
            _ if known.refreshing.is_some() => Look::Wait,
            Health::Misconfigured => Look::Never(Error::renewing(
                "Keap does not accept the client id or secret; correct the settings",
                wait,
            )),
            Health::Unreached { .. } | Health::Unconfirmed { .. } | Health::Suspect { .. } => {
                Look::Never(Error::renewing("the access token has ended and Keap gave no new one yet", wait))
            }
        }
    }

    /// Keap refused an access token: if it is the current one, a refresh is due.
    fn note_refused(&self, position: Position) {
        let event = Event::AccessRefused;
        let (now, dice) = (self.clock.now(), self.dice());
        self.known.send_if_modified(|known| {
            let current = known.record.as_ref().is_some_and(|record| record.position == position);
            if !current {
                return false;
            }
            known.record = step(known.record.as_ref(), &event, now, dice);
            true
        });
        self.nudge.notify_one();
    }
}

enum Look {
    Usable(Usable),
    Wait,
    Never(Error),
}

fn not_connected(why: &str) -> Error {
    Error::not_connected(format!("there is no connection to Keap: {why}. An administrator has to connect it"))
}
