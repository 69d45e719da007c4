//! What went wrong, as answers to what a caller has to decide.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::oauth::answer::plain;
use crate::secret::redact;
use crate::store::StoreError;
use crate::transport::{Reach, TransportError};

/// A call that did not work.
///
/// It answers what a caller decides on: may I try again ([`is_transient`](Error::is_transient)), when
/// ([`retry_after`](Error::retry_after)), did Keap get it ([`reach`](Error::reach)), must a person connect again
/// ([`needs_reconnect`](Error::needs_reconnect)). It never holds a secret, and e-mail addresses in Keap's words are
/// masked, so it can be logged.
pub struct Error(Box<Facts>);

#[derive(Clone)]
struct Facts {
    cause: Cause,
    reach: Reach,
    message: String,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

/// What decides the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    NotConnected,
    Renewing,
    Network,
    Throttled,
    KeapFailed,
    Refused,
    Unauthorized,
    Forbidden,
    Unreadable,
    Store,
    Request,
}

impl Error {
    pub(crate) fn not_connected(message: impl Into<String>) -> Self {
        Self::new(Cause::NotConnected, Reach::No, message)
    }

    pub(crate) fn renewing(message: impl Into<String>, retry_after: Duration) -> Self {
        let mut error = Self::new(Cause::Renewing, Reach::No, message);
        error.0.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(Cause::Request, Reach::No, message)
    }

    pub(crate) fn unreadable(what: &str) -> Self {
        let message =
            format!("Keap's answer is not the {what} it should be; see if the API address is Keap's");
        Self::new(Cause::Unreadable, Reach::Yes, message)
    }

    /// What an answer that is not a success means; `sent` are the secrets that went along, in case they come back.
    pub(crate) fn answer(answer: &http::Response<Bytes>, sent: &[&str]) -> Self {
        let status = answer.status().as_u16();
        let cause = match status {
            401 => Cause::Unauthorized,
            403 => Cause::Forbidden,
            429 => Cause::Throttled,
            408 | 500..=599 => Cause::KeapFailed,
            400..=499 => Cause::Refused,
            _ => Cause::Unreadable,
        };
        let mut error =
            Self::new(cause, Reach::Yes, format!("Keap answered {status}{}", words(answer.body(), sent)));
        error.0.status = Some(status);
        error.0.retry_after = retry_after(answer.headers());
        error
    }

    fn new(cause: Cause, reach: Reach, message: impl Into<String>) -> Self {
        Self(Box::new(Facts { cause, reach, message: message.into(), status: None, retry_after: None }))
    }

    /// Whether it heals by itself: trying again later can work without anybody doing anything.
    ///
    /// Look at [`reach`](Error::reach) before repeating something that must not happen twice.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.0.cause,
            Cause::Renewing
                | Cause::Network
                | Cause::Throttled
                | Cause::KeapFailed
                | Cause::Store
                | Cause::Unreadable
        )
    }

    /// How long to wait before the next try, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether Keap got the request. After [`Reach::Unknown`] it may have been carried out.
    pub fn reach(&self) -> Reach {
        self.0.reach
    }

    /// Whether the request may have been carried out: it was sent, and no answer says that it was not.
    pub fn may_have_happened(&self) -> bool {
        match self.0.reach {
            Reach::No => false,
            Reach::Unknown => true,
            Reach::Yes => matches!(self.0.cause, Cause::KeapFailed | Cause::Unreadable),
        }
    }

    /// Whether a person has to connect to Keap (again) in the panel before this can work.
    pub fn needs_reconnect(&self) -> bool {
        self.0.cause == Cause::NotConnected
    }

    /// Whether Keap understood this very request and refuses it: repeating it unchanged is of no use.
    pub fn is_refused(&self) -> bool {
        matches!(self.0.cause, Cause::Refused | Cause::Request)
    }

    /// Whether Keap has no such thing (404).
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404)
    }

    /// Whether it was one call too many (429).
    pub fn is_rate_limited(&self) -> bool {
        self.0.cause == Cause::Throttled
    }

    /// Keap's HTTP status, if it answered.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {:?}, {:?})", self.0.cause, self.0.reach, self.0.message)
    }
}

