//! `GET /app/oauth/authorize`: where an application sends the person.

use std::sync::Arc;

use axum::extract::{RawQuery, State as FromState};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use super::see_other;
use crate::http::{cookies, form::Form, page};
use crate::state::State;
use crate::state::authorization::{AuthorizationRequest, AuthorizeParameters, AuthorizeRefused};
use crate::state::world::World;

const PARAMETERS: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

pub(super) async fn begin(
    FromState(state): FromState<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let checked = state.look(|world| check(world, &query));
    match checked {
        Ok(request) => take_up(&state, request, &headers),
        Err(AuthorizeRefused::Redirect { to }) => see_other(&to),
        Err(AuthorizeRefused::Page(text)) => {
            page::problem(StatusCode::BAD_REQUEST, "This request cannot go on", text)
        }
    }
}

/// Checks the query of an authorization request.
pub(in crate::http) fn check(world: &World, query: &str) -> Result<AuthorizationRequest, AuthorizeRefused> {
    let form = Form::read(query.as_bytes());
    if form.repeats(PARAMETERS) {
        return Err(AuthorizeRefused::Page(
            "The application sent a parameter twice, so that nobody can tell which one counts.",
        ));
    }
    world.check_authorization(&AuthorizeParameters {
        client_id: form.get("client_id"),
        redirect_uri: form.get("redirect_uri"),
        response_type: form.get("response_type"),
        scope: form.get("scope"),
        state: form.get("state"),
        code_challenge: form.get("code_challenge"),
        code_challenge_method: form.get("code_challenge_method"),
    })
}

/// Opens a session unless the browser has one, and leads to the first page that is still needed.
fn take_up(state: &State, request: AuthorizationRequest, headers: &HeaderMap) -> Response {
    let (id, signed_in, new_cookie) = state.look(|world| {
        let known = cookies::session(headers).filter(|cookie| world.sessions.get(cookie).is_some());
        let new_cookie = if known.is_some() { None } else { Some(world.sessions.open()) };
        let cookie = known.or(new_cookie.as_deref()).unwrap_or_default();
        let begun =
            world.sessions.get(cookie).map(|session| (session.begin(request), session.user.is_some()));
        let (id, signed_in) = begun.unwrap_or_default();
        (id, signed_in, new_cookie)
    });
    let step = if signed_in { "account" } else { "sign-in" };
    let mut response = see_other(&format!("/app/oauth/{step}?authorization={id}"));
    if let Some(cookie) = new_cookie.and_then(|cookie| cookies::set(&cookie)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
