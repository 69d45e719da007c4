//! `GET /disconnect` asks, `POST /disconnect` does it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::gate::{Admin, AdminForm, NoFields};
use crate::page::{Frame, Trouble, render};
use crate::panel::Panel;

#[derive(Template)]
#[template(path = "disconnect.html")]
struct Question {
    frame: Frame,
    csrf_token: String,
    account: String,
    waiting: u64,
    keeps: bool,
    panel: String,
    action: String,
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Result<Response, Response> {
    if panel.keap.application().is_none() {
        return Err(panel.trouble(&Trouble::NOTHING_TO_CONNECT));
    }
    let waiting = match &panel.outbox {
        None => 0,
        Some(outbox) => outbox.summary().await.map_err(|error| panel.database_failed(&error))?.waiting,
    };
    let account = panel.keap.status().account.map_or_else(|| "Keap".into(), |account| account.to_string());
    Ok(render(&Question {
        frame: panel.frame(),
        csrf_token: admin.csrf_token,
        account,
        waiting,
        keeps: panel.outbox.is_some(),
        panel: panel.path(""),
        action: panel.path("/disconnect"),
    }))
}

pub(crate) async fn submit(State(panel): State<Panel>, _: AdminForm<NoFields>) -> Result<Response, Response> {
    if panel.keap.application().is_none() {
        return Err(panel.trouble(&Trouble::NOTHING_TO_CONNECT));
    }
    panel.keap.disconnect().await.map_err(|error| panel.database_failed(&error))?;
    tracing::info!("an administrator disconnected from Keap");
    Ok(panel.to(""))
}
