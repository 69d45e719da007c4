//! Staying connected.

use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::{Fault, FaultEffect};
use keapsake::connection::ConnectionId;
use keapsake::connection::history::{Entry, Kind, Outcome};
use keapsake::connection::record::LostReason;
use keapsake::connection::status::Phase;
use keapsake::store::{Begin, MemoryStore, Store};

use crate::world::{DAY, Database, World, until};

#[tokio::test]
async fn a_connection_lives_for_a_hundred_days() {
    let world = World::connected().await;
    for day in 1..=100 {
        world.advance(DAY.saturating_sub(Duration::from_hours(2)));
        world.reaches_generation(day + 1).await;
        assert!(world.keap.account().user_info().await.is_ok(), "day {day}");
    }
    assert_eq!(world.keap.status().phase, Phase::Connected);
    assert_eq!(world.token_requests(), 101);
}

#[tokio::test]
async fn it_is_refreshed_three_hours_before_its_end() {
    let world = World::connected().await;
    let times = world.keap.status().times.unwrap();
    assert_eq!(times.access_expires_at.duration_since(times.access_issued_at).as_secs(), 86_400);
    let before_end = times.access_expires_at.duration_since(times.refresh_at).as_secs();
    assert!((10_000..=11_400).contains(&before_end), "{before_end}");

    world.advance(Duration::from_hours(20));
    world.keap.account().user_info().await.unwrap();
    assert_eq!(world.generation(), 1, "not before it is due");
    world.advance(Duration::from_mins(80));
    world.reaches_generation(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_at_an_expired_token_makes_one_refresh() {
    let world = World::connected().await;
    let slow = Fault { delay_ms: 300, ..Fault::default() };
    world.sandbox.add_fault(slow.path("/token").times(1));
    world.advance(Duration::from_hours(25));
    let callers = (0..500).map(|_| {
        let keap = world.keap.clone();
        tokio::spawn(async move { keap.account().user_info().await.is_ok() })
    });
    let mut failed = 0;
    for caller in callers.collect::<Vec<_>>() {
        failed += usize::from(!caller.await.unwrap());
    }
    assert_eq!(failed, 0);
    assert_eq!(world.token_requests(), 2, "the exchange and one refresh");
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_cancel_the_refresh() {
    let world = World::connected().await;
    let slow = Fault { delay_ms: 200, ..Fault::default() };
    world.sandbox.add_fault(slow.path("/token").times(1));
    world.advance(Duration::from_hours(25));
    let account = world.keap.account();
    let gives_up = tokio::time::timeout(Duration::from_millis(20), account.user_info()).await;
    assert!(gives_up.is_err());
    world.reaches_generation(2).await;
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test]
async fn stopping_waits_for_a_running_refresh() {
    let mut world = World::connected().await;
    let slow = Fault { delay_ms: 200, ..Fault::default() };
    world.sandbox.add_fault(slow.path("/token").times(1));
    world.advance(Duration::from_hours(22));
    until(|| async { matches!(world.keap.status().phase, Phase::Refreshing { .. }) }).await;
    world.restart().await;
    assert_eq!(world.generation(), 2);
    assert!(world.keap.account().user_info().await.is_ok());
}

#[tokio::test]
async fn a_live_token_serves_while_the_token_endpoint_is_down() {
    let world = World::connected().await;
    let down =
        FaultEffect::Status { status: 503, body: String::new(), headers: std::collections::BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(down).path("/token"));
    world.advance(Duration::from_hours(22));
    world.reaches(|phase| matches!(phase, Phase::Unconfirmed { .. })).await;
    for _ in 0..30 {
        world.advance(Duration::from_mins(3));
        assert!(world.keap.account().user_info().await.is_ok());
    }
    world.sandbox.clear_faults();
    until(|| async {
        world.advance(Duration::from_mins(1));
        world.keap.status().phase == Phase::Connected
    })
    .await;
    assert_eq!(world.generation(), 2);
}

#[tokio::test]
async fn an_unreachable_keap_costs_nothing() {
    let world = World::connected().await;
    world
        .sandbox
        .add_fault(Fault::new(FaultEffect::Throttle { retry_after: Some(120) }).path("/token").times(1));
    world.advance(Duration::from_hours(22));
    world.reaches(|phase| matches!(phase, Phase::Unreached { .. })).await;
    world.advance_secs(119);
    assert!(world.keap.account().user_info().await.is_ok());
    assert_eq!(world.generation(), 1, "Keap's wish to wait is kept");
    world.advance_secs(2);
    world.reaches_generation(2).await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_then_a_person_is() {
    // Keap rotated, and the answer was lost: what no client can repair. It is said, and nothing else breaks.
    let world = World::connected().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Drop).path("/token").after_applying().times(1));
    world.advance(Duration::from_hours(22));
    world.reaches(|phase| matches!(phase, Phase::Unconfirmed { .. })).await;
    world.advance_secs(20);
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 1, .. })).await;
    world.advance_secs(30);
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 2, .. })).await;
    world.advance_secs(300);
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 3, .. })).await;
    world.advance_secs(1800);
    world.reaches(|phase| matches!(phase, Phase::NeedsReconnect { reason: LostReason::Rejected, .. })).await;
    world.connect("acme").await;
    assert!(world.keap.account().user_info().await.is_ok());
}

