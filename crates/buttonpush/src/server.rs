//! The listener: one task for each connection, with limits, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::trouble::Trouble;
use crate::web::Peer;

/// How long the head of a request may take, which is also how long an idle connection is kept.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(15);

/// How many connections are open at once; more wait until one closes.
const CONNECTIONS_MAX: usize = 2_048;

/// How long requests may take to finish after the stop was asked for.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// Pause after the system has refused to accept, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes the port, or says who else has it.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address).await.map_err(|error| {
        let likely = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there, perhaps another ButtonPush",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege",
            _ => "the address does not belong to this machine",
        };
        Trouble::new(
            "BUTTONPUSH_LISTEN",
            format!("({address}) cannot be listened on: {error}."),
            likely,
            "stop the other program, or set BUTTONPUSH_LISTEN to another port (127.0.0.1:0 takes a free one)",
        )
    })
}

/// Serves until the stop is asked for, then lets requests finish.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = GracefulShutdown::new();
    while let Some((stream, peer, slot)) = accept(&listener, &slots, &stop).await {
        serve_connection(stream, peer, slot, router.clone(), &connections);
    }
    drop(listener);
    if tokio::time::timeout(STOPS_WITHIN, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// The next connection, or nothing when the stop was asked for.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, peer) = listener.accept().await?;
            Ok::<_, io::Error>((stream, peer, slot))
        };
        let accepted = stop.run_until_cancelled(next).await?;
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
    router: Router,
    connections: &GracefulShutdown,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_ARRIVES_WITHIN);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(error, "a connection ended early");
        }
        drop(slot);
    });
}
