//! What the browser brings back to the redirect address (RFC 6749 sections 4.1.2 and 4.1.2.1).

use crate::secret::{AuthorizationCode, State};

/// A callback that can belong to a flow. Whether it does, the state decides.
#[derive(Debug)]
pub struct Callback {
    /// The state it carries.
    pub state: State,
    /// Its message.
    pub message: Message,
}

/// What Keap said.
#[derive(Debug)]
pub enum Message {
    /// A code to exchange.
    Granted(AuthorizationCode),
    /// No access.
    Refused(Refusal),
}

/// Why no access was given, by the words of RFC 6749 section 4.1.2.1.
///
/// Keap's own description is not kept: it is text from a URL that anybody can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// `access_denied`. At Keap this does *not* prove that the person refused: an unknown client id renders a
    /// consent page whose Allow button sends the same words
    /// (<https://github.com/infusionsoft/infusionsoft-php/issues/115>).
    AccessDenied,
    /// `invalid_request`.
    InvalidRequest,
    /// `unauthorized_client`.
    UnauthorizedClient,
    /// `unsupported_response_type`.
    UnsupportedResponseType,
    /// `invalid_scope`.
    InvalidScope,
    /// `server_error`.
    ServerError,
    /// `temporarily_unavailable`.
    TemporarilyUnavailable,
    /// A word that RFC 6749 does not know.
    Other,
}

/// The words of RFC 6749 section 4.1.2.1 and what an administrator should read.
const REFUSALS: [(&str, Refusal, &str); 7] = [
    (
        "access_denied",
        Refusal::AccessDenied,
        "Keap gave no access. Either Deny was pressed, or Keap does not know the client id: Keap sends the same \
         answer for both. If you pressed Allow, check the client id.",
    ),
    (
        "invalid_request",
        Refusal::InvalidRequest,
        "Keap did not understand the request. Check the client id and the redirect address.",
    ),
    (
        "unauthorized_client",
        Refusal::UnauthorizedClient,
        "Keap does not let this application connect. Its key may not be approved yet: look at \
         keys.developer.keap.com.",
    ),
    (
        "unsupported_response_type",
        Refusal::UnsupportedResponseType,
        "Keap did not accept the kind of connection. Check that the authorize address is Keap's.",
    ),
    (
        "invalid_scope",
        Refusal::InvalidScope,
        "Keap did not accept the scope. Check that the authorize address is Keap's.",
    ),
    (
        "server_error",
        Refusal::ServerError,
        "Something failed at Keap. Nothing was changed here; try again in a few minutes.",
    ),
    (
        "temporarily_unavailable",
        Refusal::TemporarilyUnavailable,
        "Keap is busy or under maintenance. Nothing was changed here; try again in a few minutes.",
    ),
];

impl Refusal {
    fn from_word(word: &str) -> Self {
        REFUSALS.iter().find(|row| row.0 == word).map_or(Self::Other, |row| row.1)
    }

    /// What happened and what to do, for the administrator.
    pub fn explanation(self) -> &'static str {
        REFUSALS.iter().find(|row| row.1 == self).map_or(
            "Keap refused with a reason we do not know. Nothing was changed here; try again.",
            |row| row.2,
        )
    }
}

/// A callback that cannot be one of Keap's. Nothing was done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCallback {
    /// No `state`, or an empty one.
    #[error("the address carries no state")]
    NoState,
    /// Neither `code` nor `error`.
    #[error("the address carries neither a code nor an error")]
    NoMessage,
    /// Both `code` and `error`.
    #[error("the address carries both a code and an error")]
    TwoMessages,
    /// A parameter that decides is there twice (RFC 6749 section 3.1).
    #[error("the address carries a parameter twice")]
    Repeated,
    /// A parameter is longer than any real one.
    #[error("the address carries a parameter that is too long")]
    TooLong,
}

/// No state, code or error of Keap's is longer than this many bytes.
const LONGEST: usize = 2048;

impl Callback {
    /// Reads the query of a request to the redirect address.
    ///
    /// # Errors
    /// [`MalformedCallback`]: answer 400 and change nothing. It was not written by Keap, or not for us.
    pub fn parse(query: &str) -> Result<Self, MalformedCallback> {
        let (mut state, mut code, mut error) = (None, None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                _ => continue,
            };
            if value.len() > LONGEST {
                return Err(MalformedCallback::TooLong);
            }
            if slot.replace(value.into_owned()).is_some() {
                return Err(MalformedCallback::Repeated);
            }
        }
        let state = filled(state).map(State::new).ok_or(MalformedCallback::NoState)?;
        let message = match (filled(code), filled(error)) {
            (Some(_), Some(_)) => return Err(MalformedCallback::TwoMessages),
            (None, None) => return Err(MalformedCallback::NoMessage),
            (Some(code), None) => Message::Granted(AuthorizationCode::new(code)),
            (None, Some(error)) => Message::Refused(Refusal::from_word(&error)),
        };
        Ok(Self { state, message })
    }
}

fn filled(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(query: &str) -> MalformedCallback {
        Callback::parse(query).unwrap_err()
    }

    #[test]
    fn a_grant_as_keap_sends_it() {
        let callback = Callback::parse("code=abc&scope=full%7Cab123.infusionsoft.com&state=XYZ").unwrap();
        assert_eq!(callback.state.expose(), "XYZ");
        let Message::Granted(code) = callback.message else { panic!("{callback:?}") };
        assert_eq!(code.expose(), "abc");
    }

    #[test]
    fn a_denial_as_keap_sends_it() {
        let query = "state=s&error=access_denied&error_uri=https%3A%2F%2Fdeveloper.infusionsoft.com%2F\
                     &error_description=User+denied+access+to+resource";
        let callback = Callback::parse(query).unwrap();
        assert!(matches!(callback.message, Message::Refused(Refusal::AccessDenied)));
        assert!(Refusal::AccessDenied.explanation().contains("client id"));
    }

    #[test]
    fn what_keap_never_sends_is_malformed() {
        assert_eq!(malformed(""), MalformedCallback::NoState);
        assert_eq!(malformed("code=a"), MalformedCallback::NoState);
        assert_eq!(malformed("code=a&state="), MalformedCallback::NoState);
        assert_eq!(malformed("state=s"), MalformedCallback::NoMessage);
        assert_eq!(malformed("state=s&code="), MalformedCallback::NoMessage);
        assert_eq!(malformed("state=s&code=a&error=access_denied"), MalformedCallback::TwoMessages);
        assert_eq!(malformed("state=s&state=t&code=a"), MalformedCallback::Repeated);
        assert_eq!(malformed("state=s&code=a&code=b"), MalformedCallback::Repeated);
        assert_eq!(malformed(&format!("state=s&code={}", "a".repeat(3000))), MalformedCallback::TooLong);
    }

    proptest::proptest! {
        #[test]
        fn no_description_reaches_the_explanation(word in ".{0,60}", description in ".{0,200}") {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("state", "s").append_pair("error", &word)
                .append_pair("error_description", &description).finish();
            if let Ok(Callback { message: Message::Refused(refusal), .. }) = Callback::parse(&query) {
                proptest::prop_assert!(!refusal.explanation().contains('<'));
            }
        }
    }
}
