//! What each phase does, as `attempt.rs` does it.

use keapsake::connection::protocol::{Phase, Reply};

use super::journal::Generations;
use super::known::{Condition, Elapsed};
use super::phases::Mistake;
use super::properties::Offence;
use super::setup::Setup;
use super::state::{Finding, Process, State};

impl Setup {
    pub(super) fn read(&self, me: &mut Process, others: &mut State) -> Reply {
        me.hand.used = others.store.pair.generation;
        if me.knows_better(others.store) {
            self.heal(me, others);
            return Reply::Nothing;
        }
        if !self.is_due(others.store) {
            return Reply::Nothing;
        }
        me.hand.spending = Some(others.store.pair);
        Reply::Done
    }

    pub(super) fn intend(&self, me: &mut Process, others: &mut State) -> Reply {
        let Some(spending) = me.hand.spending else { return Reply::Failed };
        let spent = spending.generation;
        let is_open = me.open.has(spent) || others.processes.iter().any(|other| other.open.has(spent));
        let is_elsewhere = others.store.pair.generation != spent;
        if is_open || (is_elsewhere && self.mistake != Some(Mistake::BeginsWithAnyPair)) {
            return Reply::Nothing;
        }
        me.open.add(spent);
        me.hand.has_entry = true;
        me.start_spending(others);
        Reply::Done
    }

    pub(super) fn save(&self, me: &mut Process, others: &mut State, elapsed: Elapsed) -> Reply {
        let (Some(spending), Some(finding)) = (me.hand.spending, me.hand.finding) else {
            return Reply::Nothing;
        };
        let spent = spending.generation;
        let pair = if let Finding::Granted(pair) = finding { Some(pair) } else { None };
        // Whoever has ended the entry has counted what came of it; a pair is worth saving all the same.
        let has_ended = me.hand.has_entry && !me.open.has(spent);
        let is_over = match self.mistake {
            Some(Mistake::CountsTwice) => false,
            Some(Mistake::DropsLateAnswers) => has_ended,
            _ => has_ended && pair.is_none(),
        };
        if me.hand.has_entry {
            me.open.remove(spent);
        }
        me.underway.remove(spent);
        me.hand.is_saved = Some(false);
        let at = others.store.pair.generation;
        // A pair heals a store that has gone back meanwhile; anything else is about a pair that is not there.
        let heals = pair.is_some() && self.mistake != Some(Mistake::ForgetsWithTheStore);
        let is_elsewhere = if heals { at > spent } else { at != spent };
        if is_elsewhere || is_over {
            return Reply::Nothing;
        }
        let after = self.after(others.store, &finding.event(spent), elapsed, pair);
        if pair.is_some() && after.pair == others.store.pair {
            return Reply::Nothing;
        }
        if after.health == Condition::Lost && others.store.health != Condition::Lost {
            others.truth.judge(spent, elapsed);
        }
        others.write(after);
        me.hand.is_saved = Some(true);
        Reply::Done
    }

    pub(super) fn take_over(&self, me: &mut Process, others: &mut State) -> Reply {
        if self.bounds.is_one_machine {
            self.look_for_the_dead(me, others);
        }
        self.end_what_nobody_ends(me, others);
        Reply::Done
    }

    /// All that is open belongs to somebody who is gone, or has lost its lease.
    pub(super) fn end_what_nobody_ends(&self, me: &mut Process, others: &mut State) {
        let mut open = std::mem::take(&mut me.open);
        me.settle(open);
        for other in &mut others.processes {
            let its = std::mem::take(&mut other.open);
            other.settle(its);
            open.add_all(its);
        }
        open.iter().for_each(|spent| self.end_as_unconfirmed(others, spent));
    }

    pub(super) fn end_as_unconfirmed(&self, others: &mut State, spent: u8) {
        if others.store.pair.generation == spent {
            let event = Finding::Unanswered.event(spent);
            others.write(self.after(others.store, &event, Elapsed::Moment, None));
        }
    }
}

impl Process {
    /// What it knows when it begins is what it knew until now.
    pub(super) fn begin(&mut self, others: &State) {
        self.phase = Phase::Lease;
        self.hand.used = others.store.pair.generation;
        self.hand.spending = Some(others.store.pair);
    }

    pub(super) fn fail(&mut self) -> Reply {
        if self.phase == Phase::Keep {
            self.hand.kept = Some(false);
        }
        Reply::Failed
    }

    /// The outcome of these is written down.
    pub(super) fn settle(&mut self, spent: Generations) {
        spent.iter().for_each(|spent| self.underway.remove(spent));
    }

    pub(super) fn lease(&mut self, others: &State) -> Reply {
        if others.processes.iter().any(|other| other.has_lease) {
            return Reply::Nothing;
        }
        self.has_lease = true;
        Reply::Done
    }

    /// From here on it may be sent.
    fn start_spending(&mut self, others: &mut State) {
        let Some(spending) = self.hand.spending else { return };
        let spent = spending.generation;
        let is_underway =
            self.underway.has(spent) || others.processes.iter().any(|other| other.underway.has(spent));
        if spent < others.store.pair.generation.max(self.journal.committed) {
            others.truth.offence = Some(Offence::SpentAgain);
        } else if is_underway {
            others.truth.offence = Some(Offence::TwoRequests);
        }
        self.underway.add(spent);
    }

    pub(super) fn note(&mut self) -> Reply {
        let Some(spending) = self.hand.spending else { return Reply::Failed };
        self.journal.note(spending.generation);
        Reply::Done
    }

    pub(super) fn send(&mut self, others: &mut State) -> Option<Reply> {
        if self.hand.spending.is_none() {
            self.hand.finding = Some(Finding::NotSent);
            return Some(Reply::NotSent);
        }
        if !self.hand.has_entry {
            self.start_spending(others);
        }
        self.hand.is_sent = true;
        None
    }

    pub(super) fn keep(&mut self) -> Reply {
        let (Some(spending), Some(finding)) = (self.hand.spending, self.hand.finding) else {
            return Reply::Failed;
        };
        self.journal.keep(spending.generation, finding);
        self.hand.kept = Some(true);
        Reply::Done
    }

    pub(super) fn lend(&mut self) -> Reply {
        if let Some(Finding::Granted(pair)) = self.hand.finding {
            self.hand.used = pair.generation;
            self.hand.is_lent = true;
        }
        Reply::Done
    }

    pub(super) fn close(&mut self) -> Reply {
        match (self.hand.spending, self.hand.finding) {
            (_, Some(Finding::Granted(pair))) if self.hand.is_saved == Some(true) => {
                self.journal.commit(pair.generation);
            }
            (Some(spending), _) if self.hand.has_entry => self.journal.close(spending.generation),
            _ => {}
        }
        Reply::Done
    }

    /// Where nothing was saved yet, it is used all the same: the properties say what they think of that.
    pub(super) fn publish(&mut self) -> Reply {
        let is_superseded = self.hand.is_saved == Some(false);
        if let Some(Finding::Granted(pair)) = self.hand.finding.filter(|_| !is_superseded) {
            self.hand.used = self.hand.used.max(pair.generation);
        }
        Reply::Done
    }

    pub(super) fn withdraw(&mut self) -> Reply {
        if let Some(spending) = self.hand.spending.filter(|_| self.hand.has_entry) {
            self.open.remove(spending.generation);
            self.underway.remove(spending.generation);
        }
        Reply::Done
    }

    pub(super) fn release(&mut self) -> Reply {
        self.has_lease = false;
        Reply::Done
    }
}
