use crate::world::World;

const PAGES: [&str; 5] = ["/admin", "/admin/", "/admin/keap", "/admin/keap/history", "/admin/nope"];

#[tokio::test]
async fn nobody_else_sees_the_administrators_pages() {
    let world = World::new().await;
    let mut person = world.person("anna@example.com").await;
    for path in PAGES {
        let query = serde_html_form::to_string([("next", path)]).unwrap();
        world.anonymous().get(path).await.assert_leads_to(&format!("/log-in?{query}"));
        person.get(path).await.assert_status(403).assert_says("This page is for administrators");
        let page = person.get("/button").await;
        person.submit_from(&page, path, &[]).await.assert_status(403);
    }
}

#[tokio::test]
async fn the_callback_is_reached_without_a_session() {
    let world = World::new().await;
    for path in ["/admin/keap/callback?code=x&state=y", "/admin/keap/return"] {
        let answer = world.anonymous().get(path).await;
        assert!(
            answer.status != 403 && answer.header("location").is_none_or(|to| !to.starts_with("/log-in"))
        );
    }
    for path in
        ["/admin/keap/callback/", "/admin/keap/callback/x", "/admin/keap/%63allback", "/admin/keap//callback"]
    {
        let answer = world.anonymous().get(path).await;
        assert!(answer.status == 303 && answer.location().starts_with("/log-in"), "{path}");
    }
}

#[tokio::test]
async fn the_start_page_counts_people_and_presses() {
    let world = World::new().await;
    let mut administrator = world.administrator().await;
    let mut person = world.person("anna@example.com").await;
    for _ in 0..3 {
        person.submit("/button", &[]).await;
    }
    administrator.get("/admin").await.assert_says("<dd>2</dd>").assert_says("<dd>3</dd>");
    administrator.get("/admin/keap").await.assert_status(200);
    administrator.get("/admin/nope").await.assert_status(404);
}
