//! What a process does in each phase of an attempt, as `attempt.rs` does it.

use keapsake::connection::protocol::{Phase, Reply, next};

use super::known::{Condition, Elapsed};
use super::properties::Offence;
use super::setup::{Action, Setup};
use super::state::{Finding, Generations, Hand, Process, State};

/// How a phase goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It does its work, so much later than what is remembered.
    Works(Elapsed),
    /// It fails, and nothing happened.
    Fails,
    /// It does its work, and fails nevertheless.
    WorksAndFails,
    /// The server cannot be reached.
    NotSent,
}

/// What may be done wrong in a phase, and must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The store lets a request begin with a pair that it does not hold any more.
    BeginsWithAnyPair,
    /// What was saved by a store that said it had failed is counted again when it is saved again.
    CountsTwice,
}

impl Setup {
    /// What this process may do next in its attempt.
    pub(super) fn phases(&self, state: &State, who: usize, process: &Process, actions: &mut Vec<Action>) {
        let is_waiting = process.hand.is_sent;
        if !process.is_up || is_waiting {
            return;
        }
        if process.phase == Phase::End {
            let is_taken = !process.has_lease && state.processes.iter().any(|other| other.has_lease);
            if !is_taken && self.is_due(state.store) {
                actions.push(Action::Begin(who));
            }
            return;
        }
        let times = match (process.phase, process.hand.finding) {
            (Phase::Save, Some(finding)) => finding.times(),
            _ => &[Elapsed::Moment],
        };
        actions.extend(times.iter().map(|elapsed| Action::Perform(who, Way::Works(*elapsed))));
        if state.left.failures > 0 {
            self.failures(who, process.phase, actions);
        }
    }

    fn failures(&self, who: usize, phase: Phase, actions: &mut Vec<Action>) {
        let may_reply = |reply| next(self.order, phase, reply).is_some();
        if may_reply(Reply::Failed) {
            actions.push(Action::Perform(who, Way::Fails));
            if !matches!(phase, Phase::Read | Phase::Room) {
                actions.push(Action::Perform(who, Way::WorksAndFails));
            }
        }
        if may_reply(Reply::NotSent) {
            actions.push(Action::Perform(who, Way::NotSent));
        }
    }

    pub(super) fn perform(&self, me: &mut Process, others: &mut State, way: Way) {
        if !matches!(way, Way::Works(_)) {
            others.left.failures -= 1;
        }
        let reply = match way {
            Way::Works(elapsed) => self.work(me, others, elapsed),
            Way::Fails => me.fail(),
            Way::WorksAndFails => {
                let before = me.hand;
                let _ = self.work(me, others, Elapsed::Moment);
                me.hand = before;
                me.fail()
            }
            Way::NotSent => {
                me.hand.finding = Some(Finding::NotSent);
                Some(Reply::NotSent)
            }
        };
        if let Some(reply) = reply {
            self.go_on(me, reply);
        }
    }

    /// Into the next phase.
    pub(super) fn go_on(&self, me: &mut Process, reply: Reply) {
        me.phase = self.next(me.phase, reply);
        if matches!(me.phase, Phase::TakeOver | Phase::Release | Phase::End) {
            me.hand = Hand::default();
        }
    }

    /// `None` while there is no reply yet.
    fn work(&self, me: &mut Process, others: &mut State, elapsed: Elapsed) -> Option<Reply> {
        Some(match me.phase {
            Phase::Lease => me.lease(others),
            Phase::Read => self.read(me, others),
            Phase::Open | Phase::Room | Phase::End => Reply::Done,
            Phase::Intend => self.intend(me, others),
            Phase::Note => me.note(),
            Phase::Send => return me.send(others),
            Phase::Keep => me.keep(),
            Phase::Save => self.save(me, others, elapsed),
            Phase::Lend => me.lend(),
            Phase::Close => me.close(),
            Phase::Publish => me.publish(),
            Phase::TakeOver => self.take_over(me, others),
            Phase::Withdraw => me.withdraw(),
            Phase::Release => me.release(),
        })
    }

