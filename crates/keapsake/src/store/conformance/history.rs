//! The history: written before, ended once, forgotten late. And the alarms.

use uuid::Uuid;

use super::samples::{ended, ending, id, pair, refresh, time, write};
use super::{Pair, count};
use crate::connection::ConnectionId;
use crate::connection::history::{Entry, Kind};
use crate::store::{Begin, StoreError, Swap, Tokens};

/// So many entries of a connection may not be forgotten.
const KEPT: u32 = 500;

pub(super) async fn check(stores: &Pair) -> Result<(), StoreError> {
    ends_an_entry_once(stores).await?;
    keeps_one_refresh_open_for_a_pair(stores).await?;
    lets_one_of_many_refresh(stores).await?;
    tells_what_is_open(stores).await?;
    remembers_the_latest_and_all_open_ones(stores).await?;
    raises_an_alarm_once(stores).await
}

async fn ends_an_entry_once(stores: &Pair) -> Result<(), StoreError> {
    let id = id("history");
    let open = refresh(1, 1);
    move_to(stores, &id, 1).await?;
    assert_eq!(stores.one.begin(&id, open.clone()).await?, Begin::Done);
    assert_eq!(stores.other.history(&id, 10).await?, vec![open.clone()]);

    stores.one.end_entry(&super::samples::id("elsewhere"), open.id, ending("stray")).await?;
    stores.one.end_entry(&id, Uuid::from_u128(404), ending("stray")).await?;
    assert_eq!(
        stores.other.history(&id, 10).await?,
        vec![open.clone()],
        "an entry belongs to its connection"
    );

    // Keap's words can be anything.
    let words = "Ann\u{2019}s \u{1f9f8} said: \"no\"; DROP TABLE x --\n\u{1b}[0m";
    stores.one.end_entry(&id, open.id, ending(words)).await?;
    stores.other.end_entry(&id, open.id, ending("second")).await?;
    let first = ended(open, words);
    assert_eq!(stores.other.history(&id, 10).await?, vec![first.clone()], "the first ending stays");

    let next = ended(Entry { kind: Kind::Authorization, ..refresh(2, 2) }, "at once");
    assert_eq!(stores.one.begin(&id, next.clone()).await?, Begin::Done);
    assert_eq!(stores.other.history(&id, 10).await?, vec![next.clone(), first], "newest first");
    assert_eq!(stores.other.history(&id, 1).await?, vec![next]);
    Ok(())
}

async fn keeps_one_refresh_open_for_a_pair(stores: &Pair) -> Result<(), StoreError> {
    let id = id("occupied");
    let open = refresh(11, 1);
    assert_eq!(stores.one.begin(&id, open.clone()).await?, Begin::Occupied, "there is no pair yet");
    move_to(stores, &id, 1).await?;
    assert_eq!(stores.one.begin(&id, open.clone()).await?, Begin::Done);
    assert_eq!(stores.other.begin(&id, refresh(12, 1)).await?, Begin::Occupied);
    assert_eq!(stores.other.history(&id, 10).await?, vec![open.clone()], "nothing was written");

    let elsewhere = super::samples::id("free");
    move_to(stores, &elsewhere, 1).await?;
    let own_pair = stores.other.begin(&elsewhere, refresh(17, 1)).await?;
    assert_eq!(own_pair, Begin::Done, "another connection's pair");

    let beside = [
        Entry { kind: Kind::Authorization, ..refresh(14, 1) },
        Entry { kind: Kind::Authorization, ..refresh(15, 1) },
        ended(refresh(16, 1), "at once"),
    ];
    for entry in beside {
        assert_eq!(stores.other.begin(&id, entry.clone()).await?, Begin::Done, "{entry:?}");
    }
    stores.one.end_entry(&id, open.id, ending("over")).await?;
    assert_eq!(stores.other.begin(&id, refresh(18, 1)).await?, Begin::Done, "free again");
    move_to(stores, &id, 2).await?;
    assert_eq!(stores.other.begin(&id, refresh(19, 1)).await?, Begin::Occupied, "that pair is spent");
    assert_eq!(stores.other.begin(&id, refresh(20, 3)).await?, Begin::Occupied, "that pair is not there");
    assert_eq!(stores.other.begin(&id, refresh(13, 2)).await?, Begin::Done, "one open at each pair");
    Ok(())
}

