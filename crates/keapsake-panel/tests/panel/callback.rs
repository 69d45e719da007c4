//! What Keap's answer may do, and everything that only looks like one.

use futures_util::future::join_all;
use http::StatusCode;
use keap_sandbox::Decision;
use keapsake::connection::history::Outcome;
use tower::ServiceExt as _;

use crate::visit::{Visit, get, post, visit};
use crate::world::{World, until};

const NOT_KEAPS: &str = "This is not an answer from Keap";
const OTHER_BROWSER: &str = "This was not started in this browser";
const NOT_ASKED_FOR: &str = "This answer cannot be used";
const CLEARED: &str = "__Host-keapsake-flow=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure";

/// It is refused with these words, and nothing whatever changes.
async fn assert_refused(world: &World, what: &str, visit: Visit, words: &str) {
    let (before, requests) = (world.everything().await, world.token_requests());
    let answer = world.send(visit).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
    let page = answer.page();
    assert!(page.has(words), "{what}: {}", page.text());
    assert!(page.links_to("/admin/keap"), "{what}: a way on");
    assert_eq!(answer.set_cookie(), None, "{what}: the cookie of a flow under way is left alone");
    assert_eq!(world.everything().await, before, "{what}");
    assert_eq!(world.token_requests(), requests, "{what}");
}

#[tokio::test]
async fn an_answer_of_keap_connects() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    let answer = world.send(flow.callback()).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/keap/return"));
    assert_eq!(answer.set_cookie(), Some(CLEARED));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.body, "");
    assert_eq!(world.token_requests(), 1);

    let step = world.send(get("/return").by_stranger()).await;
    assert_eq!(step.status, StatusCode::OK);
    assert_eq!(step.page().reload(), Some("0; url=/admin/keap"));
    assert!(step.page().links_to("/admin/keap"));
    let page = world.page_in("connected").await;
    assert_eq!(page.element("account").as_deref(), Some("Acme Toys (acme)"), "the name is known at once");
}

#[tokio::test]
async fn what_was_not_asked_for_does_nothing() {
    let world = World::connected().await;
    world.send(post("/disconnect")).await;
    let flow = world.consent("acme", Decision::Allow).await;
    let other = world.consent("acme", Decision::Allow).await;
    let (query, cookie) = (flow.query.as_str(), flow.cookie.as_str());
    let with = |query: &str| get(&format!("/callback?{query}")).cookie(cookie);
    let state = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1;
    let value = cookie.split_once('=').unwrap().1;

    let refused = [
        ("no query", get("/callback").cookie(cookie), NOT_KEAPS),
        ("no state", with("code=abc"), NOT_KEAPS),
        ("an empty state", with("code=abc&state="), NOT_KEAPS),
        ("neither code nor error", with(&format!("state={state}")), NOT_KEAPS),
        ("an empty code", with(&format!("state={state}&code=")), NOT_KEAPS),
        ("both code and error", with(&format!("{query}&error=access_denied")), NOT_KEAPS),
        ("the state twice", with(&format!("{query}&state={state}")), NOT_KEAPS),
        ("the code twice", with(&format!("{query}&code=abc")), NOT_KEAPS),
        ("the error twice", with(&format!("state={state}&error=a&error=b")), NOT_KEAPS),
        ("a very long code", with(&format!("state={state}&code={}", "a".repeat(4000))), NOT_KEAPS),
        ("a foreign state", with("code=abc&state=somebody-elses"), NOT_ASKED_FOR),
        ("a foreign denial", with("error=access_denied&state=somebody-elses"), NOT_ASKED_FOR),
        ("no cookie", get(&format!("/callback?{query}")), OTHER_BROWSER),
        ("an empty cookie", flow.callback().cookie("__Host-keapsake-flow="), OTHER_BROWSER),
        ("a wrong cookie", flow.callback().cookie("__Host-keapsake-flow=guessed"), OTHER_BROWSER),
        ("another flow's cookie", flow.callback().cookie(&other.cookie), OTHER_BROWSER),
        ("the name of plain http", flow.callback().cookie(format!("keapsake-flow={value}")), OTHER_BROWSER),
        (
            "a denial without cookie",
            get(&format!("/callback?error=access_denied&state={state}")),
            OTHER_BROWSER,
        ),
    ];
    for (what, visit, words) in refused {
        assert_refused(&world, what, visit.clone(), words).await;
        assert_refused(&world, what, visit.by_stranger(), words).await;
    }
    world.page_in("disconnected").await;

    // None of these has spent the flow, which comes in among other cookies.
    let among_others = format!("theme=dark; {cookie}; __Secure-session=abc");
    let answer = world.send(flow.callback().cookie(among_others)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    world.page_in("connected").await;
}

#[tokio::test]
async fn a_used_answer_does_nothing() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    assert_eq!(world.send(flow.callback()).await.status, StatusCode::SEE_OTHER);
    let before = world.everything().await;
    // A double click: the same browser with the same answer is led to what its first click did.
    let again = world.send(flow.callback()).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/admin/keap/return"));
    assert_eq!(world.everything().await, before);
    assert_eq!(world.token_requests(), 1);
    // Everybody else learns nothing.
    let callback = format!("/callback?{}", flow.query);
    assert_refused(&world, "without the cookie", get(&callback), NOT_ASKED_FOR).await;
    let guessed = get(&callback).cookie("__Host-keapsake-flow=guessed");
    assert_refused(&world, "with another cookie", guessed, NOT_ASKED_FOR).await;
    let other_code = get(&callback.replace("code=", "code=x")).cookie(&flow.cookie);
    assert_refused(&world, "with another code", other_code, NOT_ASKED_FOR).await;
    world.page_in("connected").await;
}

