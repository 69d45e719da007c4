//! Known mistakes, built in on purpose: whoever checks must find every one of them.
//!
//! Each is built in from outside, where Keapsake meets the rest of the world: `order` and `step` put another table or
//! another function into the machine, `line`, `store` and `disk` stand between a process and what it uses.

mod disk;
mod line;
mod order;
mod step;
mod store;

use std::fmt;
use std::sync::Arc;

use keapsake::Clock;
use keapsake::connection::protocol::Order;
use keapsake::connection::step::Step;
use keapsake::journal::disk::Disk;
use keapsake::store::Store;
use keapsake::transport::TokenTransport;

macro_rules! flaws {
    ($($(#[doc = $words:literal])+ $name:ident,)+) => {
        /// One mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Flaw { $($(#[doc = $words])+ $name,)+ }

        impl Flaw {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What is wrong, in a line.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => concat!($($words),+).trim_ascii_start(),)+ }
            }
        }
    };
}

flaws! {
    /// An answer is read and saved before it is in the journal.
    ReadBeforeJournaled,
    /// An answer is never written into the journal.
    NotJournaled,
    /// The request is sent before the store knows that it will be.
    SentBeforeIntended,
    /// The request is sent although the journal cannot take its answer.
    SentWithoutJournal,
    /// An answer that the store does not take at the first try is dropped.
    UnsavedAnswerDropped,
    /// An answer that the journal does not take is dropped.
    UnjournaledAnswerDropped,
    /// One refusal of the refresh token is believed.
    OneRejectionBelieved,
    /// After an answer that did not come, the request is repeated at once.
    RepeatedAtOnce,
    /// An answer that comes late connects what was disconnected.
    DisconnectedComesBack,
    /// An answer to an older pair replaces a newer one.
    OlderPairWins,
    /// A connection that was given up is not healed by an answer that turns up.
    LostIsNotHealed,
    /// A connection is given up when Keap is not reached ten times.
    OutageEndsIt,
    /// A connection is given up when three answers did not come.
    SilenceEndsIt,
    /// That Keap refuses the access token is not believed.
    AccessRefusalIgnored,
    /// An access token is taken to live for a day, whatever Keap says.
    ConstantLife,
    /// 45 days are believed to be over at one look at one clock.
    OneLookAtTheClock,
    /// The HTTP client sends a request again when its connection breaks.
    ResendingClient,
    /// A token request has ten seconds.
    TenSeconds,
    /// A refresh runs within the call that needed it, and is dropped with it.
    DroppedWithItsCaller,
    /// A failure of Keap's is taken to mean that nothing was sent.
    FailureIsNotSent,
    /// A request too many is taken for a refusal of the token.
    ThrottleIsRejection,
    /// A maintenance page is taken for a refusal of the token.
    PageIsRejection,
    /// A life that is written as text makes an answer unreadable.
    TextLifeRefused,
    /// When Keap keeps the refresh token, an empty one is stored.
    EmptyTokenStored,
    /// The words of an error hold what was sent.
    TokenInError,
    /// Writes are fenced by nothing but the lease.
    NoFence,
    /// Everybody has the lease.
    NoLease,
    /// The lease runs on the clock of whoever asks.
    WallClockLease,
    /// Requests that are on their way are not seen.
    IntentsNotSeen,
    /// What does not name the tokens erases them.
    UpdateErasesTokens,
    /// An answer is dropped because the lease has ended meanwhile.
    DroppedWithTheLease,
    /// A callback does not use up its flow.
    FlowNotTaken,
    /// What is read of the store may be a minute old.
    StaleReads,
    /// A write that failed is taken for done.
    FailedIsDone,
    /// What is synced is not on the disk.
    NoSync,
    /// The journals of the dead are not read.
    JournalNotReplayed,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What a process is built of, with or without a mistake in it.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tokens: Arc<dyn TokenTransport>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) order: Order,
    pub(crate) step: Step,
}

/// What the flawed processes of one world share.
#[derive(Default)]
pub(crate) struct Shared {
    leases: store::WallClockLeases,
}

impl Flaw {
    pub(crate) fn build_into(self, parts: Parts, shared: &Arc<Shared>) -> Parts {
        let Parts { store, tokens, disk, clock, .. } = parts;
        Parts {
            store: Arc::new(store::Flawed::new(self, store, clock.clone(), shared.clone())),
            tokens: Arc::new(line::Flawed::new(self, tokens)),
            disk: disk::flawed(self, disk),
            order: order::flawed(self),
            step: step::flawed(self, parts.step),
            clock,
        }
    }
}
