//! Settings: read once at the edge, from the environment and a file, and parsed into types.
//!
//! Nothing behind this module looks at a variable. A wrong, unknown, doubled or unsafe setting stops the start with a
//! [`Trouble`] that names it.

mod alarms;
mod keap;
mod network;
mod origin;
mod policy;
mod secret;
mod settings;
mod sources;
mod storage;
mod web_url;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use url::Url;

pub use alarms::{Alarms, Command, Webhook};
pub use keap::{CALLBACK_PATH, Keap, KeapApplication};
pub use origin::Origin;
pub use policy::Policy;
pub use settings::SETTINGS;
pub use sources::Sources;

use crate::trouble::Trouble;

/// Everything ButtonPush has to be told.
#[derive(Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data: PathBuf,
    /// The SQLite file, inside the data directory.
    pub database_file: PathBuf,
    /// The key that seals what the SDK stores.
    pub key_file: PathBuf,
    /// Where Keap's answers are kept before they are read.
    pub journal: PathBuf,
    /// How Keap is reached.
    pub keap: Keap,
    /// What is known of how Keap treats a refresh token that comes twice.
    pub policy: Policy,
    /// Who hears of trouble with the connection.
    pub alarms: Alarms,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpAddr>,
    /// Sign-ups from one network in an hour before it has to wait.
    pub sign_ups_per_hour: u32,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub log: String,
    /// The origin that people see, where it was given; see [`Config::public_origin`].
    pub public_url: Option<Origin>,
}

impl Config {
    /// Collects, parses and cross-checks the settings.
    pub fn load(sources: Sources) -> Result<Self, Trouble> {
        let mut settings = sources.collect()?;
        let network = network::Network::parse(&mut settings)?;
        let keap = Keap::parse(&mut settings, &network)?;
        if let Keap::ApiKey { .. } = keap {
            Alarms::refuse(&settings)?;
            Policy::refuse(&settings)?;
        }
        let storage = storage::Storage::parse(&mut settings)?;
        let config = Self {
            listen: network.listen,
            data: storage.data,
            database_file: storage.database_file,
            key_file: storage.key_file,
            journal: storage.journal,
            policy: Policy::parse(&mut settings)?,
            alarms: Alarms::parse(&mut settings)?,
            trusted_proxies: network.trusted_proxies,
            sign_ups_per_hour: network.sign_ups_per_hour,
            log: storage.log,
            public_url: network.public_url.or_else(|| keap.redirect_uri().and_then(Origin::of)),
            keap,
        };
        config.refuse_public_plain_http()?;
        Ok(config)
    }

    /// The origin that people see, once the listener has its port.
    pub fn public_origin(&self, bound: SocketAddr) -> Origin {
        self.public_url.clone().unwrap_or_else(|| Origin::of_listener(bound))
    }

    /// Where Keap sends the administrator back, once the listener has its port.
    pub fn redirect_uri(&self, bound: SocketAddr) -> Result<Url, url::ParseError> {
        match self.keap.redirect_uri() {
            Some(given) => Ok(given.clone()),
            None => Url::parse(self.public_origin(bound).as_str())?.join(CALLBACK_PATH),
        }
    }

    /// What works, but perhaps not as it was meant.
    pub fn advice(&self) -> Option<&'static str> {
        let behind_proxy =
            self.listen.ip().is_loopback() && self.public_url.as_ref().is_some_and(Origin::is_https);
        (behind_proxy && self.trusted_proxies.is_empty()).then_some(
            "https ends at a proxy on this machine, and BUTTONPUSH_TRUSTED_PROXIES is not set: all visitors look \
             like one network, and somebody who guesses passwords slows down everybody. Set it to the proxy's \
             address, as 127.0.0.1, if the proxy adds the visitor's address to X-Forwarded-For.",
        )
    }

    /// Passwords must not cross a network in the clear: whoever listens beyond this machine needs https in front.
    fn refuse_public_plain_http(&self) -> Result<(), Trouble> {
        let encrypted = self.public_url.as_ref().is_some_and(Origin::is_https);
        if self.listen.ip().is_loopback() || encrypted {
            return Ok(());
        }
        Err(Trouble::new(
            "BUTTONPUSH_LISTEN",
            "is reachable from other machines, but there is no https address for people.",
            "it was opened for a container or another machine, where passwords would travel unencrypted",
            "listen on 127.0.0.1, or put a proxy with https in front and set BUTTONPUSH_PUBLIC_URL to its https:// address",
        ))
    }
}

#[cfg(test)]
mod tests;
