//! Leases: one owner at a time, for a time.

use std::time::Duration;

use uuid::Uuid;

use super::connections::add;
use super::samples::{disconnected_record, id, pair, write, write_of};
use super::{Pair, count};
use crate::connection::ConnectionId;
use crate::store::{LONGEST_LEASE, Lease, Revision, Store, StoreError, Swap, Tokens};

const LONG: Duration = Duration::from_mins(5);
const SHORT: Duration = Duration::from_millis(50);

/// A store whose time stands still never ends a lease.
const PATIENCE: Duration = Duration::from_secs(10);

const ANN: Uuid = Uuid::from_u128(0xa);
const BOB: Uuid = Uuid::from_u128(0xb);

pub(super) async fn check(stores: &Pair) -> Result<(), StoreError> {
    keeps_others_out(stores).await?;
    ends_with_its_life(stores).await?;
    is_given_to_one_of_many(stores).await?;
    survives_writes(stores).await?;
    frees_all_of_a_dead_owner(stores).await?;
    is_for_connections_that_exist(stores).await
}

async fn keeps_others_out(stores: &Pair) -> Result<(), StoreError> {
    let id = connection(stores, "lease").await?;
    assert_eq!(stores.one.lease(&id, ANN, LONG).await?, Lease::Held);
    assert_left(stores.other.lease(&id, BOB, LONG).await?, LONG);
    assert_eq!(stores.one.lease(&id, ANN, LONG * 2).await?, Lease::Held, "asking again prolongs it");
    assert_left(stores.other.lease(&id, BOB, LONG).await?, LONG * 2);

    stores.other.release(&id, BOB).await?;
    assert_left(stores.other.lease(&id, BOB, LONG).await?, LONG * 2);
    stores.other.release(&id, ANN).await?;
    assert_eq!(stores.one.lease(&id, BOB, LONG * 100).await?, Lease::Held, "what was given back is free");
    assert_left(stores.one.lease(&id, ANN, LONG).await?, LONGEST_LEASE);
    Ok(())
}

#[expect(clippy::panic, reason = "this is a test of the store")]
fn assert_left(lease: Lease, life: Duration) {
    let Lease::Taken { left } = lease else { panic!("a lease was given that another has") };
    let spent = life.checked_sub(left);
    assert!(spent.is_some_and(|spent| spent < PATIENCE), "of {life:?}, {left:?} are left");
}

async fn ends_with_its_life(stores: &Pair) -> Result<(), StoreError> {
    let id = connection(stores, "short").await?;
    assert_eq!(stores.one.lease(&id, ANN, SHORT).await?, Lease::Held);
    reaches(&*stores.other, &id, BOB).await?;
    assert!(matches!(stores.one.lease(&id, ANN, SHORT).await?, Lease::Taken { .. }), "it is another's now");
    Ok(())
}

/// Asks until it is given.
async fn reaches(store: &dyn Store, id: &ConnectionId, owner: Uuid) -> Result<(), StoreError> {
    let asking = async {
        while store.lease(id, owner, LONG).await? != Lease::Held {
            wait_a_little().await;
        }
        Ok(())
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    asked.unwrap_or_else(|_| Err(StoreError::new("a lease of 50 ms did not end within 10 s of real time")))
}

#[expect(clippy::disallowed_methods, reason = "leases run on the store's own time")]
async fn wait_a_little() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn is_given_to_one_of_many(stores: &Pair) -> Result<(), StoreError> {
    for round in 0..10 {
        let id = connection(stores, &format!("leases-{round}")).await?;
        // Every other time there is one that has ended.
        if round % 2 == 0 {
            assert_eq!(stores.one.lease(&id, ANN, Duration::ZERO).await?, Lease::Held);
        }
        let leases = stores
            .race(16, |store, n| {
                let id = id.clone();
                Box::pin(async move { store.lease(&id, Uuid::from_u128(100 + u128::from(n)), LONG).await })
            })
            .await?;
        assert_eq!(count(&leases, &Lease::Held), 1, "of 16 owners one gets it");
    }
    Ok(())
}

async fn survives_writes(stores: &Pair) -> Result<(), StoreError> {
    let id = connection(stores, "written").await?;
    assert_eq!(stores.one.lease(&id, ANN, LONG).await?, Lease::Held);
    let swap = stores.one.swap(&id, Some(Revision(1)), write(1, 2, Tokens::Replace(pair(2)))).await?;
    assert_eq!(swap, Swap::Done, "a lease moves no revision");
    assert_left(stores.other.lease(&id, BOB, LONG).await?, LONG);
    Ok(())
}

async fn frees_all_of_a_dead_owner(stores: &Pair) -> Result<(), StoreError> {
    let dead = Uuid::from_u128(0xdead);
    let (one, two, other) = (
        connection(stores, "dead-1").await?,
        connection(stores, "dead-2").await?,
        connection(stores, "alive").await?,
    );
    for (id, owner) in [(&one, dead), (&two, dead), (&other, ANN)] {
        assert_eq!(stores.one.lease(id, owner, LONG).await?, Lease::Held);
    }
    stores.other.release_all(dead).await?;
    assert_eq!(stores.one.lease(&one, BOB, LONG).await?, Lease::Held);
    assert_eq!(stores.one.lease(&two, BOB, LONG).await?, Lease::Held);
    assert_left(stores.one.lease(&other, BOB, LONG).await?, LONG);
    Ok(())
}

async fn is_for_connections_that_exist(stores: &Pair) -> Result<(), StoreError> {
    let nowhere = stores.one.lease(&id("nowhere"), ANN, LONG).await;
    assert!(nowhere.is_err(), "a connection is there before it is refreshed");
    stores.one.release(&id("nowhere"), ANN).await
}

/// A new connection that is not due, so that it is in nobody's way.
async fn connection(stores: &Pair, name: &str) -> Result<ConnectionId, StoreError> {
    let id = id(name);
    add(&*stores.one, &id, write_of(disconnected_record())).await?;
    Ok(id)
}
