//! What came in, without anything secret.

use std::collections::VecDeque;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

const KEPT: usize = 1_000;
const BODY_MAX: usize = 4_096;
const KEPT_BODY_MAX: usize = 16_384;
const MASK: &str = "***";

/// Names of form and JSON fields and query parameters whose values are never shown.
const SECRETS: &[&str] = &[
    "access_token",
    "client_secret",
    "code",
    "code_verifier",
    "csrf",
    "password",
    "refresh_token",
    "secret",
    "token",
];

/// One request, as shown by `/_sandbox/requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestReport {
    /// Counts all requests since the start.
    pub number: u64,
    /// When it was answered, on the sandbox clock.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, with secrets masked.
    pub query: String,
    /// The status of the answer; `null` when the connection was closed instead.
    pub status: Option<u16>,
    /// The operation id of the API description, or what the sandbox calls it.
    pub operation: String,
    /// The account that the credential opened.
    pub account: Option<String>,
    /// Whether the request had its effect, whatever the client was told.
    pub applied: bool,
    /// The fault that struck it.
    pub fault: Option<u64>,
    /// What the client calls itself.
    pub user_agent: String,
    /// The kind of credential, never the credential: `none`, `basic`, `bearer`, `key` or `other`.
    pub authorization: String,
    /// The beginning of the body, with secrets masked.
    pub body: String,
}

/// A request on its way into the log.
pub(crate) struct Logged {
    pub(crate) at: Timestamp,
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) status: Option<u16>,
    pub(crate) operation: &'static str,
    pub(crate) account: Option<String>,
    pub(crate) applied: bool,
    pub(crate) fault: Option<u64>,
    pub(crate) user_agent: String,
    pub(crate) authorization: &'static str,
    pub(crate) body: LoggedBody,
}

/// A body. Masking is done when somebody looks; forms, where secrets travel, are masked before they are kept.
pub(crate) enum LoggedBody {
    Masked(String),
    Json(Bytes),
}

impl LoggedBody {
    /// Takes the beginning of a body. What is neither a form nor JSON is not kept.
    pub(crate) fn new(content_type: &str, body: &Bytes) -> Self {
        let looks_like_json = body.first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        if looks_like_json && body.len() <= KEPT_BODY_MAX {
            return Self::Json(body.clone());
        }
        if content_type.starts_with("application/x-www-form-urlencoded") && body.len() <= KEPT_BODY_MAX {
            return Self::Masked(masked_pairs(&String::from_utf8_lossy(body)));
        }
        Self::Masked(if body.is_empty() { String::new() } else { format!("({} bytes)", body.len()) })
    }

    fn shown(&self) -> String {
        match self {
            Self::Masked(text) => clipped(text),
            Self::Json(bytes) => match serde_json::from_slice::<Value>(bytes) {
                Ok(mut value) => {
                    mask(&mut value);
                    clipped(&value.to_string())
                }
                Err(_) => format!("({} bytes that are not JSON)", bytes.len()),
            },
        }
    }
}

/// The latest requests.
#[derive(Default)]
pub(crate) struct RequestLog {
    kept: VecDeque<(u64, Logged)>,
    last: watch::Sender<u64>,
}

impl RequestLog {
    pub(crate) fn push(&mut self, request: Logged) {
        let number = self.last_number() + 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((number, request));
        self.last.send_replace(number);
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    pub(crate) fn last_number(&self) -> u64 {
        *self.last.borrow()
    }

    /// Holds the number of the latest request.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Requests after this number, oldest first.
    pub(crate) fn after(&self, number: u64) -> Vec<RequestReport> {
        let newer = self.kept.iter().filter(|(this, _)| *this > number);
        newer.map(|(number, request)| report(*number, request)).collect()
    }
}

fn report(number: u64, request: &Logged) -> RequestReport {
    RequestReport {
        number,
        at: request.at,
        method: request.method.to_string(),
        path: clipped(&request.path),
        query: masked_pairs(&request.query),
        status: request.status,
        operation: request.operation.to_owned(),
        account: request.account.clone(),
        applied: request.applied,
        fault: request.fault,
        user_agent: request.user_agent.clone(),
        authorization: request.authorization.to_owned(),
        body: request.body.shown(),
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name.to_ascii_lowercase().as_str())
}

/// A query or form with the values of secrets replaced.
fn masked_pairs(pairs: &str) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let decoded = url::form_urlencoded::parse(pairs.as_bytes());
    let masked = decoded.map(|(name, value)| {
        let hidden = is_secret(&name) || value.contains("KeapAK-");
        (name, if hidden { MASK.into() } else { value })
    });
    clipped(&url::form_urlencoded::Serializer::new(String::new()).extend_pairs(masked).finish())
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if is_secret(name) {
                    *value = Value::from(MASK);
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) if text.contains("KeapAK-") => *value = Value::from(MASK),
        _ => {}
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(BODY_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_get_into_the_log() {
        let form = "grant_type=refresh_token&refresh_token=s3cret&client_secret=s3cret&x=KeapAK-s3cret";
        let shown = LoggedBody::new("application/x-www-form-urlencoded", &Bytes::from(form)).shown();
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("grant_type=refresh_token"));
        let json = r#"{"a":[{"Password":"s3cret"}],"b":"KeapAK-s3cret","given_name":"Ann"}"#;
        let shown = LoggedBody::new("application/json", &Bytes::from(json)).shown();
        assert!(!shown.contains("s3cret") && shown.contains("Ann"), "{shown}");
        let other = LoggedBody::new("text/plain", &Bytes::from("s3cret")).shown();
        assert_eq!(other, "(6 bytes)");
    }
}
