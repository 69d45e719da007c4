//! A renewal on request.

use http::StatusCode;
use keap_sandbox::{Fault, FaultEffect};

use crate::visit::post;
use crate::world::{HOUR, MOUNT, SECRET, World, until};

const REFRESH: &str = "/admin/keap/refresh";

#[tokio::test]
async fn a_renewal_is_made_when_somebody_asks_for_it() {
    let world = World::connected().await;
    let page = world.overview().await;
    assert_eq!(page.button(REFRESH).as_deref(), Some("Renew now"));

    let answer = world.send(post("/refresh")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, MOUNT));
    until(|| async { world.keap.status().position.unwrap().generation == 2 }).await;
    let page = world.page_in("connected").await;
    assert_eq!(page.element("generation").as_deref(), Some("1.2"));
    assert_eq!(world.token_requests(), 2);
}

#[tokio::test]
async fn the_page_shows_by_itself_how_it_went() {
    let world = World::connected().await;
    world.wire.hold();
    world.send(post("/refresh")).await;
    let page = world.overview().await;
    assert_eq!(page.reload(), Some("3; url=/admin/keap"), "{}", page.text());
    world.wire.open();
    until(|| async { world.overview().await.reload().is_none() }).await;
    assert_eq!(world.keap.status().position.unwrap().generation, 2);
}

#[tokio::test]
async fn pressing_often_renews_once() {
    let world = World::connected().await;
    world.wire.hold();
    for _ in 0..5 {
        assert_eq!(world.send(post("/refresh")).await.status, StatusCode::SEE_OTHER);
    }
    world.wire.open();
    until(|| async { world.keap.status().position.unwrap().generation > 1 }).await;
    assert_eq!(world.token_requests(), 2, "one to connect, one to renew");
}

#[tokio::test]
async fn what_may_still_be_on_its_way_is_not_sent_again() {
    let world = World::connected().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Drop).path("/token"));
    world.advance(HOUR * 22);
    let page = world.page_in("unconfirmed").await;
    assert_eq!(page.button(REFRESH), None);
    let asked = world.token_requests();
    assert_eq!(world.send(post("/refresh")).await.status, StatusCode::SEE_OTHER);
    world.keap.wake();
    world.page_in("unconfirmed").await;
    assert_eq!(world.token_requests(), asked);
}

#[tokio::test]
async fn where_there_is_nothing_to_renew_nothing_happens() {
    let mut world = World::new().await;
    for connected in [false, true] {
        if connected {
            world.connect("acme").await;
            world.send(post("/disconnect")).await;
        }
        assert_eq!(world.overview().await.button(REFRESH), None);
        let (before, asked) = (world.everything().await, world.token_requests());
        assert_eq!(world.send(post("/refresh")).await.status, StatusCode::SEE_OTHER);
        assert_eq!((world.everything().await, world.token_requests()), (before, asked));
    }
    world.stop().await;
    assert_eq!(world.overview().await.phase(), "api-key");
    assert_eq!(world.send(post("/refresh")).await.status, StatusCode::CONFLICT);
    world.start(SECRET).await;
}
