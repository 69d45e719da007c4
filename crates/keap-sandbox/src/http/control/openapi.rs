//! `GET /_sandbox/openapi.json`.

use axum::response::IntoResponse;
use http::header;

pub(super) async fn get() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../../../description/control.json"))
}
