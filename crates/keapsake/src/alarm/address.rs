//! Addresses that alarms and heartbeats are sent to. Often whoever knows one can call it, so they are never shown.

use http::Uri;
use url::Url;

use crate::oauth::is_loopback;

/// Plain HTTP to somewhere that is not this machine, or not a web address. Does not repeat it: it can be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address must begin with https:// (only one of this machine may be http)")]
pub struct UnsafeAddress;

/// The address, if nobody on the way can read what is sent there.
pub(super) fn checked(url: &Url) -> Result<Uri, UnsafeAddress> {
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    if !is_safe {
        return Err(UnsafeAddress);
    }
    url.as_str().parse().map_err(|_| UnsafeAddress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        let table = [
            ("https://hooks.example.com/x", true),
            ("http://127.0.0.1:9/x", true),
            ("http://localhost/x", true),
            ("http://hooks.example.com/x", false),
            ("ftp://127.0.0.1/x", false),
            ("file:///etc/passwd", false),
        ];
        for (url, is_good) in table {
            assert_eq!(checked(&Url::parse(url).unwrap()).is_ok(), is_good, "{url}");
        }
        assert!(!UnsafeAddress.to_string().contains("example"));
    }
}
