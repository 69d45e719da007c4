//! A store in PostgreSQL, for an application that runs on several machines.

mod checks;
mod incarnation;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::{Pool, PoolConnection};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Postgres, Row as _};

use super::StoreError;
use super::sql::engine::{Engine, carries_out, speaks};
use super::sql::rows::Columns;
use super::sql::statements::on_time;
use super::sql::step::{Step, Value};
use super::sql::trouble::trouble;
use super::sql::{SqlStore, migrate};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// A keeper of connections needs few of its own.
const CONNECTIONS_MAX: u32 = 5;

/// After this long without an answer the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shorter than [`PATIENCE`], so that the server, while it can, says itself what was the matter.
const LIMITS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'";

/// Keeps connections in a PostgreSQL database. Its tables begin with `keapsake_` and are in the first schema of the
/// `search_path`.
///
/// The role needs to own its tables, or `SELECT`, `INSERT`, `UPDATE` and `DELETE` on them; to create them at the first
/// start and after an update it needs `CREATE` on the schema, too. Statements that do not end within ten seconds are
/// errors, so a server that hangs is noticed.
pub type PostgresStore = SqlStore<Postgres>;

impl SqlStore<Postgres> {
    /// In the database with this address, as `postgres://user@host/database?sslmode=verify-full`. What it leaves out
    /// is taken from PostgreSQL's own variables (`PGPASSWORD`, `PGSSLROOTCERT` and so on).
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the address cannot be read.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| {
            // What was found wrong is left out: it could be a part of the password.
            StoreError::new(
                "the address of the database cannot be read; it looks like \
                 postgres://user:password@host/database?sslmode=verify-full",
            )
        })?;
        checks::transport(&options)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(async { connection.execute(LIMITS).await.map(|_| ()) }))
            .connect_with(options)
            .await
            .map_err(trouble)?;
        Self::open(pool).await
    }

    /// In this database, creating or bringing up to date the tables it needs. Of any number of processes that start
    /// at once, one does it.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unusable, when it was written by a newer version, when it could forget
    /// what was acknowledged (`synchronous_commit` or `fsync` is off), or when others could listen on the way to it
    /// (`sslmode` is below `verify-full` and the server is on another machine). The message says what to do.
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        checks::transport(&pool.connect_options())?;
        let mut connection = pool.acquire().await.map_err(trouble)?;
        checks::durability(&mut connection).await?;
        bring_up_to_date(&mut connection).await?;
        drop(connection);
        Ok(Self::on(pool))
    }
}

/// Under a lock of the whole database; waiting for it may take longer than anything else here.
async fn bring_up_to_date(connection: &mut PgConnection) -> Result<(), StoreError> {
    const LOCK: &str = "SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s';
        SELECT pg_advisory_xact_lock(7740536573461685611)";
    let migrations = migrate::ours(&MIGRATIONS);
    if migrate::is_current(connection, &migrations).await {
        return Ok(());
    }
    let mut transaction = connection.begin_with(Postgres::BEGIN).await.map_err(trouble)?;
    transaction.execute(LOCK).await.map_err(trouble)?;
    migrations.run_direct(None, &mut *transaction, false).await.map_err(migrate::trouble)?;
    transaction.commit().await.map_err(trouble)
}

impl Engine for Postgres {
    // Whatever the default of the database is: the fences are made for this level.
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    const TELL: Option<&'static str> = Some("SELECT pg_notify('keapsake_changed', '')");
    const PATIENCE: Duration = PATIENCE;
    on_time!("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)");
    carries_out!();

    type Ear = PgListener;

    /// A serialization failure or a deadlock: the transaction was undone for certain.
    fn is_conflict(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| ["40001", "40P01"].contains(&&*code))
    }

    /// Closed at once: a question to a server that hangs would only wait again.
    fn abandon(connection: PoolConnection<Self>) {
        drop(connection.detach());
    }

    fn incarnation(connection: &mut PgConnection) -> BoxFuture<'_, sqlx::Result<String>> {
        Box::pin(incarnation::read(connection))
    }

    /// On a connection of its own, so that none is missing in the application's pool.
    fn listen(pool: &Pool<Self>) -> BoxFuture<'_, sqlx::Result<PgListener>> {
        Box::pin(async {
            let own = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .acquire_timeout(PATIENCE)
                .connect_lazy_with((*pool.connect_options()).clone());
            let mut ear = PgListener::connect_with(&own).await?;
            ear.listen("keapsake_changed").await?;
            Ok(ear)
        })
    }

    /// Many changes at once are heard as one. A connection that was lost and made anew may have missed some.
    fn hear(ear: &mut PgListener) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async {
            ear.try_recv().await?;
            while let Some(Ok(Some(_))) = ear.try_recv().now_or_never() {}
            Ok(())
        })
    }
}

speaks!(Postgres, PgRow);
