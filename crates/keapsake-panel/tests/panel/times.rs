//! Times are told on the SDK's clock.

use std::time::Duration;

use crate::world::{DAY, HOUR, World, contact, until};

#[tokio::test]
async fn times_in_words_go_with_the_clock() {
    let world = World::connected().await;
    let end = async || world.overview().await.element("access-end").unwrap();
    assert!(end().await.starts_with("in 1 day "), "{}", end().await);
    world.advance(HOUR);
    assert!(end().await.starts_with("in 23 h "));
    world.advance(Duration::from_mins(1));
    assert!(end().await.starts_with("in 22 h 59 min "));

    let page = world.overview().await;
    let times = world.keap.status().times.unwrap();
    let refresh = page.element("next-refresh").unwrap();
    assert!(refresh.ends_with(&times.refresh_at.strftime("%-d %b %Y, %H:%M UTC").to_string()), "{refresh}");
    assert!(refresh.starts_with("in "), "{refresh}");
    let machine = times.refresh_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert!(page.tags().any(|tag| tag.get("datetime") == Some(&machine)));
    assert!(page.has("The access token was issued 1 h 1 min ago, is renewed in "));

    // A clock that was set back makes nothing fall over.
    world.sandbox.clock().set(times.access_issued_at.checked_sub(DAY * 3).unwrap());
    assert!(end().await.starts_with("in 4 days "), "{}", end().await);
    assert_eq!(world.overview().await.element("age").as_deref(), Some("0 s"));
}

#[tokio::test]
async fn the_oldest_delivery_is_timed() {
    let world = World::new().await;
    world.enqueue(&contact("u1", "ann@example.com")).await;
    world.advance(HOUR * 5);
    world.enqueue(&contact("u2", "bob@example.com")).await;
    let page = world.overview().await;
    assert!(page.has("The oldest has been waiting for 5 h."), "{}", page.text());
}

#[tokio::test]
async fn the_age_of_the_refresh_token_has_its_tones() {
    let world = World::connected().await;
    world.wire.cut();
    let table = [
        (0, "kp-good", "It is replaced at each renewal."),
        (29, "kp-good", "It is replaced at each renewal."),
        (30, "kp-warn", "It should have been replaced long ago."),
        (39, "kp-warn", "It should have been replaced long ago."),
        (40, "kp-bad", "Only days are left."),
        (43, "kp-bad", "Only days are left."),
        (44, "kp-bad", "It is about to end, or has ended. Reconnect now."),
    ];
    let mut day = 0;
    for (to, tone, note) in table {
        world.advance(DAY * (to - day));
        day = to;
        world.comes_to_rest().await;
        let page = world.overview().await;
        let age = page.tag("age");
        assert!(age.get("class").unwrap().split(' ').any(|class| class == tone), "day {to}");
        assert!(page.has(note), "day {to}: {}", page.text());
    }
    world.advance(DAY * 2);
    world.comes_to_rest().await;
    assert!(
        world.overview().await.has("The 45 days of the refresh token ended 1 day ago;"),
        "only Keap ends it"
    );
    world.wire.mend();
    for _ in 0..2 {
        world.advance(Duration::from_mins(2));
        world.comes_to_rest().await;
    }
    let page = world.page_in("needs-reconnect").await;
    assert_eq!(page.element("age"), None, "it is of no use any more");
}

#[tokio::test]
async fn a_renewal_makes_the_refresh_token_young_again() {
    let world = World::connected().await;
    world.advance(HOUR * 22);
    until(|| async { world.keap.status().position.unwrap().generation == 2 }).await;
    world.advance(HOUR);
    let page = world.overview().await;
    assert!(page.has("1 h old, of 45 days at most"), "{}", page.text());
    assert!(page.has("Issued"));
}
