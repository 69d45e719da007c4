//! Mistakes in how the store is used, or in the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keapsake::Clock;
use keapsake::clock::{later, until};
use keapsake::connection::ConnectionId;
use keapsake::connection::flow::Flow;
use keapsake::connection::history::{Ending, Entry, Kind, Outcome};
use keapsake::store::{
    Begin, Due, Identity, Lease, Revision, Store, StoreError, Stored, Swap, Tokens, WrappedKeys, Write,
};
use uuid::Uuid;

use super::{Flaw, Shared};

/// Who has the lease of a connection, and until when, by the clock of whoever asked.
pub(super) type WallClockLeases = Mutex<BTreeMap<ConnectionId, (Uuid, Timestamp)>>;

/// For so long an old read is taken for a new one.
const STALE: Duration = Duration::from_mins(1);

pub(super) struct Flawed {
    flaw: Flaw,
    inner: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    read: Option<(Timestamp, Option<Stored>)>,
    leased_until: Option<Timestamp>,
}

impl Flawed {
    pub(super) fn new(flaw: Flaw, inner: Arc<dyn Store>, clock: Arc<dyn Clock>, shared: Arc<Shared>) -> Self {
        Self { flaw, inner, clock, shared, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn load_perhaps_stale(&self, id: &ConnectionId) -> Result<Option<Stored>, StoreError> {
        let now = self.clock.now();
        if let Some((at, read)) = &self.memory().read
            && self.flaw == Flaw::StaleReads
            && until(*at, now) < STALE
        {
            return Ok(read.clone());
        }
        let read = self.inner.load(id).await?;
        self.memory().read = Some((now, read.clone()));
        Ok(read)
    }

    async fn swap_flawed(
        &self,
        id: &ConnectionId,
        expected: Option<Revision>,
        mut write: Write,
    ) -> Result<Swap, StoreError> {
        match self.flaw {
            Flaw::UpdateErasesTokens if write.tokens == Tokens::Keep => write.tokens = Tokens::Erase,
            Flaw::NoFence => {
                let at = self.inner.load(id).await?.map(|stored| stored.revision);
                return self.inner.swap(id, at, write).await;
            }
            Flaw::DroppedWithTheLease if matches!(write.tokens, Tokens::Replace(_)) => {
                let is_over = self.memory().leased_until.is_some_and(|until| until <= self.clock.now());
                if is_over {
                    return Ok(Swap::Done);
                }
            }
            _ => {}
        }
        let swapped = self.inner.swap(id, expected, write).await;
        if self.flaw == Flaw::FailedIsDone { swapped.or(Ok(Swap::Done)) } else { swapped }
    }

    async fn lease_flawed(
        &self,
        id: &ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> Result<Lease, StoreError> {
        let leased = match self.flaw {
            Flaw::NoLease => Ok(Lease::Held),
            Flaw::WallClockLease => Ok(self.lease_by_own_clock(id, owner, life)),
            _ => self.inner.lease(id, owner, life).await,
        };
        if matches!(leased, Ok(Lease::Held)) {
            self.memory().leased_until = Some(later(self.clock.now(), life));
        }
        leased
    }

    fn lease_by_own_clock(&self, id: &ConnectionId, owner: Uuid, life: Duration) -> Lease {
        let now = self.clock.now();
        let mut leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
        match leases.get(id) {
            Some((other, until)) if *other != owner && *until > now => {
                Lease::Taken { left: keapsake::clock::until(now, *until) }
            }
            _ => {
                leases.insert(id.clone(), (owner, later(now, life)));
                Lease::Held
            }
        }
    }

    async fn begin_flawed(&self, id: &ConnectionId, entry: Entry) -> Result<Begin, StoreError> {
        if self.flaw == Flaw::IntentsNotSeen {
            let ending = |at| Ending { at, outcome: Outcome::Superseded, words: String::new() };
            let open = self.inner.open_entries(id).await?;
            for other in open.iter().filter(|other| other.kind == Kind::Refresh) {
                self.inner.end_entry(id, other.id, ending(entry.started_at)).await?;
            }
        }
        self.inner.begin(id, entry).await
    }

    async fn release_flawed(&self, id: &ConnectionId, owner: Uuid) -> Result<(), StoreError> {
        if self.flaw != Flaw::WallClockLease {
            return self.inner.release(id, owner).await;
        }
        let mut leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.get(id).is_some_and(|(other, _)| *other == owner) {
            leases.remove(id);
        }
        Ok(())
    }
}

impl Store for Flawed {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        self.inner.identity()
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        self.inner.identify(identity)
    }

    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        self.inner.incarnation()
    }

    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.settle(incarnation)
    }

    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>> {
        self.inner.swap_keys(expected, keys)
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(self.load_perhaps_stale(id))
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(self.swap_flawed(id, expected, write))
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        self.inner.due(limit)
    }

    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>> {
        self.inner.connections(after, limit)
    }

    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(self.lease_flawed(id, owner, life))
    }

    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.release_flawed(id, owner))
    }

    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.release_all(owner)
    }

    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>> {
        Box::pin(self.begin_flawed(id, entry))
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.end_entry(id, entry, ending)
    }

    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        if self.flaw == Flaw::IntentsNotSeen {
            return Box::pin(async { Ok(Vec::new()) });
        }
        self.inner.open_entries(id)
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.inner.history(id, limit)
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.add_flow(id, flow, now)
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.inner.peek_flow(id, state_digest)
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        if self.flaw == Flaw::FlowNotTaken {
            return self.inner.peek_flow(id, state_digest);
        }
        self.inner.take_flow(id, state_digest)
    }

    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.raise(id, condition, at)
    }

    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.clear(id, condition)
    }

    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>> {
        self.inner.raised(id)
    }

    fn changes(&self) -> BoxFuture<'_, ()> {
        self.inner.changes()
    }
}
