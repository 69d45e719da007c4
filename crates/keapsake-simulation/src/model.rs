//! Every interleaving of a few processes on one store, found by a model checker over Keapsake's own pure code.
//!
//! [`protocol`](keapsake::connection::protocol) says what each process does next, [`step`](keapsake::connection::step)
//! what that makes of the connection. What they stand on is modelled, as small as can be:
//!
//! - [`state`]: the processes with what they have in hand and in their journals, the store, the server.
//! - [`journal`]: what a journal says.
//! - [`known`]: the record without times; when time matters, all that may have passed is tried.
//! - [`phases`], `attempt`, [`network`], [`recovery`], [`disaster`]: what may happen.
//! - [`properties`]: what must be so in every state, whatever happened.
//!
//! What may go wrong is counted, so that there are finitely many states: a crash at any point, a lost answer, a failure
//! of the store or the journal that did its work or did not, a lease that ends under a living owner.

pub mod disaster;
pub mod journal;
pub mod known;
pub mod network;
pub mod phases;
pub mod properties;
pub mod recovery;
pub mod state;
pub mod summary;

mod attempt;
mod setup;

pub use disaster::Assumption;
pub use phases::Mistake;
pub use setup::{Action, Setup};
pub use state::{Bounds, Left};
pub use summary::Summary;

/// Visits every state that Keapsake can come into within these bounds.
pub fn check(bounds: Bounds) -> Summary {
    Setup::of(bounds).check()
}

/// All of these, one after the other.
pub fn check_all(all: &[Bounds]) -> Summary {
    all.iter().map(|bounds| check(*bounds)).reduce(Summary::and).unwrap_or_default()
}
