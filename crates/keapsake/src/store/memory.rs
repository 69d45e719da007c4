//! A store in memory: for tests and for trying things out. What it holds ends with the program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, pending, ready};
use jiff::Timestamp;
use uuid::Uuid;

use super::sql::nothing_to_lease;
use super::sql::statements::HISTORY_KEPT;
use super::{
    Begin, Due, Identity, LONGEST_LEASE, Lease, Revision, Store, StoreError, Stored, Swap, Tokens,
    WrappedKeys, Write,
};
use crate::clock::{Clock, SystemClock, later, until};
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind};

/// Keeps connections in memory. The reference for the contract of [`Store`].
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    shelves: Mutex<Shelves>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::on(Arc::new(SystemClock))
    }
}

#[derive(Clone, Default)]
struct Shelves {
    identity: Option<Identity>,
    connections: BTreeMap<ConnectionId, Shelf>,
}

#[derive(Clone, Default)]
struct Shelf {
    stored: Option<Stored>,
    lease: Option<Held>,
    history: Vec<Entry>,
    flows: Vec<Flow>,
    alarms: BTreeMap<String, Timestamp>,
}

#[derive(Clone)]
struct Held {
    owner: Uuid,
    until: Timestamp,
}

impl Held {
    /// A lease that ends later than any is given for was given before the clock was moved back.
    fn keeps_out(&self, owner: Uuid, now: Timestamp) -> bool {
        self.owner != owner && self.until > now && self.until <= later(now, LONGEST_LEASE)
    }
}

impl Shelf {
    fn swap(&mut self, expected: Option<Revision>, write: Write) -> Swap {
        if self.stored.as_ref().map(|stored| stored.revision) != expected {
            return Swap::Lost;
        }
        let tokens = match write.tokens {
            Tokens::Keep => self.stored.take().and_then(|stored| stored.tokens),
            Tokens::Replace(pair) => Some(pair),
            Tokens::Erase => None,
        };
        let revision = expected.map_or(Revision::FIRST, Revision::next);
        self.stored = Some(Stored { record: write.record, tokens, revision });
        if let Some((entry, ending)) = write.ends {
            self.end_entry(entry, ending);
        }
        Swap::Done
    }

    fn lease(&mut self, owner: Uuid, life: Duration, now: Timestamp) -> Lease {
        match &self.lease {
            Some(held) if held.keeps_out(owner, now) => Lease::Taken { left: until(now, held.until) },
            _ => {
                self.lease = Some(Held { owner, until: later(now, life.min(LONGEST_LEASE)) });
                Lease::Held
            }
        }
    }

    fn release(&mut self, owner: Uuid) {
        self.lease.take_if(|held| held.owner == owner);
    }

    fn begin(&mut self, entry: Entry) -> Begin {
        let is_open_refresh = |entry: &Entry| entry.kind == Kind::Refresh && entry.ending.is_none();
        let occupies = |other: &Entry| is_open_refresh(other) && other.position == entry.position;
        let has_moved = || self.stored.as_ref().map(|stored| stored.record.position) != Some(entry.position);
        if is_open_refresh(&entry) && (has_moved() || self.history.iter().any(occupies)) {
            return Begin::Occupied;
        }
        self.history.push(entry);
        self.forget_entries();
        Begin::Done
    }

    /// Open entries stay however old they are: what was tried and never ended still has to be settled.
    fn forget_entries(&mut self) {
        let mut too_many = self.history.len().saturating_sub(HISTORY_KEPT);
        self.history.retain(|entry| {
            let is_old = too_many > 0;
            too_many = too_many.saturating_sub(1);
            !is_old || entry.ending.is_none()
        });
    }

    fn end_entry(&mut self, id: Uuid, ending: Ending) {
        if let Some(entry) = self.history.iter_mut().find(|entry| entry.id == id) {
            entry.ending.get_or_insert(ending);
        }
    }
}

