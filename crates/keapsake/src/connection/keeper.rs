//! The one place in this process that owns a connection's tokens.
//!
//! Every change is first saved in the store, fenced by the revision it builds on, and then published on a `watch`.
//! Callers only ever wait on the watch: nothing a caller does can cancel a refresh.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use super::ConnectionId;
use super::deployment::Deployment;
use super::history::{Ending, Outcome};
use super::record::{Health, Link, Linked, LostReason, Position, Record};
use super::status::Status;
use super::step::Event;
use crate::clock::{later, until};
use crate::error::Error;
use crate::oauth::answer::TokenPair;
use crate::secret::{AccessToken, RefreshToken};
use crate::store::seal::{Field, Place};
use crate::store::{Revision, SealedPair, StoreError, Stored, Swap, Tokens, Write};

pub(crate) struct Keeper {
    pub(crate) id: ConnectionId,
    pub(crate) deployment: Arc<Deployment>,
    known: watch::Sender<Known>,
    /// What calls use, when it is good: read without a lock.
    live: ArcSwapOption<Live>,
    /// Held while the record is changed, never across a request.
    writing: Mutex<()>,
}

/// What this process knows of the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// As saved.
    pub(crate) seen: Option<Seen>,
    access: Option<AccessToken>,
    /// The highest position that was seen: a store that is behind it has gone back.
    newest: Position,
    /// A newer pair than the store holds; callers use it already, or still.
    lent: Option<Lent>,
    /// The pair whose access token Keap refused; told to the store with the next change.
    refused: Option<Position>,
    /// Since when a refresh is on its way here.
    pub(crate) refreshing: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Lent {
    access: AccessToken,
    position: Position,
    expires_at: Timestamp,
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
    expires_at: Timestamp,
}

/// A new pair, and what to keep as its refresh token.
#[derive(Clone, Copy)]
pub(crate) struct NewPair<'a> {
    pub(crate) pair: &'a TokenPair,
    pub(crate) refresh: &'a RefreshToken,
}

/// A change to be saved.
pub(crate) struct Change<'a> {
    pub(crate) event: &'a Event,
    pub(crate) pair: Option<NewPair<'a>>,
    /// The entry of the history that it ends.
    pub(crate) ends: Option<(Uuid, Ending)>,
    /// The pair that the event is about: when another one is there by now, the event came too late.
    pub(crate) about: Option<Position>,
}

impl Change<'_> {
    /// Whether the connection has moved on from the pair that it is about. For a new pair it is not too late when the
    /// store has gone back meanwhile: that is healed by it.
    fn is_too_late(&self, position: Option<Position>) -> bool {
        match (self.about, position) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(about), Some(position)) if self.pair.is_some() => position > about,
            (Some(about), Some(position)) => position != about,
        }
    }
}

/// How a change was saved.
pub(crate) enum Saved {
    /// As this, to be published.
    As(Published),
    /// Not now: somebody connected, disconnected or refreshed meanwhile, or it is there already. The entry has ended,
    /// and what the store holds is known.
    Superseded,
}

/// What is published after it was saved.
pub(crate) struct Published {
    seen: Seen,
    access: Access,
}

enum Access {
    Keep,
    Is(Option<AccessToken>),
}

impl Keeper {
    pub(super) fn new(id: ConnectionId, deployment: Arc<Deployment>) -> Self {
        Self {
            id,
            deployment,
            known: watch::Sender::new(Known::default()),
            live: ArcSwapOption::empty(),
            writing: Mutex::new(()),
        }
    }

