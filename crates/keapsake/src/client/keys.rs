//! Changing the keys that seal the tokens, while programs run.
//!
//! How often, and what to do when one is lost or leaked: `docs/reference/keys.md` of the project.

use super::Keap;
use crate::error::Error;
use crate::store::StoreError;
use crate::store::seal::UnlockError;
use crate::store::seal::rotation::{self, Retired, Rotated};

/// The data keys of a deployment. Made by [`Keap::keys`].
pub struct Keys<'a>(&'a Keap);

impl Keap {
    /// The data keys in the store; the key in the key file is changed by
    /// [`key_file::replace`](crate::store::key_file::replace).
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

impl Keys<'_> {
    /// Makes a new data key and seals everything again with it: every pair in the store, and this process's journal.
    /// Other processes take the key over when they meet it. Safe to be cut off and to be run twice.
    ///
    /// # Errors
    /// When the store or the journal fails: run it again; everything opens as before. Or when calls are made with an
    /// API key.
    pub async fn rotate(&self) -> Result<Rotated, Error> {
        let deployment = &self.0.keeper()?.deployment;
        let (store, randomness) = (&*deployment.store, &*deployment.randomness);
        let rotated =
            rotation::rotate_data_key(store, &deployment.sealer, randomness, deployment.now()).await;
        let rotated = rotated.map_err(in_words)?;
        if let Some(journal) = &deployment.journal {
            journal.renew().await.map_err(|error| StoreError::new(error.to_string()))?;
        }
        Ok(rotated)
    }

    /// Removes the data keys that nothing needs any more. `in_use_elsewhere` are the numbers that the journals of
    /// other processes name ([`Keys::in_use`] there).
    ///
    /// # Errors
    /// As [`Keys::rotate`].
    pub async fn retire(&self, in_use_elsewhere: &[u32]) -> Result<Retired, Error> {
        let deployment = &self.0.keeper()?.deployment;
        let in_use: Vec<u32> = self.in_use()?.into_iter().chain(in_use_elsewhere.iter().copied()).collect();
        let (store, randomness) = (&*deployment.store, &*deployment.randomness);
        let now = deployment.now();
        rotation::retire_old_keys(store, &deployment.sealer, &in_use, randomness, now)
            .await
            .map_err(|error| in_words(error).into())
    }

    /// The numbers of the data keys that this process's journal needs.
    ///
    /// # Errors
    /// When calls are made with an API key.
    pub fn in_use(&self) -> Result<Vec<u32>, Error> {
        let journal = self.0.keeper()?.deployment.journal.as_ref();
        Ok(journal.map(|journal| journal.keys_in_use().into_iter().collect()).unwrap_or_default())
    }
}

fn in_words(error: UnlockError) -> StoreError {
    match error {
        UnlockError::Store(error) => error,
        error => StoreError::new(error.to_string()),
    }
}
