//! The table: each phase with its words. Words in braces are filled in.
//!
//! `{since}`, `{times}`, `{next}`: since when, how often, when again. `{calls}`: until when calls work. `{end}`: until
//! when the connection lives. `{kept}`: what becomes of deliveries. `{app}`: the application.

use keapsake::connection::record::{LostReason, RestoredReason};
use keapsake::connection::status::Phase;

use super::Offer;

pub(super) struct Row {
    pub(super) tone: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) next: &'static str,
    pub(super) steps: &'static [&'static str],
    pub(super) time_left: &'static str,
    pub(super) connect: Option<&'static str>,
    pub(super) offers: &'static [Offer],
}

/// A row is written as far as it differs from this.
const ROW: Row = Row {
    tone: "",
    title: "",
    text: "",
    next: "",
    steps: &[],
    time_left: "",
    connect: None,
    offers: &[Offer::ConnectAgain, Offer::Disconnect],
};

const RENEWABLE: &[Offer] = &[Offer::Renew, Offer::ConnectAgain, Offer::Disconnect];

const NOT_CONNECTED: Row = Row {
    tone: "idle",
    title: "Not connected to Keap",
    text: "{app} has not been connected to a Keap account yet. {kept}",
    next: "Connect it, once:",
    steps: &[
        "Press Connect. You are taken to Keap's own site; your Keap password stays there.",
        "Sign in as a Keap user of your company, an administrator if you can, and choose the account.",
        "Press Allow. You come back to this page, and the connection keeps itself alive from then on.",
    ],
    connect: Some("Connect to Keap"),
    offers: &[],
    ..ROW
};
const CONNECTED: Row = Row {
    tone: "good",
    title: "Connected",
    text: "All is well. The connection renews itself.",
    next: "You need not do anything.",
    offers: RENEWABLE,
    ..ROW
};
const REFRESHING: Row = Row {
    tone: "busy",
    title: "Connected, renewing right now",
    text: "Keap was asked for new tokens {since}. {calls}",
    next: "You need not do anything. This page shows by itself how it went.",
    ..ROW
};
const UNREACHED: Row = Row {
    tone: "warn",
    title: "Keap cannot be reached",
    text: "It began {since} and was tried {times}; the next try is {next}.",
    next: "It is tried again by itself. If it lasts, see whether this machine reaches the internet, and whether Keap \
           itself is up.",
    time_left: "{calls} {end}",
    offers: RENEWABLE,
    ..ROW
};
/// The same phase, when Keap was reached and asked for patience.
const ASKED_TO_WAIT: Row = Row {
    title: "Keap asked to wait",
    text: "Keap has too much to do and turned the last renewal away unread. It began {since} and was tried {times}; \
           the next try is {next}, when Keap allows it.",
    next: "It is tried again by itself. If it lasts, see what else makes many calls for this application or account.",
    offers: ROW.offers,
    ..UNREACHED
};
const UNCONFIRMED: Row = Row {
    tone: "warn",
    title: "Keap gave no usable answer to a renewal",
    text: "It began {since} and was tried {times}; the next try is {next}. Keap may or may not have renewed the tokens.",
    next: "It is tried again by itself. If it is still like this shortly before the time below, connect again: then \
           nothing stops.",
    time_left: "{calls} {end}",
    ..ROW
};
const SUSPECT: Row = Row {
    tone: "warn",
    title: "Keap refused to renew the connection",
    text: "It began {since}; Keap refused {times}. One refusal is not believed: Keap is asked again before the \
           connection is given up; the next time is {next}.",
    next: "Wait, or connect again right away if you know that somebody removed the access in Keap.",
    time_left: "{calls} {end}",
    offers: RENEWABLE,
    ..ROW
};
const MISCONFIGURED: Row = Row {
    tone: "bad",
    title: "Keap does not accept the client id or secret",
    text: "It began {since}. The connection itself is not lost, but it cannot be renewed like this.",
    next: "Compare the client id and secret in the settings of {app} with those at keys.developer.keap.com, correct \
           them, and restart. It is tried again then, and every 15 minutes: connecting again is not needed.",
    time_left: "{calls} {end}",
    offers: RENEWABLE,
    ..ROW
};
const RESTORED: Row = Row {
    tone: "bad",
    title: "The database was restored from a backup",
    text: "It holds an older pair of tokens than {app} has had already, as was noticed {since}. The refresh token in it \
           has been used, and Keap takes each only once. So nothing is renewed before you decide.",
    next: "Connect again: that works whatever the database holds, and is what we recommend. To go on with this database \
           is possible, too, but most likely Keap refuses it.",
    time_left: "{calls} {end}",
    connect: Some("Connect again"),
    offers: &[Offer::Adopt, Offer::Disconnect],
    ..ROW
};
const COPIED: Row = Row {
    title: "The database is a copy",
    text: "It is not the one that {app} wrote, but was copied, moved or restored from a backup, as was noticed {since}. \
           If the original is still in use somewhere, two would renew the same connection, and that ends it for both. \
           So nothing is renewed before you decide.",
    next: "Connect again: then this {app} has a connection of its own, which is what we recommend. If you only moved \
           it and nothing else uses the connection, you can go on with this database.",
    ..RESTORED
};
const REJECTED: Row = Row {
    tone: "bad",
    title: "The connection has to be made again",
    text: "Keap no longer accepts it, as became certain {since}. Most likely somebody removed the access in Keap, or a \
           copy of {app} uses the same connection. {kept}",
    next: "Press Reconnect and allow the access for the same account.",
    time_left: "{calls}",
    connect: Some("Reconnect to Keap"),
    offers: &[Offer::Disconnect],
    ..ROW
};
const EXPIRED: Row = Row {
    title: "The connection has run out",
    text: "It was not renewed for 45 days, after which Keap ends a connection; Keap has refused it since, as became \
           certain {since}. Most likely {app} was switched off for that long. {kept}",
    ..REJECTED
};
const DISCONNECTED: Row = Row {
    tone: "idle",
    title: "Disconnected",
    text: "An administrator disconnected it {since}, and the tokens were erased. {kept}",
    next: "Connect again whenever you like. In Keap the access stays listed until a user of the account removes it.",
    connect: Some("Connect to Keap"),
    offers: &[],
    ..ROW
};
const API_KEY: Row = Row {
    tone: "good",
    title: "Working with an API key",
    text: "Calls to Keap carry the key from the settings of {app}. There is nothing to renew and nothing to connect.",
    next: "To change the key, change the settings and restart. The key can be revoked in Keap.",
    offers: &[],
    ..ROW
};

