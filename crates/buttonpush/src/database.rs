//! The SQLite file: one connection that writes, several that only read.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

const READERS_MAX: u32 = 4;

/// How long a request waits for a connection before the answer is "busy, try again".
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first SQLite without a bug in the write-ahead log that can lose commits.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The open database. A cheap handle.
#[derive(Debug, Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, which exists already (perhaps empty), and brings its tables up to date.
    pub async fn open(file: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged sign-up survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(ACQUIRE_TIMEOUT);
        let writer = pool(1).connect_with(options.clone()).await.context("the database cannot be opened")?;
        refuse_old_sqlite(&writer).await?;
        MIGRATIONS.run(&writer).await.context("the tables cannot be brought up to date")?;
        let readers = pool(READERS_MAX).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write. There is one at a time; the others wait their turn.
    ///
    /// It takes the write lock at once: one that begins by reading could fail when it comes to write.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// The connections that cannot change anything.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The connection that writes, for the SDK, which keeps its tables in the same file.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Whether the connection that writes answers.
    pub async fn answers(&self) -> bool {
        sqlx::query("SELECT count(*) FROM users").execute(&self.writer).await.is_ok()
    }

    /// Moves what is in the write-ahead log into the file and closes it.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            tracing::warn!(%error, "the write-ahead log stays; the next start reads it");
        }
        self.writer.close().await;
    }
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Connections to a file do not age.
        .idle_timeout(None)
        .max_lifetime(None)
}

async fn refuse_old_sqlite(pool: &SqlitePool) -> anyhow::Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let number =
        version.split('.').filter_map(|part| part.parse::<i32>().ok()).fold(0, |sum, part| sum * 1000 + part);
    anyhow::ensure!(
        number >= SQLITE_VERSION_MIN,
        "SQLite {version} can lose commits; 3.51.3 or newer is needed. Build with the pinned libsqlite3-sys."
    );
    Ok(())
}
