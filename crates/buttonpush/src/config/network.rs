//! Settings about where people come from.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::origin::{Origin, is_loopback};
use super::settings::{Given, Settings, shown};
use crate::trouble::Trouble;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const SIGN_UPS_PER_HOUR: u32 = 60;

/// The parsed settings about the network.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) listen: SocketAddr,
    pub(super) public_url: Option<Origin>,
    pub(super) trusted_proxies: Vec<IpAddr>,
    pub(super) sign_ups_per_hour: u32,
}

impl Network {
    pub(super) fn parse(settings: &mut Settings) -> Result<Self, Trouble> {
        Ok(Self {
            listen: address("buttonpush_listen", settings.buttonpush_listen.take())?.unwrap_or(LISTEN),
            public_url: settings.buttonpush_public_url.take().map(|given| public_url(&given)).transpose()?,
            trusted_proxies: match settings.buttonpush_trusted_proxies.take() {
                Some(given) => proxies(&given)?,
                None => Vec::new(),
            },
            sign_ups_per_hour: match settings.buttonpush_sign_ups_per_hour.take() {
                Some(given) => sign_ups(&given)?,
                None => SIGN_UPS_PER_HOUR,
            },
        })
    }
}

/// An address to listen on.
pub(super) fn address(name: &str, given: Option<Given>) -> Result<Option<SocketAddr>, Trouble> {
    let Some(given) = given else { return Ok(None) };
    given.text().parse().map(Some).map_err(|_| {
        Trouble::new(
            shown(name),
            "is not an address with a port.",
            "a host name was given, or the port was left out",
            "write an address as 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one",
        )
    })
}

fn public_url(given: &Given) -> Result<Origin, Trouble> {
    const NAME: &str = "BUTTONPUSH_PUBLIC_URL";
    let trouble = |happened: &str, likely: &str| {
        Trouble::new(NAME, happened, likely, "write it as https://push.example.com, without a path")
    };
    let url: Url = given.text().parse().map_err(|_| trouble("is not a URL.", "https:// is missing"))?;
    let origin =
        Origin::of(&url).ok_or_else(|| trouble("is not an http or https URL.", "https:// is missing"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(trouble(
            "has more than a scheme, a host and a port.",
            "the address of one page was copied; ButtonPush needs a host of its own",
        ));
    }
    if !origin.is_https() && !is_loopback(&url) {
        return Err(trouble(
            "is http, not https.",
            "https ends at a proxy, but this is the address people see, and passwords travel to it",
        ));
    }
    Ok(origin)
}

fn proxies(given: &Given) -> Result<Vec<IpAddr>, Trouble> {
    given.text().split(',').map(|address| address.trim().parse()).collect::<Result<_, _>>().map_err(|_| {
        Trouble::new(
            "BUTTONPUSH_TRUSTED_PROXIES",
            "is not a list of IP addresses.",
            "a host name or a network was given",
            "write the addresses the proxy connects from, as 127.0.0.1, ::1",
        )
    })
}

fn sign_ups(given: &Given) -> Result<u32, Trouble> {
    given.text().parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        Trouble::new(
            "BUTTONPUSH_SIGN_UPS_PER_HOUR",
            "is not a whole number above 0.",
            "it was meant to switch sign-ups off, or has a unit",
            "write a number, as 60",
        )
    })
}
