//! What the parts with real processes have in common: world after world, until the turn is over or something is
//! violated.

use std::rc::Rc;

use super::Turn;
use super::tally::{Tally, Violation};
use crate::postgres::Server;
use crate::random::Dice;
use crate::world::{Reuse, World};

/// One world, and what is done to the keepers in it.
pub(super) trait Ordeal: Sized {
    /// With a connection that is alive.
    fn begin(world: World) -> anyhow::Result<Self>;

    /// Once. Fails on a violation.
    fn strike(&mut self, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()>;

    /// After so many there is a new world: other files, another way to treat tokens that are used twice.
    const STRIKES: u32;

    /// What is left to be counted.
    fn end(self, tally: &mut Tally) -> anyhow::Result<()>;

    fn world(&mut self) -> &mut World;
}

/// Strikes until the turn is over, at least once.
pub(super) fn endure<O: Ordeal>(
    turn: Turn,
    server: Option<&Rc<Server>>,
    replay: &str,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mut dice = Dice::new(turn.seed);
    loop {
        let reuse = if dice.percent(50) { Reuse::Reject } else { Reuse::RevokeFamily };
        let mut ordeal = O::begin(World::new("torture", server.cloned(), reuse)?)?;
        if let Err(error) = strikes(&mut ordeal, turn, &mut dice, tally) {
            let directory = &mut ordeal.world().directory;
            directory.keep();
            let what = format!("{error:#}; its files are in {}", directory.path().display());
            tally.violation(Violation { what, replay: replay.to_owned() });
            return Ok(());
        }
        ordeal.end(tally)?;
        if turn.is_over() {
            return Ok(());
        }
    }
}

fn strikes<O: Ordeal>(ordeal: &mut O, turn: Turn, dice: &mut Dice, tally: &mut Tally) -> anyhow::Result<()> {
    for n in 0..O::STRIKES {
        if n > 0 && turn.is_over() {
            break;
        }
        ordeal.strike(dice, tally)?;
    }
    Ok(())
}
