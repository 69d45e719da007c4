//! Starting and stopping the whole application.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::accounts::{Accounts, Limits};
use crate::app::{App, Site};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Keap, Origin};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::keap::KeapSide;
use crate::presses::Presses;
use crate::sandbox::Sandbox;
use crate::sessions::Sessions;
use crate::{server, web};

/// An application that runs until it is stopped.
pub struct Running {
    /// The origin that people see.
    pub origin: Origin,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the first administrator makes their account, while there is none.
    pub administrator_link: Option<Url>,
    /// The local Keap, if one was started.
    pub sandbox: Option<Sandbox>,
    app: App,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    database: Database,
    /// Held until everything else has ended.
    directory: DataDirectory,
}

/// Starts everything with the machine's clock.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    start_with_clock(config, Arc::new(SystemClock)).await
}

/// Starts everything. Accounts and sessions live by this clock.
pub async fn start_with_clock(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Running> {
    let directory = DataDirectory::open(&config.data)?;
    let listener = server::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let origin = config.public_origin(address);
    directory.private_file(&config.database_file)?;
    if config.key_file.exists() {
        directory.private_file(&config.key_file)?;
    }
    let database = Database::open(&config.database_file).await?;
    let sandbox = Sandbox::start_if_wanted(&config.keap).await?;

    let site = Site::new(origin.clone(), keap_sign_in(&config.keap), config.trusted_proxies);
    let keap = KeapSide::default();
    let limits = Limits::with_sign_ups_per_hour(config.sign_ups_per_hour);
    let app = App {
        accounts: Accounts::new(database.clone(), keap.clone(), clock.clone(), limits)?,
        sessions: Sessions::new(database.clone(), clock.clone()),
        presses: Presses::new(database.clone(), keap, clock),
        database: database.clone(),
        site: Arc::new(site),
    };
    let administrator_link = administrator_link(&app.accounts, &origin).await?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server::serve(listener, web::router(app.clone(), panel()), stop.clone()));
    Ok(Running { origin, address, administrator_link, sandbox, app, stop, serving, database, directory })
}

impl Running {
    /// The parts that requests work with.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Lets requests finish, closes the database, and gives the data directory back.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.serving.await?;
        self.database.close().await;
        drop(self.directory);
        Ok(())
    }
}

async fn administrator_link(accounts: &Accounts, origin: &Origin) -> anyhow::Result<Option<Url>> {
    let Some(token) = accounts.invite_first_administrator().await? else { return Ok(None) };
    let mut link = Url::parse(origin.as_str())?.join(web::admin::FIRST_PATH)?;
    link.query_pairs_mut().append_pair("token", token.reveal());
    Ok(Some(link))
}

fn keap_sign_in(keap: &Keap) -> Option<Origin> {
    match keap {
        Keap::Application(application) => Origin::of(&application.authorize_url),
        Keap::Sandbox { .. } | Keap::ApiKey { .. } => None,
    }
}

/// The admin pages for the connection to Keap.
fn panel() -> Router {
    Router::new().route("/", get(async || "The connection to Keap is not joined yet.\n"))
}
