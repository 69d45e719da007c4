use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::world::World;

#[tokio::test]
async fn every_press_counts_for_whoever_pressed() {
    let world = World::new().await;
    let mut anna = world.person("anna@example.com").await;
    let mut bert = world.person("bert@example.com").await;
    for said in ["pushed it once", "<strong>2</strong> times", "<strong>3</strong> times"] {
        let answer = anna.submit("/button", &[]).await;
        answer.assert_leads_to("/button");
        anna.follow(&answer).await.assert_says(said);
    }
    bert.get("/button").await.assert_says("You have not pushed it yet.");
}

#[tokio::test]
async fn the_button_needs_somebody() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    browser.get("/button").await.assert_leads_to("/log-in?next=/button");
    let page = browser.get("/log-in").await;
    browser.submit_from(&page, "/button", &[]).await.assert_leads_to("/log-in?next=/button");
    assert_eq!(world.number("SELECT count(*) FROM presses").await, 0);
}

#[tokio::test]
async fn the_count_survives_a_restart() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    browser.submit("/button", &[]).await;
    let cookies = browser.cookies;
    let world = world.restart().await;
    let mut browser = world.anonymous();
    browser.cookies = cookies;
    browser.get("/button").await.assert_says("pushed it once");
}

#[tokio::test]
async fn a_thousand_presses_at_once_are_a_thousand() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    let page = Arc::new(browser.get("/button").await);
    // As many connections as one process may open in every environment.
    let at_once = Arc::new(Semaphore::new(200));
    let mut presses = JoinSet::new();
    for _ in 0..1_000 {
        let (mut browser, page, at_once) = (browser.clone(), page.clone(), at_once.clone());
        presses.spawn(async move {
            let _slot = at_once.acquire().await.unwrap();
            browser.submit_from(&page, "/button", &[]).await.status
        });
    }
    assert!(presses.join_all().await.iter().all(|status| *status == 303));
    assert_eq!(world.number("SELECT count FROM presses").await, 1_000);
    assert_eq!(world.number("SELECT count(*) FROM presses").await, 1);
}
