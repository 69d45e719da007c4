//! A database that was restored or copied: what the page says, and that each way out leads out.

use http::{Method, StatusCode};

use crate::page::Page;
use crate::visit::{get, post, visit};
use crate::world::{CSRF, HOUR, MOUNT, SECRET, World, until};

const ADOPT: &str = "/admin/keap/adopt";

/// The file was put somewhere else, and nothing is there to say that it is the only one.
async fn copied() -> World {
    let mut world = World::connected().await;
    let copy = world.back_up().await;
    world.stop().await;
    std::fs::remove_dir_all(world.journal()).unwrap();
    world.restore(copy).await;
    world.start(SECRET).await;
    world
}

/// Somebody disconnected after the backup, so that no answer in the journal can heal it.
async fn older() -> World {
    let mut world = World::connected().await;
    let backup = world.back_up().await;
    world.send(post("/disconnect")).await;
    world.stop().await;
    world.restore(backup).await;
    world.start(SECRET).await;
    world
}

fn assert_says(page: &Page, sentences: &[&str]) {
    for sentence in sentences {
        assert!(page.has(sentence), "“{sentence}” is not in: {}", page.text());
    }
}

fn generation(world: &World) -> u64 {
    world.keap.status().position.unwrap().generation
}

#[tokio::test]
async fn a_copy_says_so_and_renews_nothing() {
    let world = copied().await;
    let page = world.page_in("restored").await;
    assert_says(&page, &["The database is a copy", "If the original is still in use somewhere,"]);
    assert_says(&page, &["nothing is renewed before you decide", "Calls to Keap work until"]);
    assert_eq!(page.element("next-refresh").as_deref(), Some("none before you decide"));
    assert_eq!(page.button("/admin/keap/connect").as_deref(), Some("Connect again"));
    assert_eq!(page.button("/admin/keap/refresh"), None);
    assert!(page.links_to(ADOPT) && page.links_to("/admin/keap/disconnect"));
    assert_eq!(page.reload(), None, "nothing happens by itself");
    let json = world.status_json().await;
    assert_eq!((&json["reason"], &json["needs_a_person"]), (&"copied".into(), &true.into()));
    assert!(json["since"].is_string());

    let asked = world.token_requests();
    for _ in 0..3 {
        world.advance(HOUR * 22);
        world.send(post("/refresh")).await;
        world.page_in("restored").await;
    }
    assert_eq!(world.token_requests(), asked);
    assert_says(&world.overview().await, &["Until then nothing can be sent to Keap;"]);
}

#[tokio::test]
async fn an_older_state_says_so_and_renews_nothing() {
    let world = older().await;
    let page = world.page_in("restored").await;
    assert_says(&page, &["The database was restored from a backup", "It holds an older pair of tokens"]);
    assert_eq!(world.status_json().await["reason"], "older");
    let asked = world.token_requests();
    world.advance(HOUR * 22);
    world.page_in("restored").await;
    assert_eq!(world.token_requests(), asked);
    assert_says(
        &world.send(get("/adopt")).await.page(),
        &["has been used before", "most likely Keap refuses"],
    );
}

#[tokio::test]
async fn going_on_is_asked_about_first() {
    let world = copied().await;
    let before = world.everything().await;
    let question = world.send(get("/adopt")).await;
    assert_eq!(question.status, StatusCode::OK);
    let page = question.page();
    assert_says(&page, &["No other deployment may use the same connection:", "both connections can end"]);
    assert_eq!(page.button(ADOPT).as_deref(), Some("Nothing else uses it: go on"));
    assert!(page.links_to(MOUNT));
    assert_eq!(world.everything().await, before, "asking changes nothing");
}

#[tokio::test]
async fn only_a_form_of_this_session_goes_on() {
    let world = copied().await;
    let bare = || visit(Method::POST, "/adopt");
    let table = [
        ("no token", bare()),
        ("another session's", bare().field("csrf_token", "the-token-of-session-2")),
        ("cut", bare().field("csrf_token", &CSRF[1..])),
        ("a stranger", post("/adopt").by_stranger()),
        ("another site", post("/adopt").header("sec-fetch-site", "cross-site")),
        ("in the address", visit(Method::POST, &format!("/adopt?csrf_token={CSRF}"))),
    ];
    let before = world.everything().await;
    for (what, visit) in table {
        let answer = world.send(visit).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(world.everything().await, before, "{what}");
    }
    assert_eq!(world.send(get("/adopt").by_stranger()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_copy_that_is_adopted_lives_on() {
    let mut world = copied().await;
    let answer = world.send(post("/adopt")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, MOUNT));
    until(|| async { generation(&world) == 2 }).await;
    world.page_in("connected").await;
    assert_renews(&mut world).await;
}

#[tokio::test]
async fn an_older_state_that_is_adopted_is_tried() {
    let mut world = older().await;
    world.send(post("/adopt")).await;
    // This one was lucky: a disconnection leaves the tokens good at Keap.
    until(|| async { generation(&world) == 2 }).await;
    assert_renews(&mut world).await;
}

#[tokio::test]
async fn connecting_again_is_a_way_out_of_a_copy() {
    let mut world = copied().await;
    world.connect("acme").await;
    world.page_in("connected").await;
    assert_renews(&mut world).await;
}

#[tokio::test]
async fn connecting_again_is_a_way_out_of_an_older_state() {
    let mut world = older().await;
    world.connect("acme").await;
    world.page_in("connected").await;
    assert_renews(&mut world).await;
}

/// It is out for good: it renews itself now, and after a restart.
async fn assert_renews(world: &mut World) {
    for _ in 0..2 {
        let before = generation(world);
        world.advance(HOUR * 22);
        until(|| async { generation(world) == before + 1 }).await;
        world.page_in("connected").await;
        world.stop().await;
        world.start(SECRET).await;
        world.page_in("connected").await;
    }
}

#[tokio::test]
async fn where_nothing_is_to_be_decided_nothing_is_asked() {
    let mut world = World::connected().await;
    for visit in [get("/adopt"), post("/adopt")] {
        let before = world.everything().await;
        let answer = world.send(visit).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, MOUNT));
        assert_eq!(world.everything().await, before);
    }
    assert!(!world.overview().await.links_to(ADOPT));
    world.stop().await;
    for visit in [get("/adopt"), post("/adopt")] {
        assert_eq!(world.send(visit).await.status, StatusCode::CONFLICT, "there is no connection");
    }
}

#[tokio::test]
async fn what_the_journal_can_heal_is_healed() {
    let mut world = World::connected().await;
    let backup = world.back_up().await;
    for expected in [2, 3] {
        world.advance(HOUR * 22);
        until(|| async { generation(&world) == expected }).await;
    }
    let asked = world.token_requests();
    world.stop().await;
    world.restore(backup).await;
    world.start(SECRET).await;
    let page = world.page_in("connected").await;
    assert_eq!(page.element("generation").as_deref(), Some("1.3"));
    assert_says(&page, &["Connected"]);
    assert_eq!(world.token_requests(), asked, "nothing was sent for it");
    assert_renews(&mut world).await;
}
