use std::sync::Arc;

use super::*;
use crate::connection::record::{Account, Link, Record};
use crate::randomness::SystemRandomness;
use crate::store::seal::SealingKey;
use crate::store::seal::mortal::{Crash, Mortal};
use crate::store::{MemoryStore, Revision};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn in_days(days: u64) -> Timestamp {
    later(START, Duration::from_hours(24 * days))
}

/// A store with connections whose tokens are known: `access of a.1.1` and so on.
pub(in crate::store) struct Vault {
    pub(in crate::store) store: Arc<MemoryStore>,
    pub(in crate::store) key: SealingKey,
}

impl Vault {
    pub(in crate::store) async fn with(connections: u64) -> Self {
        let vault =
            Self { store: Arc::new(MemoryStore::default()), key: SealingKey::random(&SystemRandomness) };
        let sealer = vault.unlock().await;
        for number in 0..connections {
            vault.write(&sealer, &connection(number)).await;
        }
        // One that was never linked to anything.
        let write = Write { record: record(Position::NONE), tokens: Tokens::Keep, ends: None };
        let swap = vault.store.swap(&ConnectionId::new("empty").unwrap(), None, write).await.unwrap();
        assert_eq!(swap, Swap::Done);
        vault
    }

    /// As a process does when it starts.
    pub(in crate::store) async fn unlock(&self) -> Sealer {
        Sealer::unlock(&*self.store, self.key.clone(), &SystemRandomness, START).await.unwrap()
    }

    /// As a keeper does after a refresh: the next pair.
    async fn write(&self, sealer: &Sealer, id: &ConnectionId) {
        let stored = self.store.load(id).await.unwrap();
        let position = stored
            .as_ref()
            .map_or(Position::NONE.next_lineage(), |stored| stored.record.position.next_generation());
        let tokens = Tokens::Replace(pair(sealer, id, position));
        let write = Write { record: record(position), tokens, ends: None };
        let expected = stored.map(|stored| stored.revision);
        assert_eq!(self.store.swap(id, expected, write).await.unwrap(), Swap::Done);
    }

    async fn stored(&self) -> Vec<(ConnectionId, Stored)> {
        let mut all = Vec::new();
        for id in self.store.connections(None, 1000).await.unwrap() {
            let stored = self.store.load(&id).await.unwrap().unwrap();
            all.push((id, stored));
        }
        all
    }

    /// A process that starts now can read everything.
    pub(in crate::store) async fn assert_all_opens(&self) {
        let sealer = self.unlock().await;
        let mut opened = 0;
        for (id, Stored { record, tokens, .. }) in self.stored().await {
            if record.position == Position::NONE {
                continue;
            }
            let pair = tokens.unwrap();
            for (field, sealed) in [(Field::Access, &pair.access), (Field::Refresh, &pair.refresh)] {
                let place = Place { connection: &id, position: record.position, field };
                let secret = sealer.open(place, sealed).unwrap();
                assert_eq!(secret.as_str(), secret_of(&id, record.position, field));
                opened += 1;
            }
        }
        assert!(opened > 0, "there was something to open");
    }

    /// Which keys the store holds, and which seal something.
    async fn keys(&self) -> (Vec<u32>, BTreeSet<u32>) {
        let keys = self.store.identity().await.unwrap().unwrap().keys.keys;
        let stored = self.stored().await;
        let pairs = stored.iter().filter_map(|(_, stored)| stored.tokens.as_ref());
        let sealing = pairs.flat_map(numbers_of).flatten().collect();
        (keys.iter().map(|key| key.number).collect(), sealing)
    }
}

fn connection(number: u64) -> ConnectionId {
    ConnectionId::new(&format!("c{number:03}")).unwrap()
}

fn record(position: Position) -> Record {
    Record { position, account: Account::default(), link: Link::Disconnected { since: START } }
}

fn pair(sealer: &Sealer, connection: &ConnectionId, position: Position) -> SealedPair {
    let seal = |field| {
        let place = Place { connection, position, field };
        sealer.seal(place, &secret_of(connection, position, field), &SystemRandomness)
    };
    SealedPair { access: seal(Field::Access), refresh: seal(Field::Refresh) }
}

