//! `GET /`: how the connection is, what happened to it, what waits, and what to do.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use keapsake::connection::history::{Entry, Kind, Outcome};
use keapsake::connection::status::{Phase, Status, Times};
use keapsake::delivery::{Item, ItemState, Outbox, Summary};
use keapsake::store::StoreError;

use crate::gate::Admin;
use crate::moments::{Moment, between, span, took};
use crate::page::{Frame, render};
use crate::panel::Panel;
use crate::timeline::Timeline;
use crate::words::{self, State as Words};

const HISTORY_SHOWN: u32 = 12;
const ITEMS_SHOWN: u32 = 20;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    csrf_token: String,
    mount: String,
    words: Words,
    account: Option<String>,
    position: Option<String>,
    tokens: Option<Tokens>,
    last_authorization: Option<String>,
    history: Vec<Row>,
    deliveries: Option<Deliveries>,
    /// Offer another account than before.
    can_switch: bool,
}

/// The pair at hand.
struct Tokens {
    connected: Moment,
    issued: Moment,
    refresh: Moment,
    end: Moment,
    timeline: Timeline,
    age: Age,
}

/// The refresh token's age against its 45 days.
struct Age {
    days: u64,
    words: String,
    tone: &'static str,
    note: &'static str,
    ends: Moment,
}

struct Row {
    kind: &'static str,
    kind_key: &'static str,
    started: Moment,
    took: String,
    outcome: &'static str,
    outcome_key: &'static str,
    tone: &'static str,
    words: String,
    position: String,
}

struct Deliveries {
    waiting: u64,
    failed: u64,
    done: u64,
    oldest: Option<String>,
    pause: Option<(String, Moment)>,
    waiting_items: Vec<Waiting>,
    failed_items: Vec<Waiting>,
}

struct Waiting {
    id: String,
    person: String,
    words: String,
    trouble: String,
    since: Moment,
}

pub(crate) async fn show(State(panel): State<Panel>, admin: Admin) -> Result<Response, Response> {
    let status = panel.keap.status();
    let history = panel.keap.history(HISTORY_SHOWN).await.map_err(|error| panel.database_failed(&error))?;
    let deliveries = match &panel.outbox {
        None => None,
        Some(outbox) => {
            Some(Deliveries::of(outbox, &status).await.map_err(|error| panel.database_failed(&error))?)
        }
    };
    let mut frame = panel.frame();
    if let Phase::Refreshing { .. } = status.phase {
        frame.reload = Some((3, panel.path("")));
    }
    let words = Words::of(&status, &panel.application);
    let last_authorization = last_failed_authorization(&history, words.look.connect.is_some());
    Ok(render(&Overview {
        frame,
        csrf_token: admin.csrf_token,
        mount: panel.mount.to_string(),
        words,
        account: status.account.as_ref().map(ToString::to_string),
        position: status.position.map(|position| position.to_string()),
        tokens: living_times(&status).map(|times| Tokens::of(times, &status)),
        last_authorization,
        history: history.iter().map(|entry| Row::of(entry, &status)).collect(),
        deliveries,
        can_switch: status.account.is_some(),
    }))
}

/// The times of a pair that has a future: of a lost connection there is nothing to renew.
fn living_times(status: &Status) -> Option<&Times> {
    let is_lost = matches!(status.phase, Phase::NeedsReconnect { .. });
    status.times.as_ref().filter(|_| !is_lost)
}

/// Why connecting failed the last time, as long as nothing newer worked; and what to do, with a button or without.
fn last_failed_authorization(history: &[Entry], has_button: bool) -> Option<String> {
    let last = history.iter().find(|entry| entry.kind == Kind::Authorization)?;
    let ending = last.ending.as_ref().filter(|ending| ending.outcome != Outcome::Done)?;
    let words = ending.words.trim_end_matches('.');
    let advice = match (ending.outcome, has_button) {
        (Outcome::OtherAccount, true) => {
            " Nothing was changed. To move this connection to the other account, tick the box below the button."
        }
        (Outcome::OtherAccount, false) => {
            " Nothing was changed. To move this connection to the other account, disconnect first."
        }
        (Outcome::Misconfigured, _) => " Compare the client id and secret with keys.developer.keap.com.",
        (Outcome::Unconfirmed, true) => " Nothing was changed; press the button to start again.",
        (Outcome::Unconfirmed, false) => " Nothing was changed.",
        _ => "",
    };
    Some(format!("{words}.{advice}"))
}

impl Tokens {
    fn of(times: &Times, status: &Status) -> Self {
        let moment = |at| Moment::new(at, status.now);
        Self {
            connected: moment(times.connected_at),
            issued: moment(times.access_issued_at),
            refresh: moment(times.refresh_at),
            end: moment(times.access_expires_at),
            timeline: Timeline::new(times, status.now),
            age: Age::of(times, status),
        }
    }
}

impl Age {
    fn of(times: &Times, status: &Status) -> Self {
        let age = between(times.refresh_issued_at, status.now.max(times.refresh_issued_at));
        let days = (age.as_secs() / 86_400).min(45);
        let (tone, note) = match days {
            0..30 => ("good", "It is replaced at each renewal."),
            30..40 => ("warn", "It should have been replaced long ago. See why renewals fail."),
            40..44 => ("bad", "Only days are left. If renewals cannot be repaired, reconnect."),
            _ => ("bad", "It is about to end, or has ended. Reconnect now."),
        };
        Self { days, words: span(age), tone, note, ends: Moment::new(times.refresh_expires_at, status.now) }
    }
}

impl Row {
    fn of(entry: &Entry, status: &Status) -> Self {
        let ending = entry.ending.as_ref();
        Self {
            kind: words::kind(entry),
            kind_key: entry.kind.as_str(),
            started: Moment::new(entry.started_at, status.now),
            took: ending.map_or_else(String::new, |ending| took(between(entry.started_at, ending.at))),
            outcome: words::outcome(entry),
            outcome_key: ending.map_or("running", |ending| ending.outcome.as_str()),
            tone: words::tone(entry),
            words: ending.map_or_else(String::new, |ending| ending.words.clone()),
            position: entry.position.to_string(),
        }
    }
}

impl Deliveries {
    async fn of(outbox: &Outbox, status: &Status) -> Result<Self, StoreError> {
        let Summary { waiting, failed, done, oldest_waiting, pause } = outbox.summary().await?;
        let shown = async |state| {
            let items = outbox.items(state, ITEMS_SHOWN).await?;
            Ok::<_, StoreError>(items.into_iter().map(|item| Waiting::of(item, status)).collect())
        };
        Ok(Self {
            waiting,
            failed,
            done,
            oldest: oldest_waiting.map(|oldest| span(between(oldest, status.now.max(oldest)))),
            pause: pause.map(|pause| (pause.words, Moment::new(pause.until, status.now))),
            waiting_items: shown(ItemState::Waiting).await?,
            failed_items: shown(ItemState::Failed).await?,
        })
    }
}

impl Waiting {
    fn of(item: Item, status: &Status) -> Self {
        Self {
            id: item.id,
            person: item.person,
            words: item.words,
            trouble: item.trouble,
            since: Moment::new(item.created_at, status.now),
        }
    }
}
