//! A store in a relational database: one text for SQLite and PostgreSQL, and a list of what they do differently.

pub(crate) mod changes;
pub(crate) mod engine;
pub(crate) mod migrate;
pub(crate) mod rows;
pub(crate) mod statements;
pub(crate) mod step;
pub(crate) mod trouble;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::Connection as _;
use sqlx::pool::Pool;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Begin, Due, Identity, LONGEST_LEASE, Lease, Revision, Store, StoreError, Stored, Swap, WrappedKeys, Write,
};
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry};
use changes::Changes;
use engine::Engine;
use rows::{read_alarm, read_due, read_entry, read_flow, read_id, read_identity, read_stored, unreadable};
use statements as say;
use step::Step;
use trouble::{stuck, trouble};

/// A transaction that lost against others is tried this often.
const TRIES_MAX: u32 = 5;

/// A store in a relational database. Its tables begin with `keapsake_`. Cheap to clone.
pub struct SqlStore<E: Engine> {
    pool: Pool<E>,
    changes: Arc<Changes<E>>,
}

impl<E: Engine> Clone for SqlStore<E> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), changes: self.changes.clone() }
    }
}

impl<E: Engine> SqlStore<E> {
    pub(crate) fn on(pool: Pool<E>) -> Self {
        Self { pool, changes: Arc::new(Changes::new()) }
    }

    /// The database it is in.
    pub fn pool(&self) -> &Pool<E> {
        &self.pool
    }

    /// Carries out all steps or none of them; false when a fence stopped it.
    async fn commit(&self, steps: Vec<Step>) -> Result<bool, StoreError> {
        let steps: Arc<[Step]> = steps.into();
        self.ask(move |connection| {
            let steps = steps.clone();
            Box::pin(async move { carry_out::<E>(connection, &steps).await })
        })
        .await
    }

    /// Carries out one step that changes something or nothing.
    async fn change(&self, step: Step) -> Result<bool, StoreError> {
        self.commit(vec![Step { is_fence: true, ..step }]).await
    }

    async fn rows(&self, step: Step) -> Result<Vec<E::Row>, StoreError> {
        let step = Arc::new(step);
        self.ask(move |connection| {
            let step = step.clone();
            Box::pin(async move { E::fetch(connection, &step).await })
        })
        .await
    }

    /// Asks the database, but not for ever: a stuck one must not hold up a refresh without anybody being told.
    async fn ask<T: Send>(&self, question: impl Question<E, T>) -> Result<T, StoreError> {
        let acquired = timeout(E::PATIENCE, self.pool.acquire()).await;
        let mut connection = acquired.map_err(|_| stuck())?.map_err(trouble)?;
        let answered = timeout(E::PATIENCE, insist::<E, T>(&mut connection, &question)).await;
        let Ok(answer) = answered else {
            E::abandon(connection);
            return Err(stuck());
        };
        answer.map_err(trouble)
    }

    async fn find_flow(
        &self,
        statement: &'static str,
        id: &ConnectionId,
        digest: [u8; 32],
    ) -> Result<Option<Flow>, StoreError> {
        let rows = self.rows(Step::new(statement).bind(&digest[..]).bind(id.as_str())).await?;
        rows.first().map(read_flow).transpose()
    }

    async fn lease_left(&self, id: &ConnectionId) -> Result<Lease, StoreError> {
        let rows = self.rows(Step::new(E::LEASE_LEFT).bind(id.as_str())).await?;
        let row = rows.first().ok_or_else(|| nothing_to_lease(id))?;
        let left = u64::try_from(rows::Columns::integer(row, "left_ms")?).unwrap_or_default();
        Ok(Lease::Taken { left: Duration::from_millis(left) })
    }
}

/// Something to ask a database, perhaps more than once.
trait Question<E: Engine, T>:
    for<'c> Fn(&'c mut E::Connection) -> BoxFuture<'c, sqlx::Result<T>> + Send + Sync
{
}

impl<E: Engine, T, F> Question<E, T> for F where
    F: for<'c> Fn(&'c mut E::Connection) -> BoxFuture<'c, sqlx::Result<T>> + Send + Sync
{
}

/// Asks again when the database undid it because of another transaction.
async fn insist<E: Engine, T>(
    connection: &mut E::Connection,
    question: &impl Question<E, T>,
) -> sqlx::Result<T> {
    for _ in 1..TRIES_MAX {
        match question(connection).await {
            Err(error) if E::is_conflict(&error) => {}
            answer => return answer,
        }
    }
    question(connection).await
}

async fn carry_out<E: Engine>(connection: &mut E::Connection, steps: &[Step]) -> sqlx::Result<bool> {
    if let [only] = steps {
        return Ok(E::execute(connection, only).await? > 0 || !only.is_fence);
    }
    let mut transaction = connection.begin_with(E::BEGIN).await?;
    for step in steps {
        let changed = E::execute(&mut transaction, step).await?;
        if changed == 0 && step.is_fence {
            transaction.rollback().await?;
            return Ok(false);
        }
    }
    transaction.commit().await?;
    Ok(true)
}

pub(crate) fn nothing_to_lease(id: &ConnectionId) -> StoreError {
    StoreError::new(format!(
        "there is no connection `{id}` to refresh; it was removed from the store meanwhile. Connect to Keap again"
    ))
}

