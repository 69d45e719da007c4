//! What happened to a connection: authorizations, refreshes, disconnections.

use jiff::Timestamp;
use uuid::Uuid;

use super::record::Position;

/// One thing that was tried. It is written down before it is tried and completed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its own id.
    pub id: Uuid,
    /// What was tried.
    pub kind: Kind,
    /// With which pair.
    pub position: Position,
    /// When it was started.
    pub started_at: Timestamp,
    /// How it ended; `None` while it runs, or when the program died meanwhile.
    pub ending: Option<Ending>,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person connected, or tried to.
    Authorization,
    /// A refresh.
    Refresh,
    /// A person disconnected.
    Disconnection,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Well or badly.
    pub outcome: Outcome,
    /// One line for people: Keap's words, or ours. Without secrets.
    pub words: String,
}

/// Well or badly, as far as it matters for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Done,
    /// Keap was not reached.
    NotSent,
    /// Keap was too busy, and turned it away unread.
    Throttled,
    /// It was sent; whether it was carried out is not known.
    Unconfirmed,
    /// Keap refused the token or code, or the person refused.
    Rejected,
    /// Keap refused the client id or secret.
    Misconfigured,
    /// It came too late: somebody connected or disconnected meanwhile.
    Superseded,
    /// The person chose another account than the connection has, and did not ask for that.
    OtherAccount,
}

/// The words by which stores keep an enum.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word a store keeps.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a stored word; `None` for one this version does not know.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(Kind { Authorization = "authorization", Refresh = "refresh", Disconnection = "disconnection" });
words!(Outcome {
    Done = "done",
    NotSent = "not_sent",
    Throttled = "throttled",
    Unconfirmed = "unconfirmed",
    Rejected = "rejected",
    Misconfigured = "misconfigured",
    Superseded = "superseded",
    OtherAccount = "other_account",
});
