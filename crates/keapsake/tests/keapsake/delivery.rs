//! Effects arrive once, whatever happens on the way.

use keap_sandbox::{Fault, FaultEffect};
use keapsake::connection::status::Phase;
use keapsake::delivery::{Effect, ItemState, NewContact, NewTag};
use serde_json::{Value, json};

use crate::world::{Deliveries, contact, until};

fn contacts(deliveries: &Deliveries) -> Vec<Value> {
    deliveries.world.sandbox.contacts("acme")
}

fn applied(deliveries: &Deliveries) -> usize {
    deliveries.world.sandbox.applied("acme").len()
}

fn status(status: u16) -> FaultEffect {
    FaultEffect::Status { status, body: String::new(), headers: std::collections::BTreeMap::new() }
}

fn last_request(deliveries: &Deliveries) -> u64 {
    deliveries.world.sandbox.requests().last().map_or(0, |request| request.number)
}

async fn paused(deliveries: &Deliveries) {
    until(|| async { deliveries.outbox.summary().await.unwrap().pause.is_some() }).await;
}

#[tokio::test]
async fn a_sign_up_becomes_a_contact_and_a_press_a_tag() {
    let deliveries = Deliveries::new().await;
    deliveries.sign_up("u1", "ann@example.com").await;
    deliveries.press("u1").await;
    deliveries.press("u1").await;
    deliveries.all_done(2).await;
    let contacts = contacts(&deliveries);
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["given_name"], "Ann");
    assert_eq!(contacts[0]["family_name"], "Lee");
    assert_eq!(applied(&deliveries), 1);
    let id = contacts[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(*deliveries.linked.0.lock().unwrap(), [("u1".to_owned(), id)]);
}

#[tokio::test]
async fn many_people_share_one_tag() {
    let deliveries = Deliveries::new().await;
    for n in 0..20 {
        deliveries.sign_up(&format!("u{n}"), &format!("u{n}@example.com")).await;
        deliveries.press(&format!("u{n}")).await;
    }
    deliveries.all_done(40).await;
    assert_eq!(contacts(&deliveries).len(), 20);
    assert_eq!(deliveries.world.sandbox.tags("acme").len(), 1);
    assert_eq!(applied(&deliveries), 20);
}

