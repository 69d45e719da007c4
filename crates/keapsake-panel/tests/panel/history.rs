//! What happened, as the page tells it after a bad night.

use std::time::Duration;

use keapsake::connection::history::{Ending, Entry, Kind, Outcome};
use keapsake::connection::status::Phase;
use keapsake::store::{Begin, Store as _};

use crate::world::{HOUR, World};

#[tokio::test]
async fn an_outage_does_not_bury_the_rest() {
    let world = World::connected().await;
    world.wire.cut();
    world.advance(HOUR * 22);
    for tries in 1..=9 {
        world.comes_to_rest().await;
        assert!(matches!(world.keap.status().phase, Phase::Unreached { attempts, .. } if attempts == tries));
        if tries == 9 {
            world.wire.mend();
        }
        world.advance(Duration::from_mins(2));
    }
    world.page_in("connected").await;

    let page = world.overview().await;
    let rows = page.tags().filter(|tag| tag.get("data-outcome").is_some());
    let rows: Vec<_> = rows.map(|tag| tag.get("data-outcome").unwrap()).collect();
    assert_eq!(rows, ["done", "not_sent", "done"], "{}", page.text());
    assert!(page.has("9 times since"), "{}", page.text());
    assert!(page.has("the last time: Keap could not be reached: the cable is cut"), "{}", page.text());
    assert_eq!(page.text().matches("Keap not reached").count(), 1);
}

#[tokio::test]
async fn what_runs_in_another_process_runs() {
    let world = World::connected().await;
    let id = keapsake::connection::ConnectionId::main();
    let position = world.keap.status().position.unwrap();
    let started_at = world.keap.now();
    let entry =
        Entry { id: uuid::Uuid::from_u128(7), kind: Kind::Refresh, position, started_at, ending: None };
    assert_eq!(world.store().begin(&id, entry).await.unwrap(), Begin::Done);
    world.advance(Duration::from_secs(12));
    let page = world.overview().await;
    assert!(page.has("Running 12 s so far 1.1"), "{}", page.text());
    assert!(!page.has("probably stopped"));
    world.advance(Duration::from_mins(10));
    assert!(world.overview().await.has("The program that began it was probably stopped"));
    let json = world.status_json().await;
    assert_eq!(json["history"][0]["outcome"], serde_json::Value::Null);
    assert_eq!(json["history"][0]["ended_at"], serde_json::Value::Null);
    let ending = Ending { at: world.keap.now(), outcome: Outcome::Superseded, words: String::new() };
    world.store().end_entry(&id, uuid::Uuid::from_u128(7), ending).await.unwrap();
    assert!(world.overview().await.has("Came too late"));
}
