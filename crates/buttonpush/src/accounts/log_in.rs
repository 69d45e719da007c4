//! Logging in: finding out who somebody is. What follows from it, a session, is not made here.

use thiserror::Error;

use super::hashing::{HashingError, Verdict};
use super::{Accounts, Busy, Email, Network, PasswordAttempt, User, Wait, users};

/// Why nobody was logged in.
#[derive(Debug, Error)]
pub enum LogInError {
    /// Nobody has this address with this password. Which of the two is wrong is not said.
    #[error("unknown address or wrong password")]
    Wrong,
    /// Too many attempts; the next is looked at after the wait.
    #[error("too many attempts to log in")]
    TooMany(Wait),
    /// The machine is busy; try again in seconds.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Something of ours failed.
    #[error("logging in failed")]
    Internal(#[source] anyhow::Error),
}

impl Accounts {
    /// Who has this address and this password. It takes as long for nobody as for somebody.
    pub async fn log_in(
        &self,
        email: Option<&Email>,
        password: &PasswordAttempt,
        network: Network,
    ) -> Result<User, LogInError> {
        // What is no address at all shares one tally, like an account that does not exist.
        let account = email.map(Email::compared).unwrap_or_default();
        self.throttle.log_in(account, network, self.clock.now()).map_err(LogInError::TooMany)?;
        let known = match email {
            Some(email) => self.load(email).await?,
            None => None,
        };
        let stored = known.as_ref().map(|(_, hash)| hash.as_str());
        let verdict = self.hasher.verify(password.secret(), stored).await?;
        let (Some((user, _)), Verdict::Right { rehashed }) = (known, verdict) else {
            return Err(LogInError::Wrong);
        };
        self.throttle.logged_in(account, network);
        if let Some(better) = rehashed {
            self.replace_hash(&user, &better).await.map_err(internal)?;
        }
        Ok(user)
    }

    async fn load(&self, email: &Email) -> Result<Option<(User, String)>, LogInError> {
        users::load_with_hash(self.database.readers(), email).await.map_err(internal)
    }

    async fn replace_hash(&self, user: &User, better: &str) -> sqlx::Result<()> {
        let mut tx = self.database.begin().await?;
        users::store_hash(&mut tx, &user.id, better).await?;
        tx.commit().await
    }
}

fn internal(error: impl Into<anyhow::Error>) -> LogInError {
    LogInError::Internal(error.into())
}

impl From<HashingError> for LogInError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy(busy) => Self::Busy(busy),
            HashingError::Internal(error) => Self::Internal(error),
        }
    }
}