#[cfg(test)]
pub(super) const ALL: [Row; 14] = [
    NOT_CONNECTED,
    CONNECTED,
    REFRESHING,
    UNREACHED,
    ASKED_TO_WAIT,
    UNCONFIRMED,
    SUSPECT,
    MISCONFIGURED,
    RESTORED,
    COPIED,
    REJECTED,
    EXPIRED,
    DISCONNECTED,
    API_KEY,
];

pub(super) fn row(phase: Phase, is_asked_to_wait: bool) -> Row {
    match phase {
        Phase::NotConnected => NOT_CONNECTED,
        Phase::Connected => CONNECTED,
        Phase::Refreshing { .. } => REFRESHING,
        Phase::Unreached { .. } if is_asked_to_wait => ASKED_TO_WAIT,
        Phase::Unreached { .. } => UNREACHED,
        Phase::Unconfirmed { .. } => UNCONFIRMED,
        Phase::Suspect { .. } => SUSPECT,
        Phase::Misconfigured { .. } => MISCONFIGURED,
        Phase::Restored { reason: RestoredReason::Older, .. } => RESTORED,
        Phase::Restored { reason: RestoredReason::Copied, .. } => COPIED,
        Phase::NeedsReconnect { reason: LostReason::Rejected, .. } => REJECTED,
        Phase::NeedsReconnect { reason: LostReason::Expired, .. } => EXPIRED,
        Phase::Disconnected { .. } => DISCONNECTED,
        Phase::ApiKey => API_KEY,
    }
}
