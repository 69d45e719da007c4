//! One refresh: performs what [`protocol`](super::protocol) says, in its order.
//!
//! It runs in a task of its own that nobody cancels, never under a time-out, never inside a request handler.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use uuid::Uuid;

use super::history::{Ending, Entry, Kind, Outcome};
use super::keeper::Keeper;
use super::keeper::saving::{Change, NewPair, Published, Saved};
use super::protocol::{self, Phase, Reply};
use super::record::Position;
use super::step::Event;
use super::verdict::{Finding, judge};
use crate::clock::later;
use crate::journal::{self, Answer};
use crate::oauth::refresh;
use crate::secret::RefreshToken;
use crate::store::{Begin, Lease, StoreError, Stored};
use crate::transport::{Line, Reach, TransportError};

/// Two and a half times the longest a request may take: whoever has a lease has ended its attempt long before.
pub(super) const LEASE_LIFE: Duration = Duration::from_mins(5);

/// A saved answer is worth any patience: the old refresh token is spent.
const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How an attempt came out, for whoever decides when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// To its end; the record says when the next one is due.
    ToAnEnd,
    /// To nothing: another process has the lease, for so long at most.
    LeaseTaken(Duration),
    /// To nothing: an earlier request may still be carried out, for so long.
    Rests(Duration),
    /// To nothing: the store or the journal did not work.
    Trouble,
}

struct Attempt<'a> {
    keeper: &'a Keeper,
    started_at: Timestamp,
    came: Came,
    may_still_run: bool,
    hand: Hand,
}

/// What it has in hand so far.
#[derive(Default)]
struct Hand {
    spending: Option<Spending>,
    line: Option<Box<dyn Line>>,
    entry: Option<Uuid>,
    answer: Option<Response<Bytes>>,
    finding: Option<Finding>,
    saved: Option<Published>,
}

struct Spending {
    position: Position,
    token: RefreshToken,
}

impl Keeper {
    pub(super) async fn attempt(&self) -> Came {
        let started_at = self.deployment.now();
        let (came, may_still_run, hand) = (Came::ToAnEnd, false, Hand::default());
        let mut attempt = Attempt { keeper: self, started_at, came, may_still_run, hand };
        let mut phase = Phase::Lease;
        while phase != Phase::End {
            let reply = attempt.perform(phase).await;
            tracing::trace!(connection = %self.id, ?phase, ?reply, "one phase of a refresh");
            phase = protocol::next(self.deployment.order, phase, reply).unwrap_or(Phase::Release);
        }
        attempt.came
    }
}

