//! Words from elsewhere stay words.

use std::collections::BTreeMap;

use keap_sandbox::{Fault, FaultEffect};

use crate::visit::get;
use crate::world::{HOUR, SECRET, World, contact, tag, until};

const HOSTILE: &str = r#"</p><script>alert(1)</script><img src=x onerror='alert(2)' title="&quot;">"#;

/// The words are on the page, and are no markup. That no page has a script is checked on every answer.
async fn assert_harmless(world: &World, words: &str) {
    let answer = world.send(get("")).await;
    assert!(answer.page().has(words), "{}", answer.page().text());
    assert!(!answer.body.contains("<script") && !answer.body.contains("<img"), "{}", answer.body);
}

#[tokio::test]
async fn the_accounts_name_is_escaped() {
    let world = World::connected().await;
    let profile = world.keap.call(http::Method::PATCH, "/rest/v2/businessProfile");
    profile.json(&serde_json::json!({ "name": HOSTILE })).send().await.unwrap();
    world.connect("acme").await;
    assert_harmless(&world, HOSTILE).await;
    let question = world.send(get("/disconnect")).await;
    assert!(question.page().has(HOSTILE) && !question.body.contains("<script"));
}

#[tokio::test]
async fn tags_and_people_are_escaped() {
    let world = World::new().await;
    world.enqueue(&tag(HOSTILE, &format!("tag {HOSTILE}"))).await;
    assert_harmless(&world, &format!("Person {HOSTILE} should get the tag “tag {HOSTILE}”.")).await;
}

#[tokio::test]
async fn why_a_delivery_failed_is_escaped() {
    let mut world = World::connected().await;
    world.deliver();
    let words = "<script>alert(1)</script>";
    let body = serde_json::json!({ "code": 400, "message": words, "status": "Bad Request" }).to_string();
    let effect = FaultEffect::Status { status: 400, body, headers: BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(effect).operation("createContact").times(1));
    world.enqueue(&contact(HOSTILE, "ann@example.com")).await;
    until(|| async { world.outbox.summary().await.unwrap().failed == 1 }).await;
    assert_harmless(&world, words).await;
    assert_harmless(&world, HOSTILE).await;
}

#[tokio::test]
async fn why_a_renewal_failed_is_escaped() {
    let world = World::connected().await;
    let words = "<script>alert(1)</script>";
    let said = serde_json::json!({ "error": "invalid_grant", "error_description": words });
    world.wire.then(400, &said.to_string());
    world.advance(HOUR * 22);
    world.reaches("suspect").await;
    assert_harmless(&world, words).await;
}

#[tokio::test]
async fn names_of_files_in_the_journals_folder_are_escaped() {
    let mut world = World::connected().await;
    world.stop().await;
    let file = std::fs::read_dir(world.journal()).unwrap().next().unwrap().unwrap().path();
    let name = "a<img src=x onerror='alert(1)'>.journal";
    std::fs::copy(&file, world.journal().join(name)).unwrap();
    world.start(SECRET).await;
    assert_harmless(&world, "<img src=x onerror='alert(1)'>.journal is a copy").await;
    let json = world.send(get("/status.json")).await;
    assert!(json.body.contains("\\u003cimg src=x") && !json.body.contains('<'), "{}", json.body);
}

#[tokio::test]
async fn the_address_is_not_repeated() {
    let world = World::new().await;
    for path in [
        "/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/callback?state=%3Cscript%3E&code=%3Cscript%3E",
        "/callback?error=%3Cscript%3E&error_description=%3Cscript%3E",
        "?%3Cscript%3E",
    ] {
        let answer = world.send(get(path)).await;
        assert!(!answer.body.to_ascii_lowercase().contains("script"), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_applications_own_words_are_escaped() {
    let mut world = World::new().await;
    world.mount(world.panel().application(HOSTILE).back("/?a=1&b=\"", HOSTILE).icon("/icon.svg?\"><script>"));
    assert_harmless(&world, &format!("{HOSTILE} has not been connected")).await;
    assert!(world.overview().await.links_to("/?a=1&b=\""));
}
