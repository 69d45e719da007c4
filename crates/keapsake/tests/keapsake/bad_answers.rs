//! Token answers that are not what they should be.

use std::sync::Arc;
use std::time::Duration;

use keapsake::Keap;
use keapsake::clock::ManualClock;
use keapsake::connection::authorization::Completed;
use keapsake::connection::status::Phase;
use keapsake::store::MemoryStore;
use keapsake::store::seal::SealingKey;
use keapsake::transport::{OpensLate, TransportError};

use crate::world::{KEY, Script, World, until};

const GOOD: &str = r#"{"access_token":"first-access","token_type":"bearer","expires_in":86400,
    "refresh_token":"first-refresh","scope":"full|acme.infusionsoft.com"}"#;
const NEXT: &str = r#"{"access_token":"next-access","token_type":"bearer","expires_in":"86400",
    "refresh_token":"next-refresh","scope":"full|acme.infusionsoft.com"}"#;

struct Scripted {
    keap: Keap,
    clock: ManualClock,
    script: Script,
}

async fn scripted(script: Script) -> Scripted {
    let world = World::new().await;
    let clock = ManualClock::at("2026-11-24T10:30:00Z".parse().unwrap());
    let key = SealingKey::from_bytes(KEY);
    let keap = Keap::oauth(world.application(), Arc::new(MemoryStore::default()), key)
        .clock(Arc::new(clock.clone()))
        .token_transport(Arc::new(OpensLate::new(script.clone())))
        .start()
        .await
        .unwrap();
    Scripted { keap, clock, script }
}

impl Scripted {
    async fn connect(&self) -> Completed {
        let started = self.keap.start_authorization("s", false).await.unwrap();
        let state = started.url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let query = format!("code=the-code&state={state}");
        let received = self.keap.receive_callback(&query, Some(&started.browser_key)).await.unwrap();
        received.complete().await.unwrap()
    }
}

#[tokio::test]
async fn an_exchange_that_brings_no_pair_connects_nothing() {
    let without_refresh = GOOD.replace("refresh_token", "other");
    for (status, body) in [
        (200, "<html>Sign in</html>"),
        (200, &GOOD[..50]),
        (200, "{}"),
        (200, ""),
        (200, without_refresh.as_str()),
        (
            401,
            r#"{"error":"invalid_grant","error_description":"Unable to authenticate username and password"}"#,
        ),
        (500, ""),
        (302, ""),
    ] {
        let scripted = scripted(Script::default().then(status, body)).await;
        let completed = scripted.connect().await;
        let Completed::NotExchanged { words, .. } = completed else { panic!("{body}: {completed:?}") };
        assert!(!words.contains("first-") && !words.contains("the-code"), "{words}");
        assert_eq!(scripted.keap.status().phase, Phase::NotConnected);
        assert_eq!(scripted.script.asked().len(), 1, "an exchange is sent once");
    }
}

#[tokio::test]
async fn an_exchange_that_is_not_answered_can_be_started_again() {
    let script = Script::default().then_fails(TransportError::no_answer("reset")).then(200, GOOD);
    let scripted = scripted(script).await;
    assert!(matches!(scripted.connect().await, Completed::NotExchanged { misconfigured: false, .. }));
    assert!(matches!(scripted.connect().await, Completed::Connected(_)));
}

#[tokio::test]
async fn a_refresh_that_brings_no_pair_is_unconfirmed_and_tried_again() {
    for (status, body) in
        [(200, "<html>"), (200, &NEXT[..60]), (200, "{}"), (502, "x"), (404, ""), (400, "{}")]
    {
        let script = Script::default().then(200, GOOD).then(status, body).then(200, NEXT);
        let scripted = scripted(script).await;
        scripted.connect().await;
        scripted.clock.advance(Duration::from_hours(22));
        until(|| async { matches!(scripted.keap.status().phase, Phase::Unconfirmed { .. }) }).await;
        assert!(scripted.keap.status().can_call, "the live token serves");
        scripted.clock.advance(Duration::from_secs(20));
        until(|| async { scripted.keap.status().phase == Phase::Connected }).await;
        assert_eq!(scripted.script.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_client_error_is_not_a_lost_connection() {
    let refusal = r#"{"fault":{"faultstring":"Invalid client identifier {0}",
        "detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}"#;
    let script = Script::default().then(200, GOOD).then(401, refusal).then(200, NEXT);
    let scripted = scripted(script).await;
    scripted.connect().await;
    scripted.clock.advance(Duration::from_hours(22));
    until(|| async { matches!(scripted.keap.status().phase, Phase::Misconfigured { .. }) }).await;
    scripted.clock.advance(Duration::from_mins(15));
    until(|| async { scripted.keap.status().phase == Phase::Connected }).await;
}

#[tokio::test]
async fn a_missing_refresh_token_keeps_the_old_one() {
    let kept = NEXT.replace("refresh_token", "other");
    let script = Script::default().then(200, GOOD).then(200, &kept).then(200, NEXT);
    let scripted = scripted(script).await;
    scripted.connect().await;
    for (hours, generation) in [(22, 2), (22, 3)] {
        scripted.clock.advance(Duration::from_hours(hours));
        until(|| async { scripted.keap.status().position.unwrap().generation == generation }).await;
    }
    let spent: Vec<_> =
        scripted.script.asked().iter().skip(1).map(|request| request.body().clone()).collect();
    assert!(spent.iter().all(|body| body.ends_with(b"refresh_token=first-refresh")), "the old one twice");
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(|| async { "x".repeat(1 << 20) });
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let transport = keapsake::transport::FreshConnections::new().unwrap();
    let request = http::Request::get(format!("http://{address}/")).body(bytes::Bytes::new()).unwrap();
    let error = keapsake::transport::Transport::send(&transport, request).await.unwrap_err();
    assert_eq!(error.reach(), keapsake::transport::Reach::Unknown);
    assert!(error.to_string().contains("longer than"), "{error}");
    server.abort();
}
