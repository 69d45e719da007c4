//! Starting and stopping the whole application.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::accounts::{Accounts, Limits};
use crate::app::{App, Site};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Keap, Origin};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::keap::{Endpoint, KeapSide};
use crate::presses::Presses;
use crate::sandbox::{Sandbox, keap_clock};
use crate::sessions::Sessions;
use crate::{keap, server, web};

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
    delivering: keap::Running,
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
    let sandbox = Sandbox::start_if_wanted(&config).await?;
    let endpoint = endpoint(&config, sandbox.as_ref(), address)?;
    let sign_in = keap_sign_in(&config.keap, sandbox.as_ref());
    let keap_clock = keap_clock(sandbox.as_ref());
    let (keap, delivering) = KeapSide::start(&config, endpoint, &database, keap_clock).await?;

    let site = Site::new(origin.clone(), sign_in, config.trusted_proxies);
    let limits = Limits::with_sign_ups_per_hour(config.sign_ups_per_hour);
    let app = App {
        accounts: Accounts::new(database.clone(), keap.clone(), clock.clone(), limits)?,
        sessions: Sessions::new(database.clone(), clock.clone()),
        presses: Presses::new(database.clone(), keap.clone(), clock),
        keap: keap.clone(),
        database: database.clone(),
        site: Arc::new(site),
    };
    let administrator_link = administrator_link(&app.accounts, &origin).await?;
    let stop = CancellationToken::new();
    let panel = keap.panel(&origin, app.sessions.clone());
    let serving = tokio::spawn(server::serve(listener, web::router(app.clone(), panel), stop.clone()));
    Ok(Running {
        origin,
        address,
        administrator_link,
        sandbox,
        app,
        stop,
        serving,
        delivering,
        database,
        directory,
    })
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
        self.delivering.stop().await;
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
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

/// Where the administrator signs in at Keap; forms may lead there.
fn keap_sign_in(keap: &Keap, sandbox: Option<&Sandbox>) -> Option<Origin> {
    match (keap, sandbox) {
        (Keap::Application(application), _) => Origin::of(&application.authorize_url),
        (_, Some(sandbox)) => Origin::of(&Url::parse(&sandbox.url).ok()?),
        (Keap::Sandbox { .. } | Keap::ApiKey { .. }, None) => None,
    }
}

fn endpoint(config: &Config, sandbox: Option<&Sandbox>, bound: SocketAddr) -> anyhow::Result<Endpoint> {
    let redirect_uri = config.redirect_uri(bound)?;
    Ok(match sandbox {
        Some(sandbox) => Endpoint::Sandbox { url: sandbox.url.clone(), redirect_uri },
        None => Endpoint::Configured { redirect_uri },
    })
}
