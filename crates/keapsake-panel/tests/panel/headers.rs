//! What protects every answer, whatever the application adds.

use http::StatusCode;
use keap_sandbox::Decision;
use keapsake::store::MemoryStore;
use keapsake::store::seal::SealingKey;
use keapsake::{Application, ClientSecret, Keap};
use keapsake_panel::Panel;

use crate::visit::{get, post};
use crate::world::{MOUNT, World};

#[tokio::test]
async fn with_a_policy_of_its_own_every_answer_has_it() {
    let mut world = World::connected().await;
    assert_eq!(
        world.send(get("")).await.header("content-security-policy"),
        None,
        "that is the application's"
    );
    world.mount(world.panel().own_policy());
    let flow = world.consent("acme", Decision::Allow).await;
    let visits = [
        get(""),
        get("").by_stranger(),
        get("/status.json"),
        get("/disconnect"),
        get("/adopt"),
        get("/return"),
        get("/nothing"),
        get("/connect"),
        get("/callback"),
        flow.callback(),
        post("/disconnect"),
    ];
    let expected = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; frame-ancestors 'none'; \
         base-uri 'none'",
        world.sandbox.url()
    );
    for visit in visits {
        let answer = world.send(visit).await;
        assert_eq!(answer.header("content-security-policy"), Some(expected.as_str()), "{}", answer.path);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{}", answer.path);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{}", answer.path);
    }
}

#[tokio::test]
async fn the_policy_lets_forms_lead_through_the_sign_in_of_the_real_keap() {
    let mut world = World::new().await;
    let redirect = "https://shop.example/admin/keap/callback";
    let application = Application::new("id", ClientSecret::new("secret"), redirect).unwrap();
    let store = std::sync::Arc::new(MemoryStore::default());
    world.keap = Keap::oauth(application, store, SealingKey::from_bytes([7; 32])).start().await.unwrap();
    world.mount(Panel::new(world.keap.clone(), None, world.gate.clone(), MOUNT).own_policy());
    let answer = world.send(get("")).await;
    let policy = answer.header("content-security-policy").unwrap();
    let expected = "form-action 'self' https://signin.infusionsoft.com https://*.infusionsoft.com \
                    https://*.keap.com;";
    assert!(policy.contains(expected), "{policy}");
    let away = world.send(post("/connect")).await;
    assert!(away.location().starts_with("https://signin.infusionsoft.com/app/oauth/authorize?"));
}

#[tokio::test]
async fn a_form_that_the_browser_says_is_from_elsewhere_is_refused() {
    let world = World::new().await;
    for (site, status) in [
        ("cross-site", StatusCode::FORBIDDEN),
        ("same-site", StatusCode::FORBIDDEN),
        ("", StatusCode::FORBIDDEN),
        ("none", StatusCode::SEE_OTHER),
        ("same-origin", StatusCode::SEE_OTHER),
    ] {
        let answer = world.send(post("/connect").header("sec-fetch-site", site)).await;
        assert_eq!(answer.status, status, "{site}");
    }
}

#[tokio::test]
async fn at_the_root_the_links_are_right_too() {
    let world = World::new().await;
    let panel = Panel::new(world.keap.clone(), None, world.gate.clone(), "/").router();
    let request = http::Request::get("/return").body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(panel, request).await.unwrap();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let page = crate::page::Page::read(std::str::from_utf8(&body).unwrap());
    assert_eq!(page.reload(), Some("0; url=/"));
    assert!(page.links_to("/"));
}
