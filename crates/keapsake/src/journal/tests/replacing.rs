//! A full file is replaced.

use super::super::Record;
use super::world::*;
use crate::connection::ConnectionId;

#[test]
fn nothing_of_use_is_left_behind_and_files_do_not_pile_up() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    let mut files = std::collections::BTreeSet::new();
    process.append(intent(1)).unwrap();
    process.append(intent(2)).unwrap();
    process.append(answer(2)).unwrap();
    for number in 3..1_000 {
        // Of another connection, so that it does not settle the first two.
        let connection = ConnectionId::new("other").unwrap();
        process.append(Record::Committed { connection, position: position(number) }).unwrap();
        files.insert(process.journal.health().file);
        assert_eq!(world.journals().len(), 1);
    }
    assert!(files.len() >= 4, "{}", files.len());
    world.crash(1);
    let (_, recovered) = world.start(2);
    assert_eq!((open(&recovered), answered(&recovered)), (vec![1], vec![2]));
    assert_eq!(recovered.positions[&ConnectionId::new("other").unwrap()], position(999));
    assert_eq!(recovered.damage, []);
}

#[test]
fn many_connections_get_a_bigger_file() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    let name = |number: u64| ConnectionId::new(&format!("connection-{number}")).unwrap();
    for number in 0..3_000 {
        process.append(Record::Committed { connection: name(number), position: position(number) }).unwrap();
    }
    assert!(process.journal.health().size > 1 << 20);
    world.crash(1);
    let (process, recovered) = world.start(2);
    assert_eq!(recovered.positions.len(), 3_000);
    assert_eq!(recovered.positions[&name(2_999)], position(2_999));
    process.has_room().unwrap();
}

#[test]
fn after_renewing_nothing_needs_what_was_before() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    for record in [intent(1), answer(1), intent(2), closed(2)] {
        process.append(record).unwrap();
    }
    let before = process.journal.health();
    process.renew().unwrap();
    let after = process.journal.health();
    assert_ne!(before.file, after.file);
    assert_eq!((before.records, after.records), (4, 1));
    assert_eq!(world.journals(), [after.file]);
    world.crash(1);
    assert_eq!(answered(&world.start(2).1), [1]);
}

#[test]
fn the_answer_that_brought_the_newest_pair_stays_for_a_store_that_goes_back() {
    let world = World::small(1);
    let (process, _) = world.start(1);
    for number in 1..60 {
        process.append(intent(number)).unwrap();
        process.append(answer(number)).unwrap();
        process.append(committed(number + 1)).unwrap();
    }
    process.renew().unwrap();
    let newest = |process: &Process| {
        let committed = process.committed(&ConnectionId::main()).unwrap();
        (committed.position, committed.answer.map(Record::Answer))
    };
    assert_eq!(newest(&process), (position(60), Some(answer(59))));
    assert_eq!(process.committed(&ConnectionId::new("other").unwrap()), None);
    assert_eq!(process.journal.health().records, 2, "one position and one answer are carried");
    world.crash(1);
    let (process, recovered) = world.start(2);
    assert_eq!(answered(&recovered), [] as [u64; 0]);
    assert_eq!(newest(&process), (position(60), Some(answer(59))));
}
