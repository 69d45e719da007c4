//! `GET /`: how the connection is, what happened to it, what waits, and what to do.

mod deliveries;
mod history;
mod tokens;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keapsake::connection::status::Phase;

use self::deliveries::Deliveries;
use self::history::History;
use self::tokens::Tokens;
use crate::gate::Admin;
use crate::page::{Frame, render};
use crate::panel::Panel;
use crate::words::State as Words;

/// While a renewal is on its way the page is loaded again so often.
const RELOAD_AFTER_S: u32 = 3;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    csrf_token: String,
    mount: String,
    words: Words,
    account: Option<String>,
    position: Option<String>,
    tokens: Option<Tokens>,
    /// `None` when it cannot be read.
    history: Option<History>,
    /// Whether there is an outbox.
    keeps: bool,
    /// `None` also when they cannot be read.
    deliveries: Option<Deliveries>,
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Response {
    let status = panel.keap.status();
    let mut frame = panel.frame();
    if let Phase::Refreshing { .. } = status.phase {
        frame.reload = Some((RELOAD_AFTER_S, panel.path("")));
    }
    // How the connection is can be told without the database, so a failure of it costs only its own section.
    let history = History::load(&panel.keap, &status).await.inspect_err(log).ok();
    let deliveries = match &panel.outbox {
        None => None,
        Some(outbox) => Deliveries::load(outbox, &status).await.inspect_err(log).ok(),
    };
    render(&Overview {
        frame,
        csrf_token: admin.csrf_token,
        mount: panel.mount.to_string(),
        words: Words::of(&status, &panel.application, panel.outbox.is_some()),
        account: status.account.as_ref().map(ToString::to_string),
        position: status.position.map(|position| position.to_string()),
        tokens: Tokens::of(&status),
        history,
        keeps: panel.outbox.is_some(),
        deliveries,
    })
}

fn log(error: &impl std::fmt::Display) {
    tracing::error!(%error, "a part of the panel could not be read");
}
