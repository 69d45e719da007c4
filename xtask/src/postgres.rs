//! PostgreSQL for what is tried here: a server, and a database of one's own on it.
//!
//! The server is the one that `KEAPSAKE_TEST_POSTGRES` names. Where that does not answer, or has too few connections, a
//! private [`cluster`] is started.

mod cluster;

use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};

use cluster::Cluster;

const VARIABLE: &str = "KEAPSAKE_TEST_POSTGRES";
const USUAL: &str = "postgres://postgres@127.0.0.1:5432/test";

/// For whoever else uses the server.
const SPARE_CONNECTIONS: u32 = 20;

/// So that no two databases of this process have the same name.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Of one of its databases, for a user who may create others.
    url: String,
    /// Its cluster, if that is ours to restart.
    cluster: Option<Cluster>,
}

impl Server {
    /// One that has room for so many connections.
    pub(crate) fn with_room(connections: u32) -> anyhow::Result<Rc<Self>> {
        let url = std::env::var(VARIABLE).unwrap_or_else(|_| USUAL.to_owned());
        let most = ask(&url, "SHOW max_connections").ok().and_then(|most| most.parse::<u32>().ok());
        if most.is_some_and(|most| most >= connections + SPARE_CONNECTIONS) {
            return Ok(Rc::new(Self { url, cluster: None }));
        }
        Self::private(connections)
    }

    /// One of our own, which can be restarted.
    pub(crate) fn private(connections: u32) -> anyhow::Result<Rc<Self>> {
        let cluster = Cluster::start(connections + SPARE_CONNECTIONS)?;
        Ok(Rc::new(Self { url: cluster.url(), cluster: Some(cluster) }))
    }

    /// As after a crash: nobody is waited for.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        self.cluster.as_ref().context("this server is not ours to restart")?.restart()
    }
}

/// A database that is dropped with this.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) server: Rc<Server>,
    name: String,
}

impl Database {
    pub(crate) fn create(server: Rc<Server>) -> anyhow::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("keapsake_{}_{number}", std::process::id());
        ask(&server.url, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { server, name })
    }

    pub(crate) fn url(&self) -> String {
        let (rest, _) = self.server.url.rsplit_once('/').unwrap_or((&self.server.url, ""));
        format!("{rest}/{}", self.name)
    }

    /// Ends every connection to it; says how many there were.
    pub(crate) fn end_connections(&self) -> anyhow::Result<u64> {
        let name = &self.name;
        let query =
            format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
        Ok(ask(&self.server.url, &query)?.parse()?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = ask(&self.server.url, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The first value of the answer.
fn ask(url: &str, query: &str) -> anyhow::Result<String> {
    let output = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", query])
        .env("PGCONNECT_TIMEOUT", "10")
        .output()
        .context("psql does not start; install PostgreSQL (`apt-get install postgresql`)")?;
    ensure!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