fn millis(life: Duration) -> i64 {
    i64::try_from(life.as_millis()).unwrap_or(i64::MAX)
}

fn swapped(done: bool) -> Swap {
    if done { Swap::Done } else { Swap::Lost }
}

impl<E: Engine> Store for SqlStore<E> {
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>, StoreError>> {
        Box::pin(async { read_identity(&self.rows(Step::new(say::IDENTITY)).await?) })
    }

    fn identify(&self, identity: Identity) -> BoxFuture<'_, Result<Identity, StoreError>> {
        Box::pin(async move {
            self.commit(say::identify(&identity)?).await?;
            self.identity().await?.ok_or_else(|| unreadable("keapsake_identity"))
        })
    }

    fn incarnation(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(async { self.ask(E::incarnation).await })
    }

    fn settle(&self, incarnation: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(Step::new(say::SETTLE).bind(&*incarnation)).await?;
            Ok(())
        })
    }

    fn swap_keys(&self, expected: Revision, keys: WrappedKeys) -> BoxFuture<'_, Result<Swap, StoreError>> {
        Box::pin(async move { self.commit(say::swap_keys(expected, &keys)?).await.map(swapped) })
    }

    fn load<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(Step::new(say::LOAD).bind(id.as_str())).await?;
            rows.first().map(read_stored).transpose()
        })
    }

    fn swap<'a>(
        &'a self,
        id: &'a ConnectionId,
        expected: Option<Revision>,
        write: Write,
    ) -> BoxFuture<'a, Result<Swap, StoreError>> {
        Box::pin(async move { self.commit(say::swap::<E>(id, expected, &write)?).await.map(swapped) })
    }

    fn due(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(Step::new(say::DUE).bind(i64::from(limit))).await?;
            rows.iter().map(read_due).collect()
        })
    }

    fn connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<ConnectionId>, StoreError>> {
        Box::pin(async move {
            // No name is empty, so all come after the empty one.
            let after = after.map_or("", ConnectionId::as_str);
            let rows = self.rows(Step::new(say::CONNECTIONS).bind(after).bind(i64::from(limit))).await?;
            rows.iter().map(read_id).collect()
        })
    }

    fn lease<'a>(
        &'a self,
        id: &'a ConnectionId,
        owner: Uuid,
        life: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let lease = Step::new(E::LEASE)
                .bind(id.as_str())
                .bind(&*owner.to_string())
                .bind(millis(life.min(LONGEST_LEASE)))
                .bind(millis(LONGEST_LEASE));
            if self.change(lease).await? { Ok(Lease::Held) } else { self.lease_left(id).await }
        })
    }

    fn release<'a>(&'a self, id: &'a ConnectionId, owner: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(Step::new(say::RELEASE).bind(id.as_str()).bind(&*owner.to_string())).await?;
            Ok(())
        })
    }

    fn release_all(&self, owner: Uuid) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(Step::new(say::RELEASE_ALL).bind(&*owner.to_string())).await?;
            Ok(())
        })
    }

    fn begin<'a>(&'a self, id: &'a ConnectionId, entry: Entry) -> BoxFuture<'a, Result<Begin, StoreError>> {
        Box::pin(async move {
            let begun = self.commit(say::begin(id, &entry)?).await?;
            Ok(if begun { Begin::Done } else { Begin::Occupied })
        })
    }

    fn end_entry<'a>(
        &'a self,
        id: &'a ConnectionId,
        entry: Uuid,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(say::end_entry(id, entry, &ending)).await?;
            Ok(())
        })
    }

    fn open_entries<'a>(&'a self, id: &'a ConnectionId) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(Step::new(say::OPEN_ENTRIES).bind(id.as_str())).await?;
            rows.iter().map(read_entry).collect()
        })
    }

    fn history<'a>(
        &'a self,
        id: &'a ConnectionId,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            let rows = self.rows(Step::new(say::HISTORY).bind(id.as_str()).bind(i64::from(limit))).await?;
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
            self.commit(say::add_flow(id, &flow, now)).await?;
            Ok(())
        })
    }

    fn peek_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        Box::pin(self.find_flow(say::PEEK_FLOW, id, state_digest))
    }

    fn take_flow<'a>(
        &'a self,
        id: &'a ConnectionId,
        state_digest: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<Flow>, StoreError>> {
        Box::pin(self.find_flow(say::TAKE_FLOW, id, state_digest))
    }

    fn raise<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let step = Step::new(say::RAISE).bind(id.as_str()).bind(condition).bind(at.as_millisecond());
        Box::pin(self.change(step))
    }

    fn clear<'a>(
        &'a self,
        id: &'a ConnectionId,
        condition: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.change(Step::new(say::CLEAR).bind(id.as_str()).bind(condition)))
    }

    fn raised<'a>(
        &'a self,
        id: &'a ConnectionId,
    ) -> BoxFuture<'a, Result<Vec<(String, Timestamp)>, StoreError>> {
        Box::pin(async {
            let rows = self.rows(Step::new(say::RAISED).bind(id.as_str())).await?;
            rows.iter().map(read_alarm).collect()
        })
    }

    fn changes(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.changes.wait(&self.pool))
    }
}

#[cfg(test)]
mod tests;
