//! What must be so in every state, and what must be possible.

use keapsake::connection::protocol::Phase;
use stateright::Property;

use super::known::{Condition, Elapsed, Known};
use super::setup::Setup;
use super::state::{Finding, Pair, Process, State, Truth};

/// What nobody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offence {
    /// A second request with a token was begun while nobody had written down what became of the first.
    TwoRequests,
    /// A request was begun with a token of which it was written down that it is spent.
    SpentAgain,
    /// The connection was given up after too few refusals.
    LostTooSoon,
}

pub(super) const ONE_REQUEST: &str = "S1: one request for a pair at a time, and none with a spent one";
pub(super) const NOTHING_LOST: &str = "S2: an answer that is durable is not lost";
pub(super) const STORE_HAS_IT: &str = "S2: when all is quiet, the store has the newest pair";
pub(super) const ONLY_RISES: &str = "S3: a stored generation never goes backwards unnoticed";
pub(super) const NOT_TOO_SOON: &str = "S4: a connection is not given up after few refusals";
pub(super) const NOT_WHILE_GOOD: &str = "S4: a connection is not given up while its pair is good";
pub(super) const SAVED_FIRST: &str = "a pair is used when it is saved, or lent";

pub(super) fn properties() -> Vec<Property<Setup>> {
    vec![
        Property::always(ONE_REQUEST, |_, state: &State| {
            !matches!(state.truth.offence, Some(Offence::TwoRequests | Offence::SpentAgain))
        }),
        Property::always(NOTHING_LOST, |_, state: &State| {
            state.truth.is_gone || state.is_held(state.server.newest)
        }),
        Property::always(STORE_HAS_IT, |_, state: &State| {
            !state.is_quiet()
                || state.will_be_noticed()
                || state.truth.is_gone
                || state.store.pair == state.server.newest
        }),
        Property::always(ONLY_RISES, |_, state: &State| {
            state.store.pair.generation >= state.truth.highest
                || state.store.health == Condition::Restored
                || state.will_be_noticed()
        }),
        Property::always(NOT_TOO_SOON, |_, state: &State| state.truth.offence != Some(Offence::LostTooSoon)),
        Property::always(NOT_WHILE_GOOD, |_, state: &State| {
            state.store.health != Condition::Lost || state.store.pair != state.server.newest
        }),
        Property::always(SAVED_FIRST, |_, state: &State| {
            state.processes.iter().all(|process| process.is_fair(state))
        }),
        Property::sometimes(
            "the last generation is reached, and all is well",
            |setup: &Setup, state: &State| {
                state.store.pair.generation == setup.bounds.generations
                    && state.store.health == Condition::Well
            },
        ),
        Property::sometimes("a connection is given up", |_, state: &State| {
            state.store.health == Condition::Lost
        }),
        Property::sometimes("only a journal has the newest pair", |_, state: &State| {
            let newest = state.server.newest;
            !state.truth.is_gone && state.store.pair != newest && !state.is_in_hand(newest)
        }),
        Property::sometimes("a pair is lent", |_, state: &State| {
            state.processes.iter().any(|process| process.hand.is_lent)
        }),
    ]
}

impl State {
    /// Whether anybody has this pair, or can have it.
    fn is_held(&self, pair: Pair) -> bool {
        self.is_in_hand(pair) || self.is_stored(pair)
    }

    fn is_in_hand(&self, pair: Pair) -> bool {
        self.processes.iter().any(|process| process.hand.finding == Some(Finding::Granted(pair)))
    }

    /// Whether it is where a crash does not reach it.
    pub(super) fn is_stored(&self, pair: Pair) -> bool {
        let is_journaled = self.processes.iter().any(|process| process.journal.has(pair));
        !self.truth.is_key_lost && (self.store.pair == pair || is_journaled)
    }

    /// Whether the store has gone back, and somebody has seen a newer pair than it has.
    fn will_be_noticed(&self) -> bool {
        let is_ahead =
            |process: &Process| process.knows_better(self.store) || process.brings_news(self.store);
        self.truth.has_gone_back && self.processes.iter().any(is_ahead)
    }

    /// All processes run, and none does anything.
    fn is_quiet(&self) -> bool {
        self.processes.iter().all(|process| process.is_up && process.phase == Phase::End)
    }
}

impl Process {
    fn brings_news(&self, store: Known) -> bool {
        let journaled = self.journal.pairs().map(|(_, pair)| pair);
        let in_hand = match self.hand.finding {
            Some(Finding::Granted(pair)) => Some(pair),
            _ => None,
        };
        journaled.chain(in_hand).any(|pair| pair.generation > store.pair.generation)
    }

    fn is_fair(&self, state: &State) -> bool {
        self.hand.is_lent || self.hand.used <= state.truth.highest
    }
}

impl Truth {
    /// The connection is given up: three refusals over half an hour, or two when the access token has ended.
    pub(super) fn judge(&mut self, generation: u8, elapsed: Elapsed) {
        let enough = match elapsed {
            Elapsed::Moment => None,
            Elapsed::Hour => Some(3),
            Elapsed::Days => Some(2),
        };
        let refusals = self.refusals.get(usize::from(generation)).copied().unwrap_or_default();
        if enough.is_none_or(|enough| refusals < enough) {
            self.offence = Some(Offence::LostTooSoon);
        }
    }
}
