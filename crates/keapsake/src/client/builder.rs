//! Starting a [`Keap`].

use std::sync::Arc;

use tokio::sync::{Mutex, Notify, watch};
use url::Url;

use super::Keap;
use super::keap::{Inner, Mode};
use crate::clock::{Clock, SystemClock};
use crate::connection::ConnectionId;
use crate::connection::keeper::{Keeper, Known};
use crate::connection::refresher;
use crate::connection::step::Event;
use crate::oauth::{Application, ApplicationError, Endpoints};
use crate::randomness::{self, Randomness, SystemRandomness};
use crate::secret::ApiKey;
use crate::store::seal::{CannotOpen, Sealer, SealingKey};
use crate::store::{Identity, Store, StoreError};
use crate::transport::{HttpTransport, Transport, TransportError};

/// What a [`Keap`] is started with. Everything has a default but what was given to make it.
#[must_use = "nothing happens until it is started"]
pub struct Builder {
    credentials: Credentials,
    connection: ConnectionId,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    api_transport: Option<Arc<dyn Transport>>,
    token_transport: Option<Arc<dyn Transport>>,
}

pub(super) enum Credentials {
    OAuth { application: Application, store: Arc<dyn Store>, key: SealingKey },
    ApiKey { key: ApiKey, endpoints: Endpoints },
}

/// Why a [`Keap`] cannot be started. Nothing was changed and nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The sealing key is not the one that the store was written with.
    #[error(
        "the key file is not the one this database was written with, so the stored tokens cannot be read. Put the \
         right key file back; if it is gone, remove the connection's rows and connect to Keap again"
    )]
    WrongKey(#[source] CannotOpen),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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
        }
    }

    /// Which of the store's connections it is; default `main`.
    pub fn connection(self, connection: ConnectionId) -> Self {
        Self { connection, ..self }
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
    pub fn token_transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { token_transport: Some(transport), ..self }
    }

    /// Reads the store, checks the key, and starts keeping the connection alive, in the runtime it is called in.
    ///
    /// # Errors
    /// [`StartError`]: show it and stop; the store is as it was.
    pub async fn start(self) -> Result<Keap, StartError> {
        let api_transport = match self.api_transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::for_api()?),
        };
        let (stop, stopped) = watch::channel(false);
        let inner = |mode, api: Url, refresher| Inner {
            mode,
            api,
            transport: api_transport,
            clock: self.clock.clone(),
            stop,
            refresher: Mutex::new(refresher),
        };
        let (application, store, key) = match self.credentials {
            Credentials::ApiKey { key, endpoints } => {
                endpoints.check()?;
                return Ok(Keap::from_inner(inner(Mode::ApiKey(key), endpoints.api, None)));
            }
            Credentials::OAuth { application, store, key } => (application, store, key),
        };
        let sealer = unlock(&*store, &key, &*self.randomness).await?;
        let token_transport = match self.token_transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::for_tokens()?),
        };
        let api = application.endpoints.api.clone();
        let keeper = Arc::new(Keeper {
            id: self.connection,
            application,
            store,
            sealer,
            transport: token_transport,
            clock: self.clock.clone(),
            randomness: self.randomness.clone(),
            known: watch::Sender::new(Known::default()),
            nudge: Notify::new(),
            writing: Mutex::new(()),
        });
        keeper.reload().await?;
        keeper.end_what_a_crash_cut_off().await?;
        keeper.save_event(&Event::Started, None).await?;
        let refresher = refresher::start(keeper.clone(), stopped);
        Ok(Keap::from_inner(inner(Mode::OAuth(keeper), api, Some(refresher))))
    }
}

/// The sealer for this store, if the key is its own.
async fn unlock(
    store: &dyn Store,
    key: &SealingKey,
    randomness: &dyn Randomness,
) -> Result<Sealer, StartError> {
    let identity = if let Some(identity) = store.identity().await? {
        identity
    } else {
        let deployment = uuid::Builder::from_random_bytes(randomness::bytes(randomness)).into_uuid();
        let key_check = Sealer::new(key, deployment).key_check(randomness);
        store.identify(Identity { deployment, key_check }).await?
    };
    let sealer = Sealer::new(key, identity.deployment);
    sealer.check_key(&identity.key_check).map_err(StartError::WrongKey)?;
    Ok(sealer)
}
