//! The built-in local Keap, started beside ButtonPush when no real one is configured.

use std::fmt;
use std::sync::Arc;

use keapsake::{Clock, SystemClock};

use crate::config::{Config, Keap};
#[cfg(not(feature = "sandbox"))]
use crate::trouble::Trouble;

/// A local Keap that runs.
pub struct Sandbox {
    /// Where it is.
    pub url: String,
    /// Who can sign in there, and with which password.
    pub sign_in: (String, String),
    #[cfg(feature = "sandbox")]
    running: keap_sandbox::Sandbox,
}

/// Keap's time: the sandbox's, or without one the machine's.
pub fn keap_clock(sandbox: Option<&Sandbox>) -> Arc<dyn Clock> {
    sandbox.map_or_else(|| Arc::new(SystemClock) as Arc<dyn Clock>, Sandbox::clock)
}

#[cfg(feature = "sandbox")]
mod built_in {
    use anyhow::Context as _;
    use futures_util::future::BoxFuture;
    use jiff::Timestamp;
    use keap_sandbox::SandboxClock;
    use keapsake::clock::until;

    use super::{Arc, Clock, Config, Keap, Sandbox};

    /// The sandbox's file in the data directory: a restart of ButtonPush must not lose the connection.
    const FILE: &str = "sandbox.db";

    /// The sandbox's time, so that a day that passes there passes for the connection too.
    struct OnSandboxTime(SandboxClock);

    impl Clock for OnSandboxTime {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
            let mut jumped = self.0.jumped();
            let left = until(self.0.now(), at);
            Box::pin(async move {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    _ = jumped.changed() => {}
                }
            })
        }
    }

    impl Sandbox {
        /// Starts the sandbox if the settings ask for it.
        pub async fn start_if_wanted(config: &Config) -> anyhow::Result<Option<Self>> {
            let Keap::Sandbox { listen, redirect_uri } = &config.keap else { return Ok(None) };
            let builder = keap_sandbox::Sandbox::builder().listen(*listen).data(config.data.join(FILE));
            let builder = match redirect_uri {
                Some(uri) => builder.redirect_uri(uri.as_str()),
                None => builder,
            };
            let running = builder.start().await.context("the built-in sandbox cannot be started")?;
            let sign_in = ("owner@example.com".to_owned(), "sandbox".to_owned());
            Ok(Some(Self { url: running.url().to_owned(), sign_in, running }))
        }

        pub(super) fn clock(&self) -> Arc<dyn Clock> {
            Arc::new(OnSandboxTime(self.running.clock()))
        }

        /// Lets its requests finish and closes its file.
        pub async fn stop(self) {
            self.running.shutdown().await;
        }
    }
}

#[cfg(not(feature = "sandbox"))]
impl Sandbox {
    /// This build has no sandbox, so a real Keap is needed.
    #[expect(clippy::unused_async, reason = "the build with the sandbox waits for it")]
    pub async fn start_if_wanted(config: &Config) -> anyhow::Result<Option<Self>> {
        if !matches!(config.keap, Keap::Sandbox { .. }) {
            return Ok(None);
        }
        Err(Trouble::new(
            "KEAP_CLIENT_ID",
            "is missing, and this build has no built-in sandbox.",
            "it is a production build, made with --no-default-features",
            "set KEAP_CLIENT_ID and KEAP_CLIENT_SECRET (or KEAP_API_KEY), or use a build with the sandbox",
        )
        .into())
    }

    #[expect(clippy::unused_self, reason = "the build with the sandbox has its clock")]
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    /// Nothing runs.
    #[expect(clippy::unused_async, reason = "the build with the sandbox waits for it")]
    pub async fn stop(self) {}
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, password) = &self.sign_in;
        write!(f, "{}  (sign in as {user} / {password})", self.url)
    }
}
