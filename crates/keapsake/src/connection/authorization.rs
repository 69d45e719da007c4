//! From the Connect button to the first saved pair.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::attempt::{in_words, new_id};
use super::flow::{FLOW_LIFE, Flow};
use super::history::{Ending, Entry, Kind, Outcome};
use super::keeper::Keeper;
use super::record::{Account, Position};
use super::step::Event;
use crate::clock::later;
use crate::error::Error;
use crate::oauth::answer::{self, TokenPair, Verdict};
use crate::oauth::callback::{Callback, MalformedCallback, Message, Refusal};
use crate::oauth::{Pkce, authorize, exchange};
use crate::secret::{AuthorizationCode, BrowserKey, PkceVerifier, State, digest};
use crate::store::seal::{Field, Place};
use crate::store::{StoreError, Swap, Tokens, Write};
use crate::transport::Reach;

/// A started authorization.
#[derive(Debug)]
pub struct Started {
    /// Where to send the administrator's browser.
    pub url: Url,
    /// To keep in a cookie of that browser for ten minutes (`HttpOnly`, `SameSite=Lax`), and to give to
    /// [`Keap::receive_callback`](crate::Keap::receive_callback).
    pub browser_key: BrowserKey,
}

/// A callback that belongs to a flow started here, in this browser. The flow is spent.
///
/// Ask whether the one who started it may still connect; then [`complete`](Received::complete) it, or drop it and
/// nothing is exchanged.
#[must_use]
pub struct Received {
    keeper: Arc<Keeper>,
    flow: Flow,
    message: Message,
}

/// A callback that cannot be accepted. Nothing was sent to Keap, and no connection was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// Keap does not send such callbacks.
    #[error("this is not an answer from Keap: {0}")]
    Malformed(#[from] MalformedCallback),
    /// No such flow was started, or it was used, or its ten minutes are over.
    #[error("this answer from Keap was used already, is too old, or was not asked for here")]
    UnknownFlow,
    /// The flow was started in another browser.
    #[error("the connection was started in another browser; start it again in this one")]
    OtherBrowser,
    /// The store failed; the flow may still be good.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A completed authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completed {
    /// Connected.
    Connected(Account),
    /// Keap gave no access.
    Refused(Refusal),
    /// The person chose another account than this connection belongs to. The old connection stays.
    OtherAccount {
        /// The account this connection belongs to.
        ours: Account,
        /// The one that was chosen.
        chosen: Account,
    },
    /// Keap did not exchange the code. Starting again is safe.
    NotExchanged {
        /// What happened, in words for people.
        words: String,
        /// Whether the client id or secret is to blame.
        misconfigured: bool,
    },
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("started_by", &self.flow.started_by).finish_non_exhaustive()
    }
}

impl Keeper {
    pub(crate) async fn start_authorization(
        &self,
        started_by: &str,
        switch_account: bool,
    ) -> Result<Started, Error> {
        let state = State::random(&*self.randomness);
        let browser_key = BrowserKey::random(&*self.randomness);
        let verifier = match self.application.pkce {
            Pkce::Off => None,
            Pkce::S256 => Some(PkceVerifier::random(&*self.randomness)),
        };
        let now = self.clock.now();
        let flow = Flow {
            state_digest: digest(state.expose()),
            browser_digest: digest(browser_key.expose()),
            started_by: started_by.to_owned(),
            switch_account,
            verifier: verifier.as_ref().map(|verifier| {
                self.sealer.seal(self.place_of_verifier(), verifier.expose(), &*self.randomness)
            }),
            expires_at: later(now, FLOW_LIFE),
        };
        self.store.add_flow(&self.id, flow, now).await?;
        let challenge = verifier.map(|verifier| verifier.challenge());
        Ok(Started { url: authorize::url(&self.application, &state, challenge.as_deref()), browser_key })
    }

