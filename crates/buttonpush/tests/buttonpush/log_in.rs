use crate::world::{PASSWORD, World, log_in};

#[tokio::test]
async fn a_wrong_password_is_told_kindly_and_opens_nothing() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let mut browser = world.anonymous();
    for password in ["", "correct horse batter", "correct horse battery ", &"a".repeat(5000)] {
        log_in(&mut browser, "anna@example.com", password)
            .await
            .assert_status(422)
            .assert_says("do not belong together");
    }
    browser.get("/button").await.assert_leads_to("/log-in?next=/button");
}

#[tokio::test]
async fn logging_in_leads_to_where_one_wanted_to_go() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let mut browser = world.anonymous();
    let page = browser.get("/log-in?next=/?from=mail").await;
    page.assert_says("name=\"next\" value=\"/?from=mail\"");
    let fields = [("email", "anna@example.com"), ("password", PASSWORD), ("next", "/?from=mail")];
    browser.submit_from(&page, "/log-in", &fields).await.assert_leads_to("/?from=mail");
    browser.get("/log-in?next=/admin").await.assert_leads_to("/admin");
    browser.get("/sign-up").await.assert_leads_to("/button");
}

#[tokio::test]
async fn a_link_cannot_lead_to_another_site() {
    let world = World::new().await;
    let mut person = world.person("anna@example.com").await;
    let beginnings = [
        "",
        "/",
        "//",
        "///",
        "/\\",
        "\\\\",
        "/\t/",
        "/.//",
        "/%09/",
        "https:",
        "https://",
        "http:/",
        "javascript:",
        "//\u{2f}",
    ];
    let ends = [
        "evil.example",
        "evil.example/x",
        "@evil.example",
        "evil.example%00",
        "evil.example\r\nX: y",
        "?x",
        "\\evil",
    ];
    let mut tried = 0;
    for next in
        beginnings.iter().flat_map(|beginning| ends.iter().map(move |end| format!("{beginning}{end}")))
    {
        tried += 1;
        let query = serde_html_form::to_string([("next", &next)]).unwrap();
        let to = person.get(&format!("/log-in?{query}")).await.location().to_owned();
        let here: url::Url = "http://127.0.0.1/log-in".parse().unwrap();
        assert_eq!(here.join(&to).unwrap().origin(), here.origin(), "{next:?} leads to {to:?}");
        assert!(!to.contains('\\'), "{next:?} leads to {to:?}");
    }
    assert!(tried >= 98);
}
