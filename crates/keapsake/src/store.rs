//! Where a connection is kept.
//!
//! [`Store`] is the contract; [`MemoryStore`] and [`SqliteStore`] keep it. A store never sees a token: it is
//! given [`Sealed`] bytes, which only the SDK can make and open, so there is no way to store one in the clear.
//! [`conformance`] tests any store against the contract.

pub mod conformance;
pub mod key_file;
pub mod memory;
pub mod seal;
pub mod sqlite;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};
use crate::connection::record::{Position, Record};
pub use memory::MemoryStore;
pub use seal::Sealed;
pub use sqlite::SqliteStore;

/// Keeps connections, durably, with their history.
///
/// # Contract
/// - A method that returns `Ok` has made its change durable.
/// - [`swap`](Store::swap) and [`take_flow`](Store::take_flow) are atomic: of any number of callers at the same
///   time, in any process, at most one wins.
/// - "Not there" is a value, not an error.
pub trait Store: Send + Sync + 'static {
    /// The identity of this store, if it has one yet.
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>>;

    /// Gives the store its identity, once; returns the one it has afterwards.
    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>>;

    /// What is known of a connection.
    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Writes, if the connection is still at `expected` (`None`: still unknown).
    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Position>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>>;

    /// Adds an entry to the history. An open one (without ending) is the intent of an attempt.
    fn add_entry<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends an open entry. Ending one that has ended changes nothing.
    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The latest entries, newest first.
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
}

/// Tells one store from another, and its key from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// A random id, part of what every ciphertext is bound to.
    pub deployment: Uuid,
    /// A sealed known text: opens only with the right key.
    pub key_check: Sealed,
}

/// A connection as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is known.
    pub record: Record,
    /// Its tokens, while it has any.
    pub tokens: Option<SealedPair>,
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
    /// The connection was elsewhere; nothing was written.
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
