//! A store that fails when it is told to: for tests of what relies on one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Begin, Due, Identity, Lease, Revision, Store, StoreError, Stored, Swap, WrappedKeys, Write};
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before anything was done.
    Before,
    /// After it was done: the change is there, the caller does not know.
    After,
}

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// None.
    Never,
    /// This one alone, counted from 1.
    Once(u64, Moment),
    /// This one, and all that follow it before anything is done, as after a crash.
    From(u64, Moment),
}

impl Failure {
    fn moment(self, call: u64) -> Option<Moment> {
        match self {
            Self::Once(fails, moment) | Self::From(fails, moment) if call == fails => Some(moment),
            Self::From(fails, _) if call > fails => Some(Moment::Before),
            _ => None,
        }
    }
}

/// Hands everything on to another store, but for the calls that are to fail.
pub struct FailingStore {
    store: Arc<dyn Store>,
    failure: Failure,
    calls: AtomicU64,
}

impl FailingStore {
    /// On this store.
    pub fn on(store: Arc<dyn Store>, failure: Failure) -> Self {
        Self { store, failure, calls: AtomicU64::new(0) }
    }

    /// How many calls there were. When they are fewer than the one that was to fail, none failed.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        done: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
            let failed = Err(StoreError::new(format!("call {call} of the store fails, as the test wants")));
            match self.failure.moment(call) {
                None => done.await,
                Some(Moment::Before) => failed,
                Some(Moment::After) => done.await.and(failed),
            }
        })
    }
}

impl Store for FailingStore {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        self.call(self.store.identity())
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        self.call(self.store.identify(identity))
    }

    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        self.call(self.store.incarnation())
    }

    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(self.store.settle(incarnation))
    }

    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>> {
        self.call(self.store.swap_keys(expected, keys))
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.call(self.store.load(id))
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        self.call(self.store.swap(id, expected, write))
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        self.call(self.store.due(limit))
    }

    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>> {
        self.call(self.store.connections(after, limit))
    }

    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        self.call(self.store.lease(id, owner, life))
    }

    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.call(self.store.release(id, owner))
    }

    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(self.store.release_all(owner))
    }

    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>> {
        self.call(self.store.begin(id, entry))
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.call(self.store.end_entry(id, entry, ending))
    }

    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.call(self.store.open_entries(id))
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.call(self.store.history(id, limit))
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.call(self.store.add_flow(id, flow, now))
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.call(self.store.peek_flow(id, state_digest))
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.call(self.store.take_flow(id, state_digest))
    }

    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.call(self.store.raise(id, condition, at))
    }

    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.call(self.store.clear(id, condition))
    }

    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>> {
        self.call(self.store.raised(id))
    }

    fn changes(&self) -> BoxFuture<'_, ()> {
        self.store.changes()
    }
}
