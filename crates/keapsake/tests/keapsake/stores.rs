//! The stores keep the contract, and none of them starts on what could lose a token.

mod postgres;
pub(crate) mod server;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keapsake::clock::ManualClock;
use keapsake::connection::ConnectionId;
use keapsake::connection::history::{Ending, Entry, Kind, Outcome};
use keapsake::connection::record::{Account, Link, Position, Record};
use keapsake::store::{
    Begin, LONGEST_LEASE, Lease, MemoryStore, Revision, Sealed, SealedPair, Store, Swap, Tokens, Write,
    conformance,
};
use uuid::Uuid;

use crate::faulty::{Fate, FaultyStore};

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    conformance::check(Arc::new(MemoryStore::default())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_store_keeps_the_contract_while_it_works() {
    let store = FaultyStore::around(Arc::new(MemoryStore::default()));
    conformance::check(Arc::new(store)).await.unwrap();
}

#[tokio::test]
async fn a_call_fails_before_or_after_it_is_carried_out() {
    for (fate, is_written) in [(Fate::Fails, false), (Fate::FailsAfterwards, true)] {
        let memory = Arc::new(MemoryStore::default());
        let store = FaultyStore::around(memory.clone());
        store.decide(move |_, _| fate);
        let id = ConnectionId::main();
        store.swap(&id, None, write(Tokens::Keep)).await.unwrap_err();
        assert_eq!(memory.load(&id).await.unwrap().is_some(), is_written, "{fate:?}");
    }
}

/// A machine whose clock was a year ahead when it gave a lease, and was then put right.
#[tokio::test]
async fn memory_lets_no_lease_outlast_a_clock_that_was_moved_back() {
    let clock = ManualClock::at(now());
    let store = MemoryStore::on(Arc::new(clock.clone()));
    let id = connection(&store).await;
    assert_eq!(store.lease(&id, Uuid::from_u128(1), LONGEST_LEASE).await.unwrap(), Lease::Held);
    clock.set(now() - Duration::from_secs(1));
    assert_eq!(store.lease(&id, Uuid::from_u128(2), LONGEST_LEASE).await.unwrap(), Lease::Held);
    clock.advance(LONGEST_LEASE);
    assert_eq!(store.lease(&id, Uuid::from_u128(1), LONGEST_LEASE).await.unwrap(), Lease::Held, "it is over");
}

#[tokio::test]
async fn memory_forgets_old_entries() {
    forgets_old_entries(&MemoryStore::default()).await;
}

/// The connection `main`, as it is after a person disconnected.
async fn connection(store: &dyn Store) -> ConnectionId {
    let id = ConnectionId::main();
    assert_eq!(store.swap(&id, None, write(Tokens::Keep)).await.unwrap(), Swap::Done);
    id
}

fn write(tokens: Tokens) -> Write {
    let link = Link::Disconnected { since: now() };
    let record =
        Record { position: Position { lineage: 1, generation: 1 }, account: Account::default(), link };
    Write { record, tokens, ends: None }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn pair(access: usize, refresh: usize) -> SealedPair {
    let sealed = |length| Sealed::from_stored(vec![1; length]);
    SealedPair { access: sealed(access), refresh: sealed(refresh) }
}

/// An empty secret, or one too short to be sealed, is refused by the database itself, and what was there stays.
async fn refuses_empty_secrets(store: &dyn Store) {
    let id = ConnectionId::new("secrets").unwrap();
    assert_eq!(store.swap(&id, None, write(Tokens::Replace(pair(60, 60)))).await.unwrap(), Swap::Done);
    let before = store.load(&id).await.unwrap();
    for (access, refresh) in [(0, 60), (60, 0), (40, 60), (60, 40)] {
        let emptied = write(Tokens::Replace(pair(access, refresh)));
        let words = store.swap(&id, Some(Revision::FIRST), emptied).await.unwrap_err().to_string();
        assert!(words.to_lowercase().contains("check constraint"), "{words}");
    }
    assert_eq!(store.load(&id).await.unwrap(), before);
}

/// The history does not grow for ever; only what has not ended stays.
async fn forgets_old_entries(store: &dyn Store) {
    let id = connection(store).await;
    let position = Position { lineage: 1, generation: 1 };
    let entry =
        |ending| Entry { id: Uuid::new_v4(), kind: Kind::Authorization, position, started_at: now(), ending };
    let open = entry(None);
    assert_eq!(store.begin(&id, open.clone()).await.unwrap(), Begin::Done);
    for _ in 0..520 {
        let ending = Ending { at: now(), outcome: Outcome::Done, words: String::new() };
        assert_eq!(store.begin(&id, entry(Some(ending))).await.unwrap(), Begin::Done);
    }
    let kept = store.history(&id, 1000).await.unwrap();
    assert_eq!(kept.len(), 501);
    assert_eq!(kept.last(), Some(&open));
}

/// What one writes wakes who waits on another handle.
async fn hears_of_changes(here: &dyn Store, elsewhere: &dyn Store) {
    let id = ConnectionId::new("changes").unwrap();
    assert_eq!(elsewhere.swap(&id, None, write(Tokens::Keep)).await.unwrap(), Swap::Done);
    // The first wait may have begun after the write; all later ones have begun before.
    for _ in 0..3 {
        let writing = async {
            loop {
                touch(elsewhere, &id).await;
                wait(Duration::from_millis(200)).await;
            }
        };
        let heard = async {
            tokio::select! { () = here.changes() => {}, () = writing => {} }
        };
        tokio::time::timeout(Duration::from_secs(4), heard).await.expect("a change was not heard");
    }
}

/// Writes a connection as it is; nobody else writes it.
async fn touch(store: &dyn Store, id: &ConnectionId) {
    let stored = store.load(id).await.unwrap().unwrap();
    assert_eq!(store.swap(id, Some(stored.revision), write(Tokens::Keep)).await.unwrap(), Swap::Done);
}

#[expect(clippy::disallowed_methods, reason = "other processes take real time")]
async fn wait(length: Duration) {
    tokio::time::sleep(length).await;
}
