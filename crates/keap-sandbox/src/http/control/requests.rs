//! `/_sandbox/requests`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State as FromState};
use serde_json::{Value, json};

use super::{Answer, Problem};
use crate::http::form::Form;
use crate::state::State;

/// `?after=N` shows what came after request number N.
pub(super) async fn list(FromState(state): FromState<Arc<State>>, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    let after = match Form::read(query.as_bytes()).filled("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Problem::bad_request("after must be a number"))?,
    };
    Ok(Json(state.look(
        |world| json!({"requests": world.requests.after(after), "last": world.requests.last_number()}),
    )))
}

pub(super) async fn clear(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    state.look(|world| world.requests.clear());
    Json(json!({"cleared": true}))
}
