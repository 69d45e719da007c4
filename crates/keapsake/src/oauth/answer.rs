//! What the token endpoint said, and what it means.
//!
//! Keap has had three ways to say "this refresh token is dead", uses `invalid_request` both for that and for a
//! malformed request, and its gateway speaks a language of its own; see [`Verdict`].

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::secret::{AccessToken, RefreshToken, redact};

/// An access token, usually with the refresh token that replaces the one just spent.
#[derive(Debug)]
pub struct TokenPair {
    /// For API calls.
    pub access: AccessToken,
    /// For the next refresh. `None` means: keep the old one (RFC 6749 section 6).
    pub refresh: Option<RefreshToken>,
    /// How long the access token lives, from the moment the request was started.
    pub expires_in: Duration,
    /// The Keap account, as Keap names its host (`acme.infusionsoft.com`), read from `scope`.
    pub account: Option<String>,
}

/// What an answer of the token endpoint means for the connection.
#[derive(Debug)]
pub enum Verdict {
    /// A new pair. Save it before anything else.
    Granted(TokenPair),
    /// The code or refresh token is not (or no longer) good.
    Rejected(Complaint),
    /// Keap does not accept our client id or secret. The connection itself may be fine.
    Misconfigured(Complaint),
    /// Too many requests; Keap's quota answers before a token is looked at.
    Throttled(Complaint),
    /// It may or may not have been carried out: a failure of Keap's, or an answer nobody can read.
    Unconfirmed(Complaint),
}

/// What was answered instead of a pair; safe to log, store and show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The HTTP status.
    pub status: u16,
    /// Keap's own words in one line, secrets removed; empty when it said nothing readable.
    pub words: String,
}

