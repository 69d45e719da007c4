//! The only module that knows the Keap SDK: what sign-ups and presses mean for Keap.

use sqlx::SqliteConnection;

use crate::accounts::{NewUser, UserId};

/// The application's side of Keap. A cheap handle.
///
/// Its hooks run inside the caller's transaction: the effect is stored with the row that caused it, or neither is.
/// None of them waits for Keap.
#[derive(Debug, Clone, Default)]
pub struct KeapSide {}

impl KeapSide {
    /// A person signed up: they become a contact in Keap, whose id is then written to their row.
    #[expect(clippy::unused_async, reason = "delivery is not joined yet")]
    pub async fn signed_up(&self, _tx: &mut SqliteConnection, _user: &NewUser) -> anyhow::Result<()> {
        Ok(())
    }

    /// A person pressed the button for the first time: their contact gets the tag, once it exists.
    #[expect(clippy::unused_async, reason = "delivery is not joined yet")]
    pub async fn first_press(&self, _tx: &mut SqliteConnection, _user_id: &UserId) -> anyhow::Result<()> {
        Ok(())
    }

    /// Tells the delivery that there may be something new. To be called after the commit, and never waits.
    pub fn wake(&self) {}
}