    pub(crate) fn status(&self) -> Status {
        let known = self.known.borrow();
        Status::of(known.record(), known.refreshing, self.deployment.now())
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// The record, as saved.
    pub(crate) fn record(&self) -> Option<Record> {
        self.known.borrow().record().cloned()
    }

    /// The record with what is known here only: that Keap refused the access token.
    pub(super) fn current(&self) -> Option<Record> {
        let known = self.known.borrow();
        let record = known.record()?;
        if known.refused != Some(record.position) {
            return Some(record.clone());
        }
        self.deployment.step(Some(record), &Event::AccessRefused)
    }

    pub(super) fn set_refreshing(&self, since: Option<Timestamp>) {
        self.change(|known| known.refreshing = since);
    }

    /// Takes over what the store has.
    pub(crate) async fn reload(&self) -> Result<Option<Stored>, StoreError> {
        let _writing = self.writing.lock().await;
        self.read_again().await
    }

    /// What the store says counts, also when it has gone back. To be called with the lock held, so that nothing of our
    /// own is on its way.
    async fn read_again(&self) -> Result<Option<Stored>, StoreError> {
        let stored = self.deployment.store.load(&self.id).await?;
        self.take_over(stored.clone()).await?;
        Ok(stored)
    }

    /// Takes over what was read. If another process has changed the data key meanwhile, the keys are read again.
    pub(super) async fn take_over(&self, stored: Option<Stored>) -> Result<(), StoreError> {
        let Some(stored) = stored else { return Ok(()) };
        if self.adopt(&stored).is_ok() {
            return Ok(());
        }
        self.deployment.read_keys_again().await?;
        self.adopt(&stored)
    }

    fn adopt(&self, stored: &Stored) -> Result<(), StoreError> {
        let seen = Seen { record: stored.record.clone(), revision: stored.revision };
        if self.known.borrow().seen.as_ref() == Some(&seen) {
            return Ok(());
        }
        let position = seen.record.position;
        let tokens = stored.tokens.as_ref();
        let access = tokens.map(|pair| self.open_access(position, pair)).transpose()?;
        self.change(|known| {
            if position < known.newest {
                known.lend_what_is_live();
            }
            known.see(seen, Access::Is(access));
        });
        Ok(())
    }

    /// Whether the store holds an older pair than this process or its journal has seen in it.
    pub(super) async fn has_gone_back(&self, stored: &Stored) -> bool {
        let position = stored.record.position;
        if position < self.known.borrow().newest {
            return true;
        }
        let Some(journal) = &self.deployment.journal else { return false };
        journal.committed(&self.id).await.is_some_and(|committed| position < committed.position)
    }

    /// The highest position that this process or its journal has seen.
    pub(super) async fn newest(&self) -> Position {
        let newest = self.known.borrow().newest;
        let Some(journal) = &self.deployment.journal else { return newest };
        journal.committed(&self.id).await.map_or(newest, |committed| committed.position.max(newest))
    }

    /// Lets callers see and use what was saved. What is older than what they have is not published.
    pub(super) fn publish(&self, published: Published) {
        let Published { seen, access } = published;
        self.change(|known| {
            let is_old = known.seen.as_ref().is_some_and(|known| known.revision > seen.revision);
            if !is_old {
                known.see(seen, access);
            }
        });
    }

    /// The access token at hand, while it has not ended, and which one it is.
    pub(super) fn access_header(&self) -> Option<(Position, HeaderValue)> {
        let live = self.live_now()?;
        Some((live.position, live.header.clone()))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        self.known.send_modify(|known| {
            change(known);
            self.live.store(known.live().map(Arc::new));
        });
    }

    /// Lets callers use a pair that could not be saved yet: it is the only live one.
    pub(super) fn lend(&self, spent: Position, started_at: Timestamp, pair: &TokenPair) {
        let expires_at = later(started_at, pair.expires_in);
        let lent = Lent { access: pair.access.clone(), position: spent.next_generation(), expires_at };
        self.change(|known| known.lent = Some(lent));
    }

    fn seal(&self, position: Position, new: NewPair<'_>) -> SealedPair {
        let seal = |field, secret| {
            let place = Place { connection: &self.id, position, field };
            self.deployment.sealer.seal(place, secret, &*self.deployment.randomness)
        };
        SealedPair {
            access: seal(Field::Access, new.pair.access.expose()),
            refresh: seal(Field::Refresh, new.refresh.expose()),
        }
    }

    fn open(
        &self,
        position: Position,
        field: Field,
        pair: &SealedPair,
    ) -> Result<zeroize::Zeroizing<String>, StoreError> {
        let place = Place { connection: &self.id, position, field };
        let sealed = if field == Field::Access { &pair.access } else { &pair.refresh };
        self.deployment.sealer.open(place, sealed).map_err(|error| StoreError::new(error.to_string()))
    }

    pub(super) fn open_access(
        &self,
        position: Position,
        pair: &SealedPair,
    ) -> Result<AccessToken, StoreError> {
        Ok(AccessToken::new(self.open(position, Field::Access, pair)?.as_str()))
    }

    pub(super) fn open_refresh(
        &self,
        position: Position,
        pair: &SealedPair,
    ) -> Result<RefreshToken, StoreError> {
        Ok(RefreshToken::new(self.open(position, Field::Refresh, pair)?.as_str()))
    }

    /// Saves what an event makes of the connection. When others write meanwhile, it is applied to what they wrote.
    ///
    /// It can be called again with the same change after a failure: what was saved although the store said that it was
    /// not is not counted twice.
    pub(super) async fn save(&self, change: Change<'_>) -> Result<Saved, StoreError> {
        let _writing = self.writing.lock().await;
        loop {
            self.read_again().await?;
            // A pair is only ever stopped by the position: it may be the only live one.
            if change.pair.is_none() && self.has_ended(change.ends.as_ref()).await? {
                return Ok(Saved::Superseded);
            }
            let before = self.current();
            let position = before.as_ref().map(|record| record.position);
            if change.is_too_late(position) {
                return self.end_as_superseded(change.ends).await;
            }
            let after = self.deployment.step(before.as_ref(), change.event);
            let Some(record) = after else { return self.end_as_superseded(change.ends).await };
            if change.pair.is_some() && Some(record.position) == position {
                return self.end_as_superseded(change.ends).await;
            }
            if let Some(published) = self.try_save(record, position, &change).await? {
                return Ok(Saved::As(published));
            }
        }
    }

    /// Whether the entry that a change ends has ended already: by this very change, or by somebody who took over.
    async fn has_ended(&self, ends: Option<&(Uuid, Ending)>) -> Result<bool, StoreError> {
        let Some((entry, _)) = ends else { return Ok(false) };
        let open = self.deployment.store.open_entries(&self.id).await?;
        Ok(!open.iter().any(|open| open.id == *entry))
    }

    /// `None`: somebody else wrote first.
    async fn try_save(
        &self,
        record: Record,
        position: Option<Position>,
        change: &Change<'_>,
    ) -> Result<Option<Published>, StoreError> {
        let expected = self.known.borrow().seen.as_ref().map(|seen| seen.revision);
        let (tokens, access) = match change.pair {
            Some(new) => (
                Tokens::Replace(self.seal(record.position, new)),
                Access::Is(Some(new.pair.access.clone())),
            ),
            // A position that moved on without a pair belongs to a disconnection.
            None if position != Some(record.position) => (Tokens::Erase, Access::Is(None)),
            None => (Tokens::Keep, Access::Keep),
        };
        let write = Write { record: record.clone(), tokens, ends: change.ends.clone() };
        match self.deployment.store.swap(&self.id, expected, write).await? {
            Swap::Done => {
                let revision = expected.map_or(Revision::FIRST, Revision::next);
                Ok(Some(Published { seen: Seen { record, revision }, access }))
            }
            Swap::Lost => Ok(None),
        }
    }

    async fn end_as_superseded(&self, ends: Option<(Uuid, Ending)>) -> Result<Saved, StoreError> {
        if let Some((entry, ending)) = ends {
            let words = "somebody connected, disconnected or refreshed meanwhile".to_owned();
            let ending = Ending { outcome: Outcome::Superseded, words, ..ending };
            self.deployment.store.end_entry(&self.id, entry, ending).await?;
        }
        Ok(Saved::Superseded)
    }

    /// Saves and publishes what an event makes of the connection, without touching tokens.
    pub(crate) async fn save_event(&self, event: &Event) -> Result<(), StoreError> {
        // Another process may have made the difference.
        self.reload().await?;
        if self.is_without_effect(event) {
            return Ok(());
        }
        self.save_and_publish(Change { event, pair: None, ends: None, about: None }).await
    }

    pub(super) async fn save_and_publish(&self, change: Change<'_>) -> Result<(), StoreError> {
        if let Saved::As(published) = self.save(change).await? {
            self.publish(published);
        }
        Ok(())
    }

    fn is_without_effect(&self, event: &Event) -> bool {
        let record = self.record();
        self.deployment.step(record.as_ref(), event) == record
    }

    /// A token for a call, newer than `refused` when that one was turned away. Waits while one is on its way.
    pub(crate) async fn usable(&self, refused: Option<Position>) -> Result<Arc<Live>, Error> {
        if let Some(position) = refused {
            self.note_refused(position);
        }
        if let Some(live) = self.live_now() {
            return Ok(live);
        }
        let give_up_at = later(self.deployment.now(), self.deployment.patience);
        let mut known = self.known.subscribe();
        loop {
            let look = self.look(&known.borrow_and_update());
            if let Some(live) = self.live_now() {
                return Ok(live);
            }
            if let Look::Never(error) = look {
                return Err(error);
            }
            self.deployment.nudges.add(&self.id);
            if until(self.deployment.now(), give_up_at).is_zero() {
                return Err(Error::renewing(
                    "the access token is being renewed, which takes longer than usual; try again shortly",
                    Duration::from_secs(20),
                ));
            }
            // Waiting here is the caller's own; the refresh goes on whether or not anybody waits.
            tokio::select! {
                biased;
                _ = known.changed() => {}
                () = self.deployment.clock.sleep_until(give_up_at) => {}
            }
        }
    }

    fn live_now(&self) -> Option<Arc<Live>> {
        let live = self.live.load();
        let live = live.as_ref()?;
        (self.deployment.clock.now() < live.expires_at).then(|| live.clone())
    }

    /// Why there is no live token, and whether waiting helps.
    fn look(&self, known: &Known) -> Look {
        let linked = match known.record().map(|record| &record.link) {
            None => return Look::Never(not_connected("it has not been connected to Keap yet")),
            Some(Link::Disconnected { .. }) => {
                return Look::Never(not_connected("it was disconnected from Keap"));
            }
            Some(Link::Linked(linked)) => linked,
        };
        let wait = until(self.deployment.now(), linked.refresh_at).max(Duration::from_secs(1));
        match linked.health {
            Health::Lost(LostReason::Rejected) => {
                Look::Never(not_connected("Keap no longer accepts the connection"))
            }
            Health::Lost(LostReason::Expired) => {
                Look::Never(not_connected("the connection was not used for 45 days and has ended"))
            }
            Health::Restored(_) => Look::Never(not_connected(
                "the database was restored or copied, so the stored connection is not used before somebody decides",
            )),
            Health::Well => Look::Wait,
            _ if known.refreshing.is_some() => Look::Wait,
            Health::Misconfigured => Look::Never(Error::renewing(
                "Keap does not accept the client id or secret; correct the settings",
                wait,
            )),
            Health::Unreached { .. } | Health::Unconfirmed { .. } | Health::Suspect { .. } => {
                Look::Never(Error::renewing(self.why_renewing(known, linked), wait))
            }
        }
    }

    fn why_renewing(&self, known: &Known, linked: &Linked) -> &'static str {
        let is_refused =
            linked.access_refused || known.refused.is_some() && known.refused == known.position();
        if is_refused {
            return "Keap refuses the access token and gave no new one yet; it is asked again by itself";
        }
        "the access token has ended and Keap gave no new one yet; it is asked again by itself"
    }