#[tokio::test]
async fn somebody_elses_address_overwrites_nothing() {
    let deliveries = Deliveries::new().await;
    let fields = json!({
        "given_name": "Vera", "family_name": "Victim",
        "email_addresses": [{"email": "vera@example.com", "field": "EMAIL1"}],
    });
    let Value::Object(fields) = fields else { unreachable!() };
    deliveries.world.sandbox.add_contact("acme", fields, &[]).await.unwrap();
    let before = contacts(&deliveries);
    let hostile = NewContact {
        email: "VERA@example.com".into(),
        given_name: "Mallory".into(),
        family_name: "Was Here".into(),
    };
    deliveries.enqueue(&Effect::contact("mallory", hostile)).await;
    deliveries.all_done(1).await;
    assert_eq!(contacts(&deliveries), before, "not a single field has changed");
    assert_eq!(deliveries.linked.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_contact_of_another_person_is_not_taken_over() {
    let deliveries = Deliveries::new().await;
    deliveries.sign_up("u1", "ann@example.com").await;
    deliveries.all_done(1).await;
    deliveries.sign_up("u2", "Ann@example.com").await;
    until(|| async { deliveries.outbox.summary().await.unwrap().failed == 1 }).await;
    let failed = deliveries.outbox.items(ItemState::Failed, 10).await.unwrap().remove(0);
    assert!(failed.trouble.contains("another person"), "{}", failed.trouble);
    assert_eq!(contacts(&deliveries).len(), 1);
}

#[tokio::test]
async fn what_waits_before_connecting_goes_out_once_connected() {
    let deliveries = Deliveries::not_connected().await;
    deliveries.sign_up("u1", "ann@example.com").await;
    paused(&deliveries).await;
    let summary = deliveries.outbox.summary().await.unwrap();
    assert!(summary.pause.unwrap().words.contains("administrator"));
    deliveries.world.connect("acme").await;
    deliveries.all_done(1).await;
}

#[tokio::test]
async fn a_dead_keap_loses_nothing_and_uses_up_nothing() {
    let deliveries = Deliveries::new().await;
    for effect in [status(500), status(503), FaultEffect::Drop, FaultEffect::Throttle { retry_after: None }] {
        deliveries.world.sandbox.add_fault(Fault::new(effect).path("/crm").times(3));
    }
    deliveries.sign_up("u1", "ann@example.com").await;
    deliveries.press("u1").await;
    paused(&deliveries).await;
    for _ in 0..40 {
        deliveries.world.advance_secs(100);
        tokio::task::yield_now().await;
        if deliveries.outbox.summary().await.unwrap().done == 2 {
            break;
        }
        let waiting = deliveries.outbox.items(ItemState::Waiting, 10).await.unwrap();
        assert!(waiting.iter().all(|item| item.attempts == 0));
        until(|| async {
            let summary = deliveries.outbox.summary().await.unwrap();
            summary.done == 2 || summary.pause.is_some_and(|pause| pause.until > deliveries.world.clock.now())
        })
        .await;
    }
    deliveries.all_done(2).await;
    assert_eq!(contacts(&deliveries).len(), 1);
    assert_eq!(applied(&deliveries), 1);
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_makes_one_contact() {
    let deliveries = Deliveries::new().await;
    let lost = Fault::new(FaultEffect::Drop).path("/crm/rest/v2/contacts").method("POST").after_applying();
    deliveries.world.sandbox.add_fault(lost.operation("createContact").times(1));
    deliveries.sign_up("u1", "ann@example.com").await;
    until(|| async {
        let waiting = deliveries.outbox.items(ItemState::Waiting, 1).await.unwrap();
        waiting.first().is_some_and(|item| item.trouble.contains("looked up"))
    })
    .await;
    assert_eq!(contacts(&deliveries).len(), 1, "Keap has it already");
    deliveries.world.advance_secs(90);
    deliveries.all_done(1).await;
    let contacts = contacts(&deliveries);
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["given_name"], "Ann", "and it got its names");
}

#[tokio::test]
async fn a_tag_whose_making_was_lost_is_made_once() {
    let deliveries = Deliveries::new().await;
    let lost = Fault::new(FaultEffect::Drop).method("POST").after_applying().operation("createTag");
    deliveries.world.sandbox.add_fault(lost.times(1));
    for person in ["u1", "u2"] {
        deliveries.sign_up(person, &format!("{person}@example.com")).await;
        deliveries.press(person).await;
    }
    paused(&deliveries).await;
    for _ in 0..4 {
        deliveries.world.advance_secs(60);
        tokio::task::yield_now().await;
    }
    until(|| async {
        deliveries.world.advance_secs(30);
        deliveries.outbox.summary().await.unwrap().done == 4
    })
    .await;
    assert_eq!(deliveries.world.sandbox.tags("acme").len(), 1);
    assert_eq!(applied(&deliveries), 2);
}

#[tokio::test]
async fn a_refused_effect_holds_back_only_its_own_person() {
    let deliveries = Deliveries::new().await;
    let body = r#"{"code":400,"message":"already used by jo@example.com","status":"Bad Request"}"#;
    let refuse =
        FaultEffect::Status { status: 400, body: body.into(), headers: std::collections::BTreeMap::new() };
    let refuse = Fault::new(refuse).operation("createContact").times(1);
    deliveries.world.sandbox.add_fault(refuse);
    deliveries.sign_up("u1", "bad@example.com").await;
    deliveries.press("u1").await;
    deliveries.sign_up("u2", "good@example.com").await;
    deliveries.press("u2").await;
    deliveries.all_done(2).await;
    let summary = deliveries.outbox.summary().await.unwrap();
    assert_eq!((summary.failed, summary.waiting), (1, 1));
    let failed = deliveries.outbox.items(ItemState::Failed, 10).await.unwrap().remove(0);
    assert!(!failed.trouble.contains("jo@example.com"), "another person's address: {}", failed.trouble);

    assert!(deliveries.outbox.try_again(&failed.id).await.unwrap());
    deliveries.all_done(4).await;
    assert!(!deliveries.outbox.try_again(&failed.id).await.unwrap());
    assert_eq!(applied(&deliveries), 2);
}

#[tokio::test]
async fn a_tag_deleted_in_keap_is_made_again() {
    let deliveries = Deliveries::new().await;
    deliveries.sign_up("u1", "u1@example.com").await;
    deliveries.press("u1").await;
    deliveries.all_done(2).await;
    let tag = deliveries.world.sandbox.tags("acme")[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/rest/v2/tags/{tag}");
    deliveries.world.keap.call(http::Method::DELETE, &path).send().await.unwrap();
    deliveries.sign_up("u2", "u2@example.com").await;
    deliveries.press("u2").await;
    until(|| async { deliveries.outbox.summary().await.unwrap().done >= 3 }).await;
    until(|| async {
        deliveries.world.advance_secs(5);
        deliveries.outbox.summary().await.unwrap().done == 4
    })
    .await;
    assert_eq!(deliveries.world.sandbox.tags("acme").len(), 1);
}

#[tokio::test]
async fn long_names_are_cut_to_what_keap_takes() {
    let deliveries = Deliveries::new().await;
    let long = NewContact {
        email: "long@example.com".into(),
        given_name: "ä".repeat(100),
        family_name: "x".repeat(100),
    };
    deliveries.enqueue(&Effect::contact("u1", long)).await;
    deliveries.all_done(1).await;
    assert_eq!(contacts(&deliveries)[0]["given_name"], "ä".repeat(40));
}

#[tokio::test]
async fn a_revoked_grant_stops_deliveries_until_somebody_reconnects() {
    let deliveries = Deliveries::new().await;
    deliveries.world.sandbox.revoke_grants().await.unwrap();
    deliveries.sign_up("u1", "ann@example.com").await;
    paused(&deliveries).await;
    deliveries.world.advance_secs(30);
    deliveries.world.reaches(|phase| matches!(phase, Phase::NeedsReconnect { .. })).await;
    deliveries.world.connect("acme").await;
    deliveries.all_done(1).await;
    assert_eq!(contacts(&deliveries).len(), 1);
}

#[tokio::test]
async fn what_a_rolled_back_transaction_said_was_not_said() {
    let deliveries = Deliveries::new().await;
    let mut tx = deliveries.database.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    deliveries.outbox.enqueue(&mut tx, &contact("u1", "ann@example.com")).await.unwrap();
    tx.rollback().await.unwrap();
    deliveries.sign_up("u2", "bob@example.com").await;
    deliveries.all_done(1).await;
    assert_eq!(contacts(&deliveries).len(), 1);
}

#[tokio::test]
async fn a_worker_killed_at_any_moment_loses_and_doubles_nothing() {
    let mut deliveries = Deliveries::new().await;
    let slow = Fault { delay_ms: 3, ..Fault::default() };
    deliveries.world.sandbox.add_fault(slow.path("/crm"));
    let people = 12;
    for n in 0..people {
        deliveries.sign_up(&format!("u{n}"), &format!("u{n}@example.com")).await;
        deliveries.press(&format!("u{n}")).await;
    }
    let mut kills = 0;
    while deliveries.outbox.summary().await.unwrap().done < people * 2 {
        // The kill comes after a number of requests that is another one each time, so it hits every step.
        let requests = last_request(&deliveries);
        let more = 1 + kills % 5;
        until(|| async {
            deliveries.world.advance_secs(1);
            let summary = deliveries.outbox.summary().await.unwrap();
            last_request(&deliveries) >= requests + more || summary.done == people * 2
        })
        .await;
        deliveries.kill();
        kills += 1;
        deliveries.world.advance_secs(95);
        deliveries.start();
        assert!(kills < 500, "it gets on");
    }
    assert!(kills > 10, "{kills} kills");
    assert_eq!(contacts(&deliveries).len(), 12);
    assert_eq!(applied(&deliveries), 12);
    assert_eq!(deliveries.world.sandbox.tags("acme").len(), 1);
    let linked = deliveries.linked.0.lock().unwrap();
    let unique: std::collections::BTreeSet<_> = linked.iter().collect();
    assert_eq!(unique.len(), 12);
}

#[test]
fn an_effect_shows_no_personal_data() {
    let shown = format!("{:?}", contact("u1", "ann@example.com"));
    assert!(!shown.contains("ann") && !shown.contains("Lee"), "{shown}");
    let tag = Effect::tag("u1", NewTag { name: "vip".into(), description: String::new() });
    assert_eq!(tag.action.words(), "get the tag “vip”");
}
