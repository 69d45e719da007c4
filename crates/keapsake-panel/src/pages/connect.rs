//! `POST /connect`: to Keap, with a cookie to be recognised by afterwards.

use axum::Form;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::gate::Admin;
use crate::panel::Panel;

#[derive(Deserialize)]
pub(crate) struct Connect {
    #[serde(default)]
    csrf_token: String,
    /// The checkbox: there when it is ticked.
    switch_account: Option<String>,
}

pub(crate) async fn submit(
    State(panel): State<Panel>,
    admin: Admin,
    Form(form): Form<Connect>,
) -> Result<Response, Response> {
    admin.check(&panel, &form.csrf_token)?;
    let started = panel
        .keap
        .start_authorization(&admin.session, form.switch_account.is_some())
        .await
        .map_err(|error| panel.database_failed(&error))?;
    let mut response = Redirect::to(started.url.as_str()).into_response();
    if let Some(cookie) = panel.set_cookie(&started.browser_key) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
