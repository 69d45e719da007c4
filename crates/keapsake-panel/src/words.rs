//! How a connection is, in words for the person who has to decide something. A table, not a page.

use jiff::Timestamp;
use keapsake::connection::history::{Entry, Kind, Outcome};
use keapsake::connection::record::LostReason;
use keapsake::connection::status::{Phase, Status};

use crate::moments::Moment;

/// A phase in words.
pub(crate) struct State {
    /// Its name for stylesheets and programs.
    pub(crate) key: &'static str,
    /// How it looks: `good`, `busy`, `warn`, `bad` or `idle`.
    pub(crate) tone: &'static str,
    /// In a few words.
    pub(crate) title: &'static str,
    /// What is the case.
    pub(crate) text: String,
    /// What to do.
    pub(crate) next: String,
    /// What to do, one step after the other.
    pub(crate) steps: &'static [&'static str],
    /// What the button says, if connecting is what to do.
    pub(crate) connect: Option<&'static str>,
    /// Whether connecting again makes sense although it need not be done.
    pub(crate) can_reconnect: bool,
    /// Whether there is something to disconnect.
    pub(crate) can_disconnect: bool,
}

/// A row of the table. The words in braces are filled in: see [`fill`].
struct Row {
    key: &'static str,
    tone: &'static str,
    title: &'static str,
    text: &'static str,
    next: &'static str,
    offer: Offer,
}

/// What a person can do about the connection in a phase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// Nothing: there is nothing to connect.
    Nothing,
    /// Connect, for there is no connection.
    Connect,
    /// Connect again: that is what to do.
    Reconnect,
    /// Nothing has to be done; connecting again and disconnecting are possible.
    Leave,
}

const STEPS_TO_CONNECT: [&str; 3] = [
    "Press Connect. You are taken to Keap's own site; your Keap password stays there.",
    "Sign in as a Keap user of your company, an administrator if you can, and choose the account.",
    "Press Allow. You come back to this page, and the connection keeps itself alive from then on.",
];

const NOT_CONNECTED: Row = Row {
    key: "not-connected",
    tone: "idle",
    title: "Not connected to Keap",
    text: "{app} has not been connected to a Keap account yet. {kept}",
    next: "Connect it, once:",
    offer: Offer::Connect,
};
const CONNECTED: Row = Row {
    key: "connected",
    tone: "good",
    title: "Connected",
    text: "All is well. The connection renews itself.",
    next: "You need not do anything.",
    offer: Offer::Leave,
};
const REFRESHING: Row = Row {
    key: "refreshing",
    tone: "busy",
    title: "Connected, renewing right now",
    text: "Keap was asked for new tokens {since}. {calls}",
    next: "You need not do anything. This page shows by itself how it went.",
    offer: Offer::Leave,
};
const UNREACHED: Row = Row {
    key: "unreached",
    tone: "warn",
    title: "Keap cannot be reached",
    text: "It began {since} and was tried {times}; the next try is {next}. {calls}",
    next: "It is tried again by itself. If it lasts, see whether this machine reaches the internet, and whether Keap \
           itself is up.",
    offer: Offer::Leave,
};
const UNCONFIRMED: Row = Row {
    key: "unconfirmed",
    tone: "warn",
    title: "Keap gave no usable answer to a renewal",
    text: "It began {since} and was tried {times}; the next try is {next}. Keap may or may not have renewed the \
           tokens. {calls}",
    next: "It is tried again by itself. Reconnect only if you do not want to wait.",
    offer: Offer::Leave,
};
const SUSPECT: Row = Row {
    key: "suspect",
    tone: "warn",
    title: "Keap refused to renew the connection",
    text: "It began {since}; Keap refused {times}. One refusal is not believed: Keap is asked again before the \
           connection is given up; the next time is {next}. {calls}",
    next: "Wait, or reconnect right away if you know that somebody removed the access in Keap.",
    offer: Offer::Leave,
};
const MISCONFIGURED: Row = Row {
    key: "misconfigured",
    tone: "bad",
    title: "Keap does not accept the client id or secret",
    text: "It began {since}. The connection itself is not lost, but it cannot be renewed like this. {calls}",
    next: "Compare the client id and secret in the settings of {app} with those at keys.developer.keap.com, correct \
           them, and restart. It is tried again then, and every 15 minutes: connecting again is not needed.",
    offer: Offer::Leave,
};
const REJECTED: Row = Row {
    key: "needs-reconnect",
    tone: "bad",
    title: "The connection has to be made again",
    text: "Keap no longer accepts it, as became certain {since}. Most likely somebody removed the access in Keap, or a \
           copy of {app} uses the same connection. {kept}",
    next: "Press Reconnect and allow the access for the same account.",
    offer: Offer::Reconnect,
};
const EXPIRED: Row = Row {
    key: "needs-reconnect",
    tone: "bad",
    title: "The connection has run out",
    text: "It was not renewed for 45 days, after which Keap ends a connection; that was noticed {since}. Most likely \
           {app} was switched off for that long. {kept}",
    next: "Press Reconnect and allow the access for the same account.",
    offer: Offer::Reconnect,
};
const DISCONNECTED: Row = Row {
    key: "disconnected",
    tone: "idle",
    title: "Disconnected",
    text: "An administrator disconnected it {since}, and the tokens were erased. {kept}",
    next: "Connect again whenever you like. In Keap the access stays listed until a user of the account removes it.",
    offer: Offer::Connect,
};
const API_KEY: Row = Row {
    key: "api-key",
    tone: "good",
    title: "Working with an API key",
    text: "Calls to Keap carry the key from the settings of {app}. There is nothing to renew and nothing to connect.",
    next: "To change the key, change the settings and restart. The key can be revoked in Keap.",
    offer: Offer::Nothing,
};

