//! `--data`: everything survives.

use std::path::Path;
use std::time::Duration;

use keap_sandbox::{ClockMode, Sandbox, SandboxBuilder, StartError};
use reqwest::Method;
use serde_json::json;

use crate::keap::{Keap, pair};

fn on(file: &Path) -> SandboxBuilder {
    Sandbox::builder().clock(ClockMode::Manual).data(file)
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keap.sqlite");
    let keap = Keap::with(on(&file)).await;
    let key = keap.sandbox.api_key().to_owned();
    keap.sandbox.clock().advance(Duration::from_hours(1_000));
    let first = keap.connect("acme").await;
    let code = keap.code("globex").await;
    let tokens = pair(&keap.refresh(&first.refresh).await.expect(200));
    keap.api_post("/tags/categories", json!({"name": "Kinds"})).await.expect(201);
    keap.api_post("/tags", json!({"name": "VIP", "category": {"id": "1"}})).await.expect(201);
    keap.api_post("/tags", json!({"name": "gone"})).await.expect(201);
    keap.api(Method::DELETE, "/tags/102", None).await.expect(204);
    keap.api_post("/contacts/model/customFields", json!({"label": "Toy", "field_type": "TEXT"}))
        .await
        .expect(201);
    let body =
        json!({"email_addresses": [{"email": "a@e.co"}], "custom_fields": [{"id": "1", "content": "Bear"}]});
    keap.api_post("/contacts", body).await.expect(201);
    keap.api_post("/tags/101/contacts:applyTags", json!({"contact_ids": ["1"]})).await.expect(200);
    keap.api(Method::PATCH, "/businessProfile", Some(json!({"name": "Renamed"}))).await.expect(200);
    let seen = [
        "/contacts?fields=custom_fields,tag_ids",
        "/tags",
        "/tags/categories",
        "/contacts/model",
        "/businessProfile",
    ];
    let mut before = Vec::new();
    for path in seen {
        before.push(keap.api_get(path).await.expect(200).json());
    }
    let now = keap.post_json("/_sandbox/clock", json!({"advance_seconds": 5})).await.json();
    drop(keap);

    let keap = Keap::with(on(&file)).await;
    assert_eq!(keap.sandbox.api_key(), key);
    assert_eq!(keap.get("/_sandbox/clock").await.json(), now);
    for (path, before) in seen.iter().zip(before) {
        assert_eq!(keap.api_get(path).await.expect(200).json(), before, "{path}");
    }
    keap.as_bearer(&tokens.access, "/crm/rest/v2/tags").await.expect(200);
    keap.refresh(&first.refresh).await.expect(400);
    keap.refresh(&tokens.refresh).await.expect(200);
    keap.exchange(&code).await.expect(200);
    let next = keap.api_post("/tags", json!({"name": "new"})).await.expect(201);
    assert_eq!(next.json()["id"], "103", "the id of a deleted tag does not come back");

    keap.sandbox.reset().await.unwrap();
    drop(keap);
    let keap = Keap::with(on(&file)).await;
    assert!(keap.sandbox.tags("acme").is_empty() && keap.sandbox.contacts("acme").is_empty());
    assert!(keap.sandbox.grants().is_empty());
}

#[tokio::test]
async fn the_file_holds_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keap.sqlite");
    let keap = Keap::with(on(&file)).await;
    let code = keap.code("acme").await;
    let tokens = pair(&keap.exchange(&code).await.expect(200));
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("sandbox-client"), "the grant is there");
    for secret in [&code, &tokens.access, &tokens.refresh] {
        assert!(!text.contains(secret.as_str()));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keap.sqlite");
    let _keap = Keap::with(on(&file)).await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_seed_is_planted_once() {
    let folder = tempfile::tempdir().unwrap();
    let (file, seed) = (folder.path().join("keap.sqlite"), folder.path().join("seed.json"));
    let content = json!({
        "users": [{"email": "jo@example.com", "password": "pw", "given_name": "Jo"}],
        "accounts": [{
            "key": "toys", "name": "Toys",
            "tags": [{"name": "VIP"}],
            "custom_fields": [{"label": "Toy", "field_type": "TEXT"}],
            "contacts": [{"given_name": "Ann", "email_addresses": [{"email": "ann@example.com"}], "tags": ["VIP", "New"]}],
        }],
    });
    std::fs::write(&seed, content.to_string()).unwrap();
    for _ in 0..2 {
        let keap = Keap::with(on(&file).seed(&seed)).await;
        assert_eq!((keap.sandbox.contacts("toys").len(), keap.sandbox.tags("toys").len()), (1, 2));
        assert_eq!(
            keap.api_get("/oauth/connect/userinfo").await.expect(200).json()["email"],
            "jo@example.com"
        );
        assert!(keap.sandbox.contacts("acme").is_empty());
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let running = Sandbox::builder().start().await.unwrap();
    let taken = Sandbox::builder().listen(running.address()).start().await.unwrap_err();
    assert!(matches!(taken, StartError::AddressInUse { .. }) && taken.to_string().contains("is in use"));
    let open = Sandbox::builder().listen("0.0.0.0:0".parse().unwrap()).start().await.unwrap_err();
    assert!(matches!(open, StartError::NotLoopback { .. }));
    let missing = Sandbox::builder().seed(folder.path().join("none.json")).start().await.unwrap_err();
    assert!(matches!(missing, StartError::SeedUnreadable { .. }));
    let text = folder.path().join("seed.json");
    std::fs::write(&text, "{").unwrap();
    assert!(matches!(
        Sandbox::builder().seed(&text).start().await.unwrap_err(),
        StartError::SeedMalformed { .. }
    ));
    let junk = folder.path().join("junk.sqlite");
    std::fs::write(&junk, "this is not a database, but long enough to look like a file".repeat(20)).unwrap();
    let error = Sandbox::builder().data(&junk).start().await.unwrap_err();
    assert!(matches!(error, StartError::DataUnusable { .. }) && error.to_string().contains("junk.sqlite"));
}

#[tokio::test]
async fn a_file_belongs_to_one_sandbox_and_the_clock_is_kept_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keap.sqlite");
    let first = on(&file).start().await.unwrap();
    let error = on(&file).start().await.unwrap_err();
    assert!(error.to_string().contains("no other sandbox is using it"), "{error}");
    first.clock().advance(Duration::from_hours(9_000));
    let now = first.clock().now();
    first.shutdown().await;
    assert_eq!(on(&file).start().await.unwrap().clock().now(), now);
}

#[tokio::test]
async fn a_stopped_sandbox_is_gone() {
    let keap = Keap::start().await;
    let url = keap.url("/_sandbox/health");
    let address = keap.sandbox.address();
    let Keap { sandbox, http } = keap;
    sandbox.shutdown().await;
    http.get(url).send().await.unwrap_err();
    Sandbox::builder().listen(address).start().await.unwrap().shutdown().await;
}
