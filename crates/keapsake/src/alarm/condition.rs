//! What can be so that somebody should hear of it. One table.

use std::fmt;

use serde::{Serialize, Serializer};

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It may heal by itself; look at it today.
    Warning,
    /// It needs a person, now.
    Error,
}

impl Severity {
    /// The word it is written as.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What conditions are about. Of one kind, one can turn into another: then nothing is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whether the connection is renewed.
    Renewal,
    /// How long the refresh token was not used.
    Age,
    /// This machine's clock.
    Clock,
    /// The store.
    Store,
    /// The journal.
    Journal,
}

impl Kind {
    /// Whether it is about the whole deployment rather than about one connection. Processes can differ in it: the clock
    /// of one machine is wrong, that of another is not.
    pub fn is_of_deployment(self) -> bool {
        matches!(self, Self::Clock | Self::Store | Self::Journal)
    }
}

struct Row {
    word: &'static str,
    kind: Kind,
    severity: Severity,
    title: &'static str,
    advice: &'static str,
}

/// The table: each condition with its row.
macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident { $($row:tt)* })*) => {
        /// Something that is so and should be heard of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Condition {
            $($(#[$doc])* $name,)*
        }

        impl Condition {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { $($row)* },)*
                }
            }
        }
    };
}

conditions! {
    /// Keap could not be reached for a refresh, or refused one, which is not believed before it is repeated.
    RefreshFailing {
        word: "refresh_failing",
        kind: Kind::Renewal,
        severity: Severity::Warning,
        title: "The connection to Keap is not being renewed",
        advice: "It is tried again by itself. If it lasts, see whether this machine reaches the internet, whether Keap \
                 is up, and whether somebody removed the access in Keap.",
    }
    /// A refresh was sent and no usable answer came.
    Unconfirmed {
        word: "unconfirmed",
        kind: Kind::Renewal,
        severity: Severity::Warning,
        title: "Keap gave no usable answer to a renewal",
        advice: "It is tried again by itself. If this does not end within two hours, connect again in the panel while \
                 the access still works: then nothing stops.",
    }
    /// Keap does not accept the client id or secret.
    Misconfigured {
        word: "misconfigured",
        kind: Kind::Renewal,
        severity: Severity::Error,
        title: "Keap does not accept the client id or secret",
        advice: "Compare the client id and secret in the settings with those at https://keys.developer.keap.com/, \
                 correct them and restart. Connecting again is not needed.",
    }
    /// The store was restored from a backup or copied; nothing is refreshed until a person decides.
    Restored {
        word: "restored",
        kind: Kind::Renewal,
        severity: Severity::Error,
        title: "The database was restored or copied",
        advice: "Decide in the panel whether this deployment is the one that goes on. If the original still runs, stop \
                 this copy: two that renew the same connection end it.",
    }
    /// The connection is over; a person has to authorize again.
    NeedsReconnect {
        word: "needs_reconnect",
        kind: Kind::Renewal,
        severity: Severity::Error,
        title: "The connection to Keap has to be made again",
        advice: "Connect again in the panel, with the same Keap account.",
    }
    /// The refresh token was not replaced for 30 days; Keap ends it after 45.
    RefreshTokenAge30 {
        word: "refresh_token_age_30",
        kind: Kind::Age,
        severity: Severity::Warning,
        title: "The connection to Keap was not renewed for 30 days",
        advice: "It should be renewed every day: see in the panel what keeps it from that.",
    }
    /// The refresh token was not replaced for 40 days; Keap ends it after 45.
    RefreshTokenAge40 {
        word: "refresh_token_age_40",
        kind: Kind::Age,
        severity: Severity::Error,
        title: "The connection to Keap was not renewed for 40 days",
        advice: "See in the panel what keeps it from being renewed, and connect again before it ends.",
    }
    /// The refresh token was not replaced for 44 days; Keap ends it after 45.
    RefreshTokenAge44 {
        word: "refresh_token_age_44",
        kind: Kind::Age,
        severity: Severity::Error,
        title: "The connection to Keap ends within a day",
        advice: "Connect again in the panel today.",
    }
    /// This machine's clock differs from Keap's by more than a minute.
    ClockSkew {
        word: "clock_skew",
        kind: Kind::Clock,
        severity: Severity::Warning,
        title: "This machine's clock is wrong",
        advice: "Switch on time synchronisation (NTP) on this machine.",
    }
    /// The store does not do what it is asked.
    StoreTrouble {
        word: "store_trouble",
        kind: Kind::Store,
        severity: Severity::Error,
        title: "The database does not work",
        advice: "See that the database runs, can be reached, and has free disk space. Do not stop the application \
                 before that if you can avoid it: a renewed connection may wait in its memory to be saved.",
    }
    /// The journal does not do what it is asked.
    JournalTrouble {
        word: "journal_trouble",
        kind: Kind::Journal,
        severity: Severity::Error,
        title: "The journal does not work",
        advice: "See that its directory exists, can be written to, and has free disk space.",
    }
}

impl Condition {
    /// The word it is kept under in stores, and named by in JSON and metrics. Never changes.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// The condition with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|condition| condition.word() == word)
    }

    /// What it is about.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// How urgent it is.
    pub fn severity(self) -> Severity {
        self.row().severity
    }

    /// It in a few words.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        self.row().advice
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
