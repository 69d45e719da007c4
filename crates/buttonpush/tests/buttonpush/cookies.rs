use crate::world::{PASSWORD, World, log_in, sign_up};

#[tokio::test]
async fn over_https_cookies_belong_to_this_host_only() {
    let world = World::https().await;
    let mut browser = world.anonymous();
    let first = browser.get("/").await;
    let visit = first.header("set-cookie").unwrap();
    assert!(visit.starts_with("__Host-buttonpush-visit="), "{visit}");
    assert!(visit.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{visit}");
    sign_up(&mut browser, "Anna", "anna@example.com", PASSWORD).await;
    let answer = log_in(&mut browser, "anna@example.com", PASSWORD).await;
    let session = answer.all("set-cookie").find(|line| line.contains("session=")).unwrap();
    assert!(session.starts_with("__Host-buttonpush-session="), "{session}");
    assert!(session.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{session}");
    browser.get("/button").await.assert_status(200);
}

#[tokio::test]
async fn on_plain_loopback_they_are_plain() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    sign_up(&mut browser, "Anna", "anna@example.com", PASSWORD).await;
    let answer = log_in(&mut browser, "anna@example.com", PASSWORD).await;
    let session = answer.all("set-cookie").find(|line| line.contains("session=")).unwrap();
    assert!(session.starts_with("buttonpush-session="), "{session}");
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{session}");
}

#[tokio::test]
async fn an_administrators_is_strict() {
    let world = World::https().await;
    let mut browser = world.administrator().await;
    let page = browser.get("/").await;
    browser.submit_from(&page, "/log-out", &[]).await;
    let answer = log_in(&mut browser, "ada@example.com", PASSWORD).await;
    answer.assert_leads_to("/admin");
    let session = answer.all("set-cookie").find(|line| line.contains("session=")).unwrap();
    assert!(session.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{session}");
}

#[tokio::test]
async fn an_id_that_was_planted_never_becomes_a_session() {
    let world = World::new().await;
    let mut attacker = world.anonymous();
    attacker.get("/log-in").await;
    let planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut victim = attacker.clone();
    victim.cookies.insert("buttonpush-session".into(), planted.into());
    sign_up(&mut victim, "Anna", "anna@example.com", PASSWORD).await;
    log_in(&mut victim, "anna@example.com", PASSWORD).await.assert_leads_to("/button");
    assert_ne!(victim.cookies["buttonpush-session"], planted);
    attacker.cookies.insert("buttonpush-session".into(), planted.into());
    attacker.get("/button").await.assert_leads_to("/log-in?next=/button");
}

#[tokio::test]
async fn logging_in_again_gives_a_new_id_and_ends_the_old_one() {
    let world = World::new().await;
    let mut browser = world.person("anna@example.com").await;
    let mut earlier = browser.clone();
    let page = browser.get("/").await;
    let fields = [("email", "anna@example.com"), ("password", PASSWORD)];
    browser.submit_from(&page, "/log-in", &fields).await.assert_leads_to("/button");
    assert_ne!(browser.cookies["buttonpush-session"], earlier.cookies["buttonpush-session"]);
    earlier.get("/button").await.assert_leads_to("/log-in?next=/button");
    browser.get("/button").await.assert_status(200);
}

#[tokio::test]
async fn ids_are_stored_as_hashes_only() {
    let world = World::new().await;
    let browser = world.person("anna@example.com").await;
    let id = browser.cookies["buttonpush-session"].clone();
    assert_eq!(id.len(), 43);
    world.assert_is_not_stored(&id);
}