#[tokio::test]
async fn two_cookies_of_the_name_are_none() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    for cookies in [
        format!("{}; __Host-keapsake-flow=planted", flow.cookie),
        format!("__Host-keapsake-flow=planted; {}", flow.cookie),
    ] {
        assert_refused(&world, &cookies, flow.callback().cookie(&cookies), OTHER_BROWSER).await;
    }
}

#[tokio::test]
async fn what_only_looks_at_the_address_does_not_spend_the_answer() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    let before = world.everything().await;
    let look = visit(http::Method::HEAD, &format!("/callback?{}", flow.query)).cookie(&flow.cookie);
    assert_eq!(world.send(look).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.everything().await, before);
    assert_eq!(world.send(flow.callback()).await.status, StatusCode::SEE_OTHER);
    world.page_in("connected").await;
}

#[tokio::test]
async fn an_old_answer_does_nothing() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Deny).await;
    let late = world.consent("acme", Decision::Deny).await;
    world.advance(std::time::Duration::from_secs(599));
    assert_eq!(world.send(flow.callback()).await.status, StatusCode::SEE_OTHER);
    world.advance(std::time::Duration::from_secs(1));
    assert_refused(&world, "after ten minutes", late.callback(), NOT_ASKED_FOR).await;
}

#[tokio::test]
async fn a_denial_leaves_the_connection_alone() {
    let world = World::connected().await;
    let connection = world.keap.status();
    let requests = world.token_requests();
    let flow = world.consent("acme", Decision::Deny).await;
    assert!(flow.query.contains("error=access_denied"), "{}", flow.query);
    let answer = world.send(flow.callback()).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/keap/return"));
    assert_eq!(answer.set_cookie(), Some(CLEARED));
    assert_eq!((world.keap.status(), world.token_requests()), (connection, requests));
}

#[tokio::test]
async fn whoever_is_no_administrator_any_more_connects_nothing() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.gate.logs_out();
    let answer = world.send(flow.callback()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.page().has("Your session has ended"));
    assert_eq!(answer.set_cookie(), Some(CLEARED), "the flow is spent");
    world.gate.logs_in();
    assert_refused(&world, "the same again", flow.callback(), NOT_ASKED_FOR).await;
    assert_eq!(world.token_requests(), 0);
    world.page_in("not-connected").await;
}

#[tokio::test]
async fn a_stranger_does_not_end_a_flow_under_way() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    let strangers = [
        // The administrator's own browser, lured to an address of the stranger's choice.
        get("/callback?code=theirs&state=theirs").cookie(&flow.cookie),
        get("/callback?error=access_denied&state=theirs").cookie(&flow.cookie),
        // The stranger's browser, who has seen the address.
        get(&format!("/callback?{}", flow.query)),
    ];
    for stranger in strangers {
        let answer = world.send(stranger.by_stranger()).await;
        assert_eq!((answer.status, answer.set_cookie()), (StatusCode::BAD_REQUEST, None));
    }
    assert_eq!(world.send(flow.callback()).await.status, StatusCode::SEE_OTHER);
    world.page_in("connected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_connects() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    let callbacks = (0..50).map(|_| tokio::spawn(world.router.clone().oneshot(flow.callback().request())));
    let answers = join_all(callbacks.collect::<Vec<_>>()).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
    let count = |status| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!(count(StatusCode::SEE_OTHER), 50, "each is led to the panel");
    assert!(answers.iter().all(|answer| answer.headers()["location"] == "/admin/keap/return"));
    assert_eq!(world.token_requests(), 1);
    world.page_in("connected").await;
    assert_eq!(world.keap.status().position.unwrap().generation, 1);
}

#[tokio::test]
async fn a_browser_that_hangs_up_gets_connected() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.wire.hold();
    tokio::select! {
        _ = world.send(flow.callback()) => panic!("Keap has not answered yet"),
        () = until(|| async { world.wire.said().len() == 1 }) => {}
    }
    assert_eq!(world.token_requests(), 0);
    world.wire.open();
    world.page_in("connected").await;
    assert_eq!(world.token_requests(), 1);
    until(|| async {
        let newest = world.keap.history(1).await.unwrap();
        newest
            .first()
            .is_some_and(|entry| entry.ending.as_ref().is_some_and(|end| end.outcome == Outcome::Done))
    })
    .await;
}

#[tokio::test]
async fn the_accounts_name_is_learnt_even_if_the_browser_hangs_up() {
    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.wire.hold();
    tokio::select! {
        _ = world.send(flow.callback()) => panic!("Keap has not answered yet"),
        () = until(|| async { world.wire.said().len() == 1 }) => {}
    }
    world.wire.open();
    until(|| async { world.keap.status().account.is_some_and(|account| account.name.is_some()) }).await;
}

#[tokio::test]
async fn the_return_page_shows_nothing() {
    let world = World::connected().await;
    let page = world.send(get("/return").by_stranger()).await.page();
    assert!(!page.has("acme") && !page.has("Acme"), "{}", page.text());
    assert_eq!(page.actions(), Vec::<String>::new());
}
