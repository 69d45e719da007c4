//! Looks at connections for what somebody should be told; see [`alarm`](crate::alarm).

use super::deployment::Deployment;
use super::keeper::Keeper;
use crate::alarm::Facts;

/// Connections in use beyond so many are looked at when something is done for them.
const MOST_LOOKED_AT: usize = 64;

/// Those that are in use, once a minute: time alone can be news.
pub(super) async fn look_at_loaded(deployment: &Deployment) {
    for keeper in deployment.loaded().into_iter().take(MOST_LOOKED_AT) {
        look_at(&keeper).await;
    }
}

pub(super) async fn look_at(keeper: &Keeper) {
    let record = keeper.current();
    let heard = keeper.deployment.trouble.heard();
    let facts = Facts {
        record: record.as_ref(),
        skew: heard.skew,
        store_trouble: heard.store.as_deref(),
        journal_trouble: heard.journal.as_deref(),
    };
    keeper.deployment.alarms.look(&keeper.id, &facts).await;
}
