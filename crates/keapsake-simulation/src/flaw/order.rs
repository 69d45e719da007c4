//! Mistakes in the order of a refresh: rows of another table.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use keapsake::connection::protocol::{ORDER, Order, Phase, Reply};

use super::Flaw;
use Phase::{Close, Intend, Keep, Note, Release, Room, Save, Send};
use Reply::{Done, Failed, Nothing};

/// What follows what, instead of what should.
const CHANGES: [(Flaw, Order); 6] = [
    (
        Flaw::ReadBeforeJournaled,
        &[
            (Send, Done, Save),
            (Save, Done, Keep),
            (Save, Nothing, Keep),
            (Keep, Done, Close),
            (Keep, Failed, Close),
        ],
    ),
    (Flaw::NotJournaled, &[(Send, Done, Save)]),
    (
        Flaw::SentBeforeIntended,
        &[
            (Room, Done, Send),
            (Send, Done, Intend),
            (Intend, Done, Keep),
            (Intend, Nothing, Keep),
            (Intend, Failed, Keep),
        ],
    ),
    (Flaw::SentWithoutJournal, &[(Room, Failed, Intend), (Note, Failed, Send)]),
    (Flaw::UnsavedAnswerDropped, &[(Save, Failed, Release)]),
    (Flaw::UnjournaledAnswerDropped, &[(Keep, Failed, Release)]),
];

/// The order with this mistake in it; as it is when the mistake is elsewhere.
pub(super) fn flawed(flaw: Flaw) -> Order {
    static ORDERS: OnceLock<BTreeMap<Flaw, Order>> = OnceLock::new();
    ORDERS.get_or_init(all).get(&flaw).copied().unwrap_or(ORDER)
}

fn all() -> BTreeMap<Flaw, Order> {
    CHANGES.iter().map(|(flaw, changes)| (*flaw, changed(changes))).collect()
}

fn changed(changes: Order) -> Order {
    let is_kept = |(phase, reply, _): &&(Phase, Reply, Phase)| {
        !changes.iter().any(|(from, how, _)| (from, how) == (phase, reply))
    };
    let rows: Vec<_> = ORDER.iter().filter(is_kept).chain(changes).copied().collect();
    Vec::leak(rows)
}
