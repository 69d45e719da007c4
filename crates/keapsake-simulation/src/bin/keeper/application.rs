//! Starting: a store, a key, a journal, and Keapsake on them.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, header};
use keapsake::connection::authorization::Completed;
use keapsake::oauth::Pkce;
use keapsake::randomness::SystemRandomness;
use keapsake::store::{PostgresStore, SqliteStore, Store, key_file};
use keapsake::transport::{HttpTransport, Transport as _};
use keapsake::{Application as Registered, ClientSecret, Endpoints, Keap};
use serde_json::{Value, json};
use url::Url;

use crate::clock::ShiftedClock;
use crate::options::{Options, Place};
use crate::witness;

const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// What runs.
pub(crate) struct Application {
    pub(crate) keap: Keap,
    pub(crate) clock: ShiftedClock,
    sandbox: Url,
}

pub(crate) async fn start(options: &Options) -> anyhow::Result<Application> {
    let store = open(&options.store).await?;
    let key = key_file::for_store(&options.key, &*store, &SystemRandomness).await?;
    let clock = ShiftedClock::ahead_by(options.clock_offset);
    let endpoints = Endpoints::under(options.sandbox.as_str().trim_end_matches('/'))?;
    let secret = ClientSecret::new("sandbox-secret");
    let registered = Registered::at(endpoints, "sandbox-client", secret, REDIRECT)?.with_pkce(Pkce::S256);
    let (tokens, disk) = witness::watched()?;
    let keap = Keap::oauth(registered, store, key)
        .clock(Arc::new(clock.clone()))
        .journal(&options.journal)
        .disk(Arc::new(disk))
        .token_transport(Arc::new(tokens))
        .start()
        .await?;
    Ok(Application { keap, clock, sandbox: options.sandbox.clone() })
}

async fn open(place: &Place) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match place {
        Place::Sqlite(file) => Arc::new(SqliteStore::connect(file).await?),
        Place::Postgres(url) => Arc::new(PostgresStore::connect(url).await?),
    })
}

impl Application {
    /// As a person at a browser would; the sandbox plays the person.
    pub(crate) async fn connect(&self, account: &str) -> anyhow::Result<()> {
        let started = self.keap.start_authorization("keeper", false).await?;
        let consent = json!({"authorize_url": started.url, "account": account, "decision": "allow"});
        let back = self.control("consent", &consent).await?;
        let query = back["location"].as_str().and_then(|back| back.split_once('?')).map(|(_, query)| query);
        let query = query.context("the sandbox does not send the browser back")?;
        let received = self.keap.receive_callback(query, Some(&started.browser_key)).await?;
        match received.complete().await? {
            Completed::Connected(_) => Ok(()),
            other => anyhow::bail!("not connected: {other:?}"),
        }
    }

    async fn control(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let url = self.sandbox.join(&format!("/_sandbox/{what}"))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))?;
        let answer = HttpTransport::for_api()?.send(request).await?;
        anyhow::ensure!(answer.status().is_success(), "the sandbox answered {}", answer.status());
        Ok(serde_json::from_slice(answer.body())?)
    }
}
