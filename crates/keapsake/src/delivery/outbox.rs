//! Where effects wait. All statements about the outbox are in this file.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tokio::sync::{Notify, watch};

use super::effect::{Action, Effect};
use crate::clock::{Clock, from_millis};
use crate::randomness::{self, Randomness, SystemRandomness};
use crate::store::SqliteStore;
use crate::store::StoreError;
use crate::store::sqlite::trouble;

/// Effects waiting in the application's `SQLite` database. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    pub(super) pool: SqlitePool,
    pub(super) clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    pub(super) wake: Arc<Notify>,
    pub(super) pause: watch::Sender<Option<Pause>>,
}

/// Deliveries rest because of Keap, the network or the connection; no effect's attempts are used up by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Until when, unless something changes before.
    pub until: Timestamp,
    /// How long this time; the next one is longer.
    pub wait: std::time::Duration,
    /// Why, in words for people.
    pub words: String,
}

/// Whether an effect was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It was.
    New,
    /// The person has one with that key.
    Known,
}

/// An effect on its way, without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// The application's key of the person.
    pub person: String,
    /// What should become true, in words.
    pub words: String,
    /// Whether it waits or failed.
    pub state: ItemState,
    /// How often it was tried on its own account.
    pub attempts: u32,
    /// Why it was not delivered yet; empty when it was not tried.
    pub trouble: String,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// When it may be tried next.
    pub not_before: Timestamp,
}

/// The states of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    /// It will be delivered.
    Waiting,
    /// It needs a person: Keap refuses it.
    Failed,
    /// It is true in Keap.
    Done,
}

/// The outbox in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Waiting effects.
    pub waiting: u64,
    /// Failed effects.
    pub failed: u64,
    /// Delivered effects.
    pub done: u64,
    /// When the oldest waiting one was enqueued.
    pub oldest_waiting: Option<Timestamp>,
    /// Why nothing is delivered at the moment, if so.
    pub pause: Option<Pause>,
}

/// How far the delivery of an effect has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was sent that must not be sent twice.
    New,
    /// Such a request was sent, or was about to be.
    Sent,
}

/// An effect to be delivered now.
pub(super) struct Due {
    pub(super) id: String,
    pub(super) person: String,
    pub(super) action: Action,
    pub(super) attempts: u32,
}

impl ItemState {
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Sent => "sent",
        }
    }
}

impl Outbox {
    /// The outbox in the database of this store, on the given clock.
    pub fn new(store: &SqliteStore, clock: Arc<dyn Clock>) -> Self {
        Self {
            pool: store.pool().clone(),
            clock,
            randomness: Arc::new(SystemRandomness),
            wake: Arc::new(Notify::new()),
            pause: watch::Sender::new(None),
        }
    }

    /// Says, within the caller's transaction, that this should become true. Once the transaction is committed
    /// it will, whatever crashes; if it is rolled back, nothing was said. Call [`wake`](Self::wake) after the
    /// commit.
    ///
    /// # Errors
    /// When the database fails: roll back.
    pub async fn enqueue(&self, tx: &mut SqliteConnection, effect: &Effect) -> Result<Enqueued, StoreError> {
        let now = self.clock.now().as_millisecond();
        let id = uuid::Builder::from_unix_timestamp_millis(
            u64::try_from(now).unwrap_or_default(),
            &randomness::bytes(&*self.randomness),
        );
        let payload = serde_json::to_string(&effect.action)
            .map_err(|_| StoreError::new("the effect cannot be written as JSON"))?;
        let inserted = sqlx::query(
            "INSERT INTO keapsake_outbox (id, person, dedupe, effect, state, phase, not_before, created_at, changed_at)
             VALUES ($1, $2, $3, $4, 'waiting', 'new', $5, $5, $5) ON CONFLICT (person, dedupe) DO NOTHING",
        )
        .bind(id.into_uuid().to_string())
        .bind(&effect.person)
        .bind(&effect.dedupe)
        .bind(payload)
        .bind(now)
        .execute(tx)
        .await
        .map_err(trouble)?;
        Ok(if inserted.rows_affected() == 1 { Enqueued::New } else { Enqueued::Known })
    }

