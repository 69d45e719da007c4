//! What a client asks for in the browser, and the code it gets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::accounts::host_of;
use super::records::RecordKey;
use super::secret::{TokenHash, token};
use super::settings::PkceMode;
use super::world::World;

/// A checked authorization request: client and redirect URI are known to be good.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// Comes back on the redirect, also when it was not sent (observed: as an empty `state=`).
    pub(crate) state: String,
    pub(crate) challenge: Option<Challenge>,
    /// Only with observed laxity: the client is unknown, so that nothing but a refusal can come out.
    pub(crate) invalid_client: bool,
}

/// A PKCE code challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) value: String,
    pub(crate) hashed: bool,
}

/// A request that cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AuthorizeRefused {
    /// Nobody can be told but the person in front of the browser.
    Page(&'static str),
    /// The client can be told, by a redirect.
    Redirect { to: String },
}

/// Parameters as they came in. `None` means absent; a parameter sent twice never gets here.
#[derive(Default)]
pub(crate) struct AuthorizeParameters<'a> {
    pub(crate) client_id: Option<&'a str>,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) response_type: Option<&'a str>,
    pub(crate) scope: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    pub(crate) code_challenge: Option<&'a str>,
    pub(crate) code_challenge_method: Option<&'a str>,
}

/// A code on its way back to the client, or already used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) user: String,
    pub(crate) account: String,
    pub(crate) expires_at: Timestamp,
    /// Set by the first use, so that a second one can revoke what the first brought.
    pub(crate) grant: Option<u64>,
    pub(crate) used: bool,
}

impl World {
    /// Checks an authorization request.
    pub(crate) fn check_authorization(
        &self,
        asked: &AuthorizeParameters<'_>,
    ) -> Result<AuthorizationRequest, AuthorizeRefused> {
        let like_keap = self.settings.like_keap;
        let client_id = asked.client_id.unwrap_or_default();
        let known = self.clients.exists(client_id);
        if !known && !like_keap {
            return Err(AuthorizeRefused::Page(UNKNOWN_CLIENT));
        }
        let redirect_uri = asked.redirect_uri.unwrap_or_default();
        if !self.clients.may_redirect_to(redirect_uri, like_keap) {
            return Err(AuthorizeRefused::Page(BAD_REDIRECT_URI));
        }
        let state = asked.state.unwrap_or_default();
        let refuse = |error, description| {
            Err(AuthorizeRefused::Redirect { to: refusal(redirect_uri, state, error, description) })
        };
        // Documented: `code` and `full` are the only values and the defaults.
        if asked.response_type.is_some_and(|kind| kind != "code") {
            return refuse("unsupported_response_type", "Only response_type=code is supported");
        }
        if asked.scope.is_some_and(|scope| !scope.is_empty() && scope != "full") {
            return refuse("invalid_scope", "The only scope is full");
        }
        let challenge = match self.challenge(asked) {
            Ok(challenge) => challenge,
            Err(description) => return refuse("invalid_request", description),
        };
        Ok(AuthorizationRequest {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: state.to_owned(),
            challenge,
            invalid_client: !known,
        })
    }

