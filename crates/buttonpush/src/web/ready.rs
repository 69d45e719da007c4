//! `/readyz`: whether ButtonPush can do its work, for whatever watches over it. Needs no session and tells no secret.
//!
//! 200 with `{"ready": true, "database": "works", "connection": "connected"}`, or 503 with `"ready": false` and a
//! `"reason"`: `database`, or the word for a connection that needs a person (`not-connected`, `disconnected`,
//! `misconfigured`, `restored`, `needs-reconnect`). A connection in trouble that heals by itself is ready.
//!
//! It is there to call a person. A load balancer asks `/healthz`: visitors are served, and what they do is kept, also
//! while the connection waits for somebody, who has to get in to mend it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

/// A database that takes longer does not work.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn show(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let connection = app.keap.readiness();
    let works = tokio::time::timeout(PATIENCE, app.database.answers()).await.unwrap_or(false);
    let reason = match (works, connection.needs_a_person) {
        (false, _) => Some("database"),
        (true, true) => Some(connection.phase),
        (true, false) => None,
    };
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": reason.is_none(),
        "reason": reason,
        "database": if works { "works" } else { "does not answer" },
        "connection": connection.phase,
    });
    (status, Json(body))
}
