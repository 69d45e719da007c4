//! Connecting, and every callback that must not connect.

use std::time::Duration;

use keap_sandbox::Decision;
use keapsake::connection::authorization::{CallbackError, Completed};
use keapsake::connection::history::{Kind, Outcome};
use keapsake::connection::status::Phase;
use keapsake::oauth::callback::Refusal;
use keapsake::randomness::SystemRandomness;
use keapsake::secret::BrowserKey;

use crate::world::World;

#[tokio::test]
async fn an_administrator_connects() {
    let world = World::new().await;
    assert_eq!(world.keap.status().phase, Phase::NotConnected);
    let completed = world.connect("acme").await;
    assert!(matches!(completed, Completed::Connected(account) if account.short() == Some("acme")));

    world.keap.learn_account_name().await.unwrap();
    let status = world.keap.status();
    assert_eq!(status.phase, Phase::Connected);
    assert_eq!(status.account.unwrap().to_string(), "Acme Toys (acme)");
    assert!(status.can_call);
    assert_eq!(world.keap.account().user_info().await.unwrap().email.as_deref(), Some("owner@example.com"));
}

#[tokio::test]
async fn a_denial_changes_nothing_and_is_remembered() {
    let world = World::new().await;
    let (query, key) = world.consent("acme", Decision::Deny).await;
    let completed = world.keap.receive_callback(&query, Some(&key)).await.unwrap().complete().await.unwrap();
    assert_eq!(completed, Completed::Refused(Refusal::AccessDenied));
    assert_eq!(world.keap.status().phase, Phase::NotConnected);
    let newest = world.keap.history(1).await.unwrap().remove(0);
    assert_eq!(newest.kind, Kind::Authorization);
    assert_eq!(newest.ending.unwrap().outcome, Outcome::Rejected);
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test]
async fn a_callback_that_was_not_asked_for_is_refused() {
    let world = World::new().await;
    let (query, key) = world.consent("acme", Decision::Allow).await;
    let foreign = query.replace("state=", "state=x");
    let other_browser = BrowserKey::random(&SystemRandomness);
    let table = [
        ("without state", "code=abc".to_owned(), Some(&key)),
        ("with a foreign state", foreign, Some(&key)),
        ("with code and error", format!("{query}&error=access_denied"), Some(&key)),
        ("from another browser", query.clone(), Some(&other_browser)),
        ("from a browser without cookie", query.clone(), None),
    ];
    for (what, query, key) in table {
        assert!(world.keap.receive_callback(&query, key).await.is_err(), "{what}");
    }
    assert_eq!(world.token_requests(), 0);
    // None of these has spent the flow.
    assert!(world.keap.receive_callback(&query, Some(&key)).await.is_ok());
}

