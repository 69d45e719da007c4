//! `POST /log-out`: being nobody again.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::caller::Caller;
use super::cookies::Cookie;
use super::errors::Fault;
use crate::app::App;

/// Ends the session at once, here and everywhere its id was copied to.
pub(super) async fn submit(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    if let Some(session) = caller.session() {
        app.sessions.end(&session.hash).await?;
    }
    let mut response = Redirect::to("/").into_response();
    response.headers_mut().append(header::SET_COOKIE, app.site.cookies.remove(Cookie::Session));
    Ok(response)
}
