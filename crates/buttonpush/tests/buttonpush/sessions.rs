use std::time::Duration;

use crate::browser::Browser;
use crate::world::World;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

async fn is_logged_in(browser: &mut Browser) -> bool {
    browser.get("/button").await.status == 200
}

#[tokio::test]
async fn a_person_stays_for_fourteen_idle_days() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    world.clock.advance(Duration::from_secs(14 * DAY - 1));
    assert!(is_logged_in(&mut browser).await);
    world.clock.advance(Duration::from_secs(14 * DAY));
    assert!(!is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn a_person_stays_for_thirty_days_at_most() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    for day in 1..30 {
        world.clock.advance(Duration::from_secs(DAY));
        assert!(is_logged_in(&mut browser).await, "day {day}");
    }
    world.clock.advance(Duration::from_secs(DAY));
    assert!(!is_logged_in(&mut browser).await);
}

#[tokio::test]
async fn an_administrator_stays_for_thirty_idle_minutes() {
    let world = World::new().await;
    let mut browser = world.administrator().await;
    world.clock.advance(Duration::from_secs(30 * MINUTE - 1));
    browser.get("/admin").await.assert_status(200);
    world.clock.advance(Duration::from_secs(30 * MINUTE));
    browser.get("/admin").await.assert_leads_to("/log-in?next=%2Fadmin");
}

#[tokio::test]
async fn an_administrator_stays_for_twelve_hours_at_most() {
    let world = World::new().await;
    let mut browser = world.administrator().await;
    for twenty_minutes in 1..36 {
        world.clock.advance(Duration::from_secs(20 * MINUTE));
        assert_eq!(browser.get("/admin").await.status, 200, "{twenty_minutes}");
    }
    world.clock.advance(Duration::from_secs(20 * MINUTE));
    browser.get("/admin").await.assert_leads_to("/log-in?next=%2Fadmin");
}
