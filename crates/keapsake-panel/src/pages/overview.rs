//! `GET /`: how the connection is, what happened to it, what waits, and what to do.

mod deliveries;
mod history;
mod safety;
mod tokens;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keapsake::connection::status::{Phase, Status};

use self::deliveries::Deliveries;
use self::history::History;
use self::safety::Safety;
use self::tokens::Tokens;
use crate::gate::Admin;
use crate::page::{Frame, render};
use crate::panel::Panel;
use crate::words::{About, Offer, State as Words, was_asked_to_wait};

/// While a renewal is on its way the page is loaded again so often.
const RELOAD_AFTER_S: u32 = 3;

/// So many entries of the history are read: more than the tries of a night without Keap.
const LOOKED_AT: u32 = 500;

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
    /// Whether there is a connection to be kept safe.
    is_kept: bool,
    /// `None` also when it cannot be read.
    safety: Option<Safety>,
    /// Whether there is an outbox.
    keeps: bool,
    /// `None` also when they cannot be read.
    deliveries: Option<Deliveries>,
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Response {
    let status = panel.keap.status();
    let mut frame = panel.frame();
    if is_about_to_change(&status) {
        frame.reload = Some((RELOAD_AFTER_S, panel.path("")));
    }
    // How the connection is can be told without the database, so a failure of it costs only its own section.
    let entries = panel.keap.history(LOOKED_AT).await.inspect_err(log).ok();
    let safety = panel.keap.diagnosis().await.inspect_err(log).ok();
    let deliveries = match &panel.outbox {
        None => None,
        Some(outbox) => Deliveries::load(outbox, &status).await.inspect_err(log).ok(),
    };
    let words = Words::of(&About {
        status: &status,
        application: &panel.application,
        keeps: panel.outbox.is_some(),
        is_asked_to_wait: entries.as_deref().is_some_and(was_asked_to_wait),
    });
    render(&Overview {
        frame,
        csrf_token: admin.csrf_token,
        mount: panel.mount.to_string(),
        words,
        account: status.account.as_ref().map(ToString::to_string),
        position: status.position.map(|position| position.to_string()),
        tokens: Tokens::of(&status),
        history: entries.map(|entries| History::of(&entries, &status)),
        is_kept: panel.keap.application().is_some(),
        safety: safety.map(|diagnosis| Safety::of(&diagnosis, status.now)),
        keeps: panel.outbox.is_some(),
        deliveries,
    })
}

/// A renewal is on its way, or about to be: after "Renew now", say.
fn is_about_to_change(status: &Status) -> bool {
    let is_due = status.times.is_some_and(|times| times.refresh_at <= status.now);
    matches!(status.phase, Phase::Refreshing { .. }) || (is_due && !status.phase.needs_a_person())
}

fn log(error: &impl std::fmt::Display) {
    tracing::error!(%error, "a part of the panel could not be read");
}
