//! Token requests: a connection of its own for each, opened first, HTTP/1.1, nothing is ever sent twice.
//!
//! A client with a pool may write a request again when the connection it took from the pool turns out to be closed. A
//! refresh token works once, so here there is no pool to take from.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{HOST, HeaderValue, USER_AGENT};
use ::http::uri::Scheme;
use ::http::{Request, Response, Uri};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Line, TokenTransport, Transport, TransportError, tls};

/// For the connection and its TLS.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// For the answer: a late one is worth more than a quick failure.
const ANSWER_TIME: Duration = Duration::from_mins(2);

const LONGEST_ANSWER: usize = 64 << 10;
const TOO_LONG: &str = "the answer is longer than 65536 bytes";

/// The network, for token requests.
#[derive(Clone)]
pub struct FreshConnections {
    tls: TlsConnector,
}

impl FreshConnections {
    /// With Mozilla's roots.
    ///
    /// # Errors
    /// When the TLS set-up fails, which is a defect of the build: report it.
    pub fn new() -> Result<Self, TransportError> {
        Ok(Self { tls: TlsConnector::from(Arc::new(tls::config()?)) })
    }

    async fn connect(self, endpoint: Uri) -> Result<Box<dyn Line>, TransportError> {
        let host = endpoint.host().ok_or_else(|| no_connection("the address has no host"))?.to_owned();
        let is_tls = endpoint.scheme() == Some(&Scheme::HTTPS);
        let port = endpoint.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        // An IPv6 address stands in brackets in an address, and without them here.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = TcpStream::connect((name.as_str(), port)).await.map_err(no_connection)?;
        let _ = stream.set_nodelay(true);
        if !is_tls {
            return handshake(TokioIo::new(stream)).await;
        }
        let name = ServerName::try_from(name).map_err(no_connection)?;
        let stream = self.tls.connect(name, stream).await.map_err(no_connection)?;
        handshake(TokioIo::new(stream)).await
    }
}

impl TokenTransport for FreshConnections {
    fn open(&self, endpoint: &Uri) -> BoxFuture<'static, Result<Box<dyn Line>, TransportError>> {
        let connecting = self.clone().connect(endpoint.clone());
        Box::pin(async {
            timeout(CONNECT_TIME, connecting).await.unwrap_or_else(|_| {
                Err(no_connection(format!("no connection within {} s", CONNECT_TIME.as_secs())))
            })
        })
    }
}

impl Transport for FreshConnections {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        let opening = self.open(request.uri());
        Box::pin(async { opening.await?.send(request).await })
    }
}

struct Open(SendRequest<Full<Bytes>>);

async fn handshake(
    stream: impl Read + Write + Unpin + Send + 'static,
) -> Result<Box<dyn Line>, TransportError> {
    let (sender, connection) = http1::handshake(stream).await.map_err(no_connection)?;
    // It ends with the sender, or with the server's hanging up.
    tokio::spawn(connection);
    Ok(Box::new(Open(sender)))
}

impl Line for Open {
    fn send(
        mut self: Box<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let request = in_origin_form(request)?;
            let exchange = async {
                let answer = self.0.send_request(request).await.map_err(no_answer)?;
                let (head, body) = answer.into_parts();
                let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| {
                    let is_too_long = error.is::<LengthLimitError>();
                    no_answer(if is_too_long { TOO_LONG.to_owned() } else { error.to_string() })
                })?;
                Ok(Response::from_parts(head, body.to_bytes()))
            };
            timeout(ANSWER_TIME, exchange)
                .await
                .unwrap_or_else(|_| Err(no_answer(format!("no answer within {} s", ANSWER_TIME.as_secs()))))
        })
    }
}

/// As it goes over an own connection: the path alone, the host as a header.
fn in_origin_form(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, TransportError> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    head.headers.insert(HOST, HeaderValue::from_str(authority).map_err(no_connection)?);
    let name = HeaderValue::from_static(concat!("keapsake/", env!("CARGO_PKG_VERSION")));
    head.headers.insert(USER_AGENT, name);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(no_connection)?;
    Ok(Request::from_parts(head, Full::new(body)))
}

#[expect(clippy::needless_pass_by_value, reason = "it is made for `map_err`")]
fn no_connection(error: impl ToString) -> TransportError {
    TransportError::not_sent(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it is made for `map_err`")]
fn no_answer(error: impl ToString) -> TransportError {
    TransportError::no_answer(error.to_string())
}
