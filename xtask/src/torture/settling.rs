//! After a disturbance: either the connection is alive, with the sandbox's newest pair, or the only copy of that pair was
//! lost in a way that nothing can prevent. Anything else is a violation.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::keeper::{Keeper, Told};
use crate::sandbox::Grant;
use crate::world::World;

/// So many attempts bring every refusal to its end.
const ATTEMPTS_MAX: u32 = 30;

/// What is due takes real time, and another process may have to find out.
const WAIT: Duration = Duration::from_secs(3);

const CONNECTED_WITHIN: Duration = Duration::from_mins(1);
const CALLED_WITHIN: Duration = Duration::from_mins(1);

/// What has been true since the connection was last seen alive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth {
    grant: Grant,
    /// Answers with a new pair that came to a keeper, and those that were durable there.
    granted: u64,
    kept: u64,
}

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Alive,
    /// The answer never came to a keeper: a fault spoilt it, or the keeper was killed while its request was on its way.
    LostOnTheWay,
    /// The keeper was killed between the answer and the moment when the journal had it.
    LostBeforeTheJournal,
}

impl Settled {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Alive => "alive afterwards",
            Self::LostOnTheWay => "lost, the answer never came",
            Self::LostBeforeTheJournal => "lost, killed between the answer and the journal",
        }
    }
}

impl Truth {
    /// Of a connection that is made by one of the keepers; the others hear of it.
    pub(super) fn connected(world: &World, keepers: &mut [Keeper]) -> anyhow::Result<Self> {
        let first = keepers.first_mut().context("there is no keeper")?;
        first.tell("connect acme")?;
        first.wait_for("connected", CONNECTED_WITHIN)?;
        for keeper in keepers {
            let heard = keeper.listen(CONNECTED_WITHIN, is_well)?;
            ensure!(heard, "a keeper does not hear of the new connection: {:?}", keeper.told);
            (keeper.told.granted, keeper.told.kept) = (0, 0);
        }
        Ok(Self { grant: world.sandbox.control.grant()?, granted: 0, kept: 0 })
    }

    /// What a keeper told that is gone.
    pub(super) fn note(&mut self, told: &Told) {
        self.granted += told.granted;
        self.kept += told.kept;
    }

    /// Waits until all keepers are alive with the newest pair, or know that it is lost. Fails on a violation.
    pub(super) fn settle(&mut self, world: &mut World, keepers: &mut [Keeper]) -> anyhow::Result<Settled> {
        for _ in 0..ATTEMPTS_MAX {
            for keeper in keepers.iter_mut() {
                keeper.listen(WAIT, waits_for_time)?;
            }
            if keepers.iter().all(|keeper| keeper.told.is_lost()) {
                return self.why_lost(world, keepers);
            }
            if keepers.iter().all(|keeper| is_well(&keeper.told)) && self.are_alive(world, keepers)? {
                return Ok(Settled::Alive);
            }
            world.advance(until_something_is_due(keepers), keepers.iter_mut())?;
        }
        let phases: Vec<_> =
            keepers.iter().map(|keeper| (&keeper.told.phase, keeper.told.generation)).collect();
        let grant = world.sandbox.control.grant()?;
        anyhow::bail!("it does not come to rest: {phases:?}, while the sandbox has {grant:?}")
    }

    /// Whether each can call with the newest pair; if so, that is what is true from now on.
    fn are_alive(&mut self, world: &World, keepers: &mut [Keeper]) -> anyhow::Result<bool> {
        for keeper in keepers.iter_mut() {
            keeper.tell("call")?;
            if keeper.wait_for("called", CALLED_WITHIN)?["ok"] != true {
                return Ok(false);
            }
        }
        let grant = world.sandbox.control.grant()?;
        let have_it = keepers.iter().all(|keeper| keeper.told.generation == grant.generation);
        if !have_it || grant.is_revoked {
            return Ok(false);
        }
        let reuses = grant.reuses - self.grant.reuses;
        ensure!(
            reuses == 0 || self.lost(grant, keepers) > 0,
            "a spent refresh token was used again although every answer was kept: {grant:?}"
        );
        let all_kept = keepers.iter().all(|keeper| keeper.told.kept == keeper.told.granted);
        ensure!(all_kept, "an answer was used that no journal had before");
        // What the living have told so far is taken off again when they tell it at their end.
        *self = Self { grant, granted: 0, kept: 0 };
        for keeper in keepers.iter_mut() {
            (keeper.told.granted, keeper.told.kept) = (0, 0);
        }
        Ok(true)
    }

    fn why_lost(&self, world: &World, keepers: &[Keeper]) -> anyhow::Result<Settled> {
        let grant = world.sandbox.control.grant()?;
        let lost = self.lost(grant, keepers);
        ensure!(
            lost > 0,
            "the connection is lost although the journal had every pair: {grant:?}, before {:?}",
            self.grant
        );
        let granted: u64 = keepers.iter().map(|keeper| keeper.told.granted).sum();
        let kept: u64 = keepers.iter().map(|keeper| keeper.told.kept).sum();
        let before_the_journal = self.granted + granted > self.kept + kept;
        Ok(if before_the_journal { Settled::LostBeforeTheJournal } else { Settled::LostOnTheWay })
    }

    /// Pairs that the sandbox gave and no journal had.
    fn lost(&self, grant: Grant, keepers: &[Keeper]) -> u64 {
        let kept: u64 = keepers.iter().map(|keeper| keeper.told.kept).sum();
        (grant.generation - self.grant.generation).saturating_sub(self.kept + kept)
    }
}

/// Whether nothing happens before the clock is moved.
fn waits_for_time(told: &Told) -> bool {
    told.is_lost() || (told.phase != "refreshing" && told.due_in > 0)
}

fn is_well(told: &Told) -> bool {
    told.phase == "connected" && told.due_in > 0
}

/// In seconds, until those that are not well try again.
fn until_something_is_due(keepers: &[Keeper]) -> u32 {
    let ill = keepers.iter().filter(|keeper| !is_well(&keeper.told) && !keeper.told.is_lost());
    let due_in = ill.map(|keeper| keeper.told.due_in).max().unwrap_or_default();
    u32::try_from(due_in).unwrap_or_default() + 1
}
