//! Alarms of a store that fails, hangs, or knows better.

use std::sync::Arc;
use std::time::Duration;

use keapsake::alarm::Facts;
use keapsake::connection::ConnectionId;
use keapsake::connection::record::{Health, LostReason};
use keapsake::store::{Revision, Store, Swap, Tokens, Write};
use sqlx::Executor as _;

use super::{Ear, Watch, connected, look, skewed, well};
use crate::world::{Database, until};

/// Writes it into the store, as another process would.
async fn save(store: &dyn Store, health: Health, expected: Option<Revision>) {
    let write = Write { record: connected(health), tokens: Tokens::Keep, ends: None };
    assert_eq!(store.swap(&ConnectionId::main(), expected, write).await.unwrap(), Swap::Done);
}

/// The table is out of the way, as in a database that fails.
async fn break_database(database: &Database, is_broken: bool) {
    let statement = if is_broken {
        "ALTER TABLE keapsake_alarm RENAME TO out_of_the_way"
    } else {
        "ALTER TABLE out_of_the_way RENAME TO keapsake_alarm"
    };
    database.pool.execute(statement).await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_behind_tells_nothing_that_is_not_so_any_more() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    let lost = Health::Lost(LostReason::Rejected);
    let (failing, is_well) = (connected(lost), connected(Health::Well));
    let (failed, went_well) =
        (Facts { record: Some(&failing), ..well() }, Facts { record: Some(&is_well), ..well() });

    save(&*watch.store, Health::Well, None).await;
    look(&alarms, &failed).await;
    assert_eq!(watch.raised().await, [""; 0]);
    save(&*watch.store, lost, Some(Revision::FIRST)).await;
    look(&alarms, &failed).await;
    assert_eq!(watch.raised().await, ["needs_reconnect"]);
    look(&alarms, &went_well).await;
    assert_eq!(watch.raised().await, ["needs_reconnect"]);
    save(&*watch.store, Health::Well, Some(Revision::FIRST.next())).await;
    look(&alarms, &went_well).await;
    assert_eq!(watch.raised().await, [""; 0]);
    ear.hears(&["raised needs_reconnect", "recovered needs_reconnect"]).await;
    let told = ear.told.lock().unwrap();
    assert_eq!(told[0].connection, Some(ConnectionId::main()));
    assert!(told[0].words.contains("Keap refused the refresh token"), "{}", told[0].words);
}

/// The store cannot save it, so what this process knows counts.
#[tokio::test]
async fn what_cannot_be_saved_is_told_all_the_same() {
    let (watch, ear) = (Watch::new(), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    save(&*watch.store, Health::Well, None).await;
    let failing = connected(Health::Unreached { attempts: 1 });
    let facts = Facts { record: Some(&failing), store_trouble: Some("the disk is full"), ..well() };
    look(&alarms, &facts).await;
    ear.hears(&["raised refresh_failing", "raised store_trouble"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_told_once_and_what_is_raised_meanwhile_is_not_repeated() {
    let database = Database::new().await;
    let (watch, ear) = (Watch::on(Arc::new(database.store().await)), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    look(&alarms, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;

    break_database(&database, true).await;
    let both = Facts { journal_trouble: Some("it fails, too"), ..skewed() };
    for _ in 0..3 {
        look(&alarms, &both).await;
    }
    let told = ["raised clock_skew", "raised store_trouble", "raised journal_trouble"];
    ear.hears(&told).await;

    break_database(&database, false).await;
    watch.looks_until_overdue(&alarms, &both).await;
    let all = [&told[..], &["recovered store_trouble"]].concat();
    ear.hears(&all).await;
    watch.notes(&["clock_skew", "clock_skew@ear", "journal_trouble", "journal_trouble@ear"]).await;
    alarms.stop().await;

    let restarted = watch.process(&[&ear]);
    watch.looks_until_overdue(&restarted, &both).await;
    look(&restarted, &well()).await;
    ear.hears(&[&all[..], &["recovered clock_skew", "recovered journal_trouble"]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_the_store_fails_is_told_when_it_works_again() {
    let database = Database::new().await;
    let (watch, ear) = (Watch::on(Arc::new(database.store().await)), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    look(&alarms, &skewed()).await;
    watch.notes(&["clock_skew", "clock_skew@ear"]).await;
    break_database(&database, true).await;
    for _ in 0..2 {
        look(&alarms, &well()).await;
    }
    break_database(&database, false).await;
    look(&alarms, &well()).await;
    let ends = ["recovered clock_skew", "recovered store_trouble"];
    ear.hears(&[&["raised clock_skew", "raised store_trouble"], &ends[..]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_does_not_wait_for_a_store_that_hangs() {
    let database = Database::new().await;
    let (watch, ear) = (Watch::on(Arc::new(database.store().await)), Ear::new("ear"));
    let alarms = watch.process(&[&ear]);
    let _the_only_one = database.pool.acquire().await.unwrap();
    let facts = skewed();
    let looking = look(&alarms, &facts);
    let moving = async {
        until(|| async {
            watch.clock.advance(Duration::from_secs(5));
            ear.heard().len() == 2
        })
        .await;
    };
    tokio::join!(looking, moving);
    ear.hears(&["raised clock_skew", "raised store_trouble"]).await;
    let words = ear.told.lock().unwrap()[1].words.clone();
    assert!(words.contains("did not answer in 10 seconds"), "{words}");
}
