//! What an event makes of a connection. A pure function: no clock, no randomness, no I/O of its own.
//!
//! This is the seam for the full state machine of later: production and simulation run the same function.

use std::time::Duration;

use jiff::Timestamp;

use super::record::{Account, Health, Link, Linked, LostReason, Position, Record};
use super::schedule::{self, Dice};
use crate::clock::later;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person authorized and the code was exchanged.
    Authorized {
        /// When the exchange was started.
        started_at: Timestamp,
        /// How long the access token lives.
        life: Duration,
        /// Whose it is.
        account: Account,
    },
    /// A refresh brought a new pair.
    Refreshed {
        /// When the refresh was started.
        started_at: Timestamp,
        /// How long the access token lives.
        life: Duration,
        /// Whether the refresh token is a new one (else the old one was kept, with its age).
        rotated: bool,
    },
    /// A refresh certainly did not reach Keap, or its quota turned it away unread.
    NotSent {
        /// How long Keap asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// A refresh was sent and its outcome is unknown.
    Unconfirmed,
    /// Keap said that the refresh token is not good.
    Rejected,
    /// Keap did not accept the client id or secret.
    Misconfigured,
    /// An API call was refused with the current access token.
    AccessRefused,
    /// The refresh token is past its 45 days.
    Expired,
    /// The account's name became known.
    Named(Account),
    /// An administrator disconnected.
    Disconnected,
    /// The program started (with settings that may be new).
    Started,
}

/// The connection after the event. `None` is a connection that was never made.
///
/// Events that do not concern a state leave it as it is.
pub fn step(record: Option<&Record>, event: &Event, now: Timestamp, dice: Dice) -> Option<Record> {
    match (event, record) {
        (Event::Authorized { started_at, life, account }, _) => {
            let position = record.map_or(Position::NONE, |record| record.position).next_lineage();
            let link = Link::Linked(fresh(*started_at, *life, now, dice));
            Some(Record { position, account: account.clone(), link })
        }
        (_, None) => None,
        (Event::Disconnected, Some(record)) => Some(disconnected(record, now)),
        (Event::Named(account), Some(record)) => Some(named(record, account)),
        (Event::Refreshed { started_at, life, rotated }, Some(record)) => {
            let pair = fresh(*started_at, *life, now, dice);
            Some(refreshed(record, &pair, *rotated))
        }
        (_, Some(record)) => Some(on_linked(record, |linked| troubled(linked, event, now, dice))),
    }
}

fn fresh(started_at: Timestamp, life: Duration, now: Timestamp, dice: Dice) -> Linked {
    Linked {
        connected_at: now,
        access_issued_at: started_at,
        access_expires_at: later(started_at, life),
        access_refused: false,
        refresh_issued_at: started_at,
        refresh_at: schedule::due(started_at, life, dice),
        health: Health::Well,
        health_since: now,
    }
}

fn refreshed(record: &Record, pair: &Linked, rotated: bool) -> Record {
    let Link::Linked(before) = &record.link else { return record.clone() };
    let refresh_issued_at = if rotated { pair.refresh_issued_at } else { before.refresh_issued_at };
    Record {
        position: record.position.next_generation(),
        link: Link::Linked(Linked { connected_at: before.connected_at, refresh_issued_at, ..pair.clone() }),
        ..record.clone()
    }
}

/// Tokens of before are of no use to anybody, so the position moves on: whatever is still on its way for them
/// meets the fence.
fn disconnected(record: &Record, now: Timestamp) -> Record {
    match record.link {
        Link::Disconnected { .. } => record.clone(),
        Link::Linked(_) => Record {
            position: record.position.next_lineage(),
            link: Link::Disconnected { since: now },
            ..record.clone()
        },
    }
}

fn named(record: &Record, account: &Account) -> Record {
    let account = Account {
        host: account.host.clone().or_else(|| record.account.host.clone()),
        name: account.name.clone().or_else(|| record.account.name.clone()),
    };
    Record { account, ..record.clone() }
}

fn on_linked(record: &Record, change: impl FnOnce(&Linked) -> Linked) -> Record {
    match &record.link {
        Link::Linked(linked) => Record { link: Link::Linked(change(linked)), ..record.clone() },
        Link::Disconnected { .. } => record.clone(),
    }
}