/// The connection gets its pair of this generation.
async fn move_to(stores: &Pair, id: &ConnectionId, generation: u64) -> Result<(), StoreError> {
    let expected = stores.one.load(id).await?.map(|stored| stored.revision);
    let write = write(1, generation, Tokens::Replace(pair(1)));
    assert_eq!(stores.one.swap(id, expected, write).await?, Swap::Done);
    Ok(())
}

async fn lets_one_of_many_refresh(stores: &Pair) -> Result<(), StoreError> {
    let id = id("rush");
    for generation in 1..=10 {
        move_to(stores, &id, generation).await?;
        let begun = stores
            .race(16, |store, n| {
                let id = id.clone();
                let entry = refresh(u128::from(generation) * 1_000_000 + u128::from(n), generation);
                Box::pin(async move { store.begin(&id, entry).await })
            })
            .await?;
        assert_eq!(count(&begun, &Begin::Done), 1, "of 16 refreshes of one pair one may be sent");
    }
    assert_eq!(stores.one.open_entries(&id).await?.len(), 10);
    Ok(())
}

async fn tells_what_is_open(stores: &Pair) -> Result<(), StoreError> {
    let id = id("open");
    assert_eq!(stores.one.open_entries(&id).await?, vec![]);
    let entries = [refresh(21, 1), Entry { kind: Kind::Authorization, ..refresh(22, 1) }, refresh(23, 2)];
    for entry in &entries {
        move_to(stores, &id, entry.position.generation).await?;
        assert_eq!(stores.one.begin(&id, entry.clone()).await?, Begin::Done);
    }
    assert_eq!(stores.other.open_entries(&id).await?, entries, "oldest first");
    stores.one.end_entry(&id, Uuid::from_u128(22), ending("over")).await?;
    let [first, _, last] = entries;
    assert_eq!(stores.other.open_entries(&id).await?, vec![first, last]);
    Ok(())
}

async fn remembers_the_latest_and_all_open_ones(stores: &Pair) -> Result<(), StoreError> {
    let id = id("long");
    let open = refresh(50_000, 1);
    move_to(stores, &id, 1).await?;
    assert_eq!(stores.one.begin(&id, open.clone()).await?, Begin::Done);
    for n in 1..=KEPT + 20 {
        let entry = ended(refresh(50_000 + u128::from(n), u64::from(n)), "over");
        assert_eq!(stores.one.begin(&id, entry).await?, Begin::Done);
    }
    let latest = stores.other.history(&id, KEPT).await?;
    let numbers = (21..=KEPT + 20).rev().map(|n| Uuid::from_u128(50_000 + u128::from(n)));
    assert!(latest.iter().map(|entry| entry.id).eq(numbers), "the latest five hundred are there");
    assert_eq!(stores.other.open_entries(&id).await?, vec![open], "what has not ended is never forgotten");
    Ok(())
}

async fn raises_an_alarm_once(stores: &Pair) -> Result<(), StoreError> {
    let (here, elsewhere) = (id("alarm"), id("calm"));
    assert_eq!(stores.one.raised(&here).await?, vec![]);
    assert!(!stores.one.clear(&here, "unconfirmed").await?, "there is nothing to clear");
    for round in 0..5 {
        let raised = stores.race(16, |store, n| {
            let here = here.clone();
            Box::pin(async move { store.raise(&here, "unconfirmed", time(i64::from(n))).await })
        });
        assert_eq!(count(&raised.await?, &true), 1, "of 16 one raises it, round {round}");
        let cleared = stores.race(16, |store, _| {
            let here = here.clone();
            Box::pin(async move { store.clear(&here, "unconfirmed").await })
        });
        assert_eq!(count(&cleared.await?, &true), 1, "of 16 one clears it, round {round}");
    }
    for (condition, at) in [("unconfirmed", 7), ("clock_skew", 8), ("Other", 9), ("unconfirmed", 99)] {
        stores.one.raise(&here, condition, time(at)).await?;
    }
    let raised = [("Other", 9), ("clock_skew", 8), ("unconfirmed", 7)];
    let raised: Vec<_> = raised.map(|(condition, at)| (condition.to_owned(), time(at))).into();
    assert_eq!(
        stores.other.raised(&here).await?,
        raised,
        "since the first time, in the order of their words"
    );
    assert_eq!(stores.other.raised(&elsewhere).await?, vec![], "an alarm belongs to its connection");
    Ok(())
}