    fn challenge(&self, asked: &AuthorizeParameters<'_>) -> Result<Option<Challenge>, &'static str> {
        if self.settings.pkce == PkceMode::Ignored {
            return Ok(None);
        }
        let strict = self.settings.pkce == PkceMode::Strict;
        let Some(value) = asked.code_challenge.filter(|value| !value.is_empty()) else {
            return if strict { Err("code_challenge is required") } else { Ok(None) };
        };
        let hashed = match asked.code_challenge_method.unwrap_or("plain") {
            "S256" => true,
            "plain" if !strict => false,
            _ => return Err("code_challenge_method is not supported"),
        };
        let well_formed = (43..=128).contains(&value.len()) && value.bytes().all(is_unreserved);
        if !well_formed {
            return Err("code_challenge is malformed");
        }
        Ok(Some(Challenge { value: value.to_owned(), hashed }))
    }

    /// The person pressed Allow: issues a code and says where to send it.
    pub(crate) fn allow(
        &mut self,
        now: Timestamp,
        request: &AuthorizationRequest,
        user: &str,
        account: &str,
    ) -> String {
        if request.invalid_client {
            // Observed in 2017: Allow on the "Invalid Client" page sends the same refusal as Deny.
            return denial(&request.redirect_uri, &request.state);
        }
        let code = token(24);
        let hash = TokenHash::of(&code);
        self.forget_old_codes(now);
        self.codes.insert(
            hash,
            Code {
                client_id: request.client_id.clone(),
                redirect_uri: request.redirect_uri.clone(),
                challenge: request.challenge.clone(),
                user: user.to_owned(),
                account: account.to_owned(),
                expires_at: now + Duration::from_secs(self.settings.code_seconds.into()),
                grant: None,
                used: false,
            },
        );
        self.touched.add(RecordKey::Code(hash));
        let scope = format!("full|{}", host_of(account));
        with_query(&request.redirect_uri, &[("code", &code), ("scope", &scope), ("state", &request.state)])
    }

    /// Codes are kept a day beyond their end, so that a late second use is still recognised as one.
    fn forget_old_codes(&mut self, now: Timestamp) {
        let old: Vec<_> = self
            .codes
            .iter()
            .filter(|(_, code)| code.expires_at + Duration::from_hours(24) < now)
            .map(|(hash, _)| *hash)
            .collect();
        for hash in old {
            self.codes.remove(&hash);
            self.touched.add(RecordKey::Code(hash));
        }
    }
}

const UNKNOWN_CLIENT: &str = "The application that sent you here is not registered with this sandbox. Its client id \
     is probably misspelt; the sandbox prints the ids it knows when it starts.";
const BAD_REDIRECT_URI: &str = "The application asked for the answer to be sent to an address that is not registered \
     for it. It must be repeated exactly, or be an http address on this computer; nothing was sent.";

/// Where Deny leads. Observed in 2017, parameter for parameter.
pub(crate) fn denial(redirect_uri: &str, state: &str) -> String {
    with_query(
        redirect_uri,
        &[
            ("state", state),
            ("error", "access_denied"),
            ("error_uri", "https://developer.infusionsoft.com/docs/read/Getting_Started_With_OAuth2"),
            ("error_description", "User denied access to resource"),
        ],
    )
}

fn refusal(redirect_uri: &str, state: &str, error: &str, description: &str) -> String {
    with_query(redirect_uri, &[("state", state), ("error", error), ("error_description", description)])
}

fn with_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{query}")
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> AuthorizeParameters<'static> {
        AuthorizeParameters {
            client_id: Some("sandbox-client"),
            redirect_uri: Some("https://app.example/cb"),
            ..AuthorizeParameters::default()
        }
    }

    #[test]
    fn documented_defaults_are_enough() {
        let request = World::sample().check_authorization(&asked()).unwrap();
        assert_eq!(request.state, "");
        assert_eq!(request.challenge, None);
    }

    #[test]
    fn a_bad_client_or_uri_never_leads_to_a_redirect() {
        let world = World::sample();
        for bad in [
            AuthorizeParameters { client_id: Some("nobody"), ..asked() },
            AuthorizeParameters { client_id: None, ..asked() },
            AuthorizeParameters { redirect_uri: None, ..asked() },
            AuthorizeParameters { redirect_uri: Some("http://app.example/cb"), ..asked() },
        ] {
            assert!(matches!(world.check_authorization(&bad), Err(AuthorizeRefused::Page(_))));
        }
    }

    #[test]
    fn other_mistakes_are_told_to_the_client() {
        let world = World::sample();
        let bad = AuthorizeParameters { response_type: Some("token"), state: Some("s"), ..asked() };
        let Err(AuthorizeRefused::Redirect { to }) = world.check_authorization(&bad) else { panic!() };
        assert!(to.starts_with("https://app.example/cb?state=s&error=unsupported_response_type"), "{to}");
    }

    #[test]
    fn denial_is_keaps_own() {
        assert_eq!(
            denial("https://a.example/cb?x=1", ""),
            "https://a.example/cb?x=1&state=&error=access_denied&error_uri=https%3A%2F%2Fdeveloper.infusionsoft.com\
             %2Fdocs%2Fread%2FGetting_Started_With_OAuth2&error_description=User+denied+access+to+resource"
        );
    }
}
