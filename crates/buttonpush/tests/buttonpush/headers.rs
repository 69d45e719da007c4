use crate::browser::Answer;
use crate::world::World;

const EVERYWHERE: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Forms may lead to Keap's sign-in, and nowhere else.
fn policy(world: &World) -> String {
    let keap = &world.running.sandbox.as_ref().unwrap().url;
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self' {keap}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
}

fn check(world: &World, answer: &Answer, path: &str) {
    // The callback's address holds a code.
    let holds_a_code = path.ends_with("/callback") && answer.status == 400;
    let referrer = if holds_a_code { "no-referrer" } else { "same-origin" };
    assert_eq!(answer.header("referrer-policy"), Some(referrer), "{path}");
    assert_eq!(answer.header("content-security-policy"), Some(policy(world).as_str()), "{path}");
    for (name, value) in EVERYWHERE {
        assert_eq!(answer.all(name).collect::<Vec<_>>(), [value], "{path}: {name}");
    }
    assert!(answer.header("permissions-policy").is_some_and(|policy| policy.contains("camera=()")), "{path}");
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None, "{path}");
    }
    for line in answer.all("set-cookie") {
        assert!(
            line.contains("; HttpOnly;") && line.contains("; Path=/;") && !line.contains("Domain"),
            "{line}"
        );
    }
    let kept = answer.header("cache-control").unwrap();
    assert_eq!(kept != "no-store", path.starts_with("/assets/") && answer.status == 200, "{path}: {kept}");
}

#[tokio::test]
async fn every_answer_has_them() {
    let world = World::new().await;
    let mut administrator = world.administrator().await;
    let mut person = world.person("anna@example.com").await;
    let home = world.anonymous().get("/").await;
    let stylesheet =
        home.body.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for browser in [&mut world.anonymous(), &mut person, &mut administrator] {
        for path in [
            "/",
            "/sign-up",
            "/log-in",
            "/button",
            "/admin",
            "/admin/first",
            "/admin/keap",
            "/admin/keap/callback",
            "/admin/nope",
            "/healthz",
            "/readyz",
            "/nope",
            "/assets/nope.css",
            &stylesheet,
            "/%00",
            "/..%2f..%2fetc/passwd",
        ] {
            check(&world, &browser.get(path).await, path);
            check(&world, &browser.post(path, &[], &[]).await, path);
            for method in ["HEAD", "OPTIONS", "PUT", "TRACE"] {
                let answer = browser.send(method, path, &[("Origin", "https://evil.example")], "").await;
                check(&world, &answer, path);
            }
        }
    }
}

#[tokio::test]
async fn https_is_remembered_over_https_only() {
    let plain = World::new().await.anonymous().get("/").await;
    assert_eq!(plain.header("strict-transport-security"), None);
    let encrypted = World::https().await.anonymous().get("/nope").await;
    assert_eq!(encrypted.header("strict-transport-security"), Some("max-age=63072000; includeSubDomains"));
}

#[tokio::test]
async fn forms_may_lead_to_the_sign_in_of_the_configured_keap() {
    let world = World::with(&[
        ("KEAP_CLIENT_ID", "an-id"),
        ("KEAP_CLIENT_SECRET", "not-a-placeholder"),
        ("KEAP_REDIRECT_URI", "https://push.example.com/admin/keap/callback"),
    ])
    .await;
    let answer = world.anonymous().get("/").await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://signin.infusionsoft.com;"), "{policy}");
    assert_eq!(world.running.origin.as_str(), "https://push.example.com");
}

#[tokio::test]
async fn assets_have_names_that_change_with_them() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let home = browser.get("/").await;
    let stylesheet = home.body.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = browser.get(stylesheet).await;
    answer.assert_status(200).assert_says("--paper");
    assert_eq!(answer.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for page in ["/", "/sign-up", "/nope"] {
        let page = browser.get(page).await;
        assert!(
            !page.body.contains("<script") && !page.body.contains("style=") && !page.body.contains("//"),
            "{}",
            page.body
        );
    }
}
