//! The table of users: all its SQL.

use std::fmt;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::{Email, PersonName};

/// Who a user is, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(String);

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Presses the button.
    Person,
    /// Also connects the application to Keap.
    Administrator,
}

/// A user who exists.
#[derive(Debug, Clone)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A user who is signing up.
#[derive(Debug)]
pub struct NewUser {
    /// Who it will be.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// Their address.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// When they signed up.
    pub created_at: Timestamp,
}

impl UserId {
    /// An id that no user has.
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Administrator => "administrator",
        }
    }

    /// A role as it is stored. What is unknown has no rights.
    pub(crate) fn from_stored(text: &str) -> Self {
        if text == "administrator" { Self::Administrator } else { Self::Person }
    }
}

impl FromRow<'_, SqliteRow> for User {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let role: &str = row.try_get("role")?;
        Ok(Self { id: UserId(row.try_get("id")?), name: row.try_get("name")?, role: Role::from_stored(role) })
    }
}

/// Adds a user; `false` when the address has one already.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    user: &NewUser,
    password_hash: &str,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO users (id, name, email, email_normalized, password_hash, role, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email_normalized) DO NOTHING",
    )
    .bind(user.id.as_str())
    .bind(user.name.as_str())
    .bind(user.email.as_str())
    .bind(user.email.compared())
    .bind(password_hash)
    .bind(user.role.as_str())
    .bind(user.created_at.as_millisecond())
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Counts a sign-up with the address of a user who exists.
pub(super) async fn count_repeated_sign_up(conn: &mut SqliteConnection, email: &Email) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET repeated_sign_ups = repeated_sign_ups + 1 WHERE email_normalized = $1")
        .bind(email.compared())
        .execute(conn)
        .await
        .map(drop)
}

/// The user with this address, and the hash of their password.
pub(super) async fn load_with_hash(pool: &SqlitePool, email: &Email) -> sqlx::Result<Option<(User, String)>> {
    let row = sqlx::query("SELECT id, name, role, password_hash FROM users WHERE email_normalized = $1")
        .bind(email.compared())
        .fetch_optional(pool)
        .await?;
    row.map(|row| Ok((User::from_row(&row)?, row.try_get("password_hash")?))).transpose()
}

/// Stores a better hash of the same password.
pub(super) async fn store_hash(
    conn: &mut SqliteConnection,
    id: &UserId,
    password_hash: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(password_hash)
        .execute(conn)
        .await
        .map(drop)
}

/// Whether there is an administrator.
pub(super) async fn has_administrator(conn: &mut SqliteConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE role = 'administrator')")
        .fetch_one(conn)
        .await
}

/// How many users there are.
pub async fn count(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(pool).await
}

/// Notes which contact in Keap is this user, in the transaction of the delivery that created it.
pub async fn link_contact(
    conn: &mut SqliteConnection,
    user_id: &UserId,
    contact_id: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET keap_contact_id = $2 WHERE id = $1")
        .bind(user_id.as_str())
        .bind(contact_id)
        .execute(conn)
        .await
        .map(drop)
}
