//! Dying, and what a start takes over from the dead, as `recovery.rs` does it.

use keapsake::connection::protocol::Phase;
use keapsake::connection::record::RestoredReason;
use keapsake::connection::step::Event;

use super::disaster::Assumption;
use super::journal::Journal;
use super::known::{Elapsed, Known};
use super::setup::{Action, Setup};
use super::state::{Finding, Hand, Pair, Process, State};

/// One of the things that a start does. It may die between any two.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Saves a pair from the journal.
    Replay { spent: u8, pair: Pair },
    /// Ends a request whose outcome is unknown, if it is open.
    EndOpen { spent: u8 },
    /// Gives back the lease of the dead.
    Free,
    /// Compares the store with what the journal has seen.
    Compare,
    /// Ends what nobody else will end, if nobody has the lease.
    Tidy,
    /// Looks at new settings.
    Begin,
}

impl Setup {
    pub(super) fn crashes(state: &State, who: usize, process: &Process, actions: &mut Vec<Action>) {
        if process.has_lease && (!process.is_busy() || state.left.pauses > 0) {
            actions.push(Action::LeaseEnds(who));
        }
        if !process.is_up {
            actions.push(Action::Start(who));
            if state.left.crashes > 0 {
                let all = deeds(process).len();
                actions.extend((1..all).map(|steps| Action::DieStarting(who, steps)));
            }
        } else if state.left.crashes > 0 {
            actions.push(Action::Crash(who));
        }
    }

    /// What was only in memory is lost.
    pub(super) fn crash(&self, me: &mut Process, others: &mut State) {
        others.left.crashes -= 1;
        if self.without == Some(Assumption::A2) {
            me.journal = Journal::default();
        }
        if let Some(spending) = me.hand.spending.filter(|_| me.hand.is_sent) {
            others.forsake(spending);
        }
        let newest = others.server.newest;
        let was_unprotected = me.phase == Phase::Keep || me.hand.kept == Some(false);
        if was_unprotected && me.hand.finding == Some(Finding::Granted(newest)) {
            let is_kept = others.is_stored(newest) || me.journal.has(newest);
            others.truth.is_gone |= !is_kept;
        }
        *me = Process { is_up: false, phase: Phase::End, hand: Hand::default(), ..*me };
    }

    pub(super) fn start(&self, me: &mut Process, others: &mut State) {
        if self.bounds.is_one_machine {
            self.look_for_the_dead(me, others);
        }
        self.do_deeds(me, others, usize::MAX);
        me.is_up = true;
    }

    pub(super) fn die_starting(&self, me: &mut Process, others: &mut State, steps: usize) {
        others.left.crashes -= 1;
        self.do_deeds(me, others, steps);
    }

    fn do_deeds(&self, me: &mut Process, others: &mut State, steps: usize) {
        for deed in deeds(me).into_iter().take(steps) {
            self.perform_deed(deed, me, others);
        }
        if steps == usize::MAX {
            me.journal.forget_what_was_read();
        }
    }

    fn perform_deed(&self, deed: Deed, me: &mut Process, others: &mut State) {
        match deed {
            Deed::Replay { spent, pair } => self.replay(me, others, spent, pair),
            Deed::EndOpen { spent } => {
                if me.open.has(spent) {
                    me.end(spent);
                    self.end_as_unconfirmed(others, spent);
                }
            }
            Deed::Free => me.has_lease = false,
            Deed::Compare => {
                if me.knows_better(others.store) {
                    self.heal(me, others);
                }
            }
            Deed::Tidy => {
                if !me.has_lease && !others.processes.iter().any(|other| other.has_lease) {
                    self.end_what_nobody_ends(me, others);
                }
            }
            Deed::Begin => self.tell(others, &Event::Started),
        }
    }

    fn replay(&self, me: &mut Process, others: &mut State, spent: u8, pair: Pair) {
        me.end(spent);
        let event = Finding::Granted(pair).event(spent);
        let after = self.after(others.store, &event, Elapsed::Moment, Some(pair));
        if others.store.pair != pair && after.pair == others.store.pair {
            return;
        }
        others.write(after);
        me.journal.commit(after.pair.generation);
    }

    /// The store has gone back. What the journal has of the newest pair is saved again; else nothing is refreshed.
    pub(super) fn heal(&self, me: &Process, others: &mut State) {
        let event = match me.journal.newest {
            Some(pair) => Finding::Granted(pair).event(pair.generation - 1),
            None => Event::Restored(RestoredReason::Older),
        };
        others.write(self.after(others.store, &event, Elapsed::Moment, me.journal.newest));
    }

    fn tell(&self, others: &mut State, event: &Event) {
        others.write(self.after(others.store, event, Elapsed::Moment, None));
    }

    /// Those on the same machine, in whose journals may be what is missing.
    pub(super) fn look_for_the_dead(&self, me: &mut Process, others: &mut State) {
        let mut processes = std::mem::take(&mut others.processes);
        for dead in processes.iter_mut().filter(|process| !process.is_up) {
            for deed in deeds_for_the_dead(dead.journal) {
                self.perform_deed(deed, dead, others);
            }
            dead.journal.forget_what_was_read();
            me.journal.take_over(std::mem::take(&mut dead.journal));
        }
        others.processes = processes;
    }
}

fn deeds(process: &Process) -> Vec<Deed> {
    let mut deeds = deeds_for_the_dead(process.journal);
    deeds.extend([Deed::Compare, Deed::Tidy, Deed::Begin]);
    deeds
}

fn deeds_for_the_dead(journal: Journal) -> Vec<Deed> {
    let replays = journal.pairs().map(|(spent, pair)| Deed::Replay { spent, pair });
    let refusals = journal.refusals.iter().map(|spent| Deed::EndOpen { spent });
    let intents = journal.intents.iter().map(|spent| Deed::EndOpen { spent });
    replays.chain(refusals).chain([Deed::Free]).chain(intents).collect()
}

impl Process {
    /// Whether its journal has seen a newer pair in the store than is there.
    pub(super) fn knows_better(&self, store: Known) -> bool {
        self.journal.committed > store.pair.generation
    }

    /// Whether it makes an attempt. A lease ends under it only when it is held up.
    pub(super) fn is_busy(&self) -> bool {
        self.is_up && self.phase != Phase::End
    }

    /// What became of its open entry is written down.
    fn end(&mut self, spent: u8) {
        self.open.remove(spent);
        self.underway.remove(spent);
    }
}

impl Journal {
    /// What a start has dealt with is of no use any more.
    fn forget_what_was_read(&mut self) {
        *self = Self { committed: self.committed, newest: self.newest, ..Self::default() };
    }
}
