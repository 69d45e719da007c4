//! Several keepers of one connection, on machines of their own: killed, paused, told wrong times, cut off from their
//! database, while refreshes become due.

use std::thread;
use std::time::Duration;

use super::disruption::Spoilt;
use super::ordeal::Ordeal;
use super::settling::{Settled, Truth};
use super::tally::Tally;
use crate::keeper::Keeper;
use crate::postgres::Database;
use crate::random::Dice;
use crate::world::World;

const MACHINES: [&str; 3] = ["one", "two", "three"];

const UNTIL_DUE: u32 = 22 * 3600;
const CALL_EVERY: Duration = Duration::from_millis(250);

/// How far a clock jumps, in seconds: a moment, an hour, days, a year, in both directions.
const JUMPS: [(u64, i64); 9] = [
    (4, 5),
    (4, -5),
    (3, 3_600),
    (3, -3_600),
    (2, 20 * 86_400),
    (2, -20 * 86_400),
    (1, -365 * 86_400),
    (1, 40 * 86_400),
    (1, 365 * 86_400),
];

/// What happens while a refresh is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Kill,
    Pause,
    Jump,
    /// The server ends every connection to the database.
    CutOff,
    /// The server is restarted as after a crash.
    Restart,
    Nothing,
}

const ON_A_FILE: [(u64, Blow); 4] =
    [(30, Blow::Kill), (30, Blow::Pause), (20, Blow::Jump), (20, Blow::Nothing)];
const ON_A_SERVER: [(u64, Blow); 6] = [
    (25, Blow::Kill),
    (20, Blow::Pause),
    (15, Blow::Jump),
    (25, Blow::CutOff),
    (5, Blow::Restart),
    (10, Blow::Nothing),
];

/// One connection, and its keepers, each on a machine of its own.
pub(super) struct Crowd {
    world: World,
    keepers: Vec<Keeper>,
    truth: Truth,
    name: &'static str,
}

impl Ordeal for Crowd {
    const STRIKES: u32 = 12;

    fn begin(world: World) -> anyhow::Result<Self> {
        let keepers = MACHINES.into_iter().map(|machine| start(&world, machine));
        let mut keepers: Vec<_> = keepers.collect::<Result<_, _>>()?;
        let truth = Truth::connected(&world, &mut keepers)?;
        let name = world.store_kind().word();
        Ok(Self { world, keepers, truth, name })
    }

