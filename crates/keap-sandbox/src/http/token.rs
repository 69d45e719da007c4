//! `POST /token`.

mod authorization_code;
mod client;
mod problem;
mod refresh_token;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use self::problem::Problem;
use super::form::Form;
use crate::state::State;
use crate::state::accounts::host_of;
use crate::state::grants::TokenPair;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new().route("/token", post(answer))
}

/// Whether a token request is a refresh, for the log and for faults.
pub(super) fn is_refresh(body: &Bytes) -> bool {
    Form::read(body).get("grant_type") == Some("refresh_token")
}

async fn answer(FromState(state): FromState<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    match grant(&state, &headers, &body).await {
        Ok(pair) => json_response(StatusCode::OK, &shown(&pair)),
        Err(problem) => {
            let (status, body) = problem.shape();
            json_response(status, &body)
        }
    }
}

async fn grant(state: &State, headers: &HeaderMap, body: &Bytes) -> Result<TokenPair, Problem> {
    // Observed: a JSON body is treated as if no parameter was sent. Parameters in the query are not looked at.
    let is_form = super::text(headers, "content-type").starts_with("application/x-www-form-urlencoded");
    let form = Form::read(if is_form { body } else { b"" });
    if form.repeats(&["grant_type", "code", "refresh_token", "client_id", "client_secret", "redirect_uri"]) {
        return Err(Problem::RepeatedParameter);
    }
    match form.get("grant_type") {
        Some("authorization_code") => authorization_code::grant(state, headers, &form).await,
        Some("refresh_token") => refresh_token::grant(state, headers, &form).await,
        _ => Err(Problem::NoGrantType),
    }
}

/// Observed: this shape for both grants, with `token_type` in lower case and `expires_in` as a number.
fn shown(pair: &TokenPair) -> Value {
    json!({
        "access_token": pair.access,
        "token_type": "bearer",
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh,
        "scope": format!("full|{}", host_of(&pair.account)),
    })
}

/// No `WWW-Authenticate` on errors: Keap has not been seen to send it here, and some clients lose the body over it.
fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
