//! Alarms over HTTP.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Uri};
use url::Url;

use super::Alarm;
use super::address::{self, UnsafeAddress};
use super::channel::{Channel, ChannelError};
use super::signature::{HEADER, sign};
use crate::clock::Clock;
use crate::secret::WebhookSecret;
use crate::transport::Transport;

/// What guards against guessing, in bytes.
const SHORTEST_SECRET: usize = 16;

/// POSTs each alarm as JSON, signed, see [`signature`](super::signature). An answer of 2xx means that it was taken.
pub struct Webhook {
    name: String,
    uri: Uri,
    secret: WebhookSecret,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// Why a webhook cannot be safe as given. Says what to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Others could read what is sent there.
    #[error(transparent)]
    Address(#[from] UnsafeAddress),
    /// The secret is too short to guard anything.
    #[error("the webhook's secret is shorter than 16 bytes; make one with `openssl rand -hex 32`")]
    Secret,
}

impl Webhook {
    /// To this address. `transport` should give up by itself, as [`HttpTransport::for_api`] does.
    ///
    /// [`HttpTransport::for_api`]: crate::transport::HttpTransport::for_api
    ///
    /// # Errors
    /// [`WebhookError`] when it cannot be safe as given; it says what to change.
    pub fn new(
        url: &Url,
        secret: WebhookSecret,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WebhookError> {
        if secret.expose().len() < SHORTEST_SECRET {
            return Err(WebhookError::Secret);
        }
        Ok(Self { name: "webhook".into(), uri: address::checked(url)?, secret, transport, clock })
    }

    /// With another [name](Channel::name) than `webhook`: for more than one.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    async fn post(&self, alarm: &Alarm) -> Result<(), ChannelError> {
        let body = Bytes::from(alarm.to_json());
        // Signed anew for each try: a retry after hours must not look like a repeated call.
        let signature = sign(&self.secret, &body, self.clock.now());
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER, signature)
            .body(body)
            .map_err(|error| ChannelError::new(error.to_string()))?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| ChannelError::new(error.to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(ChannelError::new(format!("the receiver answered {}", answer.status().as_u16())))
    }
}

impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>> {
        Box::pin(self.post(alarm))
    }
}

impl fmt::Debug for Webhook {
    /// Without the address: whoever knows it can often call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}
