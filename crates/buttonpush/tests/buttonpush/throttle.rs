use std::time::Duration;

use crate::world::{PASSWORD, World, log_in, sign_up};

#[tokio::test]
async fn guesses_have_to_wait_longer_and_longer() {
    let world = World::new().await;
    let mut owner = world.person("anna@example.com").await;
    let mut attacker = world.anonymous();
    attacker.from = [127, 0, 0, 2].into();
    for _ in 0..5 {
        log_in(&mut attacker, "anna@example.com", "a wrong guess").await.assert_status(422);
    }
    let refused = log_in(&mut attacker, "anna@example.com", PASSWORD).await;
    refused.assert_status(429).assert_says("possible in 1 second").assert_says("Nothing is locked");
    assert_eq!(refused.header("retry-after"), Some("1"));
    world.clock.advance(Duration::from_secs(1));
    log_in(&mut attacker, "anna@example.com", "a wrong guess").await.assert_status(422);
    let refused = log_in(&mut attacker, "anna@example.com", "a wrong guess").await;
    assert_eq!(refused.header("retry-after"), Some("2"));

    let page = owner.get("/").await;
    owner.submit_from(&page, "/log-out", &[]).await;
    log_in(&mut owner, "anna@example.com", PASSWORD).await.assert_leads_to("/button");
}

#[tokio::test]
async fn unknown_addresses_have_to_wait_alike() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let mut statuses = Vec::new();
    for (host, email) in [(2, "anna@example.com"), (3, "nobody@example.com")] {
        let mut attacker = world.anonymous();
        attacker.from = [127, 0, 0, host].into();
        let mut seen = Vec::new();
        for _ in 0..7 {
            let answer = log_in(&mut attacker, email, "a wrong guess").await;
            seen.push((answer.status, answer.header("retry-after").map(str::to_owned)));
        }
        statuses.push(seen);
    }
    assert_eq!(statuses[0], statuses[1]);
    assert_eq!(statuses[0][6].0, 429);
}

#[tokio::test]
async fn a_forged_forwarded_address_changes_nothing() {
    let world = World::new().await;
    let mut attacker = world.anonymous();
    let token = attacker.get("/log-in").await.form_token().unwrap();
    let fields = [("email", "anna@example.com"), ("password", "a wrong guess"), ("csrf_token", &token)];
    let mut statuses = Vec::new();
    for n in 0..7 {
        let forged = format!("198.51.100.{n}");
        let headers = [("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", forged.as_str())];
        statuses.push(attacker.post("/log-in", &fields, &headers).await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
}

#[tokio::test]
async fn a_trusted_proxy_tells_visitors_apart_by_its_own_entry() {
    let world = World::with(&[("BUTTONPUSH_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let mut browser = world.anonymous();
    let token = browser.get("/log-in").await.form_token().unwrap();
    let fields = [("email", "anna@example.com"), ("password", "a wrong guess"), ("csrf_token", &token)];
    let mut last = 0;
    for n in 0..7 {
        let forwarded = format!("198.51.100.{n}, 203.0.113.9");
        let headers = [("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", forwarded.as_str())];
        last = browser.post("/log-in", &fields, &headers).await.status;
    }
    assert_eq!(last, 429);
    let headers = [("Sec-Fetch-Site", "same-origin"), ("X-Forwarded-For", "203.0.113.9, 203.0.113.10")];
    browser.post("/log-in", &fields, &headers).await.assert_status(422);
}

#[tokio::test]
async fn sign_ups_from_one_network_have_their_number() {
    let world = World::with(&[("BUTTONPUSH_SIGN_UPS_PER_HOUR", "3")]).await;
    let mut flood = world.anonymous();
    for n in 0..3 {
        sign_up(&mut flood, "Eve", &format!("eve{n}@example.com"), PASSWORD).await.assert_status(303);
    }
    sign_up(&mut flood, "Eve", "eve4@example.com", PASSWORD)
        .await
        .assert_status(429)
        .assert_says("20 minutes");
    let mut other = world.anonymous();
    other.from = [127, 0, 0, 2].into();
    sign_up(&mut other, "Anna", "anna@example.com", PASSWORD).await.assert_status(303);
    world.clock.advance(Duration::from_mins(20));
    sign_up(&mut flood, "Eve", "eve4@example.com", PASSWORD).await.assert_status(303);
}