impl std::error::Error for Error {}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let message = match error.reach() {
            Reach::No => format!("Keap could not be reached: {error}"),
            Reach::Unknown | Reach::Yes => format!("Keap did not answer: {error}"),
        };
        Self::new(Cause::Network, error.reach(), message)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(Cause::Store, Reach::No, error.to_string())
    }
}

/// `Retry-After` in seconds; its date form is not used by Keap.
pub(crate) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(86_400)))
}

/// The error bodies seen on Keap's API: v2, v1, the gateway's fault, the throttle.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    fault: Option<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    faultstring: String,
}

fn words(body: &Bytes, sent: &[&str]) -> String {
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let said = body
        .message
        .or(body.fault.map(|fault| fault.faultstring))
        .or(body.error_description)
        .or(body.error)
        .filter(|words| !words.trim().is_empty());
    said.map_or_else(String::new, |words| format!(": {}", mask_addresses(&plain(&redact(&words, sent)))))
}

/// Keap's words can name another person.
fn mask_addresses(text: &str) -> String {
    let mask = |word: &str| if word.contains('@') { "[e-mail]".to_owned() } else { word.to_owned() };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> Error {
        let answer = http::Response::builder().status(status).header("retry-after", "7");
        Error::answer(&answer.body(Bytes::from(body.to_owned())).unwrap(), &["sent-secret"])
    }

    #[test]
    fn every_body_shape_gives_its_words() {
        let table = [
            (r#"{"code":400,"message":"bad","status":"Bad Request","details":[]}"#, "Keap answered 400: bad"),
            (r#"{"message":"bad"}"#, "Keap answered 400: bad"),
            (r#"{"fault":{"faultstring":"bad","detail":{"errorcode":"x"}}}"#, "Keap answered 400: bad"),
            (r#"{"error":"e","error_description":"bad"}"#, "Keap answered 400: bad"),
            ("<html>no</html>", "Keap answered 400"),
            ("", "Keap answered 400"),
            ("[1]", "Keap answered 400"),
        ];
        for (body, expected) in table {
            assert_eq!(error(400, body).to_string(), expected);
        }
    }

    #[test]
    fn another_persons_address_is_masked() {
        let error = error(400, r#"{"message":"duplicate of jo@example.com, see 7"}"#);
        assert_eq!(error.to_string(), "Keap answered 400: duplicate of [e-mail] see 7");
    }

    #[test]
    fn an_echoed_token_is_taken_out() {
        let error = error(400, r#"{"message":"sent-secret is not welcome"}"#);
        assert_eq!(error.to_string(), "Keap answered 400: [secret] is not welcome");
    }

    #[test]
    fn the_answers_for_each_status() {
        let table = [
            (400, false, true, false),
            (401, false, false, false),
            (403, false, false, false),
            (404, false, true, false),
            (409, false, true, false),
            (422, false, true, false),
            (429, true, false, false),
            (500, true, false, true),
            (503, true, false, true),
            (302, true, false, true),
        ];
        for (status, transient, refused, may_have_happened) in table {
            let error = error(status, "");
            assert_eq!(error.is_transient(), transient, "{status}");
            assert_eq!(error.is_refused(), refused, "{status}");
            assert_eq!(error.may_have_happened(), may_have_happened, "{status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            assert_eq!(error.reach(), Reach::Yes);
        }
    }

    #[test]
    fn a_lost_answer_may_have_happened() {
        assert!(Error::from(TransportError::no_answer("reset")).may_have_happened());
        assert!(!Error::from(TransportError::not_sent("refused")).may_have_happened());
    }
}
