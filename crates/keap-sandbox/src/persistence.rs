//! The data file: one SQLite database, written through before a request is answered.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection};
use tokio::sync::mpsc;

use crate::state::Batch;
use crate::state::records::Row;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, account, id)
) WITHOUT ROWID";
/// Accounts come first, because the rest is put into them.
const LOAD: &str = "SELECT kind, account, id, body FROM record ORDER BY kind <> 'account'";
const KEEP: &str = "INSERT INTO record (kind, account, id, body) VALUES ($1, $2, $3, $4)
    ON CONFLICT (kind, account, id) DO UPDATE SET body = excluded.body";
const FORGET: &str = "DELETE FROM record WHERE kind = $1 AND account = $2 AND id = $3";

/// An open data file.
pub(crate) struct DataFile {
    connection: SqliteConnection,
}

impl DataFile {
    /// Opens or creates the file, readable by its owner only.
    pub(crate) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        create_private(path).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::from_str("sqlite:")?
            .filename(path)
            // Two sandboxes on one file would each believe in their own half of the truth.
            .locking_mode(SqliteLockingMode::Exclusive)
            // Long enough for one that is just stopping.
            .busy_timeout(Duration::from_secs(2))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query(SCHEMA).execute(&mut connection).await?;
        Ok(Self { connection })
    }

    /// Everything in the file.
    pub(crate) async fn load(&mut self) -> Result<Vec<Row>, sqlx::Error> {
        let rows = sqlx::query(LOAD).fetch_all(&mut self.connection).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Row {
                kind: row.try_get(0)?,
                account: row.try_get(1)?,
                id: row.try_get(2)?,
                body: Some(row.try_get(3)?),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Writes batches until the sandbox is gone. Whoever waits for a batch that could not be written is told so by the
    /// end of its channel.
    pub(crate) async fn write(mut self, mut batches: mpsc::UnboundedReceiver<Batch>) {
        let mut waiting = Vec::new();
        // Batches that come in while the disk is busy share the next transaction.
        while batches.recv_many(&mut waiting, 256).await > 0 {
            match self.save(waiting.iter().flat_map(|batch| &batch.rows)).await {
                Ok(()) => waiting.drain(..).for_each(|batch| {
                    // Nobody may be waiting any more.
                    let _ = batch.done.send(());
                }),
                Err(error) => {
                    tracing::error!(%error, "the data file could not be written");
                    waiting.clear();
                }
            }
        }
        // Folds the write-ahead log back in; without it the file is just as complete.
        let _ = self.connection.close().await;
    }

    async fn save(&mut self, rows: impl Iterator<Item = &Row>) -> Result<(), sqlx::Error> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for row in rows {
            let query = match &row.body {
                Some(body) => sqlx::query(KEEP).bind(&row.kind).bind(&row.account).bind(&row.id).bind(body),
                None => sqlx::query(FORGET).bind(&row.kind).bind(&row.account).bind(&row.id),
            };
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path).map(drop)
}
