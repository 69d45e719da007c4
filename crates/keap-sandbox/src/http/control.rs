//! `/_sandbox`: what a test needs to know and to do. Keap has nothing like it.

mod accounts;
mod clock;
mod consent;
mod faults;
mod grants;
mod guard;
mod health;
mod openapi;
mod requests;
mod reset;
mod settings;

use std::sync::Arc;

use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use http::StatusCode;
use serde_json::{Value, json};

use crate::state::{NotSaved, State};

pub(super) fn routes() -> Router<Arc<State>> {
    let control = Router::new()
        .route("/health", get(health::get))
        .route("/openapi.json", get(openapi::get))
        .route("/clock", get(clock::get).post(clock::post))
        .route("/settings", get(settings::get).post(settings::post))
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/faults/{id}", delete(faults::remove))
        .route("/grants", get(grants::list))
        .route("/grants/revoke", post(grants::revoke_all))
        .route("/grants/{id}/revoke", post(grants::revoke))
        .route("/consent", post(consent::post))
        .route("/requests", get(requests::list).delete(requests::clear))
        .route("/reset", post(reset::post))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{account}/contacts", get(accounts::contacts).post(accounts::add_contact))
        .route("/accounts/{account}/tags", get(accounts::tags))
        .route("/accounts/{account}/applied", get(accounts::applied));
    Router::new().nest("/_sandbox", control.layer(middleware::from_fn(guard::own_callers_only)))
}

/// An answer, or what was wrong with the question.
type Answer = Result<Json<Value>, Problem>;

/// A problem in words.
struct Problem(StatusCode, String);

impl Problem {
    fn bad_request(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    fn not_found(text: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, text.into())
    }
}

impl From<NotSaved> for Problem {
    fn from(error: NotSaved) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// Reads a body, saying where it is wrong.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the body is not understood: {error}")))
}
