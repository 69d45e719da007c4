//! One refresh, from the intent to the saved pair. The order is the design:
//!
//! 1. read the store again; somebody may have been here;
//! 2. write down the intent;
//! 3. send one request, once;
//! 4. save the new pair, fenced by the position, and keep trying until it is saved;
//! 5. only then let anybody use it.
//!
//! The journal and the lease will stand between 2 and 3, and 3 and 4.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::history::{Ending, Entry, Kind, Outcome};
use super::keeper::Keeper;
use super::record::{Link, Position, Record};
use super::schedule::REFRESH_LIFE;
use super::step::Event;
use crate::clock::later;
use crate::error::retry_after;
use crate::oauth::answer::{self, Complaint, TokenPair, Verdict};
use crate::oauth::refresh;
use crate::secret::RefreshToken;
use crate::store::{StoreError, Stored, Swap, Tokens, Write};
use crate::transport::Reach;

/// A saved answer is worth any patience: the old refresh token is spent.
const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What one refresh came to.
struct Finding {
    event: Event,
    outcome: Outcome,
    words: String,
    pair: Option<TokenPair>,
}

impl Keeper {
    /// Makes one attempt. Runs in the refresher only, never under a time-out or inside a request handler.
    ///
    /// # Errors
    /// When the store failed before anything was sent: nothing has changed, try again later.
    pub(super) async fn attempt(&self) -> Result<(), StoreError> {
        let Some((stored, refresh_token)) = self.read_again().await? else { return Ok(()) };
        let started_at = self.clock.now();
        if is_too_old(&stored.record, started_at) {
            return self.save_event(&Event::Expired, None).await;
        }
        let entry = self.intend(stored.record.position, started_at).await?;
        self.known.send_modify(|known| known.refreshing = Some(started_at));
        let finding = self.ask(&refresh_token, started_at).await;
        self.record(stored.record.position, entry, finding, &refresh_token).await;
        self.known.send_modify(|known| known.refreshing = None);
        Ok(())
    }

    /// What the store holds, when it is what we know; otherwise we take over what it holds, and there is nothing
    /// to refresh now.
    async fn read_again(&self) -> Result<Option<(Stored, RefreshToken)>, StoreError> {
        let stored = self.store.load(&self.id).await?;
        let known = self.known.borrow().record.as_ref().map(|record| record.position);
        if stored.as_ref().map(|stored| stored.record.position) != known {
            self.adopt(stored)?;
            return Ok(None);
        }
        let Some(stored) = stored else { return Ok(None) };
        let Some(pair) = &stored.tokens else { return Ok(None) };
        let refresh_token = self.open_refresh(stored.record.position, pair)?;
        Ok(Some((stored, refresh_token)))
    }

    async fn intend(&self, position: Position, started_at: Timestamp) -> Result<Uuid, StoreError> {
        let id = new_id(&*self.randomness);
        let entry = Entry { id, kind: Kind::Refresh, position, started_at, ending: None };
        self.store.add_entry(&self.id, entry).await?;
        Ok(id)
    }

    async fn ask(&self, refresh_token: &RefreshToken, started_at: Timestamp) -> Finding {
        let request = refresh::request(&self.application, refresh_token);
        let answer = match self.transport.send(request).await {
            Ok(answer) => answer,
            Err(error) if error.reach() == Reach::No => {
                let event = Event::NotSent { retry_after: None };
                return Finding::without_pair(event, Outcome::NotSent, error.to_string());
            }
            Err(error) => {
                return Finding::without_pair(Event::Unconfirmed, Outcome::Unconfirmed, error.to_string());
            }
        };
        let sent = [refresh_token.expose(), self.application.client_secret.expose()];
        match answer::read(&answer, &sent) {
            Verdict::Granted(pair) => Finding::granted(pair, started_at),
            Verdict::Throttled(said) => {
                let event = Event::NotSent { retry_after: retry_after(answer.headers()) };
                Finding::without_pair(event, Outcome::NotSent, in_words(&said))
            }
            Verdict::Rejected(said) => {
                Finding::without_pair(Event::Rejected, Outcome::Rejected, in_words(&said))
            }
            Verdict::Misconfigured(said) => {
                Finding::without_pair(Event::Misconfigured, Outcome::Misconfigured, in_words(&said))
            }
            Verdict::Unconfirmed(said) => {
                Finding::without_pair(Event::Unconfirmed, Outcome::Unconfirmed, in_words(&said))
            }
        }
    }

