//! A journal, as the sum of its records.

use super::state::{Finding, Pair};

/// A journal, as the sum of its records: of what is settled nothing is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Journal {
    /// Intents without an answer, by the generation that was spent.
    pub intents: Generations,
    /// Answers with a new pair, by the generation that was spent.
    pub grants: Generations,
    /// Those of them that are twins.
    pub twins: Generations,
    /// Answers without a pair.
    pub refusals: Generations,
    /// The highest generation that the store is known to have held.
    pub committed: u8,
    /// The pair of that generation, when its answer is here: for a store that forgets.
    pub newest: Option<Pair>,
}

impl Journal {
    /// A request is about to be sent.
    pub fn note(&mut self, spent: u8) {
        self.intents.add(spent);
        self.forget_what_is_settled();
    }

    /// Its answer came.
    pub fn keep(&mut self, spent: u8, finding: Finding) {
        self.intents.remove(spent);
        match finding {
            Finding::Granted(pair) => {
                self.grants.add(spent);
                if pair.is_twin {
                    self.twins.add(spent);
                }
            }
            _ => self.refusals.add(spent),
        }
        self.forget_what_is_settled();
    }

    /// It ended, and nothing is left to be done.
    pub fn close(&mut self, spent: u8) {
        for set in self.sets() {
            set.remove(spent);
        }
    }

    /// The store holds this generation.
    pub fn commit(&mut self, generation: u8) {
        if generation > self.committed {
            self.committed = generation;
            self.newest = self.pairs().map(|(_, pair)| pair).find(|pair| pair.generation == generation);
        }
        self.forget_what_is_settled();
    }

    /// What another one says is added.
    pub fn take_over(&mut self, other: Self) {
        self.intents.add_all(other.intents);
        self.grants.add_all(other.grants);
        self.twins.add_all(other.twins);
        self.refusals.add_all(other.refusals);
        if other.committed > self.committed {
            (self.committed, self.newest) = (other.committed, other.newest);
        }
        self.forget_what_is_settled();
    }

    /// The pairs that can be had from it, with what was spent for them.
    pub fn pairs(self) -> impl Iterator<Item = (u8, Pair)> {
        self.grants
            .iter()
            .map(move |spent| (spent, Pair { generation: spent + 1, is_twin: self.twins.has(spent) }))
    }

    /// Whether this pair can be had from it.
    pub fn has(self, pair: Pair) -> bool {
        self.newest == Some(pair) || self.pairs().any(|(_, kept)| kept == pair)
    }

    fn forget_what_is_settled(&mut self) {
        let committed = self.committed;
        for set in self.sets() {
            set.remove_before(committed);
        }
    }

    fn sets(&mut self) -> [&mut Generations; 4] {
        [&mut self.intents, &mut self.grants, &mut self.twins, &mut self.refusals]
    }
}

/// A set of generations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generations(u8);

impl Generations {
    /// Whether it is one of them.
    pub fn has(self, generation: u8) -> bool {
        self.0 & (1 << generation) != 0
    }

    /// Takes it in.
    pub fn add(&mut self, generation: u8) {
        self.0 |= 1 << generation;
    }

    /// Takes it out.
    pub fn remove(&mut self, generation: u8) {
        self.0 &= !(1 << generation);
    }

    /// Takes all before it out.
    pub fn remove_before(&mut self, generation: u8) {
        self.0 &= !((1 << generation) - 1);
    }

    /// Takes the others in.
    pub fn add_all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..8).filter(move |generation| self.has(*generation))
    }
}
