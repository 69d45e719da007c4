//! The order of one refresh attempt, as a table. Pure: production performs it, a simulation and a model checker too.
//!
//! ```text
//! lease ─ read ─ open ─ room ─ intend ─ note ─ send ─ keep ─ save ─ close ─ publish ─ release
//! ```
//!
//! The order is the design:
//! - nobody sends without the lease, and what the store holds is read again under it;
//! - the connection to the token endpoint is open first, so that most failures certainly sent nothing;
//! - that a request is about to be sent is durable before it is sent;
//! - the raw answer is durable before anybody reads it;
//! - the pair is saved before it is used; when the store fails it is lent from memory, and saved as soon as it can be.

use std::fmt;

/// Where an attempt stands, and thereby what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Ask the store for the right to refresh.
    Lease,
    /// Read the store again: somebody may have been here.
    Read,
    /// Open a fresh connection to the token endpoint.
    Open,
    /// See that the journal can take the answer.
    Room,
    /// Write the intent into the store; at most one is open for a pair.
    Intend,
    /// Write the intent into the journal.
    Note,
    /// Send the request, once, and wait for the answer.
    Send,
    /// Write the raw answer into the journal, durably.
    Keep,
    /// Read the answer, and save what it makes of the connection, fenced by what was read.
    Save,
    /// The store did not save it: let callers use the new pair from memory meanwhile.
    Lend,
    /// Write into the journal that the store has it.
    Close,
    /// Let callers use what was saved.
    Publish,
    /// An open intent of somebody who is gone: its outcome is unknown.
    TakeOver,
    /// The intent will not be carried out: end it as not sent.
    Withdraw,
    /// Give back the lease.
    Release,
    /// Over.
    End,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// As wished.
    Done,
    /// There is nothing to do: another has the lease, a newer pair is there, an intent is open, somebody was faster.
    Nothing,
    /// It did not work, and changed nothing.
    Failed,
    /// The request certainly did not reach the server.
    NotSent,
    /// The request was sent, and no whole answer came.
    Unanswered,
}

/// What follows what. A pair that is not in here cannot happen.
pub type Order = &'static [(Phase, Reply, Phase)];

/// The order that Keapsake keeps.
pub const ORDER: Order = &[
    (Phase::Lease, Reply::Done, Phase::Read),
    (Phase::Lease, Reply::Nothing, Phase::End),
    (Phase::Lease, Reply::Failed, Phase::End),
    (Phase::Read, Reply::Done, Phase::Open),
    (Phase::Read, Reply::Nothing, Phase::Release),
    (Phase::Read, Reply::Failed, Phase::Release),
    (Phase::Open, Reply::Done, Phase::Room),
    (Phase::Open, Reply::NotSent, Phase::Save),
    (Phase::Room, Reply::Done, Phase::Intend),
    (Phase::Room, Reply::Failed, Phase::Release),
    (Phase::Intend, Reply::Done, Phase::Note),
    (Phase::Intend, Reply::Nothing, Phase::TakeOver),
    (Phase::Intend, Reply::Failed, Phase::Release),
    (Phase::Note, Reply::Done, Phase::Send),
    (Phase::Note, Reply::Failed, Phase::Withdraw),
    (Phase::Send, Reply::Done, Phase::Keep),
    (Phase::Send, Reply::NotSent, Phase::Save),
    (Phase::Send, Reply::Unanswered, Phase::Save),
    (Phase::Keep, Reply::Done, Phase::Save),
    // The answer may hold the only live pair: it is saved all the same.
    (Phase::Keep, Reply::Failed, Phase::Save),
    (Phase::Save, Reply::Done, Phase::Close),
    (Phase::Save, Reply::Nothing, Phase::Close),
    (Phase::Save, Reply::Failed, Phase::Lend),
    (Phase::Lend, Reply::Done, Phase::Save),
    (Phase::Close, Reply::Done, Phase::Publish),
    (Phase::Close, Reply::Failed, Phase::Publish),
    (Phase::Publish, Reply::Done, Phase::Release),
    (Phase::TakeOver, Reply::Done, Phase::Release),
    (Phase::TakeOver, Reply::Failed, Phase::Release),
    (Phase::Withdraw, Reply::Done, Phase::Release),
    (Phase::Withdraw, Reply::Failed, Phase::Release),
    (Phase::Release, Reply::Done, Phase::End),
    // It ends by itself.
    (Phase::Release, Reply::Failed, Phase::End),
];

