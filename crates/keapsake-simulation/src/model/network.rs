//! What happens to requests, at the server and on the way.

use keapsake::connection::protocol::{Phase, Reply};
use keapsake::connection::record::Next;
use keapsake::connection::step::Event;

use super::disaster::Assumption;
use super::known::{Condition, Elapsed};
use super::setup::{Action, Setup};
use super::state::{Finding, Pair, Process, State};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is carried out, and its answer arrives.
    Answered,
    /// It is refused although its token is good.
    FalselyRefused,
    /// No answer arrives; it may be carried out later, or never.
    Lost,
}

impl Setup {
    pub(super) fn requests(state: &State, who: usize, process: &Process, actions: &mut Vec<Action>) {
        if !process.hand.is_sent {
            return;
        }
        actions.push(Action::Request(who, News::Answered));
        if state.left.false_refusals > 0 && process.hand.spending == Some(state.server.newest) {
            actions.push(Action::Request(who, News::FalselyRefused));
        }
        if state.left.lost_answers > 0 {
            actions.push(Action::Request(who, News::Lost));
        }
    }

    pub(super) fn zombies(state: &State, actions: &mut Vec<Action>) {
        if state.server.has_zombie {
            actions.push(Action::Zombie);
        }
    }

    pub(super) fn probes(&self, state: &State, who: usize, process: &Process, actions: &mut Vec<Action>) {
        let is_asked = state.store.health == Condition::Unconfirmed(Next::Probe);
        if is_asked && process.is_up && process.phase == Phase::End && self.is_due(state.store) {
            let times = [Elapsed::Moment, Elapsed::Hour];
            actions.extend(times.map(|elapsed| Action::Probe(who, elapsed)));
        }
    }

    pub(super) fn hear(&self, me: &mut Process, others: &mut State, news: News) {
        let Some(spending) = me.hand.spending else { return };
        me.hand.is_sent = false;
        let (finding, reply) = match news {
            News::Answered => (self.answer(others, spending), Reply::Done),
            News::FalselyRefused => {
                others.left.false_refusals -= 1;
                (others.refuse(spending), Reply::Done)
            }
            News::Lost => {
                others.left.lost_answers -= 1;
                others.forsake(spending);
                (Finding::Unanswered, Reply::Unanswered)
            }
        };
        me.hand.finding = Some(finding);
        self.go_on(me, reply);
    }

    /// A refresh token works once.
    fn answer(&self, state: &mut State, spending: Pair) -> Finding {
        let newest = state.server.newest;
        if spending == newest {
            return Finding::Granted(state.grant());
        }
        let is_spent_once = spending.generation + 1 == newest.generation && !newest.is_twin;
        if is_spent_once && self.without == Some(Assumption::A1) {
            state.server.newest.is_twin = true;
            return Finding::Granted(state.server.newest);
        }
        state.refuse(spending)
    }

    /// Where a refresh ends the old access token, that one tells whether it was carried out.
    pub(super) fn probe(&self, state: &mut State, elapsed: Elapsed) {
        let event = Event::Probed { accepted: state.store.pair == state.server.newest };
        state.write(self.after(state.store, &event, elapsed, None));
    }
}

impl State {
    fn grant(&mut self) -> Pair {
        self.server.newest = self.server.newest.next();
        // Whatever is on its way with the token before meets a token that is spent.
        self.server.has_zombie = false;
        self.server.newest
    }

    fn refuse(&mut self, spending: Pair) -> Finding {
        let counts = spending.generation >= self.store.pair.generation || self.left.forgets > 0;
        let refusals = self.truth.refusals.get_mut(usize::from(spending.generation));
        if let Some(refusals) = refusals.filter(|_| counts) {
            *refusals = 3.min(*refusals + 1);
        }
        Finding::Refused
    }

    /// Nobody waits for the answer to a request any more.
    pub(super) fn forsake(&mut self, spending: Pair) {
        self.server.has_zombie |= spending == self.server.newest;
    }

    /// Its answer, with the only live pair, reaches nobody: what nothing can prevent.
    pub(super) fn carry_out_zombie(&mut self) {
        self.grant();
        self.truth.is_gone = true;
    }
}
