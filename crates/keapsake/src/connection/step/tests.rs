//! What events make of a connection, in stories.

use super::*;

const DAY: Duration = Duration::from_hours(24);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn circumstances(seconds: i64, dice: Dice) -> Circumstances {
    Circumstances { now: at(seconds), dice, policy: Policy::Unmeasured }
}

const FIRST: Position = Position { lineage: 1, generation: 1 };

fn acme() -> Account {
    Account { host: Some("acme.infusionsoft.com".into()), name: None }
}

fn connected() -> Record {
    let event = Event::Authorized { lineage: 1, started_at: at(0), life: DAY, account: acme() };
    step(None, &event, circumstances(1, 600_000)).unwrap()
}

fn linked(record: &Record) -> &Linked {
    let Link::Linked(linked) = &record.link else { panic!("{record:?}") };
    linked
}

fn after(record: &Record, event: &Event, seconds: i64) -> Record {
    step(Some(record), event, circumstances(seconds, 0)).unwrap()
}

fn all_events() -> Vec<Event> {
    vec![
        Event::Refreshed { spent: FIRST, started_at: at(5), life: DAY, rotated: true },
        Event::NotSent { retry_after: None },
        Event::Unconfirmed,
        Event::Rejected,
        Event::Misconfigured,
        Event::AccessRefused,
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
        assert_eq!(step(None, &event, circumstances(0, 0)), None, "{event:?}");
    }
}

#[test]
fn a_refresh_moves_one_generation_on_and_forgets_all_trouble() {
    for trouble in [Event::Unconfirmed, Event::Rejected, Event::Misconfigured, Event::AccessRefused] {
        let troubled = after(&connected(), &trouble, 10);
        let event = Event::Refreshed { spent: FIRST, started_at: at(20), life: DAY, rotated: true };
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
    let event = Event::Refreshed { spent: FIRST, started_at: at(20), life: DAY, rotated: false };
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
    let suspect = after(&after(&connected(), &Event::AccessRefused, 8), &Event::Rejected, 9);
    let lost = after(&suspect, &Event::Rejected, 10);
    let gone = after(&connected(), &Event::Disconnected, 10);
    assert_eq!(gone.position, Position { lineage: 2, generation: 1 });
    for event in all_events() {
        if !matches!(event, Event::Disconnected | Event::Refreshed { .. }) {
            assert_eq!(linked(&after(&lost, &event, 20)).health, Health::Lost(LostReason::Rejected));
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
