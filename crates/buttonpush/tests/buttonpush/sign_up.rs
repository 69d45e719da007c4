use std::time::{Duration, Instant};

use crate::browser::Answer;
use crate::world::{PASSWORD, World, log_in, sign_up};

#[tokio::test]
async fn a_person_signs_up_logs_in_and_finds_the_button() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let answer = sign_up(&mut browser, "Anna Example", "anna@example.com", PASSWORD).await;
    answer.assert_leads_to("/log-in?welcome");
    browser.follow(&answer).await.assert_says("password you just chose");
    let answer = log_in(&mut browser, "anna@example.com", PASSWORD).await;
    answer.assert_leads_to("/button");
    browser.follow(&answer).await.assert_says("Anna Example").assert_says("You have not pushed it yet.");
}

#[tokio::test]
async fn another_letter_case_is_the_same_person() {
    let world = World::new().await;
    world.person("Anna@Example.com").await;
    let mut other = world.anonymous();
    let answer = sign_up(&mut other, "Eve", "aNNA@eXAMPLE.COM", "another good password").await;
    answer.assert_leads_to("/log-in?welcome");
    assert_eq!(world.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(world.number("SELECT repeated_sign_ups FROM users").await, 1);
    log_in(&mut other, "anna@example.com", "another good password").await.assert_status(422);
    log_in(&mut other, "anna@EXAMPLE.com", PASSWORD).await.assert_leads_to("/button");
    other.get("/button").await.assert_says("Anna Example");
}

/// What of an answer could tell something, without what is different by chance.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let chance = |(name, _): &&(String, String)| !matches!(name.as_str(), "date" | "set-cookie");
    let headers = answer.headers.iter().filter(chance).cloned().collect();
    let token = answer.form_token().unwrap_or_default();
    let body = if token.is_empty() { answer.body.clone() } else { answer.body.replace(&token, "TOKEN") };
    (answer.status, headers, body)
}

#[tokio::test]
async fn nothing_in_an_answer_tells_whether_an_address_is_known() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    for (name, password) in [("Eve", PASSWORD), ("Eve", "short"), ("", PASSWORD), ("Eve", "password123")] {
        let known = sign_up(&mut world.anonymous(), name, "anna@example.com", password).await;
        let unknown = sign_up(&mut world.anonymous(), name, "bert@example.com", password).await;
        let unknown_body = unknown.body.replace("bert@", "anna@");
        let (known, mut unknown) = (comparable(&known), comparable(&unknown));
        unknown.2 = comparable(&Answer { body: unknown_body, status: 0, headers: vec![] }).2;
        assert_eq!(known, unknown, "{name:?} {password:?}");
    }
    let known = log_in(&mut world.anonymous(), "anna@example.com", "not the password").await;
    let unknown = log_in(&mut world.anonymous(), "carl@example.com", "not the password").await;
    let body = unknown.body.replace("carl@", "anna@");
    assert_eq!(comparable(&known), comparable(&Answer { body, ..unknown }));
}

/// A coarse check that both ways do the same work; noise on a busy machine must not fail it.
#[tokio::test]
async fn a_known_address_takes_as_long_as_an_unknown_one() {
    let world = World::with(&[("BUTTONPUSH_SIGN_UPS_PER_HOUR", "1000")]).await;
    world.person("anna@example.com").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut browser = world.anonymous();
    for n in 0..15 {
        let page = browser.get("/sign-up").await;
        for (email, times) in
            [("anna@example.com".to_owned(), &mut known), (format!("new{n}@example.com"), &mut unknown)]
        {
            let started = Instant::now();
            let fields = [("name", "Eve"), ("email", email.as_str()), ("password", PASSWORD)];
            browser.submit_from(&page, "/sign-up", &fields).await.assert_status(303);
            times.push(started.elapsed());
        }
    }
    let (known, unknown) = (middle(known), middle(unknown));
    assert!(known < unknown * 2 && unknown < known * 2, "known {known:?}, unknown {unknown:?}");
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_the_password_does_not_come_back() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    let page = sign_up(&mut browser, "", "not an address", "tell nobody").await;
    page.assert_status(422)
        .assert_says("<title>Error: Sign up")
        .assert_says("<a href=\"#name\">Enter your name.</a>")
        .assert_says("<a href=\"#email\">This does not look like")
        .assert_says("aria-describedby=\"email-error\"")
        .assert_says("value=\"not an address\"");
    assert!(!page.body.contains("tell nobody"));
    let page = sign_up(&mut browser, "Anna", "anna@example.com", "password123").await;
    page.assert_status(422).assert_says("guessed first").assert_says("value=\"Anna\"");
    assert!(!page.body.contains("password123"));
    assert_eq!(world.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn only_a_hash_of_the_password_is_stored() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let hash: String = sqlx::query_scalar("SELECT password_hash FROM users")
        .fetch_one(&mut world.database().await)
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    world.assert_is_not_stored(PASSWORD);
}
