//! Several processes share a directory.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::super::disk::Fault;
use super::super::{Damage, Recovered};
use super::world::*;
use crate::randomness::SystemRandomness;
use crate::store::seal::rotation::rotate_data_key;
use crate::store::seal::{Sealer, SealingKey};
use crate::store::{MemoryStore, Store as _};

#[test]
fn a_living_owners_file_is_left_alone() {
    let world = World::new(1);
    let (first, _) = world.start(1);
    first.append(answer(1)).unwrap();
    let (second, recovered) = world.start(2);
    assert_eq!(recovered, Recovered::default());
    second.adopt().unwrap();
    first.append(answer(2)).unwrap();
    assert_eq!(world.journals().len(), 2);
}

#[test]
fn who_dies_after_the_start_is_found_by_looking_again() {
    let world = World::new(1);
    let (first, _) = world.start(1);
    first.append(answer(1)).unwrap();
    let (second, _) = world.start(2);
    second.append(intent(2)).unwrap();
    second.append(answer(3)).unwrap();
    assert_eq!(second.recover().unwrap(), Recovered::default());
    world.crash(1);

    let recovered = second.recover().unwrap();
    assert_eq!(answered(&recovered), [1], "and not what is on its way here");
    assert_eq!(open(&recovered), [] as [u64; 0]);
    assert_eq!(recovered.dead_owners, [Uuid::from_u128(1)]);
    assert_eq!(second.recover().unwrap(), Recovered::default(), "once");
    second.adopt().unwrap();
    assert_eq!(world.journals().len(), 1);
    world.crash(2);
    let (_, recovered) = world.start(3);
    assert_eq!((answered(&recovered), open(&recovered)), (vec![1, 3], vec![2]));
}

#[test]
fn what_this_process_has_committed_settles_what_another_left() {
    let world = World::new(1);
    let (first, _) = world.start(1);
    first.append(answer(1)).unwrap();
    let (second, _) = world.start(2);
    second.append(committed(5)).unwrap();
    world.crash(1);
    let recovered = second.recover().unwrap();
    assert_eq!(answered(&recovered), [] as [u64; 0]);
    assert_eq!(highest(&recovered), Some(5));
}

#[test]
fn looking_again_on_a_full_disk_takes_nothing_over() {
    let world = World::new(1);
    let (first, _) = world.start(1);
    first.append(answer(1)).unwrap();
    let (second, _) = world.start(2);
    world.crash(1);
    world.disk.set_full(true);
    second.recover().unwrap_err();
    world.disk.set_full(false);
    assert_eq!(answered(&second.recover().unwrap()), [1]);
}

#[test]
fn the_same_answer_in_two_files_is_one() {
    let world = World::new(1);
    for owner in [1, 2] {
        let (process, _) = world.start(owner);
        process.append(intent(1)).unwrap();
        process.append(answer(1)).unwrap();
    }
    world.crash(1);
    world.crash(2);
    let (_, recovered) = world.start(3);
    assert_eq!((answered(&recovered), open(&recovered)), (vec![1], vec![]));
}

#[test]
fn a_file_that_cannot_be_removed_is_never_taken_for_that_of_a_dead_owner() {
    let world = World::new(1);
    let (first, _) = world.start(1);
    first.append(intent(1)).unwrap();
    // Create, write, sync, rename; then the removal of the old one.
    world.disk.fault_at(world.disk.operations() + 5, Fault::Fails);
    first.renew().unwrap();
    assert_eq!(world.disk.files().len(), 2, "the seed lets the removal fail without effect");

    let (second, recovered) = world.start(2);
    assert_eq!(recovered, Recovered::default());
    drop(second);
    first.append(closed(1)).unwrap();
    // Said twice, and the end only once: it has to be heard by whoever reads both.
    world.crash(1);
    world.crash(2);
    let (process, recovered) = world.start(3);
    assert_eq!(open(&recovered), [] as [u64; 0]);
    process.adopt().unwrap();
    assert_eq!(world.disk.files().len(), 1);
}

#[test]
fn a_file_that_was_made_in_vain_is_never_taken_for_that_of_a_dead_owner() {
    let mut made = 0;
    for seed in 0..30 {
        let world = World::new(seed);
        let (first, _) = world.start(1);
        first.append(intent(1)).unwrap();
        // Create, write, sync, rename; the last one fails, with or without effect, and so does removing it.
        let from = world.disk.operations();
        for operation in [4, 5, 6] {
            world.disk.fault_at(from + operation, Fault::Fails);
        }
        first.renew().unwrap_err();
        made += usize::from(world.journals().len() == 2);
        let (second, recovered) = world.start(2);
        assert_eq!(recovered, Recovered::default(), "seed {seed}");
        drop(second);
        first.append(closed(1)).unwrap();
        first.renew().unwrap();
        assert_eq!(world.disk.files().len(), 2, "seed {seed}: it goes with the next one; each has its own");
    }
    assert!(made > 0, "it never got its name");
}

#[test]
fn what_was_closed_stays_closed_while_an_older_file_still_says_that_it_is_open() {
    let mut lingered = 0;
    for seed in 0..30 {
        let world = World::new(seed);
        let (process, _) = world.start(1);
        process.append(intent(1)).unwrap();
        // Every removal of the first file fails, with or without effect.
        let from = world.disk.operations();
        for operation in [5, 8, 13] {
            world.disk.fault_at(from + operation, Fault::Fails);
        }
        process.renew().unwrap();
        process.append(closed(1)).unwrap();
        process.renew().unwrap();
        world.crash(1);
        lingered += usize::from(world.journals().len() == 2);
        assert_eq!(open(&world.start(2).1), [] as [u64; 0], "seed {seed}");
    }
    assert!(lingered > 0, "the file never stayed");
}