#[tokio::test]
async fn a_flow_ends_after_ten_minutes() {
    let world = World::new().await;
    let (query, key) = world.consent("acme", Decision::Allow).await;
    world.advance(Duration::from_mins(10));
    let error = world.keap.receive_callback(&query, Some(&key)).await.unwrap_err();
    assert!(matches!(error, CallbackError::UnknownFlow));
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test]
async fn a_received_flow_that_is_dropped_exchanges_nothing() {
    let world = World::new().await;
    let (query, key) = world.consent("acme", Decision::Allow).await;
    let received = world.keap.receive_callback(&query, Some(&key)).await.unwrap();
    assert_eq!(received.started_by(), "session-1");
    drop(received);
    assert!(world.keap.receive_callback(&query, Some(&key)).await.is_err());
    assert_eq!(world.token_requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_callbacks_one_exchanges() {
    let world = World::new().await;
    let (query, key) = world.consent("acme", Decision::Allow).await;
    let tasks = (0..50).map(|_| {
        let (keap, query, key) = (world.keap.clone(), query.clone(), key.clone());
        tokio::spawn(async move {
            match keap.receive_callback(&query, Some(&key)).await {
                Ok(received) => received.complete().await.is_ok(),
                Err(_) => false,
            }
        })
    });
    let mut completed = 0;
    for task in tasks.collect::<Vec<_>>() {
        completed += usize::from(task.await.unwrap());
    }
    assert_eq!(completed, 1);
    assert_eq!(world.token_requests(), 1);
    assert_eq!(world.keap.status().phase, Phase::Connected);
}

#[tokio::test]
async fn a_browser_that_hangs_up_does_not_cancel_the_exchange() {
    let world = World::new().await;
    let fault = keap_sandbox::Fault { delay_ms: 200, ..keap_sandbox::Fault::default() };
    world.sandbox.add_fault(fault.path("/token").times(1));
    let (query, key) = world.consent("acme", Decision::Allow).await;
    let received = world.keap.receive_callback(&query, Some(&key)).await.unwrap();
    let hangs_up = tokio::time::timeout(Duration::from_millis(20), received.complete()).await;
    assert!(hangs_up.is_err(), "it was cancelled while Keap took its time");
    world.reaches(|phase| phase == Phase::Connected).await;
}

#[tokio::test]
async fn another_account_needs_to_be_asked_for() {
    let world = World::connected().await;
    let completed = world.connect("globex").await;
    assert!(matches!(completed, Completed::OtherAccount { .. }), "{completed:?}");
    let status = world.keap.status();
    assert_eq!(status.account.unwrap().short(), Some("acme"));
    assert!(world.keap.account().user_info().await.is_ok(), "the old connection still works");

    let started = world.keap.start_authorization("session-1", true).await.unwrap();
    let back = world.sandbox.consent(started.url.as_str(), "globex", Decision::Allow).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    let received = world.keap.receive_callback(query, Some(&started.browser_key)).await.unwrap();
    assert!(matches!(received.complete().await.unwrap(), Completed::Connected(_)));
    assert_eq!(world.keap.status().account.unwrap().short(), Some("globex"));
    assert_eq!(world.keap.status().position.unwrap().lineage, 2);
}

#[tokio::test]
async fn disconnecting_twice_is_the_same_as_once() {
    let world = World::connected().await;
    world.keap.disconnect().await.unwrap();
    let once = world.keap.history(10).await.unwrap();
    world.keap.disconnect().await.unwrap();
    assert_eq!(world.keap.history(10).await.unwrap(), once);
    assert!(matches!(world.keap.status().phase, Phase::Disconnected { .. }));
    let error = world.keap.account().user_info().await.unwrap_err();
    assert!(error.needs_reconnect());
    world.connect("acme").await;
    assert!(world.keap.account().user_info().await.is_ok());
}

#[tokio::test]
async fn a_wrong_client_secret_is_said_to_be_one() {
    let world = World::new().await;
    let endpoints = keapsake::Endpoints::under(world.sandbox.url()).unwrap();
    let secret = keapsake::ClientSecret::new("not-the-secret");
    let application =
        keapsake::Application::at(endpoints, "sandbox-client", secret, crate::world::REDIRECT).unwrap();
    let store = std::sync::Arc::new(keapsake::store::MemoryStore::default());
    let key = keapsake::store::seal::SealingKey::from_bytes(crate::world::KEY);
    let keap =
        keapsake::Keap::oauth(application, store, key).clock(world.clock.clone()).start().await.unwrap();
    world.sandbox.change_settings(|settings| settings.pkce = keap_sandbox::PkceMode::Optional);
    let started = keap.start_authorization("s", false).await.unwrap();
    let back = world.sandbox.consent(started.url.as_str(), "acme", Decision::Allow).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    let received = keap.receive_callback(query, Some(&started.browser_key)).await.unwrap();
    let completed = received.complete().await.unwrap();
    assert!(matches!(completed, Completed::NotExchanged { misconfigured: true, .. }), "{completed:?}");
}