fn secret_of(id: &ConnectionId, position: Position, field: Field) -> String {
    format!("{field:?} of {id} at {position}")
}

async fn rotate(store: &dyn Store, sealer: &Sealer, days: u64) -> Result<Rotated, UnlockError> {
    rotate_data_key(store, sealer, &SystemRandomness, in_days(days)).await
}

async fn retire(
    store: &dyn Store,
    sealer: &Sealer,
    in_use: &[u32],
    days: u64,
) -> Result<Retired, UnlockError> {
    retire_old_keys(store, sealer, in_use, &SystemRandomness, in_days(days)).await
}

#[tokio::test]
async fn everything_is_sealed_again_and_the_old_key_goes_when_its_time_is_over() {
    let vault = Vault::with(250).await;
    let sealer = vault.unlock().await;
    let verifier = sealer.seal_at(&["flow"], b"verifier", &SystemRandomness);
    let rotated = rotate(&*vault.store, &sealer, 1).await.unwrap();
    assert_eq!(rotated, Rotated { number: 2, resealed: 250, unreadable: vec![] });
    assert_eq!(vault.keys().await, (vec![1, 2], BTreeSet::from([2])));
    assert!(sealer.open_at(&["flow"], &verifier).is_ok(), "what is elsewhere still opens");

    let early = retire(&*vault.store, &sealer, &[], 46).await.unwrap();
    assert_eq!(early.removed, [0; 0]);
    assert_eq!(early.kept, [(1, Reason::Recent { until: in_days(47) })]);
    let in_use = retire(&*vault.store, &sealer, &[1], 47).await.unwrap();
    assert_eq!(in_use.kept, [(1, Reason::InUse)]);
    assert_eq!(vault.keys().await.0, [1, 2]);

    let retired = retire(&*vault.store, &sealer, &[2], 47).await.unwrap();
    assert_eq!(retired, Retired { removed: vec![1], kept: vec![] });
    assert_eq!(vault.keys().await.0, [2]);
    assert!(sealer.open_at(&["flow"], &verifier).is_err());
    vault.assert_all_opens().await;

    assert_eq!(rotate(&*vault.store, &sealer, 48).await.unwrap().number, 3, "no number comes again");
    assert_eq!(retire(&*vault.store, &sealer, &[], 48).await.unwrap().removed, [0; 0]);
}

#[tokio::test]
async fn each_key_waits_for_its_own_time() {
    let vault = Vault::with(3).await;
    let sealer = vault.unlock().await;
    rotate(&*vault.store, &sealer, 1).await.unwrap();
    rotate(&*vault.store, &sealer, 40).await.unwrap();
    let retired = retire(&*vault.store, &sealer, &[], 50).await.unwrap();
    assert_eq!(retired.removed, [1]);
    assert_eq!(retired.kept, [(2, Reason::Recent { until: in_days(86) })]);
}

#[tokio::test]
async fn another_process_goes_on_with_the_old_key_until_it_meets_the_new_one() {
    let vault = Vault::with(2).await;
    let (ours, theirs) = (vault.unlock().await, vault.unlock().await);
    rotate(&*vault.store, &ours, 1).await.unwrap();
    vault.write(&theirs, &connection(0)).await;
    assert_eq!(vault.keys().await.1, BTreeSet::from([1, 2]), "it does not know better");
    vault.assert_all_opens().await;

    let foreign = ours.seal_at(&["x"], b"secret", &SystemRandomness);
    assert!(theirs.open_at(&["x"], &foreign).is_err());
    theirs.refresh(&*vault.store).await.unwrap();
    assert!(theirs.open_at(&["x"], &foreign).is_ok());
    assert_eq!(theirs.seal_at(&["x"], b"", &SystemRandomness).key_number(), Some(2));

    // What it left is sealed again before the old key is judged.
    assert_eq!(retire(&*vault.store, &ours, &[], 47).await.unwrap().removed, [1]);
    assert_eq!(vault.keys().await, (vec![2], BTreeSet::from([2])));
    vault.assert_all_opens().await;
}

