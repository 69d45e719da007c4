//! Many connections in one store: one task keeps them all.

use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::{ClockMode, Decision, Sandbox};
use keapsake::Keap;
use keapsake::connection::ConnectionId;
use keapsake::connection::authorization::Completed;
use keapsake::connection::status::Phase;
use serde_json::json;

use crate::world::{Database, World, until};

fn id(number: usize) -> ConnectionId {
    ConnectionId::new(&format!("customer-{number}")).unwrap()
}

async fn connect(world: &World, keap: &Keap, account: &str) -> Completed {
    let started = keap.start_authorization("session", false).await.unwrap();
    let back = world.sandbox.consent(started.url.as_str(), account, Decision::Allow).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    keap.receive_callback(query, Some(&started.browser_key)).await.unwrap().complete().await.unwrap()
}

#[tokio::test]
async fn connections_nobody_holds_are_refreshed_too() {
    let database = Database::new().await;
    let seed = database.folder.path().join("seed.json");
    let accounts = (0..60).map(|number| json!({"key": format!("a{number}"), "name": "One of many"}));
    std::fs::write(&seed, json!({"accounts": accounts.collect::<Vec<_>>()}).to_string()).unwrap();
    let sandbox = Sandbox::builder().clock(ClockMode::Manual).seed(seed).start().await.unwrap();
    let world = World::at(sandbox, Arc::new(database.store().await)).await;
    for number in 0..60 {
        let keap = world.keap.connection(&id(number)).await.unwrap();
        let completed = connect(&world, &keap, &format!("a{number}")).await;
        assert!(matches!(completed, Completed::Connected(_)));
    }
    world.advance(Duration::from_hours(22));
    until(|| async { world.token_requests() == 120 }).await;
    for number in [0, 30, 59] {
        let keap = world.keap.connection(&id(number)).await.unwrap();
        until(|| async { keap.status().position.unwrap().generation == 2 }).await;
        keap.account().user_info().await.unwrap();
    }
    assert_eq!(world.keap.status().phase, Phase::NotConnected, "main is one of its own");
}

#[tokio::test]
async fn each_has_its_own_account_tokens_and_end() {
    let world = World::new().await;
    let (one, two) =
        (world.keap.connection(&id(1)).await.unwrap(), world.keap.connection(&id(2)).await.unwrap());
    let _ = connect(&world, &one, "acme").await;
    let _ = connect(&world, &two, "globex").await;
    assert_ne!(one.status().account, two.status().account);
    one.disconnect().await.unwrap();
    assert!(one.account().user_info().await.unwrap_err().needs_reconnect());
    assert!(two.account().user_info().await.is_ok());
}

/// A flow of one connection cannot be ended at another.
#[tokio::test]
async fn a_callback_belongs_to_its_connection() {
    let world = World::new().await;
    let (one, two) =
        (world.keap.connection(&id(1)).await.unwrap(), world.keap.connection(&id(2)).await.unwrap());
    let started = one.start_authorization("session", false).await.unwrap();
    let back = world.sandbox.consent(started.url.as_str(), "acme", Decision::Allow).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    assert!(two.receive_callback(query, Some(&started.browser_key)).await.is_err());
    assert!(one.receive_callback(query, Some(&started.browser_key)).await.is_ok());
}
