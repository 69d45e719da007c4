//! Which phase a process is in, how it may go, and what is next.

use keapsake::connection::protocol::{Phase, Reply, next};

use super::known::Elapsed;
use super::setup::{Action, Setup};
use super::state::{Finding, Hand, Process, State};

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
    /// The answer to a request that somebody has taken over is not saved.
    DropsLateAnswers,
    /// The answer to a request whose pair the store has forgotten meanwhile is not saved.
    ForgetsWithTheStore,
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
            Way::Fails => Some(me.fail()),
            Way::WorksAndFails => {
                let before = me.hand;
                let _ = self.work(me, others, Elapsed::Moment);
                me.hand = before;
                Some(me.fail())
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
}
