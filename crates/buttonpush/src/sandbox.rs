//! The built-in local Keap, started beside ButtonPush when no real one is configured.

use std::fmt;

use crate::config::Keap;
use crate::trouble::Trouble;

/// A local Keap that runs.
#[derive(Debug)]
pub struct Sandbox {
    /// Where it is.
    pub url: String,
    /// Who can sign in there, and with which password.
    pub sign_in: (String, String),
}

impl Sandbox {
    /// Starts the sandbox if the settings ask for it.
    #[cfg(feature = "sandbox")]
    #[expect(clippy::unused_async, reason = "the sandbox is not joined yet")]
    pub async fn start_if_wanted(_keap: &Keap) -> Result<Option<Self>, Trouble> {
        Ok(None)
    }

    /// This build has no sandbox, so a real Keap is needed.
    #[cfg(not(feature = "sandbox"))]
    #[expect(clippy::unused_async, reason = "the build with the sandbox waits for it")]
    pub async fn start_if_wanted(keap: &Keap) -> Result<Option<Self>, Trouble> {
        if !matches!(keap, Keap::Sandbox { .. }) {
            return Ok(None);
        }
        Err(Trouble::new(
            "KEAP_CLIENT_ID",
            "is missing, and this build has no built-in sandbox.",
            "it is a production build, made with --no-default-features",
            "set KEAP_CLIENT_ID and KEAP_CLIENT_SECRET (or KEAP_API_KEY), or use a build with the sandbox",
        ))
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, password) = &self.sign_in;
        write!(f, "{}  (sign in as {user} / {password})", self.url)
    }
}
