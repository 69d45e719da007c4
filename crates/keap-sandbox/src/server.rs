//! The listener and its connections.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::{App, Dropped};

/// A client that has not sent its headers by then is not a client.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long open requests may take to end when the sandbox stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets open requests end.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, mostly. A moment later it may be better.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Small answers should leave at once; a socket that cannot do this works all the same.
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        let service = service_fn(move |request| {
            let app = app.clone();
            // A task of its own, because a client that hangs up must not stop what it asked for halfway: the change, the
            // record of the fault and the log belong together.
            let answer = tokio::spawn(async move { app.answer(request).await });
            async move { answer.await.unwrap_or(Err(Dropped)) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // A connection ends in an error when the client goes away or a fault closes it: nothing to report.
            let _ = connection.await;
            Ok::<(), Infallible>(())
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, open.shutdown()).await;
}
