//! A store whose calls fail or hang when a test wants it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keapsake::connection::ConnectionId;
use keapsake::connection::flow::Flow;
use keapsake::connection::history::{Ending, Entry};
use keapsake::store::{
    Begin, Due, Identity, Lease, Revision, Store, StoreError, Stored, Swap, WrappedKeys, Write,
};

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Works,
    /// It is not carried out.
    Fails,
    /// It is carried out, but the caller is told that it was not.
    FailsAfterwards,
    /// As for a process that was killed: it never returns.
    Hangs,
}

type Decide = dyn Fn(&'static str, u64) -> Fate + Send + Sync;

/// Asks a function about each call: by its name and number.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    decide: Arc<Mutex<Arc<Decide>>>,
    calls: Arc<AtomicU64>,
}

impl FaultyStore {
    pub(crate) fn around(inner: Arc<dyn Store>) -> Self {
        Self { inner, decide: Arc::new(Mutex::new(Arc::new(|_, _| Fate::Works))), calls: Arc::default() }
    }

    pub(crate) fn decide(&self, decide: impl Fn(&'static str, u64) -> Fate + Send + Sync + 'static) {
        *self.decide.lock().unwrap() = Arc::new(decide);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    async fn through<T>(
        &self,
        name: &'static str,
        call: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let decide = self.decide.lock().unwrap().clone();
        let failed = || Err(StoreError::new(format!("call {number}, {name}, fails in this test")));
        match decide(name, number) {
            Fate::Works => call.await,
            Fate::Fails => failed(),
            Fate::FailsAfterwards => {
                let _ = call.await;
                failed()
            }
            Fate::Hangs => std::future::pending().await,
        }
    }
}

/// Each method goes through.
macro_rules! through {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $out:ty;)+) => {
        #[expect(clippy::elidable_lifetime_names, reason = "some of them need the name")]
        impl Store for FaultyStore {
            $(fn $name<'a>(&'a self $(, $arg: $type)*) -> BoxFuture<'a, Result<$out, StoreError>> {
                Box::pin(self.through(stringify!($name), self.inner.$name($($arg),*)))
            })+

            fn changes(&self) -> BoxFuture<'_, ()> {
                self.inner.changes()
            }
        }
    };
}

through! {
    fn identity(&self) -> Option<Identity>;
    fn identify(&self, identity: Identity) -> Identity;
    fn incarnation(&self) -> String;
    fn settle(&self, incarnation: String) -> ();
    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> Swap;
    fn load(&self, id: &'a ConnectionId) -> Option<Stored>;
    fn swap(&self, id: &'a ConnectionId, expected: Option<Revision>, write: Write) -> Swap;
    fn due(&self, limit: u32) -> Vec<Due>;
    fn connections(&self, after: Option<&'a ConnectionId>, limit: u32) -> Vec<ConnectionId>;
    fn lease(&self, id: &'a ConnectionId, owner: Uuid, life: Duration) -> Lease;
    fn release(&self, id: &'a ConnectionId, owner: Uuid) -> ();
    fn release_all(&self, owner: Uuid) -> ();
    fn begin(&self, id: &'a ConnectionId, entry: Entry) -> Begin;
    fn end_entry(&self, id: &'a ConnectionId, entry: Uuid, ending: Ending) -> ();
    fn open_entries(&self, id: &'a ConnectionId) -> Vec<Entry>;
    fn history(&self, id: &'a ConnectionId, limit: u32) -> Vec<Entry>;
    fn add_flow(&self, id: &'a ConnectionId, flow: Flow, now: Timestamp) -> ();
    fn peek_flow(&self, id: &'a ConnectionId, state_digest: [u8; 32]) -> Option<Flow>;
    fn take_flow(&self, id: &'a ConnectionId, state_digest: [u8; 32]) -> Option<Flow>;
    fn raise(&self, id: &'a ConnectionId, condition: &'a str, at: Timestamp) -> bool;
    fn clear(&self, id: &'a ConnectionId, condition: &'a str) -> bool;
    fn raised(&self, id: &'a ConnectionId) -> Vec<(String, Timestamp)>;
}
