//! A new data key, while programs run; and what becomes of the old one.
//!
//! 1. [`rotate_data_key`] adds a key to the store and seals every pair of tokens again with it. The old keys stay: a
//!    flow that was started, a record in a journal, a process that does not know of the new key may still need them.
//! 2. [`retire_old_keys`] removes them, weeks later, when it has seen that nothing needs them any more.
//!
//! Every step is one atomic write of the store, and each leaves a store in which everything opens: both may be cut off
//! anywhere and run again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::key::Key;
use super::wrapping::{wrap, wrapper_of};
use super::{Field, Place, Sealed, Sealer, UnlockError};
use crate::clock::later;
use crate::connection::ConnectionId;
use crate::connection::record::Position;
use crate::connection::schedule::REFRESH_LIFE;
use crate::randomness::Randomness;
use crate::store::{SealedPair, Store, StoreError, Stored, Swap, Tokens, WrappedKey, WrappedKeys, Write};

/// How long an old key stays after the next one was made: longer than anything it sealed is of use. A flow lives ten
/// minutes, an access token a day; the longest is a refresh token, perhaps in the journal of a machine that is off.
pub const OLD_KEY_LIFE: Duration = REFRESH_LIFE.saturating_add(Duration::from_hours(24));

/// How many connections are asked for at once.
const PAGE: u32 = 100;

/// Losing against other writers this often in a row is not bad luck.
const MOST_LOSSES: u32 = 100;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The number of the key that seals now.
    pub number: u32,
    /// How many connections were sealed again.
    pub resealed: u64,
    /// Connections whose stored tokens do not open; they were left as they are. They have to be connected anew.
    pub unreadable: Vec<ConnectionId>,
}

/// What became of the old data keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retired {
    /// Removed from the store. What they sealed can never be opened again.
    pub removed: Vec<u32>,
    /// Still there, and why.
    pub kept: Vec<(u32, Reason)>,
}

/// Why an old key stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Something it sealed may still be of use somewhere until then.
    Recent {
        /// When that is over.
        until: Timestamp,
    },
    /// The caller said that it is in use.
    InUse,
    /// It seals the tokens of these connections, and they could not be sealed again.
    Seals(Vec<ConnectionId>),
}

/// Makes a new data key, which seals everything from now on, and seals every stored pair again with it. Other processes
/// take the key over when they meet it ([`Sealer::refresh`]).
///
/// # Errors
/// [`UnlockError`]: run it again when the cause is gone. Everything opens as before, whatever was done until then.
pub async fn rotate_data_key(
    store: &dyn Store,
    sealer: &Sealer,
    randomness: &dyn Randomness,
    now: Timestamp,
) -> Result<Rotated, UnlockError> {
    while add_key(store, sealer, randomness, now).await? == Swap::Lost {}
    sealer.refresh(store).await?;
    reseal(store, sealer, randomness).await
}

/// Removes the data keys that nothing needs any more: the next key is older than [`OLD_KEY_LIFE`], no connection has
/// anything sealed by it (pairs that an interrupted rotation left are sealed again first), and it is not `in_use`:
/// the numbers that the journals of all machines name.
///
/// # Errors
/// [`UnlockError`]: run it again when the cause is gone.
pub async fn retire_old_keys(
    store: &dyn Store,
    sealer: &Sealer,
    in_use: &[u32],
    randomness: &dyn Randomness,
    now: Timestamp,
) -> Result<Retired, UnlockError> {
    sealer.refresh(store).await?;
    reseal(store, sealer, randomness).await?;
    loop {
        let WrappedKeys { revision, keys } = sealer.identity(store).await?.keys;
        let sealing = old_keys_in_connections(store, sealer.newest_number()).await?;
        let retired = judge(&keys, in_use, &sealing, now);
        if retired.removed.is_empty() {
            return Ok(retired);
        }
        let keys = keys.into_iter().filter(|key| !retired.removed.contains(&key.number)).collect();
        let keys = WrappedKeys { revision: revision.next(), keys };
        if store.swap_keys(revision, keys).await? == Swap::Done {
            sealer.refresh(store).await?;
            return Ok(retired);
        }
    }
}

async fn add_key(
    store: &dyn Store,
    sealer: &Sealer,
    randomness: &dyn Randomness,
    now: Timestamp,
) -> Result<Swap, UnlockError> {
    let (deployment, WrappedKeys { revision, mut keys }) =
        (sealer.deployment(), sealer.identity(store).await?.keys);
    // The one that wrapped the others: if it was replaced meanwhile, ours would add a key that no start can open.
    let with = wrapper_of(sealer.key(), deployment, &keys)?;
    let number = keys.iter().map(|key| key.number).max().unwrap_or(0) + 1;
    keys.push(wrap(with, (deployment, number), &Key::random(randomness), now, randomness));
    Ok(store.swap_keys(revision, WrappedKeys { revision: revision.next(), keys }).await?)
}