fn row(phase: Phase) -> Row {
    match phase {
        Phase::NotConnected => NOT_CONNECTED,
        Phase::Connected => CONNECTED,
        Phase::Refreshing { .. } => REFRESHING,
        Phase::Unreached { .. } => UNREACHED,
        Phase::Unconfirmed { .. } => UNCONFIRMED,
        Phase::Suspect { .. } => SUSPECT,
        Phase::Misconfigured { .. } => MISCONFIGURED,
        Phase::NeedsReconnect { reason: LostReason::Rejected, .. } => REJECTED,
        Phase::NeedsReconnect { reason: LostReason::Expired, .. } => EXPIRED,
        Phase::Disconnected { .. } => DISCONNECTED,
        Phase::ApiKey => API_KEY,
    }
}

impl State {
    /// `keeps` says whether effects wait here until they can be delivered.
    pub(crate) fn of(status: &Status, application: &str, keeps: bool) -> Self {
        let row = row(status.phase);
        Self {
            key: row.key,
            tone: row.tone,
            title: row.title,
            text: fill(row.text, status, application, keeps),
            next: fill(row.next, status, application, keeps),
            steps: if status.phase == Phase::NotConnected { &STEPS_TO_CONNECT } else { &[] },
            connect: match row.offer {
                Offer::Connect => Some("Connect to Keap"),
                Offer::Reconnect => Some("Reconnect to Keap"),
                Offer::Leave | Offer::Nothing => None,
            },
            can_reconnect: row.offer == Offer::Leave,
            can_disconnect: matches!(row.offer, Offer::Leave | Offer::Reconnect),
        }
    }
}

/// Puts the facts of a status in their places.
fn fill(text: &str, status: &Status, application: &str, keeps: bool) -> String {
    let (since, count) = facts(status.phase);
    let relative =
        |at: Option<Timestamp>| at.map_or_else(String::new, |at| Moment::new(at, status.now).relative);
    let calls = match (status.can_call, keeps) {
        (true, _) => "Calls to Keap still work with the token at hand.",
        (false, true) => "Until then nothing can be sent to Keap; what has to be sent waits here.",
        (false, false) => "Until then nothing can be sent to Keap.",
    };
    let kept =
        if keeps { "What has to be sent to Keap waits here, and goes out once it is connected." } else { "" };
    let next_at = status.times.map(|times| times.refresh_at);
    let next =
        if next_at.is_some_and(|at| at > status.now) { relative(next_at) } else { "due now".to_owned() };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let filled = text
        .replace("{since}", &relative(since))
        .replace("{times}", &times)
        .replace("{next}", &next)
        .replace("{calls}", calls)
        .replace("{kept}", kept)
        // Last, because it is the one that somebody else chose.
        .replace("{app}", application);
    filled.trim_end().to_owned()
}

/// Since when a phase lasts, and how many times that was tried or refused.
fn facts(phase: Phase) -> (Option<Timestamp>, u32) {
    match phase {
        Phase::NotConnected | Phase::Connected | Phase::ApiKey => (None, 0),
        Phase::Refreshing { since }
        | Phase::Misconfigured { since }
        | Phase::NeedsReconnect { since, .. }
        | Phase::Disconnected { since } => (Some(since), 0),
        Phase::Unreached { since, attempts } | Phase::Unconfirmed { since, attempts } => {
            (Some(since), attempts)
        }
        Phase::Suspect { since, rejections } => (Some(since), rejections),
    }
}

/// Words from elsewhere as the beginning of a sentence whose full stop the page sets.
pub(crate) fn opening(words: &str) -> String {
    let words = words.trim().trim_end_matches('.');
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Row; 11] = [
        NOT_CONNECTED,
        CONNECTED,
        REFRESHING,
        UNREACHED,
        UNCONFIRMED,
        SUSPECT,
        MISCONFIGURED,
        REJECTED,
        EXPIRED,
        DISCONNECTED,
        API_KEY,
    ];

    fn status(phase: Phase, can_call: bool) -> Status {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        Status { now, phase, account: None, position: None, times: None, can_call }
    }

    #[test]
    fn no_place_is_left_unfilled() {
        for row in ALL {
            for text in [row.text, row.next] {
                let filled = fill(text, &status(Phase::NotConnected, false), "Shop", true);
                assert!(!filled.contains(['{', '}']), "{filled}");
            }
        }
    }

    #[test]
    fn the_facts_are_in_their_places() {
        let since = Timestamp::from_second(1_800_000_000 - 300).unwrap();
        let once = State::of(&status(Phase::Unreached { since, attempts: 1 }, true), "Shop", true);
        assert!(once.text.starts_with("It began 5 min ago and was tried once;"), "{}", once.text);
        assert!(once.text.ends_with("still work with the token at hand."), "{}", once.text);
        let often = State::of(&status(Phase::Suspect { since, rejections: 3 }, false), "Shop", false);
        assert!(often.text.contains("Keap refused 3 times"), "{}", often.text);
        assert!(often.text.ends_with("nothing can be sent to Keap."), "{}", often.text);
    }

    #[test]
    fn words_from_elsewhere_begin_a_sentence() {
        assert_eq!(opening("keap said no."), "Keap said no");
        assert_eq!(opening("über"), "Über");
        assert_eq!(opening(""), "");
    }

    #[test]
    fn nothing_is_promised_without_an_outbox() {
        let with = State::of(&status(Phase::NotConnected, false), "Shop", true).text;
        let without = State::of(&status(Phase::NotConnected, false), "Shop", false).text;
        assert!(with.contains("waits here"));
        assert_eq!(without, "Shop has not been connected to a Keap account yet.");
    }
}
