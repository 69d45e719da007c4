//! A program that is killed at the worst moment, a store that fails at any call: the newest pair is not lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keap_sandbox::{Fault, FaultEffect, Sandbox};
use keapsake::connection::history::Outcome;
use keapsake::connection::status::Phase;
use keapsake::journal::disk::SimDisk;
use keapsake::store::seal::SealingKey;
use keapsake::store::{MemoryStore, Store};
use keapsake::{Clock, Keap};
use uuid::Uuid;

use crate::faulty::{Fate, FaultyStore};
use crate::world::{KEY, World, application, until};

/// A host: its disk and store outlive its processes.
struct Host {
    world: World,
    disk: SimDisk,
    store: Arc<dyn Store>,
}

/// A process on it, which can be killed.
struct Process {
    keap: Keap,
    store: FaultyStore,
    owner: Uuid,
    disk: SimDisk,
}

impl Host {
    async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let world = World::with(Arc::new(MemoryStore::default())).await;
        Self { world, disk: SimDisk::new(7), store }
    }

    async fn process(&self, number: u128) -> Process {
        self.try_process(number, |_, _| Fate::Works).await.unwrap()
    }

    async fn try_process(
        &self,
        number: u128,
        decide: impl Fn(&'static str, u64) -> Fate + Send + Sync + 'static,
    ) -> Result<Process, keapsake::client::StartError> {
        let (owner, store) = (Uuid::from_u128(number), FaultyStore::around(self.store.clone()));
        store.decide(decide);
        let keap = start(&self.world.sandbox, &store, self.disk.process(owner), &self.world.clock).await?;
        Ok(Process { keap, store, owner, disk: self.disk.clone() })
    }

    async fn connect(&self, process: &Process) {
        let started = process.keap.start_authorization("session", false).await.unwrap();
        let allow = keap_sandbox::Decision::Allow;
        let back = self.world.sandbox.consent(started.url.as_str(), "acme", allow).await.unwrap();
        let query = back.split_once('?').unwrap().1;
        let received = process.keap.receive_callback(query, Some(&started.browser_key)).await.unwrap();
        let _ = received.complete().await.unwrap();
    }

    fn token_requests(&self) -> usize {
        self.world.token_requests()
    }
}

impl Process {
    /// Nothing that it waits for ever comes, and its files are free.
    fn kill(&self) {
        self.store.decide(|_, _| Fate::Hangs);
        self.disk.crash(self.owner);
    }

    fn generation(&self) -> u64 {
        self.keap.status().position.map_or(0, |position| position.generation)
    }

    async fn works(&self) -> bool {
        self.keap.account().user_info().await.is_ok()
    }
}

async fn start(
    sandbox: &Sandbox,
    store: &FaultyStore,
    disk: Arc<dyn keapsake::journal::Disk>,
    clock: &Arc<dyn Clock>,
) -> Result<Keap, keapsake::client::StartError> {
    Keap::oauth(application(sandbox), Arc::new(store.clone()), SealingKey::from_bytes(KEY))
        .clock(clock.clone())
        .journal("/journal")
        .disk(disk)
        .start()
        .await
}

/// Hangs in the first call of this name after it was armed, and counts.
fn hangs_at(store: &FaultyStore, name: &'static str) -> Arc<AtomicU64> {
    let hits = Arc::new(AtomicU64::new(0));
    let counted = hits.clone();
    store.decide(move |called, _| {
        if called != name && counted.load(Ordering::SeqCst) == 0 {
            return Fate::Works;
        }
        counted.fetch_add(1, Ordering::SeqCst);
        Fate::Hangs
    });
    hits
}

#[tokio::test]
async fn killed_between_the_answer_and_its_saving_nothing_is_lost() {
    let host = Host::new().await;
    let first = host.process(1).await;
    host.connect(&first).await;
    let hits = hangs_at(&first.store, "swap");
    host.world.advance(Duration::from_hours(22));
    until(|| async { hits.load(Ordering::SeqCst) > 0 }).await;
    first.kill();

    let second = host.process(2).await;
    assert_eq!(second.generation(), 2, "the journal had the answer");
    assert!(second.works().await);
    assert_eq!(host.token_requests(), 2, "the exchange and one refresh");
    let newest = second.keap.history(1).await.unwrap().remove(0).ending.unwrap();
    assert_eq!(newest.outcome, Outcome::Done);
    assert!(newest.words.contains("journal"), "{}", newest.words);
    host.world.advance(Duration::from_hours(22));
    until(|| async { second.generation() == 3 }).await;
}

