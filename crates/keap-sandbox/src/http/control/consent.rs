//! `POST /_sandbox/consent`: what the person at the browser would do, in one step, for tests that are not about pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Problem, read};
use crate::http::oauth_answer::{Decision, decide};
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    /// The whole URL to which the application would send the browser, or its query.
    authorize_url: String,
    account: Option<String>,
    #[serde(default)]
    decision: Decision,
}

pub(super) async fn post(FromState(state): FromState<Arc<State>>, body: Bytes) -> Answer {
    let asked: Consent = read(&body)?;
    let answered = decide(&state, &asked.authorize_url, asked.account.as_deref(), asked.decision).await?;
    match answered {
        Ok(location) => Ok(Json(json!({"location": location}))),
        Err(text) => Err(Problem::bad_request(text)),
    }
}
