//! `/rest/v2/tags` and who wears them.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::keap::{Answer, Keap};

async fn contact(keap: &Keap, name: &str) -> String {
    let body = json!({"given_name": name, "email_addresses": [{"email": format!("{name}@example.com")}]});
    keap.api_post("/contacts", body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn tag(keap: &Keap, name: &str) -> String {
    keap.api_post("/tags", json!({"name": name})).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

fn names(answer: &Answer, list: &str) -> Vec<String> {
    let json = answer.json();
    let items = json[list].as_array().unwrap();
    let name = |item: &serde_json::Value| {
        let item = item.get("tag").unwrap_or(item);
        item.get("name").or(item.get("given_name")).unwrap().as_str().unwrap().to_owned()
    };
    items.iter().map(name).collect()
}

#[tokio::test]
async fn a_tag_lives_from_create_to_delete() {
    let keap = Keap::start().await;
    keap.sandbox.clock().set("2026-11-24T02:00:00Z".parse().unwrap());
    let category = keap.api_post("/tags/categories", json!({"name": "Kinds"})).await.expect(201).json();
    let category_id = category["id"].clone();
    let body = json!({"name": "VIP", "description": "d", "category": {"id": category_id}});
    let created = keap.api_post("/tags", body).await.expect(201).json();
    assert_eq!(
        created,
        json!({
            "id": "101", "name": "VIP", "description": "d", "category": {"id": category_id},
            "create_time": "2026-11-24T02:00:00.000+0000", "update_time": "2026-11-24T02:00:00.000+0000",
        })
    );
    assert_eq!(keap.api_get("/tags/101").await.expect(200).json(), created);
    let changed = json!({"name": "Very", "description": "left alone"});
    let patched =
        keap.api(Method::PATCH, "/tags/101?update_mask=name", Some(changed)).await.expect(200).json();
    assert_eq!((patched["name"].clone(), patched["description"].clone()), (json!("Very"), json!("d")));
    keap.api(Method::DELETE, "/tags/101", None).await.expect(204);
    keap.api_get("/tags/101").await.expect(404);
    keap.api(Method::DELETE, "/tags/101", None).await.expect(404);
    for bad in
        [json!({}), json!({"name": " "}), json!({"name": "x", "category": {"id": "99"}}), json!({"name": 5})]
    {
        keap.api_post("/tags", bad).await.expect(400);
    }
}

#[tokio::test]
async fn a_category_lives_and_lets_its_tags_go() {
    let keap = Keap::start().await;
    keap.api_post("/tags/categories", json!({"name": "Kinds", "description": "d"})).await.expect(201);
    keap.api_post("/tags", json!({"name": "VIP", "category": {"id": "1"}})).await.expect(201);
    let patched =
        keap.api(Method::PATCH, "/tags/categories/1", Some(json!({"name": "Sorts"}))).await.expect(200);
    assert_eq!(
        (patched.json()["name"].clone(), patched.json()["description"].clone()),
        (json!("Sorts"), json!("d"))
    );
    let list = keap.api_get("/tags/categories?filter=name%3D%3Dsorts").await.expect(200);
    assert_eq!(names(&list, "tag_categories"), ["Sorts"]);
    keap.api(Method::DELETE, "/tags/categories/1", None).await.expect(204);
    assert!(keap.api_get("/tags/101").await.expect(200).json().get("category").is_none());
    keap.api_get("/tags/categories/1").await.expect(404);
    keap.api_post("/tags/categories", json!({})).await.expect(400);
}

#[tokio::test]
async fn tags_are_filtered_ordered_and_paged() {
    let keap = Keap::start().await;
    keap.api_post("/tags/categories", json!({"name": "Kinds"})).await.expect(201);
    for name in ["beta", "Alpha", "gamma"] {
        tag(&keap, name).await;
        keap.sandbox.clock().advance(Duration::from_secs(1));
    }
    keap.api_post("/tags", json!({"name": "delta", "category": {"id": "1"}})).await.expect(201);
    for (query, expected) in [
        ("", vec!["Alpha", "beta", "delta", "gamma"]),
        ("order_by=name%20desc", vec!["gamma", "delta", "beta", "Alpha"]),
        ("order_by=create_time+asc&page_size=2", vec!["beta", "Alpha"]),
        ("filter=name%3D%3Dbeta", vec!["beta"]),
        ("filter=name==bet", vec![]),
        ("filter=category_id==1", vec!["delta"]),
        ("filter=tag_ids==101,103", vec!["beta", "gamma"]),
    ] {
        let answer = keap.api_get(&format!("/tags?{query}")).await.expect(200);
        assert_eq!(names(&answer, "tags"), expected, "{query}");
    }
    keap.api_get("/tags?filter=shoe==1").await.expect(400);
}

#[tokio::test]
async fn applying_says_what_became_of_each_contact() {
    let keap = Keap::start().await;
    let (ann, ben, vip) = (contact(&keap, "ann").await, contact(&keap, "ben").await, tag(&keap, "VIP").await);
    for verb in [":applyTags", "%3AapplyTags"] {
        let path = format!("/tags/{vip}/contacts{verb}");
        let answer = keap.api_post(&path, json!({"contact_ids": [ann, "99", "x"]})).await.expect(200);
        let first = if verb.starts_with(':') { "SUCCESS" } else { "DUPLICATE" };
        let expected = json!({"results": {&ann: first, "99": "CONTACT_NOT_FOUND", "x": "CONTACT_NOT_FOUND"}});
        assert_eq!(answer.json(), expected);
    }
    let path = format!("/tags/{vip}/contacts:applyTags");
    keap.api_post(&path, json!({"contact_ids": [ben]})).await.expect(200);
    keap.api_post(&path, json!({})).await.expect(400);
    keap.api_post(&path, json!({"contact_ids": [1]})).await.expect(400);
    keap.api_post("/tags/99/contacts:applyTags", json!({"contact_ids": [ann]})).await.expect(404);
    assert_eq!(keap.api_get(&format!("/contacts/{ann}")).await.json()["tag_ids"], json!([vip]));
    let gone =
        keap.api_post(&format!("/tags/{vip}/contacts:removeTags"), json!({"contact_ids": [ann, "99"]})).await;
    assert_eq!((gone.status, &*gone.text), (204, ""));
    let wearers = keap.api_get(&format!("/tags/{vip}/contacts")).await;
    assert_eq!(names(&wearers, "contacts"), ["ben"]);
}

#[tokio::test]
async fn the_two_lists_have_their_own_shapes() {
    let keap = Keap::start().await;
    keap.sandbox.clock().set("2026-11-24T02:00:00Z".parse().unwrap());
    let (ann, vip) = (contact(&keap, "ann").await, tag(&keap, "VIP").await);
    keap.sandbox.clock().advance(Duration::from_secs(5));
    keap.api_post(&format!("/tags/{vip}/contacts:applyTags"), json!({"contact_ids": [ann]}))
        .await
        .expect(200);
    let tags = keap.api_get(&format!("/contacts/{ann}/tags")).await.expect(200).json();
    assert_eq!(tags["tags"][0]["tag"]["name"], "VIP");
    assert_eq!(tags["tags"][0]["applied_time"], "2026-11-24T02:00:05.000+0000");
    let wearers = keap.api_get(&format!("/tags/{vip}/contacts")).await.expect(200).json();
    assert_eq!(
        wearers["contacts"],
        json!([{
            "id": ann, "email": "ann@example.com", "given_name": "ann", "family_name": "",
            "applied_time": "2026-11-24T02:00:05.000+0000",
        }])
    );
    let later = "filter=since_applied_time==2026-11-24T02:00:06Z";
    let none = keap.api_get(&format!("/tags/{vip}/contacts?{later}")).await.expect(200).json();
    assert_eq!(none["contacts"], json!([]));
    let path = format!("/tags/{vip}/contacts?filter=email==ann@example.com&order_by=applied_time");
    assert_eq!(names(&keap.api_get(&path).await, "contacts"), ["ann"]);
    keap.api_get("/contacts/99/tags").await.expect(404);
    keap.api_get("/tags/99/contacts").await.expect(404);
}
