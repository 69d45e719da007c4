//! Asking the old access token whether a refresh was carried out; see [`policy`](super::policy).

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};

use super::attempt::Came;
use super::keeper::Keeper;
use super::keeper::saving::Change;
use super::record::Position;
use super::step::Event;
use crate::store::StoreError;

/// One cheap call.
const PATH: &str = "/rest/v2/oauth/connect/userinfo";

impl Keeper {
    pub(super) async fn probe(&self) -> Came {
        let outcome = self.ask_access_token().await;
        self.deployment.trouble.store(&outcome);
        if outcome.is_err() { Came::Trouble } else { Came::ToAnEnd }
    }

    /// Whether the access token at hand can still tell something: it has not ended, or Keap has refused it already.
    pub(super) fn can_be_probed(&self) -> bool {
        self.access_header().is_some() || self.refused().is_some()
    }

    async fn ask_access_token(&self) -> Result<(), StoreError> {
        if let Some(position) = self.refused() {
            // A call has heard it.
            let event = Event::Probed { accepted: false };
            let about = Some(position);
            return self.save_and_publish(Change { event: &event, pair: None, ends: None, about }).await;
        }
        let Some((position, request)) = self.probe_request() else { return Ok(()) };
        let event = match self.deployment.api.send(request).await {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => Event::Probed { accepted: false },
            Ok(answer) if answer.status().is_success() => Event::Probed { accepted: true },
            // It told nothing; asked again as one that could not be sent.
            Ok(_) | Err(_) => Event::NotSent { retry_after: None },
        };
        self.save_and_publish(Change { event: &event, pair: None, ends: None, about: Some(position) }).await
    }

    fn probe_request(&self) -> Option<(Position, Request<Bytes>)> {
        let (position, header) = self.access_header()?;
        let api = self.deployment.application.endpoints.api.as_str();
        let address = format!("{}{PATH}", api.trim_end_matches('/'));
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = address.parse().ok()?;
        request.headers_mut().insert(AUTHORIZATION, header);
        Some((position, request))
    }
}
