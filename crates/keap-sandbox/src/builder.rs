//! Choosing how a sandbox is to be.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::{ClockMode, SandboxClock};
use crate::error::StartError;
use crate::http::App;
use crate::persistence::DataFile;
use crate::sandbox::Sandbox;
use crate::server;
use crate::state::State;
use crate::state::clients::{Client, Clients};
use crate::state::seed::Seed;
use crate::state::settings::Settings;
use crate::state::world::{Beginning, World};

/// A sandbox that has not started. Without any choice it listens on a free port of 127.0.0.1, keeps everything in memory
/// and follows the real clock.
#[derive(Clone)]
#[must_use]
pub struct SandboxBuilder {
    listen: SocketAddr,
    clock: ClockMode,
    data: Option<PathBuf>,
    seed: Option<PathBuf>,
    clients: Vec<(String, String)>,
    redirect_uris: Vec<String>,
    like_keap: bool,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: ClockMode::Real,
            data: None,
            seed: None,
            clients: Vec::new(),
            redirect_uris: Vec::new(),
            like_keap: false,
        }
    }
}

/// Says nothing about clients, because somebody may have given a real secret.
impl std::fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("SandboxBuilder");
        shown.field("listen", &self.listen).field("clock", &self.clock).field("data", &self.data);
        shown.field("seed", &self.seed).field("like_keap", &self.like_keap).finish_non_exhaustive()
    }
}

impl SandboxBuilder {
    /// Listens on this address, which must be a loopback one.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Follows the real clock, or one that only moves when told.
    pub fn clock(mut self, mode: ClockMode) -> Self {
        self.clock = mode;
        self
    }

    /// Keeps everything in this file, so that it survives a restart and a crash.
    pub fn data(mut self, file: impl Into<PathBuf>) -> Self {
        self.data = Some(file.into());
        self
    }

    /// Begins with what this JSON file says. A data file that exists already goes before it.
    pub fn seed(mut self, file: impl Into<PathBuf>) -> Self {
        self.seed = Some(file.into());
        self
    }

    /// Registers an application. Without any, `sandbox-client` with `sandbox-secret` is registered.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.clients.push((id.into(), secret.into()));
        self
    }

    /// Registers a redirect URI, to be repeated exactly. As long as no `https` URI is registered, any `https` URI is
    /// accepted, and likewise for `http` on a loopback address, where the port may always differ.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Allows what has been seen to pass on the live service, instead of being strict.
    pub fn like_keap(mut self, lax: bool) -> Self {
        self.like_keap = lax;
        self
    }

    /// Starts it. It answers as soon as this returns.
    ///
    /// # Errors
    ///
    /// The error's text says what is wrong with the address, the seed file or the data file, and what to do.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        if !self.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback { address: self.listen });
        }
        let seed = self.read_seed().await?;
        let clock = SandboxClock::new(self.clock);
        let mut world = World::new(self.beginning(seed, &clock));
        // The address is taken before the data file, so that a second sandbox cannot open the file of the first.
        let (listener, address) = self.bind().await?;
        let disk = match &self.data {
            None => None,
            Some(path) => Some(open_data(path, &mut world, &clock).await?),
        };
        let api_key = world.api_key.clone();
        let state = Arc::new(State::new(clock.clone(), world, disk));
        if self.data.is_some() {
            save_beginning(&state, self.data.as_deref()).await?;
        }
        let stop = CancellationToken::new();
        let app = Arc::new(App::new(state.clone()));
        let server = tokio::spawn(server::serve(listener, app, stop.clone()));
        Ok(Sandbox::running(state, address, api_key, stop, server))
    }

    async fn read_seed(&self) -> Result<Seed, StartError> {
        let Some(path) = &self.seed else { return Ok(Seed::default()) };
        let text = tokio::fs::read(path).await;
        let text = text.map_err(|source| StartError::SeedUnreadable { path: path.clone(), source })?;
        serde_json::from_slice(&text)
            .map_err(|source| StartError::SeedMalformed { path: path.clone(), source })
    }

    fn beginning(&self, seed: Seed, clock: &SandboxClock) -> Beginning {
        let seeded = seed.clients.iter().map(|client| (client.id.clone(), client.secret.clone()));
        let mut known: Vec<(String, String)> = self.clients.iter().cloned().chain(seeded).collect();
        if known.is_empty() {
            known.push(("sandbox-client".to_owned(), "sandbox-secret".to_owned()));
        }
        let clients = known.into_iter().map(|(id, secret)| Client { id, secret }).collect();
        let redirect_uris = self.redirect_uris.iter().chain(&seed.redirect_uris).cloned().collect();
        let mut settings = if self.like_keap { Settings::like_keap() } else { Settings::default() };
        if self.clock == ClockMode::Manual {
            // On a clock that stands still a second never ends, and a limit per second would be one for ever.
            settings.limits.client.second = None;
            settings.limits.key.second = None;
        }
        Beginning { settings, clients: Clients { clients, redirect_uris }, seed, now: clock.now() }
    }

    async fn bind(&self) -> Result<(TcpListener, SocketAddr), StartError> {
        let address = self.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => StartError::AddressInUse { address },
            _ => StartError::Listen { address, source },
        })?;
        let bound = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        Ok((listener, bound))
    }
}

/// Opens the data file, takes over what is in it, and starts its writer.
async fn open_data(
    path: &Path,
    world: &mut World,
    clock: &SandboxClock,
) -> Result<mpsc::UnboundedSender<crate::state::Batch>, StartError> {
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| StartError::DataUnusable {
        path: path.to_owned(),
        source,
    };
    let mut file = DataFile::open(path).await.map_err(|error| unusable(error.into()))?;
    let rows = file.load().await.map_err(|error| unusable(error.into()))?;
    if rows.is_empty() {
        world.touch_everything();
    } else {
        world.touched.take();
        world.accounts.clear();
        for row in &rows {
            world.restore(row, clock).map_err(|error| unusable(error.into()))?;
        }
    }
    let (sender, batches) = mpsc::unbounded_channel();
    tokio::spawn(file.write(batches));
    Ok(sender)
}

/// A new data file gets its beginning before anybody can ask for it.
async fn save_beginning(state: &State, path: Option<&Path>) -> Result<(), StartError> {
    state.change(|_| ()).await.map_err(|error| StartError::DataUnusable {
        path: path.map(Path::to_owned).unwrap_or_default(),
        source: error.into(),
    })
}
