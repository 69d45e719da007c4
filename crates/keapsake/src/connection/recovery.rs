//! What a start does before anything is refreshed: takes over what a dead process left, and recognises a store that
//! is not where or what it was.
//!
//! 1. The journals of dead processes are read. Their answers are saved, their leases freed, their open requests ended
//!    as unconfirmed.
//! 2. A store that holds an older pair than a journal has seen was restored from a backup, or has lost a commit.
//! 3. A store that is another copy than the one it was written in was restored or copied, unless a journal shows that
//!    it holds the newest pair.
//!
//! What was recognised is not refreshed: the refresh token may be spent, or another deployment may use it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::ConnectionId;
use super::attempt::LEASE_LIFE;
use super::deployment::Deployment;
use super::history::{Ending, Entry, Kind, Outcome};
use super::keeper::Keeper;
use super::keeper::saving::{Change, NewPair, Saved};
use super::record::{Position, RestoredReason};
use super::step::Event;
use super::verdict::judge;
use crate::clock::later;
use crate::journal::{Answer, Damage, Record, Recovered};
use crate::oauth::answer::{self, TokenPair, Verdict};
use crate::secret::RefreshToken;
use crate::store::{Lease, StoreError, Stored};

impl Deployment {
    /// To be called once, before the refresher starts.
    pub(crate) async fn recover(self: &Arc<Self>, recovered: Option<Recovered>) -> Result<(), StoreError> {
        let Some(recovered) = recovered else { return self.check_incarnation(&BTreeMap::new(), true).await };
        self.take_over_from_the_dead(&recovered).await?;
        self.check_positions(&recovered.positions).await?;
        let is_copied = recovered.damage.iter().any(|damage| matches!(damage, Damage::Copied { .. }));
        self.check_incarnation(&recovered.positions, is_copied).await
    }

    /// Another process was cut off; if it was on this machine, its answer may be in its journal.
    pub(super) async fn look_for_the_dead(self: &Arc<Self>) -> Result<(), StoreError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        // It may have sealed its answer with a newer data key than we know.
        self.read_keys_again().await?;
        let recovered = journal.recover().await;
        self.trouble.journal(&recovered);
        match recovered {
            Ok(recovered) => self.take_over_from_the_dead(&recovered).await,
            Err(_) => Ok(()),
        }
    }

    async fn take_over_from_the_dead(self: &Arc<Self>, recovered: &Recovered) -> Result<(), StoreError> {
        for answer in &recovered.answers {
            self.replay(answer).await?;
        }
        self.end_what_the_dead_left(recovered).await?;
        if let Some(journal) = &self.journal {
            self.trouble.journal(&journal.adopt().await);
        }
        Ok(())
    }

    /// Saves what a journaled answer brought, if it is news.
    async fn replay(self: &Arc<Self>, answer: &Answer) -> Result<(), StoreError> {
        let keeper = self.keeper(&answer.attempt.connection).await?;
        if answer.attempt.position.generation == 0 {
            return keeper.replay_exchange(answer).await;
        }
        let open = self.store.open_entries(&keeper.id).await?;
        let entry = open.into_iter().find(|entry| entry.id == answer.attempt.entry);
        keeper.replay_refresh(answer, entry).await
    }

    async fn end_what_the_dead_left(self: &Arc<Self>, recovered: &Recovered) -> Result<(), StoreError> {
        for owner in &recovered.dead_owners {
            self.store.release_all(*owner).await?;
        }
        for attempt in &recovered.open {
            let open = self.store.open_entries(&attempt.connection).await?;
            if let Some(entry) = open.iter().find(|entry| entry.id == attempt.entry) {
                let keeper = self.keeper(&attempt.connection).await?;
                keeper.end_as_unconfirmed(entry).await?;
                keeper.rest().await?;
            }
        }
        Ok(())
    }

    async fn check_positions(
        self: &Arc<Self>,
        positions: &BTreeMap<ConnectionId, Position>,
    ) -> Result<(), StoreError> {
        for (id, seen) in positions {
            let Some(stored) = self.store.load(id).await? else { continue };
            if stored.record.position < *seen {
                self.keeper(id).await?.heal(&stored).await?;
            }
        }
        Ok(())
    }

    /// A copy that a journal of this place knows is the same data, moved.
    async fn check_incarnation(
        self: &Arc<Self>,
        positions: &BTreeMap<ConnectionId, Position>,
        is_copied: bool,
    ) -> Result<(), StoreError> {
        let Some(identity) = self.store.identity().await? else { return Ok(()) };
        let incarnation = self.store.incarnation().await?;
        if identity.incarnation == incarnation {
            return Ok(());
        }
        if !is_copied && self.are_current(positions).await? {
            return self.store.settle(incarnation).await;
        }
        if self.store.connections(None, 1).await?.is_empty() {
            return self.store.settle(incarnation).await;
        }
        tracing::warn!(
            "the store is another copy than the one it was written in; nothing is refreshed from it"
        );
        self.set_restored(Some(RestoredReason::Copied));
        Ok(())
    }

    async fn are_current(
        self: &Arc<Self>,
        positions: &BTreeMap<ConnectionId, Position>,
    ) -> Result<bool, StoreError> {
        for (id, seen) in positions {
            let stored = self.store.load(id).await?;
            if stored.is_none_or(|stored| stored.record.position < *seen) {
                return Ok(false);
            }
        }
        Ok(!positions.is_empty())
    }

    /// Whoever lives through a change of the copy (a failover, a file put in its place) and finds nothing older in it than
    /// it has seen, knows that it is the same data.
    pub(super) async fn settle_what_was_lived_through(&self) -> Result<(), StoreError> {
        let Some(identity) = self.store.identity().await? else { return Ok(()) };
        let incarnation = self.store.incarnation().await?;
        if self.is_restored() || identity.incarnation == incarnation {
            return Ok(());
        }
        let mut known = 0;
        for keeper in self.loaded() {
            let Some(stored) = self.store.load(&keeper.id).await? else { continue };
            if keeper.has_gone_back(&stored).await {
                return Ok(());
            }
            known += 1;
        }
        if known > 0 { self.store.settle(incarnation).await } else { Ok(()) }
    }

    /// When the only connection was made anew, nothing in the store is from before.
    pub(super) async fn settle_with_one_connection(&self) -> Result<(), StoreError> {
        if self.is_restored() && self.store.connections(None, 2).await?.len() < 2 {
            return self.adopt_store().await;
        }
        Ok(())
    }

    /// A person says that this store is the one to go on with.
    pub(crate) async fn adopt_store(&self) -> Result<(), StoreError> {
        let incarnation = self.store.incarnation().await?;
        self.store.settle(incarnation).await?;
        self.set_restored(None);
        Ok(())
    }
}

