//! What is checked, and how it moves.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use keapsake::connection::policy::Policy;
use keapsake::connection::protocol::{ORDER, Order, Phase, Reply, next};
use keapsake::connection::step::{Event, Step, step};
use stateright::{Model, Property};

use super::disaster::{Assumption, Disaster};
use super::known::{Elapsed, Known};
use super::network::News;
use super::phases::{Mistake, Way};
use super::properties::properties;
use super::state::{Bounds, Pair, State};

/// What is checked: a machine, how far, and whether an assumption is taken away.
pub struct Setup {
    /// How far.
    pub bounds: Bounds,
    /// In which order an attempt is made.
    pub order: Order,
    /// What an event makes of a connection.
    pub step: Step,
    /// What follows an unconfirmed attempt.
    pub policy: Policy,
    /// What is done wrong.
    pub mistake: Option<Mistake>,
    /// What does not hold.
    pub without: Option<Assumption>,
    exercised: AtomicU64,
}

/// Something happens. A process is named by its place in the moment before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A process begins an attempt.
    Begin(usize),
    /// A process does what is next.
    Perform(usize, Way),
    /// Something happens to its request.
    Request(usize, News),
    /// A request of which nobody waits for the answer is carried out.
    Zombie,
    /// A process asks the old access token.
    Probe(usize, Elapsed),
    /// A process ends without a warning.
    Crash(usize),
    /// A process starts, and dies again after so many steps of its start.
    DieStarting(usize, usize),
    /// A process starts.
    Start(usize),
    /// A lease ends by itself.
    LeaseEnds(usize),
    /// What an assumption rules out.
    Disaster(Disaster),
}

impl Setup {
    /// Keapsake as it is.
    pub fn of(bounds: Bounds) -> Self {
        let (order, policy) = (ORDER, Policy::Unmeasured);
        let exercised = AtomicU64::new(0);
        Self { bounds, order, step, policy, mistake: None, without: None, exercised }
    }

    /// In another order.
    #[must_use]
    pub fn in_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// With another machine.
    #[must_use]
    pub fn with_step(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// With another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// With this done wrong.
    #[must_use]
    pub fn with_mistake(self, mistake: Mistake) -> Self {
        Self { mistake: Some(mistake), ..self }
    }

    /// Where this does not hold.
    #[must_use]
    pub fn without(self, assumption: Assumption) -> Self {
        Self { without: Some(assumption), ..self }
    }

    /// What follows in the order; written down as exercised.
    pub(super) fn next(&self, phase: Phase, reply: Reply) -> Phase {
        if let Some(row) = self.order.iter().position(|(from, how, _)| (*from, *how) == (phase, reply)) {
            self.exercised.fetch_or(1 << row, Ordering::Relaxed);
        }
        next(self.order, phase, reply).unwrap_or(Phase::Release)
    }

    /// The rows of the order that nothing has led through.
    pub(super) fn not_exercised(&self) -> Vec<String> {
        let exercised = self.exercised.load(Ordering::Relaxed);
        let rows = self.order.iter().enumerate().filter(|(row, _)| exercised & (1 << row) == 0);
        rows.map(|(_, (from, how, to))| format!("{from} ─ {how:?} ─ {to}")).collect()
    }

    pub(super) fn after(&self, known: Known, event: &Event, elapsed: Elapsed, pair: Option<Pair>) -> Known {
        known.after(self.step, self.policy, event, elapsed, pair)
    }

    /// Whether there is anything to do.
    pub(super) fn is_due(&self, known: Known) -> bool {
        known.pair.generation < self.bounds.generations && known.may_be_due()
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("bounds", &self.bounds)
            .field("without", &self.without)
            .finish_non_exhaustive()
    }
}

impl Model for Setup {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (who, process) in state.processes.iter().enumerate() {
            // Processes that are the same do the same.
            if who > 0 && state.processes.get(who - 1) == Some(process) {
                continue;
            }
            self.phases(state, who, process, actions);
            Self::requests(state, who, process, actions);
            Self::crashes(state, who, process, actions);
            self.probes(state, who, process, actions);
        }
        Self::zombies(state, actions);
        self.disasters(state, actions);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Zombie => state.carry_out_zombie(),
            Action::Disaster(disaster) => state.suffer(disaster),
            Action::Begin(who)
            | Action::Perform(who, _)
            | Action::Request(who, _)
            | Action::Probe(who, _)
            | Action::Crash(who)
            | Action::DieStarting(who, _)
            | Action::Start(who)
            | Action::LeaseEnds(who) => self.act(&mut state, who, action)?,
        }
        state.processes.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties()
    }
}

impl Setup {
    /// The one who acts is taken out of the state: the others are what it acts among.
    fn act(&self, others: &mut State, who: usize, action: Action) -> Option<()> {
        if who >= others.processes.len() {
            return None;
        }
        let mut me = others.processes.swap_remove(who);
        match action {
            Action::Begin(_) => me.begin(others),
            Action::Perform(_, way) => self.perform(&mut me, others, way),
            Action::Request(_, news) => self.hear(&mut me, others, news),
            Action::Probe(_, elapsed) => self.probe(others, elapsed),
            Action::Crash(_) => self.crash(&mut me, others),
            Action::DieStarting(_, steps) => self.die_starting(&mut me, others, steps),
            Action::Start(_) => self.start(&mut me, others),
            Action::LeaseEnds(_) => {
                others.left.pauses -= u8::from(me.is_busy());
                me.has_lease = false;
            }
            Action::Zombie | Action::Disaster(_) => {}
        }
        others.processes.push(me);
        Some(())
    }
}
