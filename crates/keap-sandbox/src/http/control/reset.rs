//! `POST /_sandbox/reset`: back to the beginning. The clock and the service account key stay.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use serde_json::json;

use super::Answer;
use crate::state::State;

pub(super) async fn post(FromState(state): FromState<Arc<State>>) -> Answer {
    state.change(crate::state::world::World::reset).await?;
    Ok(Json(json!({"reset": true})))
}
