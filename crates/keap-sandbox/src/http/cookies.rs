//! The one cookie of the sign-in pages.

use http::{HeaderMap, HeaderValue, header};

const NAME: &str = "keap_sandbox_session";

/// The session cookie of a request.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// Sets the session cookie: for these pages only, out of reach of scripts, and sent along when a client's link leads
/// here.
pub(super) fn set(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{NAME}={value}; Path=/app/oauth; HttpOnly; SameSite=Lax")).ok()
}
