//! Starting a [`Keap`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::Keap;
use super::keap::Mode;
use super::process::Process;
use crate::alarm::{Alarms, Channel, ChannelName, Log, Metrics, UnsafeAddress};
use crate::clock::{Clock, SystemClock};
use crate::connection::ConnectionId;
use crate::connection::deployment::{Deployment, Keepers, Nudges, Restored};
use crate::connection::policy::Policy;
use crate::connection::protocol::{ORDER, Order};
use crate::connection::step::{Step, step};
use crate::connection::trouble::Trouble;
use crate::journal::{Disk, Journal, JournalError, RealDisk};
use crate::oauth::{Application, ApplicationError, Endpoints};
use crate::randomness::{self, Randomness, SystemRandomness};
use crate::secret::ApiKey;
use crate::store::seal::{Sealer, SealingKey, UnlockError};
use crate::store::{Store, StoreError};
use crate::transport::{FreshConnections, HttpTransport, TokenTransport, Transport, TransportError};

/// A caller waits at most this long for a token that is being renewed: a little longer than the longest request.
const PATIENCE: Duration = Duration::from_secs(130);

/// What a [`Keap`] is started with. Everything has a default but what was given to make it.
#[must_use = "nothing happens until it is started"]
pub struct Builder {
    credentials: Credentials,
    connection: ConnectionId,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    api_transport: Option<Arc<dyn Transport>>,
    token_transport: Option<Arc<dyn TokenTransport>>,
    journal: Option<PathBuf>,
    disk: Arc<dyn Disk>,
    policy: Policy,
    order: Order,
    step: Step,
    patience: Duration,
    channels: Vec<Arc<dyn Channel>>,
    heartbeat: Option<Url>,
}

#[expect(clippy::large_enum_variant, reason = "there is one of it for a moment")]
pub(super) enum Credentials {
    OAuth { application: Application, store: Arc<dyn Store>, key: SealingKey },
    ApiKey { key: ApiKey, endpoints: Endpoints },
}

/// Why a [`Keap`] cannot be started. Nothing was changed and nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be opened with this key, or not at all.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Two alarm channels have the same name, or one has none.
    #[error(transparent)]
    Channels(#[from] ChannelName),
    /// The heartbeat's address is plain http beyond this machine.
    #[error(transparent)]
    Heartbeat(#[from] UnsafeAddress),
    /// An address of Keap's is plain http beyond this machine.
    #[error(transparent)]
    Endpoints(#[from] ApplicationError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Transport(#[from] TransportError),
}

impl Builder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            connection: ConnectionId::main(),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            api_transport: None,
            token_transport: None,
            journal: None,
            disk: Arc::new(RealDisk),
            policy: Policy::default(),
            order: ORDER,
            step,
            patience: PATIENCE,
            channels: vec![Arc::new(Log), Arc::new(Metrics)],
            heartbeat: None,
        }
    }

    /// Which of the store's connections it is; default `main`. Others are reached by [`Keap::connection`].
    pub fn connection(self, connection: ConnectionId) -> Self {
        Self { connection, ..self }
    }

    /// Keeps a journal in this folder of the local disk, which is created if it is missing.
    ///
    /// The raw answer to a refresh is durable there before it is read, so that neither a crash nor a failure of the store
    /// loses the only live refresh token. Without a journal (tests, a store in memory) such a crash can end the connection.
    pub fn journal(self, folder: impl AsRef<Path>) -> Self {
        Self { journal: Some(folder.as_ref().to_owned()), ..self }
    }

    /// Another disk under the journal, for tests.
    pub fn disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// What is known of how the server treats a refresh token that comes twice; default: nothing.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// How long a call waits for an access token that is being renewed; default 130 seconds.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Tells alarms to this channel, too; the log and the metrics always hear them.
    pub fn alarm(mut self, channel: Arc<dyn Channel>) -> Self {
        self.channels.push(channel);
        self
    }

    /// GETs this address every five minutes while all is well: for a service outside that notices when that ends,
    /// because nothing on a host can tell that the host is down.
    pub fn heartbeat(self, url: Url) -> Self {
        Self { heartbeat: Some(url), ..self }
    }

    /// Another clock than the machine's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Another source of randomness than the operating system's.
    pub fn randomness(self, randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness, ..self }
    }

    /// Another way to send API calls.
    pub fn api_transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { api_transport: Some(transport), ..self }
    }

    /// Another way to send token requests. It must send each request at most once.
    pub fn token_transport(self, transport: Arc<dyn TokenTransport>) -> Self {
        Self { token_transport: Some(transport), ..self }
    }

    /// Another order of a refresh: what the simulation proves wrong.
    #[doc(hidden)]
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Another machine: what the simulation proves wrong.
    #[doc(hidden)]
    pub fn step(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// Reads the store and the journal, checks the key, takes over what a dead process left, and starts keeping the
    /// connections alive, in the runtime it is called in.
    ///
    /// # Errors
    /// [`StartError`]: show it and stop; the store is as it was.
    pub async fn start(self) -> Result<Keap, StartError> {
        let api_transport = match &self.api_transport {
            Some(transport) => transport.clone(),
            None => Arc::new(HttpTransport::for_api()?),
        };
        let (application, store, key) = match self.credentials {
            Credentials::ApiKey { key, endpoints } => {
                endpoints.check()?;
                let process = Process::idle(self.clock);
                return Ok(Keap::new(Mode::ApiKey(key), endpoints.api, api_transport, process));
            }
            Credentials::OAuth { application, store, key } => (application, store, key),
        };
        let tokens = match self.token_transport {
            Some(transport) => transport,
            None => Arc::new(FreshConnections::new()?),
        };
        let sealer = Arc::new(Sealer::unlock(&*store, key, &*self.randomness, self.clock.now()).await?);
        let owner = uuid::Builder::from_random_bytes(randomness::bytes(&*self.randomness)).into_uuid();
        let opened = self.journal.map(|folder| {
            Journal::open(
                self.disk,
                &folder,
                sealer.clone(),
                owner,
                sealer.deployment(),
                self.randomness.clone(),
            )
        });
        let (journal, recovered) = opened.transpose()?.unzip();
        let alarms = Alarms::start(store.clone(), self.clock.clone(), self.channels)?;
        let deployment = Arc::new(Deployment {
            application,
            store,
            sealer,
            journal,
            tokens,
            api: api_transport.clone(),
            clock: self.clock.clone(),
            randomness: self.randomness,
            policy: self.policy,
            order: self.order,
            step: self.step,
            patience: self.patience,
            alarms,
            owner,
            restored: Restored::default(),
            trouble: Trouble::default(),
            nudges: Nudges::default(),
            keepers: Keepers::default(),
        });
        deployment.recover(recovered).await?;
        let keeper = deployment.open(&self.connection).await?;
        let api = deployment.application.endpoints.api.clone();
        let process = Process::keeping(deployment, self.heartbeat.as_ref())?;
        Ok(Keap::new(Mode::OAuth(keeper), api, api_transport, process))
    }
}
