//! Alarms of several processes, and of processes that end.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures_util::future::join_all;
use keapsake::alarm::{Condition, Facts};
use keapsake::clock::Clock;

use super::{Ear, Watch, deployment, look, skewed, well};
use crate::world::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn ten_processes_tell_once() {
    let ear = Arc::new(Ear { name: "ear", meeting: Some(Barrier::new(10)), ..Ear::default() });
    let watch = Watch::new();
    let processes: Vec<_> = (0..10).map(|_| Arc::new(watch.process(&[&ear]))).collect();
    for round in 1..=20 {
        let facts = if round % 2 == 1 { skewed() } else { well() };
        let busy = ear.busy.lock().await;
        let looks =
            processes.iter().cloned().map(|alarms| tokio::spawn(async move { look(&alarms, &facts).await }));
        join_all(looks.collect::<Vec<_>>()).await;
        until(|| async { ear.tries() as usize >= round }).await;
        // Nobody has noted yet that it is told: if another wants to tell it, this is when.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(busy);
        // The teller notes it before the next round begins.
        watch.notes(if round % 2 == 1 { &["clock_skew", "clock_skew@ear"] } else { &[] }).await;
        watch.clock.advance(Duration::from_secs(30));
    }
    join_all(processes.iter().map(|alarms| alarms.stop())).await;
    let expected: Vec<_> = (0..20).map(|n| ["raised clock_skew", "recovered clock_skew"][n % 2]).collect();
    assert_eq!(ear.heard(), expected);
}

#[tokio::test]
async fn a_restart_repeats_nothing() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let before = watch.process(&[&ear]);
    look(&before, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;
    before.stop().await;

    let after = watch.process(&[&ear]);
    watch.looks_until_overdue(&after, &skewed()).await;
    watch.looks_until_overdue(&after, &well()).await;
    ear.hears(&["raised clock_skew", "recovered clock_skew"]).await;
}

#[tokio::test]
async fn what_a_crash_left_untold_is_told_by_the_next_process() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    ear.break_down(true);
    let crashed = watch.process(&[&ear]);
    look(&crashed, &skewed()).await;
    until(|| async { ear.tries() > 0 }).await;
    drop(crashed);
    ear.break_down(false);

    let next = watch.process(&[&ear]);
    look(&next, &skewed()).await;
    watch.clock.advance(Duration::from_secs(119));
    look(&next, &skewed()).await;
    assert_eq!(ear.heard(), [""; 0], "whoever raised it may still be about to tell it");
    watch.clock.advance(Duration::from_secs(1));
    look(&next, &skewed()).await;
    ear.hears(&["raised clock_skew"]).await;
    let id = ear.told.lock().unwrap()[0].id.clone();
    assert_eq!(
        id, ":deployment/clock_skew/2026-11-24T10:30:00.123Z/raised",
        "the same alarm as before the crash"
    );
}

#[tokio::test]
async fn of_two_who_notice_that_nobody_told_one_tells() {
    let (watch, one, two) = (Watch::new(), Ear::new("ear"), Ear::new("ear"));
    watch.store.raise(&deployment(), "clock_skew", watch.clock.now()).await.unwrap();
    let (first, second) = (watch.process(&[&one]), watch.process(&[&two]));
    for (alarms, ear) in [(&first, &one), (&second, &two)] {
        ear.break_down(true);
        watch.looks_until_overdue(alarms, &skewed()).await;
        until(|| async { ear.tries() > 0 }).await;
    }
    one.break_down(false);
    watch.clock.advance(Duration::from_mins(1));
    one.hears(&["raised clock_skew"]).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;

    two.break_down(false);
    look(&second, &well()).await;
    watch.clock.advance(Duration::from_mins(1));
    two.hears(&["recovered clock_skew"]).await;
}

#[tokio::test]
async fn an_end_that_a_crash_left_untold_is_told_by_the_next_process() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let crashed = watch.process(&[&ear]);
    look(&crashed, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;
    ear.break_down(true);
    look(&crashed, &well()).await;
    until(|| async { ear.tries() > 1 }).await;
    drop(crashed);
    ear.break_down(false);

    let next = watch.process(&[&ear]);
    watch.looks_until_overdue(&next, &well()).await;
    ear.hears(&["raised clock_skew", "recovered clock_skew"]).await;
    watch.notes(&[]).await;
}

#[tokio::test]
async fn every_process_shows_what_holds_whoever_told_it() {
    let (watch, one, two) = (Watch::new(), Ear::new("ear"), Ear::new("ear"));
    let (first, second) = (watch.process(&[&one]), watch.process(&[&two]));
    look(&first, &skewed()).await;
    look(&second, &skewed()).await;
    for ear in [&one, &two] {
        assert!(ear.shown.lock().unwrap().contains_key(&Condition::ClockSkew));
    }
    look(&second, &well()).await;
    assert!(two.shown.lock().unwrap().is_empty());
}

#[tokio::test]
async fn processes_that_see_differently_do_not_contradict_each_other() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let (bad, good) = (watch.process(&[&ear]), watch.process(&[&ear]));
    look(&good, &well()).await;
    for _ in 0..10 {
        look(&bad, &skewed()).await;
        look(&good, &well()).await;
        watch.clock.advance(Duration::from_secs(30));
    }
    ear.hears(&["raised clock_skew"]).await;
    look(&bad, &well()).await;
    ear.hears(&["raised clock_skew", "recovered clock_skew"]).await;
}

#[tokio::test]
async fn a_restarted_process_ends_what_the_one_before_raised() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let before = watch.process(&[&ear]);
    look(&before, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;
    before.stop().await;

    let after = watch.process(&[&ear]);
    // Nobody has asked Keap for the time yet.
    watch.looks_until_overdue(&after, &Facts::default()).await;
    assert_eq!(watch.raised().await, ["clock_skew"]);
    look(&after, &well()).await;
    ear.hears(&["raised clock_skew", "recovered clock_skew"]).await;
}
