//! `GET /return`: a stepping stone on our own site.
//!
//! What follows a redirect from Keap still counts as coming from Keap, without strict cookies. This page, which shows
//! nothing and needs nobody, goes on by itself, and that step comes from here.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::page::{Frame, render};
use crate::panel::Panel;

#[derive(Template)]
#[template(path = "returned.html")]
struct Returned {
    frame: Frame,
    panel: String,
}

pub(crate) async fn show(State(panel): State<Panel>) -> Response {
    let to = panel.path("");
    let frame = Frame { reload: Some((0, to.clone())), back: None, ..panel.frame() };
    render(&Returned { frame, panel: to })
}
