//! `/_sandbox/settings`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Problem, read};
use crate::state::State;

pub(super) async fn get(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    Json(state.look(|world| json!(world.settings)))
}

/// Changes what is named and leaves the rest.
pub(super) async fn post(FromState(state): FromState<Arc<State>>, body: Bytes) -> Answer {
    let changes: Value = read(&body)?;
    state.look(|world| {
        let mut settings = json!(world.settings);
        merge(&mut settings, changes);
        match serde_json::from_value(settings) {
            Ok(settings) => {
                world.settings = settings;
                Ok(Json(json!(world.settings)))
            }
            Err(error) => Err(Problem::bad_request(format!("the settings are not understood: {error}"))),
        }
    })
}

/// Objects are merged, everything else is replaced; `reuse` is one value although it looks like an object.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                let whole = name == "reuse";
                let place = into.entry(name).or_insert(Value::Null);
                if whole { *place = change } else { merge(place, change) }
            }
        }
        (into, changes) => *into = changes,
    }
}
