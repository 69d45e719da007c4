//! The sign-in page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State as FromState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::see_other;
use super::step::{self, Step};
use crate::http::{cookies, form::Form, page::Page};
use crate::state::State;
use crate::state::secret::same;
use crate::state::world::World;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    authorization: &'a str,
    csrf: &'a str,
    client: &'a str,
    email: &'a str,
    wrong: bool,
    /// Shown as a hint: this is a sandbox, and nobody should have to look for its password.
    hint: Option<(String, String)>,
}

pub(super) async fn show(
    FromState(state): FromState<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    state.look(|world| match step::shown(world, &headers, &query.unwrap_or_default()) {
        Ok(step) => page(world, &step, "", false),
        Err(lost) => lost.response(),
    })
}

pub(super) async fn submit(
    FromState(state): FromState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    state.look(|world| {
        let step = match step::submitted(world, &headers, &form) {
            Ok(step) => step,
            Err(lost) => return lost.response(),
        };
        let email = form.get("email").unwrap_or_default().trim().to_owned();
        let password = form.get("password").unwrap_or_default();
        let known = world.users.iter().find(|user| user.email.eq_ignore_ascii_case(&email));
        let Some(user) = known.filter(|user| same(&user.password, password)).map(|user| user.email.clone())
        else {
            return page(world, &step, &email, true);
        };
        enter(world, &headers, &step, user)
    })
}

/// Signs in. The cookie is renewed, so that one known from before the sign-in is worth nothing.
fn enter(world: &mut World, headers: &HeaderMap, step: &Step, user: String) -> Response {
    let cookie = cookies::session(headers).unwrap_or_default();
    if let Some(session) = world.sessions.get(cookie) {
        session.user = Some(user);
    }
    let renewed = world.sessions.renew(cookie).and_then(|cookie| cookies::set(&cookie));
    let mut response = see_other(&format!("/app/oauth/account?authorization={}", step.authorization));
    if let Some(renewed) = renewed {
        response.headers_mut().insert(header::SET_COOKIE, renewed);
    }
    response
}

fn page(world: &World, step: &Step, email: &str, wrong: bool) -> Response {
    let template = SignIn {
        authorization: &step.authorization,
        csrf: &step.csrf,
        client: &step.pending.request.client_id,
        email,
        wrong,
        hint: world.users.first().map(|user| (user.email.clone(), user.password.clone())),
    };
    let mut page = Page::new(template);
    if wrong {
        page.status = StatusCode::UNAUTHORIZED;
    }
    page.into_response()
}