    fn place_of_verifier(&self) -> Place<'_> {
        Place { connection: &self.id, position: Position::NONE, field: Field::Verifier }
    }

    pub(crate) async fn receive(
        self: &Arc<Self>,
        query: &str,
        browser_key: Option<&BrowserKey>,
    ) -> Result<Received, CallbackError> {
        let callback = Callback::parse(query)?;
        let state_digest = digest(callback.state.expose());
        let flow = self.store.peek_flow(&self.id, state_digest).await?.ok_or(CallbackError::UnknownFlow)?;
        if flow.expires_at <= self.clock.now() {
            return Err(CallbackError::UnknownFlow);
        }
        // A stranger's browser must not be able to spend the flow either.
        let is_same_browser = browser_key.is_some_and(|key| {
            bool::from(subtle::ConstantTimeEq::ct_eq(&digest(key.expose())[..], &flow.browser_digest[..]))
        });
        if !is_same_browser {
            return Err(CallbackError::OtherBrowser);
        }
        let flow = self.store.take_flow(&self.id, state_digest).await?.ok_or(CallbackError::UnknownFlow)?;
        Ok(Received { keeper: self.clone(), flow, message: callback.message })
    }

    async fn note(&self, started_at: Timestamp, outcome: Outcome, words: &str) -> Result<(), StoreError> {
        let position = self.known.borrow().record.as_ref().map_or(Position::NONE, |record| record.position);
        let ending = Ending { at: self.clock.now(), outcome, words: words.to_owned() };
        let id = new_id(&*self.randomness);
        let entry = Entry { id, kind: Kind::Authorization, position, started_at, ending: Some(ending) };
        self.store.add_entry(&self.id, entry).await
    }

    async fn exchange(&self, flow: Flow, code: AuthorizationCode) -> Result<Completed, Error> {
        let started_at = self.clock.now();
        let verifier =
            flow.verifier.as_ref().map(|sealed| self.sealer.open(self.place_of_verifier(), sealed));
        let verifier = verifier.transpose().map_err(|error| StoreError::new(error.to_string()))?;
        let verifier = verifier.map(|text| PkceVerifier::new(text.as_str()));
        let request = exchange::request(&self.application, &code, verifier.as_ref());
        let answer = match self.transport.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let words = match error.reach() {
                    Reach::No => format!("Keap could not be reached: {error}"),
                    Reach::Unknown | Reach::Yes => format!("Keap did not answer: {error}"),
                };
                return self.not_exchanged(started_at, Outcome::Unconfirmed, words).await;
            }
        };
        let sent = [code.expose(), self.application.client_secret.expose()];
        match answer::read(&answer, &sent) {
            Verdict::Granted(pair) => self.accept(&flow, pair, started_at).await,
            Verdict::Misconfigured(said) => {
                self.not_exchanged(started_at, Outcome::Misconfigured, in_words(&said)).await
            }
            Verdict::Rejected(said) => {
                self.not_exchanged(started_at, Outcome::Rejected, in_words(&said)).await
            }
            Verdict::Throttled(said) | Verdict::Unconfirmed(said) => {
                self.not_exchanged(started_at, Outcome::Unconfirmed, in_words(&said)).await
            }
        }
    }

    async fn not_exchanged(
        &self,
        started_at: Timestamp,
        outcome: Outcome,
        words: String,
    ) -> Result<Completed, Error> {
        self.note(started_at, outcome, &words).await?;
        Ok(Completed::NotExchanged { words, misconfigured: outcome == Outcome::Misconfigured })
    }

    /// Saves the first pair of a new lineage in the place of whatever was there.
    async fn accept(&self, flow: &Flow, pair: TokenPair, started_at: Timestamp) -> Result<Completed, Error> {
        let Some(refresh) = &pair.refresh else {
            let words = "Keap's answer has no refresh token".to_owned();
            return self.not_exchanged(started_at, Outcome::Unconfirmed, words).await;
        };
        let chosen = Account { host: pair.account.clone(), name: None };
        let ours = self.known.borrow().record.as_ref().map(|record| record.account.clone());
        if let Some(ours) = ours.filter(|ours| ours.differs_from(&chosen) && !flow.switch_account) {
            let words = format!("{chosen} was chosen, but this connection belongs to {ours}");
            self.note(started_at, Outcome::OtherAccount, &words).await?;
            return Ok(Completed::OtherAccount { ours, chosen });
        }
        let event = Event::Authorized { started_at, life: pair.expires_in, account: chosen.clone() };
        self.save_lineage(&event, &pair, refresh).await?;
        self.note(started_at, Outcome::Done, &format!("connected to {chosen}")).await?;
        Ok(Completed::Connected(chosen))
    }

    async fn save_lineage(
        &self,
        event: &Event,
        pair: &TokenPair,
        refresh: &crate::secret::RefreshToken,
    ) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        loop {
            let expected = self.known.borrow().record.as_ref().map(|record| record.position);
            let Some(record) = self.after(event) else { return Ok(()) };
            let tokens = Tokens::Replace(self.seal(record.position, pair, refresh));
            let write = Write { record: record.clone(), tokens, ends: None };
            match self.store.swap(&self.id, expected, write).await? {
                Swap::Done => {
                    self.known.send_modify(|known| {
                        known.record = Some(record);
                        known.access = Some(pair.access.clone());
                    });
                    return Ok(());
                }
                Swap::Lost => self.reload().await?,
            }
        }
    }

    pub(crate) async fn disconnect(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        loop {
            let expected = self.known.borrow().record.as_ref().map(|record| record.position);
            let Some(record) = self.after(&Event::Disconnected) else { return Ok(()) };
            if Some(record.position) == expected {
                return Ok(());
            }
            let write = Write { record: record.clone(), tokens: Tokens::Erase, ends: None };
            match self.store.swap(&self.id, expected, write).await? {
                Swap::Done => {
                    self.known.send_modify(|known| {
                        known.record = Some(record.clone());
                        known.access = None;
                    });
                    return self.note_disconnection(record.position).await;
                }
                Swap::Lost => self.reload().await?,
            }
        }
    }

    async fn note_disconnection(&self, position: Position) -> Result<(), StoreError> {
        let now = self.clock.now();
        let ending = Ending { at: now, outcome: Outcome::Done, words: String::new() };
        let id: Uuid = new_id(&*self.randomness);
        let entry = Entry { id, kind: Kind::Disconnection, position, started_at: now, ending: Some(ending) };
        self.store.add_entry(&self.id, entry).await
    }
}

impl Received {
    /// Who started the flow, in the words given to
    /// [`Keap::start_authorization`](crate::Keap::start_authorization).
    pub fn started_by(&self) -> &str {
        &self.flow.started_by
    }

    /// Exchanges the code and saves the pair.
    ///
    /// The exchange runs in a task of its own: a browser that hangs up meanwhile does not cancel it.
    ///
    /// # Errors
    /// When the store fails. If that was after the exchange, the pair is lost: connect again.
    pub async fn complete(self) -> Result<Completed, Error> {
        let Self { keeper, flow, message } = self;
        let code = match message {
            Message::Refused(refusal) => {
                let now = keeper.clock.now();
                keeper.note(now, Outcome::Rejected, refusal.explanation()).await?;
                return Ok(Completed::Refused(refusal));
            }
            Message::Granted(code) => code,
        };
        let exchange = tokio::spawn(async move { keeper.exchange(flow, code).await });
        exchange.await.unwrap_or_else(|_| {
            Err(Error::request("the exchange of the code was interrupted; connect again"))
        })
    }
}
