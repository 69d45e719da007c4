//! `kill -9`: a keeper is killed while its refresh is due, and started again, again and again.

use std::thread;
use std::time::Duration;

use super::disruption::{Moment, Spoilt};
use super::ordeal::Ordeal;
use super::settling::{Settled, Truth};
use super::tally::Tally;
use crate::keeper::Keeper;
use crate::random::Dice;
use crate::world::World;

/// The next refresh is due three hours before the access token's 24 are over.
const UNTIL_DUE: u32 = 22 * 3600;

/// A moment that does not come is not waited for any longer.
const MOMENT_WITHIN: Duration = Duration::from_millis(1_500);

/// One connection, and the keeper that has it.
pub(super) struct Kills {
    world: World,
    keeper: Option<Keeper>,
    truth: Truth,
    name: &'static str,
}

impl Ordeal for Kills {
    const STRIKES: u32 = 40;

    fn begin(world: World) -> anyhow::Result<Self> {
        let mut keeper = world.keeper("one")?;
        keeper.is_ready()?;
        let truth = Truth::connected(&world, std::slice::from_mut(&mut keeper))?;
        let name = world.store_kind().word();
        Ok(Self { world, keeper: Some(keeper), truth, name })
    }

    fn strike(&mut self, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()> {
        let name = self.name;
        let spoilt = Spoilt::pick(dice);
        let fault = spoilt.fault(dice);
        let on_its_way = fault.as_ref().map_or(Duration::ZERO, |(_, delay)| *delay);
        if let Some((fault, _)) = &fault {
            self.world.sandbox.control.add_fault(fault)?;
            tally.add(format!("kills {name}: faults, {}", spoilt.word()), 1);
        }
        let moment = Moment::pick(dice, on_its_way);
        self.kill_at(moment)?;
        tally.add(format!("kills {name}: kill -9, {}", moment.word()), 1);
        while dice.percent(30) {
            self.kill_while_it_starts(dice)?;
            tally.add(format!("kills {name}: kill -9, while it started"), 1);
        }
        // A request on its way arrives in real time: it must be over before the clocks say so.
        thread::sleep(on_its_way + Duration::from_millis(20));
        self.world.sandbox.control.clear_faults()?;
        self.recover(tally)
    }

    fn end(self, _: &mut Tally) -> anyhow::Result<()> {
        self.keeper.map_or(Ok(()), Keeper::stop)
    }

    fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Kills {
    /// Lets the refresh become due, and kills at this moment.
    fn kill_at(&mut self, moment: Moment) -> anyhow::Result<()> {
        let mut keeper = self.keeper()?;
        let before = keeper.told.clone();
        self.world.advance(UNTIL_DUE, [&mut keeper])?;
        match moment {
            Moment::Random(after) => keeper.listen(after, |_| false)?,
            Moment::Sent => keeper.listen(MOMENT_WITHIN, |told| told.sent > before.sent)?,
            Moment::Answered => keeper.listen(MOMENT_WITHIN, |told| told.granted > before.granted)?,
            Moment::Kept => keeper.listen(MOMENT_WITHIN, |told| told.kept > before.kept)?,
        };
        self.truth.note(&keeper.kill()?);
        Ok(())
    }

    fn kill_while_it_starts(&mut self, dice: &mut Dice) -> anyhow::Result<()> {
        let mut keeper = self.keeper()?;
        keeper.listen(dice.up_to(Duration::from_millis(80)), |_| false)?;
        self.truth.note(&keeper.kill()?);
        Ok(())
    }

    /// The one that runs, or a new one.
    fn keeper(&mut self) -> anyhow::Result<Keeper> {
        self.keeper.take().map_or_else(|| self.world.keeper("one"), Ok)
    }

    /// Starts a keeper, which has to find its way back.
    fn recover(&mut self, tally: &mut Tally) -> anyhow::Result<()> {
        let mut keeper = self.keeper()?;
        keeper.is_ready()?;
        let settled = self.truth.settle(&mut self.world, std::slice::from_mut(&mut keeper))?;
        tally.add(format!("kills {}: {}", self.name, settled.words()), 1);
        if settled != Settled::Alive {
            self.truth = Truth::connected(&self.world, std::slice::from_mut(&mut keeper))?;
        }
        self.keeper = Some(keeper);
        Ok(())
    }
}
