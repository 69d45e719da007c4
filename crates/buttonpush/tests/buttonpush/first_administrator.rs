use std::time::Duration;

use crate::browser::Browser;
use crate::world::{PASSWORD, World};

const FIELDS: [(&str, &str); 3] =
    [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
const NOT_OPEN: &str = "This link does not work any more";

async fn refused(browser: &mut Browser, path: &str) {
    browser.get(path).await.assert_status(403).assert_says(NOT_OPEN);
}

#[tokio::test]
async fn the_link_makes_an_administrator_once() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let form = world.open_administrator_link(&mut browser).await;
    form.assert_status(200).assert_says("Be the administrator");
    let answer = browser.submit_from(&form, "/admin/first", &FIELDS).await;
    answer.assert_leads_to("/admin");
    browser
        .follow(&answer)
        .await
        .assert_status(200)
        .assert_says("Ada Admin")
        .assert_says("href=\"/admin/keap\"");
    assert!(!browser.cookies.contains_key("buttonpush-invitation"));
    assert_eq!(world.number("SELECT count(*) FROM users WHERE role = 'administrator'").await, 1);

    refused(&mut world.anonymous(), &world.administrator_path()).await;
    let world = world.restart().await;
    assert_eq!(world.running.administrator_link, None);
}

#[tokio::test]
async fn opening_it_does_not_use_it_up_and_two_cannot_both_win() {
    let world = World::new().await;
    let (mut first, mut second) = (world.anonymous(), world.anonymous());
    let first_form = world.open_administrator_link(&mut first).await;
    let second_form = world.open_administrator_link(&mut second).await;
    let other = [("name", "Eve"), ("email", "eve@example.com"), ("password", PASSWORD)];
    let (one, two) = tokio::join!(
        first.submit_from(&first_form, "/admin/first", &FIELDS),
        second.submit_from(&second_form, "/admin/first", &other),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 403]);
    assert_eq!(world.number("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn it_expires_after_thirty_minutes() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let form = world.open_administrator_link(&mut browser).await;
    world.clock.advance(Duration::from_mins(30));
    browser.submit_from(&form, "/admin/first", &FIELDS).await.assert_status(403).assert_says(NOT_OPEN);
    refused(&mut world.anonymous(), &world.administrator_path()).await;
    assert_eq!(world.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn a_restart_prints_a_new_one_and_ends_the_old() {
    let world = World::new().await;
    let old = world.administrator_path();
    let world = world.restart().await;
    refused(&mut world.anonymous(), &old).await;
    world.administrator().await.get("/admin").await.assert_status(200);
}

#[tokio::test]
async fn without_the_link_there_is_nothing() {
    let world = World::new().await;
    for path in [
        "/admin/first",
        "/admin/first?token=",
        "/admin/first?token=AAAAAAAAAAAAAAAAAAAAAA",
        "/admin/first?token=%00",
        "/admin/first?token[]=x",
        "/admin/first?x",
    ] {
        refused(&mut world.anonymous(), path).await;
    }
    let mut browser = world.anonymous();
    let page = browser.get("/log-in").await;
    browser.submit_from(&page, "/admin/first", &FIELDS).await.assert_status(403).assert_says(NOT_OPEN);
    assert_eq!(world.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn the_token_leaves_the_address_and_is_stored_as_a_hash() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let path = world.administrator_path();
    let token = path.split('=').nth(1).unwrap();
    assert_eq!(token.len(), 22, "128 bits");
    let form = world.open_administrator_link(&mut browser).await;
    assert!(!form.body.contains(token));
    world.assert_is_not_stored(token);
}

#[tokio::test]
async fn an_address_that_has_an_account_is_told_and_the_link_stays_open() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let mut browser = world.anonymous();
    let form = world.open_administrator_link(&mut browser).await;
    let answer = browser.submit_from(&form, "/admin/first", &FIELDS).await;
    answer.assert_status(422).assert_says("has an ordinary account");
    let other = [("name", "Ada"), ("email", "admin@example.com"), ("password", PASSWORD)];
    browser.submit_from(&answer, "/admin/first", &other).await.assert_leads_to("/admin");
}
