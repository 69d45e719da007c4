//! Connections: what is written, by whom, and which are due.

use super::samples::{
    disconnected_record, due_record, ended, ending, id, pair, record, refresh, time, write, write_of,
};
use super::{Pair, count};
use crate::connection::ConnectionId;
use crate::store::{Begin, Due, Revision, Store, StoreError, Stored, Swap, Tokens, Write};

pub(super) async fn check(stores: &Pair) -> Result<(), StoreError> {
    tells_what_is_due(stores).await?;
    lists_connections_in_order(stores).await?;
    gives_back_what_was_written(stores).await?;
    keeps_tokens_that_a_write_does_not_name(stores).await?;
    refuses_a_write_from_elsewhere(stores).await?;
    lets_one_of_many_write(stores).await?;
    lets_one_of_many_begin(stores).await?;
    ends_an_entry_with_the_write(stores).await
}

/// First of all: the store has no other connections yet.
async fn tells_what_is_due(stores: &Pair) -> Result<(), StoreError> {
    assert_eq!(stores.one.due(10).await?, vec![]);
    for (name, seconds) in [("late", 300), ("soon", 100), ("Soon", 100), ("past", -100)] {
        add(&*stores.one, &id(name), write_of(due_record(time(seconds)))).await?;
    }
    add(&*stores.one, &id("never"), write_of(disconnected_record())).await?;
    let due = |name, seconds| Due { connection: id(name), at: time(seconds) };
    let all = vec![due("past", -100), due("Soon", 100), due("soon", 100), due("late", 300)];
    assert_eq!(
        stores.other.due(10).await?,
        all,
        "soonest first, then by name; never those that wait for a person"
    );
    assert_eq!(stores.other.due(2).await?, all[..2], "no more than asked for");

    let moved = stores.one.swap(&id("past"), Some(Revision::FIRST), write_of(due_record(time(200)))).await?;
    assert_eq!(moved, Swap::Done);
    let ended = stores.one.swap(&id("soon"), Some(Revision::FIRST), write_of(disconnected_record())).await?;
    assert_eq!(ended, Swap::Done);
    assert_eq!(stores.other.due(10).await?, vec![due("Soon", 100), due("past", 200), due("late", 300)]);
    Ok(())
}

async fn lists_connections_in_order(stores: &Pair) -> Result<(), StoreError> {
    let all: Vec<_> = ["Soon", "late", "never", "past", "soon"].map(id).into();
    assert_eq!(stores.other.connections(None, 10).await?, all, "in the order of their bytes");
    assert_eq!(stores.other.connections(None, 2).await?, all[..2]);
    assert_eq!(stores.other.connections(Some(&id("late")), 2).await?, all[2..4]);
    assert_eq!(stores.other.connections(Some(&id("m")), 10).await?, all[2..], "after one that is not there");
    assert_eq!(stores.other.connections(Some(&id("soon")), 10).await?, vec![]);
    Ok(())
}

async fn gives_back_what_was_written(stores: &Pair) -> Result<(), StoreError> {
    let (one, two) = (id("one"), id("two"));
    assert_eq!(stores.one.load(&one).await?, None, "nothing is there at first");
    add(&*stores.one, &one, write(1, 1, Tokens::Replace(pair(1)))).await?;
    let first = Stored { record: record(1, 1), tokens: Some(pair(1)), revision: Revision::FIRST };
    assert_eq!(stores.other.load(&one).await?, Some(first));
    assert_eq!(stores.other.load(&two).await?, None, "connections do not see each other");

    assert_eq!(stores.one.swap(&one, Some(Revision(1)), write(2, 1, Tokens::Erase)).await?, Swap::Done);
    let second = Stored { record: record(2, 1), tokens: None, revision: Revision(2) };
    assert_eq!(stores.other.load(&one).await?, Some(second));
    Ok(())
}

