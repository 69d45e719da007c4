//! `POST /connect`: to Keap, with a cookie to be recognised by afterwards.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use crate::gate::AdminForm;
use crate::page::Trouble;
use crate::panel::Panel;

#[derive(Deserialize)]
pub(crate) struct Connect {
    /// The checkbox: there when it is ticked.
    switch_account: Option<String>,
}

pub(crate) async fn submit(
    State(panel): State<Panel>,
    AdminForm { admin, fields }: AdminForm<Connect>,
) -> Result<Response, Response> {
    if panel.keap.application().is_none() {
        return Err(panel.trouble(&Trouble::NOTHING_TO_CONNECT));
    }
    let started = panel
        .keap
        .start_authorization(&admin.session, fields.switch_account.is_some())
        .await
        .map_err(|error| panel.database_failed(&error))?;
    tracing::info!("an administrator went to Keap to connect");
    let mut response = Redirect::to(started.url.as_str()).into_response();
    if let Some(cookie) = panel.set_cookie(&started.browser_key) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
