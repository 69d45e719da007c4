//! Keeping a connection alive.
//!
//! - [`record`]: what is known of a connection; no secrets, no I/O.
//! - [`step`]: what an event makes of it; a pure function.
//! - [`schedule`]: when the next refresh is due.
//! - [`history`]: what happened to it.
//! - [`flow`]: an authorization on its way.
//! - `keeper`: the one place that owns the tokens of a connection in this process.
//! - `attempt`: one refresh, from the intent to the saved pair.
//! - `refresher`: the supervised task that makes attempts when they are due.
//! - `authorization`: from the Connect button to the first saved pair.

pub mod authorization;
pub mod flow;
pub mod history;
pub mod policy;
pub mod protocol;
pub mod record;
pub mod schedule;
pub mod status;
pub mod step;

pub(crate) mod attempt;
pub(crate) mod keeper;
pub(crate) mod refresher;

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
