//! `/_sandbox/grants`. Tokens appear as fingerprints only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as FromState};
use serde_json::{Value, json};

use super::{Answer, Problem};
use crate::state::State;
use crate::state::grants::{Grant, RevokedWhy};

pub(super) async fn list(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    let reports = state.look(|world| world.grants.by_id.values().map(Grant::report).collect::<Vec<_>>());
    Json(json!({"grants": reports}))
}

pub(super) async fn revoke(FromState(state): FromState<Arc<State>>, Path(id): Path<u64>) -> Answer {
    let now = state.clock.now();
    let revoked = state.change(|world| {
        let known = world.grants.by_id.contains_key(&id);
        known.then(|| usize::from(world.revoke(now, id, RevokedWhy::Person)))
    });
    let revoked = revoked.await?.ok_or_else(|| Problem::not_found(format!("there is no grant {id}")))?;
    Ok(Json(json!({"revoked": revoked})))
}

pub(super) async fn revoke_all(FromState(state): FromState<Arc<State>>) -> Answer {
    let now = state.clock.now();
    let revoked = state.change(|world| world.revoke_all(now)).await?;
    Ok(Json(json!({"revoked": revoked})))
}
