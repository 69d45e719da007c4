//! Calls, with tokens and with keys.

use http::Method;
use keap_sandbox::{Fault, FaultEffect};
use keapsake::client::contacts::{ContactFields, DuplicateOption, Upserted};
use keapsake::client::tags::Applied;
use keapsake::connection::status::Phase;
use keapsake::transport::Reach;
use keapsake::{ApiKey, Endpoints, Keap};

use crate::world::World;

#[tokio::test]
async fn contacts_and_tags_from_end_to_end() {
    let world = World::connected().await;
    let contacts = world.keap.contacts();
    let ann = ContactFields::with_email("ann@example.com").given_name("Ann");
    let created = contacts.upsert(&ann, DuplicateOption::Email).await.unwrap();
    let Upserted::Created(contact) = created else { panic!("{created:?}") };
    let again = contacts.upsert(&ann, DuplicateOption::Email).await.unwrap();
    assert!(matches!(again, Upserted::Updated(same) if same.id == contact.id));

    let found = contacts.find_by_email("ANN@example.com").await.unwrap();
    assert_eq!(found.len(), 1);
    contacts.update(&contact.id, &ContactFields::default().family_name("Lee")).await.unwrap();
    let read = contacts.get(&contact.id).await.unwrap();
    assert_eq!((read.given_name.as_deref(), read.family_name.as_deref()), (Some("Ann"), Some("Lee")));

    let tags = world.keap.tags();
    assert_eq!(tags.find_by_name("vip").await.unwrap(), None);
    let tag = tags.create("vip", "").await.unwrap();
    assert_eq!(tags.find_by_name("vip").await.unwrap().unwrap().id, tag.id);
    for _ in 0..2 {
        let applied = tags.apply(&tag.id, std::slice::from_ref(&contact.id)).await.unwrap();
        assert_eq!(applied, [Applied::HasIt]);
    }
}

#[tokio::test]
async fn a_wildcard_in_an_address_finds_nobody_else() {
    let world = World::connected().await;
    let contacts = world.keap.contacts();
    contacts.create(&ContactFields::with_email("ann@example.com")).await.unwrap();
    assert_eq!(contacts.find_by_email("*@example.com").await.unwrap(), []);
    assert!(contacts.find_by_email("a;email==ann@example.com").await.unwrap_err().is_refused());
}

#[tokio::test]
async fn any_operation_can_be_called() {
    let world = World::connected().await;
    let answer = world.keap.call(Method::GET, "/rest/v2/tags").query("page_size", "1").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let error = world.keap.call(Method::GET, "/rest/v2/contacts/999999").send().await.unwrap_err();
    assert!(error.is_not_found() && error.is_refused() && !error.is_transient());
    let error = world.keap.call(Method::GET, "/../token").send().await.unwrap_err();
    assert_eq!(error.reach(), Reach::No);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_repeated_once() {
    let world = World::connected().await;
    let body = r#"{"fault":{"faultstring":"Invalid Access Token","detail":{"errorcode":"x"}}}"#;
    let refuse =
        FaultEffect::Status { status: 401, body: body.into(), headers: std::collections::BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(refuse.clone()).path("/crm").times(1));
    assert!(world.keap.account().user_info().await.is_ok());
    assert_eq!(world.generation(), 2);

    world.sandbox.add_fault(Fault::new(refuse).path("/crm"));
    let before = world.sandbox.requests().len();
    let error = world.keap.account().user_info().await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    let calls = world.sandbox.requests().len() - before;
    assert_eq!(calls, 3, "the call, one refresh, the call again");
}

#[tokio::test]
async fn every_failure_of_keap_is_told_apart() {
    let world = World::connected().await;
    let status = |status, body: &str| FaultEffect::Status {
        status,
        body: body.into(),
        headers: std::collections::BTreeMap::new(),
    };
    // Effect of Keap's, transient, may have happened, rate limited.
    let table = [
        (status(400, r#"{"message":"no"}"#), false, false, false),
        (status(403, ""), false, false, false),
        (status(500, "<html></html>"), true, true, false),
        (status(503, ""), true, true, false),
        (FaultEffect::Throttle { retry_after: Some(9) }, true, false, true),
        (FaultEffect::Drop, true, true, false),
        (FaultEffect::Half, true, true, false),
        (FaultEffect::Html { status: 200 }, true, true, false),
        (
            FaultEffect::Redirect { location: "https://elsewhere.example/".into(), status: 307 },
            true,
            true,
            false,
        ),
    ];
    for (effect, transient, may_have_happened, limited) in table {
        world.sandbox.add_fault(Fault::new(effect.clone()).path("/crm").times(1));
        let error = world.keap.account().user_info().await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{effect:?}: {error}");
        assert_eq!(error.may_have_happened(), may_have_happened, "{effect:?}: {error}");
        assert_eq!(error.is_rate_limited(), limited, "{effect:?}");
        assert!(!error.needs_reconnect());
    }
}

#[tokio::test]
async fn a_keap_that_is_not_there_was_not_reached() {
    let world = World::connected().await;
    let World { sandbox, keap, .. } = world;
    sandbox.shutdown().await;
    let error = keap.account().user_info().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.reach(), Reach::No, "{error}");
}

#[tokio::test]
async fn a_service_account_key_works_as_well() {
    let world = World::new().await;
    let endpoints = Endpoints::under(world.sandbox.url()).unwrap();
    let keap = Keap::api_key(ApiKey::new(world.sandbox.api_key()), endpoints.clone()).start().await.unwrap();
    assert_eq!(keap.status().phase, Phase::ApiKey);
    assert!(keap.account().business_profile().await.is_ok());
    assert!(keap.start_authorization("s", false).await.is_err());
    assert!(keap.disconnect().await.is_err());
    let used = world.sandbox.requests().pop().unwrap();
    assert_eq!(used.status, Some(200));

    let wrong = Keap::api_key(ApiKey::new("KeapAK-0000"), endpoints).start().await.unwrap();
    let error = wrong.account().business_profile().await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_key_that_keap_repeats_does_not_reach_the_error() {
    let world = World::new().await;
    let endpoints = Endpoints::under(world.sandbox.url()).unwrap();
    let key = world.sandbox.api_key();
    let keap = Keap::api_key(ApiKey::new(key), endpoints).start().await.unwrap();
    let body = serde_json::json!({ "message": format!("what is {key}?") }).to_string();
    let echo = FaultEffect::Status { status: 400, body, headers: std::collections::BTreeMap::new() };
    world.sandbox.add_fault(Fault::new(echo).path("/crm").times(1));
    let error = keap.account().user_info().await.unwrap_err();
    assert_eq!(error.to_string(), "Keap answered 400: what is [secret]?");
    assert!(!format!("{error:?}").contains(key));
}
