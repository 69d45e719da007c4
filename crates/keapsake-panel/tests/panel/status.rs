//! The JSON for programs: its names are a promise.

use serde_json::{Value, json};

use crate::visit::post;
use crate::world::{HOUR, World, until};

/// Everything but what differs from run to run.
fn steady(mut status: Value) -> Value {
    let journal = &mut status["journal"];
    for varying in ["file", "used", "last_append_ms"] {
        assert!(!journal[varying].is_null(), "{varying}");
        journal[varying] = "…".into();
    }
    status
}

#[tokio::test]
async fn every_name_is_as_it_was() {
    let world = World::connected().await;
    let connected_at = world.keap.status().times.unwrap().connected_at;
    world.advance(HOUR * 22);
    until(|| async { world.keap.status().position.unwrap().generation == 2 }).await;
    world.comes_to_rest().await;
    world.advance(HOUR);
    let times = world.keap.status().times.unwrap();
    let history = world.keap.history(9).await.unwrap();
    let time = |at: jiff::Timestamp| at.to_string();
    let expected = json!({
        "now": time(world.keap.now()),
        "phase": "connected",
        "since": null,
        "reason": null,
        "attempts": null,
        "title": "Connected",
        "text": "All is well. The connection renews itself.",
        "next": "You need not do anything.",
        "time_left": "",
        "needs_a_person": false,
        "can_call": true,
        "account": "acme.infusionsoft.com",
        "lineage": 1,
        "generation": 2,
        "connected_at": time(connected_at),
        "access_issued_at": time(times.access_issued_at),
        "access_expires_at": time(times.access_expires_at),
        "refresh_at": time(times.refresh_at),
        "refresh_token_issued_at": time(times.refresh_issued_at),
        "refresh_token_expires_at": time(times.refresh_expires_at),
        "refresh_token_age_days": 0,
        "alarms": [],
        "journal": {
            "file": "…",
            "size": 1 << 20,
            "used": "…",
            "records": world.keap.diagnosis().await.unwrap().journal.unwrap().records,
            "open": 0,
            "unsaved": 0,
            "last_append_ms": "…",
            "damage": [],
            "trouble": null,
        },
        "store": { "trouble": null },
        "clock_ahead_s": 0,
        "history": [
            {
                "kind": "refresh",
                "lineage": 1,
                "generation": 1,
                "started_at": time(history[0].started_at),
                "ended_at": time(history[0].ending.as_ref().unwrap().at),
                "outcome": "done",
                "words": "",
            },
            {
                "kind": "authorization",
                "lineage": 0,
                "generation": 0,
                "started_at": time(history[1].started_at),
                "ended_at": time(history[1].ending.as_ref().unwrap().at),
                "outcome": "done",
                "words": "connected to acme",
            },
        ],
        "deliveries": {
            "waiting": 0,
            "failed": 0,
            "delivered": 0,
            "oldest_waiting": null,
            "paused_until": null,
        },
    });
    let (said, expected) = (steady(world.status_json().await), expected.as_object().unwrap());
    for (name, value) in expected {
        assert_eq!(&said[name], value, "{name}");
    }
    assert_eq!(said.as_object().unwrap().len(), expected.len(), "{said}");
}

#[tokio::test]
async fn what_lasts_says_since_when_and_how_often() {
    let world = World::connected().await;
    world.wire.cut();
    world.advance(HOUR * 22);
    world.reaches("unreached").await;
    let json = world.status_json().await;
    assert_eq!((&json["attempts"], &json["since"]), (&1.into(), &world.keap.now().to_string().into()));
    assert!(json["time_left"].as_str().unwrap().starts_with("Calls to Keap work until"));
    world.send(post("/disconnect")).await;
    let json = world.status_json().await;
    assert_eq!(
        (&json["attempts"], &json["reason"], &json["access_expires_at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}
