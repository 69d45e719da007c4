//! Flows: taken once, forgotten when they end.

use super::Pair;
use super::samples::{flow, id, time};
use crate::connection::flow::Flow;
use crate::store::StoreError;

pub(super) async fn check(stores: &Pair) -> Result<(), StoreError> {
    gives_a_flow_to_one_of_many(stores).await?;
    keeps_flows_apart(stores).await?;
    forgets_ended_flows(stores).await
}

async fn gives_a_flow_to_one_of_many(stores: &Pair) -> Result<(), StoreError> {
    let here = id("flow");
    stores.one.add_flow(&here, flow(1, 100), time(0)).await?;
    assert_eq!(
        stores.other.take_flow(&id("elsewhere"), [1; 32]).await?,
        None,
        "it belongs to its connection"
    );
    assert_eq!(stores.other.peek_flow(&id("elsewhere"), [1; 32]).await?, None);
    assert_eq!(stores.other.take_flow(&here, [2; 32]).await?, None);
    assert_eq!(stores.other.peek_flow(&here, [1; 32]).await?, Some(flow(1, 100)));
    let taken = stores
        .race(50, |store, _| {
            let here = here.clone();
            Box::pin(async move { store.take_flow(&here, [1; 32]).await })
        })
        .await?;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken, vec![flow(1, 100)], "of 50 takers one gets it");
    assert_eq!(stores.other.peek_flow(&here, [1; 32]).await?, None);
    Ok(())
}

async fn keeps_flows_apart(stores: &Pair) -> Result<(), StoreError> {
    let id = id("flows");
    let plain = Flow { verifier: None, switch_account: false, ..flow(11, 100) };
    stores.one.add_flow(&id, plain.clone(), time(0)).await?;
    stores.one.add_flow(&id, flow(12, 100), time(0)).await?;
    assert_eq!(stores.other.take_flow(&id, [11; 32]).await?, Some(plain));
    assert_eq!(stores.other.take_flow(&id, [12; 32]).await?, Some(flow(12, 100)));
    Ok(())
}

async fn forgets_ended_flows(stores: &Pair) -> Result<(), StoreError> {
    let id = id("ended");
    stores.one.add_flow(&id, flow(3, 100), time(0)).await?;
    stores.one.add_flow(&id, flow(4, 300), time(100)).await?;
    assert_eq!(stores.other.take_flow(&id, [3; 32]).await?, None, "one that ends now has ended");
    assert_eq!(stores.other.take_flow(&id, [4; 32]).await?, Some(flow(4, 300)));
    Ok(())
}
