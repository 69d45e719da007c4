//! What can go wrong with one token call, as a table: what Keap does, and what comes back.

use jiff::Timestamp;
use keapsake::clock::later;
use std::time::Duration;

use super::keap::Oddity;

/// One way for a token call to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// For reports.
    pub(crate) name: &'static str,
    pub(crate) keap: KeapDoes,
    pub(crate) back: ComesBack,
}

/// What becomes of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeapDoes {
    /// It never gets there.
    Nothing,
    /// It is carried out.
    It,
    /// It is carried out some seconds later, when nobody waits any more.
    ItLate,
}

/// What becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ComesBack {
    /// There is not even a connection.
    NoConnection { after: Duration },
    /// The connection was gone before the first byte was written.
    NotSent,
    /// The connection ends.
    Nothing,
    /// Nothing within the longest time a client waits.
    NothingInTime,
    /// Only the first half of it.
    Half,
    /// Keap's own, after some time.
    Answer { slow: bool, odd: Odd },
    /// Another one in its place.
    Other(Other),
}

/// As [`Oddity`], ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Odd {
    No,
    LifeAsText,
    NoLife,
    KeepsRefreshToken,
}

impl From<Odd> for Oddity {
    fn from(odd: Odd) -> Self {
        match odd {
            Odd::No => Self::None,
            Odd::LifeAsText => Self::LifeAsText,
            Odd::NoLife => Self::NoLife,
            Odd::KeepsRefreshToken => Self::KeepsRefreshToken,
        }
    }
}

/// An answer that is not the one Keap gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Other {
    pub(crate) status: u16,
    pub(crate) body: &'static str,
    pub(crate) retry_after: Option<u64>,
}

const HTML: &str = "<html><body>We are making Keap better for you. Back soon!</body></html>";
const QUOTA: &str = r#"{"message":"Quota Exceeded","code":"429"}"#;
const REJECTED: &str = r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#;
const CLIENT: &str = r#"{"error":"invalid_client","error_description":"Invalid client credentials"}"#;
const CLIENT_FAULT: &str = r#"{"fault":{"faultstring":"Invalid client identifier {0}","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}"#;

const fn other(status: u16, body: &'static str) -> ComesBack {
    ComesBack::Other(Other { status, body, retry_after: None })
}

const fn answer(slow: bool, odd: Odd) -> ComesBack {
    ComesBack::Answer { slow, odd }
}

const fn fault(name: &'static str, keap: KeapDoes, back: ComesBack) -> Fault {
    Fault { name, keap, back }
}

use KeapDoes::{It, ItLate, Nothing};

/// Keap asks to wait for so many seconds.
const THROTTLED: ComesBack = ComesBack::Other(Other { status: 429, body: QUOTA, retry_after: Some(90) });

/// Keap is not there: nothing is sent.
pub(crate) const UNREACHED: [Fault; 4] = [
    fault("refused", Nothing, ComesBack::NoConnection { after: Duration::from_millis(40) }),
    fault("TLS failure", Nothing, ComesBack::NoConnection { after: Duration::from_millis(300) }),
    fault("black hole", Nothing, ComesBack::NoConnection { after: Duration::from_secs(10) }),
    fault("reset before sending", Nothing, ComesBack::NotSent),
];

/// The request leaves and is not carried out.
pub(crate) const FAILING: [Fault; 10] = [
    fault("reset while sending", Nothing, ComesBack::Nothing),
    fault("never answered", Nothing, ComesBack::NothingInTime),
    fault("500 before", Nothing, other(500, "")),
    fault("502 before", Nothing, other(502, "<html>Bad Gateway</html>")),
    fault("503 before", Nothing, other(503, HTML)),
    fault("504 before", Nothing, other(504, "")),
    fault("HTML page", Nothing, other(200, HTML)),
    fault("garbage", Nothing, other(200, "{\"access_token\":")),
    fault("redirect", Nothing, other(302, "")),
    fault("not found", Nothing, other(404, "")),
];

/// It is carried out, and its answer is lost. No client can do anything about these.
pub(crate) const FATAL: [Fault; 8] = [
    fault("answer lost", It, ComesBack::Nothing),
    fault("half answer", It, ComesBack::Half),
    fault("answer too late", It, ComesBack::NothingInTime),
    fault("carried out late", ItLate, ComesBack::Nothing),
    fault("500 after", It, other(500, "")),
    fault("502 after", It, other(502, "")),
    fault("504 after", It, other(504, "")),
    fault("HTML page after", It, other(200, HTML)),
];

/// Keap turns it away unread.
pub(crate) const BUSY: [Fault; 2] =
    [fault("429", Nothing, other(429, QUOTA)), fault("429 with Retry-After", Nothing, THROTTLED)];

/// Keap does not like the application.
pub(crate) const MISCONFIGURED: [Fault; 2] = [
    fault("invalid client", Nothing, other(401, CLIENT)),
    fault("client fault", Nothing, other(401, CLIENT_FAULT)),
];

/// Unusual, and yet right.
pub(crate) const ODD: [Fault; 4] = [
    fault("slow answer", It, answer(true, Odd::No)),
    fault("expires_in as text", It, answer(false, Odd::LifeAsText)),
    fault("no expires_in", It, answer(false, Odd::NoLife)),
    fault("no refresh token", It, answer(false, Odd::KeepsRefreshToken)),
];

/// A part of Keap that has not heard of the newest token yet.
pub(crate) const FORGETFUL: [Fault; 1] = [fault("refused by mistake", Nothing, other(400, REJECTED))];

/// What goes together, and how often it is what goes wrong.
pub(crate) const FAMILIES: [(&[Fault], u64); 7] = [
    (&UNREACHED, 30),
    (&FAILING, 25),
    (&FATAL, 8),
    (&BUSY, 10),
    (&MISCONFIGURED, 4),
    (&ODD, 18),
    (&FORGETFUL, 5),
];

/// A time in which most token calls go wrong in the same way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    pub(crate) from: Timestamp,
    pub(crate) lasts: Duration,
    pub(crate) family: &'static [Fault],
}

impl Outage {
    pub(crate) fn is_at(&self, now: Timestamp) -> bool {
        self.from <= now && now < later(self.from, self.lasts)
    }
}
