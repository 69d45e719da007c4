//! The only module that knows the Keap SDK: what sign-ups and presses mean for Keap.
//!
//! - `connection`: the connection by the settings.
//! - `alarms`: who hears of trouble with it, by the settings.
//! - `readiness`: whether it can be relied on.
//! - `effects`: a sign-up and a first press, in Keap's words.
//! - `linking`: the contact's id lands on the user's row.
//! - `gate`: who may see the panel.

mod alarms;
mod connection;
mod effects;
mod gate;
mod linking;
mod readiness;

use std::sync::Arc;

use axum::Router;
use keapsake::delivery::{Outbox, Worker};
use keapsake::store::SqliteStore;
use keapsake::{Clock, Keap};
use keapsake_panel::Panel;
use sqlx::SqliteConnection;

use crate::accounts::{NewUser, UserId};
use crate::config::{Config, Origin};
use crate::database::Database;
use crate::sessions::Sessions;
use crate::web::admin::{HOME_PATH, PANEL_PATH};
use crate::web::icon_path;

pub use connection::Endpoint;
pub use readiness::Readiness;

/// The application's side of Keap. A cheap handle.
///
/// Its hooks run inside the caller's transaction: the effect is stored with the row that caused it, or neither is.
/// None of them waits for Keap.
#[derive(Clone)]
pub struct KeapSide {
    keap: Keap,
    outbox: Outbox,
}

/// What has to be stopped at the end.
pub struct Running {
    keap: Keap,
    worker: Worker,
}

impl KeapSide {
    /// Opens the connection's store in the application's database, and starts keeping the connection alive and
    /// delivering. `clock` is Keap's time: the machine's, or the sandbox's.
    pub async fn start(
        config: &Config,
        endpoint: Endpoint,
        database: &Database,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<(Self, Running)> {
        let store = SqliteStore::open(database.writer().clone()).await?;
        let keap = connection::start(config, endpoint, &store, clock.clone()).await?;
        let outbox = Outbox::new(&store, clock);
        let worker = Worker::start(outbox.clone(), keap.clone(), Arc::new(linking::Linking));
        Ok((Self { keap: keap.clone(), outbox }, Running { keap, worker }))
    }

    /// A person signed up: they become a contact in Keap, whose id is then written to their row.
    pub async fn signed_up(&self, tx: &mut SqliteConnection, user: &NewUser) -> anyhow::Result<()> {
        self.outbox.enqueue(tx, &effects::signed_up(user)).await?;
        Ok(())
    }

    /// A person pressed the button for the first time: their contact gets the tag, once it exists.
    pub async fn first_press(&self, tx: &mut SqliteConnection, user_id: &UserId) -> anyhow::Result<()> {
        self.outbox.enqueue(tx, &effects::first_press(user_id)).await?;
        Ok(())
    }

    /// Tells the delivery that there may be something new. To be called after the commit, and never waits.
    pub fn wake(&self) {
        self.outbox.wake();
    }

    /// The admin pages for the connection.
    pub fn panel(&self, origin: &Origin, sessions: Sessions) -> Router {
        let gate = Arc::new(gate::AdministratorsOnly::new(sessions));
        let panel = Panel::new(self.keap.clone(), Some(self.outbox.clone()), gate, PANEL_PATH);
        panel
            .application("ButtonPush")
            .back(HOME_PATH, "Administration")
            .icon(icon_path())
            .secure_cookies(origin.is_https())
            .router()
    }
}

/// Whether a page of the panel (its path below the mount) has to be reachable without a session.
pub fn panel_page_needs_no_session(page: &str) -> bool {
    keapsake_panel::needs_no_session(page)
}

impl Running {
    /// Finishes the delivery at hand and a running refresh.
    pub async fn stop(self) {
        self.worker.stop().await;
        self.keap.stop().await;
    }
}
