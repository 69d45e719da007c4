//! The page in every phase, each reached for real.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use keap_sandbox::{Fault, FaultEffect};
use keapsake::{ApiKey, Endpoints, Keap};
use keapsake_panel::Panel;

use crate::page::Page;
use crate::visit::{get, post};
use crate::world::{DAY, HOUR, MOUNT, SECRET, World, until};

/// Which buttons there are: what the one to connect says, and whether there is one to disconnect.
fn assert_buttons(page: &Page, connect: Option<&str>, disconnect: bool) {
    assert_eq!(page.button("/admin/keap/connect").as_deref(), connect);
    assert_eq!(page.links_to("/admin/keap/disconnect"), disconnect);
}

fn assert_says(page: &Page, sentences: &[&str]) {
    for sentence in sentences {
        assert!(page.has(sentence), "“{sentence}” is not in: {}", page.text());
    }
}

const CONNECT: Option<&str> = Some("Connect to Keap");
const AGAIN: Option<&str> = Some("Connect again");
const RECONNECT: Option<&str> = Some("Reconnect to Keap");

#[tokio::test]
async fn not_connected() {
    let world = World::new().await;
    let page = world.page_in("not-connected").await;
    assert_says(&page, &["Not connected to Keap", "Testament has not been connected", "Press Connect."]);
    assert_says(&page, &["Nothing yet."]);
    assert_buttons(&page, CONNECT, false);
    assert!(!page.has("It may be another Keap account"), "there was none before");
    assert_eq!(page.element("generation"), None);
    assert_eq!(page.reload(), None);
    let json = world.status_json().await;
    assert_eq!((&json["needs_a_person"], &json["can_call"]), (&true.into(), &false.into()));
    assert_eq!((&json["account"], &json["generation"]), (&().into(), &().into()));
}

#[tokio::test]
async fn connected() {
    let world = World::connected().await;
    let page = world.page_in("connected").await;
    assert_says(&page, &["All is well. The connection renews itself.", "You need not do anything."]);
    assert_eq!(page.element("account").as_deref(), Some("Acme Toys (acme)"));
    assert_eq!(page.element("generation").as_deref(), Some("1.1"));
    assert_buttons(&page, AGAIN, true);
    let json = world.status_json().await;
    assert_eq!(json["account"], "acme.infusionsoft.com");
    assert_eq!((&json["lineage"], &json["generation"]), (&1.into(), &1.into()));
    assert_eq!((&json["needs_a_person"], &json["can_call"]), (&false.into(), &true.into()));
    let times = world.keap.status().times.unwrap();
    assert_eq!(json["refresh_at"], times.refresh_at.to_string());
    assert_eq!(json["access_expires_at"], times.access_expires_at.to_string());
    assert_eq!(json["refresh_token_expires_at"], times.refresh_expires_at.to_string());
    assert_eq!(json["now"], world.keap.now().to_string());
}

#[tokio::test]
async fn refreshing() {
    let world = World::connected().await;
    world.wire.hold();
    world.advance(HOUR * 22);
    until(|| async { world.wire.said().len() == 2 }).await;
    let page = world.page_in("refreshing").await;
    assert_says(&page, &["renewing right now", "Keap was asked for new tokens just now."]);
    assert_says(&page, &["Calls to Keap work until", "Running"]);
    assert_eq!(page.reload(), Some("3; url=/admin/keap"));
    assert_buttons(&page, AGAIN, true);

    world.advance(HOUR * 3);
    let page = world.page_in("refreshing").await;
    assert_says(
        &page,
        &["3 h ago", "Until then nothing can be sent to Keap; what has to be sent waits here."],
    );

    world.wire.open();
    let page = world.page_in("connected").await;
    assert_eq!(page.reload(), None);
    assert_eq!(page.element("generation").as_deref(), Some("1.2"));
    assert_says(&page, &["Renewed"]);
}

#[tokio::test]
async fn unreached() {
    let world = World::connected().await;
    world.wire.cut();
    world.advance(HOUR * 22);
    let page = world.page_in("unreached").await;
    assert_says(
        &page,
        &["Keap cannot be reached", "It began just now and was tried once;", "the next try is in"],
    );
    assert_says(&page, &["Keap not reached", "Keap could not be reached: the cable is cut"]);
    assert_buttons(&page, AGAIN, true);
}

#[tokio::test]
async fn unreached_because_keap_is_busy() {
    let world = World::connected().await;
    let busy = Fault::new(FaultEffect::Throttle { retry_after: Some(120) });
    world.sandbox.add_fault(busy.path("/token"));
    world.advance(HOUR * 22);
    let page = world.page_in("unreached").await;
    assert_says(&page, &["Keap asked to wait", "the next try is in 2 min, when Keap allows it."]);
    assert!(!page.has("not reached") && !page.has("cannot be reached"), "it was: {}", page.text());
    assert_eq!(page.button("/admin/keap/refresh"), None, "that is not waiting");
    world.sandbox.clear_faults();
    world.wire.cut();
    world.advance(Duration::from_mins(2));
    until(|| async { world.overview().await.has("Keap cannot be reached") }).await;
}

