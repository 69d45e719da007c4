//! Why connecting failed the last time.

use http::StatusCode;
use keap_sandbox::{Decision, Fault, FaultEffect};

use crate::visit::post;
use crate::world::World;

async fn last_try(world: &World) -> Option<String> {
    world.overview().await.element("last-authorization")
}

#[tokio::test]
async fn a_denial_is_shown_until_it_works() {
    let world = World::new().await;
    assert_eq!(last_try(&world).await, None);
    let flow = world.consent("acme", Decision::Deny).await;
    world.send(flow.callback()).await;
    let problem = last_try(&world).await.unwrap();
    assert!(problem.contains("Either Deny was pressed, or Keap does not know the client id"), "{problem}");
    assert!(world.overview().await.has("No access given"));
    world.connect("acme").await;
    assert_eq!(last_try(&world).await, None);
}

#[tokio::test]
async fn another_account_is_shown_and_can_be_asked_for() {
    let world = World::connected().await;
    let flow = world.consent("globex", Decision::Allow).await;
    let answer = world.send(flow.callback()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = world.page_in("connected").await;
    assert_eq!(page.element("account").as_deref(), Some("Acme Toys (acme)"), "the old connection stays");
    let problem = page.element("last-authorization").unwrap();
    assert!(
        problem.contains("Globex was chosen, but this connection belongs to Acme Toys (acme)"),
        "{problem}"
    );
    assert!(problem.contains("(acme). Nothing was changed."), "{problem}");
    assert!(problem.contains("connect again with the box ticked"), "{problem}");
    assert!(page.tags().any(|tag| tag.get("name") == Some("switch_account")), "there is the box");

    world.send(post("/disconnect")).await;
    let page = world.overview().await;
    let problem = page.element("last-authorization");
    assert_eq!(problem, None, "disconnecting is newer");
    assert!(page.tags().any(|tag| tag.get("name") == Some("switch_account")));

    let connect = world.send(post("/connect").field("switch_account", "yes")).await;
    let flow = world.consent_to(&connect, "globex", Decision::Allow).await;
    world.send(flow.callback()).await;
    let page = world.page_in("connected").await;
    assert_eq!(page.element("account").as_deref(), Some("Globex (globex)"));
    assert_eq!(page.element("last-authorization"), None);
}

#[tokio::test]
async fn a_wrong_secret_is_said_to_be_one() {
    let mut world = World::with_secret("not-the-secret").await;
    world.sandbox.change_settings(|settings| settings.pkce = keap_sandbox::PkceMode::Optional);
    let flow = world.consent("acme", Decision::Allow).await;
    world.send(flow.callback()).await;
    let problem = world.page_in("not-connected").await.element("last-authorization").unwrap();
    assert!(
        problem.contains("Compare the client id and secret with those at keys.developer.keap.com."),
        "{problem}"
    );
    assert!(!problem.contains("not-the-secret"));
    world.stop().await;
    world.start(crate::world::SECRET).await;
    world.connect("acme").await;
    assert_eq!(last_try(&world).await, None);
}

#[tokio::test]
async fn no_usable_answer_is_shown_with_what_to_do() {
    let world = World::new().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Html { status: 503 }).path("/token").times(1));
    let flow = world.consent("acme", Decision::Allow).await;
    assert_eq!(world.send(flow.callback()).await.status, StatusCode::SEE_OTHER);
    let problem = last_try(&world).await.unwrap();
    assert!(problem.contains("Nothing was changed; connecting again is safe."), "{problem}");
    world.connect("acme").await;
    assert_eq!(last_try(&world).await, None);
}

#[tokio::test]
async fn it_is_shown_until_something_newer_works() {
    let world = World::connected().await;
    let flow = world.consent("acme", Decision::Deny).await;
    world.send(flow.callback()).await;
    world.wire.cut();
    world.advance(crate::world::HOUR * 22);
    world.reaches("unreached").await;
    assert!(last_try(&world).await.is_some(), "a renewal that failed is nothing that works");
    world.wire.mend();
    world.advance(crate::world::HOUR);
    world.reaches("connected").await;
    assert_eq!(last_try(&world).await, None);
}
