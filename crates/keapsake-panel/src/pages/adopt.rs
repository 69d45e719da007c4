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
    fn restored(&self) -> Result<Option<RestoredReason>, Response> {
        if self.keap.application().is_none() {
            return Err(self.trouble(&Trouble::NOTHING_TO_CONNECT));
        }
        match self.keap.status().phase {
            Phase::Restored { reason, .. } => Ok(Some(reason)),
            _ => Ok(None),
        }
    }
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Result<Response, Response> {
    let Some(reason) = panel.restored()? else { return Ok(panel.to("")) };
    Ok(render(&Question {
        frame: panel.frame(),
        csrf_token: admin.csrf_token,
        is_spent: reason == RestoredReason::Older,
        panel: panel.path(""),
        action: panel.path("/adopt"),
    }))
}

pub(crate) async fn submit(State(panel): State<Panel>, _: AdminForm<NoFields>) -> Result<Response, Response> {
    // Decided already, perhaps in another window: then this page's question is no longer asked.
    if panel.restored()?.is_some() {
        panel.keap.adopt().await.map_err(|error| panel.database_failed(&error))?;
        tracing::warn!("an administrator decided to go on with the restored or copied database");
    }
    Ok(panel.to(""))
}
