//! Both stores keep the contract.

use std::sync::Arc;

use keapsake::Keap;
use keapsake::store::seal::SealingKey;
use keapsake::store::{MemoryStore, SqliteStore, Store, conformance, key_file};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

use crate::world::{Database, World, application};

#[tokio::test]
async fn memory_keeps_the_contract() {
    conformance::check(Arc::new(MemoryStore::default())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let database = Database::new().await;
    conformance::check(Arc::new(database.store().await)).await.unwrap();
}

#[tokio::test]
async fn opening_twice_migrates_once() {
    let database = Database::new().await;
    let first = database.store().await;
    let _again = database.store().await;
    assert_eq!(first.identity().await.unwrap(), None);
}

#[tokio::test]
async fn a_database_that_could_forget_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("x.db"))
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let error = SqliteStore::open(pool).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("synchronous=FULL"), "{error}");
}

#[tokio::test]
async fn a_wrong_key_starts_nothing_and_changes_nothing() {
    let database = Database::new().await;
    let store: Arc<dyn Store> = Arc::new(database.store().await);
    let world = World::with(store.clone()).await;
    world.connect("acme").await;
    world.keap.stop().await;
    let id = keapsake::connection::ConnectionId::main();
    let before = store.load(&id).await.unwrap();

    let wrong = SealingKey::from_bytes([8; 32]);
    let error =
        Keap::oauth(application(&world.sandbox), store.clone(), wrong).start().await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("key file is not the one"), "{error}");
    assert_eq!(store.load(&id).await.unwrap(), before);
}

#[tokio::test]
async fn no_new_key_is_made_for_a_database_that_has_one() {
    let database = Database::new().await;
    let store = database.store().await;
    let path = database.folder.path().join("key");
    let randomness = keapsake::randomness::SystemRandomness;
    let key = key_file::for_store(&path, &store, &randomness).await.unwrap();
    let sandbox = keap_sandbox::Sandbox::builder().start().await.unwrap();
    let _keap = Keap::oauth(application(&sandbox), Arc::new(store.clone()), key).start().await.unwrap();

    std::fs::remove_file(&path).unwrap();
    let error = key_file::for_store(&path, &store, &randomness).await.unwrap_err();
    assert!(matches!(error, key_file::KeyFileError::Missing { .. }), "{error}");
    assert!(!path.exists(), "nothing was made");
}
