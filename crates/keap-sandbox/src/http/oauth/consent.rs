//! The question: may this application have access?

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State as FromState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;

use super::see_other;
use super::step;
use crate::http::page::{self, Page};
use crate::http::{cookies, form::Form};
use crate::state::State;
use crate::state::authorization::denial;

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    authorization: &'a str,
    csrf: &'a str,
    client: &'a str,
    invalid_client: bool,
    user: &'a str,
    account: &'a str,
    host: &'a str,
    redirect_uri: &'a str,
}

pub(super) async fn show(
    FromState(state): FromState<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    state.look(|world| {
        let step = match step::shown(world, &headers, &query.unwrap_or_default()) {
            Ok(step) => step,
            Err(lost) => return lost.response(),
        };
        let chosen = step.pending.account.as_ref().and_then(|key| world.accounts.get(key));
        let (Some(user), Some(account)) = (&step.user, chosen) else {
            return see_other(&format!("/app/oauth/account?authorization={}", step.authorization));
        };
        let request = &step.pending.request;
        let template = Consent {
            authorization: &step.authorization,
            csrf: &step.csrf,
            client: &request.client_id,
            invalid_client: request.invalid_client,
            user,
            account: &account.head.name,
            host: &account.host(),
            redirect_uri: &request.redirect_uri,
        };
        Page::leading_to(template, &request.redirect_uri).into_response()
    })
}

pub(super) async fn submit(
    FromState(state): FromState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    let now = state.clock.now();
    let answered = state.change(|world| {
        let step = match step::submitted(world, &headers, &form) {
            Ok(step) => step,
            Err(lost) => return lost.response(),
        };
        let (Some(user), Some(account)) = (&step.user, &step.pending.account) else {
            return see_other(&format!("/app/oauth/account?authorization={}", step.authorization));
        };
        if let Some(session) = cookies::session(&headers).and_then(|cookie| world.sessions.get(cookie)) {
            session.finish(&step.authorization);
        }
        let request = &step.pending.request;
        // Anything but a clear Allow is a no.
        if form.get("decision") == Some("allow") {
            see_other(&world.allow(now, request, user, account))
        } else {
            see_other(&denial(&request.redirect_uri, &request.state))
        }
    });
    answered.await.unwrap_or_else(|_| page::not_saved())
}
