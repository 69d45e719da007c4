//! What follows an unconfirmed refresh, by what is known of the server.

use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::{Fault, FaultEffect};
use keapsake::Keap;
use keapsake::connection::policy::Policy;
use keapsake::connection::status::Phase;
use keapsake::store::MemoryStore;
use keapsake::store::seal::SealingKey;

use crate::world::{KEY, World, application, until};

/// A connected world whose next refresh gets no answer.
async fn unanswered(policy: Policy, was_carried_out: bool) -> World {
    let mut world = World::with(Arc::new(MemoryStore::default())).await;
    world.keap.stop().await;
    world.keap = Keap::oauth(application(&world.sandbox), world.store.clone(), SealingKey::from_bytes(KEY))
        .clock(world.clock.clone())
        .policy(policy)
        .start()
        .await
        .unwrap();
    world.connect("acme").await;
    let lost = Fault::new(FaultEffect::Drop).path("/token").times(1);
    world.sandbox.add_fault(if was_carried_out { lost.after_applying() } else { lost });
    world.advance(Duration::from_hours(22));
    world.reaches(|phase| matches!(phase, Phase::Unconfirmed { .. })).await;
    world
}

fn probes(world: &World) -> usize {
    world.sandbox.requests().iter().filter(|request| request.path.ends_with("/userinfo")).count()
}

#[tokio::test]
async fn where_the_access_token_tells_a_late_acceptance_makes_another_try_safe() {
    let world = unanswered(Policy::AccessTokenTells, false).await;
    world.advance_secs(5);
    until(|| async { probes(&world) == 1 }).await;
    assert_eq!(world.token_requests(), 2, "an early acceptance proves nothing");
    world.advance_secs(55);
    world.reaches_generation(2).await;
    assert_eq!((probes(&world), world.token_requests()), (2, 3));
}

#[tokio::test]
async fn where_the_access_token_tells_a_refusal_is_a_suspicion() {
    let world = unanswered(Policy::AccessTokenTells, true).await;
    let refused =
        FaultEffect::Status { status: 401, body: String::new(), headers: std::collections::BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(refused).path("/crm").times(1));
    world.advance_secs(5);
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 0, .. })).await;
    assert_eq!(world.token_requests(), 2);
    // Not within a minute of the first: it may still be carried out.
    world.advance_secs(30);
    assert!(world.keap.account().user_info().await.is_err());
    assert_eq!(world.token_requests(), 2);
    world.advance_secs(30);
    world.reaches(|phase| matches!(phase, Phase::Suspect { rejections: 1, .. })).await;
}

#[tokio::test]
async fn where_reuse_revokes_nothing_is_tried_until_the_last_chance() {
    let world = unanswered(Policy::ReuseRevokes, false).await;
    for _ in 0..9 {
        world.advance(Duration::from_mins(10));
        assert!(world.keap.account().user_info().await.is_ok());
    }
    assert_eq!(world.token_requests(), 2);
    world.advance(Duration::from_mins(11));
    world.reaches_generation(2).await;
}

#[tokio::test]
async fn within_a_grace_period_it_is_tried_early() {
    let world = unanswered(Policy::Grace(Duration::from_secs(100)), false).await;
    world.advance_secs(30);
    world.reaches_generation(2).await;
}

#[tokio::test]
async fn an_administrator_can_ask_for_a_refresh() {
    let world = World::connected().await;
    world.keap.refresh().await.unwrap();
    world.reaches_generation(2).await;
    assert_eq!(world.keap.status().phase, Phase::Connected);
}

#[tokio::test]
async fn a_wish_does_not_overtake_a_request_that_may_be_on_its_way() {
    let world = unanswered(Policy::Unmeasured, false).await;
    world.keap.refresh().await.unwrap();
    world.advance_secs(10);
    assert!(world.keap.account().user_info().await.is_ok());
    assert_eq!(world.token_requests(), 2);
    world.advance_secs(10);
    world.reaches_generation(2).await;
}