    /// Saves what an attempt found, for as long as it takes.
    async fn record(&self, position: Position, entry: Uuid, finding: Finding, spent: &RefreshToken) {
        tracing::info!(
            connection = %self.id, %position, outcome = finding.outcome.as_str(), words = finding.words,
            "refresh ended"
        );
        loop {
            match self.try_record(position, entry, &finding, spent).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(connection = %self.id, %position, %error, "a refresh could not be saved; trying again");
                    self.clock.sleep_until(later(self.clock.now(), SAVE_AGAIN_AFTER)).await;
                }
            }
        }
    }

    async fn try_record(
        &self,
        position: Position,
        entry: Uuid,
        finding: &Finding,
        spent: &RefreshToken,
    ) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let current = self.known.borrow().record.as_ref().map(|record| record.position);
        let record = if current == Some(position) { self.after(&finding.event) } else { None };
        let ending = |outcome, words: &str| Ending { at: self.clock.now(), outcome, words: words.to_owned() };
        let Some(record) = record else {
            let words = "somebody connected or disconnected meanwhile";
            return self.store.end_entry(&self.id, entry, ending(Outcome::Superseded, words)).await;
        };
        let tokens = match &finding.pair {
            None => Tokens::Keep,
            Some(pair) => {
                let refresh = pair.refresh.as_ref().unwrap_or(spent);
                Tokens::Replace(self.seal(record.position, pair, refresh))
            }
        };
        let ends = Some((entry, ending(finding.outcome, &finding.words)));
        let write = Write { record: record.clone(), tokens, ends };
        match self.store.swap(&self.id, Some(position), write).await? {
            Swap::Done => self.known.send_modify(|known| {
                known.record = Some(record);
                known.refreshing = None;
                if let Some(pair) = &finding.pair {
                    known.access = Some(pair.access.clone());
                }
            }),
            Swap::Lost => self.reload().await?,
        }
        Ok(())
    }

    /// Saves and publishes what an event makes of the connection, without touching tokens.
    pub(crate) async fn save_event(
        &self,
        event: &Event,
        ends: Option<(Uuid, Ending)>,
    ) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let Some(record) = self.after(event) else { return Ok(()) };
        let position = record.position;
        let write = Write { record: record.clone(), tokens: Tokens::Keep, ends };
        match self.store.swap(&self.id, Some(position), write).await? {
            Swap::Done => self.known.send_modify(|known| known.record = Some(record)),
            Swap::Lost => self.reload().await?,
        }
        Ok(())
    }

    /// After a start: an attempt without an ending was cut off by a crash, so its outcome is unknown.
    pub(crate) async fn end_what_a_crash_cut_off(&self) -> Result<(), StoreError> {
        let current = self.known.borrow().record.as_ref().map(|record| record.position);
        let open = self.store.history(&self.id, 50).await?.into_iter().filter(|entry| entry.ending.is_none());
        for entry in open {
            let words = "the program ended before the answer was saved".to_owned();
            let ending = Ending { at: self.clock.now(), outcome: Outcome::Unconfirmed, words };
            if entry.kind == Kind::Refresh && Some(entry.position) == current {
                self.save_event(&Event::Unconfirmed, Some((entry.id, ending))).await?;
            } else {
                self.store.end_entry(&self.id, entry.id, ending).await?;
            }
        }
        Ok(())
    }
}

impl Finding {
    fn without_pair(event: Event, outcome: Outcome, words: String) -> Self {
        Self { event, outcome, words, pair: None }
    }

    fn granted(pair: TokenPair, started_at: Timestamp) -> Self {
        let event = Event::Refreshed { started_at, life: pair.expires_in, rotated: pair.refresh.is_some() };
        Self { event, outcome: Outcome::Done, words: String::new(), pair: Some(pair) }
    }
}

fn is_too_old(record: &Record, now: Timestamp) -> bool {
    matches!(&record.link, Link::Linked(linked) if now >= later(linked.refresh_issued_at, REFRESH_LIFE))
}

/// An id for an entry of the history.
pub(super) fn new_id(randomness: &dyn crate::randomness::Randomness) -> Uuid {
    uuid::Builder::from_random_bytes(crate::randomness::bytes(randomness)).into_uuid()
}

pub(super) fn in_words(said: &Complaint) -> String {
    format!("Keap answered {}: {}", said.status, said.words)
}
