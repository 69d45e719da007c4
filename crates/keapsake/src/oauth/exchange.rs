//! The first pair of tokens for a code (RFC 6749 section 4.1.3).

use bytes::Bytes;

use super::Application;
use crate::secret::{AuthorizationCode, PkceVerifier};

/// The request that spends a code.
///
/// Keap wants the credentials in the body here, and an `Authorization` header breaks the exchange.
pub fn request(
    application: &Application,
    code: &AuthorizationCode,
    verifier: Option<&PkceVerifier>,
) -> http::Request<Bytes> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", &application.client_id),
        ("client_secret", application.client_secret.expose()),
        ("code", code.expose()),
        ("redirect_uri", application.redirect_uri.as_str()),
    ];
    if let Some(verifier) = verifier {
        form.push(("code_verifier", verifier.expose()));
    }
    super::refresh::post(application, &form)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::oauth::Endpoints;
    use crate::secret::ClientSecret;

    pub(crate) fn application() -> Application {
        Application::at(
            Endpoints::under("http://127.0.0.1:8100").unwrap(),
            "the-id",
            ClientSecret::new("s/c+r%t:x"),
            "http://127.0.0.1:8080/admin/keap/callback",
        )
        .unwrap()
    }

    #[test]
    fn the_exchange_as_keap_wants_it() {
        let request = request(&application(), &AuthorizationCode::new("c d"), None);
        assert_eq!(request.uri(), "http://127.0.0.1:8100/token");
        assert!(!request.headers().contains_key("authorization"));
        assert_eq!(
            request.body(),
            "grant_type=authorization_code&client_id=the-id&client_secret=s%2Fc%2Br%25t%3Ax&code=c+d\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fadmin%2Fkeap%2Fcallback"
        );
    }

    #[test]
    fn the_verifier_goes_along_when_there_is_one() {
        let verifier = PkceVerifier::new("v");
        let request = request(&application(), &AuthorizationCode::new("c"), Some(&verifier));
        assert!(request.body().ends_with(b"&code_verifier=v"));
    }
}
