//! The connection by the settings: an application at Keap or at the sandbox, or an API key.

use std::sync::Arc;

use keapsake::connection::policy::Policy;
use keapsake::oauth::Pkce;
use keapsake::randomness::SystemRandomness;
use keapsake::store::{SqliteStore, key_file};
use keapsake::{ApiKey, Application, ClientSecret, Clock, Endpoints, Keap};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::alarms;
use crate::config::{self, Config};

/// Which Keap, and who we are there; known once the listeners have their ports.
pub enum Endpoint {
    /// The built-in sandbox.
    Sandbox {
        /// Where it is.
        url: String,
        /// Where it sends the administrator back.
        redirect_uri: Url,
    },
    /// As the settings say.
    Configured {
        /// Where Keap sends the administrator back.
        redirect_uri: Url,
    },
}

const SANDBOX_CLIENT: (&str, &str) = ("sandbox-client", "sandbox-secret");

pub(super) async fn start(
    config: &Config,
    endpoint: Endpoint,
    store: &SqliteStore,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Keap> {
    let application = match (endpoint, &config.keap) {
        (Endpoint::Sandbox { url, redirect_uri }, _) => at_sandbox(&url, &redirect_uri)?,
        (Endpoint::Configured { redirect_uri }, config::Keap::Application(ours)) => {
            at_keap(ours, &redirect_uri)?
        }
        (_, config::Keap::ApiKey { key, api_url }) => return with_key(key, api_url, clock).await,
        (_, config::Keap::Sandbox { .. }) => anyhow::bail!("the built-in sandbox was not started"),
    };
    let key = key_file::for_store(&config.key_file, store, &SystemRandomness).await?;
    let builder = Keap::oauth(application, Arc::new(store.clone()), key)
        .clock(clock)
        .journal(&config.journal)
        .policy(policy(config.policy));
    Ok(alarms::tell(builder, &config.alarms)?.start().await?)
}

fn policy(ours: config::Policy) -> Policy {
    match ours {
        config::Policy::Unmeasured => Policy::Unmeasured,
        config::Policy::AccessTokenTells => Policy::AccessTokenTells,
        config::Policy::Grace(grace) => Policy::Grace(grace),
        config::Policy::ReuseRevokes => Policy::ReuseRevokes,
    }
}

/// The sandbox checks PKCE, so it is used there; Keap does not document it.
fn at_sandbox(url: &str, redirect_uri: &Url) -> anyhow::Result<Application> {
    let (id, secret) = SANDBOX_CLIENT;
    let endpoints = Endpoints::under(url)?;
    let application = Application::at(endpoints, id, ClientSecret::new(secret), redirect_uri.as_str())?;
    Ok(application.with_pkce(Pkce::S256))
}

fn at_keap(ours: &config::KeapApplication, redirect_uri: &Url) -> anyhow::Result<Application> {
    let endpoints =
        Endpoints::parse(ours.authorize_url.as_str(), ours.token_url.as_str(), ours.api_url.as_str())?;
    let secret = ClientSecret::new(ours.client_secret.expose_secret());
    Ok(Application::at(endpoints, &ours.client_id, secret, redirect_uri.as_str())?)
}

async fn with_key(key: &SecretString, api_url: &Url, clock: Arc<dyn Clock>) -> anyhow::Result<Keap> {
    let endpoints = Endpoints { api: api_url.clone(), ..Endpoints::keap() };
    Ok(Keap::api_key(ApiKey::new(key.expose_secret()), endpoints).clock(clock).start().await?)
}
