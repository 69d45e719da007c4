//! Every route that changes something, each way in which another site might send its form.

use crate::browser::Browser;
use crate::world::{PASSWORD, World};

const UNSAFE: [&str; 7] =
    ["/sign-up", "/log-in", "/log-out", "/button", "/admin/first", "/admin/keap", "/admin/keap/callback"];

const STORED: &str = "SELECT (SELECT count(*) FROM users) * 1000000 + (SELECT count(*) FROM sessions) * 10000 \
        + (SELECT count(*) FROM presses) * 100 + (SELECT count(*) FROM admin_invitations)";

const FIELDS: [(&str, &str); 3] = [("name", "Eve"), ("email", "eve@example.com"), ("password", PASSWORD)];

/// The headers about where a form is from, as different senders write them. `true`: our own page.
fn senders(origin: &str) -> Vec<(bool, Vec<(&'static str, String)>)> {
    let (site, from, page) = ("Sec-Fetch-Site", "Origin", "Referer");
    vec![
        (true, vec![(site, "same-origin".into()), (from, origin.into())]),
        (true, vec![(from, origin.into())]),
        (true, vec![(page, format!("{origin}/button"))]),
        (false, vec![]),
        (false, vec![(site, "cross-site".into()), (from, "https://evil.example".into())]),
        (false, vec![(site, "cross-site".into()), (from, origin.into())]),
        (false, vec![(site, "same-site".into())]),
        (false, vec![(site, "same-origin".into()), (from, "https://evil.example".into())]),
        (false, vec![(from, "https://evil.example".into())]),
        (false, vec![(from, "null".into())]),
        (false, vec![(page, "https://evil.example/".into())]),
    ]
}

async fn check(world: &World, browser: &mut Browser) -> usize {
    let own = browser.get("/").await.form_token().or(browser.get("/log-in").await.form_token()).unwrap();
    let foreign = world.anonymous().get("/log-in").await.form_token().unwrap();
    let mut checked = 0;
    for path in UNSAFE {
        for token in [None, Some(""), Some(foreign.as_str()), Some(own.as_str())] {
            for (ours, headers) in senders(world.running.origin.as_str()) {
                if ours && token == Some(own.as_str()) {
                    continue;
                }
                let mut fields = FIELDS.to_vec();
                fields.extend(token.map(|token| ("csrf_token", token)));
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = browser.clone().post(path, &fields, &headers).await;
                let to_log_in = answer.status == 303 && answer.location().starts_with("/log-in?next=");
                // Somebody without a session is sent away from the admin pages before the form is looked at.
                let away = path == "/admin/keap" && (to_log_in || answer.body.contains("for administrators"));
                assert!(answer.status == 403 || away, "{path} {token:?} {headers:?}: {}", answer.status);
                checked += 1;
            }
        }
    }
    checked
}

#[tokio::test]
async fn no_form_of_another_site_is_taken() {
    let world = World::with(&[("BUTTONPUSH_SIGN_UPS_PER_HOUR", "1000")]).await;
    let mut administrator = world.administrator().await;
    let mut person = world.person("anna@example.com").await;
    let before = world.number("SELECT count(*) FROM users").await;
    let mut checked = 0;
    for browser in [&mut world.anonymous(), &mut person, &mut administrator] {
        checked += check(&world, browser).await;
    }
    assert_eq!(checked, 3 * 7 * (4 * 11 - 3));
    assert_eq!(world.number("SELECT count(*) FROM users").await, before);
    assert_eq!(world.number("SELECT count(*) FROM presses").await, 0);
    person.get("/button").await.assert_status(200);
}

#[tokio::test]
async fn a_token_ends_with_what_it_is_bound_to() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    let before = browser.get("/button").await;
    browser.submit_from(&before, "/log-out", &[]).await;
    browser.submit("/log-in", &[("email", "anna@example.com"), ("password", PASSWORD)]).await;
    browser.submit_from(&before, "/button", &[]).await.assert_status(403).assert_says("reload the page");
    browser.submit("/button", &[]).await.assert_leads_to("/button");
}

#[tokio::test]
async fn a_form_that_is_not_a_form_is_not_taken() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    let token = browser.get("/button").await.form_token().unwrap();
    let body = format!("csrf_token={token}");
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
        let headers = [("Sec-Fetch-Site", "same-origin"), ("Content-Type", kind)];
        browser.send("POST", "/button", &headers, &body).await.assert_status(403);
    }
}

#[tokio::test]
async fn reading_changes_nothing() {
    let world = World::new().await;
    let mut administrator = world.administrator().await;
    let mut person = world.person("anna@example.com").await;
    let before = world.number(STORED).await;
    for path in [
        "/",
        "/sign-up",
        "/log-in",
        "/log-out",
        "/button",
        "/admin",
        "/admin/first",
        "/admin/keap",
        "/healthz",
        "/readyz",
        "/nope",
    ] {
        for browser in [&mut world.anonymous(), &mut person, &mut administrator] {
            browser.get(path).await;
        }
    }
    assert_eq!(world.number(STORED).await, before);
}
