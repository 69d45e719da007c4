//! How a connection is, in words for the person who has to decide something. A table, not a page.

use keapsake::connection::history::{Entry, Kind, Outcome};
use keapsake::connection::record::LostReason;
use keapsake::connection::status::{Phase, Status};

use crate::moments::Moment;

/// A phase in words.
pub(crate) struct State {
    /// What is always the same.
    pub(crate) look: &'static Look,
    /// What is the case.
    pub(crate) text: String,
}

/// What is always said of a phase.
pub(crate) struct Look {
    /// Its name for stylesheets and programs.
    pub(crate) key: &'static str,
    /// How it looks: `good`, `busy`, `warn`, `bad` or `idle`.
    pub(crate) tone: &'static str,
    /// In a few words.
    pub(crate) title: &'static str,
    /// What to do.
    pub(crate) next: &'static str,
    /// What the button says, if connecting makes sense.
    pub(crate) connect: Option<&'static str>,
    /// Whether there is something to disconnect.
    pub(crate) can_disconnect: bool,
}

const CONNECT: Option<&str> = Some("Connect to Keap");
const RECONNECT: Option<&str> = Some("Reconnect to Keap");
const BY_ITSELF: &str = "You need not do anything.";

const NOT_CONNECTED: Look = Look {
    key: "not-connected",
    tone: "idle",
    title: "Not connected to Keap",
    next: "Press Connect. Keap asks you to sign in, to choose the account, and to allow the access; then you come back \
           here. It needs to be done once.",
    connect: CONNECT,
    can_disconnect: false,
};
const CONNECTED: Look = Look {
    key: "connected",
    tone: "good",
    title: "Connected",
    next: BY_ITSELF,
    connect: None,
    can_disconnect: true,
};
const REFRESHING: Look = Look {
    key: "refreshing",
    tone: "busy",
    title: "Connected, renewing right now",
    next: BY_ITSELF,
    connect: None,
    can_disconnect: true,
};
const UNREACHED: Look = Look {
    key: "unreached",
    tone: "warn",
    title: "Keap cannot be reached",
    next: "It is tried again by itself. If it lasts, see whether this machine reaches the internet, and whether Keap \
           reports trouble at status.thryv.com.",
    connect: None,
    can_disconnect: true,
};
const UNCONFIRMED: Look = Look {
    key: "unconfirmed",
    tone: "warn",
    title: "Keap gave no usable answer to a renewal",
    next: "It is tried again by itself. Reconnect only if you do not want to wait.",
    connect: RECONNECT,
    can_disconnect: true,
};
const SUSPECT: Look = Look {
    key: "suspect",
    tone: "warn",
    title: "Keap refused to renew the connection",
    next: "If somebody removed the access in Keap, you can reconnect right away.",
    connect: RECONNECT,
    can_disconnect: true,
};
const MISCONFIGURED: Look = Look {
    key: "misconfigured",
    tone: "bad",
    title: "Keap does not accept the client id or secret",
    next: "Compare the client id and secret in the settings with keys.developer.keap.com, correct them, and restart. It is \
           tried again every 15 minutes.",
    connect: None,
    can_disconnect: true,
};
const NEEDS_RECONNECT: Look = Look {
    key: "needs-reconnect",
    tone: "bad",
    title: "The connection has to be made again",
    next: "Press Reconnect and allow the access for the same account. Nothing is lost: what has to be sent waits and goes \
           out then.",
    connect: RECONNECT,
    can_disconnect: true,
};
const DISCONNECTED: Look = Look {
    key: "disconnected",
    tone: "idle",
    title: "Disconnected",
    next: "Press Connect to connect again. To remove the access in Keap as well, do that in your Keap account.",
    connect: CONNECT,
    can_disconnect: false,
};
const API_KEY: Look = Look {
    key: "api-key",
    tone: "good",
    title: "Working with an API key",
    next: "To change the key, change the settings and restart. The key can be revoked in Keap.",
    connect: None,
    can_disconnect: false,
};

impl State {
    pub(crate) fn of(status: &Status, application: &str) -> Self {
        Self { look: look(status.phase), text: text(status, application) }
    }
}

