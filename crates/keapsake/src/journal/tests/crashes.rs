//! A process dies.

use uuid::Uuid;

use super::super::disk::Fault;
use super::super::{JournalError, Record, Recovered};
use super::world::*;

#[test]
fn an_answer_outlives_its_process() {
    let world = World::new(1);
    let (process, nothing) = world.start(1);
    assert_eq!(nothing, Recovered::default());
    for record in [intent(1), answer(1), committed(2), intent(2), closed(2), intent(3), answer(3), intent(4)]
    {
        process.append(record).unwrap();
    }
    world.crash(1);

    let (_process, recovered) = world.start(2);
    assert_eq!(answered(&recovered), [3]);
    assert_eq!(Record::Answer(recovered.answers[0].clone()), answer(3));
    assert_eq!(open(&recovered), [4]);
    assert_eq!(highest(&recovered), Some(2));
    assert_eq!(recovered.dead_owners, [Uuid::from_u128(1)]);
    assert_eq!(recovered.damage, []);
}

#[test]
fn what_was_recovered_is_recovered_again_until_it_is_settled() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    process.append(intent(1)).unwrap();
    process.append(answer(1)).unwrap();
    world.crash(1);

    // Dies before it can do anything about it.
    assert_eq!(answered(&world.start(2).1), [1]);
    world.crash(2);
    let (process, recovered) = world.start(3);
    assert_eq!(answered(&recovered), [1]);
    assert_eq!(recovered.dead_owners.len(), 2, "the lease of the first one is not forgotten");
    // Adopts it, but has not saved it: it is in the own file.
    process.adopt().unwrap();
    assert_eq!(world.journals().len(), 1);
    world.crash(3);
    let (process, recovered) = world.start(4);
    assert_eq!(answered(&recovered), [1]);
    process.append(committed(2)).unwrap();
    process.adopt().unwrap();
    world.crash(4);
    let (_, recovered) = world.start(5);
    assert_eq!(answered(&recovered), [] as [u64; 0]);
    assert_eq!(highest(&recovered), Some(2));
}

#[test]
fn a_torn_tail_is_no_damage_and_hides_nothing() {
    let mut seen_torn = false;
    for seed in 0..40 {
        let world = World::new(seed);
        let (process, _) = world.start(1);
        process.append(intent(1)).unwrap();
        let next = world.disk.operations() + 1;
        world.disk.fault_at(next, Fault::Dies);
        process.append(answer(1)).unwrap_err();
        world.crash(1);
        let (_, recovered) = world.start(2);
        assert_eq!(recovered.damage, []);
        assert_eq!(answered(&recovered).len() + open(&recovered).len(), 1);
        seen_torn |= open(&recovered) == [1];
    }
    assert!(seen_torn, "no seed tore the record");
}

/// The file is replaced several times; every third answer is never saved.
fn load(process: &Process, notes: &mut Notes) -> Result<(), JournalError> {
    for number in 1..20 {
        process.has_room()?;
        notes.append(process, intent(number))?;
        notes.append(process, answer(number))?;
        if number % 3 != 0 {
            notes.append(process, closed(number))?;
        }
    }
    Ok(())
}

#[test]
fn a_crash_at_any_operation_of_replacing_files_under_load_loses_nothing() {
    for operation in 1.. {
        let world = World::small(operation);
        world.disk.fault_at(operation, Fault::Dies);
        let mut notes = Notes::default();
        let outcome = world.try_start(1).and_then(|(process, _)| load(&process, &mut notes));
        let is_over = world.disk.operations() < operation;
        assert_eq!(outcome.is_ok(), is_over, "operation {operation}");
        world.crash(1);

        // The one that recovers dies too, and the next one, each a little later.
        for step in 1..8 {
            world.disk.fault_at(world.disk.operations() + step, Fault::Dies);
            if let Ok((process, recovered)) = world.try_start(2) {
                notes.check(&recovered, &format!("operation {operation}, step {step}"));
                let _ = process.adopt();
            }
            world.crash(2);
            world.disk.clear_faults();
        }

        let (process, recovered) = world.start(3);
        notes.check(&recovered, &format!("operation {operation}"));
        assert_eq!(recovered.damage, [], "operation {operation}");
        process.adopt().unwrap();
        assert_eq!(world.disk.files(), world.journals(), "operation {operation}");
        assert_eq!(world.journals().len(), 1, "operation {operation}");
        if is_over {
            assert!(operation > 120, "the load is too light: {operation} operations");
            return;
        }
    }
}
