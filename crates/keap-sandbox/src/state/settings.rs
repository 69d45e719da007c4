//! What can be switched while the sandbox runs.

use serde::{Deserialize, Serialize};

/// The switches of a sandbox, as read and written by `/_sandbox/settings`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// How a code challenge is treated.
    pub pkce: PkceMode,
    /// What happens when a spent refresh token is used again.
    pub reuse: ReuseMode,
    /// Life of an access token. Observed: 86,400 s.
    pub access_seconds: u32,
    /// Life of a refresh token, restarted by each use. Documented: 45 days.
    pub refresh_seconds: u32,
    /// Life of an authorization code. Assumed: 60 s.
    pub code_seconds: u32,
    /// Whether the previous access token dies when the pair is rotated. Assumed: yes.
    pub old_access_dies: bool,
    /// Whether a second authorization of the same client, user and account leaves the first alone. Observed: no.
    pub independent_grants: bool,
    /// Whether the laxities seen on the live service are allowed.
    pub like_keap: bool,
    /// Whether a dead refresh token is refused in the words used until 2019.
    pub older_errors: bool,
    /// Throttles and quotas.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pkce: PkceMode::Optional,
            reuse: ReuseMode::Reject,
            access_seconds: 86_400,
            refresh_seconds: 45 * 86_400,
            code_seconds: 60,
            old_access_dies: true,
            independent_grants: false,
            like_keap: false,
            older_errors: false,
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// The observed laxities: no list of redirect URIs, no PKCE, and a code used twice revokes nothing.
    pub(crate) fn like_keap() -> Self {
        Self { like_keap: true, pkce: PkceMode::Ignored, ..Self::default() }
    }
}

/// How a code challenge is treated. Keap documents nothing about PKCE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceMode {
    /// Every authorization needs an `S256` challenge.
    Strict,
    /// A challenge, when sent, must be met; a verifier without a challenge is refused.
    Optional,
    /// Challenge and verifier are not looked at.
    Ignored,
}

/// What happens when a spent refresh token is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReuseMode {
    /// It is refused and nothing else happens. Observed.
    Reject,
    /// It is refused and the grant it belongs to is revoked.
    RevokeFamily,
    /// The latest spent token still works for some seconds and some uses.
    Grace {
        /// How long after it was spent.
        seconds: u32,
        /// How often.
        count: u32,
    },
    /// The latest spent token brings the same answer again.
    Replay,
    /// The latest spent token works until the pair it brought has been used.
    UntilChildUsed,
}

/// Throttles and quotas per credential and per account. `null` means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Of one OAuth client, all its accounts together.
    pub client: ProductLimits,
    /// Of one API key.
    pub key: KeyLimits,
    /// Of one account, all credentials together.
    pub tenant: TenantLimits,
}

macro_rules! limits {
    ($(#[$about:meta])* $name:ident { $($field:ident = $default:expr, $doc:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(#[doc = $doc] pub $field: Option<u32>,)* }
        impl Default for $name {
            fn default() -> Self { Self { $($field: Some($default),)* } }
        }
    };
}

limits! {
    /// Documented: 25 a second, 1,500 a minute, 150,000 a day.
    ProductLimits {
        second = 25, "Calls in one second (spike arrest).";
        minute = 1_500, "Calls in one minute.";
        day = 150_000, "Calls in one day, until 00:00 UTC.";
    }
}
limits! {
    /// Documented: 10 a second, 240 a minute, 30,000 a day.
    KeyLimits {
        second = 10, "Calls in one second (spike arrest).";
        minute = 240, "Calls in one minute.";
        day = 30_000, "Calls in one day, until 00:00 UTC.";
    }
}
limits! {
    /// Documented: 10,000 a minute, 250,000 a day.
    TenantLimits {
        minute = 10_000, "Calls in one minute.";
        day = 250_000, "Calls in one day, until 00:00 UTC.";
    }
}

impl From<KeyLimits> for ProductLimits {
    fn from(key: KeyLimits) -> Self {
        Self { second: key.second, minute: key.minute, day: key.day }
    }
}