#[test]
fn a_copied_file_is_used_but_named() {
    let world = World::new(1);
    let (original, _) = world.start(1);
    original.append(answer(1)).unwrap();
    original.append(committed(1)).unwrap();
    let [path] = &world.journals()[..] else { panic!("one file") };
    let copy = Path::new(DIR).join("copy of it.journal");
    world.disk.put(&copy, world.disk.contents(path));

    let (process, recovered) = world.start(2);
    assert_eq!((answered(&recovered), highest(&recovered)), (vec![1], Some(1)));
    assert_eq!(recovered.damage, [Damage::Copied { file: copy.clone() }]);
    assert_eq!(recovered.dead_owners, [] as [Uuid; 0], "the owner of the original is alive");
    assert_eq!(process.journal.health().damage, recovered.damage);
    process.adopt().unwrap();
    assert!(!world.disk.files().contains(&copy));
    assert!(world.disk.files().contains(path));
}

#[test]
fn a_restored_file_is_a_copy_too() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    process.append(committed(3)).unwrap();
    let [path] = &world.journals()[..] else { panic!("one file") };
    let backup = world.disk.contents(path);
    world.crash(1);
    world.disk.put(path, backup);
    let (_, recovered) = world.start(2);
    assert_eq!(recovered.damage, [Damage::Copied { file: path.clone() }]);
    assert_eq!(highest(&recovered), Some(3));
}

#[test]
fn the_files_of_others_are_left_alone_and_named() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    process.append(answer(1)).unwrap();
    world.crash(1);
    let before = world.journals();
    let path = &before[0];

    let staging =
        World { deployment: Uuid::from_u128(2), sealer: sealer(7, 2), disk: world.disk.clone(), ..world };
    let (process, recovered) = staging.start(2);
    let deployment = Uuid::from_u128(1);
    assert_eq!(recovered.damage, [Damage::OtherDeployment { file: path.clone(), deployment }]);
    process.adopt().unwrap();
    staging.crash(2);

    let other_key = World { sealer: sealer(8, 1), disk: world.disk.clone(), ..world };
    let (process, recovered) = other_key.start(3);
    let other = Damage::OtherKey { file: path.clone() };
    assert!(recovered.damage.contains(&other), "{:?}", recovered.damage);
    assert_eq!(recovered.answers, []);
    assert_eq!(recovered.dead_owners, [] as [Uuid; 0]);
    process.adopt().unwrap();
    other_key.crash(3);

    let right = World { sealer: sealer(7, 1), ..other_key };
    let (_, recovered) = right.start(4);
    assert_eq!(answered(&recovered), [1]);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let world = World::new(1);
    let notes = Path::new(DIR).join("notes.txt");
    let strange = Path::new(DIR).join("strange.journal");
    world.disk.put(&notes, b"remember the milk".to_vec());
    world.disk.put(&strange, b"nor is this one".to_vec());
    let (process, recovered) = world.start(1);
    assert!(matches!(&recovered.damage[..], [Damage::Unreadable { file, .. }] if *file == strange));
    process.adopt().unwrap();
    assert_eq!(world.disk.contents(&notes), b"remember the milk");
    assert_eq!(world.disk.contents(&strange), b"nor is this one");
}

#[test]
fn what_a_crash_left_half_made_is_swept_up() {
    let world = World::new(1);
    let half = Path::new(DIR).join(format!("{}.new", Uuid::from_u128(9)));
    world.disk.put(&half, vec![0; 100]);
    let (_process, recovered) = world.start(1);
    assert_eq!(recovered, Recovered::default());
    assert!(!world.disk.files().contains(&half));
}

#[tokio::test]
async fn a_record_of_a_newer_data_key_waits_until_the_key_is_known() {
    let store = MemoryStore::default();
    let unlock =
        || Sealer::unlock(&store, SealingKey::from_bytes([7; 32]), &SystemRandomness, Timestamp::UNIX_EPOCH);
    let (before, after) = (Arc::new(unlock().await.unwrap()), Arc::new(unlock().await.unwrap()));
    let deployment = store.identity().await.unwrap().unwrap().deployment;
    let world = World { deployment, sealer: after.clone(), ..World::new(1) };
    let (other, _) = world.start(1);
    other.append(answer(1)).unwrap();
    rotate_data_key(&store, &after, &SystemRandomness, Timestamp::UNIX_EPOCH).await.unwrap();
    other.append(answer(2)).unwrap();
    assert_eq!(other.journal.keys_in_use(), [1, 2].into());
    world.crash(1);

    let world = World { sealer: before.clone(), ..world };
    let path = world.journals().remove(0);
    let (process, recovered) = world.start(2);
    assert_eq!(answered(&recovered), [1]);
    assert_eq!(recovered.damage, [Damage::OtherKey { file: path.clone() }]);
    process.adopt().unwrap();
    assert!(world.journals().contains(&path));

    before.refresh(&store).await.unwrap();
    let recovered = process.recover().unwrap();
    assert_eq!((answered(&recovered), recovered.damage), (vec![1, 2], vec![]));
    process.adopt().unwrap();
    assert_eq!(process.journal.keys_in_use(), [2].into());
    assert_eq!(world.journals().len(), 1);
}
