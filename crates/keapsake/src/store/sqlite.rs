//! A store in SQLite, beside the application's own tables in the same file if it likes.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, SqliteConnection, SqlitePool, Transaction};
use uuid::Uuid;

use super::{Identity, Sealed, SealedPair, Store, StoreError, Stored, Swap, Tokens, Write};
use crate::clock::from_millis;
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind, Outcome};
use crate::connection::record::{Position, Record};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Keeps connections in an SQLite database. Its tables begin with `keapsake_`.
///
/// The pool should hold a single connection that writes, with `journal_mode=WAL` and `synchronous=FULL`:
/// anything less can forget a token that Keap believes we have.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// In this database, creating or bringing up to date the tables it needs.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unusable, when it was written by a newer version, or when its settings
    /// could lose what was acknowledged. The message says what to do.
    pub async fn open(pool: SqlitePool) -> Result<Self, StoreError> {
        check_durability(&pool).await?;
        let mut migrations = Migrator { ..Migrator::DEFAULT };
        migrations.migrations.clone_from(&MIGRATIONS.migrations);
        migrations.dangerous_set_table_name("_keapsake_migrations");
        migrations.run(&pool).await.map_err(|error| {
            StoreError::new(format!(
                "Keapsake's tables could not be brought up to date: {error}. If this database was used by a \
                 newer version, run that version"
            ))
        })?;
        Ok(Self { pool })
    }

    /// The database it is in.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

/// SQLite before 3.51.3 can lose commits when its write-ahead log is reset (<https://sqlite.org/wal.html>).
const _: () = assert!(libsqlite3_sys::SQLITE_VERSION_NUMBER >= 3_051_003);

async fn check_durability(pool: &SqlitePool) -> Result<(), StoreError> {
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.map_err(trouble)?;
    if synchronous < 2 {
        return Err(StoreError::new(
            "the database is opened with a `synchronous` setting below FULL, which can forget a saved token \
             when the power fails; open it with `synchronous=FULL`",
        ));
    }
    Ok(())
}

/// A transaction that takes the write lock at once: an upgrade from reading to writing could fail with BUSY.
pub(crate) async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    pool.begin_with("BEGIN IMMEDIATE").await.map_err(trouble)
}

/// A database error in words for people. SQL and values are left out.
#[expect(clippy::needless_pass_by_value, reason = "it is made for `map_err`")]
pub(crate) fn trouble(error: sqlx::Error) -> StoreError {
    let advice = match &error {
        sqlx::Error::Database(db) if db.message().contains("full") => {
            "free some space on the disk; what was not saved will be tried again"
        }
        sqlx::Error::Database(db) if db.message().contains("readonly") => {
            "make the database file and its folder writable for the user this program runs as"
        }
        sqlx::Error::PoolTimedOut => {
            "something holds the database for long; see if another program has it open"
        }
        _ => "see that the file is there, whole and writable",
    };
    StoreError::new(format!("the database did not do it ({error}): {advice}"))
}

