//! One HTTP request, one answer.
//!
//! The seam between the SDK and the network. [`HttpTransport`] is the real one; tests put their own under the
//! client. What matters most in the answer to a failure is whether the request may have reached the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;

/// Sends a request once.
pub trait Transport: Send + Sync + 'static {
    /// Sends this request, exactly once, and returns the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`TransportError`] says whether the request may have been received. Never resend on
    /// [`Reach::Unknown`] unless repeating the request is harmless.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, TransportError>>;
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

/// The network, over rustls with Mozilla's roots. Redirects are never followed, nothing is ever resent.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    body_limit: usize,
}

impl HttpTransport {
    /// For API calls: connections are kept and shared, 30 seconds a call, answers up to 32 MiB.
    ///
    /// # Errors
    /// When the TLS set-up fails, which is a defect of the build: report it.
    pub fn for_api() -> Result<Self, TransportError> {
        let settings = reqwest::Client::builder().timeout(Duration::from_secs(30));
        Self::build(settings, 32 << 20)
    }

    /// For the token endpoint: a fresh connection each time, HTTP/1.1, up to 120 seconds for the answer (a late
    /// answer is worth more than a quick failure), answers up to 64 KiB.
    ///
    /// # Errors
    /// When the TLS set-up fails, which is a defect of the build: report it.
    pub fn for_tokens() -> Result<Self, TransportError> {
        let settings =
            reqwest::Client::builder().timeout(Duration::from_mins(2)).pool_max_idle_per_host(0).http1_only();
        Self::build(settings, 64 << 10)
    }

    fn build(settings: reqwest::ClientBuilder, body_limit: usize) -> Result<Self, TransportError> {
        let client = settings
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("keapsake/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| TransportError::not_sent(chain(&error)))?;
        Ok(Self { client, body_limit })
    }
}

impl Transport for HttpTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, TransportError>> {
        let Self { client, body_limit } = self.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|error| TransportError::not_sent(chain(&error)))?;
            let answer = client.execute(request).await.map_err(|error| failure(&error))?;
            read_whole(answer, body_limit).await
        })
    }
}

async fn read_whole(
    mut answer: reqwest::Response,
    limit: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let mut whole = http::Response::new(Bytes::new());
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::no_answer(format!("the answer is longer than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    *whole.body_mut() = body.freeze();
    Ok(whole)
}

fn failure(error: &reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        return TransportError::not_sent(chain(error));
    }
    TransportError::no_answer(chain(error))
}

/// The error with its causes, without the URL: a URL can carry what should not be in a log.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        words.insert(0, "no answer in time".into());
    }
    if words.is_empty() {
        words.push("the HTTP client gave up".into());
    }
    words.join(": ")
}

/// An explicit provider and root list: a library installs no process-wide default.
fn tls() -> Result<rustls::ClientConfig, TransportError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::not_sent(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
