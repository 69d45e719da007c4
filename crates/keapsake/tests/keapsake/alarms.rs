//! Trouble is told once, its end is told once, whatever processes, channels and the store go through.

mod channels;
mod processes;
mod stores;
mod telling;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keapsake::alarm::{Alarm, Alarms, Channel, ChannelError, Condition, Facts, GRACE};
use keapsake::clock::ManualClock;
use keapsake::connection::ConnectionId;
use keapsake::connection::record::{Account, Health, Link, Linked, Position, Record};
use keapsake::store::{MemoryStore, Store};

use crate::world::until;

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

    fn show(&self, connection: Option<&ConnectionId>, holding: &BTreeMap<Condition, String>) {
        if connection.is_some() {
            return;
        }
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

    /// What the store has raised for the main connection and the deployment, with the notes of who was told.
    async fn words(&self) -> Vec<String> {
        let mut raised = self.store.raised(&ConnectionId::main()).await.unwrap();
        raised.extend(self.store.raised(&deployment()).await.unwrap());
        raised.into_iter().map(|(word, _)| word).collect()
    }

    /// What is raised, without the notes.
    async fn raised(&self) -> Vec<String> {
        self.words().await.into_iter().filter(|word| !word.contains('@')).collect()
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

/// Under which name stores keep what is about the deployment.
fn deployment() -> ConnectionId {
    ConnectionId::new(":deployment").unwrap()
}

async fn look(alarms: &Alarms, facts: &Facts<'_>) {
    alarms.look(&ConnectionId::main(), facts).await;
}

fn well() -> Facts<'static> {
    Facts { skew: Some(SignedDuration::ZERO), ..Facts::default() }
}

fn skewed() -> Facts<'static> {
    Facts { skew: Some(SignedDuration::from_secs(90)), ..Facts::default() }
}

fn journal() -> Facts<'static> {
    Facts { journal_trouble: Some("the disk is full"), ..well() }
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