impl Store for SqliteStore {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        Box::pin(async {
            let row = sqlx::query("SELECT deployment, key_check FROM keapsake_identity")
                .fetch_optional(&self.pool)
                .await
                .map_err(trouble)?;
            row.map(|row| read_identity(&row)).transpose()
        })
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO keapsake_identity (only_row, deployment, key_check) VALUES (1, $1, $2)
                 ON CONFLICT DO NOTHING",
            )
            .bind(identity.deployment.to_string())
            .bind(identity.key_check.as_bytes())
            .execute(&self.pool)
            .await
            .map_err(trouble)?;
            self.identity().await?.ok_or_else(|| unreadable("keapsake_identity"))
        })
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async {
            let row =
                sqlx::query("SELECT record, access_ct, refresh_ct FROM keapsake_connection WHERE id = $1")
                    .bind(id.as_str())
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(trouble)?;
            row.map(|row| read_stored(&row)).transpose()
        })
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Position>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(async move {
            let mut tx = begin(&self.pool).await?;
            if position(&mut tx, id).await? != expected {
                return Ok(Swap::Lost);
            }
            write_record(&mut tx, id, &write.record).await?;
            match &write.tokens {
                Tokens::Keep => {}
                Tokens::Replace(pair) => write_tokens(&mut tx, id, Some(pair)).await?,
                Tokens::Erase => write_tokens(&mut tx, id, None).await?,
            }
            if let Some((entry, ending)) = &write.ends {
                end_entry(&mut tx, *entry, ending).await?;
            }
            tx.commit().await.map_err(trouble)?;
            Ok(Swap::Done)
        })
    }

    fn add_entry<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let ending = entry.ending.as_ref();
            sqlx::query(
                "INSERT INTO keapsake_history
                   (id, connection, kind, lineage, generation, started_at, ended_at, outcome, words)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(entry.id.to_string())
            .bind(id.as_str())
            .bind(entry.kind.as_str())
            .bind(to_integer(entry.position.lineage))
            .bind(to_integer(entry.position.generation))
            .bind(entry.started_at.as_millisecond())
            .bind(ending.map(|ending| ending.at.as_millisecond()))
            .bind(ending.map(|ending| ending.outcome.as_str()))
            .bind(ending.map(|ending| ending.words.as_str()))
            .execute(&self.pool)
            .await
            .map_err(trouble)?;
            Ok(())
        })
    }

    fn end_entry<'a>(
        &'a self,
        _: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut connection = self.pool.acquire().await.map_err(trouble)?;
            end_entry(&mut connection, entry, &ending).await
        })
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT id, kind, lineage, generation, started_at, ended_at, outcome, words
                 FROM keapsake_history WHERE connection = $1 ORDER BY seq DESC LIMIT $2",
            )
            .bind(id.as_str())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(trouble)?;
            rows.iter().map(read_entry).collect()
        })
    }

    fn add_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        flow: Flow,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut tx = begin(&self.pool).await?;
            sqlx::query("DELETE FROM keapsake_flow WHERE expires_at <= $1")
                .bind(now.as_millisecond())
                .execute(&mut *tx)
                .await
                .map_err(trouble)?;
            sqlx::query(
                "INSERT INTO keapsake_flow
                   (state_digest, connection, browser_digest, started_by, switch_account, verifier_ct, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&flow.state_digest[..])
            .bind(id.as_str())
            .bind(&flow.browser_digest[..])
            .bind(&flow.started_by)
            .bind(flow.switch_account)
            .bind(flow.verifier.as_ref().map(Sealed::as_bytes))
            .bind(flow.expires_at.as_millisecond())
            .execute(&mut *tx)
            .await
            .map_err(trouble)?;
            tx.commit().await.map_err(trouble)
        })
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.find_flow(
            "SELECT * FROM keapsake_flow WHERE state_digest = $1 AND connection = $2",
            id,
            state_digest,
        )
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        self.find_flow(
            "DELETE FROM keapsake_flow WHERE state_digest = $1 AND connection = $2 RETURNING *",
            id,
            state_digest,
        )
    }
}

impl SqliteStore {
    fn find_flow<'a>(
        &'a self,
        statement: &'static str,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        Box::pin(async move {
            let row = sqlx::query(statement)
                .bind(state_digest.to_vec())
                .bind(id.as_str())
                .fetch_optional(&self.pool)
                .await
                .map_err(trouble)?;
            row.map(|row| read_flow(&row)).transpose()
        })
    }
}

async fn position(tx: &mut SqliteConnection, id: &ConnectionId) -> Result<Option<Position>, StoreError> {
    let row = sqlx::query("SELECT lineage, generation FROM keapsake_connection WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(tx)
        .await
        .map_err(trouble)?;
    row.map(|row| read_position(&row)).transpose()
}

async fn write_record(
    tx: &mut SqliteConnection,
    id: &ConnectionId,
    record: &Record,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(record).map_err(|_| unreadable("record"))?;
    sqlx::query(
        "INSERT INTO keapsake_connection (id, lineage, generation, record) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET lineage = $2, generation = $3, record = $4",
    )
    .bind(id.as_str())
    .bind(to_integer(record.position.lineage))
    .bind(to_integer(record.position.generation))
    .bind(text)
    .execute(tx)
    .await
    .map_err(trouble)?;
    Ok(())
}

async fn write_tokens(
    tx: &mut SqliteConnection,
    id: &ConnectionId,
    pair: Option<&SealedPair>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE keapsake_connection SET access_ct = $2, refresh_ct = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(pair.map(|pair| pair.access.as_bytes()))
        .bind(pair.map(|pair| pair.refresh.as_bytes()))
        .execute(tx)
        .await
        .map_err(trouble)?;
    Ok(())
}

async fn end_entry(tx: &mut SqliteConnection, id: Uuid, ending: &Ending) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE keapsake_history SET ended_at = $2, outcome = $3, words = $4 WHERE id = $1 AND outcome IS NULL",
    )
    .bind(id.to_string())
    .bind(ending.at.as_millisecond())
    .bind(ending.outcome.as_str())
    .bind(&ending.words)
    .execute(tx)
    .await
    .map_err(trouble)?;
    Ok(())
}

