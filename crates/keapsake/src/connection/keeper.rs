//! The one place in this process that owns a connection's tokens.
//!
//! Every change is first saved in the store, fenced by the revision it builds on, and then published on a `watch`.
//! Callers only ever wait on the watch: nothing a caller does can cancel a refresh.
//!
//! - `known`: what this process knows, and the token that calls use.
//! - `saving`: a change is saved first.
//! - `sealing`: tokens on their way into the store and out of it.
//! - `usable`: a token for a call.

pub(crate) mod known;
pub(crate) mod saving;

mod sealing;
mod usable;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

use super::ConnectionId;
use super::deployment::Deployment;
use super::record::{Position, Record};
use super::status::Status;
use super::step::Event;
use crate::clock::later;
use crate::oauth::answer::TokenPair;
use crate::store::{StoreError, Stored};
use known::{Access, Known, Lent, Live, Seen};
use saving::Published;

pub(crate) struct Keeper {
    pub(crate) id: ConnectionId,
    pub(crate) deployment: Arc<Deployment>,
    known: watch::Sender<Known>,
    /// What calls use, when it is good: read without a lock.
    live: ArcSwapOption<Live>,
    /// Held while the record is changed, never across a request.
    writing: Mutex<()>,
    /// By the steady clock: until then a request that got no answer may still be carried out.
    rests_until: std::sync::Mutex<Duration>,
}

impl Keeper {
    pub(super) fn new(id: ConnectionId, deployment: Arc<Deployment>) -> Self {
        Self {
            id,
            deployment,
            known: watch::Sender::new(Known::default()),
            live: ArcSwapOption::empty(),
            writing: Mutex::new(()),
            rests_until: std::sync::Mutex::default(),
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

    /// How long nothing may be sent, because a request that got no answer may still be carried out.
    pub(super) fn rest_left(&self) -> Duration {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_sub(self.deployment.clock.steady())
    }

    /// Nothing is sent for a while: not by this process, however its clock is set, and not by another, by the store's
    /// time.
    pub(super) async fn rest(&self) -> Result<(), StoreError> {
        let Deployment { store, owner, policy, clock, .. } = &*self.deployment;
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = clock.steady() + policy.rest();
        store.lease(&self.id, *owner, policy.rest()).await.map(|_| ())
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
}
