//! `/button`: the button.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::caller::Caller;
use super::errors::Fault;
use super::page::{Layout, Visitor, render};
use crate::app::App;

#[derive(Template)]
#[template(path = "button.html")]
struct ButtonPage {
    layout: Layout,
    count: i64,
}

/// Shows the button and how often it was pressed.
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    let Some(session) = caller.session() else { return Ok(to_log_in()) };
    let count = app.presses.count_of(&session.user.id).await?;
    render(StatusCode::OK, &ButtonPage { layout: Layout::of(&caller, "The button"), count })
}

/// Counts a press and shows the button again.
pub(super) async fn press(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    let Some(session) = caller.session() else { return Ok(to_log_in()) };
    app.presses.press(&session.user.id).await?;
    Ok(Redirect::to("/button").into_response())
}

fn to_log_in() -> Response {
    Redirect::to("/log-in?next=/button").into_response()
}
