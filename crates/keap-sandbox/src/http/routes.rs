//! The table of contents of everything that is not the API.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use super::{control, oauth, page, people, token};
use crate::state::State;

pub(super) fn all(state: Arc<State>) -> Router {
    Router::new()
        .merge(oauth::routes())
        .merge(token::routes())
        .merge(people::routes())
        .merge(control::routes())
        .route("/_sandbox/style.css", get(stylesheet))
        .route("/_sandbox/icon.svg", get(icon))
        .fallback(nothing_here)
        .with_state(state)
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/style.css"))
}

async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("../../assets/icon.svg"))
}

async fn nothing_here() -> impl IntoResponse {
    page::problem(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        "This address leads nowhere in the sandbox. The overview shows what there is.",
    )
}
