//! What is known of how Keap treats a refresh token that comes twice.

use std::time::Duration;

use super::settings::{Given, Settings, refuse_unused};
use crate::trouble::Trouble;

/// What is known; it decides what follows a renewal without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Nothing was measured.
    #[default]
    Unmeasured,
    /// A renewal ends the old access token, so that one tells whether a renewal was carried out.
    AccessTokenTells,
    /// A spent refresh token is taken again for this long.
    Grace(Duration),
    /// A spent refresh token that comes again ends the connection.
    ReuseRevokes,
}

impl Policy {
    pub(super) fn parse(settings: &mut Settings) -> Result<Self, Trouble> {
        settings.keapsake_policy.take().map_or(Ok(Self::default()), |given| policy(&given))
    }

    pub(super) fn refuse(settings: &Settings) -> Result<(), Trouble> {
        let given = settings.keapsake_policy.as_ref();
        refuse_unused("keapsake_policy", given, "KEAP_API_KEY is set, and a key is not renewed")
    }
}

fn policy(given: &Given) -> Result<Policy, Trouble> {
    let grace = given.text().strip_prefix("grace:").map(|seconds| seconds.parse::<u64>().ok());
    match (given.text(), grace) {
        ("unmeasured", _) => Ok(Policy::Unmeasured),
        ("access-token-tells", _) => Ok(Policy::AccessTokenTells),
        ("reuse-revokes", _) => Ok(Policy::ReuseRevokes),
        (_, Some(Some(seconds @ 1..=86_400))) => Ok(Policy::Grace(Duration::from_secs(seconds))),
        _ => Err(Trouble::new(
            "KEAPSAKE_POLICY",
            "is not one of unmeasured, access-token-tells, grace:<seconds> and reuse-revokes.",
            "a typing mistake, or the seconds are missing, 0 or more than a day",
            "write one of them, as grace:60; without a measurement at Keap remove the setting",
        )),
    }
}