#[tokio::test]
async fn tokens_that_do_not_open_are_named_and_keep_their_key() {
    let vault = Vault::with(3).await;
    let sealer = vault.unlock().await;
    // As if somebody had copied a row over another.
    let position = Position::NONE.next_lineage();
    let moved = pair(&sealer, &connection(1), position);
    let write = Write { record: record(position), tokens: Tokens::Replace(moved), ends: None };
    let swap = vault.store.swap(&connection(0), Some(Revision::FIRST), write).await.unwrap();
    assert_eq!(swap, Swap::Done);

    let rotated = rotate(&*vault.store, &sealer, 1).await.unwrap();
    assert_eq!(rotated, Rotated { number: 2, resealed: 2, unreadable: vec![connection(0)] });
    let retired = retire(&*vault.store, &sealer, &[], 100).await.unwrap();
    assert_eq!(retired.kept, [(1, Reason::Seals(vec![connection(0)]))]);
    assert_eq!(vault.keys().await.0, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotating_from_everywhere_while_tokens_change_loses_nothing() {
    let vault = Arc::new(Vault::with(20).await);
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let vault = vault.clone();
        tasks.push(tokio::spawn(async move {
            let sealer = vault.unlock().await;
            for _ in 0..5 {
                rotate(&*vault.store, &sealer, 1).await.unwrap();
            }
        }));
    }
    let sealer = vault.unlock().await;
    for turn in 0..200 {
        let id = connection(turn % 20);
        // A keeper whose swap is lost reads again.
        loop {
            let stored = vault.store.load(&id).await.unwrap().unwrap();
            let position = stored.record.position.next_generation();
            let tokens = Tokens::Replace(pair(&sealer, &id, position));
            let write = Write { record: record(position), tokens, ends: None };
            if vault.store.swap(&id, Some(stored.revision), write).await.unwrap() == Swap::Done {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    vault.assert_all_opens().await;
    let (keys, _) = vault.keys().await;
    assert_eq!(keys, (1..=21).collect::<Vec<_>>(), "twenty new keys, each with its number");
    let retired = retire(&*vault.store, &sealer, &[], 47).await.unwrap();
    assert_eq!(retired.removed, (1..=20).collect::<Vec<_>>());
    vault.assert_all_opens().await;
    for id in (0..20).map(connection) {
        let generation = vault.store.load(&id).await.unwrap().unwrap().record.position.generation;
        assert_eq!(generation, 11, "no pair was lost");
    }
}

/// One crash at each call of the store, before and after it is carried out.
#[tokio::test]
async fn a_crash_at_any_point_of_a_rotation_loses_nothing() {
    let mut crashes = 0;
    for last in 0.. {
        let mut is_clean = true;
        for crash in [Crash::Before(last), Crash::After(last)] {
            let is_cut_off = rotate_through(crash).await;
            is_clean &= !is_cut_off;
            crashes += u32::from(is_cut_off);
        }
        if is_clean {
            break;
        }
    }
    assert!(crashes >= 500, "{crashes} crashes");
}

/// Rotates and retires, again and again, until the crash; then does what is done after a restart. Whether it crashed.
async fn rotate_through(crash: Crash) -> bool {
    let vault = Vault::with(12).await;
    let sealer = vault.unlock().await;
    let mortal = Mortal::new(&vault.store, crash);
    let years = async {
        for day in [0, 100, 200, 300] {
            rotate(&mortal, &sealer, day).await?;
            retire(&mortal, &sealer, &[], day + 50).await?;
        }
        Ok::<_, UnlockError>(())
    };
    let is_cut_off = years.await.is_err();
    vault.assert_all_opens().await;

    let sealer = vault.unlock().await;
    vault.write(&sealer, &connection(7)).await;
    rotate(&*vault.store, &sealer, 400).await.unwrap();
    let (keys, sealing) = vault.keys().await;
    let newest = *keys.last().unwrap();
    assert_eq!(sealing, BTreeSet::from([newest]), "{crash:?}");
    retire(&*vault.store, &sealer, &[], 500).await.unwrap();
    assert_eq!(vault.keys().await.0, [newest], "{crash:?}");
    vault.assert_all_opens().await;
    is_cut_off
}
