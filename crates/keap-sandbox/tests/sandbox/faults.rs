//! Every fault strikes, and its record tells the truth.

use keap_sandbox::{Fault, FaultEffect};
use serde_json::json;

use crate::keap::{Answer, Keap, try_send};

/// Creates a tag under a fault.
async fn create(keap: &Keap) -> Result<Answer, reqwest::Error> {
    let request =
        keap.http.post(keap.url("/crm/rest/v2/tags")).header("x-keap-api-key", keap.sandbox.api_key());
    try_send(request.body(r#"{"name":"x"}"#)).await
}

/// Whether the tag was created, and whether the only fault and the log say so.
#[track_caller]
fn assert_applied(keap: &Keap, applied: bool) {
    assert_eq!(keap.sandbox.tags("acme").len(), usize::from(applied));
    let faults = keap.sandbox.faults();
    assert_eq!(faults[0].uses.len(), 1);
    assert_eq!(faults[0].uses[0].applied, applied);
    let request = keap.sandbox.requests().pop().unwrap();
    assert_eq!((request.applied, request.fault), (applied, Some(faults[0].id)));
}

async fn with(effect: FaultEffect, apply: bool) -> Keap {
    let keap = Keap::start().await;
    let fault = Fault::new(effect).operation("createTag").times(1);
    keap.sandbox.add_fault(if apply { fault.after_applying() } else { fault });
    keap
}

#[tokio::test]
async fn a_status_before_or_after_applying() {
    for apply in [false, true] {
        let headers = [("x-reason".to_owned(), "test".to_owned())].into();
        let keap = with(FaultEffect::Status { status: 503, body: "{}".to_owned(), headers }, apply).await;
        let answer = create(&keap).await.unwrap().expect(503);
        assert_eq!((&*answer.text, answer.header("x-reason")), ("{}", "test"));
        assert_applied(&keap, apply);
        create(&keap).await.unwrap().expect(201);
    }
}

#[tokio::test]
async fn a_dropped_connection_before_or_after_applying() {
    for apply in [false, true] {
        let keap = with(FaultEffect::Drop, apply).await;
        create(&keap).await.unwrap_err();
        assert_applied(&keap, apply);
        assert_eq!(keap.sandbox.requests().pop().unwrap().status, None);
    }
}

#[tokio::test]
async fn half_an_answer_is_applied() {
    let keap = with(FaultEffect::Half, false).await;
    let error = create(&keap).await.unwrap_err();
    assert!(error.is_body() || error.is_decode() || error.is_request(), "{error:?}");
    assert_applied(&keap, true);
}

#[tokio::test]
async fn half_of_nothing_is_nothing() {
    let keap = Keap::start().await;
    create(&keap).await.unwrap().expect(201);
    keap.sandbox.add_fault(Fault::new(FaultEffect::Half).operation("deleteTag").times(1));
    let request =
        keap.http.delete(keap.url("/crm/rest/v2/tags/101")).header("x-keap-api-key", keap.sandbox.api_key());
    try_send(request).await.unwrap_err();
    assert!(keap.sandbox.tags("acme").is_empty() && keap.sandbox.faults()[0].uses[0].applied);
}

#[tokio::test]
async fn a_dripping_answer_arrives_whole_in_the_end() {
    let keap = with(FaultEffect::Drip { byte_ms: 1 }, false).await;
    assert_eq!(create(&keap).await.unwrap().expect(201).json()["name"], "x");
    assert_applied(&keap, true);
}

#[tokio::test]
async fn a_page_a_redirect_and_two_throttles() {
    let keap = with(FaultEffect::Html { status: 503 }, false).await;
    let page = create(&keap).await.unwrap().expect(503);
    assert_eq!(page.header("content-type"), "text/html");
    assert_applied(&keap, false);

    let keap =
        with(FaultEffect::Redirect { location: "https://evil.example/".to_owned(), status: 302 }, false)
            .await;
    assert_eq!(create(&keap).await.unwrap().expect(302).header("location"), "https://evil.example/");
    assert_applied(&keap, false);

    for retry_after in [None, Some(7)] {
        let keap = with(FaultEffect::Throttle { retry_after }, false).await;
        let answer = create(&keap).await.unwrap().expect(429);
        assert_eq!(answer.json()["code"], "429");
        assert_eq!(answer.header("retry-after"), retry_after.map_or("", |_| "7"));
        assert_applied(&keap, false);
    }
}

#[tokio::test]
async fn a_delay_and_a_wrong_clock_change_nothing_else() {
    let keap = with(FaultEffect::Delay, false).await;
    create(&keap).await.unwrap().expect(201);
    assert_applied(&keap, true);

    let keap = with(FaultEffect::WrongClock { seconds: -3_600 }, false).await;
    keap.sandbox.clock().set("2026-11-24T02:00:00Z".parse().unwrap());
    assert_eq!(create(&keap).await.unwrap().expect(201).header("date"), "Tue, 24 Nov 2026 01:00:00 GMT");
    assert_eq!(keap.api_get("/tags").await.header("date"), "Tue, 24 Nov 2026 02:00:00 GMT");
}

#[tokio::test]
async fn a_request_whose_client_hung_up_is_carried_out_and_written_down() {
    let keap = Keap::start().await;
    let mut seen = keap.sandbox.watch_requests();
    seen.borrow_and_update();
    let fault = Fault { delay_ms: 200, ..Fault::new(FaultEffect::Delay).operation("createTag") };
    keap.sandbox.add_fault(fault);
    let request =
        keap.http.post(keap.url("/crm/rest/v2/tags")).header("x-keap-api-key", keap.sandbox.api_key());
    let impatient = request.body(r#"{"name":"x"}"#).timeout(std::time::Duration::from_millis(50));
    assert!(try_send(impatient).await.unwrap_err().is_timeout());
    seen.changed().await.unwrap();
    assert_applied(&keap, true);
}

#[tokio::test]
async fn a_revocation_strikes_before_the_request() {
    let keap = Keap::start().await;
    let tokens = keap.connect("acme").await;
    keap.sandbox.add_fault(Fault::new(FaultEffect::Revoke).path("/crm").times(1));
    keap.as_bearer(&tokens.access, "/crm/rest/v2/tags").await.expect(401);
    keap.refresh(&tokens.refresh).await.expect(400);
    assert!(!keap.sandbox.faults()[0].uses[0].applied);
}

#[tokio::test]
async fn a_lost_refresh_answer_has_rotated_all_the_same() {
    let keap = Keap::start().await;
    let tokens = keap.connect("acme").await;
    keap.sandbox.add_fault(Fault::new(FaultEffect::Drop).operation("refresh").after_applying().times(1));
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh)];
    let request = keap.token_request(&pairs).basic_auth("sandbox-client", Some("sandbox-secret"));
    try_send(request).await.unwrap_err();
    assert!(keap.sandbox.faults()[0].uses[0].applied);
    assert_eq!(keap.sandbox.grants()[0].generation, 2);
    keap.refresh(&tokens.refresh).await.expect(400);
}

#[tokio::test]
async fn faults_are_set_and_cleared_over_http() {
    let keap = Keap::start().await;
    let fault = json!({"method": "GET", "path": "/crm", "times": 2, "kind": "throttle", "retry_after": 3, "delay_ms": 1});
    let id = keap.post_json("/_sandbox/faults", fault).await.expect(200).json()["id"].clone();
    keap.api_get("/tags").await.expect(429);
    let report = keap.get("/_sandbox/faults").await.expect(200).json()["faults"][0].clone();
    assert_eq!((report["id"].clone(), report["remaining"].clone()), (id, json!(1)));
    assert_eq!(
        (report["uses"][0]["path"].clone(), report["uses"][0]["applied"].clone()),
        (json!("/crm/rest/v2/tags"), json!(false))
    );
    keap.send(keap.http.delete(keap.url("/_sandbox/faults"))).await.expect(200);
    keap.api_get("/tags").await.expect(200);
    keap.post_json("/_sandbox/faults", json!({"kind": "shoe"})).await.expect(400);
    keap.post_json("/_sandbox/faults", json!({})).await.expect(400);
    keap.send(keap.http.delete(keap.url("/_sandbox/faults/99"))).await.expect(404);
}
