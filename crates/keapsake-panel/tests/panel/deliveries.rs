//! What waits for Keap, what failed, and what a person can do about it.

use std::collections::BTreeMap;

use http::StatusCode;
use keap_sandbox::{Fault, FaultEffect};
use keapsake::delivery::ItemState;

use crate::page::Page;
use crate::visit::{get, post};
use crate::world::{World, contact, tag, until};

fn counts(page: &Page) -> [String; 3] {
    ["waiting", "failed", "delivered"].map(|id| page.element(id).unwrap())
}

/// Keap refuses the next contact in these words.
fn refuse(world: &World, message: &str) {
    let body = serde_json::json!({ "code": 400, "message": message, "status": "Bad Request" }).to_string();
    let effect = FaultEffect::Status { status: 400, body, headers: BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(effect).operation("createContact").times(1));
}

#[tokio::test]
async fn what_waits_is_shown_with_the_reason() {
    let mut world = World::new().await;
    assert_eq!(counts(&world.overview().await), ["0", "0", "0"]);
    world.deliver();
    world.enqueue(&contact("u1", "ann@example.com")).await;
    world.enqueue(&tag("u1", "buttonpushed")).await;
    until(|| async { world.outbox.summary().await.unwrap().pause.is_some() }).await;

    let page = world.overview().await;
    assert_eq!(counts(&page), ["2", "0", "0"]);
    let pause = page.element("pause").unwrap();
    assert!(pause.contains("administrator") && pause.contains("The next try is in"), "{pause}");
    let waiting = page.element("waiting-items").unwrap();
    assert!(waiting.contains("Person u1 should become a contact."), "{waiting}");
    assert!(waiting.contains("Person u1 should get the tag “buttonpushed”."), "{waiting}");
    assert!(!page.has("ann@example.com") && !page.has("Lee"), "no personal data");
    let json = world.status_json().await;
    assert_eq!((&json["deliveries"]["waiting"], &json["deliveries"]["failed"]), (&2.into(), &0.into()));
    assert!(
        json["deliveries"]["paused_until"].is_string() && json["deliveries"]["oldest_waiting"].is_string()
    );
    assert!(world.send(get("/disconnect")).await.page().has("2 deliveries are waiting now."));

    world.connect("acme").await;
    until(|| async { world.outbox.summary().await.unwrap().done == 2 }).await;
    let page = world.overview().await;
    assert_eq!(counts(&page), ["0", "0", "2"]);
    assert_eq!((page.element("pause"), page.element("waiting-items")), (None, None));
    assert_eq!(world.status_json().await["deliveries"]["delivered"], 2);
}

#[tokio::test]
async fn what_failed_can_be_tried_again() {
    let mut world = World::connected().await;
    world.deliver();
    refuse(&world, "already used by jo@example.com");
    world.enqueue(&contact("u1", "ann@example.com")).await;
    world.enqueue(&tag("u1", "buttonpushed")).await;
    until(|| async { world.outbox.summary().await.unwrap().failed == 1 }).await;

    let page = world.overview().await;
    assert_eq!(counts(&page), ["1", "1", "0"]);
    let failed = page.element("failed-items").unwrap();
    assert!(failed.contains("Person u1 should become a contact."), "{failed}");
    assert!(failed.contains("already used by"), "{failed}");
    assert!(!page.has("jo@example.com"), "another person's address");
    let id = world.outbox.items(ItemState::Failed, 1).await.unwrap().remove(0).id;
    let again = format!("/deliveries/{id}/retry");
    let button = page.button(&format!("/admin/keap{again}")).unwrap();
    assert_eq!(button, "Try again for person u1");

    let answer = world.send(post(&again)).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/keap#deliveries"));
    until(|| async { world.outbox.summary().await.unwrap().done == 2 }).await;
    let page = world.overview().await;
    assert_eq!(counts(&page), ["0", "0", "2"]);
    assert_eq!(page.element("failed-items"), None);

    // Pressed twice, or in two windows.
    let before = world.everything().await;
    assert_eq!(world.send(post(&again)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.send(post("/deliveries/none/retry")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_long_list_is_cut_and_still_counted() {
    let world = World::new().await;
    for n in 0..30 {
        world.enqueue(&contact(&format!("u{n}"), "ann@example.com")).await;
    }
    let page = world.overview().await;
    assert_eq!(counts(&page), ["30", "0", "0"]);
    let items = page.element("waiting-items").unwrap();
    assert_eq!(items.matches("should become a contact").count(), 20);
}

#[tokio::test]
async fn one_waiting_delivery_is_one() {
    let world = World::connected().await;
    assert!(!world.send(get("/disconnect")).await.page().has("waiting now"));
    world.enqueue(&contact("u1", "ann@example.com")).await;
    assert!(world.send(get("/disconnect")).await.page().has("One delivery is waiting now."));
}

#[tokio::test]
async fn without_an_outbox_there_is_nothing_to_try_again() {
    let mut world = World::new().await;
    world.mount(keapsake_panel::Panel::new(world.keap.clone(), None, world.gate.clone(), "/admin/keap/"));
    let page = world.overview().await;
    assert_eq!(page.element("waiting"), None);
    assert_eq!(
        page.actions(),
        ["/admin/keap/connect"],
        "a slash at the end of the mount makes no difference"
    );
    assert_eq!(world.send(post("/deliveries/1/retry")).await.status, StatusCode::NOT_FOUND);
}
