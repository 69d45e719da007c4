//! `/_sandbox`.

use keap_sandbox::{ClockMode, Decision, Sandbox};
use serde_json::{Value, json};

use crate::keap::{CALLBACK, CLIENT, Keap, authorize_url};

#[tokio::test]
async fn health_is_good_from_the_start() {
    let keap = Keap::start().await;
    assert_eq!(keap.get("/_sandbox/health").await.expect(200).json()["status"], "ok");
}

#[tokio::test]
async fn the_clock_moves_in_both_modes_and_says_so() {
    for (mode, word) in [(ClockMode::Manual, "manual"), (ClockMode::Real, "real")] {
        let keap = Keap::with(Sandbox::builder().clock(mode)).await;
        let mut jumped = keap.sandbox.clock().jumped();
        let before = keap.get("/_sandbox/clock").await.expect(200).json();
        assert_eq!(before["mode"], word);
        keap.post_json("/_sandbox/clock", json!({"advance_seconds": 3_600})).await.expect(200);
        assert!(jumped.has_changed().unwrap());
        jumped.borrow_and_update();
        let set = keap.post_json("/_sandbox/clock", json!({"set": "2027-01-02T03:04:05Z"})).await.expect(200);
        assert!(set.json()["now"].as_str().unwrap().starts_with("2027-01-02T03:04:0"));
        assert!(jumped.has_changed().unwrap());
    }
    let keap = Keap::start().await;
    for bad in [
        json!({}),
        json!({"advance_seconds": 1, "set": "2027-01-02T03:04:05Z"}),
        json!({"set": "soon"}),
        json!({"x": 1}),
    ] {
        keap.post_json("/_sandbox/clock", bad).await.expect(400);
    }
}

#[tokio::test]
async fn settings_are_merged_and_checked() {
    let keap = Keap::start().await;
    let changes = json!({"pkce": "strict", "reuse": {"mode": "grace", "seconds": 5, "count": 1}, "limits": {"tenant": {"minute": 7}}});
    let settings = keap.post_json("/_sandbox/settings", changes).await.expect(200).json();
    assert_eq!(settings, keap.get("/_sandbox/settings").await.expect(200).json());
    assert_eq!(
        (settings["pkce"].clone(), settings["access_seconds"].clone()),
        (json!("strict"), json!(86_400))
    );
    assert_eq!(settings["limits"]["tenant"], json!({"minute": 7, "day": 250_000}));
    for bad in
        [json!({"shoe": 1}), json!({"pkce": "loose"}), json!({"limits": {"client": {"hour": 1}}}), json!([])]
    {
        keap.post_json("/_sandbox/settings", bad).await.expect(400);
    }
    assert_eq!(keap.get("/_sandbox/settings").await.json(), settings, "a bad change changes nothing");
    keap.post_json("/_sandbox/settings", json!({"reuse": {"mode": "reject"}})).await.expect(200);
}

#[tokio::test]
async fn grants_are_shown_by_fingerprint_and_revoked() {
    let keap = Keap::start().await;
    let tokens = keap.connect("acme").await;
    let other = keap.connect("globex").await;
    let text = keap.get("/_sandbox/grants").await.expect(200).text;
    for secret in [&tokens.access, &tokens.refresh, &other.access, &other.refresh] {
        assert!(!text.contains(secret.as_str()));
    }
    let revoked = keap.post_json("/_sandbox/grants/1/revoke", json!({})).await.expect(200);
    assert_eq!(revoked.json(), json!({"revoked": 1}));
    keap.as_bearer(&tokens.access, "/crm/rest/v2/tags").await.expect(401);
    assert_eq!(keap.post_json("/_sandbox/grants/1/revoke", json!({})).await.json(), json!({"revoked": 0}));
    assert_eq!(keap.post_json("/_sandbox/grants/revoke", json!({})).await.json(), json!({"revoked": 1}));
    keap.refresh(&other.refresh).await.expect(400);
    keap.post_json("/_sandbox/grants/99/revoke", json!({})).await.expect(404);
}

