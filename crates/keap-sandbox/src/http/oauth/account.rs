//! The choice of the account.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State as FromState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;

use super::see_other;
use super::step;
use crate::http::{cookies, form::Form, page::Page};
use crate::state::State;
use crate::state::accounts::Account;

#[derive(Template)]
#[template(path = "account.html")]
struct ChooseAccount<'a> {
    authorization: &'a str,
    csrf: &'a str,
    client: &'a str,
    user: &'a str,
    accounts: Vec<Choice>,
}

struct Choice {
    key: String,
    name: String,
    host: String,
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
        let Some(user) = &step.user else { return to_sign_in(&step.authorization) };
        let template = ChooseAccount {
            authorization: &step.authorization,
            csrf: &step.csrf,
            client: &step.pending.request.client_id,
            user,
            accounts: world.accounts.values().map(choice).collect(),
        };
        Page::new(template).into_response()
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
        if step.user.is_none() {
            return to_sign_in(&step.authorization);
        }
        let chosen = form.get("account").unwrap_or_default();
        if !world.accounts.contains_key(chosen) {
            return see_other(&format!("/app/oauth/account?authorization={}", step.authorization));
        }
        let session = cookies::session(&headers).and_then(|cookie| world.sessions.get(cookie));
        if let Some(pending) = session.and_then(|session| session.pending(&step.authorization)) {
            pending.account = Some(chosen.to_owned());
        }
        see_other(&format!("/app/oauth/consent?authorization={}", step.authorization))
    })
}

fn to_sign_in(authorization: &str) -> Response {
    see_other(&format!("/app/oauth/sign-in?authorization={authorization}"))
}

fn choice(account: &Account) -> Choice {
    Choice { key: account.head.key.clone(), name: account.head.name.clone(), host: account.host() }
}
