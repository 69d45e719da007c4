//! What the machine did, noticed from beside it: which event in which state, which phase with which reply.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::machine::samples::name;
use keapsake::connection::record::{Health, Link, Record};
use keapsake::connection::step::{self, Circumstances, Event};

thread_local! {
    static SEEN: RefCell<BTreeSet<Seen>> = const { RefCell::new(BTreeSet::new()) };
}

/// Something that the machine did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// An event in a state.
    Step(&'static str, &'static str),
    /// A phase and how it went.
    Phase(String, String),
}

/// The machine, watched.
pub(crate) fn step(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    see(Seen::Step(state(record), name(event)));
    step::step(record, event, at)
}

pub(crate) fn see(seen: Seen) {
    SEEN.with_borrow_mut(|all| {
        if !all.contains(&seen) {
            all.insert(seen);
        }
    });
}

/// What was seen on this thread since the last time.
pub(crate) fn take_seen() -> BTreeSet<Seen> {
    SEEN.take()
}

/// The name of a state.
pub(crate) fn state(record: Option<&Record>) -> &'static str {
    let linked = match record.map(|record| &record.link) {
        None => return "NotConnected",
        Some(Link::Disconnected { .. }) => return "Disconnected",
        Some(Link::Linked(linked)) => linked,
    };
    match linked.health {
        Health::Well => "Well",
        Health::Unreached { .. } => "Unreached",
        Health::Unconfirmed { .. } => "Unconfirmed",
        Health::Suspect { .. } => "Suspect",
        Health::Misconfigured => "Misconfigured",
        Health::Restored(_) => "Restored",
        Health::Lost(_) => "Lost",
    }
}
