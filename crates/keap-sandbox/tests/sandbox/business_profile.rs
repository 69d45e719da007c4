//! `/rest/v2/businessProfile` and userinfo.

use reqwest::Method;
use serde_json::json;

use crate::keap::Keap;

#[tokio::test]
async fn the_profile_can_be_read_and_changed() {
    let keap = Keap::start().await;
    let profile = keap.api_get("/businessProfile").await.expect(200).json();
    assert_eq!(
        (profile["name"].clone(), profile["currency_code"].clone()),
        (json!("Acme Toys"), json!("USD"))
    );
    let changes = json!({"name": "Acme", "phone": "1"});
    let path = "/businessProfile?update_mask=name";
    let patched = keap.api(Method::PATCH, path, Some(changes)).await.expect(200).json();
    assert_eq!(
        (patched["name"].clone(), patched["phone"].clone()),
        (json!("Acme"), profile["phone"].clone())
    );
    keap.api(Method::PATCH, "/businessProfile", Some(json!({"logo_url": "x"}))).await.expect(400);
}

#[tokio::test]
async fn userinfo_says_who_and_where() {
    let keap = Keap::start().await;
    let info = keap.api_get("/oauth/connect/userinfo").await.expect(200).json();
    assert_eq!(info["email"], "owner@example.com");
    assert_eq!((info["id"].clone(), info["sub"].clone()), (json!("1"), json!("1")));
    assert_eq!((info["is_admin"].clone(), info["tenant_id"].clone()), (json!(true), json!("acme")));
}
