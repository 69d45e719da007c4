//! A running sandbox.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::builder::SandboxBuilder;
use crate::clock::SandboxClock;
use crate::http::oauth_answer::{Decision, decide};
use crate::state::State;
use crate::state::accounts::Account;
use crate::state::faults::{Fault, FaultReport};
use crate::state::grants::{Grant, GrantReport, RevokedWhy};
use crate::state::records::RecordKey;
use crate::state::requests::RequestReport;
use crate::state::settings::Settings;

/// A running sandbox. It stops when it is shut down or dropped.
///
/// Everything that this handle can do, the control interface can do over HTTP.
#[must_use = "a sandbox stops when it is dropped"]
pub struct Sandbox {
    state: Arc<State>,
    address: SocketAddr,
    url: String,
    api_key: String,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    clock_keeper: JoinHandle<()>,
}

/// The data file could not be written. What was asked for has happened, but a restart may not know of it.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox could not write its data file; a full disk is the usual reason")]
pub struct NotSavedError;

/// An authorization request that leads to a page and not back to the application.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConsentError(String);

impl Sandbox {
    /// A sandbox that has not started yet.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    pub(crate) fn running(
        state: Arc<State>,
        address: SocketAddr,
        api_key: String,
        stop: CancellationToken,
        server: JoinHandle<()>,
    ) -> Self {
        let clock_keeper = tokio::spawn(keep_clock(state.clone()));
        let url = format!("http://{address}");
        Self { state, address, url, api_key, stop, server: Some(server), clock_keeper }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The service account key of the first account.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The clock on which everything here expires.
    pub fn clock(&self) -> SandboxClock {
        self.state.clock.clone()
    }

    /// Stops listening, lets open requests end, and returns when all is over.
    pub async fn shutdown(mut self) {
        // The last move of the clock may not have been written yet; a file that refuses it has been reported before.
        let _ = self.state.change(|world| world.touched.add(RecordKey::Clock)).await;
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // A panic in the server has already been printed.
            let _ = server.await;
        }
    }

    /// Adds a fault and says its number.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.state.look(|world| world.faults.add(fault))
    }

    /// Every fault with its uses, oldest first.
    pub fn faults(&self) -> Vec<FaultReport> {
        self.state.look(|world| world.faults.reports().cloned().collect())
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.state.look(|world| world.faults.clear());
    }

    /// Every grant, oldest first.
    pub fn grants(&self) -> Vec<GrantReport> {
        self.state.look(|world| world.grants.by_id.values().map(Grant::report).collect())
    }

    /// Ends one grant, as its person could. Says whether it was alive.
    ///
    /// # Errors
    ///
    /// Only with a data file that cannot be written.
    pub async fn revoke_grant(&self, id: u64) -> Result<bool, NotSavedError> {
        let now = self.state.clock.now();
        let revoked = self.state.change(|world| world.revoke(now, id, RevokedWhy::Person)).await;
        revoked.map_err(|_| NotSavedError)
    }

    /// Ends every grant and says how many were alive.
    ///
    /// # Errors
    ///
    /// Only with a data file that cannot be written.
    pub async fn revoke_grants(&self) -> Result<usize, NotSavedError> {
        let now = self.state.clock.now();
        self.state.change(|world| world.revoke_all(now)).await.map_err(|_| NotSavedError)
    }

    /// The latest requests, oldest first, at most 1,000.
    pub fn requests(&self) -> Vec<RequestReport> {
        self.requests_after(0)
    }

    /// Requests that came after this number.
    pub fn requests_after(&self, number: u64) -> Vec<RequestReport> {
        self.state.look(|world| world.requests.after(number))
    }

    /// Holds the number of the latest request, so that a test can wait for the next one.
    pub fn watch_requests(&self) -> watch::Receiver<u64> {
        self.state.look(|world| world.requests.watch())
    }

    /// The settings as they are.
    pub fn settings(&self) -> Settings {
        self.state.look(|world| world.settings.clone())
    }

    /// Changes settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.state.look(|world| change(&mut world.settings));
    }

    /// Every contact of an account with all it holds; nothing for an unknown account.
    pub fn contacts(&self, account: &str) -> Vec<Value> {
        self.state.look(|world| world.accounts.get(account).map(Account::raw_contacts).unwrap_or_default())
    }

    /// Every tag of an account.
    pub fn tags(&self, account: &str) -> Vec<Value> {
        self.state.look(|world| world.accounts.get(account).map(Account::raw_tags).unwrap_or_default())
    }

    /// Who wears which tag since when.
    pub fn applied(&self, account: &str) -> Vec<Value> {
        self.state.look(|world| world.accounts.get(account).map(Account::raw_applied).unwrap_or_default())
    }

    /// Creates a contact from the properties of a create request, with tags by name. Says its id, or nothing for an
    /// unknown account.
    ///
    /// # Errors
    ///
    /// Only with a data file that cannot be written.
    pub async fn add_contact(
        &self,
        account: &str,
        fields: Map<String, Value>,
        tags: &[&str],
    ) -> Result<Option<String>, NotSavedError> {
        let now = self.state.clock.now();
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let id = self.state.change(|world| world.plant_contact(account, now, fields, &tags)).await;
        Ok(id.map_err(|_| NotSavedError)?.map(|id| id.to_string()))
    }

    /// Does what a person at the browser would do with an authorize URL, and says where the browser would end.
    ///
    /// # Errors
    ///
    /// When the person would see an error page, with its text.
    pub async fn consent(
        &self,
        authorize_url: &str,
        account: &str,
        decision: Decision,
    ) -> Result<String, ConsentError> {
        let answered = decide(&self.state, authorize_url, Some(account), decision).await;
        answered.map_err(|error| ConsentError(error.to_string()))?.map_err(ConsentError)
    }

    /// Back to the beginning, apart from the clock and the service account key.
    ///
    /// # Errors
    ///
    /// Only with a data file that cannot be written.
    pub async fn reset(&self) -> Result<(), NotSavedError> {
        self.state.change(crate::state::world::World::reset).await.map_err(|_| NotSavedError)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
        self.clock_keeper.abort();
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Writes the clock down whenever somebody in this process moves it.
async fn keep_clock(state: Arc<State>) {
    let mut jumped = state.clock.jumped();
    while jumped.changed().await.is_ok() {
        if state.change(|world| world.touched.add(RecordKey::Clock)).await.is_err() {
            tracing::error!("the clock was moved, but that was not saved");
        }
    }
}
