//! Data keys as the store holds them: each sealed by the key outside the store, bound to the deployment and to its
//! own number. All keys of a set are wrapped by the same key.

use jiff::Timestamp;
use uuid::Uuid;

use super::key::{Key, SealingKey};
use super::place::Binding;
use super::{CannotOpen, Sealed};
use crate::randomness::Randomness;
use crate::store::WrappedKey;

/// The number in what the key outside the store has sealed.
const OUTSIDE: u32 = 0;

/// Wraps a data key.
pub(in crate::store) fn wrap(
    with: &Key,
    (deployment, number): (Uuid, u32),
    key: &Key,
    created_at: Timestamp,
    randomness: &dyn Randomness,
) -> WrappedKey {
    let binding = Binding::to_data_key(deployment, number);
    let sealed = Sealed::seal((OUTSIDE, with), &binding, key.expose(), randomness);
    WrappedKey { number, sealed, created_at }
}

/// Opens a wrapped data key.
pub(in crate::store) fn unwrap(
    with: &Key,
    deployment: Uuid,
    wrapped: &WrappedKey,
) -> Result<Key, CannotOpen> {
    let bytes = wrapped.sealed.open(with, &Binding::to_data_key(deployment, wrapped.number))?;
    bytes.as_slice().try_into().map(Key::from_bytes).map_err(|_| CannotOpen)
}

/// Which key wrapped this set: the one that opens all of it.
pub(in crate::store) fn wrapper_of<'a>(
    key: &'a SealingKey,
    deployment: Uuid,
    set: &[WrappedKey],
) -> Result<&'a Key, CannotOpen> {
    let opens = |with: &&Key| set.iter().all(|wrapped| unwrap(with, deployment, wrapped).is_ok());
    key.candidates().find(opens).ok_or(CannotOpen)
}

/// The same data keys, wrapped by another key.
pub(in crate::store) fn rewrap(
    (from, to): (&Key, &Key),
    deployment: Uuid,
    set: &[WrappedKey],
    randomness: &dyn Randomness,
) -> Result<Vec<WrappedKey>, CannotOpen> {
    let rewrap = |wrapped: &WrappedKey| {
        let key = unwrap(from, deployment, wrapped)?;
        Ok(wrap(to, (deployment, wrapped.number), &key, wrapped.created_at, randomness))
    };
    set.iter().map(rewrap).collect()
}