fn read_identity(row: &SqliteRow) -> Result<Identity, StoreError> {
    let deployment: String = row.try_get("deployment").map_err(trouble)?;
    Ok(Identity {
        deployment: deployment.parse().map_err(|_| unreadable("keapsake_identity"))?,
        key_check: Sealed::from_stored(row.try_get("key_check").map_err(trouble)?),
    })
}

fn read_stored(row: &SqliteRow) -> Result<Stored, StoreError> {
    let record: String = row.try_get("record").map_err(trouble)?;
    let access: Option<Vec<u8>> = row.try_get("access_ct").map_err(trouble)?;
    let refresh: Option<Vec<u8>> = row.try_get("refresh_ct").map_err(trouble)?;
    Ok(Stored {
        record: serde_json::from_str(&record).map_err(|_| unreadable("keapsake_connection"))?,
        tokens: access.zip(refresh).map(|(access, refresh)| SealedPair {
            access: Sealed::from_stored(access),
            refresh: Sealed::from_stored(refresh),
        }),
    })
}

fn read_position(row: &SqliteRow) -> Result<Position, StoreError> {
    let number = |column| {
        let number: i64 = row.try_get(column).map_err(trouble)?;
        u64::try_from(number).map_err(|_| unreadable(column))
    };
    Ok(Position { lineage: number("lineage")?, generation: number("generation")? })
}

fn read_entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let id: String = row.try_get("id").map_err(trouble)?;
    let kind: String = row.try_get("kind").map_err(trouble)?;
    Ok(Entry {
        id: id.parse().map_err(|_| unreadable("keapsake_history"))?,
        kind: Kind::from_word(&kind).ok_or_else(|| unreadable("keapsake_history"))?,
        position: read_position(row)?,
        started_at: from_millis(row.try_get("started_at").map_err(trouble)?),
        ending: read_ending(row)?,
    })
}

fn read_ending(row: &SqliteRow) -> Result<Option<Ending>, StoreError> {
    let at: Option<i64> = row.try_get("ended_at").map_err(trouble)?;
    let Some(at) = at else { return Ok(None) };
    let outcome: String = row.try_get("outcome").map_err(trouble)?;
    Ok(Some(Ending {
        at: from_millis(at),
        outcome: Outcome::from_word(&outcome).ok_or_else(|| unreadable("keapsake_history"))?,
        words: row.try_get("words").map_err(trouble)?,
    }))
}

fn read_flow(row: &SqliteRow) -> Result<Flow, StoreError> {
    let digest = |column| {
        let bytes: Vec<u8> = row.try_get(column).map_err(trouble)?;
        bytes.try_into().map_err(|_| unreadable(column))
    };
    let verifier: Option<Vec<u8>> = row.try_get("verifier_ct").map_err(trouble)?;
    Ok(Flow {
        state_digest: digest("state_digest")?,
        browser_digest: digest("browser_digest")?,
        started_by: row.try_get("started_by").map_err(trouble)?,
        switch_account: row.try_get("switch_account").map_err(trouble)?,
        verifier: verifier.map(Sealed::from_stored),
        expires_at: from_millis(row.try_get("expires_at").map_err(trouble)?),
    })
}

fn to_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unreadable(what: &str) -> StoreError {
    StoreError::new(format!(
        "`{what}` in the database holds something this version does not know; it was changed by hand or by a newer \
         version. Run the newer version, or put a backup back"
    ))
}
