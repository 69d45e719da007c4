//! `GET /`: what this is.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::caller::Caller;
use super::errors::Fault;
use super::page::{Layout, Visitor, render};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    layout: Layout,
}

/// Shows what this is.
pub(super) async fn show(caller: Caller) -> Result<Response, Fault> {
    render(StatusCode::OK, &Home { layout: Layout::of(&caller, "ButtonPush") })
}
