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
    // Where there is nothing to renew, or a request may still be on its way, this changes nothing.
    panel.keap.refresh().await.map_err(|error| panel.database_failed(&error))?;
    tracing::info!("an administrator asked for a renewal");
    Ok(panel.to(""))
}