/// What follows a phase that went like this; `None` for what cannot happen.
pub fn next(order: Order, phase: Phase, reply: Reply) -> Option<Phase> {
    order.iter().find(|(from, how, _)| (*from, *how) == (phase, reply)).map(|(_, _, to)| *to)
}

impl Phase {
    /// All of them, in the order of a good day.
    pub const ALL: [Self; 16] = [
        Self::Lease,
        Self::Read,
        Self::Open,
        Self::Room,
        Self::Intend,
        Self::Note,
        Self::Send,
        Self::Keep,
        Self::Save,
        Self::Lend,
        Self::Close,
        Self::Publish,
        Self::TakeOver,
        Self::Withdraw,
        Self::Release,
        Self::End,
    ];
}

impl Reply {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Done, Self::Nothing, Self::Failed, Self::NotSent, Self::Unanswered];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_is_said_twice_and_every_phase_is_reached_and_left() {
        let pairs: BTreeSet<_> = ORDER.iter().map(|(phase, reply, _)| (*phase, *reply)).collect();
        assert_eq!(pairs.len(), ORDER.len(), "a pair has two successors");
        for phase in Phase::ALL {
            assert_eq!(ORDER.iter().any(|(from, ..)| *from == phase), phase != Phase::End, "{phase} is left");
            assert_eq!(
                ORDER.iter().any(|(.., to)| *to == phase),
                phase != Phase::Lease,
                "{phase} is reached"
            );
        }
    }

    /// The phases between two, on any way that does not pass through `without`.
    fn reachable(from: Phase, without: Phase) -> BTreeSet<Phase> {
        let mut seen = BTreeSet::from([from]);
        loop {
            let more: BTreeSet<Phase> = ORDER
                .iter()
                .filter(|(from, _, to)| seen.contains(from) && *to != without)
                .map(|(.., to)| *to)
                .chain(seen.iter().copied())
                .collect();
            if more == seen {
                return seen;
            }
            seen = more;
        }
    }

    #[test]
    fn no_way_leads_past_what_must_come_first() {
        let must_come_before = [
            (Phase::Lease, Phase::Read),
            (Phase::Read, Phase::Send),
            (Phase::Open, Phase::Intend),
            (Phase::Intend, Phase::Send),
            (Phase::Note, Phase::Send),
            (Phase::Save, Phase::Publish),
        ];
        for (first, then) in must_come_before {
            if first != Phase::Lease {
                assert!(!reachable(Phase::Lease, first).contains(&then), "{then} without {first}");
            }
        }
        // An answer is kept before it is read, and whoever has the lease gives it back.
        assert_eq!(next(ORDER, Phase::Send, Reply::Done), Some(Phase::Keep));
        assert!(!reachable(Phase::Read, Phase::Release).contains(&Phase::End));
    }

    #[test]
    fn an_answer_is_never_dropped() {
        let after_an_answer = reachable(Phase::Keep, Phase::Close);
        assert_eq!(after_an_answer, BTreeSet::from([Phase::Keep, Phase::Save, Phase::Lend]));
    }

    #[test]
    fn what_cannot_happen_has_no_successor() {
        let defined = Phase::ALL.iter().flat_map(|phase| Reply::ALL.map(|reply| (*phase, reply)));
        let possible = defined.filter(|(phase, reply)| next(ORDER, *phase, *reply).is_some()).count();
        assert_eq!(possible, ORDER.len());
        assert_eq!(next(ORDER, Phase::Send, Reply::Failed), None);
        assert_eq!(next(ORDER, Phase::End, Reply::Done), None);
    }
}
