//! `/rest/v2/contacts`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::keap::Keap;

fn person(given: &str, email: &str) -> Value {
    json!({"given_name": given, "family_name": "Lee", "email_addresses": [{"email": email, "field": "EMAIL1"}]})
}

/// Ids of a list, in order.
async fn ids(keap: &Keap, query: &[(&str, &str)]) -> String {
    let answer = keap.api_get(&format!("/contacts?{}", crate::keap::form(query))).await.expect(200);
    let contacts = answer.json()["contacts"].as_array().unwrap().clone();
    contacts.iter().map(|contact| contact["id"].as_str().unwrap()).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn a_contact_lives_from_create_to_delete() {
    let keap = Keap::start().await;
    keap.sandbox.clock().set("2026-11-24T02:00:00Z".parse().unwrap());
    let created = keap.api_post("/contacts", person("Ann", "ann@example.com")).await.expect(201).json();
    assert_eq!(created["id"], "1");
    assert_eq!(created["create_time"], "2026-11-24T02:00:00.000+0000");
    let address = &created["email_addresses"][0];
    assert_eq!(
        (address["is_opt_in"].clone(), address["email_opt_status"].clone()),
        (json!(false), json!("UNENGAGED_NON_MARKETABLE"))
    );
    assert_eq!(keap.api_get("/contacts/1").await.expect(200).json(), created);
    keap.sandbox.clock().advance(Duration::from_secs(1));
    let patched =
        keap.api(Method::PATCH, "/contacts/1", Some(json!({"given_name": "Anna"}))).await.expect(200).json();
    assert_eq!(
        (patched["given_name"].clone(), patched["family_name"].clone()),
        (json!("Anna"), json!("Lee"))
    );
    assert_eq!(patched["update_time"], "2026-11-24T02:00:01.000+0000");
    let gone = keap.api(Method::DELETE, "/contacts/1", None).await.expect(204);
    assert_eq!(gone.text, "");
    for method in [Method::GET, Method::DELETE] {
        let missing = keap.api(method, "/contacts/1", None).await.expect(404).json();
        assert_eq!((missing["code"].clone(), missing["status"].clone()), (json!(404), json!("Not Found")));
    }
    keap.api_get("/contacts/abc").await.expect(404);
}

#[tokio::test]
async fn bodies_are_checked() {
    let keap = Keap::start().await;
    for (body, message) in [
        ("", "Input could not be converted to a valid request"),
        ("[]", "Input could not be converted to a valid request"),
        ("{", "Input could not be converted to a valid request"),
        ("{}", "A contact needs an email address, a phone number or an address"),
        (r#"{"shoe":1}"#, "Unrecognized property: shoe"),
        (r#"{"tag_ids":["1"]}"#, "Unrecognized property: tag_ids"),
        (r#"{"email_addresses":[{"email":"nobody"}]}"#, "Invalid email address: nobody"),
        (
            r#"{"email_addresses":[{"email":"a@b.c","field":"EMAIL4"}]}"#,
            "email_addresses[0].field has an unknown value: EMAIL4",
        ),
        (
            r#"{"email_addresses":[{"email":"a@b.c"}],"custom_fields":[{"id":"7"}]}"#,
            "Custom field with id 7 does not exist",
        ),
    ] {
        let request = keap
            .http
            .post(keap.url("/crm/rest/v2/contacts"))
            .header("x-keap-api-key", keap.sandbox.api_key());
        let answer = keap.send(request.body(body)).await.expect(400).json();
        assert_eq!(answer["message"], message, "{body}");
        assert_eq!((answer["code"].clone(), answer["status"].clone()), (json!(400), json!("Bad Request")));
        assert_eq!(answer["details"][0]["resource"], "POST /rest/v2/contacts");
    }
    let phone = json!({"phone_numbers": [{"number": "555"}]});
    let phone = keap.api_post("/contacts", phone).await.expect(201).json();
    assert_eq!(phone["phone_numbers"][0]["field"], "PHONE1");
    keap.api_post("/contacts", json!({"addresses": [{"line1": "1 Main St", "field": "BILLING"}]}))
        .await
        .expect(201);
}

#[tokio::test]
async fn duplicates_are_found_as_asked() {
    let keap = Keap::start().await;
    let with_company = |given: &str, company: &str| {
        let mut body = person(given, "Ann@Example.com");
        body["company"] = json!({"id": company});
        body
    };
    keap.api_post("/contacts", with_company("Ann", "7")).await.expect(201);
    keap.api_post("/contacts", with_company("Ann", "7")).await.expect(201);
    for (option, given, company, status) in [
        ("Email", "Other", "8", 200),
        ("EmailAndName", "Nobody", "7", 201),
        ("EmailAndName", "other", "9", 200),
        ("EmailAndNameAndCompany", "Other", "1", 201),
        ("EmailAndNameAndCompany", "Other", "9", 200),
    ] {
        let path = format!("/contacts?duplicate_option={option}");
        let answer = keap.api_post(&path, with_company(given, company)).await;
        assert_eq!(answer.status, status, "{option} {given} {company}: {}", answer.text);
        if status == 200 {
            assert_eq!(answer.json()["id"], "1", "the oldest is meant");
        }
    }
    keap.api_post("/contacts?duplicate_option=Phone", person("A", "a@b.co")).await.expect(400);
    let phone = json!({"phone_numbers": [{"number": "555"}]});
    keap.api_post("/contacts?duplicate_option=Email", phone).await.expect(201);
}

#[tokio::test]
async fn an_update_that_finds_a_duplicate_keeps_what_was_not_sent() {
    let keap = Keap::start().await;
    let mut body = person("Ann", "ann@example.com");
    body["job_title"] = json!("Engineer");
    keap.api_post("/contacts", body).await.expect(201);
    let again = json!({"email_addresses": [{"email": "ann@example.com", "field": "EMAIL1", "opt_in_reason": "asked"}]});
    let path = "/contacts?duplicate_option=Email&fields=job_title,given_name,email_addresses";
    let answer = keap.api_post(path, again).await.expect(200).json();
    assert_eq!(
        (answer["job_title"].clone(), answer["given_name"].clone()),
        (json!("Engineer"), json!("Ann"))
    );
    assert_eq!(answer["email_addresses"][0]["email_opt_status"], "SINGLE_OPT_IN");
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let keap = Keap::start().await;
    keap.sandbox.clock().set("2026-11-24T02:00:00Z".parse().unwrap());
    keap.api_post("/contacts/model/customFields", json!({"label": "Favourite Toy", "field_type": "TEXT"}))
        .await
        .expect(201);
    let mut mary = person("Mary", "mary@example.com");
    mary["custom_fields"] = json!([{"id": "1", "content": "Bear"}]);
    mary["phone_numbers"] = json!([{"number": "555-1", "field": "PHONE1"}]);
    mary["addresses"] = json!([{"field": "BILLING", "locality": "Tempe", "region": "Arizona"}]);
    keap.api_post("/contacts", mary).await.expect(201);
    keap.sandbox.clock().advance(Duration::from_secs(10));
    keap.api_post("/contacts", person("Mark", "mark+x@example.com")).await.expect(201);
    keap.sandbox.clock().advance(Duration::from_secs(10));
    keap.api_post("/contacts", person("Omar", "omar@other.example")).await.expect(201);
    for (filter, found) in [
        ("", "1,2,3"),
        ("email==MARK+x@example.com", "2"),
        ("email==nobody@example.com", ""),
        ("email==*@example.com", "1,2"),
        ("given_name==Mar*", "1,2"),
        ("given_name==*mar*", "1,2,3"),
        ("given_name==mary;family_name==lee;", "1"),
        ("family_name==Smith", ""),
        ("ids==3,1,99", "1,3"),
        ("contact_ids==2", "2"),
        ("ids==1,2;given_name==Mark", "2"),
        ("contact_id>=2", "2,3"),
        ("start_update_time==2026-11-24T02:00:10.000+0000", "2,3"),
        ("start_update_time==2026-11-24T02:00:05Z;end_update_time==2026-11-24T02:00:15Z", "2"),
        ("phone_number==555-1;phone_fields==PHONE1,PHONE2", "1"),
        ("phone_number==555-1;phone_fields==PHONE2", ""),
        ("city==Tem*", "1"),
        ("state==Arizona", "1"),
        ("billing_address_locality==Tempe", "1"),
        ("shipping_address_locality==Tempe", ""),
        ("_FavouriteToy==Bear", "1"),
        ("_FavouriteToy==Robot", ""),
    ] {
        assert_eq!(ids(&keap, &[("filter", filter)]).await, found, "{filter}");
    }
    for bad in ["shoe==1", "given_name", "phone_number==1", "start_update_time==soon", "_Other==1", "email>a"]
    {
        keap.api_get(&format!("/contacts?{}", crate::keap::form(&[("filter", bad)]))).await.expect(400);
    }
    assert_eq!(ids(&keap, &[("email", "mary@example.com")]).await, "1,2,3", "unknown keys are ignored");
}

#[tokio::test]
async fn lists_are_ordered_and_paged() {
    let keap = Keap::start().await;
    for email in ["d@e.co", "b@e.co", "c@e.co", "a@e.co", "e@e.co"] {
        keap.api_post("/contacts", person("P", email)).await.expect(201);
        keap.sandbox.clock().advance(Duration::from_secs(1));
    }
    assert_eq!(ids(&keap, &[("order_by", "email asc")]).await, "4,2,3,1,5");
    assert_eq!(ids(&keap, &[("order_by", "email desc")]).await, "5,1,3,2,4");
    assert_eq!(ids(&keap, &[("order_by", "create_time desc")]).await, "5,4,3,2,1");
    assert_eq!(ids(&keap, &[("order_by", "id desc"), ("page_size", "2")]).await, "5,4");
    assert_eq!(ids(&keap, &[("page_size", "0")]).await, "1,2,3,4,5");
    let (mut walked, mut token) = (Vec::new(), String::new());
    loop {
        let query = crate::keap::form(&[("order_by", "email"), ("page_size", "2"), ("page_token", &token)]);
        let page = keap.api_get(&format!("/contacts?{query}")).await.expect(200).json();
        let contacts = page["contacts"].as_array().unwrap();
        walked.extend(contacts.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        if walked.len() == 2 {
            // What comes and goes between two pages moves nothing else.
            keap.api(Method::DELETE, "/contacts/4", None).await.expect(204);
            keap.api_post("/contacts", person("P", "aa@e.co")).await.expect(201);
        }
        token = page["next_page_token"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(walked, ["4", "2", "3", "1", "5"]);
    for bad in [
        "page_size=1001",
        "page_size=-1",
        "page_size=x",
        "page_token=zzz",
        "order_by=shoe",
        "order_by=id%20up",
    ] {
        keap.api_get(&format!("/contacts?{bad}")).await.expect(400);
    }
}

#[tokio::test]
async fn fields_choose_what_is_shown() {
    let keap = Keap::start().await;
    keap.api_post("/contacts/model/customFields", json!({"label": "Toy", "field_type": "TEXT"}))
        .await
        .expect(201);
    let mut body = person("Ann", "ann@example.com");
    body["job_title"] = json!("Engineer");
    body["custom_fields"] = json!([{"id": "1", "content": "Bear"}]);
    keap.api_post("/contacts", body).await.expect(201);
    let plain = keap.api_get("/contacts/1").await.expect(200).json();
    assert!(plain.get("custom_fields").is_none() && plain.get("job_title").is_none());
    assert_eq!(plain["tag_ids"], json!([]));
    let chosen = keap.api_get("/contacts/1?fields=custom_fields%2Cjob_title").await.expect(200).json();
    assert_eq!(
        chosen,
        json!({"id": "1", "job_title": "Engineer", "custom_fields": [{"id": "1", "content": "Bear"}]})
    );
    let list = keap.api_get("/contacts?fields=given_name").await.expect(200).json();
    assert_eq!(list["contacts"], json!([{"id": "1", "given_name": "Ann"}]));
    keap.api_get("/contacts?fields=shoe").await.expect(400);
}

#[tokio::test]
async fn a_mask_limits_and_clears() {
    let keap = Keap::start().await;
    let mut body = person("Ann", "ann@example.com");
    body["middle_name"] = json!("B");
    body["email_addresses"] =
        json!([{"email": "a@e.co", "field": "EMAIL1"}, {"email": "b@e.co", "field": "EMAIL2"}]);
    keap.api_post("/contacts", body).await.expect(201);
    let path = "/contacts/1?update_mask=given_name&update_mask=middle_name";
    let changes = json!({"given_name": "Anna", "family_name": "ignored"});
    let masked = keap.api(Method::PATCH, path, Some(changes)).await.expect(200).json();
    assert_eq!(masked["given_name"], "Anna");
    assert_eq!(masked["family_name"], "Lee", "not in the mask");
    assert!(masked.get("middle_name").is_none(), "in the mask, not in the body");
    let list = json!({"email_addresses": [{"email": "c@e.co", "field": "EMAIL1"}]});
    let replaced = keap.api(Method::PATCH, "/contacts/1", Some(list)).await.expect(200).json();
    assert_eq!(replaced["email_addresses"].as_array().unwrap().len(), 1, "a list is replaced as a whole");
    keap.api(Method::PATCH, "/contacts/1?update_mask=shoe", Some(json!({}))).await.expect(400);
    keap.api(Method::PATCH, "/contacts/9", Some(json!({}))).await.expect(404);
    let cleared = json!({"email_addresses": [], "family_name": null});
    let cleared = keap.api(Method::PATCH, "/contacts/1", Some(cleared)).await.expect(200).json();
    assert_eq!((cleared["email_addresses"].clone(), cleared.get("family_name")), (json!([]), None));
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let keap = Keap::start().await;
    keap.api_post("/contacts", person("Ann", "ann@example.com")).await.expect(201);
    let globex = keap.connect("globex").await.access;
    let list = keap.as_bearer(&globex, "/crm/rest/v2/contacts").await.expect(200);
    assert_eq!(list.json()["contacts"], json!([]));
    assert_eq!(list.header("x-keap-tenant-id"), "globex.infusionsoft.com");
    keap.as_bearer(&globex, "/crm/rest/v2/contacts/1").await.expect(404);
}
