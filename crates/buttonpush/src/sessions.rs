//! Sessions: who is logged in, until when. All SQL of their table.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{FromRow as _, Row as _, SqlitePool};

use crate::accounts::{Role, User};
use crate::clock::{Clock, later};
use crate::database::Database;
use crate::token::{Token, TokenHash};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime {
    /// Without being used.
    idle: Duration,
    /// At most.
    absolute: Duration,
}

impl Lifetime {
    fn of(role: Role) -> Self {
        match role {
            Role::Person => Self { idle: 14 * DAY, absolute: 30 * DAY },
            Role::Administrator => Self { idle: HOUR / 2, absolute: 12 * HOUR },
        }
    }

    fn is_over(self, created_at: Timestamp, last_seen_at: Timestamp, now: Timestamp) -> bool {
        now >= later(created_at, self.absolute) || now >= later(last_seen_at, self.idle)
    }

    /// Noting every request would write to disk each time; this is often enough.
    fn noted_each(self) -> Duration {
        self.idle / 30
    }
}

/// A session that is alive.
#[derive(Debug, Clone)]
pub struct Session {
    /// What is stored of its id.
    pub hash: TokenHash,
    /// Whose it is.
    pub user: User,
}

/// The sessions of this application. A cheap handle.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Sessions {
    /// Sessions in this database.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// Begins a session with a new id. The one that the browser had before, if any, ends.
    pub async fn begin(&self, user: &User, earlier: Option<&TokenHash>) -> anyhow::Result<Token> {
        let token = Token::random::<32>()?;
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        if let Some(earlier) = earlier {
            sqlx::query("DELETE FROM sessions WHERE id_hash = $1")
                .bind(earlier.as_str())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM sessions WHERE created_at <= $1")
            .bind(now.as_millisecond() - millis(Lifetime::of(Role::Person).absolute))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (id_hash, user_id, created_at, last_seen_at) VALUES ($1, $2, $3, $3)",
        )
        .bind(token.hash().as_str())
        .bind(user.id.as_str())
        .bind(now.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(token)
    }

    /// The session with this id, if it is alive, and notes that it was used.
    pub async fn resume(&self, token: &Token) -> sqlx::Result<Option<Session>> {
        let hash = token.hash();
        let now = self.clock.now();
        let Some((user, last_seen_at)) = load_live(self.database.readers(), &hash, now).await? else {
            return Ok(None);
        };
        if now >= later(last_seen_at, Lifetime::of(user.role).noted_each()) {
            self.note_use(&hash, now).await?;
        }
        Ok(Some(Session { hash, user }))
    }

    /// Ends a session at once.
    pub async fn end(&self, hash: &TokenHash) -> sqlx::Result<()> {
        let mut tx = self.database.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE id_hash = $1").bind(hash.as_str()).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Whether this is the session of an administrator, and alive.
    pub async fn is_live_administrator(&self, hash: &TokenHash) -> sqlx::Result<bool> {
        let live = load_live(self.database.readers(), hash, self.clock.now()).await?;
        Ok(live.is_some_and(|(user, _)| user.role == Role::Administrator))
    }

    async fn note_use(&self, hash: &TokenHash, now: Timestamp) -> sqlx::Result<()> {
        let mut tx = self.database.begin().await?;
        sqlx::query("UPDATE sessions SET last_seen_at = max(last_seen_at, $2) WHERE id_hash = $1")
            .bind(hash.as_str())
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}

/// The user of a live session, and when it was last noted to be used.
async fn load_live(
    pool: &SqlitePool,
    hash: &TokenHash,
    now: Timestamp,
) -> sqlx::Result<Option<(User, Timestamp)>> {
    let row = sqlx::query(
        "SELECT users.id, users.name, users.role, sessions.created_at, sessions.last_seen_at \
         FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id_hash = $1",
    )
    .bind(hash.as_str())
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let user = User::from_row(&row)?;
    let created_at = timestamp(row.try_get("created_at")?);
    let last_seen_at = timestamp(row.try_get("last_seen_at")?);
    let over = Lifetime::of(user.role).is_over(created_at, last_seen_at, now);
    Ok((!over).then_some((user, last_seen_at)))
}

fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
