//! `GET /` and its buttons.

use serde_json::json;

use crate::browser::Browser;
use crate::keap::Keap;

#[tokio::test]
async fn the_page_shows_everything_and_escapes_it() {
    let keap = Keap::start().await;
    let payload = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let body = json!({
        "given_name": "<b onmouseover=x>\"'&", "family_name": "{{7*7}}<svg/onload=x>",
        "email_addresses": [{"email": "\"<i>\"@example.com"}], "tags": [payload],
    });
    keap.post_json("/_sandbox/accounts/acme/contacts", body).await.expect(201);
    let tokens = keap.connect("acme").await;
    let request = keap.http.get(keap.url("/crm/rest/v2/tags?x=<script>")).header("user-agent", payload);
    keap.send(request).await.expect(401);
    keap.post_json("/_sandbox/faults", json!({"kind": "drop", "path": payload})).await.expect(200);
    let page = keap.get("/").await.expect(200);
    for raw in ["<script", "<img", "<svg", "<b ", "<i>"] {
        assert!(!page.text.contains(raw), "{raw}");
    }
    for shown in ["Acme Toys", "Globex", "sandbox-client", "listTags", "Sandbox:", "{{7*7}}"] {
        assert!(page.text.contains(shown), "{shown}");
    }
    for secret in [&tokens.access, &tokens.refresh] {
        assert!(!page.text.contains(secret.as_str()));
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'") && policy.contains("form-action 'self';")
    );
    let style = keap.get("/_sandbox/style.css").await.expect(200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(keap.get("/_sandbox/icon.svg").await.expect(200).header("content-type"), "image/svg+xml");
}

#[tokio::test]
async fn the_buttons_work_without_scripts() {
    let keap = Keap::start().await;
    let tokens = keap.connect("acme").await;
    let mut browser = Browser::new(&keap);
    let before = keap.sandbox.clock().now();
    for seconds in ["3600", "75600", "86400", "3888000"] {
        browser.post("/_sandbox/page/advance", &[("seconds", seconds)]).await.expect(303);
    }
    let moved = keap.sandbox.clock().now().as_second() - before.as_second();
    assert_eq!(moved, 3_600 + 75_600 + 86_400 + 3_888_000);

    browser.post("/_sandbox/page/down", &[]).await.expect(303);
    assert!(keap.get("/").await.text.contains("Keap is down"));
    keap.api_get("/tags").await.expect(503);
    keap.refresh(&tokens.refresh).await.expect(503);
    browser.post("/_sandbox/page/down", &[]).await.expect(303);
    keap.api_get("/tags").await.expect(200);

    browser.post("/_sandbox/page/revoke", &[("grant", "1")]).await.expect(303);
    assert!(keap.get("/").await.text.contains("revoked by a person"));
    browser.post("/_sandbox/page/reset", &[]).await.expect(303);
    assert!(keap.sandbox.grants().is_empty());
}

#[tokio::test]
async fn buttons_pressed_from_elsewhere_do_nothing() {
    let keap = Keap::start().await;
    keap.connect("acme").await;
    for action in ["advance", "revoke", "down", "reset"] {
        for (name, value) in
            [("origin", "http://127.0.0.1:1"), ("sec-fetch-site", "same-site"), ("host", "evil.example")]
        {
            let request = keap.http.post(keap.url(&format!("/_sandbox/page/{action}"))).header(name, value);
            let answer = keap.send(request.body("seconds=60&grant=1")).await;
            assert_eq!(answer.status, 403, "{action} {name}");
        }
    }
    assert!(keap.sandbox.grants()[0].revoked_at.is_none() && keap.sandbox.faults().is_empty());
}
