//! Everything that can go wrong at the token endpoint, in Keap's own shapes.

use http::StatusCode;
use serde_json::{Value, json};

/// Why no tokens were issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No usable `grant_type`. Observed text; the status is assumed.
    NoGrantType,
    /// A parameter came twice (RFC 6749, 3.2).
    RepeatedParameter,
    /// Observed for an unknown client id, and also for an empty refresh token.
    UnknownClient,
    /// Assumed.
    WrongSecret,
    /// Observed in 2020, whatever was wrong with the code.
    BadCode,
    /// Observed since 2020.
    BadRefreshToken,
    /// The same until 2019.
    BadRefreshTokenOlder,
    /// The data file could not be written.
    NotSaved,
}

impl Problem {
    pub(super) fn shape(self) -> (StatusCode, Value) {
        let oauth = |error: &str, text: &str| json!({"error": error, "error_description": text});
        match self {
            Self::NoGrantType => {
                (StatusCode::BAD_REQUEST, oauth("invalid_request", "response_type or grant_type is required"))
            }
            Self::RepeatedParameter => {
                (StatusCode::BAD_REQUEST, oauth("invalid_request", "A parameter was sent more than once"))
            }
            // The `{0}` is literal on the wire.
            Self::UnknownClient => (
                StatusCode::UNAUTHORIZED,
                json!({"fault": {
                    "faultstring": "Invalid client identifier {0}",
                    "detail": {"errorcode": "oauth.v2.InvalidClientIdentifier"},
                }}),
            ),
            Self::WrongSecret => {
                (StatusCode::UNAUTHORIZED, oauth("invalid_client", "Invalid client credentials"))
            }
            Self::BadCode => (
                StatusCode::UNAUTHORIZED,
                oauth("invalid_grant", "Unable to authenticate username and password"),
            ),
            Self::BadRefreshToken => {
                (StatusCode::BAD_REQUEST, oauth("invalid_request", "Invalid Refresh Token"))
            }
            Self::BadRefreshTokenOlder => {
                (StatusCode::BAD_REQUEST, oauth("invalid_grant", "Invalid refresh token"))
            }
            Self::NotSaved => (
                StatusCode::INTERNAL_SERVER_ERROR,
                oauth("server_error", "The sandbox could not write its data file"),
            ),
        }
    }
}
