//! `POST /token`.

use std::time::Duration;

use keap_sandbox::{ReuseMode, RevokedWhy};
use serde_json::json;

use crate::keap::{Answer, CALLBACK, CLIENT, Keap, pair, try_send};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn both_grants_answer_in_keaps_shape() {
    let keap = Keap::start().await;
    let code = keap.code("acme").await;
    let first = keap.exchange(&code).await.expect(200);
    let second = keap.refresh(&pair(&first).refresh).await.expect(200);
    for answer in [&first, &second] {
        assert_eq!(answer.header("content-type"), "application/json;charset=UTF-8");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let json = answer.json();
        assert_eq!(json["token_type"], "bearer");
        assert_eq!(json["expires_in"], 86_400);
        assert_eq!(json["scope"], "full|acme.infusionsoft.com");
        assert_eq!((pair(answer).access.len(), pair(answer).refresh.len()), (28, 32));
    }
}

/// Client id, parameters, and what comes of them.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, serde_json::Value);

#[tokio::test]
async fn every_known_error_has_its_shape() {
    let keap = Keap::start().await;
    let other = [("grant_type", "password")];
    let no_token = [("grant_type", "refresh_token"), ("refresh_token", "")];
    let bad_token = [("grant_type", "refresh_token"), ("refresh_token", "zzz")];
    let bad_code = [("grant_type", "authorization_code"), ("code", "zzz"), ("redirect_uri", CALLBACK)];
    let twice = [("grant_type", "refresh_token"), ("refresh_token", "a"), ("refresh_token", "b")];
    let oauth = |error: &str, text: &str| json!({"error": error, "error_description": text});
    let no_grant_type = oauth("invalid_request", "response_type or grant_type is required");
    let unknown_client = json!({"fault": {
        "faultstring": "Invalid client identifier {0}",
        "detail": {"errorcode": "oauth.v2.InvalidClientIdentifier"},
    }});
    let cases: Vec<Case<'_>> = vec![
        ("sandbox-client", &[], 400, no_grant_type.clone()),
        ("sandbox-client", &other, 400, no_grant_type.clone()),
        ("sandbox-client", &no_token, 401, unknown_client.clone()),
        ("sandbox-client", &bad_token, 400, oauth("invalid_request", "Invalid Refresh Token")),
        (
            "sandbox-client",
            &bad_code,
            401,
            oauth("invalid_grant", "Unable to authenticate username and password"),
        ),
        ("sandbox-client", &twice, 400, oauth("invalid_request", "A parameter was sent more than once")),
        ("nobody", &bad_token, 401, unknown_client),
    ];
    for (client, pairs, status, body) in cases {
        let answer = keap.send(keap.token_request(pairs).basic_auth(client, Some(CLIENT.1))).await;
        assert_eq!((answer.status, answer.json()), (status, body), "{client} {pairs:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    let wrong_secret = keap.send(keap.token_request(&bad_token).basic_auth(CLIENT.0, Some("no"))).await;
    assert_eq!((wrong_secret.status, wrong_secret.json()["error"].clone()), (401, json!("invalid_client")));
    let in_json = keap.http.post(keap.url("/token")).header("content-type", "application/json");
    let in_json = keap.send(in_json.body(r#"{"grant_type":"refresh_token"}"#)).await;
    assert_eq!((in_json.status, in_json.json()), (400, no_grant_type));
    keap.sandbox.change_settings(|settings| settings.older_errors = true);
    let older = keap.token(&bad_token).await;
    assert_eq!((older.status, older.json()), (400, oauth("invalid_grant", "Invalid refresh token")));
    assert_eq!(keap.get("/token").await.status, 405);
}

#[tokio::test]
async fn credentials_may_be_in_the_body() {
    let keap = Keap::start().await;
    let code = keap.code("acme").await;
    let pairs = [
        ("client_id", CLIENT.0),
        ("client_secret", CLIENT.1),
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
    ];
    keap.send(keap.token_request(&pairs)).await.expect(200);
}

#[tokio::test]
async fn a_code_works_once_and_its_second_use_ends_everything() {
    let keap = Keap::start().await;
    let code = keap.code("acme").await;
    let tokens = pair(&keap.exchange(&code).await.expect(200));
    keap.exchange(&code).await.expect(401);
    keap.as_bearer(&tokens.access, "/crm/rest/v2/tags").await.expect(401);
    keap.refresh(&tokens.refresh).await.expect(400);
    assert_eq!(keap.sandbox.grants()[0].revoked_why, Some(RevokedWhy::CodeReused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_parallel_exchanges_one_succeeds() {
    let keap = Keap::start().await;
    let code = keap.code("acme").await;
    let pairs = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    let statuses = parallel(&keap, 100, &pairs).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_parallel_refreshes_one_succeeds() {
    let keap = Keap::start().await;
    for round in 0..10 {
        let tokens = keap.connect("acme").await;
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh)];
        let statuses = parallel(&keap, 64, &pairs).await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "round {round}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 63, "round {round}");
        assert_eq!(keap.sandbox.grants().last().unwrap().generation, 2);
    }
}

/// Sends the same token request many times at once.
async fn parallel(keap: &Keap, times: usize, pairs: &[(&str, &str)]) -> Vec<u16> {
    let tasks: Vec<_> = (0..times)
        .map(|_| {
            let request = keap.token_request(pairs).basic_auth(CLIENT.0, Some(CLIENT.1));
            tokio::spawn(async move { try_send(request).await.unwrap().status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

#[tokio::test]
async fn codes_and_tokens_end_on_the_sandbox_clock() {
    let keap = Keap::start().await;
    let clock = keap.sandbox.clock();
    let late = keap.code("acme").await;
    clock.advance(Duration::from_mins(1));
    keap.exchange(&late).await.expect(401);

    let first = keap.connect("acme").await;
    clock.advance(Duration::from_secs(86_399));
    keap.as_bearer(&first.access, "/crm/rest/v2/tags").await.expect(200);
    clock.advance(Duration::from_secs(1));
    let expired = keap.as_bearer(&first.access, "/crm/rest/v2/tags").await.expect(401);
    assert_eq!(errorcode(&expired), "keymanagement.service.access_token_expired");

    clock.advance(DAY * 43);
    let second = pair(&keap.refresh(&first.refresh).await.expect(200));
    clock.advance(DAY * 45);
    let dead = keap.refresh(&second.refresh).await.expect(400);
    assert_eq!(dead.json()["error_description"], "Invalid Refresh Token");
}

#[tokio::test]
async fn rotation_ends_the_old_pair() {
    let keap = Keap::start().await;
    let first = keap.connect("acme").await;
    let second = pair(&keap.refresh(&first.refresh).await.expect(200));
    let old = keap.as_bearer(&first.access, "/crm/rest/v2/tags").await.expect(401);
    assert_eq!(errorcode(&old), "keymanagement.service.invalid_access_token");
    keap.refresh(&first.refresh).await.expect(400);
    keap.as_bearer(&second.access, "/crm/rest/v2/tags").await.expect(200);
    keap.sandbox.change_settings(|settings| settings.old_access_dies = false);
    keap.refresh(&second.refresh).await.expect(200);
    keap.as_bearer(&second.access, "/crm/rest/v2/tags").await.expect(200);
}

#[tokio::test]
async fn a_second_authorization_replaces_the_first_unless_switched() {
    let keap = Keap::start().await;
    let first = keap.connect("acme").await;
    let elsewhere = keap.connect("globex").await;
    keap.connect("acme").await;
    keap.refresh(&first.refresh).await.expect(400);
    keap.refresh(&elsewhere.refresh).await.expect(200);
    keap.sandbox.change_settings(|settings| settings.independent_grants = true);
    let third = keap.connect("acme").await;
    keap.connect("acme").await;
    keap.refresh(&third.refresh).await.expect(200);
}

#[tokio::test]
async fn reuse_modes_over_the_wire() {
    for (mode, reused, child) in [
        (ReuseMode::Reject, 400, 200),
        (ReuseMode::RevokeFamily, 400, 400),
        (ReuseMode::Grace { seconds: 30, count: 1 }, 200, 400),
        (ReuseMode::Replay, 200, 200),
        (ReuseMode::UntilChildUsed, 200, 400),
    ] {
        let keap = Keap::start().await;
        keap.sandbox.change_settings(|settings| settings.reuse = mode);
        let first = keap.connect("acme").await;
        let second = pair(&keap.refresh(&first.refresh).await.expect(200));
        assert_eq!(keap.refresh(&first.refresh).await.status, reused, "{mode:?}");
        assert_eq!(keap.refresh(&second.refresh).await.status, child, "{mode:?}");
    }
}

fn errorcode(answer: &Answer) -> String {
    answer.json()["fault"]["detail"]["errorcode"].as_str().unwrap().to_owned()
}