    /// Makes the worker look now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// The outbox in figures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn summary(&self) -> Result<Summary, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
                    count(*) FILTER (WHERE state = 'failed') AS failed,
                    count(*) FILTER (WHERE state = 'done') AS done,
                    min(created_at) FILTER (WHERE state = 'waiting') AS oldest
             FROM keapsake_outbox",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(trouble)?;
        let count = |column| {
            let count: i64 = row.try_get(column).map_err(trouble)?;
            Ok::<_, StoreError>(u64::try_from(count).unwrap_or_default())
        };
        let oldest: Option<i64> = row.try_get("oldest").map_err(trouble)?;
        Ok(Summary {
            waiting: count("waiting")?,
            failed: count("failed")?,
            done: count("done")?,
            oldest_waiting: oldest.map(from_millis),
            pause: self.pause.borrow().clone(),
        })
    }

    /// The effects in this state, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items(&self, state: ItemState, limit: u32) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query("SELECT * FROM keapsake_outbox WHERE state = $1 ORDER BY seq LIMIT $2")
            .bind(state.word())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(trouble)?;
        rows.iter().map(|row| read_item(row, state)).collect()
    }

    /// Lets a failed effect be tried again; false when there is no such failed one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_again(&self, id: &str) -> Result<bool, StoreError> {
        let now = self.clock.now().as_millisecond();
        let changed = sqlx::query(
            "UPDATE keapsake_outbox SET state = 'waiting', attempts = 0, not_before = $2, changed_at = $2
             WHERE id = $1 AND state = 'failed'",
        )
        .bind(id)
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(trouble)?;
        self.wake();
        Ok(changed.rows_affected() == 1)
    }

    /// The first effect that may be delivered now: of each person only the first unfinished one may, so a failed
    /// one holds back its own person and nobody else.
    pub(super) async fn due(&self) -> Result<Option<Due>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM keapsake_outbox AS o
             WHERE state = 'waiting' AND not_before <= $1
               AND NOT EXISTS (SELECT 1 FROM keapsake_outbox AS earlier
                               WHERE earlier.person = o.person AND earlier.seq < o.seq
                                 AND earlier.state IN ('waiting', 'failed'))
             ORDER BY seq LIMIT 1",
        )
        .bind(self.clock.now().as_millisecond())
        .fetch_optional(&self.pool)
        .await
        .map_err(trouble)?;
        row.map(|row| read_due(&row)).transpose()
    }

    /// Writes down how far an effect has come, before the request that must not be sent twice.
    pub(super) async fn set_phase(&self, id: &str, phase: Phase) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE keapsake_outbox SET phase = $2, changed_at = $3 WHERE id = $1 AND state = 'waiting'",
        )
        .bind(id)
        .bind(phase.word())
        .bind(self.clock.now().as_millisecond())
        .execute(&self.pool)
        .await
        .map_err(trouble)?;
        Ok(())
    }

    /// Puts an effect off until then, or ends it as failed.
    pub(super) async fn put_off(
        &self,
        due: &Due,
        state: ItemState,
        attempts: u32,
        until: Timestamp,
        words: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE keapsake_outbox SET state = $2, attempts = $3, not_before = $4, words = $5, changed_at = $6
             WHERE id = $1 AND state = 'waiting'",
        )
        .bind(&due.id)
        .bind(state.word())
        .bind(attempts)
        .bind(until.as_millisecond())
        .bind(words)
        .bind(self.clock.now().as_millisecond())
        .execute(&self.pool)
        .await
        .map_err(trouble)?;
        Ok(())
    }

    /// After a start: what was sent before the program ended may still be carried out at Keap; it rests.
    pub(super) async fn quarantine_sent(&self, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE keapsake_outbox SET not_before = max(not_before, $1) WHERE state = 'waiting' AND phase = 'sent'",
        )
        .bind(until.as_millisecond())
        .execute(&self.pool)
        .await
        .map_err(trouble)?;
        Ok(())
    }
}

/// Marks an effect as true in Keap.
pub(super) async fn finish(tx: &mut SqliteConnection, id: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE keapsake_outbox SET state = 'done', words = '', changed_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now.as_millisecond())
        .execute(tx)
        .await
        .map_err(trouble)?;
    Ok(())
}

fn read_due(row: &SqliteRow) -> Result<Due, StoreError> {
    Ok(Due {
        id: row.try_get("id").map_err(trouble)?,
        person: row.try_get("person").map_err(trouble)?,
        action: read_action(row)?,
        attempts: row.try_get("attempts").map_err(trouble)?,
    })
}

fn read_item(row: &SqliteRow, state: ItemState) -> Result<Item, StoreError> {
    Ok(Item {
        id: row.try_get("id").map_err(trouble)?,
        person: row.try_get("person").map_err(trouble)?,
        words: read_action(row)?.words(),
        state,
        attempts: row.try_get("attempts").map_err(trouble)?,
        trouble: row.try_get("words").map_err(trouble)?,
        created_at: from_millis(row.try_get("created_at").map_err(trouble)?),
        not_before: from_millis(row.try_get("not_before").map_err(trouble)?),
    })
}

fn read_action(row: &SqliteRow) -> Result<Action, StoreError> {
    let text: String = row.try_get("effect").map_err(trouble)?;
    serde_json::from_str(&text).map_err(|_| {
        StoreError::new("an effect in the outbox was written by a newer version; run that version")
    })
}