#[tokio::test]
async fn the_log_tells_what_came_and_no_secret() {
    let keap = Keap::start().await;
    let code = keap.code("acme").await;
    let tokens = crate::keap::pair(&keap.exchange(&code).await.expect(200));
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*tokens.refresh),
        ("client_id", CLIENT.0),
        ("client_secret", CLIENT.1),
    ];
    let tokens2 = crate::keap::pair(&keap.send(keap.token_request(&pairs)).await.expect(200));
    keap.as_bearer(&tokens2.access, &format!("/crm/rest/v2/contacts?access_token={}", tokens2.access))
        .await
        .expect(200);
    keap.api_post("/tags", json!({"name": keap.sandbox.api_key(), "description": "shown"})).await.expect(201);
    let mut browser = crate::browser::Browser::new(&keap);
    let page = browser.open(&authorize_url("", &[])).await;
    browser.submit(&page, &[("email", "owner@example.com"), ("password", "hunter2")]).await.expect(401);

    let text = keap.get("/_sandbox/requests").await.expect(200).text;
    let key = keap.sandbox.api_key().to_owned();
    for secret in
        [&code, &tokens.access, &tokens.refresh, &tokens2.access, &tokens2.refresh, &key, CLIENT.1, "hunter2"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let log: Value = serde_json::from_str(&text).unwrap();
    let line = |at: usize| log["requests"][at].clone();
    assert_eq!(
        (line(0)["operation"].clone(), line(0)["authorization"].clone()),
        (json!("exchange"), json!("basic"))
    );
    assert_eq!(
        (line(1)["operation"].clone(), line(1)["authorization"].clone()),
        (json!("refresh"), json!("none"))
    );
    assert_eq!(
        (line(2)["operation"].clone(), line(2)["account"].clone()),
        (json!("listContacts"), json!("acme"))
    );
    assert_eq!((line(2)["authorization"].clone(), line(2)["status"].clone()), (json!("bearer"), json!(200)));
    assert_eq!((line(3)["authorization"].clone(), line(3)["applied"].clone()), (json!("key"), json!(true)));
    assert!(line(3)["body"].as_str().unwrap().contains("shown"));
    let last = log["last"].as_u64().unwrap();
    keap.api_get("/tags").await.expect(200);
    let newer = keap.get(&format!("/_sandbox/requests?after={last}")).await.json();
    assert_eq!(newer["requests"].as_array().unwrap().len(), 1);
    keap.send(keap.http.delete(keap.url("/_sandbox/requests"))).await.expect(200);
    assert_eq!(keap.get("/_sandbox/requests").await.json()["requests"], json!([]));
}

#[tokio::test]
async fn a_request_can_be_waited_for() {
    let keap = Keap::start().await;
    let mut seen = keap.sandbox.watch_requests();
    let first = *seen.borrow_and_update();
    keap.api_get("/tags").await.expect(200);
    seen.changed().await.unwrap();
    assert_eq!(keap.sandbox.requests_after(first).len(), 1);
    keap.sandbox.reset().await.unwrap();
    keap.api_get("/tags").await.expect(200);
    assert_eq!(*seen.borrow_and_update(), first + 2, "a reset does not end the waiting");
}

#[tokio::test]
async fn accounts_show_the_raw_truth() {
    let keap = Keap::start().await;
    let body = json!({"given_name": "Ann", "email_addresses": [{"email": "ann@example.com"}], "tags": ["VIP", "New"]});
    let added = keap.post_json("/_sandbox/accounts/globex/contacts", body).await.expect(201);
    assert_eq!(added.json(), json!({"id": "1"}));
    let contacts = keap.get("/_sandbox/accounts/globex/contacts").await.expect(200).json();
    assert_eq!(contacts["contacts"][0]["email"], "ann@example.com");
    let tags = keap.get("/_sandbox/accounts/globex/tags").await.expect(200).json();
    assert_eq!(
        (tags["tags"][0]["name"].clone(), tags["tags"][0]["contacts"].clone()),
        (json!("VIP"), json!(1))
    );
    let applied = keap.get("/_sandbox/accounts/globex/applied").await.expect(200).json();
    assert_eq!(applied["applied"].as_array().unwrap().len(), 2);
    assert_eq!(applied["applied"][0]["tag_name"], "VIP");
    assert_eq!(keap.get("/_sandbox/accounts").await.json()["accounts"][1]["host"], "globex.infusionsoft.com");
    keap.get("/_sandbox/accounts/nobody/contacts").await.expect(404);
    keap.post_json("/_sandbox/accounts/acme/contacts", json!({"shoe": 1})).await.expect(400);
}

