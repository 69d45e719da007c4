//! Every state with every event, and what must come of it.
//!
//! Each row is an event, each column a state: the state after it, the pair, and in how many seconds something is due.
//! `=` is a record that stays as it is.

use std::collections::BTreeSet;

use super::*;
use crate::connection::record::Next;

const DAY: Duration = Duration::from_hours(24);
const AT_HAND: Position = Position { lineage: 1, generation: 4 };
const STATES: usize = 10;

/// Half an hour after a full one, so that no due time is moved away from one.
fn now() -> Timestamp {
    "2026-11-24T10:30:00Z".parse().unwrap()
}

fn ago(span: Duration) -> Timestamp {
    now().checked_sub(span).unwrap()
}

/// Three hours before the access token ends; something is due in 50 seconds.
#[expect(clippy::unnecessary_wraps, reason = "a state may be no record at all")]
fn with(health: Health) -> Option<Record> {
    let issued = ago(Duration::from_hours(21));
    let linked = Linked {
        connected_at: ago(4 * DAY),
        access_issued_at: issued,
        access_expires_at: later(issued, DAY),
        access_refused: false,
        refresh_issued_at: issued,
        refresh_at: later(now(), Duration::from_secs(50)),
        health,
        health_since: issued,
    };
    Some(Record { position: AT_HAND, account: Account::default(), link: Link::Linked(linked) })
}

fn states() -> [Option<Record>; STATES] {
    let a_minute_ago = ago(Duration::from_mins(1));
    let unconfirmed = |next| Health::Unconfirmed { attempts: 1, ended_at: a_minute_ago, next };
    let disconnected = Link::Disconnected { since: ago(DAY) };
    [
        None,
        with(Health::Well),
        with(Health::Unreached { attempts: 1 }),
        with(unconfirmed(Next::Retry)),
        with(unconfirmed(Next::Probe)),
        with(Health::Suspect { rejections: 1, first_rejected_at: a_minute_ago }),
        with(Health::Misconfigured),
        with(Health::Restored(RestoredReason::Older)),
        with(Health::Lost(LostReason::Rejected)),
        Some(Record { position: AT_HAND, account: Account::default(), link: disconnected }),
    ]
}

fn refreshed_with(spent: Position) -> Event {
    Event::Refreshed { spent, started_at: now(), life: DAY, rotated: true }
}

