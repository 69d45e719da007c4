//! `GET /adopt` asks whether to go on with a database that was restored or copied, `POST /adopt` does it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keapsake::connection::record::RestoredReason;
use keapsake::connection::status::Phase;

use crate::gate::{Admin, AdminForm, NoFields};
use crate::page::{Frame, Trouble, render};
use crate::panel::Panel;

#[derive(Template)]
#[template(path = "adopt.html")]
struct Question {
    frame: Frame,
    csrf_token: String,
    is_spent: bool,
    panel: String,
    action: String,
}

impl Panel {
    /// By what the database was recognised as another one, as long as nobody has decided.
    fn restored(&self) -> Option<RestoredReason> {
        match self.keap.status().phase {
            Phase::Restored { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// There is no question, or no longer: somebody has decided, perhaps in another window.
    fn nothing_to_decide(&self) -> Response {
        match self.keap.application() {
            Some(_) => self.to(""),
            None => self.trouble(&Trouble::NOTHING_TO_CONNECT),
        }
    }
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Response {
    let Some(reason) = panel.restored() else { return panel.nothing_to_decide() };
    render(&Question {
        frame: panel.frame(),
        csrf_token: admin.csrf_token,
        is_spent: reason == RestoredReason::Older,
        panel: panel.path(""),
        action: panel.path("/adopt"),
    })
}

pub(crate) async fn submit(State(panel): State<Panel>, _: AdminForm<NoFields>) -> Result<Response, Response> {
    if panel.restored().is_none() {
        return Ok(panel.nothing_to_decide());
    }
    panel.keap.adopt().await.map_err(|error| panel.database_failed(&error))?;
    tracing::warn!("an administrator decided to go on with the restored or copied database");
    Ok(panel.to(""))
}