impl Attempt<'_> {
    async fn perform(&mut self, phase: Phase) -> Reply {
        match phase {
            Phase::Lease => self.lease().await,
            Phase::Read => self.read().await,
            Phase::Open => self.open().await,
            Phase::Room => self.room().await,
            Phase::Intend => self.intend().await,
            Phase::Note => self.note().await,
            Phase::Send => self.send().await,
            Phase::Keep => self.keep().await,
            Phase::Save => self.save().await,
            Phase::Lend => self.lend().await,
            Phase::Close => self.close().await,
            Phase::Publish => self.publish(),
            Phase::TakeOver => self.take_over().await,
            Phase::Withdraw => self.withdraw().await,
            Phase::Release => self.release().await,
            Phase::End => Reply::Done,
        }
    }

    async fn lease(&mut self) -> Reply {
        let Keeper { id, deployment, .. } = self.keeper;
        let left = self.keeper.rest_left();
        if !left.is_zero() {
            self.came = Came::Rests(left);
            return Reply::Nothing;
        }
        let outcome = deployment.store.lease(id, deployment.owner, LEASE_LIFE).await;
        match self.heard(outcome) {
            Some(Lease::Held) => Reply::Done,
            Some(Lease::Taken { left }) => {
                self.came = Came::LeaseTaken(left);
                Reply::Nothing
            }
            None => Reply::Failed,
        }
    }

    /// What the store holds is what counts; it is adopted, and if nothing is due by it there is nothing to do.
    async fn read(&mut self) -> Reply {
        let read = self.read_due().await;
        match self.heard(read) {
            Some(Some(spending)) => {
                self.hand.spending = Some(spending);
                Reply::Done
            }
            Some(None) => Reply::Nothing,
            None => Reply::Failed,
        }
    }

    async fn read_due(&self) -> Result<Option<Spending>, StoreError> {
        let deployment = &self.keeper.deployment;
        let Some(stored) = self.keeper.reload().await? else { return Ok(None) };
        if self.keeper.has_gone_back(&stored).await {
            self.keeper.heal(&stored).await?;
            return Ok(None);
        }
        let Some(current) = self.keeper.current() else { return Ok(None) };
        // A refused access token makes it due now, which is a moment after this began.
        if current.due_at().is_none_or(|due| due > deployment.now()) {
            return Ok(None);
        }
        if let Some(reason) = deployment.restored_before(&stored.record) {
            self.keeper.save_event(&Event::Restored(reason)).await?;
            return Ok(None);
        }
        self.spending(&stored)
    }

    fn spending(&self, stored: &Stored) -> Result<Option<Spending>, StoreError> {
        let position = stored.record.position;
        let Some(pair) = &stored.tokens else { return Ok(None) };
        let token = self.keeper.open_refresh(position, pair)?;
        Ok(Some(Spending { position, token }))
    }

    async fn open(&mut self) -> Reply {
        let deployment = &self.keeper.deployment;
        // Not before the lease: that may have been waited for.
        self.started_at = deployment.now();
        self.keeper.set_refreshing(Some(self.started_at));
        let endpoint = refresh::endpoint(&deployment.application);
        match deployment.tokens.open(&endpoint).await {
            Ok(line) => {
                self.hand.line = Some(line);
                Reply::Done
            }
            Err(error) => self.without_answer(&error),
        }
    }

    fn without_answer(&mut self, error: &TransportError) -> Reply {
        self.hand.finding = Some(Finding::of_failure(error));
        match error.reach() {
            Reach::No => Reply::NotSent,
            Reach::Unknown | Reach::Yes => Reply::Unanswered,
        }
    }

    async fn room(&mut self) -> Reply {
        let Some(journal) = &self.keeper.deployment.journal else { return Reply::Done };
        let outcome = journal.has_room().await;
        self.journaled(outcome)
    }

    async fn intend(&mut self) -> Reply {
        let Some(position) = self.position() else { return Reply::Failed };
        let id = self.keeper.deployment.new_id();
        let entry = Entry { id, kind: Kind::Refresh, position, started_at: self.started_at, ending: None };
        let outcome = self.keeper.deployment.store.begin(&self.keeper.id, entry).await;
        match self.heard(outcome) {
            Some(Begin::Done) => {
                self.hand.entry = Some(id);
                Reply::Done
            }
            Some(Begin::Occupied) => Reply::Nothing,
            None => Reply::Failed,
        }
    }

    async fn note(&mut self) -> Reply {
        let Some(attempt) = self.noted() else { return Reply::Failed };
        self.append(journal::Record::Intent(attempt)).await
    }

    async fn send(&mut self) -> Reply {
        let (Some(line), Some(spending)) = (self.hand.line.take(), &self.hand.spending) else {
            return Reply::NotSent;
        };
        let request = refresh::request(&self.keeper.deployment.application, &spending.token);
        // The life of the new token is counted from here: at the latest from when it is issued.
        self.started_at = self.keeper.deployment.now();
        match line.send(request).await {
            Ok(answer) => {
                self.hand.answer = Some(answer);
                Reply::Done
            }
            Err(error) => self.without_answer(&error),
        }
    }

    async fn keep(&mut self) -> Reply {
        let (Some(attempt), Some(answer)) = (self.noted(), &self.hand.answer) else { return Reply::Failed };
        let (status, body) = (answer.status().as_u16(), answer.body().clone());
        self.append(journal::Record::Answer(Answer { attempt, status, body })).await
    }

    async fn save(&mut self) -> Reply {
        self.read_answer();
        self.may_still_run =
            self.hand.finding.as_ref().is_some_and(|finding| finding.event == Event::Unconfirmed);
        let saved = self.try_save().await;
        match self.heard(saved) {
            Some(Saved::As(published)) => {
                self.hand.saved = Some(*published);
                Reply::Done
            }
            Some(Saved::Superseded) => Reply::Nothing,
            None => Reply::Failed,
        }
    }

    fn read_answer(&mut self) {
        let (None, Some(answer), Some(spending)) =
            (&self.hand.finding, &self.hand.answer, &self.hand.spending)
        else {
            return;
        };
        let deployment = &self.keeper.deployment;
        deployment.trouble.skew(crate::alarm::skew(answer.headers(), self.started_at, deployment.now()));
        let finding =
            judge(answer, &deployment.application, &spending.token, spending.position, self.started_at);
        tracing::info!(
            connection = %self.keeper.id, position = %spending.position, outcome = finding.outcome.as_str(),
            words = finding.words, "refresh ended"
        );
        self.hand.finding = Some(finding);
    }

    async fn try_save(&self) -> Result<Saved, StoreError> {
        let (Some(finding), Some(spending)) = (&self.hand.finding, &self.hand.spending) else {
            return Ok(Saved::Superseded);
        };
        let ending = self.ending(finding.outcome, &finding.words);
        let pair = finding.pair.as_ref();
        let saved = self
            .keeper
            .save(Change {
                event: &finding.event,
                pair: pair
                    .map(|pair| NewPair { pair, refresh: pair.refresh.as_ref().unwrap_or(&spending.token) }),
                ends: self.hand.entry.map(|entry| (entry, ending.clone())),
                about: Some(spending.position),
            })
            .await?;
        if self.hand.entry.is_none() {
            self.add_to_history(spending.position, ending).await;
        }
        Ok(saved)
    }

    /// What never had an intent is in the history all the same. Its line is not worth a second attempt to save it.
    async fn add_to_history(&self, position: Position, ending: Ending) {
        let id = self.keeper.deployment.new_id();
        let (kind, started_at) = (Kind::Refresh, self.started_at);
        let entry = Entry { id, kind, position, started_at, ending: Some(ending) };
        if let Err(error) = self.keeper.deployment.store.begin(&self.keeper.id, entry).await {
            tracing::warn!(connection = %self.keeper.id, %error, "the history misses a refresh that was not sent");
        }
    }

    /// The store did not take it. Nothing is more important than to save it, so it is tried again for as long as it
    /// takes; meanwhile callers use the new pair.
    async fn lend(&mut self) -> Reply {
        let pair = self.hand.finding.as_ref().and_then(|finding| finding.pair.as_ref());
        if let (Some(pair), Some(position)) = (pair, self.position()) {
            self.keeper.lend(position, self.started_at, pair);
        }
        let clock = &self.keeper.deployment.clock;
        clock.sleep_until(later(clock.now(), SAVE_AGAIN_AFTER)).await;
        Reply::Done
    }

    async fn close(&mut self) -> Reply {
        let Some(entry) = self.hand.entry else { return Reply::Done };
        let record = match self.position_of_saved_pair() {
            Some(position) => journal::Record::Committed { connection: self.keeper.id.clone(), position },
            None => journal::Record::Closed { entry },
        };
        self.append(record).await
    }

    /// Where the store has the pair that this attempt brought, if it does.
    fn position_of_saved_pair(&self) -> Option<Position> {
        self.hand.finding.as_ref()?.pair.as_ref()?;
        if let Some(saved) = &self.hand.saved {
            return Some(saved.position());
        }
        // The store has it, although it had said that it has not.
        let brought = self.position()?.next_generation();
        self.keeper.record().filter(|record| record.position == brought).map(|record| record.position)
    }

    fn publish(&mut self) -> Reply {
        if let Some(saved) = self.hand.saved.take() {
            self.keeper.publish(saved);
        }
        self.keeper.set_refreshing(None);
        Reply::Done
    }

    /// Whoever began it is gone or has lost its lease: its request may have been carried out. If its answer is not in
    /// a journal here, the outcome is unknown.
    async fn take_over(&mut self) -> Reply {
        let outcome = match self.keeper.deployment.look_for_the_dead().await {
            Ok(()) => self.keeper.end_what_nobody_ends().await,
            Err(error) => Err(error),
        };
        self.may_still_run = true;
        self.keeper.set_refreshing(None);
        self.heard(outcome).map_or(Reply::Failed, |_| Reply::Done)
    }

    async fn withdraw(&mut self) -> Reply {
        self.keeper.set_refreshing(None);
        let Some(entry) = self.hand.entry else { return Reply::Done };
        let ending = self.ending(Outcome::NotSent, "the journal could not take it, so nothing was sent");
        let outcome = self.keeper.deployment.store.end_entry(&self.keeper.id, entry, ending).await;
        self.heard(outcome).map_or(Reply::Failed, |()| Reply::Done)
    }

    /// A request that got no answer may still be carried out: until it is presumed dead, by the store's time, no other
    /// process takes over, however far its clock is ahead.
    async fn release(&mut self) -> Reply {
        self.keeper.set_refreshing(None);
        let Keeper { id, deployment, .. } = self.keeper;
        let outcome = if self.may_still_run {
            self.keeper.rest().await
        } else {
            deployment.store.release(id, deployment.owner).await
        };
        self.heard(outcome).map_or(Reply::Failed, |()| Reply::Done)
    }

    fn position(&self) -> Option<Position> {
        self.hand.spending.as_ref().map(|spending| spending.position)
    }

    fn noted(&self) -> Option<journal::Attempt> {
        let (connection, started_at) = (self.keeper.id.clone(), self.started_at);
        Some(journal::Attempt { connection, position: self.position()?, entry: self.hand.entry?, started_at })
    }

    fn ending(&self, outcome: Outcome, words: &str) -> Ending {
        Ending { at: self.keeper.deployment.now(), outcome, words: words.to_owned() }
    }

    async fn append(&mut self, record: journal::Record) -> Reply {
        let Some(journal) = &self.keeper.deployment.journal else { return Reply::Done };
        let outcome = journal.append(record).await;
        self.journaled(outcome)
    }

    fn journaled<E: ToString>(&mut self, outcome: Result<(), E>) -> Reply {
        self.keeper.deployment.trouble.journal(&outcome);
        if let Err(error) = outcome {
            let error = error.to_string();
            tracing::error!(connection = %self.keeper.id, error, "the journal does not take what it should");
            self.came = Came::Trouble;
            return Reply::Failed;
        }
        Reply::Done
    }

    /// Remembers how the store did; `None` when it did not.
    fn heard<T>(&mut self, outcome: Result<T, StoreError>) -> Option<T> {
        self.keeper.deployment.trouble.store(&outcome);
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!(connection = %self.keeper.id, %error, "the store does not do what it should");
                self.came = Came::Trouble;
                None
            }
        }
    }
}
