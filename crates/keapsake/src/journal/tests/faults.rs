//! The disk fails, and the process goes on.

use std::time::Duration;

use super::super::disk::Fault;
use super::super::{JournalError, Record};
use super::world::*;

/// Goes on after every failure, as the keeper does.
fn work(process: &Process, notes: &mut Notes) -> usize {
    let mut failures = 0;
    for number in 1..30 {
        for record in [intent(number), answer(number)] {
            failures += usize::from(notes.append(process, record).is_err());
        }
        if number % 4 != 0 {
            failures += usize::from(notes.append(process, closed(number)).is_err());
        }
    }
    failures
}

#[test]
fn the_nth_call_failing_loses_nothing_and_stops_nothing() {
    for operation in 1.. {
        let world = World::small(operation);
        world.disk.fault_at(operation, Fault::Fails);
        let Ok((process, _)) = world.try_start(1) else { continue };
        let mut notes = Notes::default();
        let failures = work(&process, &mut notes);
        assert!(failures <= 1, "operation {operation}: one fault, {failures} failures");
        let is_over = world.disk.operations() < operation;
        world.disk.clear_faults();
        process.append(intent(99)).unwrap();
        assert_eq!(process.journal.health().last_error, None);
        world.crash(1);
        let (process, recovered) = world.start(2);
        notes.check(&recovered, &format!("operation {operation}"));
        assert_eq!(recovered.damage, [], "operation {operation}");
        process.adopt().unwrap();
        assert_eq!(world.disk.files().len(), 1, "operation {operation}");
        if is_over {
            assert!(operation > 150, "the load is too light: {operation} operations");
            return;
        }
    }
}

#[test]
fn several_failures_in_a_row_lose_nothing() {
    let mut failures = 0;
    for seed in 0..200 {
        let world = World::small(seed);
        let (process, _) = world.start(1);
        let from = world.disk.operations() + 1 + seed % 100;
        (from..=from + seed % 9).for_each(|operation| world.disk.fault_at(operation, Fault::Fails));
        let mut notes = Notes::default();
        failures += work(&process, &mut notes);
        world.crash(1);
        let (_, recovered) = world.start(2);
        notes.check(&recovered, &format!("seed {seed}"));
        assert_eq!(recovered.damage, [], "seed {seed}");
    }
    assert!(failures > 400, "{failures}");
}

#[test]
fn a_full_disk_stops_requests_but_no_answer() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    world.disk.set_full(true);
    let mut number = 0;
    let refused = loop {
        number += 1;
        if let Err(error) = process.has_room() {
            break error;
        }
        for record in [intent(number), long_answer(number, 64 << 10), closed(number)] {
            process.append(record).unwrap();
        }
        assert!(number < 1_000, "there was room for ever");
    };
    assert!(matches!(refused, JournalError::DiskFull { .. }), "{refused}");
    assert!(refused.to_string().contains("Free some space"), "{refused}");
    assert_eq!(process.journal.health().last_error, Some(refused.to_string()));
    process.append(intent(number)).unwrap_err();
    // An answer that nobody asked room for still gets what there is.
    process.append(answer(number)).unwrap();
    process.append(committed(number)).unwrap();

    world.disk.set_full(false);
    process.has_room().unwrap();
    process.append(intent(number)).unwrap();
    world.crash(1);
    let (_, recovered) = world.start(2);
    assert_eq!(answered(&recovered), [number]);
}

#[test]
fn as_many_requests_at_once_as_are_taken_have_room_for_their_answers() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    world.disk.set_full(true);
    let taken: Vec<u64> = (1..1_000).take_while(|number| process.append(intent(*number)).is_ok()).collect();
    assert!(taken.len() > 5, "{}", taken.len());
    for number in &taken {
        process.append(long_answer(*number, 64 << 10)).unwrap();
    }
    for number in &taken {
        process.append(closed(*number)).unwrap();
    }
    world.disk.set_full(false);
    for number in 1_000..1_500 {
        process.append(intent(number)).unwrap();
    }
    assert!(process.journal.health().size > 32 << 20, "a bigger file was made for so many");
    let error = (1_500..5_000).find_map(|number| process.append(intent(number)).err()).unwrap();
    assert!(matches!(error, JournalError::Crowded { .. }), "{error}");
}

#[test]
fn a_full_disk_at_the_start_is_said_and_changes_nothing() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    process.append(answer(1)).unwrap();
    world.crash(1);
    let before = world.disk.files();
    world.disk.set_full(true);
    let error = world.try_start(2).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    assert_eq!(world.disk.files(), before);
    world.disk.set_full(false);
    assert_eq!(answered(&world.start(3).1), [1]);
}

#[test]
fn a_read_only_disk_is_said_and_the_journal_goes_on_afterwards() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    world.disk.set_read_only(true);
    let error = process.append(intent(1)).unwrap_err();
    assert!(matches!(error, JournalError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("read-only"), "{error}");
    world.disk.set_read_only(false);
    process.append(intent(1)).unwrap();
    world.crash(1);
    let (_, recovered) = world.start(2);
    assert_eq!((open(&recovered), recovered.damage), (vec![1], vec![]));
}

#[test]
fn what_is_longer_than_any_answer_is_refused() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    process.append(long_answer(1, 500 << 10)).unwrap();
    let error = process.append(long_answer(2, 600 << 10)).unwrap_err();
    assert!(matches!(error, JournalError::TooLong { .. }), "{error}");
    world.crash(1);
    assert_eq!(answered(&world.start(2).1), [1]);
}

#[test]
fn the_time_of_an_append_is_the_disks() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    assert_eq!(process.journal.health().last_append, None);
    world.disk.set_slowness(Duration::from_millis(20));
    process.append(intent(1)).unwrap();
    // One write, one sync.
    assert_eq!(process.journal.health().last_append, Some(Duration::from_millis(40)));
}

#[test]
fn the_health_says_what_is_in_the_file() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    let records: [Record; 5] = [intent(1), answer(1), intent(2), closed(2), intent(3)];
    for record in records {
        process.append(record).unwrap();
    }
    let health = process.journal.health();
    assert_eq!((health.records, health.open, health.unsaved), (5, 1, 1));
    assert_eq!(vec![health.file], world.journals());
    assert_eq!(health.size, 1 << 20);
    assert!(health.used > 4 * 4096 && health.used < 8 * 4096, "{}", health.used);
    assert_eq!(health.keys, [1].into());
}
