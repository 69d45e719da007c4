//! `/_sandbox/faults`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as FromState};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Problem, read};
use crate::state::State;
use crate::state::faults::{Fault, FaultReport};

pub(super) async fn list(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    Json(state.look(|world| json!({"faults": world.faults.reports().collect::<Vec<&FaultReport>>()})))
}

pub(super) async fn add(FromState(state): FromState<Arc<State>>, body: Bytes) -> Answer {
    let fault: Fault = read(&body)?;
    let id = state.look(|world| world.faults.add(fault));
    Ok(Json(json!({"id": id})))
}

pub(super) async fn clear(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    Json(json!({"cleared": state.look(|world| world.faults.clear())}))
}

pub(super) async fn remove(FromState(state): FromState<Arc<State>>, Path(id): Path<u64>) -> Answer {
    if state.look(|world| world.faults.remove(id)) {
        Ok(Json(json!({"cleared": 1})))
    } else {
        Err(Problem::not_found(format!("there is no fault {id}")))
    }
}
