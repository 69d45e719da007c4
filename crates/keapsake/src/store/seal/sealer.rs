//! Seals and opens for one deployment.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::key::Key;
use super::place::Binding;
use super::ring::Ring;
use super::wrapping::wrap;
use super::{CannotOpen, Place, Sealed, SealingKey};
use crate::randomness::{self, Randomness};
use crate::store::{Identity, Revision, Store, StoreError, WrappedKeys};

const FIRST_NUMBER: u32 = 1;

/// Seals with the newest data key of a store, and opens with the one that a ciphertext names.
///
/// One is shared by everything in a process. When another process has made a new data key, what it sealed does not
/// open here until [`refresh`](Sealer::refresh) has read the store again. Refresh it also before sealing something
/// for a connection of which nothing was opened just before (a new authorization): the first secret of a connection
/// should never be sealed by a key that is on its way out.
pub struct Sealer {
    key: SealingKey,
    deployment: Uuid,
    ring: ArcSwap<Ring>,
    /// Held from reading the store to keeping what was read: no ring is replaced by an older one.
    refreshing: Mutex<()>,
}

/// Why the data keys of a store cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// The key is not the one that wrapped the store's data keys.
    #[error(
        "the key file is not the one this database was written with, so the stored tokens cannot be read. Put the \
         right key file back (if it was replaced while this program ran, restart the program); if it is gone, remove \
         the connection's rows and connect to Keap again"
    )]
    WrongKey(#[from] CannotOpen),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Sealer {
    /// The sealer for this store, if the key is its own. A store without an identity is given one, with a first data
    /// key; of several processes that do so at once, all get the same.
    ///
    /// # Errors
    /// [`UnlockError`]: show it and stop; the store is as it was.
    pub async fn unlock(
        store: &dyn Store,
        key: SealingKey,
        randomness: &dyn Randomness,
        now: Timestamp,
    ) -> Result<Self, UnlockError> {
        let identity = if let Some(identity) = store.identity().await? {
            identity
        } else {
            let incarnation = store.incarnation().await?;
            store.identify(first_identity(incarnation, &key, randomness, now)).await?
        };
        let ring = Ring::open(&key, identity.deployment, &identity.keys.keys)?;
        Ok(Self::of(key, identity.deployment, ring))
    }

    fn of(key: SealingKey, deployment: Uuid, ring: Ring) -> Self {
        Self { key, deployment, ring: ArcSwap::from_pointee(ring), refreshing: Mutex::new(()) }
    }

    /// Takes over the data keys that the store has now.
    ///
    /// # Errors
    /// [`UnlockError`]; what could be sealed and opened before still can.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), UnlockError> {
        let _refreshing = self.refreshing.lock().await;
        let keys = self.identity(store).await?.keys;
        let ring = self.ring.load().follow(&self.key, self.deployment, &keys.keys)?;
        self.ring.store(Arc::new(ring));
        Ok(())
    }

    /// The identity of the store, if it is still the one that was unlocked.
    pub(super) async fn identity(&self, store: &dyn Store) -> Result<Identity, UnlockError> {
        let identity = store.identity().await?.filter(|identity| identity.deployment == self.deployment);
        identity.ok_or_else(|| {
            let message = "the database was emptied or exchanged while this program ran; put the right one back, or \
                           restart the program";
            UnlockError::Store(StoreError::new(message))
        })
    }

    pub(super) fn key(&self) -> &SealingKey {
        &self.key
    }

    pub(crate) fn deployment(&self) -> Uuid {
        self.deployment
    }

    /// The number of the key that seals now.
    pub(super) fn newest_number(&self) -> u32 {
        self.ring.load().newest().number
    }

    /// Whether the key of this number was there when the store was read.
    pub(crate) fn has_key(&self, number: u32) -> bool {
        self.ring.load().get(number).is_some()
    }

    pub(crate) fn seal(&self, place: Place<'_>, secret: &str, randomness: &dyn Randomness) -> Sealed {
        self.seal_bytes(&Binding::to_place(self.deployment, place), secret.as_bytes(), randomness)
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<String>, CannotOpen> {
        let bytes = self.open_bytes(&Binding::to_place(self.deployment, place), sealed)?;
        std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| CannotOpen)
    }

    /// Seals bytes that are not a token: a record of the journal, say. `parts` say where they belong.
    pub(crate) fn seal_at(&self, parts: &[&str], bytes: &[u8], randomness: &dyn Randomness) -> Sealed {
        self.seal_bytes(&Binding::to_record(self.deployment, parts), bytes, randomness)
    }

    /// Opens what [`seal_at`](Self::seal_at) sealed with the same parts.
    pub(crate) fn open_at(&self, parts: &[&str], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        self.open_bytes(&Binding::to_record(self.deployment, parts), sealed)
    }

    fn seal_bytes(&self, binding: &Binding, secret: &[u8], randomness: &dyn Randomness) -> Sealed {
        let ring = self.ring.load();
        let newest = ring.newest();
        Sealed::seal((newest.number, &newest.key), binding, secret, randomness)
    }

    fn open_bytes(&self, binding: &Binding, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let ring = self.ring.load();
        let key = sealed.key_number().and_then(|number| ring.get(number)).ok_or(CannotOpen)?;
        sealed.open(key, binding)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("deployment", &self.deployment).finish_non_exhaustive()
    }
}

fn first_identity(
    incarnation: String,
    key: &SealingKey,
    randomness: &dyn Randomness,
    now: Timestamp,
) -> Identity {
    let deployment = uuid::Builder::from_random_bytes(randomness::bytes(randomness)).into_uuid();
    let data_key = Key::random(randomness);
    let wrapped = wrap(key.newest(), (deployment, FIRST_NUMBER), &data_key, now, randomness);
    let keys = WrappedKeys { revision: Revision::FIRST, keys: vec![wrapped] };
    Identity { deployment, incarnation, keys }
}

#[cfg(test)]
impl Sealer {
    /// Without a store: for tests that need something sealed. The same key gives the same sealer.
    pub(crate) fn new(key: &SealingKey, deployment: Uuid) -> Self {
        let set = [{
            let data_key = Key::from_bytes(*key.newest().expose());
            let now = Timestamp::UNIX_EPOCH;
            let randomness = crate::randomness::SystemRandomness;
            wrap(key.newest(), (deployment, FIRST_NUMBER), &data_key, now, &randomness)
        }];
        let ring = Ring::open(key, deployment, &set).expect("it was wrapped just now");
        Self::of(key.clone(), deployment, ring)
    }
}

#[cfg(test)]
mod tests;
