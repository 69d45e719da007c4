//! SQLite: one machine, several processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use keapsake::Keap;
use keapsake::connection::ConnectionId;
use keapsake::store::seal::SealingKey;
use keapsake::store::{LONGEST_LEASE, Lease, SqliteStore, Store, conformance, key_file};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use uuid::Uuid;

use super::{connection, forgets_old_entries, hears_of_changes, refuses_empty_secrets};
use crate::world::{Database, World, application};

/// Names the file to a test that is run as another process.
const FILE: &str = "KEAPSAKE_TEST_SQLITE_FILE";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    let database = Database::new().await;
    conformance::check(Arc::new(database.store().await)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_keep_the_contract_on_one_file() {
    let folder = private_folder();
    let path = folder.path().join("app.db");
    let (one, other) =
        (SqliteStore::connect(&path).await.unwrap(), SqliteStore::connect(&path).await.unwrap());
    conformance::check_shared(Arc::new(one), Arc::new(other)).await.unwrap();
}

#[tokio::test]
async fn opening_twice_migrates_once() {
    let database = Database::new().await;
    let first = database.store().await;
    let _again = database.store().await;
    assert_eq!(first.identity().await.unwrap(), None);
}

/// With real processes: the locks of SQLite are between processes.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment")]
fn processes_that_start_at_once_on_a_new_file_all_start() {
    if let Ok(path) = std::env::var(FILE) {
        return open_in_this_process(Path::new(&path));
    }
    for _ in 0..5 {
        let folder = private_folder();
        let start = || {
            let mut process = Command::new(std::env::current_exe().unwrap());
            process
                .arg("processes_that_start_at_once_on_a_new_file_all_start")
                .env(FILE, folder.path().join("app.db"));
            process.stdout(std::process::Stdio::piped()).spawn().unwrap()
        };
        let processes: Vec<_> = (0..8).map(|_| start()).collect();
        for process in processes {
            let ended = process.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(ended.status.success() && said.contains("1 passed"), "{said}");
        }
    }
}

fn open_in_this_process(path: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::connect(path).await.unwrap();
        assert_eq!(store.identity().await.unwrap(), None);
    });
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
async fn a_database_that_a_kill_could_destroy_is_refused() {
    for journal in [SqliteJournalMode::Off, SqliteJournalMode::Memory] {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("x.db"))
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .journal_mode(journal);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let error = SqliteStore::open(pool).await.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("journal_mode=WAL"), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = Database::new().await;
    let _store = database.store().await;
    sqlx::query("UPDATE _keapsake_migrations SET version = 9999").execute(&database.pool).await.unwrap();
    let error = SqliteStore::open(database.pool.clone()).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let folder = private_folder();
    let path = folder.path().join("app.db");
    std::fs::write(&path, "").unwrap();
    set_mode(&path, 0o644);
    let error = SqliteStore::connect(&path).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[tokio::test]
async fn all_files_of_the_database_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = private_folder();
    let store = SqliteStore::connect(&folder.path().join("app.db")).await.unwrap();
    connection(&store).await;
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
    let modes: Vec<_> = files.map(|file| file.metadata().unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, vec![0o600; 3], "the file, its log and the log's index");
}

#[tokio::test]
async fn sqlite_forgets_old_entries() {
    forgets_old_entries(&Database::new().await.store().await).await;
}

#[tokio::test]
async fn sqlite_refuses_empty_secrets() {
    refuses_empty_secrets(&Database::new().await.store().await).await;
}

#[tokio::test]
async fn sqlite_hears_of_what_another_process_wrote() {
    let folder = private_folder();
    let path = folder.path().join("app.db");
    let (one, other) =
        (SqliteStore::connect(&path).await.unwrap(), SqliteStore::connect(&path).await.unwrap());
    hears_of_changes(&one, &other).await;
}

#[tokio::test]
async fn sqlite_lets_no_lease_outlast_a_clock_that_was_moved_back() {
    let database = Database::new().await;
    let store = database.store().await;
    let id = connection(&store).await;
    assert_eq!(store.lease(&id, Uuid::from_u128(1), LONGEST_LEASE).await.unwrap(), Lease::Held);
    let moved = "UPDATE keapsake_connection SET lease_until = lease_until + 60000";
    sqlx::query(moved).execute(&database.pool).await.unwrap();
    assert_eq!(store.lease(&id, Uuid::from_u128(2), LONGEST_LEASE).await.unwrap(), Lease::Held);
}

#[tokio::test]
async fn a_copied_file_is_another_copy() {
    let folder = private_folder();
    let path = folder.path().join("app.db");
    let store = SqliteStore::connect(&path).await.unwrap();
    let home = store.incarnation().await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(store.pool()).await.unwrap();
    sqlx::query("VACUUM").execute(store.pool()).await.unwrap();
    assert_eq!(store.incarnation().await.unwrap(), home, "tidying up moves nothing");
    store.pool().close().await;
    assert_eq!(SqliteStore::connect(&path).await.unwrap().incarnation().await.unwrap(), home);

    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    assert_ne!(SqliteStore::connect(&copy).await.unwrap().incarnation().await.unwrap(), home);
}

#[tokio::test]
async fn a_database_in_memory_is_known_as_one() {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::open(pool).await.unwrap();
    assert_eq!(store.incarnation().await.unwrap(), "memory");
}

#[tokio::test]
async fn a_wrong_key_starts_nothing_and_changes_nothing() {
    let database = Database::new().await;
    let store: Arc<dyn Store> = Arc::new(database.store().await);
    let world = World::with(store.clone()).await;
    world.connect("acme").await;
    world.keap.stop().await;
    let id = ConnectionId::main();
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

fn private_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    folder
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(PathBuf::from(path), std::fs::Permissions::from_mode(mode)).unwrap();
}