fn look(phase: Phase) -> &'static Look {
    match phase {
        Phase::NotConnected => &NOT_CONNECTED,
        Phase::Connected => &CONNECTED,
        Phase::Refreshing { .. } => &REFRESHING,
        Phase::Unreached { .. } => &UNREACHED,
        Phase::Unconfirmed { .. } => &UNCONFIRMED,
        Phase::Suspect { .. } => &SUSPECT,
        Phase::Misconfigured { .. } => &MISCONFIGURED,
        Phase::NeedsReconnect { .. } => &NEEDS_RECONNECT,
        Phase::Disconnected { .. } => &DISCONNECTED,
        Phase::ApiKey => &API_KEY,
    }
}

fn text(status: &Status, application: &str) -> String {
    let relative = |at| Moment::new(at, status.now).relative;
    let next_try = status
        .times
        .map_or_else(String::new, |times| format!(" The next try is {}.", relative(times.refresh_at)));
    let serving = if status.can_call {
        "Calls to Keap still work with the token at hand."
    } else {
        "Until then nothing can be sent to Keap; what has to be sent waits."
    };
    match status.phase {
        Phase::NotConnected => {
            format!("{application} has not been connected to a Keap account yet. What has to be sent waits.")
        }
        Phase::Connected => "All is well. The connection renews itself.".into(),
        Phase::Refreshing { since } => {
            format!("Keap was asked for new tokens {}. {serving}", relative(since))
        }
        Phase::Unreached { since, attempts } => {
            let tries = counted(attempts, "one try", "tries");
            format!("It began {}; {tries} so far.{next_try} {serving}", relative(since))
        }
        Phase::Unconfirmed { since, attempts } => {
            let tries = counted(attempts, "one try", "tries");
            format!(
                "It began {}; {tries} so far. Keap may or may not have renewed the tokens.{next_try} {serving}",
                relative(since)
            )
        }
        Phase::Suspect { since, rejections } => format!(
            "It began {}; {} so far. One refusal is not believed: Keap is asked again before the connection is given \
             up.{next_try} {serving}",
            relative(since),
            counted(rejections, "one refusal", "refusals")
        ),
        Phase::Misconfigured { since } => {
            format!("It began {}. The connection itself is not lost. {serving}", relative(since))
        }
        Phase::NeedsReconnect { since, reason: LostReason::Rejected } => format!(
            "Keap no longer accepts it; that was certain {}. Most likely somebody removed the access in Keap, or connected \
             the same application a second time from somewhere else.",
            relative(since)
        ),
        Phase::NeedsReconnect { reason: LostReason::Expired, .. } => {
            "It was not used for 45 days, after which Keap ends a \
             connection. Most likely this application was switched off for that long."
                .into()
        }
        Phase::Disconnected { since } => {
            format!("An administrator disconnected it {}. What has to be sent waits.", relative(since))
        }
        Phase::ApiKey => {
            "Calls to Keap carry the key from the settings. There is nothing to renew and nothing to connect."
                .into()
        }
    }
}

fn counted(count: u32, one: &str, many: &str) -> String {
    if count == 1 { one.into() } else { format!("{count} {many}") }
}

/// What was tried, in a word.
pub(crate) fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        Kind::Authorization => "Connecting",
        Kind::Refresh => "Renewal",
        Kind::Disconnection => "Disconnecting",
    }
}

/// How it ended, in a few words.
pub(crate) fn outcome(entry: &Entry) -> &'static str {
    let Some(ending) = &entry.ending else { return "Running" };
    match (entry.kind, ending.outcome) {
        (Kind::Authorization, Outcome::Done) => "Connected",
        (Kind::Refresh, Outcome::Done) => "Renewed",
        (Kind::Disconnection, Outcome::Done) => "Disconnected",
        (Kind::Authorization, Outcome::Rejected) => "No access given",
        (_, Outcome::NotSent) => "Keap not reached",
        (_, Outcome::Unconfirmed) => "No usable answer",
        (_, Outcome::Rejected) => "Refused",
        (_, Outcome::Misconfigured) => "Client id or secret refused",
        (_, Outcome::Superseded) => "Came too late",
        (_, Outcome::OtherAccount) => "Another account",
    }
}

/// Whether that is good, bad or neither, for the eye.
pub(crate) fn tone(entry: &Entry) -> &'static str {
    match entry.ending.as_ref().map(|ending| ending.outcome) {
        None => "busy",
        Some(Outcome::Done) => "good",
        Some(Outcome::NotSent | Outcome::Unconfirmed) => "warn",
        Some(Outcome::Superseded) => "idle",
        Some(Outcome::Rejected | Outcome::Misconfigured | Outcome::OtherAccount) => "bad",
    }
}
