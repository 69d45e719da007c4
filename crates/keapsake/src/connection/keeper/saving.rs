//! A change is saved first, fenced by what it builds on, and published afterwards.

use uuid::Uuid;

use super::Keeper;
use super::known::{Access, Seen};
use crate::connection::history::{Ending, Outcome};
use crate::connection::record::{Position, Record};
use crate::connection::step::Event;
use crate::oauth::answer::TokenPair;
use crate::secret::RefreshToken;
use crate::store::{Revision, StoreError, Swap, Tokens, Write};

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
    As(Box<Published>),
    /// Not now: somebody connected, disconnected or refreshed meanwhile, or it is there already. The entry has ended,
    /// and what the store holds is known.
    Superseded,
}

/// What is published after it was saved.
pub(crate) struct Published {
    pub(super) seen: Seen,
    pub(super) access: Access,
}

impl Published {
    pub(in crate::connection) fn position(&self) -> Position {
        self.seen.record.position
    }
}

impl Keeper {
    /// Saves what an event makes of the connection. When others write meanwhile, it is applied to what they wrote.
    ///
    /// It can be called again with the same change after a failure: what was saved although the store said that it was
    /// not is not counted twice.
    pub(in crate::connection) async fn save(&self, change: Change<'_>) -> Result<Saved, StoreError> {
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
                return Ok(Saved::As(Box::new(published)));
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
            Some(new) => {
                (Tokens::Replace(self.seal(record.position, new)), Access::Is(Some(new.pair.access.clone())))
            }
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

    pub(in crate::connection) async fn save_and_publish(&self, change: Change<'_>) -> Result<(), StoreError> {
        if let Saved::As(published) = self.save(change).await? {
            self.publish(*published);
        }
        Ok(())
    }

    fn is_without_effect(&self, event: &Event) -> bool {
        let record = self.record();
        self.deployment.step(record.as_ref(), event) == record
    }
}
