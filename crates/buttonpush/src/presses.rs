//! The button: every press counts, and the first one of each person is told to Keap.

use std::sync::Arc;

use sqlx::{SqliteConnection, SqlitePool};

use crate::accounts::UserId;
use crate::clock::Clock;
use crate::database::Database;
use crate::keap::KeapSide;

/// Counting presses. A cheap handle.
#[derive(Clone)]
pub struct Presses {
    database: Database,
    keap: KeapSide,
    clock: Arc<dyn Clock>,
}

impl Presses {
    /// Presses in this database, with effects for this side of Keap.
    pub fn new(database: Database, keap: KeapSide, clock: Arc<dyn Clock>) -> Self {
        Self { database, keap, clock }
    }

    /// Counts a press; returns how many there are now.
    ///
    /// The first is the one that inserts the row, decided by the database: a thousand at once have one first.
    pub async fn press(&self, user_id: &UserId) -> anyhow::Result<i64> {
        let mut tx = self.database.begin().await?;
        let count = insert_or_count(&mut tx, user_id, self.clock.now().as_millisecond()).await?;
        let first = count == 1;
        if first {
            self.keap.first_press(&mut tx, user_id).await?;
        }
        tx.commit().await?;
        if first {
            self.keap.wake();
        }
        Ok(count)
    }

    /// How often this person has pressed.
    pub async fn count_of(&self, user_id: &UserId) -> sqlx::Result<i64> {
        let count = sqlx::query_scalar("SELECT count FROM presses WHERE user_id = $1")
            .bind(user_id.as_str())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(count.unwrap_or(0))
    }
}

/// How often all people together have pressed.
pub async fn count(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce(sum(count), 0) FROM presses").fetch_one(pool).await
}

async fn insert_or_count(conn: &mut SqliteConnection, user_id: &UserId, now: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO presses (user_id, count, first_at, last_at) VALUES ($1, 1, $2, $2) \
         ON CONFLICT (user_id) DO UPDATE SET count = count + 1, last_at = $2 RETURNING count",
    )
    .bind(user_id.as_str())
    .bind(now)
    .fetch_one(conn)
    .await
}
