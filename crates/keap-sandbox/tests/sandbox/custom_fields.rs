//! `/rest/v2/contacts/model`.

use reqwest::Method;
use serde_json::json;

use crate::keap::Keap;

#[tokio::test]
async fn custom_fields_are_defined_shown_and_removed() {
    let keap = Keap::start().await;
    let body = json!({"label": "Favourite Toy", "field_type": "DROPDOWN", "options": [{"label": "Bear"}]});
    let created = keap.api_post("/contacts/model/customFields", body).await.expect(201).json();
    assert_eq!((created["id"].clone(), created["field_name"].clone()), (json!("1"), json!("_FavouriteToy")));
    assert_eq!(created["options"], json!([{"id": "1", "label": "Bear"}]));
    assert_eq!(created["record_type"], "CONTACT");
    let model = keap.api_get("/contacts/model").await.expect(200).json();
    assert_eq!(model["custom_fields"], json!([created]));
    assert!(model["optional_properties"].as_array().unwrap().contains(&json!("custom_fields")));
    keap.api(Method::DELETE, "/contacts/model/customFields/1", None).await.expect(204);
    keap.api(Method::DELETE, "/contacts/model/customFields/1", None).await.expect(404);
    for bad in
        [json!({"label": "x"}), json!({"field_type": "TEXT"}), json!({"label": "x", "field_type": "SHOE"})]
    {
        keap.api_post("/contacts/model/customFields", bad).await.expect(400);
    }
}