    /// A refresh becomes due, some blows fall, and then all have to find their way back.
    fn strike(&mut self, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()> {
        let spoilt = Spoilt::pick(dice);
        let fault = spoilt.fault(dice);
        let on_its_way = fault.as_ref().map_or(Duration::ZERO, |(_, delay)| *delay);
        if let Some((fault, _)) = &fault {
            self.world.sandbox.control.add_fault(fault)?;
            tally.add(format!("crowd {}: faults, {}", self.name, spoilt.word()), 1);
        }
        self.world.advance(UNTIL_DUE, &mut self.keepers)?;
        let mut wrongs = [0; MACHINES.len()];
        for _ in 0..=dice.below(5) {
            self.listen(dice.up_to(Duration::from_millis(60)))?;
            self.fall(dice, &mut wrongs, tally)?;
        }
        self.listen(dice.up_to(Duration::from_millis(300)))?;
        for (keeper, wrong) in self.keepers.iter_mut().zip(wrongs) {
            keeper.jump(-wrong)?;
        }
        thread::sleep(on_its_way + Duration::from_millis(20));
        self.world.sandbox.control.clear_faults()?;
        self.settle(tally)
    }

    fn end(self, tally: &mut Tally) -> anyhow::Result<()> {
        for keeper in self.keepers {
            let told = keeper.kill()?;
            tally.add(format!("crowd {}: calls", self.name), told.calls);
            tally.add(format!("crowd {}: calls that failed meanwhile", self.name), told.failed_calls);
        }
        Ok(())
    }

    fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Crowd {
    /// One blow.
    fn fall(
        &mut self,
        dice: &mut Dice,
        wrongs: &mut [i64; MACHINES.len()],
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let table: &[(u64, Blow)] = if self.world.database.is_some() { &ON_A_SERVER } else { &ON_A_FILE };
        let blow = dice.pick(table).copied().unwrap_or(Blow::Nothing);
        let victim = usize::try_from(dice.below(MACHINES.len() as u64))?;
        let count = match blow {
            Blow::Kill => self.kill(victim, wrongs)?,
            Blow::Pause => self.pause(victim, dice.up_to(Duration::from_millis(400)))?,
            Blow::Jump => self.jump(victim, dice, wrongs)?,
            Blow::CutOff => self.world.database.as_ref().map_or(Ok(0), Database::end_connections)?,
            Blow::Restart => self.restart_server()?,
            Blow::Nothing => return Ok(()),
        };
        tally.add(format!("crowd {}: {}", self.name, blow.word()), count);
        Ok(())
    }

    /// Kills one, which is started again at once with the right time.
    fn kill(&mut self, victim: usize, wrongs: &mut [i64; MACHINES.len()]) -> anyhow::Result<u64> {
        let keeper = self.keepers.remove(victim);
        self.truth.note(&keeper.kill()?);
        let machine = MACHINES.get(victim).copied().unwrap_or_default();
        self.keepers.insert(victim, start(&self.world, machine)?);
        if let Some(wrong) = wrongs.get_mut(victim) {
            *wrong = 0;
        }
        Ok(1)
    }

    /// Suspends one, while the others go on.
    fn pause(&mut self, victim: usize, long: Duration) -> anyhow::Result<u64> {
        let Some(keeper) = self.keepers.get(victim) else { return Ok(0) };
        keeper.pause()?;
        thread::sleep(long);
        keeper.go_on()?;
        Ok(1)
    }

    /// Sets the clock of one wrong, until the end of the round.
    fn jump(
        &mut self,
        victim: usize,
        dice: &mut Dice,
        wrongs: &mut [i64; MACHINES.len()],
    ) -> anyhow::Result<u64> {
        let by = dice.pick(&JUMPS).copied().unwrap_or_default();
        let (Some(keeper), Some(wrong)) = (self.keepers.get_mut(victim), wrongs.get_mut(victim)) else {
            return Ok(0);
        };
        // One after the other they would add up to more than a refresh token lives.
        if *wrong != 0 {
            return Ok(0);
        }
        keeper.jump(by)?;
        *wrong = by;
        Ok(1)
    }

    fn restart_server(&self) -> anyhow::Result<u64> {
        let Some(database) = &self.world.database else { return Ok(0) };
        database.server.restart()?;
        Ok(1)
    }

    fn listen(&mut self, long: Duration) -> anyhow::Result<()> {
        thread::sleep(long);
        for keeper in &mut self.keepers {
            keeper.listen(Duration::ZERO, |_| false)?;
        }
        Ok(())
    }

    fn settle(&mut self, tally: &mut Tally) -> anyhow::Result<()> {
        let settled = self.truth.settle(&mut self.world, &mut self.keepers)?;
        tally.add(format!("crowd {}: {}", self.name, settled.words()), 1);
        if settled != Settled::Alive {
            self.truth = Truth::connected(&self.world, &mut self.keepers)?;
        }
        Ok(())
    }
}

impl Blow {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Pause => "pauses",
            Self::Jump => "clock jumps",
            Self::CutOff => "connections to the database ended",
            Self::Restart => "restarts of the database",
            Self::Nothing => "nothing",
        }
    }
}

/// A start that loses its database meanwhile ends; whoever runs programs starts them again.
fn start(world: &World, machine: &str) -> anyhow::Result<Keeper> {
    let try_once = || {
        let mut keeper = world.keeper_with(machine, 1, Some(CALL_EVERY))?;
        keeper.is_ready().map(|()| keeper)
    };
    try_once().or_else(|_| try_once())
}
