//! Data keys, opened: the newest seals, each opens what it sealed.

use uuid::Uuid;

use super::CannotOpen;
use super::key::{Key, SealingKey};
use super::wrapping::{unwrap, wrapper_of};
use crate::store::WrappedKey;

/// At least one data key, in the order of their numbers.
pub(super) struct Ring {
    older: Vec<DataKey>,
    newest: DataKey,
}

#[derive(Clone)]
pub(super) struct DataKey {
    pub(super) number: u32,
    pub(super) key: Key,
}

impl Ring {
    /// Opens a set with the key that wrapped it.
    pub(super) fn open(key: &SealingKey, deployment: Uuid, set: &[WrappedKey]) -> Result<Self, CannotOpen> {
        let with = wrapper_of(key, deployment, set)?;
        Self::collect(set, |wrapped| unwrap(with, deployment, wrapped))
    }

    /// The ring of a changed set. Keys that are known already stay as they are, so that a program which runs while
    /// the key outside the store is replaced goes on.
    pub(super) fn follow(
        &self,
        key: &SealingKey,
        deployment: Uuid,
        set: &[WrappedKey],
    ) -> Result<Self, CannotOpen> {
        Self::collect(set, |wrapped| match self.get(wrapped.number) {
            Some(known) => Ok(known.clone()),
            None => {
                key.candidates().find_map(|with| unwrap(with, deployment, wrapped).ok()).ok_or(CannotOpen)
            }
        })
    }

    fn collect(
        set: &[WrappedKey],
        open: impl Fn(&WrappedKey) -> Result<Key, CannotOpen>,
    ) -> Result<Self, CannotOpen> {
        let open = |wrapped: &WrappedKey| Ok(DataKey { number: wrapped.number, key: open(wrapped)? });
        let mut older = set.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let newest = older.pop().ok_or(CannotOpen)?;
        // A set in another order was not written by us, and the wrong key would seal.
        let numbers = older.iter().chain([&newest]).map(|key| key.number);
        if !numbers.is_sorted_by(|one, next| one < next) {
            return Err(CannotOpen);
        }
        Ok(Self { older, newest })
    }

    /// The key that seals what is new.
    pub(super) fn newest(&self) -> &DataKey {
        &self.newest
    }

    /// The key with this number.
    pub(super) fn get(&self, number: u32) -> Option<&Key> {
        let mut keys = self.older.iter().chain([&self.newest]);
        keys.find(|key| key.number == number).map(|key| &key.key)
    }
}
