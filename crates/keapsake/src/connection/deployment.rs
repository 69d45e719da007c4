//! What the connections of one process share.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::ConnectionId;
use super::keeper::Keeper;
use super::policy::Policy;
use super::protocol::Order;
use super::record::{Link, Record, RestoredReason};
use super::step::{Circumstances, Event, Step};
use super::trouble::Trouble;
use crate::alarm::Alarms;
use crate::clock::Clock;
use crate::journal::Journal;
use crate::oauth::Application;
use crate::randomness::{self, Randomness};
use crate::store::seal::Sealer;
use crate::store::{Store, StoreError};
use crate::transport::{TokenTransport, Transport};

/// One running application with its store, key and journal.
pub(crate) struct Deployment {
    pub(crate) application: Application,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    /// Only tests and programs with a store in memory go without.
    pub(crate) journal: Option<Journal>,
    pub(crate) tokens: Arc<dyn TokenTransport>,
    pub(crate) api: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) policy: Policy,
    pub(crate) order: Order,
    pub(crate) step: Step,
    /// How long a caller waits for a token that is being renewed.
    pub(crate) patience: Duration,
    pub(crate) alarms: Alarms,
    /// Names this process in leases and in its journal.
    pub(crate) owner: Uuid,
    pub(crate) restored: Restored,
    pub(crate) trouble: Trouble,
    pub(crate) nudges: Nudges,
    pub(crate) keepers: Keepers,
}

/// Set while the store is a restored or copied one that nobody has adopted: why, and since when.
#[derive(Default)]
pub(crate) struct Restored(Mutex<Option<(RestoredReason, Timestamp)>>);

/// The one keeper of each connection that somebody holds.
#[derive(Default)]
pub(crate) struct Keepers(Mutex<HashMap<ConnectionId, Weak<Keeper>>>);

impl Deployment {
    /// What a step draws on, now.
    fn circumstances(&self) -> Circumstances {
        let dice = u64::from_le_bytes(randomness::bytes(&*self.randomness));
        Circumstances { now: self.now(), dice, policy: self.policy }
    }

    /// What an event makes of a connection, here and now.
    pub(crate) fn step(&self, record: Option<&Record>, event: &Event) -> Option<Record> {
        (self.step)(record, event, self.circumstances())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An id for an entry of the history.
    pub(crate) fn new_id(&self) -> Uuid {
        uuid::Builder::from_random_bytes(randomness::bytes(&*self.randomness)).into_uuid()
    }

    /// The one keeper of a connection in this process, with what the store holds.
    pub(crate) async fn keeper(self: &Arc<Self>, id: &ConnectionId) -> Result<Arc<Keeper>, StoreError> {
        if let Some(keeper) = self.registry().get(id).and_then(Weak::upgrade) {
            return Ok(keeper);
        }
        let stored = self.store.load(id).await?;
        let keeper = self.register(id);
        keeper.take_over(stored).await?;
        Ok(keeper)
    }

    /// A connection that somebody begins to use.
    pub(crate) async fn open(self: &Arc<Self>, id: &ConnectionId) -> Result<Arc<Keeper>, StoreError> {
        let keeper = self.keeper(id).await?;
        keeper.tidy().await?;
        if let Some(reason) = keeper.record().and_then(|record| self.restored_before(&record)) {
            keeper.save_event(&Event::Restored(reason)).await?;
        }
        keeper.save_event(&Event::Started).await?;
        Ok(keeper)
    }

    /// Another process may have changed the data key.
    pub(crate) async fn read_keys_again(&self) -> Result<(), StoreError> {
        self.sealer.refresh(&*self.store).await.map_err(|error| StoreError::new(error.to_string()))
    }

    /// Whether nothing is wrong with what is in use: what a heartbeat tells.
    pub(crate) fn is_well(&self) -> bool {
        let needs_a_person = |keeper: &Arc<Keeper>| keeper.status().phase.needs_a_person();
        self.trouble.heard().store.is_none() && !self.loaded().iter().any(needs_a_person)
    }

    /// Of several that come here at the same time, all get the same one.
    fn register(self: &Arc<Self>, id: &ConnectionId) -> Arc<Keeper> {
        let mut registry = self.registry();
        if let Some(keeper) = registry.get(id).and_then(Weak::upgrade) {
            return keeper;
        }
        let keeper = Arc::new(Keeper::new(id.clone(), self.clone()));
        registry.insert(id.clone(), Arc::downgrade(&keeper));
        keeper
    }

    /// The keepers that somebody holds.
    pub(crate) fn loaded(&self) -> Vec<Arc<Keeper>> {
        let mut registry = self.registry();
        registry.retain(|_, keeper| keeper.strong_count() > 0);
        registry.values().filter_map(Weak::upgrade).collect()
    }

    fn registry(&self) -> MutexGuard<'_, HashMap<ConnectionId, Weak<Keeper>>> {
        self.keepers.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why this record is that of a restored or copied store, if it is: one that was connected since is not.
    pub(crate) fn restored_before(&self, record: &Record) -> Option<RestoredReason> {
        let (reason, since) = (*self.restored.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let is_newer = matches!(&record.link, Link::Linked(linked) if linked.connected_at > since);
        (!is_newer).then_some(reason)
    }

    pub(crate) fn is_restored(&self) -> bool {
        self.restored.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn set_restored(&self, reason: Option<RestoredReason>) {
        let recognised = reason.map(|reason| (reason, self.now()));
        *self.restored.0.lock().unwrap_or_else(PoisonError::into_inner) = recognised;
    }
}

/// The connections that somebody wants looked at now.
#[derive(Default)]
pub(crate) struct Nudges {
    connections: Mutex<BTreeSet<ConnectionId>>,
    pub(crate) came: Notify,
}

impl Nudges {
    pub(crate) fn add(&self, id: &ConnectionId) {
        self.lock().insert(id.clone());
        self.came.notify_one();
    }

    /// For the next time that somebody looks, without making anybody look.
    pub(crate) fn keep(&self, id: ConnectionId) {
        self.lock().insert(id);
    }

    pub(crate) fn take(&self) -> BTreeSet<ConnectionId> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ConnectionId>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