#[rustfmt::skip]
fn expected() -> Vec<(Event, [&'static str; STATES])> {
    let older = Position { generation: 3, ..AT_HAND };
    let acme = Account { host: Some("acme.infusionsoft.com".into()), name: None };
    vec![
        (Event::Authorized { lineage: 2, started_at: now(), life: DAY, account: Account::default() },
         ["Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000",
          "Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000", "Well 2.1 75000"]),
        (refreshed_with(AT_HAND),
         ["=", "Well 1.5 75000", "Well 1.5 75000", "Well 1.5 75000", "Well 1.5 75000",
          "Well 1.5 75000", "Well 1.5 75000", "Well 1.5 75000", "Well 1.5 75000", "="]),
        (refreshed_with(older), ["="; STATES]),
        (Event::NotSent { retry_after: None },
         ["=", "Unreached 1.4 1", "Unreached 1.4 1", "Retry 1.4 1", "Probe 1.4 1",
          "Suspect 1.4 1", "Unreached 1.4 1", "=", "=", "="]),
        (Event::NotSent { retry_after: Some(Duration::from_mins(5)) },
         ["=", "Unreached 1.4 300", "Unreached 1.4 300", "Retry 1.4 300", "Probe 1.4 300",
          "Suspect 1.4 300", "Unreached 1.4 300", "=", "=", "="]),
        (Event::Unconfirmed,
         ["=", "Retry 1.4 20", "Retry 1.4 20", "Retry 1.4 60", "Retry 1.4 60",
          "Suspect 1.4 300", "Retry 1.4 20", "=", "=", "="]),
        (Event::Probed { accepted: true },
         ["=", "=", "=", "Retry 1.4 0", "Retry 1.4 0", "=", "=", "=", "=", "="]),
        (Event::Probed { accepted: false },
         ["=", "=", "=", "Suspect 1.4 30", "Suspect 1.4 30", "=", "=", "=", "=", "="]),
        (Event::Rejected,
         ["=", "Suspect 1.4 30", "Suspect 1.4 30", "Suspect 1.4 30", "Suspect 1.4 30",
          "Suspect 1.4 300", "Suspect 1.4 30", "=", "=", "="]),
        (Event::Misconfigured,
         ["=", "Misconfigured 1.4 900", "Misconfigured 1.4 900", "Misconfigured 1.4 900", "Misconfigured 1.4 900",
          "Misconfigured 1.4 900", "Misconfigured 1.4 900", "=", "=", "="]),
        (Event::AccessRefused,
         ["=", "Well 1.4 0 refused", "Unreached 1.4 50 refused", "Retry 1.4 50 refused", "Probe 1.4 50 refused",
          "Suspect 1.4 50 refused", "Misconfigured 1.4 50 refused", "=", "=", "="]),
        (Event::Restored(RestoredReason::Older),
         ["=", "Restored 1.4 -", "Restored 1.4 -", "Restored 1.4 -", "Restored 1.4 -",
          "Restored 1.4 -", "Restored 1.4 -", "=", "=", "="]),
        (Event::Adopted { lineage: 7 },
         ["=", "=", "=", "=", "=", "=", "=", "Well 7.1 0", "=", "="]),
        (Event::Asked,
         ["=", "Well 1.4 0", "Unreached 1.4 0", "=", "=", "Suspect 1.4 0", "Misconfigured 1.4 0", "=", "=", "="]),
        (Event::Misdated,
         ["=", "Well 1.4 0", "Unreached 1.4 0", "Retry 1.4 60", "Retry 1.4 60", "Suspect 1.4 0", "Misconfigured 1.4 0", "=", "=", "="]),
        (Event::Named(acme),
         ["=", "Well 1.4 50 named", "Unreached 1.4 50 named", "Retry 1.4 50 named", "Probe 1.4 50 named",
          "Suspect 1.4 50 named", "Misconfigured 1.4 50 named", "Restored 1.4 - named", "Lost 1.4 - named",
          "Disconnected 1.4 - named"]),
        (Event::Disconnected,
         ["=", "Disconnected 2.1 -", "Disconnected 2.1 -", "Disconnected 2.1 -", "Disconnected 2.1 -",
          "Disconnected 2.1 -", "Disconnected 2.1 -", "Disconnected 2.1 -", "Disconnected 2.1 -", "="]),
        (Event::Started,
         ["=", "=", "=", "=", "=", "=", "Misconfigured 1.4 0", "=", "=", "="]),
    ]
}

fn show(before: Option<&Record>, after: Option<&Record>) -> String {
    let Some(record) = after.filter(|_| before != after) else { return "=".into() };
    let due = record.due_at().map_or("-".into(), |due| due.duration_since(now()).as_secs().to_string());
    let named = if record.account.host.is_some() { " named" } else { "" };
    let refused = match &record.link {
        Link::Linked(linked) if linked.access_refused => " refused",
        _ => "",
    };
    format!("{} {} {due}{refused}{named}", kind(record), record.position)
}

fn kind(record: &Record) -> &'static str {
    let Link::Linked(linked) = &record.link else { return "Disconnected" };
    match linked.health {
        Health::Well => "Well",
        Health::Unreached { .. } => "Unreached",
        Health::Unconfirmed { next: Next::Retry, .. } => "Retry",
        Health::Unconfirmed { next: Next::Probe, .. } => "Probe",
        Health::Suspect { .. } => "Suspect",
        Health::Misconfigured => "Misconfigured",
        Health::Restored(_) => "Restored",
        Health::Lost(_) => "Lost",
    }
}

#[test]
fn every_event_makes_of_every_state_what_it_must() {
    let at = Circumstances { now: now(), dice: 0, policy: Policy::Unmeasured };
    for (event, expected) in expected() {
        for (before, expected) in states().iter().zip(expected) {
            let after = step(before.as_ref(), &event, at);
            if before.is_none() && after.is_none() {
                assert_eq!(expected, "=", "{event:?}");
            }
            assert_eq!(show(before.as_ref(), after.as_ref()), expected, "{event:?} on {before:?}");
        }
    }
}

#[test]
fn no_event_and_no_state_is_left_out() {
    // A new kind of event does not compile until it is counted here.
    let number = |event: &Event| match event {
        Event::Authorized { .. } => 0,
        Event::Refreshed { .. } => 1,
        Event::NotSent { .. } => 2,
        Event::Unconfirmed => 3,
        Event::Probed { .. } => 4,
        Event::Rejected => 5,
        Event::Misconfigured => 6,
        Event::AccessRefused => 7,
        Event::Restored(_) => 8,
        Event::Adopted { .. } => 9,
        Event::Asked => 10,
        Event::Misdated => 14,
        Event::Named(_) => 11,
        Event::Disconnected => 12,
        Event::Started => 13,
    };
    let events: BTreeSet<_> = expected().iter().map(|(event, _)| number(event)).collect();
    assert_eq!(events, (0..15).collect());
    let kinds: BTreeSet<_> =
        states().iter().map(|record| record.as_ref().map_or("NotConnected", kind)).collect();
    assert_eq!(kinds.len(), STATES);
}