/// What we sent, to be recognised (and removed) when it comes back in an error.
pub type SentSecrets<'a> = &'a [&'a str];

/// Access tokens are taken to live this long when Keap does not say, or says something impossible.
const LIFE_WHEN_UNSAID: Duration = Duration::from_hours(1);
const SHORTEST_LIFE: u64 = 60;
const LONGEST_LIFE: u64 = 30 * 86_400;
const LONGEST_WORDS: usize = 300;

/// The descriptions (in lower case) by which Keap's `invalid_request` means a dead refresh token: the word alone
/// is also its answer to a malformed request, which must not cost the connection.
const DEAD_TOKEN_DESCRIPTIONS: [&str; 1] = ["invalid refresh token"];

/// Error words that are about the application, not about the token (RFC 6749 section 5.2).
const CLIENT_ERRORS: [&str; 2] = ["invalid_client", "unauthorized_client"];

/// Reads an answer to a token request.
pub fn read(answer: &http::Response<Bytes>, sent: SentSecrets<'_>) -> Verdict {
    let body = Body::read(answer.body());
    let complaint =
        Complaint { status: answer.status().as_u16(), words: body.words(answer.body().is_empty(), sent) };
    match answer.status().as_u16() {
        200 => match body.pair() {
            Some(pair) => Verdict::Granted(pair),
            None => Verdict::Unconfirmed(complaint),
        },
        429 => Verdict::Throttled(complaint),
        400 | 401 | 403 if body.is_dead_token() => Verdict::Rejected(complaint),
        400 | 401 | 403 if body.is_client_error() => Verdict::Misconfigured(complaint),
        // A refusal in unknown words has not spent the token, but proves nothing about it either.
        _ => Verdict::Unconfirmed(complaint),
    }
}

/// The shapes seen from this endpoint, in one: OAuth's, Apigee's fault, the throttle's message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    access_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    scope: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    message: Option<String>,
    fault: Option<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    faultstring: String,
    detail: FaultDetail,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FaultDetail {
    errorcode: String,
}

impl Body {
    fn read(bytes: &Bytes) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn pair(&self) -> Option<TokenPair> {
        if !self.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return None;
        }
        let access = self.access_token.as_deref().filter(|token| is_token(token))?;
        let refresh = match self.refresh_token.as_deref() {
            Some(token) if !is_token(token) => return None,
            token => token.map(RefreshToken::new),
        };
        Some(TokenPair {
            access: AccessToken::new(access),
            refresh,
            expires_in: life(self.expires_in.as_ref()),
            account: self.scope.as_deref().and_then(account),
        })
    }

    fn is_dead_token(&self) -> bool {
        let description = self.error_description.as_deref().unwrap_or_default().trim().to_lowercase();
        match self.error.as_deref() {
            Some("invalid_grant") => true,
            Some("invalid_request") => DEAD_TOKEN_DESCRIPTIONS.contains(&description.as_str()),
            _ => false,
        }
    }

    fn is_client_error(&self) -> bool {
        let word = self.error.as_deref().unwrap_or_default();
        let code = self.fault.as_ref().map_or("", |fault| fault.detail.errorcode.as_str());
        // Apigee: `oauth.v2.InvalidClientIdentifier` and its kin.
        CLIENT_ERRORS.contains(&word) || code.to_lowercase().contains("client")
    }

    fn words(&self, nothing_came: bool, sent: SentSecrets<'_>) -> String {
        let fault = self.fault.as_ref();
        let parts = [
            self.error.as_deref(),
            self.error_description.as_deref(),
            fault.map(|fault| fault.faultstring.as_str()),
            fault.map(|fault| fault.detail.errorcode.as_str()),
            self.message.as_deref(),
        ];
        let said: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if said.is_empty() {
            return if nothing_came { "an empty answer" } else { "an answer that is not Keap's JSON" }.into();
        }
        plain(&redact(&said.join(": "), sent))
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Keap sends a number; text is understood as well.
fn life(value: Option<&Value>) -> Duration {
    let seconds = match value {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds @ SHORTEST_LIFE..=LONGEST_LIFE) => Duration::from_secs(seconds),
        _ => LIFE_WHEN_UNSAID,
    }
}

/// `full|acme.infusionsoft.com` names the account.
fn account(scope: &str) -> Option<String> {
    let host = scope.split('|').nth(1)?.trim();
    let is_host = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host.then(|| host.to_ascii_lowercase())
}

/// One printable line of bounded length.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict {
        let answer = http::Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
        read(&answer, &["sent-secret"])
    }

    fn kind(status: u16, body: &str) -> &'static str {
        match verdict(status, body) {
            Verdict::Granted(_) => "granted",
            Verdict::Rejected(_) => "rejected",
            Verdict::Misconfigured(_) => "misconfigured",
            Verdict::Throttled(_) => "throttled",
            Verdict::Unconfirmed(_) => "unconfirmed",
        }
    }

    const GOOD: &str = r#"{"access_token":"Ab3dEf6hIj9k","token_type":"bearer","expires_in":86400,
        "refresh_token":"Zy9xWv8uTs7r","scope":"full|ab123.infusionsoft.com"}"#;

    #[test]
    fn a_pair_as_keap_sends_it() {
        let Verdict::Granted(pair) = verdict(200, GOOD) else { panic!() };
        assert_eq!(pair.access.expose(), "Ab3dEf6hIj9k");
        assert_eq!(pair.refresh.unwrap().expose(), "Zy9xWv8uTs7r");
        assert_eq!(pair.expires_in, Duration::from_hours(24));
        assert_eq!(pair.account.as_deref(), Some("ab123.infusionsoft.com"));
    }

    #[test]
    fn what_each_answer_means() {
        let table = [
            (200, GOOD, "granted"),
            (200, &GOOD.replace("bearer", "BeArEr"), "granted"),
            (200, &GOOD[..40], "unconfirmed"),
            (200, "", "unconfirmed"),
            (200, "<html>Login</html>", "unconfirmed"),
            (200, "[]", "unconfirmed"),
            (200, "{}", "unconfirmed"),
            (200, &GOOD.replace("bearer", "mac"), "unconfirmed"),
            (200, &GOOD.replace("Ab3dEf6hIj9k", ""), "unconfirmed"),
            (200, &GOOD.replace("Ab3dEf6hIj9k", "a b"), "unconfirmed"),
            (200, &GOOD.replace("Zy9xWv8uTs7r", ""), "unconfirmed"),
            (400, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#, "rejected"),
            (400, r#"{"error":"invalid_request","error_description":"Invalid Refresh Token"}"#, "rejected"),
            (
                401,
                r#"{"error":"invalid_grant","error_description":"Unable to authenticate username and password"}"#,
                "rejected",
            ),
            (
                400,
                r#"{"error":"invalid_request","error_description":"response_type or grant_type is required"}"#,
                "unconfirmed",
            ),
            (400, r#"{"error":"invalid_request"}"#, "unconfirmed"),
            (401, r#"{"error":"invalid_client"}"#, "misconfigured"),
            (400, r#"{"error":"unauthorized_client"}"#, "misconfigured"),
            (
                401,
                r#"{"fault":{"faultstring":"Invalid client identifier {0}","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}"#,
                "misconfigured",
            ),
            (429, r#"{"code":"429","message":"Quota Exceeded"}"#, "throttled"),
            (500, r#"{"error":"invalid_grant"}"#, "unconfirmed"),
            (502, "<html>Bad Gateway</html>", "unconfirmed"),
            (503, "", "unconfirmed"),
            (302, "", "unconfirmed"),
            (404, r#"{"error":"invalid_grant"}"#, "unconfirmed"),
        ];
        for (status, body, expected) in table {
            assert_eq!(kind(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_life_is_a_number_or_text_or_careful() {
        let life_of = |expires_in: &str| {
            let Verdict::Granted(pair) = verdict(200, &GOOD.replace("86400", expires_in)) else { panic!() };
            pair.expires_in.as_secs()
        };
        assert_eq!(life_of(r#""3600""#), 3600);
        assert_eq!(life_of("28800"), 28_800);
        for odd in ["null", "0", "-5", "59", "1e9", "99999999", r#""soon""#, "{}", "true"] {
            assert_eq!(life_of(odd), 3600, "{odd}");
        }
    }

    #[test]
    fn a_missing_refresh_token_is_not_an_empty_one() {
        let body = r#"{"access_token":"abc","token_type":"bearer","expires_in":86400}"#;
        let Verdict::Granted(pair) = verdict(200, body) else { panic!() };
        assert!(pair.refresh.is_none());
    }

    #[test]
    fn a_complaint_carries_words_but_no_secret() {
        let body = r#"{"error":"invalid_request","error_description":"bad\n sent-secret"}"#;
        let Verdict::Unconfirmed(complaint) = verdict(400, body) else { panic!() };
        assert_eq!(complaint, Complaint { status: 400, words: "invalid_request: bad [secret]".into() });
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_not_repeated_in_the_complaint() {
        let Verdict::Unconfirmed(complaint) = verdict(200, &GOOD.replace("bearer", "mac")) else { panic!() };
        assert!(!complaint.words.contains("Ab3d") && !complaint.words.contains("Zy9x"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(status in 200_u16..600, body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let answer = http::Response::builder().status(status).body(Bytes::from(body)).unwrap();
            let _ = read(&answer, &[]);
        }
    }
}
