//! Who may do what.

use http::{Method, StatusCode};
use keap_sandbox::Fault;

use crate::visit::{Visit, get, post, visit};
use crate::world::{CSRF, World, contact, until};

/// A world in which each of the forms would do something, and where they go to.
async fn with_forms() -> (World, Vec<String>) {
    let mut world = World::connected().await;
    world.deliver();
    let refused = keap_sandbox::FaultEffect::Status {
        status: 400,
        body: "{}".into(),
        headers: std::collections::BTreeMap::new(),
    };
    world.sandbox.add_fault(Fault::new(refused).operation("createContact").times(1));
    world.enqueue(&contact("u1", "ann@example.com")).await;
    until(|| async { world.outbox.summary().await.unwrap().failed == 1 }).await;
    let failed = world.outbox.items(keapsake::delivery::ItemState::Failed, 1).await.unwrap().remove(0);
    let retry = format!("/deliveries/{}/retry", failed.id);
    (world, vec!["/connect".into(), "/refresh".into(), "/adopt".into(), "/disconnect".into(), retry])
}

async fn assert_forbidden(world: &World, what: &str, visit: Visit, words: &str) {
    let before = world.everything().await;
    let answer = world.send(visit).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
    assert!(answer.page().has(words), "{what}: {}", answer.page().text());
    assert_eq!((answer.set_cookie(), answer.header("location")), (None, None), "{what}");
    assert!(!answer.body.contains(CSRF), "{what}");
    assert_eq!(world.everything().await, before, "{what}");
}

#[tokio::test]
async fn strangers_see_and_do_nothing() {
    let (world, forms) = with_forms().await;
    let words = "For administrators only";
    for path in ["", "/status.json", "/adopt", "/disconnect"] {
        assert_forbidden(&world, path, get(path).by_stranger(), words).await;
        let head = visit(Method::HEAD, path).by_stranger();
        assert_eq!(world.send(head).await.status, StatusCode::FORBIDDEN);
    }
    for path in &forms {
        assert_forbidden(&world, path, post(path).by_stranger(), words).await;
        assert_forbidden(&world, path, visit(Method::POST, path).by_stranger(), words).await;
    }
    // One who was an administrator.
    world.gate.logs_out();
    assert_forbidden(&world, "logged out", get(""), words).await;
    for path in &forms {
        assert_forbidden(&world, path, post(path), words).await;
    }
}

#[tokio::test]
async fn a_forbidden_page_says_nothing_about_the_connection() {
    let (world, _) = with_forms().await;
    for path in ["", "/status.json", "/adopt", "/disconnect"] {
        let answer = world.send(get(path).by_stranger()).await;
        for word in ["acme", "Acme", "u1", "Connected", "connected"] {
            assert!(!answer.body.contains(word), "{path} says {word}");
        }
    }
}

#[tokio::test]
async fn strangers_get_what_a_browser_from_keap_needs() {
    let world = World::new().await;
    assert_eq!(world.send(get("/callback").by_stranger()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.send(get("/return").by_stranger()).await.status, StatusCode::OK);
    let page = world.send(get("/return").by_stranger()).await.page();
    let style = page.tags().find(|tag| tag.get("rel") == Some("stylesheet")).unwrap().get("href").unwrap();
    let style = style.strip_prefix("/admin/keap").unwrap();
    assert_eq!(world.send(get(style).by_stranger()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_of_another_session_does_nothing() {
    let (world, forms) = with_forms().await;
    for path in &forms {
        let bare = || visit(Method::POST, path);
        let table = [
            ("missing", bare()),
            ("empty", bare().field("csrf_token", "")),
            ("wrong", bare().field("csrf_token", "the-token-of-session-2")),
            ("cut", bare().field("csrf_token", &CSRF[1..])),
            ("longer", bare().field("csrf_token", &format!("{CSRF} "))),
            ("in other letters", bare().field("csrf_token", &CSRF.to_uppercase())),
            ("wrong and right", bare().field("csrf_token", "wrong").field("csrf_token", CSRF)),
            ("under another name", bare().field("csrf", CSRF)),
        ];
        for (what, visit) in table {
            assert_forbidden(&world, &format!("{path}, {what}"), visit, "That form is too old").await;
        }
        let in_the_address = visit(Method::POST, &format!("{path}?csrf_token={CSRF}"));
        assert_forbidden(&world, "in the address", in_the_address, "That form is too old").await;
    }
    for path in &forms {
        assert_eq!(world.send(post(path)).await.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn the_cookie_is_for_one_purpose() {
    let mut world = World::new().await;
    let answer = world.send(post("/connect")).await;
    let cookie = answer.set_cookie().unwrap();
    let (name, rest) = cookie.split_once('=').unwrap();
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert_eq!(name, "__Host-keapsake-flow");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure");
    assert!(
        value.len() >= 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let another = world.send(post("/connect")).await;
    assert_ne!(another.set_cookie(), Some(cookie));

    world.mount(world.panel().secure_cookies(false));
    let answer = world.send(post("/connect")).await;
    let cookie = answer.set_cookie().unwrap();
    assert!(cookie.starts_with("keapsake-flow="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{cookie}");
    let flow = world.consent_to(&answer, "acme", keap_sandbox::Decision::Allow).await;
    let answer = world.send(flow.callback()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cleared = "keapsake-flow=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
    assert_eq!(answer.set_cookie(), Some(cleared));
}

#[tokio::test]
async fn connecting_leads_to_keap() {
    let world = World::new().await;
    let answer = world.send(post("/connect")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let to = url::Url::parse(answer.location()).unwrap();
    assert!(answer.location().starts_with(world.sandbox.url()));
    let query: std::collections::BTreeMap<_, _> = to.query_pairs().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "sandbox-client");
    assert_eq!(query["redirect_uri"], "http://127.0.0.1:8080/admin/keap/callback");
    assert!(query["state"].len() >= 43);
    assert!(!answer.location().contains(answer.set_cookie().unwrap().split(['=', ';']).nth(1).unwrap()));
}