async fn keeps_tokens_that_a_write_does_not_name(stores: &Pair) -> Result<(), StoreError> {
    let id = id("keep");
    add(&*stores.one, &id, write(1, 1, Tokens::Replace(pair(1)))).await?;
    let mut named = write(1, 1, Tokens::Keep);
    named.record.account.name = Some("Acme Toys \u{1f9f8}".into());
    assert_eq!(stores.one.swap(&id, Some(Revision(1)), named.clone()).await?, Swap::Done);
    let kept = Stored { record: named.record, tokens: Some(pair(1)), revision: Revision(2) };
    assert_eq!(stores.other.load(&id).await?, Some(kept));
    Ok(())
}

/// The revision is the fence, not the position: also a write that stays at the position makes others lose.
async fn refuses_a_write_from_elsewhere(stores: &Pair) -> Result<(), StoreError> {
    let id = id("fence");
    let nowhere = stores.one.swap(&id, Some(Revision(1)), write(1, 1, Tokens::Keep)).await?;
    assert_eq!(nowhere, Swap::Lost, "an unknown connection has no revision");
    assert_eq!(stores.one.load(&id).await?, None);

    add(&*stores.one, &id, write(1, 5, Tokens::Replace(pair(5)))).await?;
    assert_eq!(stores.one.swap(&id, Some(Revision(1)), write(1, 5, Tokens::Keep)).await?, Swap::Done);
    let before = stores.other.load(&id).await?;
    for elsewhere in [None, Some(Revision(1)), Some(Revision(3)), Some(Revision(0))] {
        let swap = stores.other.swap(&id, elsewhere, write(9, 9, Tokens::Erase)).await?;
        assert_eq!(swap, Swap::Lost, "{elsewhere:?} is not where the connection is");
    }
    assert_eq!(stores.other.load(&id).await?, before, "a lost swap writes nothing");
    Ok(())
}

async fn lets_one_of_many_write(stores: &Pair) -> Result<(), StoreError> {
    let id = id("race");
    add(&*stores.one, &id, write(1, 1, Tokens::Replace(pair(1)))).await?;
    for revision in 1..=10 {
        let swaps = race_to(stores, &id, Some(Revision(revision))).await?;
        assert_eq!(count(&swaps, &Swap::Done), 1, "of 16 swaps from the same place one wins");
    }
    let revision = stores.other.load(&id).await?.map(|stored| stored.revision);
    assert_eq!(revision, Some(Revision(11)));
    Ok(())
}

async fn lets_one_of_many_begin(stores: &Pair) -> Result<(), StoreError> {
    for n in 0..10 {
        let swaps = race_to(stores, &id(&format!("new-{n}")), None).await?;
        assert_eq!(count(&swaps, &Swap::Done), 1, "of 16 first writes one wins");
    }
    Ok(())
}

async fn race_to(stores: &Pair, id: &ConnectionId, at: Option<Revision>) -> Result<Vec<Swap>, StoreError> {
    let act = |store: std::sync::Arc<dyn Store>, n| {
        let id = id.clone();
        Box::pin(async move { store.swap(&id, at, write(1, 2, Tokens::Replace(pair(n)))).await }) as _
    };
    stores.race(16, act).await
}

/// An ending that comes with a lost swap is not written either.
async fn ends_an_entry_with_the_write(stores: &Pair) -> Result<(), StoreError> {
    let id = id("ends");
    let open = refresh(1001, 1);
    add(&*stores.one, &id, write(1, 1, Tokens::Replace(pair(1)))).await?;
    assert_eq!(stores.one.begin(&id, open.clone()).await?, Begin::Done);

    let lost = Write { ends: Some((open.id, ending("lost"))), ..write(1, 2, Tokens::Keep) };
    assert_eq!(stores.one.swap(&id, Some(Revision(7)), lost).await?, Swap::Lost);
    assert_eq!(stores.other.history(&id, 10).await?, vec![open.clone()]);

    let done = Write { ends: Some((open.id, ending("first"))), ..write(1, 2, Tokens::Keep) };
    assert_eq!(stores.one.swap(&id, Some(Revision(1)), done).await?, Swap::Done);
    assert_eq!(stores.other.history(&id, 10).await?, vec![ended(open, "first")]);
    Ok(())
}

pub(super) async fn add(store: &dyn Store, id: &ConnectionId, write: Write) -> Result<(), StoreError> {
    assert_eq!(store.swap(id, None, write).await?, Swap::Done, "`{id}` is new");
    Ok(())
}
