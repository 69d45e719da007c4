//! Keeping connections alive.
//!
//! Pure, the same in production, in the simulation and under the model checker:
//! - [`record`]: what is known of a connection; no secrets, no I/O.
//! - [`step`]: what an event makes of it.
//! - [`protocol`]: in which order a refresh is made.
//! - [`policy`]: what follows a refresh whose outcome is unknown.
//! - [`schedule`]: when the next refresh is due.
//!
//! What performs it:
//! - `deployment`: what the connections of one process share.
//! - `keeper`: the one place in a process that owns the tokens of a connection.
//! - `attempt`, `verdict`, `probe`: one refresh, what its answer means, and asking the old token.
//! - `refresher`: the supervised task that makes attempts when they are due.
//! - `recovery`: what a start takes over from the dead.
//! - `authorization`: from the Connect button to the first saved pair.
//! - `watchman`, `trouble`: what somebody should be told.
//!
//! [`history`] and [`flow`] are what the store keeps beside the record; [`status`] and [`diagnosis`] are for people.

pub mod authorization;
pub mod diagnosis;
pub mod flow;
pub mod history;
pub mod policy;
pub mod protocol;
pub mod record;
pub mod schedule;
pub mod status;
pub mod step;

pub(crate) mod deployment;
pub(crate) mod keeper;
pub(crate) mod refresher;
pub(crate) mod trouble;

mod attempt;
mod probe;
mod recovery;
mod verdict;
mod watchman;

use std::fmt;

/// The name of one connection in its store: short, printable, chosen by the application.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// The one to use when the application has a single Keap account.
    pub fn main() -> Self {
        Self("main".into())
    }

    /// A name of 1 to 64 letters, digits, `-`, `_`, `.` or `:`; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        fits.then(|| Self(name.to_owned()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