    fn read(&self, me: &mut Process, others: &State) -> Reply {
        me.hand.used = others.store.pair.generation;
        if !self.is_due(others.store) {
            return Reply::Nothing;
        }
        me.hand.spending = Some(others.store.pair);
        Reply::Done
    }

    fn intend(&self, me: &mut Process, others: &mut State) -> Reply {
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

    fn save(&self, me: &mut Process, others: &mut State, elapsed: Elapsed) -> Reply {
        let (Some(spending), Some(finding)) = (me.hand.spending, me.hand.finding) else {
            return Reply::Nothing;
        };
        let spent = spending.generation;
        let pair = if let Finding::Granted(pair) = finding { Some(pair) } else { None };
        // Whoever has ended the entry has counted what came of it, too.
        let is_counted = pair.is_none() && me.hand.has_entry && !me.open.has(spent);
        if me.hand.has_entry {
            me.open.remove(spent);
        }
        me.underway.remove(spent);
        me.hand.is_saved = Some(false);
        let counts_twice = self.mistake == Some(Mistake::CountsTwice);
        if others.store.pair.generation != spent || (is_counted && !counts_twice) {
            return Reply::Nothing;
        }
        let after = self.after(others.store, &finding.event(spent), elapsed, pair);
        if pair.is_some() && after.pair == others.store.pair {
            return Reply::Nothing;
        }
        if after.health == Condition::Lost && others.store.health != Condition::Lost {
            others.truth.judge(elapsed);
        }
        others.write(after);
        me.hand.is_saved = Some(true);
        Reply::Done
    }

    fn take_over(&self, me: &mut Process, others: &mut State) -> Reply {
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

    fn fail(&mut self) -> Option<Reply> {
        if self.phase == Phase::Keep {
            self.hand.kept = Some(false);
        }
        Some(Reply::Failed)
    }

    /// The outcome of these is written down.
    pub(super) fn settle(&mut self, spent: Generations) {
        spent.iter().for_each(|spent| self.underway.remove(spent));
    }

    fn lease(&mut self, others: &State) -> Reply {
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
        let is_underway = self.underway.has(spent)
            || others.processes.iter().any(|other| other.underway.has(spent));
        if spent < others.store.pair.generation {
            others.truth.offence = Some(Offence::SpentAgain);
        } else if is_underway {
            others.truth.offence = Some(Offence::TwoRequests);
        }
        self.underway.add(spent);
    }

    fn note(&mut self) -> Reply {
        let Some(spending) = self.hand.spending else { return Reply::Failed };
        self.journal.note(spending.generation);
        Reply::Done
    }

    fn send(&mut self, others: &mut State) -> Option<Reply> {
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

    fn keep(&mut self) -> Reply {
        let (Some(spending), Some(finding)) = (self.hand.spending, self.hand.finding) else {
            return Reply::Failed;
        };
        self.journal.keep(spending.generation, finding);
        self.hand.kept = Some(true);
        Reply::Done
    }

    fn lend(&mut self) -> Reply {
        if let Some(Finding::Granted(pair)) = self.hand.finding {
            self.hand.used = pair.generation;
            self.hand.is_lent = true;
        }
        Reply::Done
    }

    fn close(&mut self) -> Reply {
        match (self.hand.spending, self.hand.finding) {
            (_, Some(Finding::Granted(pair))) if self.hand.is_saved == Some(true) => self.journal.commit(pair.generation),
            (Some(spending), _) if self.hand.has_entry => self.journal.close(spending.generation),
            _ => {}
        }
        Reply::Done
    }

    /// Where nothing was saved yet, it is used all the same: the properties say what they think of that.
    fn publish(&mut self) -> Reply {
        let is_superseded = self.hand.is_saved == Some(false);
        if let Some(Finding::Granted(pair)) = self.hand.finding.filter(|_| !is_superseded) {
            self.hand.used = self.hand.used.max(pair.generation);
        }
        Reply::Done
    }

    fn withdraw(&mut self) -> Reply {
        if let Some(spending) = self.hand.spending.filter(|_| self.hand.has_entry) {
            self.open.remove(spending.generation);
            self.underway.remove(spending.generation);
        }
        Reply::Done
    }

    fn release(&mut self) -> Reply {
        self.has_lease = false;
        Reply::Done
    }
}
