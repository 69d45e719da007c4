//! `GET /`: the page for people, and the buttons on it.

mod actions;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::State as FromState;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};

use self::view::Overview;
use super::{origin, page};
use crate::state::State;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/", get(show))
        .route("/_sandbox/page/advance", post(actions::advance))
        .route("/_sandbox/page/revoke", post(actions::revoke))
        .route("/_sandbox/page/down", post(actions::down))
        .route("/_sandbox/page/reset", post(actions::reset))
}

async fn show(FromState(state): FromState<Arc<State>>, headers: HeaderMap) -> Response {
    if !origin::is_local_name(&headers) {
        return page::problem(
            StatusCode::FORBIDDEN,
            "Only for this computer",
            "The sandbox shows itself only under a name of this computer, such as 127.0.0.1 or localhost.",
        );
    }
    let (now, mode) = (state.clock.now(), state.clock.mode());
    let overview = state.look(|world| Overview::of(world, now, mode));
    page::Page::new(overview).into_response()
}
