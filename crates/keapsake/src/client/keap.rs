//! The one type an application holds.

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;
use url::Url;

use super::builder::{Builder, Credentials};
use super::call::{Call, Credential};
use super::process::Process;
use crate::clock::Clock;
use crate::connection::ConnectionId;
use crate::connection::authorization::{CallbackError, Received, Started};
use crate::connection::diagnosis::Diagnosis;
use crate::connection::history::Entry;
use crate::connection::keeper::Keeper;
use crate::connection::record::Position;
use crate::connection::status::Status;
use crate::connection::step::Event;
use crate::error::Error;
use crate::oauth::{Application, Endpoints};
use crate::secret::{ApiKey, BrowserKey};
use crate::store::Store;
use crate::store::seal::SealingKey;
use crate::transport::Transport;

/// A connection to Keap: cheap to clone, made to be kept in an application's state.
///
/// It keeps itself alive: a task refreshes the tokens when they are due, as long as a clone exists. Stop with
/// [`Keap::stop`], so that a running refresh can finish.
///
/// An application whose users bring Keap accounts of their own has one connection for each, all in one store:
/// [`Keap::connection`] gives any of them, and one task keeps them all.
#[derive(Clone)]
pub struct Keap(Arc<Inner>);

pub(super) struct Inner {
    mode: Mode,
    api: Url,
    transport: Arc<dyn Transport>,
    process: Arc<Process>,
}

pub(super) enum Mode {
    OAuth(Arc<Keeper>),
    ApiKey(ApiKey),
}

impl Keap {
    /// A connection by OAuth. Its tokens are kept in `store`, sealed with `key`.
    pub fn oauth(application: Application, store: Arc<dyn Store>, key: SealingKey) -> Builder {
        Builder::new(Credentials::OAuth { application, store, key })
    }

    /// Calls with a Service Account Key or Personal Access Token instead of OAuth.
    pub fn api_key(key: ApiKey, endpoints: Endpoints) -> Builder {
        Builder::new(Credentials::ApiKey { key, endpoints })
    }

    pub(super) fn new(mode: Mode, api: Url, transport: Arc<dyn Transport>, process: Process) -> Self {
        Self(Arc::new(Inner { mode, api, transport, process: Arc::new(process) }))
    }

    /// Another connection of the same store; it need not exist yet. One task keeps them all alive, whether or not
    /// anybody holds them, and all share what the application may ask of Keap.
    ///
    /// # Errors
    /// When the store fails, or calls are made with an API key.
    pub async fn connection(&self, id: &ConnectionId) -> Result<Self, Error> {
        let keeper = self.keeper()?.deployment.open(id).await?;
        let Inner { api, transport, process, .. } = &*self.0;
        Ok(Self(Arc::new(Inner {
            mode: Mode::OAuth(keeper),
            api: api.clone(),
            transport: transport.clone(),
            process: process.clone(),
        })))
    }

    /// Any operation: `keap.call(Method::GET, "/rest/v2/users")`.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// How the connection is. Costs nothing; ask as often as you like.
    pub fn status(&self) -> Status {
        match &self.0.mode {
            Mode::OAuth(keeper) => keeper.status(),
            Mode::ApiKey(_) => Status::of_api_key(self.now()),
        }
    }

