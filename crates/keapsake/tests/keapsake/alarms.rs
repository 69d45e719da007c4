//! Trouble is told once, its end is told once, whatever processes, channels and the store go through.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use jiff::{SignedDuration, Timestamp};
use keapsake::alarm::{Alarm, Alarms, Channel, ChannelError, ChannelName, Condition, Facts, GRACE, Severity};
use keapsake::clock::{Clock, ManualClock};
use keapsake::connection::ConnectionId;
use keapsake::connection::record::{Account, Health, Link, Linked, LostReason, Position, Record};
use keapsake::store::{MemoryStore, Store};
use sqlx::Executor as _;

use crate::world::{Database, until};

/// Remembers what it was told, unless it is out of order.
#[derive(Default)]
struct Ear {
    name: &'static str,
    told: Mutex<Vec<Alarm>>,
    shown: Mutex<BTreeMap<Condition, String>>,
    tries: Mutex<u32>,
    is_broken: AtomicBool,
    panics: AtomicBool,
    /// Whoever holds this keeps it from finishing.
    busy: tokio::sync::Mutex<()>,
    /// All who look wait here for each other: after reading the store, before anybody changes it.
    meeting: Option<Barrier>,
}

impl Ear {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, ..Self::default() })
    }

    fn heard(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter().map(|alarm| format!("{} {}", alarm.state.word(), alarm.condition)).collect()
    }

    fn tries(&self) -> u32 {
        *self.tries.lock().unwrap()
    }

    async fn hears(&self, expected: &[&str]) {
        until(|| async { self.heard().len() >= expected.len() }).await;
        assert_eq!(self.heard(), expected);
    }

    fn break_down(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

impl Channel for Ear {
    fn name(&self) -> &str {
        self.name
    }

    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>> {
        *self.tries.lock().unwrap() += 1;
        assert!(!self.panics.swap(false, Ordering::SeqCst), "as asked for");
        Box::pin(async {
            if self.is_broken.load(Ordering::SeqCst) {
                return Err(ChannelError::new("out of order"));
            }
            let _free = self.busy.lock().await;
            self.told.lock().unwrap().push(alarm.clone());
            Ok(())
        })
    }

    fn show(&self, _: &ConnectionId, holding: &BTreeMap<Condition, String>) {
        self.shown.lock().unwrap().clone_from(holding);
        if let Some(meeting) = &self.meeting {
            meeting.wait();
        }
    }
}

/// A store, a clock and processes that look.
struct Watch {
    store: Arc<dyn Store>,
    clock: ManualClock,
}

impl Watch {
    fn new() -> Self {
        Self::on(Arc::new(MemoryStore::default()))
    }

    fn on(store: Arc<dyn Store>) -> Self {
        let clock = ManualClock::at("2026-11-24T10:30:00.123456Z".parse().unwrap());
        Self { store, clock }
    }

    /// A process.
    fn process(&self, ears: &[&Arc<Ear>]) -> Alarms {
        let channels = ears.iter().map(|ear| Arc::clone(ear) as Arc<dyn Channel>).collect();
        Alarms::start(self.store.clone(), Arc::new(self.clock.clone()), channels).unwrap()
    }

    /// What the store has raised for the main connection.
    async fn words(&self) -> Vec<String> {
        let raised = self.store.raised(&ConnectionId::main()).await.unwrap();
        raised.into_iter().map(|(word, _)| word).collect()
    }

    async fn notes(&self, words: &[&str]) {
        until(|| async { self.words().await == words }).await;
    }

    /// Looks at this now, and again when `GRACE` is over.
    async fn looks_until_overdue(&self, alarms: &Alarms, facts: &Facts<'_>) {
        look(alarms, facts).await;
        self.clock.advance(GRACE);
        look(alarms, facts).await;
    }
}

async fn look(alarms: &Alarms, facts: &Facts<'_>) {
    alarms.look(&ConnectionId::main(), facts).await;
}

fn well() -> Facts<'static> {
    Facts::default()
}

fn skewed() -> Facts<'static> {
    Facts { skew: Some(SignedDuration::from_secs(90)), ..Facts::default() }
}

fn journal() -> Facts<'static> {
    Facts { journal_trouble: Some("the disk is full"), ..Facts::default() }
}

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
    assert_eq!(told[0].id, "main/clock_skew/2026-11-24T10:30:00.123Z/raised");
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
    assert_eq!(id, "main/clock_skew/2026-11-24T10:30:00.123Z/raised", "the same alarm as before the crash");
}

#[tokio::test]
async fn of_two_who_notice_that_nobody_told_one_tells() {
    let (watch, one, two) = (Watch::new(), Ear::new("ear"), Ear::new("ear"));
    watch.store.raise(&ConnectionId::main(), "clock_skew", watch.clock.now()).await.unwrap();
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

/// Connected, and like this.
fn connected(health: Health) -> Record {
    let issued: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let end = issued + SignedDuration::from_hours(24);
    let linked = Linked {
        connected_at: issued,
        access_issued_at: issued,
        access_expires_at: end,
        access_refused: false,
        refresh_issued_at: issued,
        refresh_at: end,
        health,
        health_since: issued,
    };
    let account = Account { host: None, name: Some("Acme Toys".into()) };
    Record { position: Position { lineage: 1, generation: 1 }, account, link: Link::Linked(linked) }
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

/// The table is out of the way, as in a database that fails.
async fn break_database(database: &Database, is_broken: bool) {
    let statement = if is_broken {
        "ALTER TABLE keapsake_alarm RENAME TO out_of_the_way"
    } else {
        "ALTER TABLE out_of_the_way RENAME TO keapsake_alarm"
    };
    database.pool.execute(statement).await.unwrap();
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
