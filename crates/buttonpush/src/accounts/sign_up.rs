//! Signing up.
//!
//! # What a sign-up tells about an address
//!
//! Nothing. Whether the address was free or has an account already, the work is the same (one hash, one transaction
//! that writes and is flushed to disk), and so is the answer: the log-in page, which says in one breath what a new
//! person and what somebody who forgot needs. A new person logs in with the password they just chose; somebody who
//! already had an account finds it unchanged and logs in with the old one.
//!
//! Logging a new person in at once would be kinder by one step, and would tell every stranger which addresses have an
//! account. The step is the price until the application sends e-mail. What remains: whoever signs up with somebody
//! else's address and then gets in has learned that it was free, because the account is now theirs. That needs a
//! trace, an account, for each address, and is slowed down for each network.

use secrecy::SecretString;
use thiserror::Error;

use super::hashing::HashingError;
use super::{Accounts, Busy, Email, Network, NewUser, Password, PersonName, Role, UserId, Wait, users};

/// A complete sign-up form.
#[derive(Debug)]
pub struct SignUp {
    /// What the person is called.
    pub name: PersonName,
    /// Their address.
    pub email: Email,
    /// The password they chose.
    pub password: Password,
}

/// Why a sign-up was not taken. None of it depends on whether the address has an account.
#[derive(Debug, Error)]
pub enum SignUpError {
    /// Too many sign-ups from this network.
    #[error("too many sign-ups from one network")]
    TooMany(Wait),
    /// The machine is busy; try again in seconds.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Something of ours failed; nothing was changed.
    #[error("signing up failed")]
    Internal(#[source] anyhow::Error),
}

impl Accounts {
    /// Makes an account, unless the address has one. Both look the same from outside.
    pub async fn sign_up(&self, sign_up: SignUp, network: Network) -> Result<(), SignUpError> {
        let now = self.clock.now();
        self.throttle.sign_up(network, now).map_err(SignUpError::TooMany)?;
        let password_hash = self.hash(sign_up.password.secret()).await?;
        let user = NewUser {
            id: UserId::random(),
            name: sign_up.name,
            email: sign_up.email,
            role: Role::Person,
            created_at: now,
        };
        self.store(&user, &password_hash).await.map_err(SignUpError::Internal)?;
        self.keap.wake();
        Ok(())
    }

    pub(super) async fn hash(&self, password: &SecretString) -> Result<String, SignUpError> {
        self.hasher.hash(password).await.map_err(|error| match error {
            HashingError::Busy(busy) => SignUpError::Busy(busy),
            HashingError::Internal(error) => SignUpError::Internal(error),
        })
    }

    /// The user and what it means for Keap are stored together or not at all.
    async fn store(&self, user: &NewUser, password_hash: &str) -> anyhow::Result<()> {
        let mut tx = self.database.begin().await?;
        if users::insert(&mut tx, user, password_hash).await? {
            self.keap.signed_up(&mut tx, user).await?;
        } else {
            // A write as well: a commit takes milliseconds, and having none would tell that the address is taken.
            users::count_repeated_sign_up(&mut tx, &user.email).await?;
        }
        Ok(tx.commit().await?)
    }
}
