//! A store in SQLite, beside the application's own tables in the same file if it likes.

mod file;

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::{Pool, PoolConnection};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
};

use super::StoreError;
use super::sql::changes::pause;
use super::sql::engine::{Engine, carries_out, speaks};
use super::sql::rows::Columns;
use super::sql::statements::on_time;
use super::sql::step::{Step, Value};
pub(crate) use super::sql::trouble::trouble;
use super::sql::{SqlStore, migrate};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// SQLite before 3.51.3 can lose commits when its write-ahead log is reset (<https://sqlite.org/wal.html>).
const VERSION_MIN: i32 = 3_051_003;
const _: () = assert!(libsqlite3_sys::SQLITE_VERSION_NUMBER >= VERSION_MIN);

/// How often is looked whether another process has written.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps connections in an SQLite database. Its tables begin with `keapsake_`.
///
/// The pool should hold a single connection that writes, with `journal_mode=WAL` and `synchronous=FULL`:
/// anything less can forget a token that Keap believes we have. Several processes on one machine may share the file.
pub type SqliteStore = SqlStore<Sqlite>;

/// How long to wait for another program that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl SqlStore<Sqlite> {
    /// In this file, which is created if it is missing, for a program that has no pool of its own. The file and its
    /// folder must be nobody else's.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when others on this machine could read the file or replace it, or when it is on a
    /// network file system.
    pub async fn connect(path: &Path) -> Result<Self, StoreError> {
        file::prepare(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(trouble)?;
        Self::open(pool).await
    }

    /// In this database, creating or bringing up to date the tables it needs.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unusable, when it was written by a newer version, or when its settings
    /// could lose what was acknowledged. The message says what to do.
    pub async fn open(pool: SqlitePool) -> Result<Self, StoreError> {
        check_version(&pool).await?;
        check_durability(&pool).await?;
        bring_up_to_date(&pool).await?;
        Ok(Self::on(pool))
    }
}

/// A transaction of the delivery, which has its tables beside.
pub(crate) async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    pool.begin_with(Sqlite::BEGIN).await.map_err(trouble)
}

async fn check_version(pool: &SqlitePool) -> Result<(), StoreError> {
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await.map_err(trouble)?;
    let parts = version.split('.').filter_map(|part| part.parse::<i32>().ok());
    if parts.fold(0, |number, part| number * 1000 + part) >= VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::new(format!(
        "this program runs on SQLite {version}, which can lose what was saved; 3.51.3 or newer is needed. Build it \
         with the SQLite that comes with Keapsake"
    )))
}

async fn check_durability(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await.map_err(trouble)?;
    let synchronous: i64 =
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.map_err(trouble)?;
    if synchronous < 2 {
        return Err(StoreError::new(
            "the database is opened with a `synchronous` setting below FULL, which can forget a saved token \
             when the power fails; open it with `synchronous=FULL`",
        ));
    }
    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.map_err(trouble)?;
    let is_in_file = file_of(&mut connection).await.map_err(trouble)?.is_some();
    if is_in_file && ["off", "memory"].contains(&&*journal) {
        return Err(StoreError::new(format!(
            "the database is opened with `journal_mode={journal}`, which can destroy it when the program is killed; open \
             it with `journal_mode=WAL`"
        )));
    }
    Ok(())
}

/// Under the write lock, so that of several processes that start at once, one makes the tables.
async fn bring_up_to_date(pool: &SqlitePool) -> Result<(), StoreError> {
    let migrations = migrate::ours(&MIGRATIONS);
    let mut connection = pool.acquire().await.map_err(trouble)?;
    if migrate::is_current(&mut *connection, &migrations).await {
        return Ok(());
    }
    let mut transaction = connection.begin_with(Sqlite::BEGIN).await.map_err(trouble)?;
    migrations.run_direct(None, &mut *transaction, false).await.map_err(migrate::trouble)?;
    transaction.commit().await.map_err(trouble)
}

impl Engine for Sqlite {
    // The write lock at once: an upgrade from reading to writing could fail with BUSY.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const TELL: Option<&'static str> = None;
    // Longer than connections usually wait for the write lock.
    const PATIENCE: Duration = Duration::from_secs(15);
    on_time!("CAST(unixepoch('subsec') * 1000 AS INTEGER)");
    carries_out!();

    type Ear = Option<Ear>;

    /// The busy timeout has been waited for already.
    fn is_conflict(_: &sqlx::Error) -> bool {
        false
    }

    /// Back to the pool: the database is in this process, a new connection would be stuck as well.
    fn abandon(connection: PoolConnection<Self>) {
        drop(connection);
    }

    fn incarnation(connection: &mut SqliteConnection) -> BoxFuture<'_, sqlx::Result<String>> {
        Box::pin(async {
            let Some(file) = file_of(connection).await? else { return Ok("memory".into()) };
            let file = tokio::fs::metadata(file).await?;
            Ok(format!("file:{}", inode(&file)))
        })
    }

    /// On a connection of its own: one that writes does not notice its own process, and is needed elsewhere.
    fn listen(pool: &Pool<Self>) -> BoxFuture<'_, sqlx::Result<Option<Ear>>> {
        Box::pin(async {
            if file_of(&mut *pool.acquire().await?).await?.is_none() {
                return Ok(None);
            }
            let options = (*pool.connect_options()).clone().create_if_missing(false);
            let mut connection = options.connect().await?;
            let version = data_version(&mut connection).await?;
            Ok(Some(Ear { connection, version }))
        })
    }

    fn hear(ear: &mut Option<Ear>) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async {
            match ear {
                Some(ear) => ear.hear().await,
                // Nobody else has a database in memory.
                None => std::future::pending().await,
            }
        })
    }
}

speaks!(Sqlite, SqliteRow);

/// A connection that is asked again and again whether another has written.
pub struct Ear {
    connection: SqliteConnection,
    version: i64,
}

impl Ear {
    async fn hear(&mut self) -> sqlx::Result<()> {
        loop {
            let version = data_version(&mut self.connection).await?;
            if version != self.version {
                self.version = version;
                return Ok(());
            }
            pause(LOOK_EVERY).await;
        }
    }
}

async fn data_version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await
}

/// The file of the main database; `None` when it is in memory.
async fn file_of(connection: &mut SqliteConnection) -> sqlx::Result<Option<String>> {
    let file: Option<String> =
        sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
            .fetch_one(connection)
            .await?;
    Ok(file.filter(|file| !file.is_empty()))
}

/// A copied or restored file has another one.
#[cfg(unix)]
fn inode(file: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

/// Without inodes, the time at which the file was made comes next.
#[cfg(not(unix))]
fn inode(file: &std::fs::Metadata) -> u64 {
    let made = file.created().ok().and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    made.map_or(0, |made| u64::try_from(made.as_millis()).unwrap_or_default())
}
