//! The contract of [`Store`] as tests: run [`check`] on a store of your own.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Identity, Sealed, SealedPair, Store, StoreError, Stored, Swap, Tokens, Write};
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind, Outcome};
use crate::connection::record::{Account, Health, Link, Linked, Position, Record};

/// Checks an empty store against the whole contract.
///
/// # Errors
/// What the store itself reported.
///
/// # Panics
/// When the store breaks the contract; the message says where.
pub async fn check(store: Arc<dyn Store>) -> Result<(), StoreError> {
    keeps_its_first_identity(&*store).await?;
    gives_back_what_was_written(&*store).await?;
    keeps_tokens_that_a_write_does_not_name(&*store).await?;
    refuses_a_write_from_elsewhere(&*store).await?;
    lets_one_of_many_win(&store).await?;
    ends_an_entry_once(&*store).await?;
    gives_a_flow_to_one_of_many(&store).await?;
    forgets_ended_flows(&*store).await
}

async fn keeps_its_first_identity(store: &dyn Store) -> Result<(), StoreError> {
    assert_eq!(store.identity().await?, None, "a new store has no identity");
    let first = Identity { deployment: Uuid::from_u128(1), key_check: sealed(1) };
    let second = Identity { deployment: Uuid::from_u128(2), key_check: sealed(2) };
    assert_eq!(store.identify(first.clone()).await?, first);
    assert_eq!(store.identify(second).await?, first, "the first identity stays");
    assert_eq!(store.identity().await?, Some(first));
    Ok(())
}

async fn gives_back_what_was_written(store: &dyn Store) -> Result<(), StoreError> {
    let (one, two) = (id("one"), id("two"));
    assert_eq!(store.load(&one).await?, None, "nothing is there at first");
    assert_eq!(store.swap(&one, None, write(1, 1, Tokens::Replace(pair(1)))).await?, Swap::Done);
    assert_eq!(store.load(&one).await?, Some(Stored { record: record(1, 1), tokens: Some(pair(1)) }));
    assert_eq!(store.load(&two).await?, None, "connections do not see each other");
    assert_eq!(store.swap(&one, Some(at(1, 1)), write(2, 1, Tokens::Erase)).await?, Swap::Done);
    assert_eq!(store.load(&one).await?, Some(Stored { record: record(2, 1), tokens: None }));
    Ok(())
}

async fn keeps_tokens_that_a_write_does_not_name(store: &dyn Store) -> Result<(), StoreError> {
    let id = id("keep");
    let _ = store.swap(&id, None, write(1, 1, Tokens::Replace(pair(1)))).await?;
    let mut named = write(1, 1, Tokens::Keep);
    named.record.account.name = Some("Acme Toys".into());
    assert_eq!(store.swap(&id, Some(at(1, 1)), named.clone()).await?, Swap::Done);
    assert_eq!(store.load(&id).await?, Some(Stored { record: named.record, tokens: Some(pair(1)) }));
    Ok(())
}

async fn refuses_a_write_from_elsewhere(store: &dyn Store) -> Result<(), StoreError> {
    let id = id("fence");
    let _ = store.swap(&id, None, write(1, 5, Tokens::Replace(pair(5)))).await?;
    let before = store.load(&id).await?;
    for elsewhere in [None, Some(at(1, 4)), Some(at(1, 6)), Some(at(2, 5)), Some(at(0, 5))] {
        let swap = store.swap(&id, elsewhere, write(9, 9, Tokens::Erase)).await?;
        assert_eq!(swap, Swap::Lost, "{elsewhere:?} is not where the connection is");
    }
    assert_eq!(store.load(&id).await?, before, "a lost swap writes nothing");
    Ok(())
}

async fn lets_one_of_many_win(store: &Arc<dyn Store>) -> Result<(), StoreError> {
    let id = id("race");
    let _ = store.swap(&id, None, write(1, 1, Tokens::Replace(pair(1)))).await?;
    let tasks = (0..16).map(|n| {
        let (store, id) = (store.clone(), id.clone());
        tokio::spawn(
            async move { store.swap(&id, Some(at(1, 1)), write(1, 2, Tokens::Replace(pair(n)))).await },
        )
    });
    let mut won = 0;
    for task in tasks.collect::<Vec<_>>() {
        won += usize::from(finished(task.await)? == Swap::Done);
    }
    assert_eq!(won, 1, "of 16 swaps from the same place one wins");
    Ok(())
}

