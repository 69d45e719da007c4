//! Addresses that something is sent to.

use url::Url;

use super::origin::is_loopback;
use crate::trouble::Trouble;

/// An https URL, or an http one that stays on this machine.
pub(super) fn web_url(name: &str, text: &str) -> Result<Url, Trouble> {
    let remedy = "write a full URL that begins with https:// (http:// only towards this machine)";
    let url: Url = text.parse().map_err(|_| {
        Trouble::new(name, "is not a URL.", "https:// is missing, or the host has a space", remedy)
    })?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !safe || !url.has_host() {
        return Err(Trouble::new(
            name,
            "is not https.",
            "secrets would travel to another machine in the clear",
            remedy,
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Trouble::new(name, "holds a user name or password.", "it was copied with one", remedy));
    }
    Ok(url)
}