/// Seals again what older keys sealed.
async fn reseal(
    store: &dyn Store,
    sealer: &Sealer,
    randomness: &dyn Randomness,
) -> Result<Rotated, UnlockError> {
    let mut rotated = Rotated { number: sealer.newest_number(), resealed: 0, unreadable: Vec::new() };
    let mut page = store.connections(None, PAGE).await?;
    while let Some(last) = page.last().cloned() {
        for id in page {
            match reseal_one(store, sealer, &id, randomness).await? {
                Resealed::Nothing => {}
                Resealed::Done => rotated.resealed += 1,
                Resealed::Unreadable => rotated.unreadable.push(id),
            }
        }
        page = store.connections(Some(&last), PAGE).await?;
    }
    Ok(rotated)
}

enum Resealed {
    Nothing,
    Done,
    Unreadable,
}

/// A lost swap means that another wrote meanwhile, with whichever key it knows: look again.
async fn reseal_one(
    store: &dyn Store,
    sealer: &Sealer,
    id: &ConnectionId,
    randomness: &dyn Randomness,
) -> Result<Resealed, StoreError> {
    for _ in 0..MOST_LOSSES {
        let Some(Stored { record, tokens: Some(pair), revision }) = store.load(id).await? else {
            return Ok(Resealed::Nothing);
        };
        if numbers_of(&pair).iter().all(|number| *number >= Some(sealer.newest_number())) {
            return Ok(Resealed::Nothing);
        }
        let Some(pair) = seal_again(sealer, id, record.position, &pair, randomness) else {
            return Ok(Resealed::Unreadable);
        };
        let write = Write { record, tokens: Tokens::Replace(pair), ends: None };
        if store.swap(id, Some(revision), write).await? == Swap::Done {
            return Ok(Resealed::Done);
        }
    }
    Err(StoreError::new(format!(
        "the connection `{id}` was written by others so often that its tokens could not be sealed again; run the \
         rotation again when there is less going on"
    )))
}

fn seal_again(
    sealer: &Sealer,
    connection: &ConnectionId,
    position: Position,
    pair: &SealedPair,
    randomness: &dyn Randomness,
) -> Option<SealedPair> {
    let again = |field, sealed: &Sealed| {
        let place = Place { connection, position, field };
        let secret = sealer.open(place, sealed).ok()?;
        Some(sealer.seal(place, &secret, randomness))
    };
    Some(SealedPair {
        access: again(Field::Access, &pair.access)?,
        refresh: again(Field::Refresh, &pair.refresh)?,
    })
}

/// Which older keys than the newest seal the tokens of which connections.
async fn old_keys_in_connections(
    store: &dyn Store,
    newest: u32,
) -> Result<BTreeMap<u32, Vec<ConnectionId>>, StoreError> {
    let mut sealing = BTreeMap::<u32, Vec<ConnectionId>>::new();
    let mut page = store.connections(None, PAGE).await?;
    while let Some(last) = page.last().cloned() {
        for id in page {
            let pair = store.load(&id).await?.and_then(|stored| stored.tokens);
            let numbers: BTreeSet<_> = pair.iter().flat_map(numbers_of).flatten().collect();
            for number in numbers.into_iter().filter(|number| *number < newest) {
                sealing.entry(number).or_default().push(id.clone());
            }
        }
        page = store.connections(Some(&last), PAGE).await?;
    }
    Ok(sealing)
}

fn numbers_of(pair: &SealedPair) -> [Option<u32>; 2] {
    [pair.access.key_number(), pair.refresh.key_number()]
}

/// Which old keys can go. A key is old when there is a next one; it is out of use since that one was made.
fn judge(
    keys: &[WrappedKey],
    in_use: &[u32],
    sealing: &BTreeMap<u32, Vec<ConnectionId>>,
    now: Timestamp,
) -> Retired {
    let mut retired = Retired::default();
    for (old, next) in keys.iter().zip(keys.iter().skip(1)) {
        let until = later(next.created_at, OLD_KEY_LIFE);
        let reason = if until > now {
            Reason::Recent { until }
        } else if in_use.contains(&old.number) {
            Reason::InUse
        } else if let Some(connections) = sealing.get(&old.number) {
            Reason::Seals(connections.clone())
        } else {
            retired.removed.push(old.number);
            continue;
        };
        retired.kept.push((old.number, reason));
    }
    retired
}

#[cfg(test)]
pub(in crate::store) mod tests;
