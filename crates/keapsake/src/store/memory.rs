//! A store in memory: for tests and for trying things out. What it holds ends with the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Identity, Store, StoreError, Stored, Swap, Tokens, Write};
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};
use crate::connection::record::Position;

/// Keeps connections in memory. The reference for the contract of [`Store`].
#[derive(Default)]
pub struct MemoryStore(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    identity: Option<Identity>,
    connections: BTreeMap<ConnectionId, Shelf>,
}

#[derive(Default)]
struct Shelf {
    stored: Option<Stored>,
    history: Vec<Entry>,
    flows: Vec<Flow>,
}

impl Shelf {
    fn end_entry(&mut self, id: Uuid, ending: Ending) {
        if let Some(entry) = self.history.iter_mut().find(|entry| entry.id == id) {
            entry.ending.get_or_insert(ending);
        }
    }

    fn swap(&mut self, expected: Option<Position>, write: Write) -> Swap {
        if self.stored.as_ref().map(|stored| stored.record.position) != expected {
            return Swap::Lost;
        }
        let tokens = match write.tokens {
            Tokens::Keep => self.stored.take().and_then(|stored| stored.tokens),
            Tokens::Replace(pair) => Some(pair),
            Tokens::Erase => None,
        };
        self.stored = Some(Stored { record: write.record, tokens });
        if let Some((entry, ending)) = write.ends {
            self.end_entry(entry, ending);
        }
        Swap::Done
    }
}

impl MemoryStore {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with one connection's shelf, at once.
    fn with<T: Send + 'static>(
        &self,
        id: &ConnectionId,
        act: impl FnOnce(&mut Shelf) -> T,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        Box::pin(ready(Ok(act(self.shelves().connections.entry(id.clone()).or_default()))))
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        Box::pin(ready(Ok(self.shelves().identity.clone())))
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        Box::pin(ready(Ok(self.shelves().identity.get_or_insert(identity).clone())))
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.with(id, |shelf| shelf.stored.clone())
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Position>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        self.with(id, |shelf| shelf.swap(expected, write))
    }

    fn add_entry<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, |shelf| shelf.history.push(entry))
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, |shelf| shelf.end_entry(entry, ending))
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.with(id, |shelf| shelf.history.iter().rev().take(limit as usize).cloned().collect())
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(id, |shelf| {
            shelf.flows.retain(|flow| flow.expires_at > now);
            shelf.flows.push(flow);
        })
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.with(id, |shelf| shelf.flows.iter().find(|flow| flow.state_digest == state_digest).cloned())
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.with(id, |shelf| {
            let at = shelf.flows.iter().position(|flow| flow.state_digest == state_digest)?;
            Some(shelf.flows.swap_remove(at))
        })
    }
}
