//! `POST /refresh`: renews now, although it is not due yet.

use axum::extract::State;
use axum::response::Response;

use crate::gate::{AdminForm, NoFields};
use crate::page::Trouble;
use crate::panel::Panel;

pub(crate) async fn submit(State(panel): State<Panel>, _: AdminForm<NoFields>) -> Result<Response, Response> {
    if panel.keap.application().is_none() {
        return Err(panel.trouble(&Trouble::NOTHING_TO_CONNECT));
    }
    // While there is nothing to renew this button is not shown: somebody else has disconnected, say.
    if panel.keap.status().times.is_none() {
        return Ok(panel.to(""));
    }
    panel.keap.refresh().await.map_err(|error| panel.database_failed(&error))?;
    tracing::info!("an administrator asked for a renewal");
    Ok(panel.to(""))
}