    /// Keap refused an access token: if it is the current one, it is not used again and a refresh is due.
    fn note_refused(&self, position: Position) {
        if self.known.borrow().position() == Some(position) {
            self.change(|known| known.refused = Some(position));
        }
        self.deployment.nudges.add(&self.id);
    }
}

impl Published {
    pub(super) fn position(&self) -> Position {
        self.seen.record.position
    }
}

impl Known {
    pub(crate) fn record(&self) -> Option<&Record> {
        self.seen.as_ref().map(|seen| &seen.record)
    }

    fn see(&mut self, seen: Seen, access: Access) {
        let position = seen.record.position;
        if let Access::Is(access) = access {
            self.access = access;
        }
        self.lent.take_if(|lent| lent.position <= position);
        self.newest = self.newest.max(position);
        self.seen = Some(seen);
    }

    /// The store has gone back; the access token that it has forgotten is good all the same.
    fn lend_what_is_live(&mut self) {
        if let Some(live) = self.live() {
            let Live { token, position, expires_at, .. } = live;
            self.lent = Some(Lent { access: token, position, expires_at });
        }
    }

    fn position(&self) -> Option<Position> {
        self.record().map(|record| record.position)
    }

    /// The token that calls may use until it ends, whatever the health.
    fn live(&self) -> Option<Live> {
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

enum Look {
    Wait,
    Never(Error),
}

fn not_connected(why: &str) -> Error {
    Error::not_connected(format!("there is no connection to Keap: {why}. An administrator has to connect it"))
}