#[tokio::test]
async fn killed_between_the_exchange_and_its_saving_the_connection_is_there() {
    let host = Host::new().await;
    let first = host.process(1).await;
    let hits = hangs_at(&first.store, "swap");
    let connecting = {
        let keap = first.keap.clone();
        let started = keap.start_authorization("session", false).await.unwrap();
        let allow = keap_sandbox::Decision::Allow;
        let back = host.world.sandbox.consent(started.url.as_str(), "acme", allow).await.unwrap();
        tokio::spawn(async move {
            let query = back.split_once('?').unwrap().1;
            keap.receive_callback(query, Some(&started.browser_key)).await.unwrap().complete().await
        })
    };
    until(|| async { hits.load(Ordering::SeqCst) > 0 }).await;
    first.kill();
    connecting.abort();

    let second = host.process(2).await;
    assert_eq!(second.keap.status().phase, Phase::Connected);
    assert!(second.works().await);
    assert_eq!(host.token_requests(), 1, "the code works once");
}

#[tokio::test]
async fn killed_while_the_request_is_out_the_outcome_is_unknown_and_not_guessed() {
    let host = Host::new().await;
    let first = host.process(1).await;
    host.connect(&first).await;
    let slow = Fault { delay_ms: 400, ..Fault::new(FaultEffect::Drop) };
    host.world.sandbox.add_fault(slow.path("/token").times(1));
    host.world.advance(Duration::from_hours(22));
    until(|| async { matches!(first.keap.status().phase, Phase::Refreshing { .. }) }).await;
    until(|| async { first.keap.history(1).await.unwrap()[0].ending.is_none() }).await;
    first.kill();

    let second = host.process(2).await;
    assert!(matches!(second.keap.status().phase, Phase::Unconfirmed { .. }));
    assert!(second.works().await, "the old access token is used meanwhile");
    host.world.advance_secs(20);
    until(|| async { second.generation() == 2 }).await;
    assert_eq!(second.keap.status().phase, Phase::Connected);
}

#[tokio::test]
async fn a_store_that_does_not_save_makes_the_pair_lent_not_lost() {
    let host = Host::new().await;
    let process = host.process(1).await;
    host.connect(&process).await;
    process.store.decide(|name, _| if name == "swap" { Fate::Fails } else { Fate::Works });
    host.world.advance(Duration::from_hours(25));
    assert!(process.works().await, "the new pair serves from memory");
    let diagnosis = process.keap.diagnosis().await.unwrap();
    assert!(diagnosis.store_trouble.is_some());
    process.store.decide(|_, _| Fate::Works);
    until(|| async {
        host.world.advance_secs(1);
        process.generation() == 2
    })
    .await;
    assert_eq!(host.token_requests(), 2);
}

#[tokio::test]
async fn without_room_in_the_journal_nothing_is_sent() {
    let host = Host::new().await;
    let process = host.process(1).await;
    host.connect(&process).await;
    host.disk.set_read_only(true);
    host.world.advance(Duration::from_hours(22));
    until(|| async { process.keap.diagnosis().await.unwrap().journal_trouble.is_some() }).await;
    assert_eq!(host.token_requests(), 1);
    assert!(process.works().await, "the live token is used meanwhile");
    host.disk.set_read_only(false);
    until(|| async {
        host.world.advance_secs(5);
        process.generation() == 2
    })
    .await;
}

/// Connects, lets a day pass, and sees that the connection is alive; the n-th call of the store fails on the way.
async fn lives_through(number: u64, fate: Fate) -> bool {
    let host = Host::new().await;
    let failing = move |_: &'static str, call: u64| if call == number { fate } else { Fate::Works };
    let process = match host.try_process(1, failing).await {
        Ok(process) => process,
        Err(_) => host.process(2).await,
    };
    for _ in 0..5 {
        if process.keap.status().phase == Phase::Connected {
            break;
        }
        try_to_connect(&host, &process).await;
    }
    assert_eq!(process.keap.status().phase, Phase::Connected, "call {number}");
    host.world.advance(Duration::from_hours(22));
    until(|| async {
        host.world.advance_secs(1);
        process.generation() >= 2 && process.keap.status().phase == Phase::Connected
    })
    .await;
    assert!(process.works().await, "call {number}");
    process.store.calls() < number
}

/// As an administrator does who sees an error: once more.
async fn try_to_connect(host: &Host, process: &Process) {
    let Ok(started) = process.keap.start_authorization("session", false).await else { return };
    let allow = keap_sandbox::Decision::Allow;
    let back = host.world.sandbox.consent(started.url.as_str(), "acme", allow).await.unwrap();
    let query = back.split_once('?').unwrap().1;
    if let Ok(received) = process.keap.receive_callback(query, Some(&started.browser_key)).await {
        let _ = received.complete().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_of_the_store_fails_the_connection_lives() {
    for fate in [Fate::Fails, Fate::FailsAfterwards] {
        for number in 1.. {
            assert!(number < 300, "it never comes to an end");
            if lives_through(number, fate).await {
                assert!(number > 20, "only {number} calls");
                break;
            }
        }
    }
}
