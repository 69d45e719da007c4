use crate::world::World;

#[tokio::test]
async fn logging_out_ends_the_session_everywhere() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    let mut copy = browser.clone();
    let page = browser.get("/").await;
    browser.submit_from(&page, "/log-out", &[]).await.assert_leads_to("/");
    assert!(!browser.cookies.contains_key("buttonpush-session"));
    copy.get("/button").await.assert_leads_to("/log-in?next=/button");
    assert_eq!(world.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn somebody_who_is_not_logged_in_can_log_out() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let page = browser.get("/log-in").await;
    browser.submit_from(&page, "/log-out", &[]).await.assert_leads_to("/");
}
