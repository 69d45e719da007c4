//! Several processes on one store: one of them refreshes, all of them go on.

use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::Fault;
use keapsake::Keap;
use keapsake::connection::ConnectionId;
use keapsake::connection::history::{Entry, Kind, Outcome};
use keapsake::connection::status::Phase;
use keapsake::store::{Begin, Lease, MemoryStore, SqliteStore, Store};
use uuid::Uuid;

use crate::world::{DAY, Database, World, start, until};

/// Handles of as many processes, each with its own connection to the database file.
async fn processes(world: &World, database: &Database, count: usize) -> Vec<Keap> {
    let mut processes = Vec::new();
    for _ in 0..count {
        let pool = Database::open(database.folder.path().join("app.db")).await;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(pool).await.unwrap());
        processes.push(start(&world.sandbox, &store, &world.clock).await);
    }
    processes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_of_several_processes_makes_one_refresh() {
    let database = Database::new().await;
    let world = World::with(Arc::new(database.store().await)).await;
    world.connect("acme").await;
    let processes = processes(&world, &database, 4).await;
    let slow = Fault { delay_ms: 500, ..Fault::default() };
    world.sandbox.add_fault(slow.path("/token").times(1));
    world.advance(Duration::from_hours(25));
    let callers = (0..200).map(|n| {
        let keap = processes[n % 4].clone();
        tokio::spawn(async move { keap.account().user_info().await.map(|_| ()) })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(world.token_requests(), 2, "the exchange and one refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_several_processes_is_a_month_of_single_refreshes() {
    let database = Database::new().await;
    let world = World::with(Arc::new(database.store().await)).await;
    world.connect("acme").await;
    let processes = processes(&world, &database, 2).await;
    for day in 1..=30 {
        world.advance(DAY.saturating_sub(Duration::from_hours(2)));
        let newest = || async {
            world.advance_secs(1);
            let stored = world.store.load(&ConnectionId::main()).await.unwrap().unwrap();
            stored.record.position.generation == day + 1
        };
        until(newest).await;
        for process in &processes {
            process.account().user_info().await.unwrap();
        }
    }
    assert_eq!(world.token_requests(), 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_does_the_others_see() {
    let database = Database::new().await;
    let world = World::with(Arc::new(database.store().await)).await;
    let processes = processes(&world, &database, 2).await;
    assert_eq!(processes[0].status().phase, Phase::NotConnected);
    world.connect("acme").await;
    until(|| async { processes[0].status().phase == Phase::Connected }).await;
    processes[1].disconnect().await.unwrap();
    until(|| async { matches!(world.keap.status().phase, Phase::Disconnected { .. }) }).await;
}

#[tokio::test]
async fn a_refresh_of_another_process_is_left_alone_while_its_lease_lives() {
    let world = World::connected().await;
    world.keap.stop().await;
    let (main, other) = (ConnectionId::main(), Uuid::from_u128(5));
    assert_eq!(world.store.lease(&main, other, Duration::from_mins(5)).await.unwrap(), Lease::Held);
    let open = Entry {
        id: Uuid::from_u128(9),
        kind: Kind::Refresh,
        position: world.keap.status().position.unwrap(),
        started_at: world.clock.now(),
        ending: None,
    };
    assert_eq!(world.store.begin(&main, open.clone()).await.unwrap(), Begin::Done);
    let keap = start(&world.sandbox, &world.store, &world.clock).await;
    world.advance(Duration::from_hours(22));
    assert!(keap.account().user_info().await.is_ok());
    assert_eq!(world.store.open_entries(&main).await.unwrap(), vec![open]);
    assert_eq!(world.token_requests(), 1);

    world.store.release(&main, other).await.unwrap();
    until(|| async {
        world.advance_secs(1);
        keap.status().position.unwrap().generation == 2
    })
    .await;
    let ended = keap.history(5).await.unwrap().into_iter().find(|entry| entry.id == Uuid::from_u128(9));
    assert_eq!(ended.unwrap().ending.unwrap().outcome, Outcome::Unconfirmed);
}

#[tokio::test]
async fn two_handles_of_one_process_share_the_connection() {
    let world = World::with(Arc::new(MemoryStore::default())).await;
    world.connect("acme").await;
    let again = world.keap.connection(&ConnectionId::main()).await.unwrap();
    assert_eq!(again.status().position, world.keap.status().position);
    world.keap.disconnect().await.unwrap();
    assert!(matches!(again.status().phase, Phase::Disconnected { .. }));
}
