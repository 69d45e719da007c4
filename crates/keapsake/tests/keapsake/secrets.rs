//! No secret reaches the database in the clear, an error, or a log.

use std::sync::Arc;
use std::time::Duration;

use keapsake::Keap;
use keapsake::store::seal::SealingKey;
use keapsake::transport::OpensLate;
use serde_json::Value;

use crate::world::{Database, KEY, Tap, World, until};

#[tokio::test]
async fn the_database_files_hold_no_token() {
    let database = Database::new().await;
    let world = World::new().await;
    let tap = Tap::new();
    let store = Arc::new(database.store().await);
    let keap = Keap::oauth(world.application(), store, SealingKey::from_bytes(KEY))
        .clock(world.clock.clone())
        .token_transport(Arc::new(OpensLate::new(tap.clone())))
        .start()
        .await
        .unwrap();
    let started = keap.start_authorization("s", false).await.unwrap();
    let decision = keap_sandbox::Decision::Allow;
    let back = world.sandbox.consent(started.url.as_str(), "acme", decision).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    let received = keap.receive_callback(query, Some(&started.browser_key)).await.unwrap();
    received.complete().await.unwrap();
    world.advance(Duration::from_hours(22));
    until(|| async { keap.status().position.unwrap().generation == 2 }).await;
    keap.stop().await;

    let mut secrets = vec![started.browser_key.expose().to_owned(), "sandbox-secret".to_owned()];
    secrets.extend(
        url::form_urlencoded::parse(query.as_bytes())
            .filter_map(|(name, value)| matches!(&*name, "code" | "state").then(|| value.into_owned())),
    );
    for body in tap.heard.lock().unwrap().iter() {
        let pair: Value = serde_json::from_slice(body).unwrap();
        secrets
            .extend(["access_token", "refresh_token"].map(|field| pair[field].as_str().unwrap().to_owned()));
    }
    assert_eq!(secrets.len(), 8, "two pairs, a code, a state, the browser's key, the client secret");

    let mut searched = 0;
    for file in std::fs::read_dir(database.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        searched += bytes.len();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret stands in the database");
        }
    }
    assert!(searched > 10_000, "there was something to search");
}
