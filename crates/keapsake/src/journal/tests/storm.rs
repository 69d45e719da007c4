//! Everything at once, by seeds: several processes, faults, crashes, restarts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::disk::Fault;
use super::world::*;

/// A stream of choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[derive(Default)]
struct Storm {
    processes: BTreeMap<u128, Process>,
    notes: Notes,
    next: u64,
    restarts: u32,
}

impl Storm {
    fn start(&mut self, world: &World, owner: u128) {
        self.restarts += 1;
        match world.try_start(owner) {
            Ok((process, _)) => drop(self.processes.insert(owner, process)),
            Err(_) => world.crash(owner),
        }
    }

    fn crash(&mut self, world: &World, owner: u128) {
        world.crash(owner);
        self.processes.remove(&owner);
    }

    fn step(&mut self, world: &World, dice: &mut Dice) {
        let owner = u128::from(dice.roll(3));
        let Some(process) = self.processes.get(&owner) else { return self.start(world, owner) };
        let number = if self.next == 0 { 1 } else { 1 + dice.roll(self.next) };
        match dice.roll(20) {
            0 => self.crash(world, owner),
            1 => world.disk.fault_at(world.disk.operations() + 1 + dice.roll(6), Fault::Fails),
            2 => world.disk.fault_at(world.disk.operations() + 1 + dice.roll(6), Fault::Dies),
            3 => drop(process.adopt()),
            4 => drop(process.recover()),
            5 => drop(process.renew()),
            6 => world.disk.set_full(dice.roll(3) == 0),
            7..=10 => drop(self.notes.append(process, closed(number))),
            11 if dice.roll(4) == 0 => drop(self.notes.append(process, committed(number))),
            _ => {
                self.next += 1;
                let long = if dice.roll(30) == 0 { 60 << 10 } else { 200 };
                drop(self.notes.append(process, intent(self.next)));
                drop(self.notes.append(process, long_answer(self.next, long)));
            }
        }
    }
}

#[test]
fn no_acknowledged_answer_is_lost_in_any_storm() {
    let mut restarts = 0;
    for seed in 1..50 {
        let (world, mut dice, mut storm) = (World::small(seed), Dice(seed), Storm::default());
        for _ in 0..150 {
            storm.step(&world, &mut dice);
        }
        world.disk.set_full(false);
        (0..3).for_each(|owner| storm.crash(&world, owner));
        world.disk.clear_faults();
        let (_, recovered) = world.start(10);
        assert_eq!(recovered.damage, [], "seed {seed}");
        storm.notes.check_nothing_lost(&BTreeSet::from_iter(answered(&recovered)), &format!("seed {seed}"));
        restarts += storm.restarts;
    }
    assert!(restarts > 500, "{restarts}");
}
