//! Every address with every method.

use http::{Method, StatusCode};
use keap_sandbox::Decision;

use crate::visit::{get, post, visit};
use crate::world::{World, contact, until};

fn stylesheet(page: &crate::page::Page) -> String {
    let href = page.tags().find(|tag| tag.get("rel") == Some("stylesheet")).unwrap().get("href").unwrap();
    href.strip_prefix("/admin/keap").unwrap().to_owned()
}

#[tokio::test]
async fn each_address_has_its_methods_and_no_others() {
    let world = World::connected().await;
    let style = stylesheet(&world.overview().await);
    let table: [(&str, &[Method]); 10] = [
        ("", &[Method::GET, Method::HEAD]),
        ("/status.json", &[Method::GET, Method::HEAD]),
        ("/connect", &[Method::POST]),
        ("/refresh", &[Method::POST]),
        ("/adopt", &[Method::GET, Method::HEAD, Method::POST]),
        ("/disconnect", &[Method::GET, Method::HEAD, Method::POST]),
        ("/deliveries/1/retry", &[Method::POST]),
        ("/callback", &[Method::GET]),
        ("/return", &[Method::GET, Method::HEAD]),
        (&style, &[Method::GET, Method::HEAD]),
    ];
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ];
    for (path, allowed) in table {
        for method in &methods {
            let before = world.everything().await;
            let is_allowed = allowed.contains(method);
            let visit =
                if *method == Method::POST && !is_allowed { post(path) } else { visit(method.clone(), path) };
            let answer = world.send(visit).await;
            let is_refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_refused, !is_allowed, "{method} {path}: {}", answer.status);
            if is_refused {
                let mut names: Vec<_> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
                let mut expected: Vec<_> = allowed.iter().map(Method::as_str).collect();
                names.sort_unstable();
                expected.sort_unstable();
                assert_eq!(names, expected, "{method} {path}");
            }
            assert_eq!(world.everything().await, before, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn there_is_no_other_address() {
    let world = World::connected().await;
    let paths = [
        "/nothing",
        "/style-00000000.css",
        "/panel.css",
        "/deliveries/1",
        "/deliveries/1/retry/2",
        "/%FF",
        "/a/b",
    ];
    for path in paths {
        for visit in [get(path), get(path).by_stranger()] {
            let answer = world.send(visit).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.page().has("There is no such page"), "{path}");
        }
    }
    let answer = world.send(post("/deliveries/%FF/retry").by_stranger()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "who may is asked before what");
    assert_eq!(world.send(post("/deliveries/%FF/retry")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_ever() {
    let world = World::new().await;
    let style = stylesheet(&world.overview().await);
    let answer = world.send(get(&style)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert!(answer.body.contains(".kp"), "it is the stylesheet");
    assert!(!answer.body.contains("url(") && !answer.body.contains("@import"), "it loads nothing");
}

#[tokio::test]
async fn looking_changes_nothing() {
    let world = World::connected().await;
    world.enqueue(&contact("u1", "ann@example.com")).await;
    let denied = world.consent("acme", Decision::Deny).await;
    world.send(denied.callback()).await;
    // One that is under way.
    world.consent("acme", Decision::Allow).await;
    let before = world.everything().await;
    let requests = world.sandbox.requests().len();
    for path in ["", "/status.json", "/adopt", "/disconnect", "/return", "/callback", "/nothing"] {
        for method in [Method::GET, Method::HEAD] {
            world.send(visit(method, path)).await;
        }
    }
    assert_eq!(world.everything().await, before);
    assert_eq!(world.sandbox.requests().len(), requests, "Keap is not asked for a page");
}

#[tokio::test]
async fn a_database_that_fails_is_said_to() {
    let world = World::connected().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.pool.close().await;
    let page = world.overview().await;
    assert_eq!(page.phase(), "connected", "what is known without it is told");
    assert!(page.has("They cannot be read from the database right now."), "{}", page.text());
    assert!(page.has("It cannot be read from the database right now;"), "{}", page.text());
    for visit in
        [get("/status.json"), get("/disconnect"), post("/connect"), post("/refresh"), flow.callback()]
    {
        let answer = world.send(visit).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.path);
        assert!(answer.page().has("The database did not answer"));
        assert_eq!(answer.set_cookie(), None);
    }
    assert_eq!(world.token_requests(), 1, "the one from before");
}

#[tokio::test]
async fn a_pair_that_cannot_be_saved_is_not_said_to_be() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.wire.hold();
    let (answer, ()) = tokio::join!(world.send(flow.callback()), async {
        until(|| async { world.wire.said().len() == 1 }).await;
        world.pool.close().await;
        world.wire.open();
    });
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.page().has("The new connection could not be saved"), "{}", answer.page().text());
    assert!(answer.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=0")), "the flow is spent");
    assert_eq!(world.token_requests(), 1);
}

#[tokio::test]
async fn what_needs_no_session_says_so() {
    let world = World::new().await;
    let style = stylesheet(&world.overview().await);
    for page in ["/callback", "/return", &style] {
        assert!(keapsake_panel::needs_no_session(page), "{page}");
        assert_ne!(world.send(get(page).by_stranger()).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    for page in [
        "",
        "/",
        "/status.json",
        "/connect",
        "/refresh",
        "/adopt",
        "/disconnect",
        "/callback/",
        "/return/..",
        "/style-0.css",
    ] {
        assert!(!keapsake_panel::needs_no_session(page), "{page}");
    }
}
