//! One HTTP request, one answer.
//!
//! The seam between the SDK and the network: [`Transport`] for API calls, [`TokenTransport`] for the token endpoint.
//! [`HttpTransport`] and [`FreshConnections`] are the real ones; tests put their own under the client. What matters most
//! in the answer to a failure is whether the request may have reached the server.

mod fresh;
mod http;
mod tls;

use std::fmt;
use std::sync::Arc;

use ::http::{Request, Response, Uri};
use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};

pub use self::fresh::FreshConnections;
pub use self::http::HttpTransport;

/// Sends a request once.
pub trait Transport: Send + Sync + 'static {
    /// Sends this request, exactly once, and returns the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`TransportError`] says whether the request may have been received. Never resend on
    /// [`Reach::Unknown`] unless repeating the request is harmless.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>>;
}

/// Sends token requests, each on a connection of its own that is open before the request is written.
///
/// Most failures happen while connecting. With the connection made first, they certainly sent nothing.
pub trait TokenTransport: Send + Sync + 'static {
    /// Opens a fresh connection to this server, TLS included.
    ///
    /// # Errors
    /// [`TransportError`] with [`Reach::No`]: nothing was sent.
    fn open(&self, endpoint: &Uri) -> BoxFuture<'static, Result<Box<dyn Line>, TransportError>>;
}

/// An open connection, for one request.
pub trait Line: Send + Sync {
    /// Sends the request, exactly once, and returns the whole answer.
    ///
    /// # Errors
    /// [`TransportError`] says whether the request may have been received.
    fn send(
        self: Box<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>>;
}

/// A [`Transport`] as a [`TokenTransport`]: it opens its connections itself, when the request is sent. For tests.
pub struct OpensLate(Arc<dyn Transport>);

impl OpensLate {
    /// Around this one.
    pub fn new(transport: impl Transport) -> Self {
        Self(Arc::new(transport))
    }
}

impl TokenTransport for OpensLate {
    fn open(&self, _: &Uri) -> BoxFuture<'static, Result<Box<dyn Line>, TransportError>> {
        let line: Box<dyn Line> = Box::new(Late(self.0.clone()));
        Box::pin(ready(Ok(line)))
    }
}

struct Late(Arc<dyn Transport>);

impl Line for Late {
    fn send(
        self: Box<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        self.0.send(request)
    }
}

/// Whether a request got to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Certainly not: no connection was made. Sending again is safe.
    No,
    /// It was sent, or may have been, and no whole answer came.
    Unknown,
    /// It was answered.
    Yes,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub struct TransportError {
    reach: Reach,
    message: String,
}

impl TransportError {
    /// The server cannot have seen the request.
    pub fn not_sent(message: impl Into<String>) -> Self {
        Self { reach: Reach::No, message: message.into() }
    }

    /// The request left, the answer did not arrive whole.
    pub fn no_answer(message: impl Into<String>) -> Self {
        Self { reach: Reach::Unknown, message: message.into() }
    }

    /// Whether the server may have seen the request.
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransportError {}