async fn ends_an_entry_once(store: &dyn Store) -> Result<(), StoreError> {
    let id = id("history");
    let open = entry(1);
    store.add_entry(&id, open.clone()).await?;
    assert_eq!(store.history(&id, 10).await?, vec![open.clone()]);
    let _ = store.swap(&id, None, write(1, 1, Tokens::Replace(pair(1)))).await?;

    // An ending that comes with a lost swap is not written either.
    let lost = Write { ends: Some((open.id, ending("lost"))), ..write(1, 2, Tokens::Keep) };
    assert_eq!(store.swap(&id, Some(at(7, 7)), lost).await?, Swap::Lost);
    assert_eq!(store.history(&id, 10).await?, vec![open.clone()]);

    let done = Write { ends: Some((open.id, ending("first"))), ..write(1, 2, Tokens::Keep) };
    assert_eq!(store.swap(&id, Some(at(1, 1)), done).await?, Swap::Done);
    store.end_entry(&id, open.id, ending("second")).await?;
    let ended = Entry { ending: Some(ending("first")), ..open };
    assert_eq!(store.history(&id, 10).await?, vec![ended.clone()]);

    let next = Entry { ending: Some(ending("at once")), ..entry(2) };
    store.add_entry(&id, next.clone()).await?;
    assert_eq!(store.history(&id, 10).await?, vec![next.clone(), ended], "newest first");
    assert_eq!(store.history(&id, 1).await?, vec![next]);
    Ok(())
}

async fn gives_a_flow_to_one_of_many(store: &Arc<dyn Store>) -> Result<(), StoreError> {
    let here = id("flow");
    store.add_flow(&here, flow(1, 100), time(0)).await?;
    assert_eq!(store.take_flow(&id("elsewhere"), [1; 32]).await?, None, "a flow belongs to its connection");
    assert_eq!(store.take_flow(&here, [2; 32]).await?, None);
    assert_eq!(store.peek_flow(&here, [1; 32]).await?, Some(flow(1, 100)));
    let tasks = (0..50).map(|_| {
        let (store, id) = (store.clone(), here.clone());
        tokio::spawn(async move { store.take_flow(&id, [1; 32]).await })
    });
    let mut taken = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        taken.extend(finished(task.await)?);
    }
    assert_eq!(taken, vec![flow(1, 100)], "of 50 takers one gets it");
    Ok(())
}

async fn forgets_ended_flows(store: &dyn Store) -> Result<(), StoreError> {
    let id = id("ended");
    store.add_flow(&id, flow(3, 100), time(0)).await?;
    store.add_flow(&id, flow(4, 300), time(200)).await?;
    assert_eq!(store.take_flow(&id, [3; 32]).await?, None);
    assert_eq!(store.take_flow(&id, [4; 32]).await?, Some(flow(4, 300)));
    Ok(())
}

#[expect(clippy::panic, reason = "a panic in a store breaks its contract")]
fn finished<T>(outcome: Result<T, tokio::task::JoinError>) -> T {
    outcome.unwrap_or_else(|error| panic!("the store panicked: {error}"))
}

fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap_or_else(ConnectionId::main)
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn at(lineage: u64, generation: u64) -> Position {
    Position { lineage, generation }
}

fn sealed(fill: u8) -> Sealed {
    Sealed::from_stored(vec![fill; 60])
}

fn pair(fill: u8) -> SealedPair {
    SealedPair { access: sealed(fill), refresh: sealed(fill.wrapping_add(100)) }
}

fn record(lineage: u64, generation: u64) -> Record {
    let linked = Linked {
        connected_at: time(0),
        access_issued_at: time(0),
        access_expires_at: time(86_400),
        access_refused: false,
        refresh_issued_at: time(0),
        refresh_at: time(75_600),
        health: Health::Suspect { rejections: 1, first_rejected_at: time(5) },
        health_since: time(5),
    };
    let account = Account { host: Some("acme.infusionsoft.com".into()), name: None };
    Record { position: Position { lineage, generation }, account, link: Link::Linked(linked) }
}

fn write(lineage: u64, generation: u64, tokens: Tokens) -> Write {
    Write { record: record(lineage, generation), tokens, ends: None }
}

fn entry(generation: u64) -> Entry {
    Entry {
        id: Uuid::from_u128(u128::from(generation)),
        kind: Kind::Refresh,
        position: Position { lineage: 1, generation },
        started_at: time(1),
        ending: None,
    }
}

fn ending(words: &str) -> Ending {
    Ending { at: time(2), outcome: Outcome::Done, words: words.into() }
}

fn flow(fill: u8, ends: i64) -> Flow {
    Flow {
        state_digest: [fill; 32],
        browser_digest: [fill.wrapping_add(1); 32],
        started_by: "session".into(),
        switch_account: true,
        verifier: Some(sealed(fill)),
        expires_at: time(ends),
    }
}
