//! What is told, in which order, and to whom.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keapsake::alarm::{Alarms, Channel, ChannelName, Facts, Severity};
use keapsake::clock::Clock;
use keapsake::connection::ConnectionId;
use keapsake::connection::record::{Health, LostReason};

use super::{Ear, Watch, connected, journal, look, skewed, well};
use crate::world::until;

#[tokio::test]
async fn what_begins_is_told_once_and_what_ends_is_told_once() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    for _ in 0..3 {
        look(&alarms, &skewed()).await;
        watch.clock.advance(Duration::from_secs(30));
    }
    ear.hears(&["raised clock_skew"]).await;
    for _ in 0..3 {
        look(&alarms, &well()).await;
    }
    ear.hears(&["raised clock_skew", "recovered clock_skew"]).await;
    watch.notes(&[]).await;

    let told = ear.told.lock().unwrap();
    let since: Timestamp = "2026-11-24T10:30:00.123Z".parse().unwrap();
    assert_eq!((told[0].since, told[0].at), (since, since));
    assert_eq!(told[0].id, ":deployment/clock_skew/2026-11-24T10:30:00.123Z/raised");
    assert_eq!(told[0].severity, Severity::Warning);
    assert_eq!(told[1].since, since);
    assert_eq!(told[1].at, since + SignedDuration::from_secs(90));
    assert_eq!(told[1].severity, Severity::Info);
}

#[tokio::test]
async fn flapping_is_told_as_it_is() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    for facts in [skewed(), well(), skewed(), well(), skewed()] {
        look(&alarms, &facts).await;
        watch.clock.advance(Duration::from_secs(1));
    }
    let (up, down) = ("raised clock_skew", "recovered clock_skew");
    ear.hears(&[up, down, up, down, up]).await;
    let told = ear.told.lock().unwrap();
    assert_ne!(told[0].id, told[2].id, "a receiver can tell the two apart");
}

#[tokio::test]
async fn a_channel_that_fails_loses_nothing_keeps_the_order_and_holds_up_nobody() {
    let (watch, ear, other) = (Watch::new(), Ear::new("ear"), Ear::new("other"));
    ear.break_down(true);
    let alarms = watch.process(&[&ear, &other]);
    for facts in [skewed(), well(), journal(), skewed()] {
        look(&alarms, &facts).await;
    }
    let all = [
        "raised clock_skew",
        "recovered clock_skew",
        "raised journal_trouble",
        "raised clock_skew",
        "recovered journal_trouble",
    ];
    other.hears(&all).await;
    for tries in 1..=4 {
        until(|| async { ear.tries() == tries }).await;
        watch.clock.advance(Duration::from_mins(1));
    }
    assert_eq!(ear.heard(), [""; 0]);
    ear.break_down(false);
    until(|| async {
        watch.clock.advance(Duration::from_mins(1));
        ear.heard().len() >= all.len()
    })
    .await;
    ear.hears(&all).await;
    other.hears(&all).await;
}

#[tokio::test]
async fn a_channel_that_panics_is_tried_again() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    ear.panics.store(true, Ordering::SeqCst);
    let alarms = watch.process(&[&ear]);
    look(&alarms, &skewed()).await;
    until(|| async { ear.tries() == 1 }).await;
    until(|| async {
        watch.clock.advance(Duration::from_secs(1));
        !ear.heard().is_empty()
    })
    .await;
    ear.hears(&["raised clock_skew"]).await;
}

#[tokio::test]
async fn a_new_channel_hears_of_what_is_so_already() {
    let (watch, ear, new) = (Watch::new(), Ear::new("ear"), Ear::new("new"));
    let before = watch.process(&[&ear]);
    look(&before, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;
    before.stop().await;
    let after = watch.process(&[&ear, &new]);
    watch.looks_until_overdue(&after, &skewed()).await;
    new.hears(&["raised clock_skew"]).await;
    ear.hears(&["raised clock_skew"]).await;
}

#[tokio::test]
async fn trouble_that_gets_worse_is_not_told_as_over() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    let course = [Health::Unreached { attempts: 1 }, Health::Lost(LostReason::Rejected), Health::Well];
    for health in course {
        let record = connected(health);
        look(&alarms, &Facts { record: Some(&record), ..Facts::default() }).await;
    }
    let told = [
        "raised refresh_failing",
        "raised needs_reconnect",
        "replaced refresh_failing",
        "recovered needs_reconnect",
    ];
    ear.hears(&told).await;
}

#[tokio::test]
async fn what_is_about_the_deployment_is_told_once_for_all_connections() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    for number in 0..20 {
        let id = ConnectionId::new(&format!("account-{number}")).unwrap();
        alarms.look(&id, &journal()).await;
    }
    alarms.look(&ConnectionId::main(), &well()).await;
    ear.hears(&["raised journal_trouble", "recovered journal_trouble"]).await;
    assert_eq!(ear.told.lock().unwrap()[0].connection, None);
}

#[tokio::test]
async fn channels_that_cannot_be_told_apart_are_refused() {
    let watch = Watch::new();
    let start = |names: &[&'static str]| {
        let channels = names.iter().map(|name| Ear::new(name) as Arc<dyn Channel>).collect();
        let clock: Arc<dyn Clock> = Arc::new(watch.clock.clone());
        Alarms::start(watch.store.clone(), clock, channels).map(|_| ())
    };
    assert_eq!(start(&["one", "two"]), Ok(()));
    assert_eq!(start(&["one", "one"]), Err(ChannelName::Twice("one".into())));
    for bad in ["", "a@b", "a b"] {
        assert_eq!(start(&[bad]), Err(ChannelName::Invalid(bad.into())));
    }
}