fn troubled(linked: &Linked, event: &Event, now: Timestamp, dice: Dice) -> Linked {
    if let Health::Lost(_) = linked.health {
        return linked.clone();
    }
    let (health, wait) = match event {
        Event::NotSent { retry_after } => not_sent(linked.health, *retry_after, dice),
        Event::Unconfirmed => unconfirmed(linked.health),
        Event::Rejected => rejected(linked, now),
        Event::Misconfigured => (Health::Misconfigured, schedule::AFTER_MISCONFIGURED),
        Event::Expired => (Health::Lost(LostReason::Expired), Duration::ZERO),
        Event::AccessRefused => return access_refused(linked, now),
        // New settings deserve a new try at once.
        Event::Started if linked.health == Health::Misconfigured => (Health::Misconfigured, Duration::ZERO),
        _ => return linked.clone(),
    };
    let same = std::mem::discriminant(&health) == std::mem::discriminant(&linked.health);
    Linked {
        health,
        health_since: if same { linked.health_since } else { now },
        refresh_at: later(now, wait),
        ..linked.clone()
    }
}

fn not_sent(health: Health, retry_after: Option<Duration>, dice: Dice) -> (Health, Duration) {
    let attempts = match health {
        Health::Unreached { attempts } => attempts.saturating_add(1),
        _ => 1,
    };
    let wait = retry_after.unwrap_or_default().max(schedule::after_unreached(attempts, dice));
    match health {
        // What was suspected before stays suspected: this attempt taught nothing.
        Health::Suspect { .. } | Health::Unconfirmed { .. } => (health, wait),
        _ => (Health::Unreached { attempts }, wait),
    }
}

fn unconfirmed(health: Health) -> (Health, Duration) {
    match health {
        Health::Suspect { .. } => (health, schedule::after_unconfirmed(u32::MAX)),
        Health::Unconfirmed { attempts } => {
            let attempts = attempts.saturating_add(1);
            (Health::Unconfirmed { attempts }, schedule::after_unconfirmed(attempts))
        }
        _ => (Health::Unconfirmed { attempts: 1 }, schedule::after_unconfirmed(1)),
    }
}

fn rejected(linked: &Linked, now: Timestamp) -> (Health, Duration) {
    let (before, first_rejected_at) = match linked.health {
        Health::Suspect { rejections, first_rejected_at } => (rejections, first_rejected_at),
        _ => (0, now),
    };
    let rejections = before.saturating_add(1);
    if schedule::is_over(rejections, first_rejected_at, now, linked.is_access_live(now)) {
        return (Health::Lost(LostReason::Rejected), Duration::ZERO);
    }
    (Health::Suspect { rejections, first_rejected_at }, schedule::after_rejection(rejections))
}

