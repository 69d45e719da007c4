//! The first administrator: whoever can read the console at the start holds a link that makes one, once.

use std::time::Duration;

use thiserror::Error;

use super::sign_up::{SignUp, SignUpError};
use super::{Accounts, NewUser, Role, User, UserId, invitations, users};
use crate::clock::later;
use crate::token::{Token, TokenHash};

/// How long the link can be used.
const VALID_FOR: Duration = Duration::from_mins(30);

/// Why somebody did not become the first administrator.
#[derive(Debug, Error)]
pub enum FirstAdministratorError {
    /// The link was used, has expired, or never existed, or there is an administrator by now.
    #[error("the link is not open")]
    NotOpen,
    /// An ordinary account has this address. Whoever holds the link may know that.
    #[error("the address has an account")]
    AddressTaken,
    /// As for everybody who signs up.
    #[error(transparent)]
    SignUp(#[from] SignUpError),
}

impl Accounts {
    /// A token for the first administrator's link; `None` when there is an administrator. Earlier links end.
    pub async fn invite_first_administrator(&self) -> anyhow::Result<Option<Token>> {
        let mut tx = self.database.begin().await?;
        if users::has_administrator(&mut tx).await? {
            return Ok(None);
        }
        let token = Token::random::<16>()?;
        let now = self.clock.now();
        invitations::replace(&mut tx, &token.hash(), now, later(now, VALID_FOR)).await?;
        tx.commit().await?;
        Ok(Some(token))
    }

    /// Whether the link with this token can still be used.
    pub async fn invitation_is_open(&self, token: &TokenHash) -> sqlx::Result<bool> {
        invitations::is_open(self.database.readers(), token, self.clock.now()).await
    }

    /// Makes the first administrator and uses the link up, both or neither.
    pub async fn become_first_administrator(
        &self,
        token: &TokenHash,
        sign_up: SignUp,
    ) -> Result<User, FirstAdministratorError> {
        // Before the hash, which is work: without an open link nobody may cause it.
        if !self.invitation_is_open(token).await.map_err(internal)? {
            return Err(FirstAdministratorError::NotOpen);
        }
        let password_hash = self.hash(sign_up.password.secret()).await?;
        let user = NewUser {
            id: UserId::random(),
            name: sign_up.name,
            email: sign_up.email,
            role: Role::Administrator,
            created_at: self.clock.now(),
        };
        let mut tx = self.database.begin().await.map_err(internal)?;
        let open = invitations::take(&mut tx, token, user.created_at).await.map_err(internal)?
            && !users::has_administrator(&mut tx).await.map_err(internal)?;
        if !open {
            return Err(FirstAdministratorError::NotOpen);
        }
        if !users::insert(&mut tx, &user, &password_hash).await.map_err(internal)? {
            return Err(FirstAdministratorError::AddressTaken);
        }
        self.keap.signed_up(&mut tx, &user).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        self.keap.wake();
        Ok(User { id: user.id, name: user.name.as_str().to_owned(), role: user.role })
    }
}

fn internal(error: impl Into<anyhow::Error>) -> FirstAdministratorError {
    FirstAdministratorError::SignUp(SignUpError::Internal(error.into()))
}
