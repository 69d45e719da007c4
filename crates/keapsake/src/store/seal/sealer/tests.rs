use super::*;
use crate::connection::ConnectionId;
use crate::connection::record::Position;
use crate::randomness::SystemRandomness;
use crate::store::MemoryStore;
use crate::store::seal::{Field, rotation};

fn place(id: &ConnectionId, lineage: u64, generation: u64, field: Field) -> Place<'_> {
    Place { connection: id, position: Position { lineage, generation }, field }
}

fn sealer() -> Sealer {
    Sealer::new(&SealingKey::from_bytes([7; 32]), Uuid::from_u128(1))
}

async fn unlock(store: &MemoryStore, key: [u8; 32]) -> Result<Sealer, UnlockError> {
    Sealer::unlock(store, SealingKey::from_bytes(key), &SystemRandomness, Timestamp::UNIX_EPOCH).await
}

#[test]
fn what_was_sealed_opens_only_in_its_place() {
    let (main, other) = (ConnectionId::main(), ConnectionId::new("other").unwrap());
    let (sealer, here) = (sealer(), place(&main, 1, 2, Field::Refresh));
    let secret = sealer.seal(here, "canary", &SystemRandomness);
    assert_eq!(sealer.open(here, &secret).unwrap().as_str(), "canary");

    for elsewhere in [
        place(&other, 1, 2, Field::Refresh),
        place(&main, 2, 2, Field::Refresh),
        place(&main, 1, 3, Field::Refresh),
        place(&main, 2, 1, Field::Refresh),
        place(&main, 1, 2, Field::Access),
        place(&main, 1, 2, Field::Verifier),
    ] {
        assert_eq!(sealer.open(elsewhere, &secret).unwrap_err(), CannotOpen);
    }
    assert!(sealer.open_at(&["main", "1", "2", "refresh"], &secret).is_err());
    let foreign = Sealer::new(&SealingKey::from_bytes([7; 32]), Uuid::from_u128(2));
    assert!(foreign.open(here, &secret).is_err());
    let wrong_key = Sealer::new(&SealingKey::from_bytes([8; 32]), Uuid::from_u128(1));
    assert!(wrong_key.open(here, &secret).is_err());
}

#[test]
fn a_record_opens_only_with_its_parts() {
    let sealer = sealer();
    let secret = sealer.seal_at(&["journal", "file", "7"], b"answer", &SystemRandomness);
    assert_eq!(sealer.open_at(&["journal", "file", "7"], &secret).unwrap().as_slice(), b"answer");
    for parts in [
        &["journal", "file", "8"][..],
        &["journal", "fil", "e7"],
        &["journal", "file"],
        &["journal", "file", "7", ""],
        &["file", "journal", "7"],
    ] {
        assert!(sealer.open_at(parts, &secret).is_err(), "{parts:?}");
    }
}

#[test]
fn no_changed_byte_opens() {
    let (sealer, id) = (sealer(), ConnectionId::main());
    let here = place(&id, 1, 1, Field::Access);
    let secret = sealer.seal(here, "token", &SystemRandomness);
    for at in 0..secret.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = secret.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(sealer.open(here, &Sealed::from_stored(bytes)).is_err(), "bit {bit} of byte {at}");
        }
    }
    for cut in 0..secret.as_bytes().len() {
        let bytes = secret.as_bytes()[..cut].to_vec();
        assert!(sealer.open(here, &Sealed::from_stored(bytes)).is_err(), "cut to {cut}");
    }
    let longer = [secret.as_bytes(), &[0]].concat();
    assert!(sealer.open(here, &Sealed::from_stored(longer)).is_err());
}

#[test]
fn no_nonce_comes_twice() {
    const SEALED: usize = 1_000_000;
    let sealer = sealer();
    let prefix = |_| {
        let secret = sealer.seal_at(&[], b"", &SystemRandomness);
        u64::from_le_bytes(*secret.as_bytes()[5..].first_chunk().unwrap())
    };
    let half = || (0..SEALED / 2).map(prefix).collect::<Vec<_>>();
    let mut nonces: Vec<u64> = std::thread::scope(|scope| {
        let halves = [scope.spawn(half), scope.spawn(half)];
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), SEALED);
}

#[tokio::test]
async fn an_empty_store_gets_an_identity_once() {
    let store = MemoryStore::default();
    let sealer = unlock(&store, [7; 32]).await.unwrap();
    let identity = store.identity().await.unwrap().unwrap();
    assert_eq!(identity.incarnation, store.incarnation().await.unwrap());
    let secret = sealer.seal_at(&["x"], b"secret", &SystemRandomness);
    assert_eq!(secret.key_number(), Some(1));

    let again = unlock(&store, [7; 32]).await.unwrap();
    assert_eq!(again.open_at(&["x"], &secret).unwrap().as_slice(), b"secret");
    assert_eq!(store.identity().await.unwrap().unwrap(), identity);
}

#[tokio::test]
async fn of_many_that_start_first_all_get_the_same_identity() {
    let store = Arc::new(MemoryStore::default());
    let starts = (0..50).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { unlock(&store, [7; 32]).await.unwrap() })
    });
    let mut sealers = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        sealers.push(start.await.unwrap());
    }
    let secret = sealers[0].seal_at(&["x"], b"secret", &SystemRandomness);
    assert!(sealers.iter().all(|sealer| sealer.open_at(&["x"], &secret).is_ok()));
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_changes_nothing() {
    let store = MemoryStore::default();
    unlock(&store, [7; 32]).await.unwrap();
    let before = store.identity().await.unwrap();
    assert!(matches!(unlock(&store, [8; 32]).await, Err(UnlockError::WrongKey(_))));
    assert_eq!(store.identity().await.unwrap(), before);
}

#[tokio::test]
async fn wrapped_keys_that_were_changed_or_moved_are_refused() {
    let foreign = MemoryStore::default();
    let foreign = {
        unlock(&foreign, [7; 32]).await.unwrap();
        foreign.identity().await.unwrap().unwrap().keys.keys
    };
    let store = MemoryStore::default();
    let sealer = unlock(&store, [7; 32]).await.unwrap();
    rotation::rotate_data_key(&store, &sealer, &SystemRandomness, Timestamp::UNIX_EPOCH).await.unwrap();
    let right = store.identity().await.unwrap().unwrap().keys;
    let [first, second] = right.keys.as_slice() else { panic!("two keys") };

    let mut renumbered = first.clone();
    renumbered.number = 3;
    let mut damaged = second.clone();
    let mut bytes = damaged.sealed.as_bytes().to_vec();
    bytes[40] ^= 1;
    damaged.sealed = Sealed::from_stored(bytes);
    let mut revision = right.revision;
    for keys in [
        vec![],
        vec![second.clone(), first.clone()],
        vec![first.clone(), first.clone()],
        vec![renumbered],
        vec![first.clone(), damaged],
        foreign,
    ] {
        let changed = WrappedKeys { revision: revision.next(), keys };
        assert_eq!(store.swap_keys(revision, changed).await.unwrap(), crate::store::Swap::Done);
        revision = revision.next();
        assert!(matches!(unlock(&store, [7; 32]).await, Err(UnlockError::WrongKey(_))));
    }
    let whole = WrappedKeys { revision: revision.next(), keys: right.keys };
    assert_eq!(store.swap_keys(revision, whole).await.unwrap(), crate::store::Swap::Done);
    unlock(&store, [7; 32]).await.unwrap();
}
