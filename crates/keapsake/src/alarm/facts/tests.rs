use super::*;
use crate::connection::record::{Account, Next, Position};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

/// Renewed at ten this morning; calls work until ten tomorrow.
fn record(health: Health) -> Record {
    let issued = at("2026-11-24T10:00:00Z");
    let linked = Linked {
        connected_at: issued,
        access_issued_at: issued,
        access_expires_at: later(issued, DAY),
        access_refused: false,
        refresh_issued_at: issued,
        refresh_at: later(issued, DAY),
        health,
        health_since: at("2026-11-24T11:30:00Z"),
    };
    let position = Position { lineage: 1, generation: 1 };
    Record { position, account: Account::default(), link: Link::Linked(linked) }
}

fn holding(record: &Record, now: Timestamp) -> BTreeMap<Condition, String> {
    conditions(&Facts { record: Some(record), ..Facts::default() }, now)
}

fn after_days(health: Health, days: u32) -> Vec<Condition> {
    let now = later(at("2026-11-24T10:00:00Z"), days * DAY);
    holding(&record(health), now).into_keys().collect()
}

fn healths() -> [(Health, Option<Condition>); 9] {
    let first_rejected_at = noon();
    [
        (Health::Well, None),
        (Health::Unreached { attempts: 1 }, Some(Condition::RefreshFailing)),
        (Health::Suspect { rejections: 1, first_rejected_at }, Some(Condition::RefreshFailing)),
        (
            Health::Unconfirmed { attempts: 1, ended_at: noon(), next: Next::Retry },
            Some(Condition::Unconfirmed),
        ),
        (Health::Misconfigured, Some(Condition::Misconfigured)),
        (Health::Restored(RestoredReason::Older), Some(Condition::Restored)),
        (Health::Restored(RestoredReason::Copied), Some(Condition::Restored)),
        (Health::Lost(LostReason::Rejected), Some(Condition::NeedsReconnect)),
        (Health::Lost(LostReason::Expired), Some(Condition::NeedsReconnect)),
    ]
}

#[test]
fn every_health_has_its_condition_at_once() {
    for (health, expected) in healths() {
        let holding: Vec<_> = holding(&record(health), noon()).into_keys().collect();
        assert_eq!(holding, Vec::from_iter(expected), "{health:?}");
    }
}

#[test]
fn the_words_say_since_when_and_until_when_there_is_time() {
    for (health, condition) in healths() {
        let Some(condition) = condition else { continue };
        let words = &holding(&record(health), noon())[&condition];
        assert!(words.contains("2026-11-24 11:30 UTC"), "since when: {words}");
        assert!(words.contains("until 2026-11-25 10:00 UTC"), "until when: {words}");
        let is_over = matches!(health, Health::Lost(_));
        assert_eq!(words.contains("2027-01-08 10:00 UTC"), !is_over, "when Keap ends it: {words}");
    }
}

#[test]
fn when_calls_have_stopped_the_words_do_not_promise_time() {
    let words = &holding(&record(Health::Unreached { attempts: 9 }), at("2026-11-25T11:00:00Z"))
        [&Condition::RefreshFailing];
    assert!(words.contains("Calls do not work until this is over"), "{words}");
}

#[test]
fn only_the_highest_age_is_told() {
    let table = [
        (0, None),
        (29, None),
        (30, Some(Condition::RefreshTokenAge30)),
        (39, Some(Condition::RefreshTokenAge30)),
        (40, Some(Condition::RefreshTokenAge40)),
        (43, Some(Condition::RefreshTokenAge40)),
        (44, Some(Condition::RefreshTokenAge44)),
        (60, Some(Condition::RefreshTokenAge44)),
    ];
    for (days, expected) in table {
        assert_eq!(after_days(Health::Well, days), Vec::from_iter(expected), "{days} days");
    }
}

#[test]
fn a_dead_connection_has_no_age_and_a_failing_one_has_both() {
    assert_eq!(after_days(Health::Lost(LostReason::Expired), 44), [Condition::NeedsReconnect]);
    let failing = after_days(Health::Unreached { attempts: 99 }, 44);
    assert_eq!(failing, [Condition::RefreshFailing, Condition::RefreshTokenAge44]);
}

#[test]
fn whoever_is_not_connected_is_not_alarmed() {
    assert!(conditions(&Facts::default(), noon()).is_empty());
    let disconnected = Record { link: Link::Disconnected { since: noon() }, ..record(Health::Well) };
    assert!(holding(&disconnected, noon()).is_empty());
}

#[test]
fn a_clock_is_wrong_beyond_a_minute_to_either_side() {
    for (seconds, expected) in [(0, false), (60, false), (-60, false), (61, true), (-61, true)] {
        let facts = Facts { skew: Some(SignedDuration::from_secs(seconds)), ..Facts::default() };
        assert_eq!(conditions(&facts, noon()).contains_key(&Condition::ClockSkew), expected, "{seconds}");
    }
    let facts = Facts { skew: Some(SignedDuration::from_secs(-90)), ..Facts::default() };
    let words = &conditions(&facts, noon())[&Condition::ClockSkew];
    assert_eq!(words, "This machine's clock is 90 seconds behind Keap's.");
}

#[test]
fn trouble_beside_the_connection_is_told_in_its_own_words_on_one_line() {
    let facts = Facts {
        store_trouble: Some("the disk is full\r\n"),
        journal_trouble: Some("permission denied"),
        ..Facts::default()
    };
    let holding = conditions(&facts, noon());
    assert_eq!(holding[&Condition::StoreTrouble], "The database says: the disk is full");
    assert_eq!(holding[&Condition::JournalTrouble], "The journal says: permission denied");
}

#[test]
fn words_in_stores_are_unique_and_lead_back() {
    for condition in Condition::ALL {
        assert_eq!(Condition::from_word(condition.word()), Some(*condition));
        assert!(!condition.word().contains('@'), "the store notes who was told behind an `@`");
    }
    assert_eq!(Condition::from_word("of_a_newer_version"), None);
}
