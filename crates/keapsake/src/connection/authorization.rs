//! From the Connect button to the first saved pair.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::deployment::Deployment;
use super::flow::{FLOW_LIFE, Flow};
use super::history::{Ending, Entry, Kind, Outcome};
use super::keeper::Keeper;
use super::keeper::saving::{Change, NewPair, Saved};
use super::record::{Account, Position};
use super::step::Event;
use super::verdict::in_words;
use crate::clock::later;
use crate::error::Error;
use crate::journal::{Answer, Attempt, Record};
use crate::oauth::answer::{self, TokenPair, Verdict};
use crate::oauth::callback::{Callback, MalformedCallback, Message, Refusal};
use crate::oauth::{Pkce, authorize, exchange};
use crate::secret::{AuthorizationCode, BrowserKey, PkceVerifier, State, digest};
use crate::store::StoreError;
use crate::store::seal::{Field, Place};
use crate::transport::{Reach, TransportError};

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
        let Deployment { application, sealer, randomness, store, .. } = &*self.deployment;
        // What is sealed first for a connection must not be sealed by a data key that is on its way out.
        self.deployment.read_keys_again().await?;
        let state = State::random(&**randomness);
        let browser_key = BrowserKey::random(&**randomness);
        let verifier = match application.pkce {
            Pkce::Off => None,
            Pkce::S256 => Some(PkceVerifier::random(&**randomness)),
        };
        let now = self.deployment.now();
        let flow = Flow {
            state_digest: digest(state.expose()),
            browser_digest: digest(browser_key.expose()),
            started_by: started_by.to_owned(),
            switch_account,
            verifier: verifier
                .as_ref()
                .map(|verifier| sealer.seal(self.place_of_verifier(), verifier.expose(), &**randomness)),
            expires_at: later(now, FLOW_LIFE),
        };
        store.add_flow(&self.id, flow, now).await?;
        let challenge = verifier.map(|verifier| verifier.challenge());
        Ok(Started { url: authorize::url(application, &state, challenge.as_deref()), browser_key })
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
        let flow = self
            .deployment
            .store
            .peek_flow(&self.id, state_digest)
            .await?
            .ok_or(CallbackError::UnknownFlow)?;
        if flow.expires_at <= self.deployment.now() {
            return Err(CallbackError::UnknownFlow);
        }
        // A stranger's browser must not be able to spend the flow either.
        let is_same_browser = browser_key.is_some_and(|key| {
            bool::from(subtle::ConstantTimeEq::ct_eq(&digest(key.expose())[..], &flow.browser_digest[..]))
        });
        if !is_same_browser {
            return Err(CallbackError::OtherBrowser);
        }
        let flow = self
            .deployment
            .store
            .take_flow(&self.id, state_digest)
            .await?
            .ok_or(CallbackError::UnknownFlow)?;
        Ok(Received { keeper: self.clone(), flow, message: callback.message })
    }

    /// Writes down that a code is about to be exchanged.
    async fn begin_exchange(&self, started_at: Timestamp) -> Result<Uuid, StoreError> {
        let id = self.deployment.new_id();
        let entry =
            Entry { id, kind: Kind::Authorization, position: self.position(), started_at, ending: None };
        self.deployment.store.begin(&self.id, entry).await.map(|_| id)
    }

    fn position(&self) -> Position {
        self.record().map_or(Position::NONE, |record| record.position)
    }

    async fn end(&self, entry: Uuid, outcome: Outcome, words: &str) -> Result<(), StoreError> {
        self.deployment.store.end_entry(&self.id, entry, self.ending(outcome, words)).await?;
        self.append(Record::Closed { entry }).await;
        Ok(())
    }

    fn ending(&self, outcome: Outcome, words: &str) -> Ending {
        Ending { at: self.deployment.now(), outcome, words: words.to_owned() }
    }

    async fn append(&self, record: Record) {
        let Some(journal) = &self.deployment.journal else { return };
        let outcome = journal.append(record).await;
        self.deployment.trouble.journal(&outcome);
    }

    async fn exchange(&self, flow: Flow, code: AuthorizationCode) -> Result<Completed, Error> {
        let started_at = self.deployment.now();
        let verifier = self.verifier(&flow).await?;
        let entry = self.begin_exchange(started_at).await?;
        let application = &self.deployment.application;
        let request = exchange::request(application, &code, verifier.as_ref());
        let answer = match self.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let words = match error.reach() {
                    Reach::No => format!("Keap could not be reached: {error}"),
                    Reach::Unknown | Reach::Yes => format!("Keap did not answer: {error}"),
                };
                return self.not_exchanged(entry, Outcome::Unconfirmed, words).await;
            }
        };
        self.keep(entry, started_at, &answer).await;
        let sent = [code.expose(), application.client_secret.expose()];
        match answer::read(&answer, &sent) {
            Verdict::Granted(pair) => self.accept(&flow, pair, started_at, entry).await,
            Verdict::Misconfigured(said) => {
                self.not_exchanged(entry, Outcome::Misconfigured, in_words(&said)).await
            }
            Verdict::Rejected(said) => self.not_exchanged(entry, Outcome::Rejected, in_words(&said)).await,
            Verdict::Throttled(said) | Verdict::Unconfirmed(said) => {
                self.not_exchanged(entry, Outcome::Unconfirmed, in_words(&said)).await
            }
        }
    }

    async fn verifier(&self, flow: &Flow) -> Result<Option<PkceVerifier>, StoreError> {
        let Some(sealed) = &flow.verifier else { return Ok(None) };
        self.deployment.read_keys_again().await?;
        let text = self.deployment.sealer.open(self.place_of_verifier(), sealed);
        let text = text.map_err(|error| StoreError::new(error.to_string()))?;
        Ok(Some(PkceVerifier::new(text.as_str())))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.deployment.tokens.open(request.uri()).await?.send(request).await
    }

    /// The raw answer is durable before it is read, as with a refresh.
    async fn keep(&self, entry: Uuid, started_at: Timestamp, answer: &Response<Bytes>) {
        let position = self.newest().await.before_next_lineage();
        let attempt = Attempt { connection: self.id.clone(), position, entry, started_at };
        let (status, body) = (answer.status().as_u16(), answer.body().clone());
        self.append(Record::Answer(Answer { attempt, status, body })).await;
    }

    async fn not_exchanged(&self, entry: Uuid, outcome: Outcome, words: String) -> Result<Completed, Error> {
        self.end(entry, outcome, &words).await?;
        Ok(Completed::NotExchanged { words, misconfigured: outcome == Outcome::Misconfigured })
    }

    /// Saves the first pair of a new lineage in the place of whatever was there.
    async fn accept(
        &self,
        flow: &Flow,
        pair: TokenPair,
        started_at: Timestamp,
        entry: Uuid,
    ) -> Result<Completed, Error> {
        if pair.refresh.is_none() {
            let words = "Keap's answer has no refresh token".to_owned();
            return self.not_exchanged(entry, Outcome::Unconfirmed, words).await;
        }
        let chosen = Account { host: pair.account.clone(), name: None };
        if !self.is_welcome(&pair, flow.switch_account) {
            let ours = self.record().map(|record| record.account).unwrap_or_default();
            let words = format!("{chosen} was chosen, but this connection belongs to {ours}");
            self.end(entry, Outcome::OtherAccount, &words).await?;
            return Ok(Completed::OtherAccount { ours, chosen });
        }
        self.save_first_pair(&pair, started_at, entry).await?;
        Ok(Completed::Connected(chosen))
    }

    /// Whether it is for the account that the connection belongs to, or another one is welcome.
    pub(super) fn is_welcome(&self, pair: &TokenPair, switch_account: bool) -> bool {
        let chosen = Account { host: pair.account.clone(), name: None };
        switch_account || self.record().is_none_or(|record| !record.account.differs_from(&chosen))
    }

    pub(super) async fn save_first_pair(
        &self,
        pair: &TokenPair,
        started_at: Timestamp,
        entry: Uuid,
    ) -> Result<(), StoreError> {
        let Some(refresh) = &pair.refresh else { return Ok(()) };
        let account = Account { host: pair.account.clone(), name: None };
        let ending = self.ending(Outcome::Done, &format!("connected to {account}"));
        let lineage = self.newest().await.before_next_lineage().lineage;
        let event = Event::Authorized { lineage, started_at, life: pair.expires_in, account };
        let change = Change {
            event: &event,
            pair: Some(NewPair { pair, refresh }),
            ends: Some((entry, ending)),
            about: None,
        };
        if let Saved::As(published) = self.save(change).await? {
            self.note_committed(published.position()).await;
            self.publish(*published);
            self.deployment.nudges.came.notify_one();
        }
        self.deployment.settle_with_one_connection().await
    }

    pub(crate) async fn disconnect(&self) -> Result<(), StoreError> {
        let before = self.position();
        self.save_event(&Event::Disconnected).await?;
        let position = self.position();
        if position == before {
            return Ok(());
        }
        self.note_committed(position).await;
        let ending = self.ending(Outcome::Done, "");
        let (id, started_at) = (self.deployment.new_id(), ending.at);
        let entry = Entry { id, kind: Kind::Disconnection, position, started_at, ending: Some(ending) };
        self.deployment.store.begin(&self.id, entry).await.map(|_| ())
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
                let entry = keeper.begin_exchange(keeper.deployment.now()).await?;
                keeper.end(entry, Outcome::Rejected, refusal.explanation()).await?;
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
