//! For tests: a process that crashes at a chosen call of its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};
use crate::store::{
    Begin, Due, Identity, Lease, MemoryStore, Revision, Store, StoreError, Stored, Swap, WrappedKeys, Write,
};

/// What a process is at its n-th call of the store: dead, before or after the store has done it.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Crash {
    Before(u64),
    After(u64),
}

/// A store that a process uses until it crashes.
pub(in crate::store) struct Mortal {
    store: Arc<MemoryStore>,
    crash: Crash,
    calls: AtomicU64,
}

impl Mortal {
    pub(in crate::store) fn new(store: &Arc<MemoryStore>, crash: Crash) -> Self {
        Self { store: store.clone(), crash, calls: AtomicU64::new(0) }
    }

    fn call<'a, T>(
        &'a self,
        act: impl FnOnce(&'a MemoryStore) -> BoxFuture<'a, Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            let (last, is_done) = match self.crash {
                Crash::Before(last) => (last, false),
                Crash::After(last) => (last, true),
            };
            if call < last {
                return act(&self.store).await;
            }
            if call == last && is_done {
                act(&self.store).await?;
            }
            Err(StoreError::new("the process has crashed"))
        })
    }
}

/// Every method goes through [`Mortal::call`].
macro_rules! mortal {
    ($(fn $name:ident(&$life:lifetime self $(, $arg:ident: $type:ty)*) -> $answer:ty;)+) => {
        impl Store for Mortal {
            $(fn $name<$life>(&$life self $(, $arg: $type)*) -> BoxFuture<$life, Result<$answer, StoreError>> {
                self.call(move |store| store.$name($($arg),*))
            })+

            fn changes(&self) -> BoxFuture<'_, ()> {
                self.store.changes()
            }
        }
    };
}

mortal! {
    fn identity(&'a self) -> Option<Identity>;
    fn identify(&'a self, identity: Identity) -> Identity;
    fn incarnation(&'a self) -> String;
    fn settle(&'a self, incarnation: String) -> ();
    fn swap_keys(&'a self, expected: Revision, keys: WrappedKeys) -> Swap;
    fn load(&'a self, id: &'a ConnectionId) -> Option<Stored>;
    fn swap(&'a self, id: &'a ConnectionId, expected: Option<Revision>, write: Write) -> Swap;
    fn due(&'a self, limit: u32) -> Vec<Due>;
    fn connections(&'a self, after: Option<&'a ConnectionId>, limit: u32) -> Vec<ConnectionId>;
    fn lease(&'a self, id: &'a ConnectionId, owner: Uuid, life: Duration) -> Lease;
    fn release(&'a self, id: &'a ConnectionId, owner: Uuid) -> ();
    fn release_all(&'a self, owner: Uuid) -> ();
    fn begin(&'a self, id: &'a ConnectionId, entry: Entry) -> Begin;
    fn end_entry(&'a self, id: &'a ConnectionId, entry: Uuid, ending: Ending) -> ();
    fn open_entries(&'a self, id: &'a ConnectionId) -> Vec<Entry>;
    fn history(&'a self, id: &'a ConnectionId, limit: u32) -> Vec<Entry>;
    fn add_flow(&'a self, id: &'a ConnectionId, flow: Flow, now: Timestamp) -> ();
    fn peek_flow(&'a self, id: &'a ConnectionId, state_digest: [u8; 32]) -> Option<Flow>;
    fn take_flow(&'a self, id: &'a ConnectionId, state_digest: [u8; 32]) -> Option<Flow>;
    fn raise(&'a self, id: &'a ConnectionId, condition: &'a str, at: Timestamp) -> bool;
    fn clear(&'a self, id: &'a ConnectionId, condition: &'a str) -> bool;
    fn raised(&'a self, id: &'a ConnectionId) -> Vec<(String, Timestamp)>;
}
