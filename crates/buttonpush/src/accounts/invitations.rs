//! The table of one-time links for the first administrator: all its SQL.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use crate::token::TokenHash;

/// Stores an invitation and ends all earlier ones.
pub(super) async fn replace(
    conn: &mut SqliteConnection,
    token: &TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM admin_invitations WHERE used_at IS NULL").execute(&mut *conn).await?;
    sqlx::query("INSERT INTO admin_invitations (token_hash, created_at, expires_at) VALUES ($1, $2, $3)")
        .bind(token.as_str())
        .bind(now.as_millisecond())
        .bind(expires_at.as_millisecond())
        .execute(conn)
        .await
        .map(drop)
}

/// Whether the invitation can still be used, as far as this table knows.
pub(super) async fn is_open(pool: &SqlitePool, token: &TokenHash, now: Timestamp) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM admin_invitations \
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2) \
         AND NOT EXISTS (SELECT 1 FROM users WHERE role = 'administrator')",
    )
    .bind(token.as_str())
    .bind(now.as_millisecond())
    .fetch_one(pool)
    .await
}

/// Uses the invitation up; `false` when it was not open.
pub(super) async fn take(
    conn: &mut SqliteConnection,
    token: &TokenHash,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let updated = sqlx::query(
        "UPDATE admin_invitations SET used_at = $2 \
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(token.as_str())
    .bind(now.as_millisecond())
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() == 1)
}
