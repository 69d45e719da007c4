//! Where connections are kept.
//!
//! [`Store`] is the contract; [`MemoryStore`], [`SqliteStore`] and [`PostgresStore`] keep it. A store never sees a token: it is
//! given [`Sealed`] bytes, which only the SDK can make and open, so there is no way to store one in the clear.
//! [`conformance`] tests any store against the contract.

pub mod conformance;
pub mod key_file;
pub mod memory;
pub mod postgres;
pub mod seal;
mod sql;
pub mod sqlite;

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};
use crate::connection::record::Record;
pub use memory::MemoryStore;
pub use postgres::PostgresStore;
pub use seal::Sealed;
pub use sql::SqlStore;
pub use sqlite::SqliteStore;

/// Keeps connections, durably, with their history.
///
/// Several processes, on several machines if the store can, may share one. Whatever has to be decided between them is
/// decided here: which write comes first ([`swap`](Store::swap)), who may refresh ([`lease`](Store::lease)), which
/// request is on its way ([`begin`](Store::begin)).
///
/// # Contract
/// - A method that returns `Ok` has made its change durable.
/// - [`swap`](Store::swap), [`begin`](Store::begin), [`lease`](Store::lease), [`take_flow`](Store::take_flow),
///   [`raise`](Store::raise), [`clear`](Store::clear) and [`swap_keys`](Store::swap_keys) are atomic: of any number of
///   callers at the same time, in any process, at most one wins.
/// - "Not there" is a value, not an error.
/// - Leases run on the store's own time, never on that of a caller.
pub trait Store: Send + Sync + 'static {
    /// The identity of this store, if it has one yet.
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>>;

    /// Gives the store its identity, once; returns the one it has afterwards.
    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>>;

    /// Which physical copy of the data this is: another one after a restore or a copy (`inode:…`, the system and
    /// timeline of a PostgreSQL cluster). The same for as long as the data stays where it is.
    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>>;

    /// Writes into the identity that it is now at home in this copy.
    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Replaces the wrapped data keys of the identity, if they are still at `expected`.
    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>>;

    /// What is known of a connection.
    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Writes, if the connection is still at `expected` (`None`: still unknown), and moves its revision one on.
    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>>;

    /// The connections that are due first ([`Record::due_at`]), soonest first. Costs an index range, however many
    /// connections there are.
    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>>;

    /// All connections in the order of their names, after this one; for work on every one of them.
    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>>;

    /// Gives the right to refresh a connection to `owner` for this long by the store's own time, unless another has
    /// it. Asking again prolongs it. No lease is longer than [`LONGEST_LEASE`].
    ///
    /// # Errors
    /// Also when there is no such connection: what is not known cannot be refreshed.
    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>>;

    /// Gives back what `owner` has; another's lease stays.
    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives back everything that a dead owner had.
    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Writes down that something is being tried: an open entry of the history. At most one refresh is open for a
    /// connection at a position, and none is begun at a position that the connection is not at any more: its token is
    /// spent.
    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>>;

    /// Ends an open entry. Ending one that has ended changes nothing.
    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The entries that have not ended, oldest first.
    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>>;

    /// The latest entries, newest first. A store may forget all but the last five hundred of a connection.
    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>>;

    /// Remembers a flow; forgets those that had ended by `now`.
    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The flow with this state without taking it.
    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>>;

    /// Takes the flow with this state: of all who ask, one gets it, once.
    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>>;

    /// Raises an alarm; true for the one caller who raised it, until it is cleared.
    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Clears an alarm; true for the one caller who cleared it.
    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The alarms that are raised, with the time since when, in the order of their words.
    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>>;

    /// Waits until another process may have changed something. May return early or late: nothing relies on it but
    /// speed.
    fn changes(&self) -> BoxFuture<'_, ()>;
}

/// Tells one store from another, and its keys from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// A random id, part of what every ciphertext is bound to.
    pub deployment: Uuid,
    /// The copy of the data in which it was written; see [`Store::incarnation`].
    pub incarnation: String,
    /// The data keys, sealed by the key that is kept outside the store.
    pub keys: WrappedKeys,
}

/// Counts the writes of something, from 1: two writes never build on the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Of something that was written once.
    pub const FIRST: Self = Self(1);

    /// After one more write.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A set of data keys, each sealed by the key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKeys {
    /// Moves on with every change.
    pub revision: Revision,
    /// The keys; the last one seals what is new.
    pub keys: Vec<WrappedKey>,
}

/// One data key, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its number, which every ciphertext names; never used again.
    pub number: u32,
    /// The key, sealed by the key-encryption key.
    pub sealed: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A connection as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is known.
    pub record: Record,
    /// Its tokens, while it has any.
    pub tokens: Option<SealedPair>,
    /// Which write this is.
    pub revision: Revision,
}

/// A connection that will be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which one.
    pub connection: ConnectionId,
    /// When.
    pub at: Timestamp,
}

/// No lease is given for longer. One that seems to last longer was given before the store's clock was moved back.
pub const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// Whether the right to refresh was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Lease {
    /// It is yours.
    Held,
    /// Another has it.
    Taken {
        /// How long at most, if it is not prolonged.
        left: Duration,
    },
}

/// Whether an entry was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Begin {
    /// It is written down.
    Done,
    /// A refresh is open already for this pair, or the connection is at another pair by now; nothing was written.
    Occupied,
}

/// A pair of tokens, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPair {
    /// The access token.
    pub access: Sealed,
    /// The refresh token.
    pub refresh: Sealed,
}

/// What [`Store::swap`] writes, all of it or nothing.
#[derive(Debug, Clone)]
pub struct Write {
    /// What is known now.
    pub record: Record,
    /// What becomes of the tokens.
    pub tokens: Tokens,
    /// The entry of the history that this ends, in the same transaction.
    pub ends: Option<(Uuid, Ending)>,
}

/// What a write does to the tokens. Keeping them is a statement that does not name them, so that a change of
/// anything else can never overwrite a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// Nothing.
    Keep,
    /// Puts these in their place.
    Replace(SealedPair),
    /// Erases them.
    Erase,
}

/// How a swap went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Swap {
    /// Written.
    Done,
    /// It was elsewhere; nothing was written.
    Lost,
}

/// The store did not do it. The message is for people and logs and has no secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
}

impl StoreError {
    /// With a message for people: what happened, why it is likely, what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