    /// What happened to the connection, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, limit: u32) -> Result<Vec<Entry>, Error> {
        match &self.0.mode {
            Mode::OAuth(keeper) => Ok(keeper.deployment.store.history(&keeper.id, limit).await?),
            Mode::ApiKey(_) => Ok(Vec::new()),
        }
    }

    /// Waits until the status may be another one.
    pub async fn changed(&self) {
        match &self.0.mode {
            Mode::OAuth(keeper) => {
                let _ = keeper.subscribe().changed().await;
            }
            Mode::ApiKey(_) => std::future::pending().await,
        }
    }

    /// Starts an authorization: send the browser to [`Started::url`] and give it [`Started::browser_key`] as a
    /// cookie. `started_by` is yours: what you need to see, at the callback, whether that person may still do it.
    ///
    /// With `switch_account` the person may choose another Keap account than before.
    ///
    /// # Errors
    /// When the store fails, or the connection is by API key.
    pub async fn start_authorization(
        &self,
        started_by: &str,
        switch_account: bool,
    ) -> Result<Started, Error> {
        self.keeper()?.start_authorization(started_by, switch_account).await
    }

    /// Takes the query of a request to the redirect address, and the browser's key from its cookie.
    ///
    /// Of any number of requests with the same query, one gets a [`Received`].
    ///
    /// # Errors
    /// [`CallbackError`]: nothing was sent to Keap and nothing was changed.
    pub async fn receive_callback(
        &self,
        query: &str,
        browser_key: Option<&BrowserKey>,
    ) -> Result<Received, CallbackError> {
        match &self.0.mode {
            Mode::OAuth(keeper) => keeper.receive(query, browser_key).await,
            Mode::ApiKey(_) => Err(CallbackError::UnknownFlow),
        }
    }

    /// Erases the tokens. Disconnecting twice is the same as once. A refresh on its way cannot bring the
    /// connection back.
    ///
    /// Keap has no documented way to revoke a grant: the access can be removed in Keap by its users.
    ///
    /// # Errors
    /// When the store fails; the connection is as it was.
    pub async fn disconnect(&self) -> Result<(), Error> {
        Ok(self.keeper()?.disconnect().await?)
    }

    /// Asks Keap for the account's name and remembers it for [`Keap::status`].
    ///
    /// # Errors
    /// As any call.
    pub async fn learn_account_name(&self) -> Result<(), Error> {
        let profile = self.account().business_profile().await?;
        if let (Mode::OAuth(keeper), Some(name)) = (&self.0.mode, profile.name) {
            let account = crate::connection::record::Account { host: None, name: Some(name) };
            keeper.save_event(&Event::Named(account)).await?;
        }
        Ok(())
    }

    /// Refreshes now, although it is not due yet. Returns at once; [`Keap::changed`] and [`Keap::status`] tell.
    ///
    /// # Errors
    /// When the store fails, or calls are made with an API key.
    pub async fn refresh(&self) -> Result<(), Error> {
        let keeper = self.keeper()?;
        keeper.save_event(&Event::Asked).await?;
        keeper.deployment.nudges.add(&keeper.id);
        Ok(())
    }

    /// Goes on with a store that was restored from a backup, or copied ([`Phase::Restored`]): to be asked of a person
    /// who knows that no other deployment uses the same connection. One refresh then shows whether its token is good.
    ///
    /// # Errors
    /// When the store fails, or calls are made with an API key.
    ///
    /// [`Phase::Restored`]: crate::connection::status::Phase::Restored
    pub async fn adopt(&self) -> Result<(), Error> {
        let keeper = self.keeper()?;
        keeper.deployment.adopt_store().await?;
        keeper.adopt_pair().await?;
        keeper.deployment.nudges.add(&keeper.id);
        Ok(())
    }

    /// What is between Keap and this process, for people and monitors: the journal, the alarms that are raised, what
    /// the store and the clock are like.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn diagnosis(&self) -> Result<Diagnosis, Error> {
        match &self.0.mode {
            Mode::OAuth(keeper) => Ok(keeper.diagnosis().await?),
            Mode::ApiKey(_) => Ok(Diagnosis::default()),
        }
    }

    /// What a call does to get its token, and nothing else: for measuring.
    ///
    /// # Errors
    /// As any call that does not get a token.
    #[doc(hidden)]
    pub async fn ready(&self) -> Result<(), Error> {
        self.credential(None).await.map(drop)
    }

    /// Makes the refresher look at once, after the clock was moved, say.
    pub fn wake(&self) {
        if let Mode::OAuth(keeper) = &self.0.mode {
            keeper.deployment.nudges.came.notify_one();
        }
    }

    /// Lets running refreshes finish and starts no other. Calls with a live token still work.
    pub async fn stop(&self) {
        self.0.process.stop().await;
    }

    /// The application at Keap; `None` with an API key.
    pub fn application(&self) -> Option<&Application> {
        match &self.0.mode {
            Mode::OAuth(keeper) => Some(&keeper.deployment.application),
            Mode::ApiKey(_) => None,
        }
    }

    /// The clock it runs on.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.0.process.clock()
    }

    /// The time on its clock.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    pub(super) fn api(&self) -> &Url {
        &self.0.api
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.0.transport
    }

    pub(super) fn can_renew(&self) -> bool {
        matches!(self.0.mode, Mode::OAuth(_))
    }

    pub(super) async fn credential(&self, refused: Option<Position>) -> Result<Credential, Error> {
        match &self.0.mode {
            Mode::ApiKey(key) => Credential::api_key(key.expose()),
            Mode::OAuth(keeper) => Ok(Credential::bearer(keeper.usable(refused).await?)),
        }
    }

    pub(super) fn keeper(&self) -> Result<&Arc<Keeper>, Error> {
        match &self.0.mode {
            Mode::OAuth(keeper) => Ok(keeper),
            Mode::ApiKey(_) => Err(Error::request(
                "this application talks to Keap with an API key, so there is no connection of its own",
            )),
        }
    }
}
