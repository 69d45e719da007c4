//! `GET /status.json`: the same for programs.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::gate::Admin;
use crate::panel::Panel;
use crate::words::State as Words;

pub(crate) async fn show(State(panel): State<Panel>, _: Admin) -> Result<Response, Response> {
    let status = panel.keap.status();
    let words = Words::of(&status, &panel.application, panel.outbox.is_some());
    let deliveries = match &panel.outbox {
        None => None,
        Some(outbox) => Some(outbox.summary().await.map_err(|error| panel.database_failed(&error))?),
    };
    let time = |at: jiff::Timestamp| at.to_string();
    let body = json!({
        "now": time(status.now),
        "phase": words.key,
        "title": words.title,
        "needs_a_person": status.phase.needs_a_person(),
        "can_call": status.can_call,
        "account": status.account.as_ref().and_then(|account| account.host.clone()),
        "lineage": status.position.map(|position| position.lineage),
        "generation": status.position.map(|position| position.generation),
        "access_expires_at": status.times.map(|times| time(times.access_expires_at)),
        "refresh_at": status.times.map(|times| time(times.refresh_at)),
        "refresh_token_expires_at": status.times.map(|times| time(times.refresh_expires_at)),
        "deliveries": deliveries.map(|summary| json!({
            "waiting": summary.waiting,
            "failed": summary.failed,
            "delivered": summary.done,
            "oldest_waiting": summary.oldest_waiting.map(time),
            "paused_until": summary.pause.map(|pause| time(pause.until)),
        })),
    });
    // Escaped for whoever puts it into a page.
    let text = body
        .to_string()
        .replace('<', r"\u003c")
        .replace('\u{2028}', r"\u2028")
        .replace('\u{2029}', r"\u2029");
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
