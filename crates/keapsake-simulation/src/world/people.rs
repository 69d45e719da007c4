//! Those who use the connection: callers, and an administrator who connects it again when that is needed.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use keapsake::connection::ConnectionId;
use keapsake::connection::authorization::{CallbackError, Completed};
use keapsake::connection::record::Record;
use keapsake::store::Store as _;
use keapsake::{Error, Keap};
use tokio::time::{sleep, timeout};

use super::chance::Chance;
use super::database::Database;
use super::host::{Host, Process};
use super::keap::CANARY;
use super::network::{CALLER, Network};
use super::record;

/// After the last trouble the connection may need so long to be as if nothing had been.
const AFTERMATH: Duration = Duration::from_hours(1);

/// People around the hosts of a world.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) hosts: Arc<[Arc<Host>]>,
    pub(crate) network: Arc<Network>,
    pub(crate) database: Arc<Database>,
    pub(crate) chance: Chance,
}

impl People {
    /// Calls Keap now and then, on one host.
    pub(crate) async fn call_from(self, host: Arc<Host>, every: Duration) {
        loop {
            sleep(self.chance.any_span(every / 10, every * 2)).await;
            if let Some(process) = host.process() {
                let call = self.clone().call(process);
                tokio::spawn(CALLER.scope(self.chance.fork(), call));
            }
        }
    }

    async fn call(self, process: Process) {
        let patience = if self.chance.once_in(5) {
            self.chance.any_span(Duration::from_millis(1), Duration::from_secs(90))
        } else {
            Duration::from_hours(1)
        };
        let called = timeout(patience, process.keap.call(Method::GET, "/rest/v2/tags").send()).await;
        let diary = &self.network.truth.diary;
        match called {
            Err(_) => diary.count("callers that gave up"),
            Ok(Ok(_)) => diary.count("calls that worked"),
            Ok(Err(error)) => self.judge(&process, &error).await,
        }
    }

    /// A caller must not fail for lack of a token, unless nobody could have had one.
    async fn judge(&self, process: &Process, error: &Error) {
        let truth = &self.network.truth;
        let (words, kind) = (error.to_string(), format!("{error:?}"));
        if words.contains(CANARY) || kind.contains(CANARY) {
            truth.diary.violation(format_args!("an error has a token in it: {kind}"));
        }
        let is_about_the_token =
            error.needs_reconnect() || error.status() == Some(401) || kind.contains("Renewing");
        if !is_about_the_token {
            return;
        }
        truth.diary.count("calls without a token");
        truth.diary.note(format_args!("{} has no token for a call: {words}", process.id));
        if truth.calm() > AFTERMATH && self.network.keap.excuse().is_none() && self.is_for_machines().await {
            truth.diary.violation(format_args!("{} has no token for a call: {words}", process.id));
        }
    }

    /// Whether no person is needed.
    async fn is_for_machines(&self) -> bool {
        let state = self.state().await;
        !matches!(state, "NotConnected" | "Disconnected" | "Restored" | "Lost")
    }

    pub(crate) async fn state(&self) -> &'static str {
        record::state(self.record().await.as_ref())
    }

    pub(crate) async fn record(&self) -> Option<Record> {
        let stored = self.database.data().load(&ConnectionId::main()).await;
        stored.ok().flatten().map(|stored| stored.record)
    }

    fn any_process(&self) -> Option<Process> {
        let running: Vec<_> =
            self.hosts.iter().enumerate().filter(|(_, host)| host.process().is_some()).collect();
        let index = self.chance.one_of(&running.iter().map(|(index, _)| *index).collect::<Vec<_>>())?;
        self.hosts.get(index)?.process()
    }

    /// Looks after the connection.
    pub(crate) async fn administrate(self) {
        loop {
            if matches!(self.state().await, "NotConnected") {
                self.connect().await;
                sleep(Duration::from_mins(1)).await;
                continue;
            }
            sleep(self.chance.any_span(Duration::from_mins(10), Duration::from_hours(12))).await;
            self.look().await;
        }
    }

    async fn look(&self) {
        if let Some(process) = self.any_process() {
            self.check_words(&process.keap).await;
            if self.chance.once_in(10) {
                let _ = timeout(Duration::from_mins(1), process.keap.refresh()).await;
            }
        }
        match self.state().await {
            "Restored" | "Lost" | "Disconnected" => self.connect().await,
            _ => {}
        }
    }

    async fn check_words(&self, keap: &Keap) {
        let history = timeout(Duration::from_mins(1), keap.history(20)).await;
        let words = format!("{:?} {history:?}", keap.status());
        if words.contains(CANARY) {
            self.network.truth.diary.violation(format_args!("the status has a token in it: {words}"));
        }
    }

    pub(crate) async fn disconnect(&self) {
        let Some(process) = self.any_process() else { return };
        self.network.truth.diary.count("disconnections");
        self.network.truth.diary.note(format_args!("{} disconnects", process.id));
        let _ = timeout(Duration::from_mins(1), process.keap.disconnect()).await;
    }

    async fn connect(&self) {
        let Some(process) = self.any_process() else { return };
        let done = timeout(Duration::from_mins(5), self.authorize(&process.keap)).await;
        let truth = &self.network.truth;
        truth.diary.note(format_args!(
            "connected at {}: {:?}",
            process.id,
            done.as_ref().ok().map(Result::is_ok)
        ));
        match done {
            Ok(Ok(true)) => truth.diary.count("authorizations"),
            Ok(Ok(false)) | Err(_) => truth.diary.count("authorizations that failed"),
            Ok(Err(error)) => {
                truth.diary.count("authorizations that failed");
                if error.contains(CANARY) {
                    truth.diary.violation(format_args!("an error has a token in it: {error}"));
                }
            }
        }
    }

    async fn authorize(&self, keap: &Keap) -> Result<bool, String> {
        let in_words = |error: Error| error.to_string();
        let started = keap.start_authorization("an administrator", true).await.map_err(in_words)?;
        let query = self.network.keap.consent(&started.url);
        let key = Some(&started.browser_key);
        let received = keap.receive_callback(&query, key).await.map_err(|error| error.to_string())?;
        let completed = received.complete().await.map_err(in_words)?;
        // The browser's reload.
        let again = keap.receive_callback(&query, key).await;
        if !matches!(again, Err(CallbackError::UnknownFlow | CallbackError::Store(_))) {
            self.network.truth.diary.violation(format_args!("a callback is accepted twice"));
        }
        Ok(matches!(completed, Completed::Connected(_)))
    }
}
