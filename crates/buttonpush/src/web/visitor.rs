//! Where a request comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;

use crate::accounts::Network;
use crate::app::Site;

/// The other end of the connection; the server puts it on every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The network of the visitor.
#[derive(Debug, Clone, Copy)]
pub(super) struct VisitorNetwork(pub(super) Network);

impl<S> FromRequestParts<S> for VisitorNetwork
where
    Arc<Site>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let site = Arc::<Site>::from_ref(state);
        Ok(Self(address(parts, &site).into()))
    }
}

/// The peer, or what a trusted proxy says about it.
///
/// Only the last entry of the last header counts: that one the proxy has written, the others anybody can send.
fn address(parts: &Parts, site: &Site) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |Peer(peer)| peer.ip());
    if !site.trusted_proxies.contains(&peer.to_canonical()) {
        return peer;
    }
    let last = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let said = last.and_then(|line| line.to_str().ok()).and_then(|line| line.rsplit(',').next());
    said.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}
