//! One identity, its home and its keys.

use super::samples::{identity, key};
use super::{Pair, count};
use crate::store::{Identity, Revision, StoreError, Swap, WrappedKeys};

pub(super) async fn check(stores: &Pair) -> Result<(), StoreError> {
    keeps_its_first_identity(stores).await?;
    knows_its_copy(stores).await?;
    swaps_keys_by_revision(stores).await?;
    lets_one_of_many_swap_keys(stores).await
}

async fn keeps_its_first_identity(stores: &Pair) -> Result<(), StoreError> {
    assert_eq!(stores.one.identity().await?, None, "a new store has no identity");
    assert_eq!(stores.one.swap_keys(Revision::FIRST, keys(&[1])).await?, Swap::Lost, "there are no keys yet");
    let agreed = stores
        .race(8, |store, n| Box::pin(async move { store.identify(identity(u128::from(n) + 1)).await }))
        .await?;
    let first = stores.other.identity().await?;
    assert!(
        agreed.iter().all(|identity| Some(identity) == first.as_ref()),
        "all agree on the first identity"
    );
    assert_eq!(stores.one.identify(identity(99)).await.map(Some)?, first, "the first identity stays");
    Ok(())
}

async fn knows_its_copy(stores: &Pair) -> Result<(), StoreError> {
    let incarnation = stores.one.incarnation().await?;
    assert!(!incarnation.is_empty(), "a copy of the data has a name");
    assert_eq!(stores.other.incarnation().await?, incarnation, "the data stays where it is");

    let before = stores.one.identity().await?;
    stores.one.settle("elsewhere".into()).await?;
    let settled = before.map(|identity| Identity { incarnation: "elsewhere".into(), ..identity });
    assert_eq!(stores.other.identity().await?, settled, "settling changes the home and nothing else");
    Ok(())
}

async fn swaps_keys_by_revision(stores: &Pair) -> Result<(), StoreError> {
    let two = WrappedKeys { revision: Revision(2), ..keys(&[7, 3]) };
    assert_eq!(stores.one.swap_keys(Revision(9), two.clone()).await?, Swap::Lost, "they are elsewhere");
    assert_eq!(stores.one.swap_keys(Revision(1), two.clone()).await?, Swap::Done);
    assert_eq!(stores.other.identity().await?.map(|identity| identity.keys), Some(two), "in their order");
    assert_eq!(stores.other.swap_keys(Revision(1), keys(&[1])).await?, Swap::Lost, "they have moved on");
    Ok(())
}

async fn lets_one_of_many_swap_keys(stores: &Pair) -> Result<(), StoreError> {
    let swaps = stores
        .race(8, |store, n| Box::pin(async move { store.swap_keys(Revision(2), keys(&[3, n + 10])).await }))
        .await?;
    assert_eq!(count(&swaps, &Swap::Done), 1, "of 8 rotations from the same keys one wins");
    let revision = stores.one.identity().await?.map(|identity| identity.keys.revision);
    assert_eq!(revision, Some(Revision(3)), "the keys move one on");
    Ok(())
}

fn keys(numbers: &[u8]) -> WrappedKeys {
    WrappedKeys { revision: Revision(3), keys: numbers.iter().map(|number| key(*number)).collect() }
}