/// A refresh is due at once, unless there is trouble already with its own schedule.
fn access_refused(linked: &Linked, now: Timestamp) -> Linked {
    let at_once = matches!(linked.health, Health::Well);
    Linked {
        access_refused: true,
        refresh_at: if at_once { now.min(linked.refresh_at) } else { linked.refresh_at },
        ..linked.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn acme() -> Account {
        Account { host: Some("acme.infusionsoft.com".into()), name: None }
    }

    fn connected() -> Record {
        let event = Event::Authorized { started_at: at(0), life: DAY, account: acme() };
        step(None, &event, at(1), 600_000).unwrap()
    }

    fn linked(record: &Record) -> &Linked {
        let Link::Linked(linked) = &record.link else { panic!("{record:?}") };
        linked
    }

    fn after(record: &Record, event: &Event, seconds: i64) -> Record {
        step(Some(record), event, at(seconds), 0).unwrap()
    }

    fn all_events() -> Vec<Event> {
        vec![
            Event::Refreshed { started_at: at(5), life: DAY, rotated: true },
            Event::NotSent { retry_after: None },
            Event::Unconfirmed,
            Event::Rejected,
            Event::Misconfigured,
            Event::AccessRefused,
            Event::Expired,
            Event::Named(acme()),
            Event::Disconnected,
            Event::Started,
        ]
    }

    #[test]
    fn authorizing_starts_lineage_one_generation_one() {
        let record = connected();
        assert_eq!(record.position, Position { lineage: 1, generation: 1 });
        assert_eq!(linked(&record).access_expires_at, at(86_400));
        assert_eq!(linked(&record).health, Health::Well);
    }

    #[test]
    fn without_a_connection_only_authorizing_matters() {
        for event in all_events() {
            assert_eq!(step(None, &event, at(0), 0), None, "{event:?}");
        }
    }

    #[test]
    fn a_refresh_moves_one_generation_on_and_forgets_all_trouble() {
        for trouble in [Event::Unconfirmed, Event::Rejected, Event::Misconfigured, Event::AccessRefused] {
            let troubled = after(&connected(), &trouble, 10);
            let event = Event::Refreshed { started_at: at(20), life: DAY, rotated: true };
            let refreshed = after(&troubled, &event, 21);
            assert_eq!(refreshed.position, Position { lineage: 1, generation: 2 });
            assert_eq!(linked(&refreshed).health, Health::Well);
            assert!(!linked(&refreshed).access_refused);
            assert_eq!(linked(&refreshed).refresh_issued_at, at(20));
            assert_eq!(linked(&refreshed).connected_at, at(1));
        }
    }

    #[test]
    fn a_kept_refresh_token_keeps_its_age() {
        let event = Event::Refreshed { started_at: at(20), life: DAY, rotated: false };
        assert_eq!(linked(&after(&connected(), &event, 21)).refresh_issued_at, at(0));
    }

    #[test]
    fn transient_trouble_never_ends_a_connection() {
        let mut record = connected();
        for n in 0..5_000 {
            let event = if n % 3 == 0 { Event::NotSent { retry_after: None } } else { Event::Unconfirmed };
            record = after(&record, &event, n * 60);
            assert!(!matches!(linked(&record).health, Health::Lost(_)));
            assert!(linked(&record).refresh_at > at(n * 60));
        }
    }

    #[test]
    fn refusals_over_half_an_hour_end_it() {
        let mut record = connected();
        for (seconds, next) in [(0, 30), (30, 330), (330, 2130)] {
            record = after(&record, &Event::Rejected, seconds);
            assert!(matches!(linked(&record).health, Health::Suspect { .. }), "{seconds}");
            assert_eq!(linked(&record).refresh_at, at(next));
        }
        record = after(&record, &Event::Rejected, 2130);
        assert_eq!(linked(&record).health, Health::Lost(LostReason::Rejected));
    }

    #[test]
    fn a_revoked_grant_is_noticed_within_a_minute() {
        // Keap refuses the access token, then twice the refresh token.
        let mut record = after(&connected(), &Event::AccessRefused, 100);
        assert_eq!(linked(&record).refresh_at, at(100));
        record = after(&record, &Event::Rejected, 101);
        assert_eq!(linked(&record).refresh_at, at(131));
        record = after(&record, &Event::Rejected, 131);
        assert_eq!(linked(&record).health, Health::Lost(LostReason::Rejected));
    }

    #[test]
    fn an_api_refusal_does_not_hurry_a_troubled_connection() {
        let suspect = after(&connected(), &Event::Rejected, 100);
        let refused = after(&suspect, &Event::AccessRefused, 101);
        assert_eq!(linked(&refused).refresh_at, linked(&suspect).refresh_at);
    }

    #[test]
    fn a_lost_or_disconnected_connection_is_not_resurrected() {
        let lost = after(&connected(), &Event::Expired, 10);
        let gone = after(&connected(), &Event::Disconnected, 10);
        assert_eq!(gone.position, Position { lineage: 2, generation: 1 });
        for event in all_events() {
            if !matches!(event, Event::Disconnected | Event::Refreshed { .. }) {
                assert_eq!(linked(&after(&lost, &event, 20)).health, Health::Lost(LostReason::Expired));
            }
            assert!(matches!(after(&gone, &event, 20).link, Link::Disconnected { .. }), "{event:?}");
        }
    }

    #[test]
    fn a_wait_asked_for_by_keap_is_kept() {
        let event = Event::NotSent { retry_after: Some(Duration::from_mins(5)) };
        assert_eq!(linked(&after(&connected(), &event, 10)).refresh_at, at(310));
    }

    #[test]
    fn new_settings_are_tried_at_once() {
        let broken = after(&connected(), &Event::Misconfigured, 10);
        assert_eq!(linked(&broken).refresh_at, at(910));
        let started = after(&broken, &Event::Started, 20);
        assert_eq!(linked(&started).refresh_at, at(20));
    }
}
