//! The next pair of tokens (RFC 6749 section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::Application;
use crate::secret::RefreshToken;

/// Where the request goes.
pub fn endpoint(application: &Application) -> http::Uri {
    // A parsed web address is always a valid URI.
    application.endpoints.token.as_str().parse().unwrap_or_default()
}

/// The request that spends a refresh token. It must be sent at most once.
///
/// Keap wants the credentials as `Basic` here, raw: its samples and its own SDK do not percent-encode them as
/// RFC 6749 section 2.3.1 asks.
pub fn request(application: &Application, refresh_token: &RefreshToken) -> http::Request<Bytes> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    let mut request = post(application, &form);
    let credentials = format!("{}:{}", application.client_id, application.client_secret.expose());
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    // Base64 is always a valid header value.
    if let Ok(mut value) = HeaderValue::from_str(&basic) {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    request
}

/// A form for the token endpoint.
pub(super) fn post(application: &Application, form: &[(&str, &str)]) -> http::Request<Bytes> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = http::Request::new(Bytes::from(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = endpoint(application);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::exchange::tests::application;

    #[test]
    fn the_refresh_as_keap_wants_it() {
        let request = request(&application(), &RefreshToken::new("r+t"));
        let basic = request.headers()[AUTHORIZATION].to_str().unwrap();
        let decoded = STANDARD.decode(basic.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(decoded, b"the-id:s/c+r%t:x");
        assert_eq!(request.body(), "grant_type=refresh_token&refresh_token=r%2Bt");
        assert!(!request.uri().to_string().contains("the-id"));
    }
}
