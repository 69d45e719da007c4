use crate::world::{PASSWORD, World, log_in, sign_up};

/// What people paste into names, and whether it is taken. Nothing of it may ever come back as anything but text.
const NAMES: [(&str, bool); 15] = [
    ("<script>alert(1)</script>", true),
    ("\"><img src=x onerror=alert(1)>", true),
    ("' OR 1=1; DROP TABLE users; --", true),
    ("{{ 7 * 7 }} ${7*7} <%= 7*7 %> a", true),
    ("&lt;b&gt; &amp; x", true),
    ("Zoë 李 سارا 🦀", true),
    ("../../etc/passwd", true),
    ("An\0na", false),
    ("Anna\r\nSet-Cookie: x=y", false),
    ("\u{202E}annA", false),
    ("An\u{2066}na", false),
    ("\u{1b}[31mAnna", false),
    ("\u{feff}\u{200b}", false),
    ("", false),
    (" \t\n ", false),
];

#[tokio::test]
async fn names_come_back_as_text_or_are_refused() {
    let world = World::with(&[("BUTTONPUSH_SIGN_UPS_PER_HOUR", "1000")]).await;
    for (n, (name, taken)) in NAMES.into_iter().enumerate() {
        let email = format!("person{n}@example.com");
        let mut browser = world.anonymous();
        let answer = sign_up(&mut browser, name, &email, PASSWORD).await;
        let page = if taken {
            answer.assert_leads_to("/log-in?welcome");
            log_in(&mut browser, &email, PASSWORD).await.assert_leads_to("/button");
            browser.get("/button").await
        } else {
            answer.assert_status(422);
            answer
        };
        assert!(
            !page.body.contains("<script") && !page.body.contains("<img") && !page.body.contains("<b>"),
            "{name:?}"
        );
        assert!(page.all("set-cookie").all(|line| !line.starts_with("x=")), "{name:?}");
    }
    assert_eq!(world.number("SELECT count(*) FROM users").await, 7);
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_as_text() {
    let world = World::with(&[("BUTTONPUSH_SIGN_UPS_PER_HOUR", "1000")]).await;
    let long = format!("{}@example.com", "a".repeat(10_000));
    for email in [
        "<script>alert(1)</script>@example.com",
        "\"><svg onload=alert(1)>@example.com",
        "a@b",
        "a@example.com\0",
        "a@example.com\r\nBcc: b@example.com",
        "\u{202E}moc.elpmaxe@a",
        "a b@example.com",
        &long,
        "@",
        "",
    ] {
        let mut browser = world.anonymous();
        let page = sign_up(&mut browser, "Eve", email, PASSWORD).await;
        page.assert_status(422);
        assert!(!page.body.contains("<script") && !page.body.contains("<svg"), "{email:?}");
        log_in(&mut browser, email, PASSWORD).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn too_much_is_refused() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let name = "a".repeat(10_000);
    sign_up(&mut browser, &name, "anna@example.com", PASSWORD)
        .await
        .assert_status(422)
        .assert_says("at most 100");
    sign_up(&mut browser, "Anna", "anna@example.com", &name)
        .await
        .assert_status(422)
        .assert_says("at most 128");
    let name = "a".repeat(70_000);
    let answer = sign_up(&mut browser, &name, "anna@example.com", PASSWORD).await;
    answer.assert_status(413).assert_says("larger than any form");
}

#[tokio::test]
async fn bodies_that_are_no_forms_hurt_nobody() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    for body in
        ["%", "%ff%fe", "=&=&=", "csrf_token", "&&&&", "a=%00", "csrf_token=x&csrf_token=y", "\u{0}\u{1}"]
    {
        browser.send("POST", "/log-in", &[kind], body).await.assert_status(403);
    }
    browser.get("/healthz").await.assert_status(200);
}