#[tokio::test]
async fn a_request_that_keap_dropped_unread_is_repaired() {
    let world = World::connected().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Drop).path("/token").times(1));
    world.advance(Duration::from_hours(22));
    world.reaches(|phase| matches!(phase, Phase::Unconfirmed { .. })).await;
    world.advance_secs(20);
    world.reaches_generation(2).await;
    assert_eq!(world.keap.status().phase, Phase::Connected);
}

#[tokio::test]
async fn a_revoked_grant_needs_a_person_within_a_minute() {
    let world = World::connected().await;
    world.sandbox.revoke_grants().await.unwrap();
    let error = world.keap.account().user_info().await.unwrap_err();
    assert!(error.is_transient(), "not believed at once: {error}");
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 1, .. })).await;
    world.advance_secs(30);
    world.reaches(|phase| matches!(phase, Phase::NeedsReconnect { reason: LostReason::Rejected, .. })).await;
    let error = world.keap.account().user_info().await.unwrap_err();
    assert!(error.needs_reconnect(), "{error}");
    let asked = world.token_requests();
    world.advance(Duration::from_hours(10));
    assert!(world.keap.account().user_info().await.is_err());
    assert_eq!(world.token_requests(), asked, "a lost connection is not tried again");
}

#[tokio::test]
async fn forty_five_days_asleep_end_it() {
    let mut world = World::connected().await;
    world.keap.stop().await;
    world.advance(DAY * 45);
    world.restart().await;
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 1, .. })).await;
    world.advance_secs(30);
    world.reaches(|phase| matches!(phase, Phase::NeedsReconnect { reason: LostReason::Expired, .. })).await;
}

#[tokio::test]
async fn forty_four_days_asleep_do_not() {
    let mut world = World::connected().await;
    world.keap.stop().await;
    world.advance(DAY * 44);
    world.restart().await;
    world.reaches_generation(2).await;
    assert!(world.keap.account().user_info().await.is_ok());
}

#[tokio::test]
async fn a_restart_goes_on_with_what_is_in_the_database() {
    let database = Database::new().await;
    let mut world = World::with(Arc::new(database.store().await)).await;
    world.connect("acme").await;
    world.advance(Duration::from_hours(22));
    world.reaches_generation(2).await;
    world.restart().await;
    assert_eq!(world.generation(), 2);
    assert!(world.keap.account().user_info().await.is_ok());
    let refresh = world.keap.history(1).await.unwrap().remove(0);
    assert_eq!((refresh.kind, refresh.ending.unwrap().outcome), (Kind::Refresh, Outcome::Done));
}

#[tokio::test]
async fn an_attempt_that_a_crash_cut_off_is_not_repeated_at_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut world = World::with(store.clone()).await;
    world.connect("acme").await;
    world.keap.stop().await;
    let position = world.keap.status().position.unwrap();
    let open = Entry {
        id: uuid::Uuid::from_u128(9),
        kind: Kind::Refresh,
        position,
        started_at: world.clock.now(),
        ending: None,
    };
    assert_eq!(store.begin(&ConnectionId::main(), open).await.unwrap(), Begin::Done);
    let asked = world.token_requests();
    world.restart().await;
    assert!(matches!(world.keap.status().phase, Phase::Unconfirmed { .. }));
    assert!(world.keap.account().user_info().await.is_ok(), "the live token serves");
    assert_eq!(world.token_requests(), asked);
    world.advance_secs(20);
    world.reaches_generation(2).await;
    assert_eq!(world.keap.status().phase, Phase::Connected);
}

#[tokio::test]
async fn a_disconnection_during_a_refresh_is_not_undone_by_it() {
    let world = World::connected().await;
    let slow = Fault { delay_ms: 200, ..Fault::default() };
    world.sandbox.add_fault(slow.path("/token").times(1));
    world.advance(Duration::from_hours(22));
    until(|| async { matches!(world.keap.status().phase, Phase::Refreshing { .. }) }).await;
    world.keap.disconnect().await.unwrap();
    let is_superseded =
        |entry: &Entry| entry.ending.as_ref().is_some_and(|ending| ending.outcome == Outcome::Superseded);
    until(|| async { world.keap.history(5).await.unwrap().iter().any(is_superseded) }).await;
    assert!(matches!(world.keap.status().phase, Phase::Disconnected { .. }));
    let stored = world.store.load(&ConnectionId::main()).await.unwrap().unwrap();
    assert_eq!(stored.tokens, None);
}