impl Keeper {
    /// The store holds an older pair than it has held: it was restored from a backup, or a failover has lost what was
    /// saved. When the newest answer is in the journal it is saved again; else nothing is refreshed, because the pair
    /// in the store is spent.
    pub(super) async fn heal(&self, stored: &Stored) -> Result<(), StoreError> {
        tracing::warn!(connection = %self.id, stored = %stored.record.position, "the store has gone back");
        if let Some(answer) = self.newest_answer().await {
            self.replay_refresh(&answer, None).await?;
        }
        if self.record().is_some_and(|record| record.position > stored.record.position) {
            return Ok(());
        }
        self.save_event(&Event::Restored(RestoredReason::Older)).await
    }

    /// A person says that what the store holds is to be gone on with. It becomes the first pair of a lineage that
    /// nobody has seen, so that whatever was newer before is older now.
    pub(crate) async fn adopt_pair(&self) -> Result<(), StoreError> {
        let Some(Stored { record, tokens: Some(sealed), .. }) = self.reload().await? else { return Ok(()) };
        let refresh = self.open_refresh(record.position, &sealed)?;
        let access = self.open_access(record.position, &sealed)?;
        let pair = TokenPair { access, refresh: None, expires_in: Duration::ZERO, account: None };
        let lineage = self.newest().await.before_next_lineage().lineage;
        let event = Event::Adopted { lineage };
        let new = NewPair { pair: &pair, refresh: &refresh };
        let change = Change { event: &event, pair: Some(new), ends: None, about: Some(record.position) };
        if let Saved::As(published) = self.save(change).await? {
            self.note_committed(published.position()).await;
            self.publish(*published);
        }
        Ok(())
    }

    /// The answer that brought the newest pair, if the journal has it.
    async fn newest_answer(&self) -> Option<Answer> {
        self.deployment.journal.as_ref()?.committed(&self.id).await?.answer
    }

