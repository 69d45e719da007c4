//! What keeps the connection, and whether it works.

use std::time::Duration;

use keap_sandbox::{Fault, FaultEffect};
use keapsake::alarm::Condition;
use keapsake::connection::ConnectionId;
use keapsake::store::Store as _;

use crate::visit::get;
use crate::world::{HOUR, SECRET, World, until};

#[tokio::test]
async fn on_a_good_day_all_of_it_works() {
    let world = World::connected().await;
    world.advance(HOUR * 22);
    until(|| async { world.keap.status().position.unwrap().generation == 2 }).await;
    let page = world.overview().await;
    assert_eq!(page.element("alarms").as_deref(), Some("None is raised"));
    assert_eq!(page.element("store").as_deref(), Some("Works"));
    assert_eq!(page.element("clock").as_deref(), Some("As Keap's, within a second"));
    let journal = page.element("journal").unwrap();
    assert!(journal.starts_with("Works ") && journal.contains("the last answer was safe after"), "{journal}");
    assert!(journal.contains("MiB used") && journal.ends_with(".journal"), "{journal}");
    assert_eq!(page.element("damage"), None);
}

#[tokio::test]
async fn the_journal_is_named_without_its_folder() {
    let world = World::connected().await;
    let folder = world.journal();
    let folder = folder.to_str().unwrap();
    for path in ["", "/status.json"] {
        assert!(!world.send(get(path)).await.body.contains(folder), "{path}");
    }
    let file = world.status_json().await["journal"]["file"].as_str().unwrap().to_owned();
    assert!(world.journal().join(&file).is_file(), "{file}");
}

#[tokio::test]
async fn damage_is_told() {
    let mut world = World::connected().await;
    world.stop().await;
    let file = std::fs::read_dir(world.journal()).unwrap().next().unwrap().unwrap().path();
    let copy = world.journal().join("another.journal");
    std::fs::copy(&file, &copy).unwrap();
    world.start(SECRET).await;
    let page = world.overview().await;
    let damage = page.element("damage").unwrap();
    assert!(damage.contains("Found in the journal at the last start"), "{damage}");
    assert!(
        damage.contains("Another.journal is a copy") || damage.contains("another.journal is a copy"),
        "{damage}"
    );
    let json = world.status_json().await;
    assert_eq!(json["journal"]["damage"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_raised_is_told_until_it_is_over() {
    let world = World::connected().await;
    let id = ConnectionId::main();
    let since = world.keap.now();
    assert!(world.store().raise(&id, Condition::NeedsReconnect.word(), since).await.unwrap());
    assert!(world.store().raise(&id, "a-word-of-another-version", since).await.unwrap());
    let page = world.overview().await;
    let alarms = page.element("alarms").unwrap();
    assert!(alarms.starts_with("error The connection to Keap has to be made again since"), "{alarms}");
    assert!(!alarms.contains("another-version"), "{alarms}");
    let raised = &world.status_json().await["alarms"];
    assert_eq!(raised.as_array().unwrap().len(), 1);
    assert_eq!(
        (&raised[0]["condition"], &raised[0]["severity"]),
        (&"needs_reconnect".into(), &"error".into())
    );
    assert_eq!(raised[0]["since"], since.to_string());
    assert!(world.store().clear(&id, Condition::NeedsReconnect.word()).await.unwrap());
    assert_eq!(world.overview().await.element("alarms").as_deref(), Some("None is raised"));
}

#[tokio::test]
async fn an_alarm_of_an_outage_is_on_the_page() {
    let world = World::connected().await;
    world.wire.cut();
    world.advance(HOUR * 22);
    world.reaches("unreached").await;
    until(|| async { world.overview().await.has("The connection to Keap is not being renewed") }).await;
    world.wire.mend();
    world.advance(Duration::from_mins(2));
    world.reaches("connected").await;
    until(|| async { world.overview().await.element("alarms").as_deref() == Some("None is raised") }).await;
}

#[tokio::test]
async fn a_wrong_clock_is_told() {
    let world = World::connected().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::WrongClock { seconds: -600 }).path("/token"));
    world.advance(HOUR * 22);
    until(|| async { world.keap.status().position.unwrap().generation == 2 }).await;
    let page = world.overview().await;
    let clock = page.element("clock").unwrap();
    // The header of the answer has whole seconds.
    assert!(clock.starts_with("10 min ahead of Keap's") || clock.starts_with("9 min"), "{clock}");
    assert!(clock.ends_with("Switch on time synchronisation on this machine."), "{clock}");
    let ahead = world.status_json().await["clock_ahead_s"].as_i64().unwrap();
    assert!((598..=600).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn with_a_key_there_is_nothing_to_keep() {
    let mut world = World::new().await;
    world.stop().await;
    assert_eq!(world.overview().await.element("safety"), None);
    assert_eq!(world.status_json().await["journal"], serde_json::Value::Null);
}
