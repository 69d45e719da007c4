//! What stands before every API operation.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::keap::{Answer, Keap};

fn fault(answer: &Answer) -> (String, String) {
    let fault = answer.json()["fault"].clone();
    (fault["faultstring"].as_str().unwrap().into(), fault["detail"]["errorcode"].as_str().unwrap().into())
}

#[tokio::test]
async fn without_a_good_credential_there_is_no_routing() {
    let keap = Keap::start().await;
    let key = keap.sandbox.api_key().to_owned();
    let token = keap.connect("acme").await.access;
    let missing = ("Invalid access token", "oauth.v2.InvalidAccessToken");
    let unknown = ("Invalid Access Token", "keymanagement.service.invalid_access_token");
    let bad_key = ("Invalid ApiKey", "oauth.v2.InvalidApiKey");
    let by_query = format!("/crm/rest/v2/tags?access_token={token}");
    for (path, name, value, expected) in [
        ("/crm/rest/v2/tags", "x-other", "", missing),
        ("/crm/rest/v2/nowhere", "x-other", "", missing),
        ("/crm/rest/v9", "x-other", "", missing),
        (&*by_query, "x-other", "", missing),
        ("/crm/rest/v2/tags", "authorization", &*token, missing),
        ("/crm/rest/v2/tags", "authorization", "Basic eDp5", missing),
        ("/crm/rest/v2/tags", "authorization", "Bearer zzz", unknown),
        ("/crm/rest/v2/tags", "authorization", "Bearer KeapAK-zzz", unknown),
        ("/crm/rest/v2/tags", "x-keap-api-key", "KeapAK-zzz", bad_key),
    ] {
        let answer = keap.send(keap.http.get(keap.url(path)).header(name, value)).await.expect(401);
        assert_eq!(fault(&answer), (expected.0.to_owned(), expected.1.to_owned()), "{path} {name}: {value}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        assert!(answer.headers.contains_key("x-keap-product-quota-available"));
        assert_eq!(answer.header("x-keap-product-quota-available"), "");
        assert_eq!(answer.header("x-keap-tenant-throttle-available"), "|");
    }
    keap.as_bearer(&key, "/crm/rest/v2/tags").await.expect(200);
    keap.api_get("/tags").await.expect(200);
}

#[tokio::test]
async fn paths_and_methods_are_told_apart() {
    let keap = Keap::start().await;
    let resource = |answer: &Answer| answer.json()["details"][0]["resource"].clone();
    let nothing = keap.api_get("/nowhere").await.expect(404);
    assert_eq!(nothing.json()["code"], 404);
    assert_eq!(resource(&nothing), "GET /rest/v2/nowhere");
    let method = keap.api(Method::PUT, "/tags", Some(json!({}))).await.expect(405);
    assert_eq!((method.header("allow"), method.json()["code"].clone()), ("GET, POST", json!(405)));
    let later = keap.api_get("/orders").await.expect(501);
    assert_eq!(
        (later.json()["code"].clone(), later.json()["status"].clone()),
        (json!(501), json!("Not Implemented"))
    );
    let key = keap.sandbox.api_key().to_owned();
    keap.as_bearer(&key, "/crm/rest/v1/contacts/").await.expect(501);
    keap.as_bearer(&key, "/crm/rest/v1/shoes").await.expect(404);
    let head = keap.api(Method::HEAD, "/tags", None).await.expect(200);
    assert_eq!(head.text, "");
    let options = keap.api(Method::OPTIONS, "/tags", None).await.expect(204);
    assert_eq!(options.header("allow"), "GET, POST");
    keap.api(Method::TRACE, "/tags", None).await.expect(405);
}

#[tokio::test]
async fn quota_headers_count_down() {
    let keap = Keap::start().await;
    keap.sandbox.clock().set("2026-02-18T12:00:00Z".parse().unwrap());
    keap.sandbox.change_settings(|settings| settings.limits.key.minute = Some(240));
    keap.api_get("/tags").await.expect(200);
    let answer = keap.api_get("/tags").await.expect(200);
    for (name, value) in [
        ("x-keap-product-quota-limit", "30000"),
        ("x-keap-product-quota-time-unit", "day"),
        ("x-keap-product-quota-interval", "1"),
        ("x-keap-product-quota-available", "29998"),
        ("x-keap-product-quota-used", "2"),
        ("x-keap-product-quota-expiry-time", "1771459200000"),
        ("x-keap-product-throttle-limit", "240"),
        ("x-keap-product-throttle-time-unit", "minute"),
        ("x-keap-product-throttle-available", "238"),
        ("x-keap-product-throttle-used", "2"),
        ("x-keap-product-spike-limit", ""),
        ("x-keap-tenant-id", "acme.infusionsoft.com"),
        ("x-keap-tenant-throttle-limit", "10000|250000"),
        ("x-keap-tenant-throttle-time-unit", "minute|day"),
        ("x-keap-tenant-throttle-interval", "1|1"),
        ("x-keap-tenant-throttle-available", "9998|249998"),
        ("x-keap-tenant-throttle-used", "2|2"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn too_many_calls_are_refused_until_the_clock_moves_on() {
    let keap = Keap::start().await;
    keap.post_json("/_sandbox/settings", json!({"limits": {"key": {"minute": 2}}})).await.expect(200);
    keap.api_get("/tags").await.expect(200);
    keap.api_post("/tags", json!({"name": "counted"})).await.expect(201);
    let refused = keap.api_post("/tags", json!({"name": "not counted"})).await.expect(429);
    let body =
        json!({"code": "429", "message": "Quota Exceeded", "status": "Request Throttled", "details": null});
    assert_eq!(refused.json(), body);
    assert_eq!(refused.header("retry-after"), "");
    assert_eq!(refused.header("x-keap-product-throttle-available"), "0");
    assert_eq!(keap.sandbox.tags("acme").len(), 1, "a refused call has no effect");
    keap.sandbox.clock().advance(Duration::from_mins(1));
    keap.api_get("/tags").await.expect(200);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let keap = Keap::start().await;
    let request = keap.http.post(keap.url("/crm/rest/v2/tags")).body("x".repeat(2_000_000));
    // The answer may come before the whole body has left, and then the client sees a broken connection.
    if let Ok(answer) = crate::keap::try_send(request).await {
        assert_eq!(answer.status, 413);
    }
    keap.api_get("/tags").await.expect(200);
}
