//! `GET /`: the page for people.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};

use crate::state::State;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new().route("/", axum::routing::get(show))
}

async fn show() -> Response {
    "keap-sandbox".into_response()
}
