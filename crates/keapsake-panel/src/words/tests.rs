use jiff::Timestamp;
use keapsake::connection::record::RestoredReason;
use keapsake::connection::status::{Phase, Status, Times};

use super::table::ALL;
use super::*;

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn status(phase: Phase, can_call: bool) -> Status {
    let times = Times {
        connected_at: at(-7200),
        access_issued_at: at(-7200),
        access_expires_at: at(7200),
        refresh_at: at(60),
        refresh_issued_at: at(-7200),
        refresh_expires_at: at(44 * 86_400),
    };
    Status { now: at(0), phase, account: None, position: None, times: Some(times), can_call }
}

fn about(status: &Status, keeps: bool) -> About<'_> {
    About { status, application: "Shop", keeps, is_asked_to_wait: false }
}

#[test]
fn no_place_is_left_unfilled() {
    for row in ALL {
        for text in [row.text, row.next, row.time_left] {
            let filled = about(&status(Phase::NotConnected, false), true).fill(text);
            assert!(!filled.contains(['{', '}']), "{filled}");
        }
        assert!(![row.tone, row.title, row.text, row.next].contains(&""), "{}", row.title);
    }
}

#[test]
fn the_facts_are_in_their_places() {
    let unreached = status(Phase::Unreached { since: at(-300), attempts: 1 }, true);
    let once = State::of(&about(&unreached, true));
    assert_eq!(once.text, "It began 5 min ago and was tried once; the next try is in 1 min.");
    let (calls, end) = once.time_left.split_once(" If ").unwrap();
    assert_eq!(calls, "Calls to Keap work until 15 Jan 2027, 10:00 UTC, the end of the access token in 2 h.");
    assert!(end.starts_with("it is not renewed before 28 Feb 2027, 08:00 UTC"), "{end}");
    let often = State::of(&about(&status(Phase::Suspect { since: at(-300), rejections: 3 }, false), false));
    assert!(often.text.contains("Keap refused 3 times"), "{}", often.text);
    assert!(often.time_left.starts_with("Until then nothing can be sent to Keap."), "{}", often.time_left);
}

#[test]
fn whoever_answered_was_reached() {
    let unreached = status(Phase::Unreached { since: at(-300), attempts: 2 }, true);
    let state = State::of(&About { is_asked_to_wait: true, ..about(&unreached, true) });
    assert_eq!((state.key, state.title), ("unreached", "Keap asked to wait"));
    assert!(!state.offers(Offer::Renew), "it asked to wait");
    assert!(State::of(&about(&unreached, true)).offers(Offer::Renew));
}

#[test]
fn only_a_restored_database_can_be_gone_on_with() {
    let phases = [
        Phase::NotConnected,
        Phase::Connected,
        Phase::Refreshing { since: at(0) },
        Phase::Unconfirmed { since: at(0), attempts: 1 },
        Phase::Misconfigured { since: at(0) },
        Phase::Disconnected { since: at(0) },
        Phase::ApiKey,
    ];
    for phase in phases {
        assert!(!State::of(&about(&status(phase, true), true)).offers(Offer::Adopt), "{phase:?}");
    }
    for reason in [RestoredReason::Older, RestoredReason::Copied] {
        let state = State::of(&about(&status(Phase::Restored { since: at(0), reason }, true), true));
        assert!(state.offers(Offer::Adopt) && !state.offers(Offer::Renew));
        assert_eq!(state.connect, Some("Connect again"));
    }
}

#[test]
fn words_from_elsewhere_begin_a_sentence() {
    assert_eq!(opening("keap said no."), "Keap said no");
    assert_eq!(opening("über"), "Über");
    assert_eq!(opening(""), "");
}

#[test]
fn nothing_is_promised_without_an_outbox() {
    let status = status(Phase::NotConnected, false);
    assert!(State::of(&about(&status, true)).text.contains("waits here"));
    assert_eq!(State::of(&about(&status, false)).text, "Shop has not been connected to a Keap account yet.");
}
