//! `POST /deliveries/{id}/retry`: a failed delivery gets another chance.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::gate::{AdminForm, NoFields};
use crate::page::Trouble;
use crate::panel::Panel;

pub(crate) async fn retry(
    State(panel): State<Panel>,
    id: Result<Path<String>, PathRejection>,
    _: AdminForm<NoFields>,
) -> Result<Response, Response> {
    let (Some(outbox), Ok(Path(id))) = (&panel.outbox, id) else {
        return Err(panel.trouble(&Trouble::NOT_FOUND));
    };
    // One that is not failed any more was tried again already: that is what was asked for.
    outbox.try_again(&id).await.map_err(|error| panel.database_failed(&error))?;
    Ok(panel.to("#deliveries"))
}
