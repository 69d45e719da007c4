//! `kill -9`: a keeper is killed while its refresh is due, and started again, again and again.

use std::rc::Rc;
use std::thread;
use std::time::Duration;

use super::disruption::{Moment, Spoilt};
use super::settling::{Settled, Truth};
use super::tally::{Tally, Violation};
use super::{Turn, kind};
use crate::keeper::Keeper;
use crate::postgres::Server;
use crate::random::Dice;
use crate::world::{Reuse, World};

/// The next refresh is due three hours before the access token's 24 are over.
const UNTIL_DUE: u32 = 22 * 3600;

/// Then there is a new world: other files, another way to treat tokens that are used twice.
const KILLS_IN_A_WORLD: u32 = 40;

/// A moment that does not come is not waited for any longer.
const MOMENT_WITHIN: Duration = Duration::from_millis(1_500);

const CONNECTED_WITHIN: Duration = Duration::from_mins(1);

/// Kills until the turn is over, at least once.
pub(super) fn run(
    turn: Turn,
    server: Option<&Rc<Server>>,
    replay: &str,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut dice = Dice::new(turn.seed);
    loop {
        let mut life = Life::begin(server, &mut dice)?;
        if let Err(error) = life.lead(turn, &mut dice, tally) {
            life.world.directory.keep();
            let what = format!("{error:#}; its files are in {}", life.world.directory.path().display());
            tally.violation(Violation { what, replay: replay.to_owned() });
            return Ok(());
        }
        if turn.is_over() {
            return Ok(());
        }
    }
}

/// One connection in one world, and the keeper that has it.
struct Life {
    world: World,
    keeper: Option<Keeper>,
    truth: Truth,
    name: &'static str,
}

impl Life {
    fn begin(server: Option<&Rc<Server>>, dice: &mut Dice) -> anyhow::Result<Self> {
        let reuse = if dice.percent(50) { Reuse::Reject } else { Reuse::RevokeFamily };
        let name = kind(server).word();
        let world = World::new("kills", server.cloned(), reuse)?;
        let mut keeper = world.keeper("one")?;
        keeper.is_ready()?;
        let truth = connect(&world, &mut keeper)?;
        Ok(Self { world, keeper: Some(keeper), truth, name })
    }

    fn lead(&mut self, turn: Turn, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()> {
        for n in 0..KILLS_IN_A_WORLD {
            if n > 0 && turn.is_over() {
                return Ok(());
            }
            self.kill_once(dice, tally)?;
        }
        Ok(())
    }

    fn kill_once(&mut self, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()> {
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
            self.truth = connect(&self.world, &mut keeper)?;
        }
        self.keeper = Some(keeper);
        Ok(())
    }
}

fn connect(world: &World, keeper: &mut Keeper) -> anyhow::Result<Truth> {
    keeper.tell("connect acme")?;
    keeper.wait_for("connected", CONNECTED_WITHIN)?;
    (keeper.told.granted, keeper.told.kept) = (0, 0);
    Truth::of(world)
}
