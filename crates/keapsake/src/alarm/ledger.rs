//! What is raised, and which channel was told of it.
//!
//! The store decides, for all processes: a condition is raised under its word by exactly one of them, and that a channel
//! was told is noted as `word@channel`. While the store does not do it, this process keeps what it raised in memory,
//! and goes on from what it last read. A subject is a connection, or the deployment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::condition::Condition;
use super::wait::wait;
use crate::clock::Clock;
use crate::connection::ConnectionId;
use crate::connection::record::Record;
use crate::store::{Store, StoreError};

/// A store that takes longer is in trouble: an alarm does not wait for it.
const LONGEST_WAIT_S: u32 = 10;

/// Who remembers that a condition is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The store, for all processes.
    Store,
    /// This process, because the store did not do it.
    Memory,
}

/// A condition that is raised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raised {
    pub(super) since: Timestamp,
    pub(super) kept: Kept,
}

pub(super) struct Ledger {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    pages: Mutex<BTreeMap<ConnectionId, Page>>,
}

/// What this process knows of one subject.
#[derive(Debug, Clone, Default)]
struct Page {
    raised: BTreeMap<Condition, Raised>,
    told: BTreeMap<(Condition, String), Timestamp>,
}

impl Ledger {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, pages: Mutex::default() }
    }

    /// Takes over what the store has; what is kept in memory stays there.
    pub(super) async fn refresh(&self, subject: &ConnectionId) -> Result<(), StoreError> {
        let words = self.in_time(self.store.raised(subject)).await?;
        let mut read = Page::from_words(words);
        let mut pages = self.pages();
        if let Some(page) = pages.remove(subject) {
            let in_memory = page.raised.into_iter().filter(|(_, raised)| raised.kept == Kept::Memory);
            read.raised.extend(in_memory);
        }
        // Most connections have no trouble at all; nothing is kept for them.
        if !read.raised.is_empty() || !read.told.is_empty() {
            pages.insert(subject.clone(), read);
        }
        Ok(())
    }

    /// What is raised, as far as is known here.
    pub(super) fn raised(&self, subject: &ConnectionId) -> BTreeMap<Condition, Raised> {
        self.pages().get(subject).map(|page| page.raised.clone()).unwrap_or_default()
    }

    /// Since when the condition was raised of which the channel was told last, unless it was told of its end.
    pub(super) fn told(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        channel: &str,
    ) -> Option<Timestamp> {
        self.pages().get(subject)?.told.get(&(condition, channel.to_owned())).copied()
    }

    /// Raises a condition in the store; true for the one process that has to tell it.
    pub(super) async fn raise(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let won = self.in_time(self.store.raise(subject, condition.word(), since)).await?;
        let raised = Raised { since, kept: Kept::Store };
        self.pages().entry(subject.clone()).or_default().raised.insert(condition, raised);
        Ok(won)
    }

    /// Raises a condition in memory; false if this process has it raised already.
    pub(super) fn raise_here(&self, subject: &ConnectionId, condition: Condition, since: Timestamp) -> bool {
        let raised = Raised { since, kept: Kept::Memory };
        let mut pages = self.pages();
        let before = pages.entry(subject.clone()).or_default().raised.insert(condition, raised);
        before.is_none()
    }

    /// Clears a condition where it is kept; true for the one who has to tell it.
    pub(super) async fn clear(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        kept: Kept,
    ) -> Result<bool, StoreError> {
        let won = match kept {
            Kept::Store => self.in_time(self.store.clear(subject, condition.word())).await?,
            Kept::Memory => true,
        };
        let removed = self.pages().get_mut(subject).and_then(|page| page.raised.remove(&condition));
        Ok(won && (kept == Kept::Store || removed.is_some()))
    }

    /// Asks the store whether a channel counts as told; `None` when it does not say.
    pub(super) async fn is_told(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        channel: &str,
    ) -> Option<bool> {
        let words = self.in_time(self.store.raised(subject)).await.ok()?;
        let mark = mark(condition, channel);
        Some(words.iter().any(|(word, _)| *word == mark))
    }

    /// Notes that a channel was told of a condition that is raised since then.
    pub(super) async fn note_told(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        channel: &str,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let mark = mark(condition, channel);
        self.in_time(self.store.raise(subject, &mark, since)).await.map(|_| ())
    }

    /// Notes that a channel was told of a condition's end.
    pub(super) async fn note_ended(
        &self,
        subject: &ConnectionId,
        condition: Condition,
        channel: &str,
    ) -> Result<(), StoreError> {
        let mark = mark(condition, channel);
        self.in_time(self.store.clear(subject, &mark)).await.map(|_| ())
    }

    /// The connection as the store has it.
    pub(super) async fn record(&self, id: &ConnectionId) -> Result<Option<Record>, StoreError> {
        Ok(self.in_time(self.store.load(id)).await?.map(|stored| stored.record))
    }

    async fn in_time<T>(&self, asked: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, StoreError> {
        tokio::select! {
            answer = asked => answer,
            () = self.patience() => {
                Err(StoreError::new("the database did not answer in 10 seconds; see whether it is overloaded"))
            }
        }
    }

    /// A clock that is moved meanwhile ends one of its seconds only: it says nothing about the store.
    async fn patience(&self) {
        for _ in 0..LONGEST_WAIT_S {
            wait(&*self.clock, Duration::from_secs(1)).await;
        }
    }

    fn pages(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Words that are not known here are a newer version's, and left alone.
    fn from_words(words: Vec<(String, Timestamp)>) -> Self {
        let mut page = Self::default();
        for (word, since) in words {
            let (word, channel) = match word.split_once('@') {
                Some((word, channel)) => (word, Some(channel)),
                None => (word.as_str(), None),
            };
            match (Condition::from_word(word), channel) {
                (Some(condition), None) => {
                    page.raised.insert(condition, Raised { since, kept: Kept::Store });
                }
                (Some(condition), Some(channel)) => {
                    page.told.insert((condition, channel.to_owned()), since);
                }
                (None, _) => {}
            }
        }
        page
    }
}

fn mark(condition: Condition, channel: &str) -> String {
    format!("{condition}@{channel}")
}