#[tokio::test]
async fn consent_in_one_step_follows_the_same_rules() {
    let keap = Keap::start().await;
    let url = authorize_url(keap.sandbox.url(), &[]);
    let allowed = keap
        .post_json("/_sandbox/consent", json!({"authorize_url": url, "account": "globex"}))
        .await
        .expect(200);
    assert!(allowed.json()["location"].as_str().unwrap().starts_with(&format!("{CALLBACK}?code=")));
    let denied = keap.sandbox.consent(&url, "acme", Decision::Deny).await.unwrap();
    assert!(denied.contains("error=access_denied"));
    let bad = authorize_url("", &[("redirect_uri", "http://evil.example/")]);
    keap.sandbox.consent(&bad, "acme", Decision::Allow).await.unwrap_err();
    keap.post_json("/_sandbox/consent", json!({"authorize_url": bad})).await.expect(400);
    keap.sandbox.consent(&url, "nobody", Decision::Allow).await.unwrap_err();
}

#[tokio::test]
async fn a_reset_forgets_all_but_clock_and_key() {
    let keap = Keap::start().await;
    let key = keap.sandbox.api_key().to_owned();
    keap.sandbox.clock().set("2027-01-01T00:00:00Z".parse().unwrap());
    let tokens = keap.connect("acme").await;
    keap.api_post("/tags", json!({"name": "x"})).await.expect(201);
    keap.post_json("/_sandbox/faults", json!({"kind": "drop", "path": "/token"})).await.expect(200);
    keap.post_json("/_sandbox/reset", json!({})).await.expect(200);
    assert!(keap.sandbox.tags("acme").is_empty() && keap.sandbox.grants().is_empty());
    assert!(keap.sandbox.faults().is_empty() && keap.sandbox.requests().is_empty());
    keap.as_bearer(&tokens.access, "/crm/rest/v2/tags").await.expect(401);
    keap.as_bearer(&key, "/crm/rest/v2/tags").await.expect(200);
    assert_eq!(keap.sandbox.clock().now().to_string(), "2027-01-01T00:00:00Z");
    let again = keap.api_post("/tags", json!({"name": "x"})).await.expect(201);
    assert_eq!(again.json()["id"], "101");
}

#[tokio::test]
async fn pages_from_elsewhere_control_nothing() {
    let keap = Keap::start().await;
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("host", "evil.example")]
    {
        let request = keap.http.post(keap.url("/_sandbox/reset")).header(name, value);
        assert_eq!(keap.send(request).await.status, 403, "{name}");
    }
    let read = keap.http.get(keap.url("/_sandbox/grants")).header("host", "evil.example");
    keap.send(read).await.expect(403);
    let page = keap.http.get(keap.url("/")).header("host", "evil.example");
    keap.send(page).await.expect(403);
}

#[tokio::test]
async fn the_control_interface_describes_itself() {
    let keap = Keap::start().await;
    let description = keap.get("/_sandbox/openapi.json").await.expect(200).json();
    let paths = description["paths"].as_object().unwrap();
    assert!(paths.len() >= 14, "{}", paths.len());
    for (path, operations) in paths {
        let concrete = path.replace("{account}", "acme").replace("{id}", "1");
        for method in operations.as_object().unwrap().keys() {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = keap.send(keap.http.request(method.clone(), keap.url(&concrete))).await;
            assert!(
                ![404, 405].contains(&answer.status) || concrete.contains("/1"),
                "{method} {path}: {answer:?}"
            );
        }
    }
}