#[tokio::test]
async fn unconfirmed() {
    let world = World::connected().await;
    let lost = Fault::new(FaultEffect::Drop).path("/token");
    world.sandbox.add_fault(lost);
    world.advance(HOUR * 22);
    let page = world.page_in("unconfirmed").await;
    assert_says(&page, &["Keap gave no usable answer to a renewal", "tried once", "in 20 s"]);
    assert_says(
        &page,
        &["Keap may or may not have renewed the tokens.", "connect again: then nothing stops."],
    );
    assert_says(&page, &["It may be another Keap account than before"]);
    assert_buttons(&page, AGAIN, true);
    world.sandbox.clear_faults();
    world.connect("acme").await;
    world.page_in("connected").await;
}

#[tokio::test]
async fn suspect() {
    let world = World::connected().await;
    world.wire.then(400, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#);
    world.advance(HOUR * 22);
    let page = world.page_in("suspect").await;
    assert_says(
        &page,
        &["Keap refused to renew the connection", "Keap refused once.", "the next time is in 30 s"],
    );
    assert_says(&page, &["One refusal is not believed", "Calls to Keap work until", "Invalid refresh token"]);
    assert_buttons(&page, AGAIN, true);
    world.advance(Duration::from_secs(30));
    world.page_in("connected").await;
}

#[tokio::test]
async fn misconfigured() {
    let mut world = World::connected().await;
    world.stop().await;
    world.start("not-the-secret").await;
    world.advance(HOUR * 22);
    let page = world.page_in("misconfigured").await;
    assert_says(
        &page,
        &["Keap does not accept the client id or secret", "The connection itself is not lost,"],
    );
    assert_says(&page, &["Compare the client id and secret", "Client id or secret refused"]);
    assert_buttons(&page, AGAIN, true);
    assert_eq!(world.status_json().await["needs_a_person"], true);

    world.stop().await;
    world.start(SECRET).await;
    world.page_in("connected").await;
}

#[tokio::test]
async fn needs_reconnect_because_the_access_was_removed() {
    let world = World::connected().await;
    world.sandbox.revoke_grants().await.unwrap();
    assert!(world.keap.account().user_info().await.is_err());
    let page = world.page_in("suspect").await;
    assert_says(&page, &["Until then nothing can be sent to Keap"]);
    world.advance(Duration::from_secs(30));
    let page = world.page_in("needs-reconnect").await;
    assert_says(
        &page,
        &["The connection has to be made again", "Keap no longer accepts it, as became certain"],
    );
    assert_says(&page, &["Press Reconnect and allow the access for the same account."]);
    assert_buttons(&page, RECONNECT, true);
    assert_eq!(page.element("generation"), None, "no pair that is good for anything");
    assert_eq!(world.status_json().await["needs_a_person"], true);
    world.connect("acme").await;
    world.page_in("connected").await;
}

#[tokio::test]
async fn needs_reconnect_because_nobody_used_it() {
    let mut world = World::connected().await;
    world.stop().await;
    world.advance(DAY * 45);
    world.start(SECRET).await;
    world.reaches("suspect").await;
    world.comes_to_rest().await;
    world.advance(Duration::from_secs(31));
    let page = world.page_in("needs-reconnect").await;
    assert_says(&page, &["It was not renewed for 45 days", "switched off for that long"]);
    assert_buttons(&page, RECONNECT, true);
}

#[tokio::test]
async fn disconnected() {
    let world = World::connected().await;
    let question = world.send(get("/disconnect")).await;
    assert_eq!(question.status, StatusCode::OK);
    let question = question.page();
    assert_says(&question, &["Disconnect from Acme Toys (acme)?", "Nothing is deleted in Keap."]);
    assert_eq!(question.button("/admin/keap/disconnect").as_deref(), Some("Disconnect"));
    world.page_in("connected").await;

    let answer = world.send(post("/disconnect")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, MOUNT));
    world.advance(Duration::from_mins(5));
    let page = world.page_in("disconnected").await;
    assert_says(&page, &["An administrator disconnected it 5 min ago,", "Connect again whenever you like."]);
    assert_says(&page, &["It may be another Keap account than before"]);
    assert_eq!(page.element("account").as_deref(), Some("Acme Toys (acme)"));
    assert_buttons(&page, CONNECT, false);

    let history = world.keap.history(20).await.unwrap();
    world.send(post("/disconnect")).await;
    assert_eq!(world.keap.history(20).await.unwrap(), history, "twice is the same as once");
    world.connect("acme").await;
    world.page_in("connected").await;
}

#[tokio::test]
async fn api_key() {
    let mut world = World::new().await;
    let key = ApiKey::new(world.sandbox.api_key());
    world.keap = Keap::api_key(key, Endpoints::under(world.sandbox.url()).unwrap()).start().await.unwrap();
    world.mount(Panel::new(world.keap.clone(), None, Arc::clone(&world.gate) as _, MOUNT));
    let page = world.page_in("api-key").await;
    assert_says(&page, &["Working with an API key", "There is nothing to renew and nothing to connect."]);
    assert!(!page.has("Deliveries to Keap"), "there is no outbox");
    assert_buttons(&page, None, false);
    assert_eq!(world.status_json().await["deliveries"], serde_json::Value::Null);
    for path in ["/connect", "/disconnect"] {
        let answer = world.send(post(path)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert!(answer.page().has("There is nothing to connect or disconnect"), "{path}");
        assert_eq!(answer.set_cookie(), None);
    }
    assert_eq!(world.send(get("/disconnect")).await.status, StatusCode::CONFLICT);
    let answer = world.send(get("/callback?code=a&state=b")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
