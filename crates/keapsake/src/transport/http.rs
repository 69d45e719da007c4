//! API calls, over a shared pool of connections.

use std::time::Duration;

use ::http::{Request, Response};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;

use super::{Transport, TransportError, tls};

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

    fn build(settings: reqwest::ClientBuilder, body_limit: usize) -> Result<Self, TransportError> {
        let client = settings
            .tls_backend_preconfigured(tls::config()?)
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
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        let Self { client, body_limit } = self.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|error| TransportError::not_sent(chain(&error)))?;
            let answer = client.execute(request).await.map_err(|error| failure(&error))?;
            read_whole(answer, body_limit).await
        })
    }
}

async fn read_whole(mut answer: reqwest::Response, limit: usize) -> Result<Response<Bytes>, TransportError> {
    let mut whole = Response::new(Bytes::new());
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
