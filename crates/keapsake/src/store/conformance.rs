//! The contract of [`Store`] as tests: run [`check`] on a store of your own, and [`check_shared`] if several processes
//! may share it.
//!
//! ```
//! # use std::sync::Arc;
//! # use keapsake::store::{MemoryStore, conformance};
//! # #[tokio::main]
//! # async fn main() -> Result<(), keapsake::store::StoreError> {
//! let store = Arc::new(MemoryStore::default());
//! conformance::check(store).await
//! # }
//! ```

mod connections;
mod flows;
mod history;
mod identity;
mod leases;
mod samples;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Store, StoreError};

/// Checks an empty store against the whole contract. It takes a second or two, and leaves the store full of
/// connections that mean nothing: throw it away afterwards.
///
/// # Errors
/// What the store itself reported.
///
/// # Panics
/// When the store breaks the contract; the message says where.
pub async fn check(store: Arc<dyn Store>) -> Result<(), StoreError> {
    check_shared(store.clone(), store).await
}

/// As [`check`], on two handles of one empty store, as two processes have: everything is written through the one
/// and read through the other, and they race.
///
/// # Errors
/// What the store itself reported.
///
/// # Panics
/// When the store breaks the contract; the message says where.
pub async fn check_shared(one: Arc<dyn Store>, other: Arc<dyn Store>) -> Result<(), StoreError> {
    let stores = Pair { one, other };
    identity::check(&stores).await?;
    connections::check(&stores).await?;
    leases::check(&stores).await?;
    history::check(&stores).await?;
    flows::check(&stores).await
}

/// Two handles of one store.
struct Pair {
    one: Arc<dyn Store>,
    other: Arc<dyn Store>,
}

impl Pair {
    /// Does something so often at the same time, through both handles; gives what came of it.
    async fn race<T: Send + 'static>(
        &self,
        times: u8,
        act: impl Fn(Arc<dyn Store>, u8) -> BoxFuture<'static, Result<T, StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let handles = [&self.one, &self.other];
        let started = (0..times).zip(handles.into_iter().cycle());
        let tasks: Vec<_> = started.map(|(n, store)| tokio::spawn(act(store.clone(), n))).collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(finished(task.await)?);
        }
        Ok(outcomes)
    }
}

#[expect(clippy::panic, reason = "a panic in a store breaks its contract")]
fn finished<T>(outcome: Result<T, tokio::task::JoinError>) -> T {
    outcome.unwrap_or_else(|error| panic!("the store panicked: {error}"))
}

/// How many of them are like this.
fn count<T: PartialEq>(outcomes: &[T], like: &T) -> usize {
    outcomes.iter().filter(|outcome| *outcome == like).count()
}
