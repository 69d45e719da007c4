//! What there is: processes, a store, a server, and what may still go wrong.

use keapsake::connection::protocol::Phase;

use super::journal::{Generations, Journal};
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
    /// The store loses its last commit, as in a failover.
    pub forgets: u8,
}

impl Bounds {
    /// What every change must pass: three processes through two refreshes with two crashes and a lost answer; two of
    /// them with a store and a journal that fail; three on one machine, which replay each other's journals; two with a
    /// store that loses its last commit.
    pub const QUICK: [Self; 4] = [
        Self {
            processes: 3,
            generations: 3,
            is_one_machine: false,
            left: Left { crashes: 2, lost_answers: 1, pauses: 1, ..Left::NOTHING },
        },
        Self {
            processes: 2,
            generations: 2,
            is_one_machine: false,
            left: Left { crashes: 1, lost_answers: 1, failures: 2, pauses: 1, false_refusals: 1, forgets: 0 },
        },
        Self {
            processes: 3,
            generations: 2,
            is_one_machine: true,
            left: Left { crashes: 2, lost_answers: 1, pauses: 1, ..Left::NOTHING },
        },
        Self {
            processes: 2,
            generations: 3,
            is_one_machine: false,
            left: Left { crashes: 1, lost_answers: 1, pauses: 1, forgets: 1, ..Left::NOTHING },
        },
    ];

    /// What there is more time for: all of it at once.
    pub const THOROUGH: [Self; 3] = [
        Self {
            processes: 3,
            generations: 3,
            is_one_machine: false,
            left: Left { crashes: 2, lost_answers: 1, failures: 1, pauses: 1, false_refusals: 1, forgets: 0 },
        },
        Self {
            processes: 3,
            generations: 3,
            is_one_machine: true,
            left: Left { crashes: 2, lost_answers: 1, failures: 1, pauses: 1, false_refusals: 0, forgets: 0 },
        },
        Self {
            processes: 3,
            generations: 3,
            is_one_machine: false,
            left: Left { crashes: 1, lost_answers: 1, failures: 0, pauses: 1, false_refusals: 0, forgets: 1 },
        },
    ];
}

impl Left {
    /// Nothing goes wrong.
    pub const NOTHING: Self =
        Self { crashes: 0, lost_answers: 0, failures: 0, pauses: 0, false_refusals: 0, forgets: 0 };
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
    /// How often the server refused the token of each generation, up to 3.
    pub refusals: [u8; 8],
    /// The highest generation that the store has held.
    pub highest: u8,
    /// The store has gone back, which whoever has seen more will notice.
    pub has_gone_back: bool,
    /// What nobody may do, and somebody did.
    pub offence: Option<Offence>,
    /// The key is lost: neither the store nor a journal can be read.
    pub is_key_lost: bool,
}

impl Process {
    /// It runs, and does nothing.
    pub fn idle() -> Self {
        Self {
            is_up: true,
            phase: Phase::End,
            hand: Hand::default(),
            journal: Journal::default(),
            has_lease: false,
            open: Generations::default(),
            underway: Generations::default(),
        }
    }
}

impl State {
    /// All processes run, and the first pair is in the store.
    pub fn first(bounds: &Bounds) -> Self {
        Self {
            processes: vec![Process::idle(); bounds.processes],
            store: Known::FIRST,
            server: Server { newest: FIRST, has_zombie: false },
            left: bounds.left,
            truth: Truth {
                is_gone: false,
                refusals: [0; 8],
                highest: 1,
                has_gone_back: false,
                offence: None,
                is_key_lost: false,
            },
        }
    }

    /// Writes into the store.
    pub fn write(&mut self, known: Known) {
        if self.left.forgets == 0 {
            let past = self.truth.refusals.iter_mut().take(known.pair.generation.into());
            past.for_each(|refusals| *refusals = 0);
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
