//! `/_sandbox/accounts`: the raw truth about what an account holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as FromState};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Problem, read};
use crate::state::accounts::Account;
use crate::state::{State, schema};

pub(super) async fn list(FromState(state): FromState<Arc<State>>) -> Json<Value> {
    let accounts: Vec<Value> = state.look(|world| {
        let accounts = world.accounts.values();
        accounts.map(|it| json!({"key": it.head.key, "name": it.head.name, "host": it.host()})).collect()
    });
    Json(json!({"accounts": accounts}))
}

pub(super) async fn contacts(FromState(state): FromState<Arc<State>>, Path(account): Path<String>) -> Answer {
    shown(&state, &account, |account| json!({"contacts": account.raw_contacts()}))
}

pub(super) async fn tags(FromState(state): FromState<Arc<State>>, Path(account): Path<String>) -> Answer {
    shown(&state, &account, |account| json!({"tags": account.raw_tags()}))
}

pub(super) async fn applied(FromState(state): FromState<Arc<State>>, Path(account): Path<String>) -> Answer {
    shown(&state, &account, |account| json!({"applied": account.raw_applied()}))
}

/// Creates a contact as if it had always been there; `tags` may list names of tags.
pub(super) async fn add_contact(
    FromState(state): FromState<Arc<State>>,
    Path(account): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields: Map<String, Value> = read(&body)?;
    let tags = fields.remove("tags").unwrap_or(Value::Array(Vec::new()));
    let tags: Vec<String> =
        serde_json::from_value(tags).map_err(|_| Problem::bad_request("tags must be names"))?;
    let fields = Value::Object(fields);
    schema::check("CreateUpdateContactRequest", &fields).map_err(Problem::bad_request)?;
    let Value::Object(fields) = fields else { return Err(Problem::bad_request("a contact is an object")) };
    let now = state.clock.now();
    let id = state.change(|world| world.plant_contact(&account, now, fields, &tags)).await?;
    let id = id.ok_or_else(|| no_account(&account))?;
    Ok((StatusCode::CREATED, Json(json!({"id": id.to_string()}))))
}

fn shown(state: &State, account: &str, show: impl FnOnce(&Account) -> Value) -> Answer {
    let value = state.look(|world| world.accounts.get(account).map(show));
    value.map(Json).ok_or_else(|| no_account(account))
}

fn no_account(account: &str) -> Problem {
    Problem::not_found(format!("there is no account {account}"))
}
