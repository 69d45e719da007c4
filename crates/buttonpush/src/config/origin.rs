//! The scheme, host and port that browsers compare.

use std::fmt;
use std::net::SocketAddr;

use url::{Host, Url};

/// A web origin in the spelling that browsers send: `https://push.example.com`, `http://127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin of a page at this URL; `None` unless it is http or https with a host.
    pub fn of(url: &Url) -> Option<Self> {
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        web.then(|| Self(url.origin().ascii_serialization()))
    }

    /// The plain-http origin of a listener on this machine.
    pub fn of_listener(address: SocketAddr) -> Self {
        match address.port() {
            80 => Self(format!("http://{}", HostOf(address))),
            port => Self(format!("http://{}:{port}", HostOf(address))),
        }
    }

    /// The origin as browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port, as a browser writes them into `Host`.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether pages of this origin travel encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes an address without its port, IPv6 in brackets.
struct HostOf(SocketAddr);

impl fmt::Display for HostOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SocketAddr::V4(address) => write!(f, "{}", address.ip()),
            SocketAddr::V6(address) => write!(f, "[{}]", address.ip()),
        }
    }
}

/// Whether the host of this URL is this machine and nothing else.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_spelled_as_browsers_do() {
        let of = |url: &str| Origin::of(&url.parse().unwrap()).map(|origin| origin.0);
        assert_eq!(of("https://Push.Example.com:443/a?b"), Some("https://push.example.com".into()));
        assert_eq!(of("http://127.0.0.1:8080/"), Some("http://127.0.0.1:8080".into()));
        assert_eq!(of("mailto:a@example.com"), None);
        assert_eq!(of("file:///etc/hosts"), None);
        assert_eq!(Origin::of_listener("[::1]:8080".parse().unwrap()).0, "http://[::1]:8080");
        assert_eq!(Origin::of_listener("127.0.0.1:80".parse().unwrap()).0, "http://127.0.0.1");
    }
}
