//! What a person sees while an application asks for access: sign-in, choice of the account, consent.

mod account;
mod authorize;
mod consent;
mod sign_in;
mod step;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

pub(super) use self::authorize::check;
use crate::state::State;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/app/oauth/authorize", get(authorize::begin))
        .route("/app/oauth/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/app/oauth/account", get(account::show).post(account::submit))
        .route("/app/oauth/consent", get(consent::show).post(consent::submit))
}

/// 303, so that a form is never posted on to the next place (RFC 9700, 4.12).
fn see_other(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
