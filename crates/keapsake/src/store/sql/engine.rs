//! What the databases do differently.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::Database;
use sqlx::pool::{Pool, PoolConnection};

use super::rows::Columns;
use super::step::Step;

/// A database that keeps connections.
pub trait Engine: Database<Row: Columns> + Sized {
    /// Begins a transaction that writes.
    const BEGIN: &'static str;
    /// Takes a lease: connection, owner, life, longest life.
    const LEASE: &'static str;
    /// How long the lease of a connection lasts.
    const LEASE_LEFT: &'static str;
    /// Tells other processes of a write, from within its transaction.
    const TELL: Option<&'static str>;
    /// After this long without an answer the database counts as stuck.
    const PATIENCE: Duration;

    /// Hears of changes by others.
    type Ear: Send;

    /// Carries out a statement; says how many rows it changed.
    fn execute<'a>(connection: &'a mut Self::Connection, step: &'a Step) -> BoxFuture<'a, sqlx::Result<u64>>;

    /// Carries out a statement; gives the rows it returned.
    fn fetch<'a>(
        connection: &'a mut Self::Connection,
        step: &'a Step,
    ) -> BoxFuture<'a, sqlx::Result<Vec<Self::Row>>>;

    /// Whether a transaction was undone because of another one, and would probably pass now.
    fn is_conflict(error: &sqlx::Error) -> bool;

    /// Gets rid of a connection that did not answer.
    fn abandon(connection: PoolConnection<Self>);

    /// See [`Store::incarnation`](crate::store::Store::incarnation).
    fn incarnation(connection: &mut Self::Connection) -> BoxFuture<'_, sqlx::Result<String>>;

    /// Begins to hear of changes.
    fn listen(pool: &Pool<Self>) -> BoxFuture<'_, sqlx::Result<Self::Ear>>;

    /// Waits for a change.
    fn hear(ear: &mut Self::Ear) -> BoxFuture<'_, sqlx::Result<()>>;
}

/// What is written alike for each database but has other types.
macro_rules! carries_out {
    () => {
        fn execute<'a>(
            connection: &'a mut Self::Connection,
            step: &'a Step,
        ) -> BoxFuture<'a, sqlx::Result<u64>> {
            Box::pin(async move { Ok(query(step).execute(connection).await?.rows_affected()) })
        }

        fn fetch<'a>(
            connection: &'a mut Self::Connection,
            step: &'a Step,
        ) -> BoxFuture<'a, sqlx::Result<Vec<Self::Row>>> {
            Box::pin(async move { query(step).fetch_all(connection).await })
        }
    };
}

/// The statement as a query of this database, and the columns of its rows.
macro_rules! speaks {
    ($database:ty, $row:ty) => {
        fn query(step: &Step) -> sqlx::query::Query<'_, $database, <$database as sqlx::Database>::Arguments> {
            let query = sqlx::query::<$database>(step.statement);
            step.values.iter().fold(query, |query, value| match value {
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Integer(number) => query.bind(*number),
                Value::Bytes(bytes) => query.bind(bytes.as_deref()),
            })
        }

        impl Columns for $row {
            fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
                self.try_get(column).map_err(trouble)
            }

            fn maybe_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
                self.try_get(column).map_err(trouble)
            }

            fn maybe_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
                self.try_get(column).map_err(trouble)
            }
        }
    };
}

pub(crate) use {carries_out, speaks};