    async fn replay_refresh(&self, answer: &Answer, entry: Option<Entry>) -> Result<(), StoreError> {
        let attempt = &answer.attempt;
        let spent = self.refresh_token_at(attempt.position).await?;
        let response = as_response(answer);
        let application = &self.deployment.application;
        let kept = spent.clone().unwrap_or_else(|| RefreshToken::new(""));
        let finding = judge(&response, application, &kept, attempt.position, attempt.started_at);
        let refresh = finding.pair.as_ref().and_then(|pair| pair.refresh.as_ref()).or(spent.as_ref());
        let (Some(pair), Some(refresh)) = (&finding.pair, refresh) else {
            return match entry {
                Some(entry) => self.end_as_unconfirmed(&entry).await,
                None => Ok(()),
            };
        };
        let words = "the answer was in the journal of a program that had ended".to_owned();
        let ending = Ending { at: self.deployment.now(), outcome: Outcome::Done, words };
        let saved = self
            .save(Change {
                event: &finding.event,
                pair: Some(NewPair { pair, refresh }),
                ends: entry.map(|entry| (entry.id, ending)),
                about: None,
            })
            .await?;
        if let Saved::As(published) = saved {
            tracing::info!(connection = %self.id, position = %published.position(), "a pair came back from the journal");
            self.publish(*published);
        }
        let brought = attempt.position.next_generation();
        if self.record().is_some_and(|record| record.position == brought) {
            self.note_committed(brought).await;
        }
        Ok(())
    }

    /// A code that was exchanged for a pair which was not saved: it is saved now, if it is for the same account.
    async fn replay_exchange(&self, answer: &Answer) -> Result<(), StoreError> {
        let attempt = &answer.attempt;
        let ending =
            |outcome, words: &str| Ending { at: self.deployment.now(), outcome, words: words.to_owned() };
        let Verdict::Granted(pair) = answer::read(&as_response(answer), &[]) else {
            let ending = ending(Outcome::Unconfirmed, "the program ended before the answer was read");
            return self.deployment.store.end_entry(&self.id, attempt.entry, ending).await;
        };
        let is_late = self.record().is_some_and(|record| record.position >= attempt.position);
        let words =
            "the answer was in the journal of a program that had ended; connect again if it is wanted";
        if is_late || !self.is_welcome(&pair, false) {
            let ending = ending(Outcome::Superseded, words);
            return self.deployment.store.end_entry(&self.id, attempt.entry, ending).await;
        }
        self.save_first_pair(&pair, attempt.started_at, attempt.entry).await
    }

    async fn refresh_token_at(&self, position: Position) -> Result<Option<RefreshToken>, StoreError> {
        let Some(stored) = self.deployment.store.load(&self.id).await? else { return Ok(None) };
        match stored.tokens {
            Some(pair) if stored.record.position == position => self.open_refresh(position, &pair).map(Some),
            _ => Ok(None),
        }
    }

    /// With the lease that nobody else has, open entries are those of the dead. To be called at a start.
    pub(crate) async fn tidy(&self) -> Result<(), StoreError> {
        let Deployment { store, owner, .. } = &*self.deployment;
        if self.record().is_none() || store.lease(&self.id, *owner, LEASE_LIFE).await? != Lease::Held {
            return Ok(());
        }
        if self.end_what_nobody_ends().await? > 0 {
            return self.rest().await;
        }
        store.release(&self.id, *owner).await
    }

    /// Ends entries that nobody else will end, and says how many refreshes were among them. To be called with the
    /// lease.
    pub(super) async fn end_what_nobody_ends(&self) -> Result<usize, StoreError> {
        let mut refreshes = 0;
        for entry in self.deployment.store.open_entries(&self.id).await? {
            let is_running = later(entry.started_at, LEASE_LIFE) > self.deployment.now();
            if entry.kind == Kind::Refresh || !is_running {
                self.end_as_unconfirmed(&entry).await?;
                refreshes += usize::from(entry.kind == Kind::Refresh);
            }
        }
        Ok(refreshes)
    }

    /// Ends an entry whose request was sent and whose answer nobody has.
    async fn end_as_unconfirmed(&self, entry: &Entry) -> Result<(), StoreError> {
        let words = "the program ended before the answer was saved".to_owned();
        let ending = Ending { at: self.deployment.now(), outcome: Outcome::Unconfirmed, words };
        if entry.kind != Kind::Refresh {
            return self.deployment.store.end_entry(&self.id, entry.id, ending).await;
        }
        self.save_and_publish(Change {
            event: &Event::Unconfirmed,
            pair: None,
            ends: Some((entry.id, ending)),
            about: Some(entry.position),
        })
        .await
    }

    pub(super) async fn note_committed(&self, position: Position) {
        let Some(journal) = &self.deployment.journal else { return };
        let outcome = journal.append(Record::Committed { connection: self.id.clone(), position }).await;
        self.deployment.trouble.journal(&outcome);
    }
}

fn as_response(answer: &Answer) -> Response<Bytes> {
    let mut response = Response::new(answer.body.clone());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