impl MemoryStore {
    /// With leases that run on this clock.
    pub fn on(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shelves: Mutex::default() }
    }

    /// A copy of everything it holds, as a backup is one.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self { clock: self.clock.clone(), shelves: Mutex::new(self.shelves().clone()) }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with everything, at once.
    fn with_all<'a, T>(
        &'a self,
        act: impl FnOnce(&mut Shelves) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move { Ok(act(&mut self.shelves())) })
    }

    /// Does something with one connection's shelf, at once.
    fn with<'a, T>(
        &'a self,
        id: &'a ConnectionId,
        act: impl FnOnce(&mut Shelf) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        self.with_all(|shelves| act(shelves.connections.entry(id.clone()).or_default()))
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        self.with_all(move |shelves| shelves.identity.clone())
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        self.with_all(move |shelves| shelves.identity.get_or_insert(identity).clone())
    }

    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(ready(Ok("memory".into())))
    }

    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with_all(move |shelves| {
            if let Some(identity) = &mut shelves.identity {
                identity.incarnation = incarnation;
            }
        })
    }

    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>> {
        self.with_all(move |shelves| match &mut shelves.identity {
            Some(identity) if identity.keys.revision == expected => {
                identity.keys = WrappedKeys { revision: expected.next(), ..keys };
                Swap::Done
            }
            _ => Swap::Lost,
        })
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.with(id, move |shelf| shelf.stored.clone())
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        self.with(id, move |shelf| shelf.swap(expected, write))
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        self.with_all(move |shelves| {
            let due = shelves.connections.iter().filter_map(|(id, shelf)| {
                let at = shelf.stored.as_ref()?.record.due_at()?;
                Some(Due { connection: id.clone(), at })
            });
            let mut due: Vec<_> = due.collect();
            due.sort_by_key(|due| due.at);
            due.truncate(limit as usize);
            due
        })
    }

    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>> {
        self.with_all(move |shelves| {
            let stored = shelves.connections.iter().filter(|(_, shelf)| shelf.stored.is_some());
            let later = stored.map(|(id, _)| id).filter(|id| after.is_none_or(|after| *id > after));
            later.take(limit as usize).cloned().collect()
        })
    }

    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut shelves = self.shelves();
            let known = shelves.connections.get_mut(id).filter(|known| known.stored.is_some());
            known.map(|known| known.lease(owner, life, now)).ok_or_else(|| nothing_to_lease(id))
        })
    }

    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, move |shelf| shelf.release(owner))
    }

    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with_all(move |shelves| shelves.connections.values_mut().for_each(|shelf| shelf.release(owner)))
    }

    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>> {
        self.with(id, move |shelf| shelf.begin(entry))
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, move |shelf| shelf.end_entry(entry, ending))
    }

    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.with(id, move |shelf| {
            shelf.history.iter().filter(|entry| entry.ending.is_none()).cloned().collect()
        })
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.with(id, move |shelf| shelf.history.iter().rev().take(limit as usize).cloned().collect())
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, move |shelf| {
            shelf.flows.retain(|flow| flow.expires_at > now);
            shelf.flows.push(flow);
        })
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.with(id, move |shelf| shelf.flows.iter().find(|flow| flow.state_digest == state_digest).cloned())
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.with(id, move |shelf| {
            let at = shelf.flows.iter().position(|flow| flow.state_digest == state_digest)?;
            Some(shelf.flows.swap_remove(at))
        })
    }

    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.with(id, move |shelf| {
            let is_new = !shelf.alarms.contains_key(condition);
            shelf.alarms.entry(condition.to_owned()).or_insert(at);
            is_new
        })
    }

    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.with(id, move |shelf| shelf.alarms.remove(condition).is_some())
    }

    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>> {
        self.with(id, move |shelf| {
            shelf.alarms.iter().map(|(condition, at)| (condition.clone(), *at)).collect()
        })
    }

    /// Nobody else has it.
    fn changes(&self) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }
}
