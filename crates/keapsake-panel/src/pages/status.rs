//! `GET /status.json`: the same for programs. The README says what is in it.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use keapsake::connection::diagnosis::Diagnosis;
use keapsake::connection::history::Entry;
use keapsake::connection::record::{LostReason, RestoredReason};
use keapsake::connection::status::{Phase, Status};
use keapsake::delivery::Summary;
use keapsake::journal::JournalHealth;
use serde_json::{Map, Value, json};

use crate::gate::Admin;
use crate::journal_files::{name, without_folder};
use crate::moments::between;
use crate::panel::Panel;
use crate::words::{About, State as Words, facts, was_asked_to_wait};

const ATTEMPTS: u32 = 20;

const DAY_S: u64 = 86_400;

pub(crate) async fn show(State(panel): State<Panel>, _: Admin) -> Result<Response, Response> {
    let status = panel.keap.status();
    let history = panel.keap.history(ATTEMPTS).await.map_err(|error| panel.database_failed(&error))?;
    let diagnosis = panel.keap.diagnosis().await.map_err(|error| panel.database_failed(&error))?;
    let deliveries = match &panel.outbox {
        None => None,
        Some(outbox) => Some(outbox.summary().await.map_err(|error| panel.database_failed(&error))?),
    };
    let words = Words::of(&About {
        status: &status,
        application: &panel.application,
        keeps: panel.outbox.is_some(),
        is_asked_to_wait: was_asked_to_wait(&history),
    });
    let parts = [
        phase(&status, &words),
        pair(&status),
        safety(&diagnosis),
        json!({
            "history": history.iter().map(attempt).collect::<Vec<_>>(),
            "deliveries": deliveries.as_ref().map(waiting),
        }),
    ];
    let body: Map<String, Value> = parts.into_iter().filter_map(into_object).flatten().collect();
    // Escaped for whoever puts it into a page.
    let text = Value::Object(body)
        .to_string()
        .replace('<', r"\u003c")
        .replace('\u{2028}', r"\u2028")
        .replace('\u{2029}', r"\u2029");
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn into_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn time(at: Timestamp) -> String {
    at.to_string()
}

fn phase(status: &Status, words: &Words) -> Value {
    let (since, attempts) = facts(status.phase);
    json!({
        "now": time(status.now),
        "phase": words.key,
        "since": since.map(time),
        "reason": reason(status.phase),
        "attempts": (attempts > 0).then_some(attempts),
        "title": words.title,
        "text": words.text,
        "next": words.next,
        "time_left": words.time_left,
        "needs_a_person": status.phase.needs_a_person(),
        "can_call": status.can_call,
    })
}

fn reason(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Restored { reason: RestoredReason::Older, .. } => Some("older"),
        Phase::Restored { reason: RestoredReason::Copied, .. } => Some("copied"),
        Phase::NeedsReconnect { reason: LostReason::Rejected, .. } => Some("rejected"),
        Phase::NeedsReconnect { reason: LostReason::Expired, .. } => Some("expired"),
        _ => None,
    }
}

fn pair(status: &Status) -> Value {
    let times = status.times;
    let age = times.map(|times| between(times.refresh_issued_at, status.now.max(times.refresh_issued_at)));
    json!({
        "account": status.account.as_ref().and_then(|account| account.host.clone()),
        "lineage": status.position.map(|position| position.lineage),
        "generation": status.position.map(|position| position.generation),
        "connected_at": times.map(|times| time(times.connected_at)),
        "access_issued_at": times.map(|times| time(times.access_issued_at)),
        "access_expires_at": times.map(|times| time(times.access_expires_at)),
        "refresh_at": times.map(|times| time(times.refresh_at)),
        "refresh_token_issued_at": times.map(|times| time(times.refresh_issued_at)),
        "refresh_token_expires_at": times.map(|times| time(times.refresh_expires_at)),
        "refresh_token_age_days": age.map(|age| age.as_secs() / DAY_S),
    })
}

fn safety(diagnosis: &Diagnosis) -> Value {
    let alarms = diagnosis.alarms.iter().map(|(condition, since)| {
        json!({
            "condition": condition.word(),
            "severity": condition.severity().word(),
            "title": condition.title(),
            "advice": condition.advice(),
            "since": time(*since),
        })
    });
    json!({
        "alarms": alarms.collect::<Vec<_>>(),
        "journal": diagnosis.journal.as_ref().map(|health| journal(health, diagnosis)),
        "store": { "trouble": diagnosis.store_trouble },
        "clock_ahead_s": diagnosis.skew.map(|ahead| ahead.as_secs()),
    })
}

fn journal(health: &JournalHealth, diagnosis: &Diagnosis) -> Value {
    let damage = health.damage.iter().map(|damage| without_folder(&damage.to_string(), health));
    json!({
        "file": name(&health.file),
        "size": health.size,
        "used": health.used,
        "records": health.records,
        "open": health.open,
        "unsaved": health.unsaved,
        "last_append_ms": health.last_append.map(|took| took.as_millis()),
        "damage": damage.collect::<Vec<_>>(),
        "trouble": diagnosis.journal_trouble.as_ref().map(|words| without_folder(words, health)),
    })
}

fn attempt(entry: &Entry) -> Value {
    let ending = entry.ending.as_ref();
    json!({
        "kind": entry.kind.as_str(),
        "lineage": entry.position.lineage,
        "generation": entry.position.generation,
        "started_at": time(entry.started_at),
        "ended_at": ending.map(|ending| time(ending.at)),
        "outcome": ending.map(|ending| ending.outcome.as_str()),
        "words": ending.map(|ending| ending.words.clone()),
    })
}

fn waiting(summary: &Summary) -> Value {
    json!({
        "waiting": summary.waiting,
        "failed": summary.failed,
        "delivered": summary.done,
        "oldest_waiting": summary.oldest_waiting.map(time),
        "paused_until": summary.pause.as_ref().map(|pause| time(pause.until)),
    })
}
