//! Turning passwords into hashes that are slow to guess, without letting that take the machine.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// How many may wait for their turn. Behind them the answer is "busy": waiting longer helps nobody.
const WAITING_MAX: usize = 64;

/// Too many passwords are being checked at once. It heals by itself within seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many passwords are being checked at once")]
pub struct Busy;

/// Why a password was not hashed.
#[derive(Debug, Error)]
pub enum HashingError {
    /// The queue is full.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The hash function failed, or a stored hash is broken.
    #[error("password hashing failed")]
    Internal(#[source] anyhow::Error),
}

/// What comparing said.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another password, or nobody's.
    Wrong,
    /// The person's password.
    Right {
        /// A better hash to store, when the parameters have risen since.
        rehashed: Option<String>,
    },
}

/// Hashes passwords with Argon2id. A cheap handle.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    /// A hash of nobody's password: comparing with it takes as long as with a real one.
    decoy: Arc<str>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Hasher {
    /// A hasher with today's parameters.
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut nobody = [0; 32];
        getrandom::fill(&mut nobody)?;
        let decoy = hash(&argon2, &nobody)?.into();
        Ok(Self {
            argon2,
            decoy,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
        })
    }

    /// The hash to store, in the PHC format with its parameters and salt.
    pub async fn hash(&self, password: &SecretString) -> Result<String, HashingError> {
        let password = password.clone();
        self.run(move |argon2| hash(argon2, password.expose_secret().as_bytes())).await
    }

    /// Compares with a stored hash; without one (nobody has this address) it takes as long and says wrong.
    pub async fn verify(
        &self,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<Verdict, HashingError> {
        let known = stored.is_some();
        let stored = stored.map_or_else(|| self.decoy.clone(), Into::into);
        let password = password.clone();
        self.run(move |argon2| {
            let verdict = verify(argon2, password.expose_secret().as_bytes(), &stored)?;
            Ok(if known { verdict } else { Verdict::Wrong })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, HashingError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => HashingError::Busy(Busy),
            TryAcquireError::Closed => HashingError::Internal(error.into()),
        })?;
        let running = self.running.clone().acquire_owned().await;
        let running = running.map_err(|error| HashingError::Internal(error.into()))?;
        let argon2 = self.argon2.clone();
        // The permits go with the work: it runs to its end even when the visitor leaves.
        let permits: [OwnedSemaphorePermit; 2] = [admitted, running];
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&argon2);
            drop(permits);
            done
        });
        let done = done.await.map_err(|error| HashingError::Internal(error.into()))?;
        done.map_err(HashingError::Internal)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> anyhow::Result<String> {
    Ok(argon2.hash_password(password)?.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &[u8], stored: &str) -> anyhow::Result<Verdict> {
    let parsed = PasswordHash::new(stored)?;
    match argon2.verify_password(password, &parsed) {
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(error.into()),
        Ok(()) if is_weaker(argon2.params(), &parsed) => {
            Ok(Verdict::Right { rehashed: Some(hash(argon2, password)?) })
        }
        Ok(()) => Ok(Verdict::Right { rehashed: None }),
    }
}

fn is_weaker(today: &Params, stored: &PasswordHash) -> bool {
    Params::try_from(stored).is_ok_and(|stored| {
        stored.m_cost() < today.m_cost()
            || stored.t_cost() < today.t_cost()
            || stored.p_cost() < today.p_cost()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_only() {
        let hasher = Hasher::new().unwrap();
        let stored = hasher.hash(&secret("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hasher.hash(&secret("correct horse")).await.unwrap(), "the salt is new each time");
        let right = Verdict::Right { rehashed: None };
        assert_eq!(hasher.verify(&secret("correct horse"), Some(&stored)).await.unwrap(), right);
        assert_eq!(hasher.verify(&secret("correct horse "), Some(&stored)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(&secret("correct horse"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_lower_parameters_is_replaced() {
        let weaker =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
        let stored = hash(&weaker, b"correct horse").unwrap();
        let hasher = Hasher::new().unwrap();
        let verdict = hasher.verify(&secret("correct horse"), Some(&stored)).await.unwrap();
        let Verdict::Right { rehashed: Some(better) } = verdict else { panic!("{verdict:?}") };
        assert!(better.contains("m=19456,t=2"), "{better}");
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let hasher = Hasher::new().unwrap();
        let all =
            hasher.admitted.clone().try_acquire_many_owned(u32::try_from(AT_ONCE + WAITING_MAX).unwrap());
        let refused = hasher.hash(&secret("correct horse")).await.unwrap_err();
        assert!(matches!(refused, HashingError::Busy(Busy)));
        drop(all);
        hasher.hash(&secret("correct horse")).await.unwrap();
    }
}
