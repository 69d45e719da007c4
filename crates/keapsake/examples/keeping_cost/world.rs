//! A sandbox in this process, and stores in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keap_sandbox::{Decision, Sandbox};
use keapsake::connection::authorization::Completed;
use keapsake::oauth::Pkce;
use keapsake::store::SqliteStore;
use keapsake::store::seal::SealingKey;
use keapsake::{Application, ClientSecret, Endpoints, Keap};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const REDIRECT: &str = "http://127.0.0.1:9/callback";

pub(crate) struct World {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl World {
    pub(crate) async fn new(folder: &Path) -> Result<Self> {
        let sandbox = Sandbox::builder().start().await?;
        sandbox.change_settings(|settings| settings.independent_grants = true);
        Ok(Self { sandbox, folder: folder.to_owned() })
    }

    pub(crate) async fn store(&self, name: &str) -> Result<SqliteStore> {
        Ok(SqliteStore::connect(&self.folder.join(name)).await?)
    }

    /// A program that keeps what is in this store.
    pub(crate) async fn start(&self, store: &SqliteStore) -> Result<Keap> {
        let endpoints = Endpoints::under(self.sandbox.url())?;
        let secret = ClientSecret::new("sandbox-secret");
        let application = Application::at(endpoints, "sandbox-client", secret, REDIRECT)?;
        let key = SealingKey::from_bytes([7; 32]);
        Ok(Keap::oauth(application.with_pkce(Pkce::S256), Arc::new(store.clone()), key).start().await?)
    }

    /// As a person at a browser would.
    pub(crate) async fn connect(&self, keap: &Keap) -> Result<()> {
        let started = keap.start_authorization("example", false).await?;
        let back = self.sandbox.consent(started.url.as_str(), "acme", Decision::Allow).await?;
        let (_, query) = back.split_once('?').ok_or("the sandbox does not send the browser back")?;
        match keap.receive_callback(query, Some(&started.browser_key)).await?.complete().await? {
            Completed::Connected(_) => Ok(()),
            other => Err(format!("not connected: {other:?}").into()),
        }
    }
}
