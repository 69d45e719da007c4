//! `/_sandbox/clock`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as FromState;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Problem, read};
use crate::state::State;
use crate::state::records::RecordKey;

/// Exactly one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: Option<u64>,
    set: Option<jiff::Timestamp>,
}

pub(super) async fn get(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    Json(shown(&state))
}

pub(super) async fn post(FromState(state): FromState<Arc<State>>, body: Bytes) -> Answer {
    let asked: Move = read(&body)?;
    match (asked.advance_seconds, asked.set) {
        (Some(seconds), None) => state.clock.advance(Duration::from_secs(seconds)),
        (None, Some(to)) => state.clock.set(to),
        _ => return Err(Problem::bad_request("send either advance_seconds or set")),
    }
    state.change(|world| world.touched.add(RecordKey::Clock)).await?;
    Ok(Json(shown(&state)))
}

fn shown(state: &State) -> Value {
    json!({"now": state.clock.now(), "mode": state.clock.mode().word()})
}
