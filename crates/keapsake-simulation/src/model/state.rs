//! What there is: processes, a store, a server, and what may still go wrong.

use keapsake::connection::protocol::Phase;

use super::known::Known;
use super::properties::Offence;

/// How far a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Processes on the one store.
    pub processes: usize,
    /// The last generation that is reached; the first one is there at the start.
    pub generations: u8,
    /// Whether the processes are on one machine and see each other's journals, or each on its own.
    pub is_one_machine: bool,
    /// What may go wrong.
    pub left: Left,
}

/// What may still go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// A process ends without a warning.
    pub crashes: u8,
    /// No answer comes to a request that was sent; the request may be carried out, now or later.
    pub lost_answers: u8,
    /// The store, the journal or the connection to the server fails.
    pub failures: u8,
    /// A lease ends while its owner lives, but was held up.
    pub pauses: u8,
    /// The server refuses a token that is good.
    pub false_refusals: u8,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The processes, in an order that says nothing: which one is which makes no difference.
    pub processes: Vec<Process>,
    /// What the store holds of the connection. What it holds of a process is with the process.
    pub store: Known,
    /// The server.
    pub server: Server,
    /// What may still go wrong.
    pub left: Left,
    /// What nobody in there knows.
    pub truth: Truth,
}

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// Whether it runs.
    pub is_up: bool,
    /// What its attempt does next; [`Phase::End`] when it makes none.
    pub phase: Phase,
    /// What its attempt has in hand.
    pub hand: Hand,
    /// Its journal, which outlives it.
    pub journal: Journal,
    /// Whether the store says that it has the lease.
    pub has_lease: bool,
    /// Its open entries in the store.
    pub open: Generations,
    /// What it began to spend and nobody wrote down the outcome of.
    pub underway: Generations,
}

/// What an attempt has in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hand {
    /// The pair it spends.
    pub spending: Option<Pair>,
    /// Whether it has opened an entry in the store.
    pub has_entry: bool,
    /// Whether its request is on its way.
    pub is_sent: bool,
    /// What came of it.
    pub finding: Option<Finding>,
    /// Whether the journal was asked to keep the answer, and did.
    pub kept: Option<bool>,
    /// Whether the store was asked to save it, and did.
    pub is_saved: Option<bool>,
    /// The generation that callers use here.
    pub used: u8,
    /// Whether they use it because the store does not take it.
    pub is_lent: bool,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Finding {
    /// A new pair.
    Granted(Pair),
    /// The token was refused.
    Refused,
    /// It did not reach the server.
    NotSent,
    /// It was sent, and no answer came.
    Unanswered,
}

/// A pair of tokens, as the server made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    /// Its number, from 1.
    pub generation: u8,
    /// Whether it is the second one that was given for the same token: what assumption A1 rules out.
    pub is_twin: bool,
}

/// The pair at the start.
pub const FIRST: Pair = Pair { generation: 1, is_twin: false };

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
}

/// A set of generations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generations(u8);

/// The server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Server {
    /// The pair whose refresh token it accepts, once.
    pub newest: Pair,
    /// Whether a request with that token is on its way, of which nobody waits for the answer any more.
    pub has_zombie: bool,
}

/// What is so, known or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Truth {
    /// The newest pair was lost in a way that nothing can prevent.
    pub is_gone: bool,
    /// How often the server refused the token at hand, up to 3.
    pub refusals: u8,
    /// The highest generation that the store has held.
    pub highest: u8,
    /// What nobody may do, and somebody did.
    pub offence: Option<Offence>,
    /// The key is lost: neither the store nor a journal can be read.
    pub is_key_lost: bool,
}

impl Process {
    /// It runs, and does nothing.
    pub const IDLE: Self = Self {
        is_up: true,
        phase: Phase::End,
        hand: Hand {
            spending: None,
            has_entry: false,
            is_sent: false,
            finding: None,
            kept: None,
            is_saved: None,
            used: 0,
            is_lent: false,
        },
        journal: Journal {
            intents: Generations(0),
            grants: Generations(0),
            twins: Generations(0),
            refusals: Generations(0),
            committed: 0,
        },
        has_lease: false,
        open: Generations(0),
        underway: Generations(0),
    };
}

impl State {
    /// All processes run, and the first pair is in the store.
    pub fn first(bounds: &Bounds) -> Self {
        Self {
            processes: vec![Process::IDLE; bounds.processes],
            store: Known::FIRST,
            server: Server { newest: FIRST, has_zombie: false },
            left: bounds.left,
            truth: Truth { is_gone: false, refusals: 0, highest: 1, offence: None, is_key_lost: false },
        }
    }

    /// Writes into the store.
    pub fn write(&mut self, known: Known) {
        if known.pair != self.store.pair {
            self.truth.refusals = 0;
        }
        self.store = known;
        self.truth.highest = self.truth.highest.max(known.pair.generation);
    }
}

impl Pair {
    /// What a refresh with it brings.
    #[must_use]
    pub fn next(self) -> Self {
        Self { generation: self.generation + 1, is_twin: false }
    }
}

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
        self.committed = self.committed.max(generation);
        self.forget_what_is_settled();
    }

    /// What another one says is added.
    pub fn take_over(&mut self, other: Self) {
        self.intents.add_all(other.intents);
        self.grants.add_all(other.grants);
        self.twins.add_all(other.twins);
        self.refusals.add_all(other.refusals);
        self.commit(other.committed);
    }

    /// The pairs that can be had from it, with what was spent for them.
    pub fn pairs(self) -> impl Iterator<Item = (u8, Pair)> {
        self.grants.iter().map(move |spent| {
            (spent, Pair { generation: spent + 1, is_twin: self.twins.has(spent) })
        })
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
