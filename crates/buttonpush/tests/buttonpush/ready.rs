//! What ButtonPush says to whatever watches over it.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::keap::{Control, connect, panel_says};
use crate::world::World;

async fn asked(browser: &mut Browser) -> (u16, Value) {
    let answer = browser.get("/readyz").await;
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn not_ready(reason: &str) -> (u16, Value) {
    (503, json!({ "ready": false, "reason": reason, "database": "works", "connection": reason }))
}

#[tokio::test]
async fn it_is_ready_while_nobody_is_needed() {
    let world = World::new().await;
    let mut keap = Control::at(&world.running.sandbox.as_ref().unwrap().url);
    let mut admin = world.administrator().await;
    let mut watcher = world.anonymous();
    assert_eq!(asked(&mut watcher).await, not_ready("not-connected"));

    connect(&mut admin, &mut keap, "allow").await;
    let ready =
        |phase| (200, json!({ "ready": true, "reason": null, "database": "works", "connection": phase }));
    assert_eq!(asked(&mut watcher).await, ready("connected"));

    // Trouble that heals by itself calls nobody.
    keap.post("/_sandbox/faults", &json!({ "kind": "throttle", "operation": "refresh" })).await;
    keap.advance(22 * 3600).await;
    panel_says(&mut admin, "data-phase=\"unreached\"").await;
    assert_eq!(asked(&mut watcher).await, ready("unreached"));

    admin.submit("/admin/keap/disconnect", &[]).await;
    assert_eq!(asked(&mut watcher).await, not_ready("disconnected"));
    watcher.get("/healthz").await.assert_status(200);
}

#[tokio::test]
async fn without_a_database_it_is_not_ready_and_says_so() {
    let world = World::new().await;
    world.running.app().database.writer().close().await;
    let mut watcher = world.anonymous();
    let (status, said) = asked(&mut watcher).await;
    assert_eq!(
        (status, &said["reason"], &said["database"]),
        (503, &"database".into(), &"does not answer".into())
    );
    watcher.get("/healthz").await.assert_status(200);
}

#[tokio::test]
async fn it_answers_under_any_name_and_leaves_nothing_behind() {
    let world = World::new().await;
    let mut watcher = world.anonymous();
    watcher.get("/readyz").await;
    assert!(watcher.cookies.is_empty());
    let probe = watcher.exchange(b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n").await;
    assert!(probe.starts_with("HTTP/1.1 503"), "{probe}");
}
