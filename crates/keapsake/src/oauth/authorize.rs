//! The address an administrator is sent to (RFC 6749 section 4.1.1).

use url::Url;

use super::Application;
use crate::secret::State;

/// The authorize address for one flow. `challenge` is the S256 challenge when PKCE is on.
///
/// Exactly `response_type=code` and the one scope Keap has, `full`, are asked for.
pub fn url(application: &Application, state: &State, challenge: Option<&str>) -> Url {
    let mut url = application.endpoints.authorize.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &application.client_id)
        .append_pair("redirect_uri", application.redirect_uri.as_str())
        .append_pair("response_type", "code")
        .append_pair("scope", "full")
        .append_pair("state", state.expose());
    if let Some(challenge) = challenge {
        url.query_pairs_mut()
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::exchange::tests::application;

    #[test]
    fn the_parameters_are_exactly_these() {
        let url = url(&application(), &State::new("s t"), None);
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["client_id", "redirect_uri", "response_type", "scope", "state"]);
        assert!(url.as_str().starts_with("http://127.0.0.1:8100/app/oauth/authorize?"));
        assert!(url.query().unwrap().contains("scope=full&state=s+t"));
    }

    #[test]
    fn pkce_adds_its_two() {
        let url = url(&application(), &State::new("s"), Some("abc"));
        assert!(url.query().unwrap().ends_with("code_challenge=abc&code_challenge_method=S256"));
    }
}
