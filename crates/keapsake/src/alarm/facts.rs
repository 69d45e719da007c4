//! Which conditions hold now. A pure function of what is known.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::condition::Condition;
use crate::clock::{later, until};
use crate::connection::record::{Health, Link, Linked, LostReason, Record, RestoredReason};
use crate::connection::schedule::REFRESH_LIFE;
use crate::oauth::answer::plain;

/// A clock that differs by more than this is wrong.
pub const SKEW_LIMIT: SignedDuration = SignedDuration::from_secs(60);

const DAY: Duration = Duration::from_hours(24);

/// Of these the highest that is reached holds.
const AGES: [(u32, Condition); 3] = [
    (44, Condition::RefreshTokenAge44),
    (40, Condition::RefreshTokenAge40),
    (30, Condition::RefreshTokenAge30),
];

/// What is known of a connection and of what it needs, at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The connection; `None` when it was never made.
    pub record: Option<&'a Record>,
    /// By how much our clock is ahead of Keap's (negative: behind), if known; see [`skew`](super::skew()). Not knowing
    /// neither raises nor ends an alarm.
    pub skew: Option<SignedDuration>,
    /// What the store said when it last failed, while it does.
    pub store_trouble: Option<&'a str>,
    /// What the journal said when it last failed, while it does.
    pub journal_trouble: Option<&'a str>,
}

/// The conditions that hold, each with what is so and until when there is time.
pub fn conditions(facts: &Facts<'_>, now: Timestamp) -> BTreeMap<Condition, String> {
    let mut all = of_connection(facts.record, now);
    all.extend(of_deployment(facts));
    all
}

/// Those of one connection.
pub(super) fn of_connection(record: Option<&Record>, now: Timestamp) -> BTreeMap<Condition, String> {
    match record.map(|record| &record.link) {
        Some(Link::Linked(linked)) => {
            [renewal(linked, now), age(linked, now)].into_iter().flatten().collect()
        }
        Some(Link::Disconnected { .. }) | None => BTreeMap::new(),
    }
}

/// Those of the whole deployment, as this process sees it.
pub(super) fn of_deployment(facts: &Facts<'_>) -> BTreeMap<Condition, String> {
    let all = [
        facts.skew.and_then(clock),
        facts.store_trouble.map(|words| trouble(Condition::StoreTrouble, "The database", words)),
        facts.journal_trouble.map(|words| trouble(Condition::JournalTrouble, "The journal", words)),
    ];
    all.into_iter().flatten().collect()
}

fn renewal(linked: &Linked, now: Timestamp) -> Option<(Condition, String)> {
    let since = moment(linked.health_since);
    let (condition, what) = match linked.health {
        Health::Well => return None,
        Health::Unreached { attempts } => (
            Condition::RefreshFailing,
            format!("Keap could not be reached in {} since {since}.", times(attempts)),
        ),
        Health::Suspect { rejections, .. } => (
            Condition::RefreshFailing,
            format!(
                "Keap refused to renew the connection in {} since {since}; it is asked again before that is believed.",
                times(rejections)
            ),
        ),
        Health::Unconfirmed { attempts, .. } => (
            Condition::Unconfirmed,
            format!(
                "No usable answer came in {} since {since}: Keap may or may not have renewed the connection.",
                times(attempts)
            ),
        ),
        Health::Misconfigured => (
            Condition::Misconfigured,
            format!("Keap has refused the client id or secret since {since}. The connection is kept."),
        ),
        Health::Restored(reason) => (Condition::Restored, restored(reason, &since)),
        Health::Lost(reason) => (Condition::NeedsReconnect, lost(reason, &since)),
    };
    Some((condition, format!("{what} {}", time_left(linked, now))))
}

fn restored(reason: RestoredReason, since: &str) -> String {
    let why = match reason {
        RestoredReason::Older => "holds an older connection than this deployment has had already",
        RestoredReason::Copied => "is another copy of the data than the one it was written in",
    };
    format!(
        "The database {why}, as was noticed at {since}. Nothing is renewed until a person decides, because another \
         deployment may use the same connection."
    )
}

fn lost(reason: LostReason, since: &str) -> String {
    match reason {
        LostReason::Rejected => format!(
            "Keap refused the refresh token again and again, as became certain at {since}. Most likely somebody removed \
             the access in Keap, or a copy of the application uses the same connection."
        ),
        LostReason::Expired => format!(
            "The connection was not renewed for 45 days, after which Keap ends it; that was noticed at {since}."
        ),
    }
}

/// Until when what works goes on working.
fn time_left(linked: &Linked, now: Timestamp) -> String {
    let calls = if linked.is_access_live(now) {
        format!("Calls go on working until {}", moment(linked.access_expires_at))
    } else {
        "Calls do not work until this is over".to_owned()
    };
    match linked.health {
        Health::Lost(_) => format!("{calls}."),
        _ => format!("{calls}; without a renewal Keap ends the connection at {}.", moment(end(linked))),
    }
}

fn age(linked: &Linked, now: Timestamp) -> Option<(Condition, String)> {
    if let Health::Lost(_) = linked.health {
        return None;
    }
    let age = until(linked.refresh_issued_at, now);
    let (_, condition) = AGES.into_iter().find(|(days, _)| age >= *days * DAY)?;
    let words = format!(
        "The connection was last renewed at {}; Keap ends it at {}.",
        moment(linked.refresh_issued_at),
        moment(end(linked))
    );
    Some((condition, words))
}

fn clock(skew: SignedDuration) -> Option<(Condition, String)> {
    let side = if skew.is_negative() { "behind" } else { "ahead of" };
    let words = format!("This machine's clock is {} seconds {side} Keap's.", skew.unsigned_abs().as_secs());
    (skew.abs() > SKEW_LIMIT).then_some((Condition::ClockSkew, words))
}

pub(super) fn trouble(condition: Condition, what: &str, words: &str) -> (Condition, String) {
    (condition, format!("{what} says: {}", plain(words)))
}

fn end(linked: &Linked) -> Timestamp {
    later(linked.refresh_issued_at, REFRESH_LIFE)
}

fn times(count: u32) -> String {
    if count == 1 { "one attempt".to_owned() } else { format!("{count} attempts") }
}

/// A time for people.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
